"""The embedded account behaves as an account in which the template is deployed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded.account import EmbeddedAccount
from embedded.bus import Bus
from embedded.choices import ParameterError
from embedded.course import UnsettledError
from embedded.deployment import FUNCTION, RULE, Deployment
from embedded.hosting import FunctionError
from steward.account import World
from steward.controls import CONTROLS, function_of

START = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
"""Ahead of the machine's time, and six hours before the schedule fires."""

OTHERS = ["LogSubscriptionEvents"]
"""What else an event of a new log group goes to, besides the rule of log-retention."""

LOOK = {"look": {"control": "log-retention", "resources": ["/none"]}}


# These two hold an account of their own, and so come before the one that the others share.


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            {"LogRetentionDay": "30"},
            "LogRetentionDay: is no parameter; allowed: .*LogRetentionDays",
        ),
        ({"LogRetentionDays": "31"}, "LogRetentionDays: is '31', allowed: 1, 3, 5"),
        ({"SweepSchedule": "daily"}, "SweepSchedule: is 'daily', allowed: rate"),
        ({"HeartbeatHours": "1"}, "HeartbeatHours: is 1, allowed: 2 to 168"),
        ({"LogRetentionCeiling": "audit"}, "LogRetentionMode must not exceed"),
    ],
    ids=["unknown", "value", "pattern", "range", "rule"],
)
def test_parameters_that_the_template_does_not_take_are_refused(
    parameters: Mapping[str, str], told: str
) -> None:
    """The message names what is allowed."""
    with pytest.raises(ParameterError, match=told), EmbeddedAccount(parameters):
        pass


BESIDES = ("compliance-report", "compliance-widget")
"""Functions that run no control, and are there by default."""


def test_an_account_starts_empty_whatever_was_before() -> None:
    """Nothing of an account outlives it, and one whose start failed leaves nothing behind."""
    with EmbeddedAccount(start=START) as before:
        before.client("logs").create_log_group(logGroupName="/before")
    with EmbeddedAccount(start=START, stack="other") as after:
        found = after.client("logs").describe_log_groups()["logGroups"]
        functions = {*map(function_of, CONTROLS), *BESIDES}
        assert {group["logGroupName"] for group in found} == {
            *(f"/aws/lambda/other-{name}" for name in functions),
            "/steward/other/audit",
        }
        made = len(CONTROLS) + 1  # their defaults and the version; of a read no rule is told
        assert (len(after.watch.calls), after.journal.events) == (made, [])
        puts = [one for one in after.watch.calls if one.operation == "PutParameter"]
        *defaults, last = [one.params["Name"] for one in puts]
        assert set(defaults) == {f"/other/defaults/{control.id}" for control in CONTROLS}
        assert last == "/other/version"  # depends on them


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedAccount]:
    """Opening takes most of a test's time."""
    with EmbeddedAccount(start=START) as account:
        account.settle()
        yield account


@pytest.fixture
def here(shared: EmbeddedAccount) -> Iterator[EmbeddedAccount]:
    """The shared account, with an empty record; afterwards its functions are well again."""
    shared.host.invocations.clear()
    shared.journal.events.clear()
    shared.journal.executions.clear()
    yield shared
    shared.host.before = lambda _name, _event: None
    shared.settle()
    for queue in shared.queues:
        queue.purge()


def create(here: EmbeddedAccount, name: str, user: str = "developer") -> None:
    here.client("logs", user).create_log_group(logGroupName=name)


def group(here: EmbeddedAccount, name: str) -> Mapping[str, Any]:
    [found] = here.client("logs").describe_log_groups(logGroupIdentifiers=[name])["logGroups"]
    return dict(found)


def told(here: EmbeddedAccount) -> list[tuple[str, str]]:
    """Who called what, from the events of CloudWatch Logs."""
    found = [one.event["detail"] for one in here.journal.events]
    logs = [one for one in found if one.get("eventSource") == "logs.amazonaws.com"]
    return [(one["userIdentity"]["arn"], one["eventName"]) for one in logs]


def inboxes(here: EmbeddedAccount) -> list[str]:
    """How the invocations by an inbox ended; '' for well."""
    return [one.error for one in here.host.invocations if "Records" in one.event]


def failing(error: Exception, times: int = 1) -> Callable[[str, Mapping[str, Any]], None]:
    """Functions that raise the error for the first messages of their inbox."""
    left = [error] * times

    def before(_: str, event: Mapping[str, Any]) -> None:
        if "Records" in event and left:
            raise left.pop()

    return before


def test_the_stack_is_there(shared: EmbeddedAccount) -> None:
    """Its resources have what refers to them, and installing it led to one sweep."""
    [table] = shared.client("dynamodb").list_tables()["TableNames"]
    functions = {one.name: one.environment for one in shared.host.functions.values()}
    named = {*map(function_of, CONTROLS), *BESIDES}
    assert set(functions) == {f"steward-{name}" for name in named}
    assert {one["STEWARD_LEDGER"] for one in functions.values()} == {table} == {"steward-ledger"}
    assert [one.name for one in shared.queues if one.messages()] == []
    assert [one.execution.status for one in shared.journal.executions] == ["SUCCEEDED"]


def test_functions_are_set_as_the_template_says(here: EmbeddedAccount) -> None:
    """Also what moto would lose."""
    for one in here.deployment.of_type(FUNCTION):
        assert one.properties["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{one.physical_id}"
        assert one.properties["TracingConfig"] == {"Mode": "Active"}
    variables = [one.environment.values() for one in here.host.functions.values()]
    assert {type(value) for values in variables for value in values} == {str}


def test_without_a_key_no_statement_is_empty(here: EmbeddedAccount) -> None:
    """What is AWS::NoValue under these parameters is not there."""
    [common] = here.deployment.of_type("AWS::IAM::ManagedPolicy")
    statements = common.properties["PolicyDocument"]["Statement"]
    assert [one["Sid"] for one in statements] == ["Ledger", "Policies", "Audit", "Traces"]
    [table] = here.deployment.of_type("AWS::DynamoDB::Table")
    assert "SSESpecification" not in table.properties


def test_a_second_account_is_refused_and_the_first_one_goes_on(here: EmbeddedAccount) -> None:
    """A process holds one."""
    with pytest.raises(RuntimeError, match="holds one embedded account"), EmbeddedAccount():
        pass
    create(here, "/first")
    here.settle()
    assert group(here, "/first")["retentionInDays"] == 30


def test_a_function_may_do_what_its_role_grants_and_people_everything(
    here: EmbeddedAccount,
) -> None:
    """What is refused has not happened; the event tells of it, and no rule matches."""
    function = here.host.functions["steward-log-retention"]
    keys = {"aws_access_key_id": function.access_key, "aws_secret_access_key": "secret"}
    place = {"endpoint_url": here.server.url, "region_name": here.region}
    logs = boto3.client("logs", **place, **keys)
    create(here, "/granted")
    with pytest.raises(ClientError) as error:
        logs.delete_log_group(logGroupName="/granted")
    logs.put_retention_policy(logGroupName="/granted", retentionInDays=7)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "LogRetentionRole" in error.value.response["Error"]["Message"]
    assert group(here, "/granted")["retentionInDays"] == 7
    here.client("logs").delete_log_group(logGroupName="/granted")
    here.settle()
    denied = [one for one in here.journal.events if "errorCode" in one.event["detail"]]
    assert [(one.event["detail"]["eventName"], one.rules) for one in denied] == [
        ("DeleteLogGroup", [])
    ]


def test_events_tell_who_called(here: EmbeddedAccount) -> None:
    """People by their user, functions by their role's session."""
    create(here, "/asked", "alex")
    here.settle()
    function = here.host.functions["steward-log-retention"]
    role = function.role.rpartition("/")[2]
    assert told(here) == [
        (f"arn:aws:iam::{here.account}:user/alex", "CreateLogGroup"),
        (
            f"arn:aws:sts::{here.account}:assumed-role/{role}/{function.name}",
            "PutRetentionPolicy",
        ),
    ]


def test_a_group_is_as_old_as_the_account_knows_it(here: EmbeddedAccount) -> None:
    """Also the stack's own, and whatever was put into the account from outside."""
    own = group(here, "/aws/lambda/steward-assessor")
    assert own["creationTime"] == int(START.timestamp() * 1000)
    here.clock.advance(5)
    create(here, "/young")
    assert group(here, "/young")["creationTime"] == int(here.clock.now().timestamp() * 1000)


def test_a_log_group_of_a_stack_is_noticed(here: EmbeddedAccount) -> None:
    """CloudFormation calls for whoever asked; what the stack sets stays, the rest is put right."""
    names = {"A": {"LogGroupName": "/stack/a", "RetentionInDays": 7}, "B": {"LogGroupName": "/b"}}
    resources = {
        name: {"Type": "AWS::Logs::LogGroup", "Properties": properties}
        for name, properties in names.items()
    }
    stack = {"StackName": "ours", "TemplateBody": json.dumps({"Resources": resources})}
    here.client("cloudformation", "alex").create_stack(**stack)
    here.settle()
    assert [group(here, name)["retentionInDays"] for name in ("/stack/a", "/b")] == [7, 30]
    alex = f"arn:aws:iam::{here.account}:user/alex"
    assert [name for who, name in told(here) if who == alex] == [
        "CreateLogGroup",
        "PutRetentionPolicy",
        "CreateLogGroup",
    ]
    by = [one.event["detail"].get("userIdentity", {}) for one in here.journal.events]
    assert [one.get("invokedBy") for one in by if one.get("arn") == alex] == [
        None,
        *["cloudformation.amazonaws.com"] * 3,
    ]


def test_a_stack_that_is_refused_and_other_resources_tell_nothing(here: EmbeddedAccount) -> None:
    """Each log group is told once, by the stack that made it."""
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
    }
    stack = {"StackName": "once", "TemplateBody": json.dumps({"Resources": resources})}
    client = here.client("cloudformation")
    client.create_stack(**stack)
    with pytest.raises(ClientError):
        client.create_stack(**stack)
    here.settle()
    assert [name for _, name in told(here)] == ["CreateLogGroup", "PutRetentionPolicy"]


def test_people_invoke_functions_through_the_api(here: EmbeddedAccount) -> None:
    """The answer, or the error as Lambda tells it."""
    client = here.client("lambda")
    asked = {"FunctionName": "steward-log-retention", "Payload": json.dumps(LOOK)}
    answer = client.invoke(**asked)
    assert (json.load(answer["Payload"])["fates"], "FunctionError" in answer) == (
        {"gone": 1},
        False,
    )

    def broken(_name: str, _event: Mapping[str, Any]) -> None:
        raise KeyError("key")

    here.host.before = broken
    answer = client.invoke(**asked)
    assert answer["FunctionError"]
    assert json.load(answer["Payload"])["errorType"] == "KeyError"


def test_a_function_that_raises_gets_its_messages_again(here: EmbeddedAccount) -> None:
    """The error is named after its class; the messages come back when their time-out ends."""
    here.host.before = failing(ZeroDivisionError("by zero"))
    create(here, "/again")
    began = here.clock.now()
    here.settle()
    assert inboxes(here)[:3] == ["ZeroDivisionError", "", ""]
    assert group(here, "/again")["retentionInDays"] == 30
    again = [one for one in here.host.invocations if one.function.endswith("retention")][1]
    assert again.began - began >= timedelta(seconds=720)
    here.host.before = failing(ZeroDivisionError("by zero"))
    with pytest.raises(FunctionError, match="by zero") as error:
        here.invoke("log-retention", {"Records": []})
    assert error.value.type == "ZeroDivisionError"


@pytest.mark.parametrize("asked", [LOOK, {"source": "another"}], ids=["errs", "answers"])
def test_a_function_that_takes_too_long_has_timed_out(
    here: EmbeddedAccount, asked: Mapping[str, Any]
) -> None:
    """Two minutes are all that the template gives it, however it would have ended."""
    here.host.before = lambda _name, _event: here.host.sleep(121)
    with pytest.raises(FunctionError) as error:
        here.invoke("log-retention", asked)
    assert error.value.type == "Sandbox.Timedout"


def test_schedules_fire_at_their_times(here: EmbeddedAccount) -> None:
    """At 4:17 and 16:17, whatever else is due; between them nothing does."""
    here.advance(hours=24)
    ran = [(one.input["trigger"], f"{one.began:%H:%M}") for one in here.journal.executions]
    assert sorted(ran) == [("schedule", "04:17"), ("schedule", "16:17")]


def test_settling_ends_or_says_that_it_does_not(here: EmbeddedAccount) -> None:
    """A function whose every run sets off the next is a feedback loop."""
    made = iter(range(100))

    def one_more(name: str, event: Mapping[str, Any]) -> None:
        if "Records" in event:
            create(here, f"/loop/{next(made)}")

    here.host.before = one_more
    create(here, "/loop")
    with pytest.raises(UnsettledError, match="still happen after 0:03:00"):
        here.settle(timedelta(minutes=3))
    assert 2 <= next(made) < 20


def test_a_function_may_print_what_is_no_json(
    here: EmbeddedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As libraries do: each such line is a message of the log."""
    outs: list[io.StringIO] = []

    def world(clock: Any, url: str, session: Any, out: io.StringIO) -> World:
        outs.append(out)
        return World(clock, url, session, out)

    monkeypatch.setattr("embedded.hosting.World", world)
    here.host.restart()

    def prints(_name: str, _event: Mapping[str, Any]) -> None:
        outs[-1].write('hello {"\n\n[1]\n')

    here.host.before = prints
    here.invoke("log-retention", LOOK)
    messages = [line["message"] for line in here.host.invocations[-1].lines]
    assert messages[:3] == ['hello {"', "", "[1]"]
    assert here.host.is_idle


def test_a_function_that_does_not_start_has_erred(
    here: EmbeddedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the error's name, as an invocation like others; nothing is running afterwards."""

    def broken(*_: Any) -> Any:
        raise ImportError("no such module")

    with monkeypatch.context() as patch:
        patch.setattr("embedded.hosting.handler_in", broken)
        here.host.restart()
        with pytest.raises(FunctionError, match="no such module") as error:
            here.invoke("log-retention", LOOK)
    [invoked] = here.host.invocations
    assert (error.value.type, invoked.error) == ("ImportError", "ImportError")
    assert "no such module" in invoked.lines[0]["message"]
    assert here.host.is_idle
    assert here.invoke("log-retention", LOOK)["fates"] == {"gone": 1}


# ------------------------------------------------------------------------------------- the bus


def event(here: EmbeddedAccount) -> dict[str, Any]:
    """One that the stack's rule for log groups matches."""
    detail = {"eventSource": "logs.amazonaws.com", "eventName": "CreateLogGroup"}
    kind = "AWS API Call via CloudTrail"
    return {"source": "aws.logs", "detail-type": kind, "account": here.account, "detail": detail}


def bus(here: EmbeddedAccount, id: str, **properties: Any) -> Bus:
    """The account's bus, where one of the stack's resources has other properties."""
    resources = here.deployment.resources
    other = replace(resources[id], properties={**resources[id].properties, **properties})
    return Bus(Deployment("", {**resources, id: other}), here.queues, lambda _arn, _text: None)


def test_a_disabled_rule_delivers_nothing(here: EmbeddedAccount) -> None:
    """An enabled one delivers the event as it is."""
    assert bus(here, "LogRetentionEvents", State="DISABLED").route(event(here)) == OTHERS
    assert here.queue("log-retention").messages() == []
    assert bus(here, "LogRetentionEvents").route(event(here)) == ["LogRetentionEvents", *OTHERS]
    assert [json.loads(one.body) for one in here.queue("log-retention").messages()] == [event(here)]


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "sns.amazonaws.com"}},
        {"Action": "sqs:ReceiveMessage"},
        {"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:::rule/another"}}},
    ],
    ids=lambda statement: next(iter(statement)),
)
def test_what_the_inbox_may_not_get_goes_to_the_dead_letters_of_the_rule(
    here: EmbeddedAccount, statement: Mapping[str, Any]
) -> None:
    """The queue's policy must let this rule send to it."""
    policy = here.deployment.resources["LogRetentionInboxPolicy"].properties["PolicyDocument"]
    [own] = policy["Statement"]
    other = {**policy, "Statement": [{**own, **statement}]}
    bus(here, "LogRetentionInboxPolicy", PolicyDocument=other).route(event(here))
    assert here.queue("log-retention").messages() == []
    [lost] = here.queue("log-retention-undelivered").messages()
    assert json.loads(lost.body) == event(here)


def test_what_is_too_large_for_the_inbox_goes_there_too(here: EmbeddedAccount) -> None:
    """And without any queue that takes it, it is lost."""
    large = {**event(here), "padding": "x" * 2**20}
    here.put_event(large)
    assert [one.visible for one in here.queues] == [0] * len([*here.queues])
    assert here.journal.events[-1].rules == ["LogRetentionEvents", *OTHERS]


def test_a_target_that_is_not_in_the_stack_is_an_error(here: EmbeddedAccount) -> None:
    """It would be lost without a word."""
    topic = "arn:aws:sns:eu-west-1:111122223333:topic"
    with pytest.raises(LookupError, match=f"LogRetentionEvents: target {topic}"):
        bus(here, "LogRetentionEvents", Targets=[{"Arn": topic}]).route(event(here))


def test_an_event_for_the_state_machine_starts_it_with_the_rules_own_input(
    here: EmbeddedAccount,
) -> None:
    """Not with the event; the schedule's input tells the two apart."""
    here.client("ssm").put_parameter(Name="/steward/stop", Value="no", Type="String")
    here.settle()
    here.client("ssm").delete_parameter(Name="/steward/stop")
    here.settle()
    assert [one.input for one in here.journal.executions] == [{"trigger": "policy"}] * 2
    rule = next(one for one in here.deployment.of_type(RULE) if one.id == "PolicyChanged")
    assert rule.properties["Targets"][0]["Arn"] == here.journal.executions[0].machine
