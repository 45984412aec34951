"""Roles grant what their functions ask for, and nothing else; seen in a stack that is used."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.api_seeding import ApiSeed, seed_api
from embedded.authorization import Gate
from embedded.hosting import FunctionError
from embedded.seeding import (
    FunctionSeed,
    Seed,
    retention_of_log_groups,
    seed_delivery_role,
    seed_functions,
    seed_layer,
    seed_log_groups,
)
from embedded.stacks import seed_stack
from embedded.template import Template, load
from embedded.watching import Role
from steward.controls import taggable
from tests.conformance import grant_checks as checks
from tests.conformance import role_checks
from tests.conformance.stack import Change, altered, instead, put, without

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (checks.grants, checks.own, checks.unscoped)

STATEMENTS = ("Policies", 0, "PolicyDocument", "Statement")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/one"
LIST = {"Sid": "More", "Effect": "Allow", "Action": ["logs:ListLogGroups"], "Resource": "*"}

SUBSCRIBING = {
    "LogDestinationArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
    "LogDestinationRoleArn": "arn:aws:iam::123456789012:role/ships",
    "LogSubscriptionAccountPolicy": "allowed",
}

LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:probe:1"

MANY = 70
"""More log groups than one step of a sweep has time to change, at the pace of a function."""


def policy(here: EmbeddedAccount, control: str, **document: Any) -> None:
    """Give a control a policy; the sweep that this starts has ended."""
    write(here, control, **document)
    here.settle()


def write(here: EmbeddedAccount, control: str, **document: Any) -> None:
    name, text = f"/{here.stack}/policy/{control}", json.dumps(document)
    here.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)


def tagged_resources_are_swept(here: EmbeddedAccount) -> None:
    """In several steps, within an hour's budget; one function vanishes between two sweeps."""
    seed_log_groups([Seed(name=f"/app/{n:03}") for n in range(MANY)], region=here.region)
    seed_functions([FunctionSeed(name="old", runtime="python3.8")], region=here.region)
    policy(here, "log-retention", honor_tags=True, max_changes_per_hour=1000)
    policy(here, "function-runtime", honor_tags=True)
    policy(here, "stream-capacity", honor_tags=True)
    here.client("lambda").delete_function(FunctionName="old")
    here.sweep()


def an_event_is_answered_and_taken_back(here: EmbeddedAccount) -> None:
    here.client("logs").create_log_group(logGroupName="/new", tags={"team": "one"})
    here.settle()
    lines = [line for one in here.host.invocations for line in one.lines]
    ours = [one for one in lines if one.get("control") == "log-retention" and one.get("change")]
    [change] = {one["change"] for one in ours if one.get("resource") == "/new"}
    here.invoke("log-retention", {"undo": change})


def groups_are_subscribed_and_unsubscribed(here: EmbeddedAccount) -> None:
    """Of groups with a tag, to a stream; then of none; in between the whole account."""
    here.client("kinesis").create_stream(StreamName="events", ShardCount=1)
    seed_delivery_role("ships")
    policy(here, "log-subscription", mode="enforce", include={"tags": ["team"]})
    here.sweep()
    policy(here, "log-subscription", mode="enforce", strategy="account")
    policy(here, "log-subscription", mode="enforce", include={"tags": ["nobody"]})


def a_function_gets_a_layer(here: EmbeddedAccount) -> None:
    """One of a stack, by its tag, with an alias."""
    seed_layer("probe", region=here.region)
    tags = {"team": "one", "aws:cloudformation:stack-name": here.stack}
    seed_functions([FunctionSeed(name="orders", tags=tags)], region=here.region)
    functions = here.client("lambda")
    functions.publish_version(FunctionName="orders")
    functions.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    rule = {"layer_arn": LAYER, "include": {"tags": ["team"]}}
    policy(here, "function-layers", mode="enforce", rules=[rule])


def apis_are_limited(here: EmbeddedAccount) -> None:
    """Of both versions; then a route is no more, and its limits are taken away."""
    seed_api(ApiSeed(name="orders", methods=["GET /"]), region=here.region)
    shop = ApiSeed(name="shop", methods=["GET /", "POST /"], protocol="HTTP", stages=["$default"])
    api = seed_api(shop, region=here.region)
    policy(here, "api-throttling", mode="enforce", rate=100, burst=50)
    v2 = here.client("apigatewayv2")
    v2.delete_route(ApiId=api, RouteId=v2.get_routes(ApiId=api)["Items"][0]["RouteId"])
    here.settle()


def apis_are_watched(here: EmbeddedAccount) -> None:
    """By alarms of methods and by dashboards, and then by neither."""
    policy(here, "api-alarms", granularity="method", dashboard=True)
    policy(here, "api-alarms")


def stacks_are_tagged_and_untagged(here: EmbeddedAccount) -> None:
    """One with a resource of every type, in a sweep and after its event; what it lost goes.

    The sweep also looks for tags that rules for all types, and the organization, require.
    """
    place = {"account": here.account, "region": here.region}
    seed_functions([FunctionSeed(name="a")], region=here.region)
    seed_log_groups([Seed(name="a/b")], region=here.region)
    here.client("iam").create_role(RoleName="a", AssumeRolePolicyDocument=TRUST)
    resources = {_physical(form, here): form.kind for form in taggable.forms().values()}
    assert len(resources) == len(taggable.forms())
    arn = seed_stack("all", {"team": "one"}, resources, **place)
    of_stack = {"aws:cloudformation:stack-id": arn}
    here.client("sqs").create_queue(QueueName="plain", tags=of_stack)
    rules = [{"kinds": ["AWS::*"], "keys": {"owner": {}}}]
    write(here, "required-tags", rules=rules, tag_policies=True)
    policy(here, "stack-tags", mode="enforce", allow_keys=["team"], remove_stale=True)
    other = [{"Key": "other", "Value": "x"}]
    here.client("cloudformation").update_stack(StackName="all", TemplateBody=EMPTY, Tags=other)
    here.settle()


PLAIN = {
    "AWS::ApiGateway::RestApi": "b1",
    "AWS::ApiGatewayV2::Api": "b2",
    "AWS::IAM::Role": "a",
    "AWS::Lambda::Function": "a",
    "AWS::Logs::LogGroup": "a/b",
}
"""Names of what must be there, and physical ids of what must not be told by its ARN."""


def _physical(form: taggable.Form, here: EmbeddedAccount) -> str:
    name = PLAIN.get(form.kind, "b")
    if form.kind.startswith(("AWS::ApiGateway", "AWS::Lambda::Function")):
        return name
    text = form.arn.replace("{region}", here.region).replace("{account}", here.account)
    return "arn:aws:" + re.sub(r"\{(name|path)\}", name, text).replace("{version}", "b:1")


EMPTY = '{"Resources": {}}'
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def failures_are_lost(here: EmbeddedAccount) -> None:
    """Of an alias that is invoked asynchronously, and of a queue that feeds it."""
    functions, place = here.client("lambda"), f"{here.region}:{here.account}"
    seed_functions([FunctionSeed(name="lossy")], region=here.region)
    functions.publish_version(FunctionName="lossy")
    functions.create_alias(FunctionName="lossy", Name="live", FunctionVersion="1")
    grant = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    functions.add_permission(FunctionName="lossy", StatementId="topic", **grant)
    end = {"OnFailure": {"Destination": f"arn:aws:sns:{place}:failed"}}
    functions.put_function_event_invoke_config(
        FunctionName="lossy", Qualifier="live", DestinationConfig=end
    )
    here.client("sqs").create_queue(QueueName="lossy")
    functions.create_event_source_mapping(
        FunctionName="lossy", EventSourceArn=f"arn:aws:sqs:{place}:lossy"
    )
    here.settle()


def a_message_is_unreadable(here: EmbeddedAccount) -> None:
    for inbox in (
        "log-retention",
        "log-subscription",
        "api-alarms",
        "api-throttling",
        "function-layers",
        "stack-tags",
        "assessor",
    ):
        url = here.client("sqs").get_queue_url(QueueName=f"{here.stack}-{inbox}")["QueueUrl"]
        here.client("sqs").send_message(QueueUrl=url, MessageBody="no event")
    here.settle()


def an_operator_asks(here: EmbeddedAccount) -> None:
    """Also for what is not there."""
    here.invoke("log-retention", {"look": {"control": "log-retention", "resources": ["/none"]}})
    here.invoke("assessor", {"look": {"control": "function-runtime", "resources": ["none"]}})
    [ours] = [one for one in here.deployment.resources.values() if one.id == "AssessorRole"]
    asked = {"control": "function-role-least-privilege", "resources": [ours.physical_id]}
    here.invoke("assessor", {"look": asked})
    with pytest.raises(FunctionError, match="Invalid"):
        here.invoke("assessor", {"undo": "function-runtime-20260101T000000000000-abcdef"})


def the_dashboard_is_looked_at(here: EmbeddedAccount) -> None:
    """While something is open whose owner is asked for."""
    assert "not in order" in str(here.host.invoke(f"{here.stack}-compliance-widget", {}))


def everything_that_functions_do(here: EmbeddedAccount) -> None:
    here.settle()
    tagged_resources_are_swept(here)
    an_event_is_answered_and_taken_back(here)
    groups_are_subscribed_and_unsubscribed(here)
    apis_are_limited(here)
    apis_are_watched(here)
    a_function_gets_a_layer(here)
    stacks_are_tagged_and_untagged(here)
    failures_are_lost(here)
    a_message_is_unreadable(here)
    an_operator_asks(here)
    the_dashboard_is_looked_at(here)


@pytest.fixture(scope="module")
def used() -> EmbeddedAccount:
    """A stack whose functions did everything that they can do; it is over, but remembers."""
    with EmbeddedAccount({**SUBSCRIBING, "FunctionLayerArns": LAYER}) as here:
        everything_that_functions_do(here)
    return here


SHIPPING = {"LogShipping": "enabled", "StreamMode": "PROVISIONED", "StreamCapacityMode": "enforce"}


def lines_become_metrics(here: EmbeddedAccount) -> None:
    """One costs what its function's architecture does, which is asked for."""
    policy(here, "log-shipper", metrics={"reports": ["EstimatedCost"]})
    seed_functions([FunctionSeed(name="orders", runtime="python3.14")], region=here.region)
    logs, place = here.client("logs"), {"logGroupName": "/aws/lambda/orders"}
    place["logStreamName"] = f"2026/11/20/[$LATEST]{'0' * 32}"
    logs.create_log_group(logGroupName="/aws/lambda/orders")
    here.settle()
    logs.create_log_stream(**place)
    now, request = int(here.clock.now().timestamp() * 1000), "8f5b0d6e-1111-4222-8333-444455556666"
    told = "Duration: 10.74 ms\tBilled Duration: 11 ms\tMemory Size: 128 MB\tMax Memory Used: 56 MB"
    report = {"timestamp": now, "message": f"REPORT RequestId: {request}\t{told}\t\n"}
    logs.put_log_events(**place, logEvents=[report])
    here.settle()


def a_record_is_set_aside_and_redriven(here: EmbeddedAccount) -> None:
    """And with it points that CloudWatch would not take at the time."""
    here.streams.put(f"{here.stack}-logs", "key", b"what nobody can read")
    here.settle()
    call = {"Namespace": "shop", "MetricData": [{"MetricName": "orders", "Value": 1}]}
    line = json.dumps({"kind": "metrics", "reason": "out of time", "call": call}).encode()
    bucket = f"{here.stack}-logs-{here.account}-{here.region}"
    here.client("s3").put_object(Bucket=bucket, Key="parked/a", Body=gzip.compress(line))
    here.invoke("log-shipper", {"redrive": {"prefix": "parked/"}})


def the_stream_grows(here: EmbeddedAccount) -> None:
    policy(here, "stream-capacity", honor_tags=True)
    datum = {
        "MetricName": "IncomingBytes",
        "Dimensions": [{"Name": "StreamName", "Value": f"{here.stack}-logs"}],
        "Timestamp": here.clock.now() - timedelta(minutes=7),
        "Value": 1.9 * 300_000_000,
    }
    here.client("cloudwatch").put_metric_data(Namespace="AWS/Kinesis", MetricData=[datum])
    here.advance(minutes=10, seconds=5)


@pytest.fixture(scope="module")
def shipped() -> EmbeddedAccount:
    """A stack whose log pipeline did everything that it can do."""
    with EmbeddedAccount(SHIPPING) as here:
        here.settle()
        lines_become_metrics(here)
        a_record_is_set_aside_and_redriven(here)
        the_stream_grows(here)
    return here


def test_the_pipeline_uses_its_grants_and_no_others(shipped: EmbeddedAccount) -> None:
    """The shipper, with what Lambda itself does by its role; and whatever scales the stream."""
    gate, roles = shipped.watch.gate, [*shipped.watch.roles.values()]
    found = checks.unused(gate, roles)
    ours = [f"{shipped.stack}-{name}:" for name in ("log-shipper", "stream-capacity")]
    assert [one for one in found if one.startswith(tuple(ours)) or "iam:PassRole" in one] == []
    assert checks.refused(gate, roles) == []
    calls = shipped.server.calls
    asked = ("cloudwatch.PutMetricData", "lambda.ListFunctions", "s3.DeleteObject")
    assert [name for name in (*asked, "kinesis.UpdateShardCount") if not calls[name]] == []


def test_what_the_pipeline_may_not_is_noticed(shipped: EmbeddedAccount) -> None:
    """A grant too many of the shipper, and one too few."""
    gate, roles = shipped.watch.gate, [*shipped.watch.roles.values()]
    [shipper] = [one for one in roles if one.session.endswith("log-shipper")]
    more = checks.extended(shipper, "s3:ListAllMyBuckets")
    fewer = Role(shipper.name, shipper.session, [])
    assert "steward-log-shipper: More s3:ListAllMyBuckets" in checks.unused(gate, [more, *roles])
    assert any("kinesis:GetRecords" in why for why in checks.refused(gate, [fewer]))


def unused(gate: Gate, roles: Sequence[Role]) -> list[str]:
    """But for roles that scenarios of their own use up."""
    elsewhere = ("steward-function-versions:", "steward-compliance-report:")
    return [one for one in checks.unused(gate, roles) if not one.startswith(elsewhere)]


def test_a_stack_that_is_used_does_what_the_test_says(used: EmbeddedAccount) -> None:
    """A sweep of several steps, a change taken back, a dead letter."""
    steps = [one for one in used.host.invocations if one.event.get("sweep", {}).get("cursor")]
    assert steps != []
    assert {str(one.event["sweep"]["control"]) for one in steps} == {
        "log-retention",
        "log-subscription",
    }
    assert used.queue("log-retention-dead-letters").visible == 1


def test_no_call_is_refused(used: EmbeddedAccount) -> None:
    """No grant too few."""
    assert checks.refused(used.watch.gate, [*used.watch.roles.values()]) == []


def test_every_grant_is_used(used: EmbeddedAccount) -> None:
    """No grant too many."""
    assert unused(used.watch.gate, [*used.watch.roles.values()]) == []


def test_a_grant_too_many_is_noticed(used: EmbeddedAccount) -> None:
    """A function's own, and one that all functions share."""
    gate, roles = used.watch.gate, [*used.watch.roles.values()]
    own = [checks.extended(roles[0], "logs:ListLogGroups"), *roles[1:]]
    shared = [checks.extended(role, "xray:GetGroups") for role in roles]
    assert unused(gate, own) == [f"{roles[0].session}: More logs:ListLogGroups"]
    assert unused(gate, shared) == [f"{checks.SHARED}: More xray:GetGroups"]


def test_a_stack_with_other_grants_shows_it() -> None:
    """What is no longer granted is denied, and what nobody asked for stays unused."""
    changes = [
        instead(
            "LogRetentionRole", "logs:PutRetentionPolicy", "logs:PutLogGroupDeletionProtection"
        ),
    ]
    with EmbeddedAccount(template=altered(*changes)) as here:
        here.settle()
        here.client("logs").create_log_group(logGroupName="/new")
        here.settle()
        gate, roles = here.watch.gate, [*here.watch.roles.values()]
        lines = [line for one in here.host.invocations for line in one.lines]
    assert {one["message"] for one in lines if one.get("resource") == "/new"} == {"failed"}
    assert "logs:PutRetentionPolicy on " in checks.refused(gate, roles)[0]
    sid = f"{here.stack}-log-retention: WriteLogGroups"
    assert f"{sid} logs:PutLogGroupDeletionProtection" in checks.unused(gate, roles)


def test_a_stack_without_writes_asks_for_none() -> None:
    """It plans, and is not refused what it is not granted."""
    with EmbeddedAccount({"AllowWrites": "false"}) as here:
        here.settle()
        here.client("logs").create_log_group(logGroupName="/new")
        here.settle()
        found = retention_of_log_groups(region=here.region)
        roles = [*here.watch.roles.values()]
    assert found["/new"] is None
    assert checks.refused(here.watch.gate, roles) == []
    assert {datum.dimensions.get("Fate") for datum in here.host.metrics} >= {"planned"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_roles_have_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


@pytest.mark.parametrize(
    ("check", "change", "problem"),
    [
        pytest.param(
            checks.grants,
            instead("AssessorRole", "lambda:ListFunctions", "lambda:GetFunction"),
            "AssessorRole: lambda:GetFunction is granted only, with AllowWrites true",
            id="what no control declares",
        ),
        pytest.param(
            checks.grants,
            without("AssessorRole", *STATEMENTS, 2),
            "AssessorRole: lambda:ListFunctions is declared only, with AllowWrites false",
            id="what a control declares",
        ),
        pytest.param(
            checks.grants,
            instead("LogRetentionRole", "Writes", "HasKey", *STATEMENTS),
            "LogRetentionRole: logs:PutRetentionPolicy is declared only, with AllowWrites true",
            id="writes that nobody can allow",
        ),
        pytest.param(
            checks.own,
            put("AssessorRole", *STATEMENTS, 0, "Resource", value="*"),
            "AssessorRole: OwnLogs is not as it should be",
            id="logs of others",
        ),
        pytest.param(
            checks.own,
            instead("LogRetentionRole", "sqs:GetQueueUrl", "sqs:PurgeQueue", *STATEMENTS),
            "LogRetentionRole: Inbox is not as it should be",
            id="more than reading an inbox",
        ),
        pytest.param(
            checks.own,
            put("AssessorRole", "ManagedPolicyArns", value=["arn:aws:iam::aws:policy/ReadOnly"]),
            "AssessorRole: is not attached Common, and nothing else",
            id="a policy of AWS",
        ),
        pytest.param(
            checks.unscoped,
            put("LogRetentionRole", *STATEMENTS, 4, "Fn::If", 1, "Resource", value="*"),
            "LogRetentionRole: logs:PutRetentionPolicy is granted on *",
            id="writes to anything",
        ),
    ],
)
def test_a_role_that_is_not_as_it_should_be_is_noticed(
    check: Check, change: Change, problem: str
) -> None:
    """The check itself can fail, and says what is wrong."""
    assert problem in check(altered(change))


def writes_without_a_choice(resources: dict[str, Any]) -> None:
    statements = resources["LogRetentionRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    statements["Statement"][4] = statements["Statement"][4]["Fn::If"][1]


def test_writes_that_stay_without_allow_writes_are_noticed() -> None:
    """AllowWrites false takes every one of them away."""
    assert checks.grants(altered(writes_without_a_choice)) == [
        f"LogRetentionRole: logs:{action} is granted only, with AllowWrites false"
        for action in ("DeleteRetentionPolicy", "PutRetentionPolicy")
    ]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="as deployed"),
        pytest.param({"AllowWrites": "false"}, id="without writes"),
        pytest.param({"KmsKeyArn": KEY}, id="with a key"),
    ],
)
def test_roles_keep_to_the_reference_of_iam(given: dict[str, str]) -> None:
    """Actions and resources that there are, trusted by who uses them, nothing granted twice."""
    decided = checks.decided(load(), **given)
    assert role_checks.problems(decided) == []


def test_a_role_that_the_reference_contradicts_is_noticed() -> None:
    """In the template itself, with all its choices; each rule has cases of its own elsewhere."""
    assert role_checks.problems(load().translated) == []
    changes = [
        put("AssessorRole", *STATEMENTS, 2, "Action", value="lambda:ListFunction"),
        instead("SweepRole", "states.amazonaws.com", "lambda.amazonaws.com"),
    ]
    found = role_checks.problems(altered(*changes).translated)
    assert [told.partition(" ")[0] for told in found] == [
        "SweepRole:",
        "AssessorRole/ListFunctions:",
    ]
