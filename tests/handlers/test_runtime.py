"""The deployed function: its inbox, sweep steps, undo and direct calls, on a faithful moto."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from embedded.overlays import faithful
from steward.account import REST, Account, deployed, shares_of
from steward.aws.api import Api, Identity
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.aws.pacing import Pacer
from steward.controls.log_retention import CONTROL
from steward.errors import BadPolicy, Denied, Invalid, Throttled, TryAgain
from steward.ledger import Status
from steward.model import Mode
from steward.runtime import handler
from steward.stack_policies import StackPolicies
from tests.fakes import FakeClock
from tests.toy import Telling

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION, STACK = "123456789012", "eu-west-1", "steward"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-log-retention"


def automation() -> Any:
    """The function's own automation, from the file that is deployed."""
    path = ROOT / "functions" / "log_retention" / "handler.py"
    spec = importlib.util.spec_from_file_location("log_retention_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AUTOMATION


@dataclass
class Context:
    seconds: float = 120.0
    invoked_function_arn: str = ARN
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Deployed:
    """A function with its account on moto."""

    api: Api
    clock: FakeClock
    telling: Telling
    queue: str
    account: Account

    def __call__(self, event: dict[str, Any], seconds: float = 120.0) -> dict[str, Any]:
        return handler(automation(), lambda *_: self.account)(event, Context(seconds))

    def create(self, *names: str) -> None:
        for name in names:
            self.api.ask("logs", "CreateLogGroup", logGroupName=name)

    def retention(self) -> dict[str, int | None]:
        pages = self.api.pages("logs", "DescribeLogGroups")
        groups = (group for answer, _ in pages for group in answer["logGroups"])
        return {group["logGroupName"]: group.get("retentionInDays") for group in groups}

    def put(self, name: str, value: str) -> None:
        self.api.ask("ssm", "PutParameter", Name=name, Value=value, Type="String", Overwrite=True)
        self.clock.advance(61)

    def batch(self, *bodies: object, received: int = 1) -> dict[str, Any]:
        """Messages as SQS hands them over, and left in flight in a real queue."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.api.ask("sqs", "SendMessage", QueueUrl=self.queue, MessageBody=text)
        records: list[dict[str, Any]] = []
        while len(records) < len(bodies):
            answer = self.api.ask(
                "sqs", "ReceiveMessage", QueueUrl=self.queue, MaxNumberOfMessages=10
            )
            records += [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": {"ApproximateReceiveCount": str(received)},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox",
                }
                for message in answer["Messages"]
            ]
        return {"Records": records}


@pytest.fixture
def function() -> Iterator[Deployed]:
    clock, telling = FakeClock(), Telling()
    with faithful(), mock_aws():
        where = Identity(ACCOUNT, REGION, "aws")
        api = Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)
        names = [("pk", "HASH"), ("sk", "RANGE")]
        api.ask(
            "dynamodb",
            "CreateTable",
            TableName=f"{STACK}-ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in names],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in names],
        )
        queue = api.ask("sqs", "CreateQueue", QueueName="inbox")["QueueUrl"]
        policies = StackPolicies(api, STACK, clock, [CONTROL.id], {})
        account = Account(
            aws=api,
            ledger=DynamoDBLedger(api, f"{STACK}-ledger", clock),
            clock=clock,
            telemetry=telling,
            policy=policies.policy,
            stopped=policies.stopped,
            plans_first=True,
        )
        yield Deployed(api, clock, telling, queue, account)


def event(name: str, call: str = "CreateLogGroup", **other: Any) -> dict[str, Any]:
    detail = {
        "eventSource": "logs.amazonaws.com",
        "eventName": call,
        "awsRegion": REGION,
        "recipientAccountId": ACCOUNT,
        "requestParameters": {"logGroupName": name},
    }
    return {
        "source": "aws.logs",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {**detail, **other},
    }


def test_a_new_group_gets_its_retention_within_a_batch(function: Deployed) -> None:
    """RET-1: also where events repeat, come late, or name what is gone."""
    function.create("a", "b")
    batch = function.batch(event("a"), event("a"), event("b"), event("deleted"))
    assert function(batch) == {"batchItemFailures": []}
    assert function.retention() == {"a": 30, "b": 30}
    assert function.api.calls["logs.PutRetentionPolicy"] == 2


def test_our_own_change_comes_back_and_ends_there(function: Deployed) -> None:
    """RET-36 (divergent): assessed again, found in order, nothing written."""
    function.create("a")
    function(function.batch(event("a")))
    function(function.batch(event("a", "PutRetentionPolicy")))
    assert function.api.calls["logs.PutRetentionPolicy"] == 1


def test_somebody_elses_deletion_of_a_retention_is_put_right(function: Deployed) -> None:
    """RET-36: DeleteRetentionPolicy is drift."""
    function.create("a")
    function(function.batch(event("a", "DeleteRetentionPolicy")))
    assert function.retention() == {"a": 30}


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param({"invalid": "input"}, id="RET-13 no event"),
        pytest.param(event("a", errorCode="ResourceAlreadyExistsException"), id="RET-22 failed"),
        pytest.param(event("a", requestParameters=None), id="no parameters"),
        pytest.param({**event("a"), "account": "999999999999"}, id="another account"),
        pytest.param(event("a", awsRegion="us-east-1"), id="another Region"),
        pytest.param(event("a", "DescribeLogGroups"), id="no rule"),
    ],
)
def test_what_is_not_for_us_is_acknowledged_and_counted(
    function: Deployed, ignored: dict[str, Any]
) -> None:
    """No call, no failure, one skipped event."""
    function.create("a")
    assert function(function.batch(ignored)) == {"batchItemFailures": []}
    assert function.retention() == {"a": None}
    assert function.telling.metrics["SkippedEvents"] == 1


def test_a_poison_message_goes_back_and_its_neighbours_are_done(function: Deployed) -> None:
    """What is no JSON ends in the dead-letter queue, where somebody sees it."""
    function.create("a")
    batch = function.batch("{", event("a"))
    poison = next(r["messageId"] for r in batch["Records"] if r["body"] == "{")
    assert function(batch) == {"batchItemFailures": [{"itemIdentifier": poison}]}
    assert function.retention() == {"a": 30}


class Failing:
    """Makes an Api fail for some requests; everything else goes through."""

    def __init__(self, api: Api, operation: str, error: Exception, name: str = "") -> None:
        self.ask = api.ask
        self.operation, self.error, self.name = operation, error, name

    def __call__(self, service: str, operation: str, **params: Any) -> Any:
        concerned = not self.name or self.name in json.dumps(params, default=str)
        if operation == self.operation and concerned:
            raise self.error
        return self.ask(service, operation, **params)


def test_a_busy_resource_gives_only_its_own_message_back(
    function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RET-3, RET-5, RET-28: after the retries; and the message is seen again soon."""
    function.create("a", "b")
    failing = Failing(function.api, "PutRetentionPolicy", Throttled("slow"), '"b"')
    monkeypatch.setattr(function.api, "ask", failing)
    batch = function.batch(event("a"), event("b"), received=3)
    b = next(r["messageId"] for r in batch["Records"] if '"b"' in r["body"])
    assert function(batch) == {"batchItemFailures": [{"itemIdentifier": b}]}
    assert function.retention() == {"a": 30, "b": None}
    assert function.api.calls["sqs.ChangeMessageVisibilityBatch"] == 1


def test_a_refused_change_is_recorded_and_not_repeated_by_the_queue(
    function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RET-11: told in the log and the ledger; the sweep tries again, not the message."""
    function.create("a")
    monkeypatch.setattr(
        function.api, "ask", Failing(function.api, "PutRetentionPolicy", Denied("no"))
    )
    assert function(function.batch(event("a"))) == {"batchItemFailures": []}
    [change] = function.account.ledger.changes(CONTROL.id)
    assert (change.status, change.error) == (Status.FAILED, "no")
    assert "failed" in function.telling.told
    for _ in range(5):
        function(function.batch(event("a")))
    assert function.telling.metrics["Exhausted"] == 1


@pytest.mark.parametrize("text", ["{", '{"days": 8}', "[]"])
def test_under_a_bad_policy_the_events_wait(function: Deployed, text: str) -> None:
    """Nothing is changed, a metric tells, and after the correction they are done."""
    function.create("a")
    function.put(f"/{STACK}/policy/log-retention", text)
    batch = function.batch(event("a"))
    assert len(function(batch)["batchItemFailures"]) == 1
    assert function.retention() == {"a": None}
    assert function.telling.metrics["BadPolicies"] == 1
    with pytest.raises(BadPolicy):
        function({"sweep": {"control": CONTROL.id, "cursor": None}})
    function.put(f"/{STACK}/policy/log-retention", '{"days": 60}')
    assert function(batch) == {"batchItemFailures": []}
    assert function.retention() == {"a": 60}


def test_the_teams_policy_narrows_the_templates(function: Deployed) -> None:
    """defaults < policy, by field; off means that nothing is looked at."""
    function.create("a")
    function.put(f"/{STACK}/defaults/log-retention", '{"days": 90, "mode": "audit"}')
    function(function.batch(event("a")))
    assert function.retention() == {"a": None}
    function.put(f"/{STACK}/policy/log-retention", '{"mode": "off"}')
    assert function(function.batch(event("a"))) == {"batchItemFailures": []}
    answer = function({"sweep": {"control": CONTROL.id, "cursor": None}})
    assert (answer["cursor"], answer["complete"]) == (None, True)
    function.put(f"/{STACK}/policy/log-retention", '{"mode": "enforce"}')
    function(function.batch(event("a")))
    assert function.retention() == {"a": 90}


def test_the_stop_switch_holds_every_write(function: Deployed) -> None:
    """At the next look after it is cleared, they are done."""
    function.create("a")
    function.put(f"/{STACK}/stop", "true")
    function(function.batch(event("a")))
    assert function.retention() == {"a": None}
    function.put(f"/{STACK}/stop", "false")
    function(function.batch(event("a")))
    assert function.retention() == {"a": 30}


def sweep(function: Deployed, seconds: float = 120.0) -> list[dict[str, Any]]:
    """The answers of all steps of a sweep."""
    answers = [function({"sweep": {"control": CONTROL.id, "cursor": None}}, seconds)]
    while answers[-1]["cursor"]:
        asked = {"control": CONTROL.id, "cursor": answers[-1]["cursor"]}
        answers.append(function({"sweep": asked}, seconds))
    return answers


def test_the_first_sweep_only_plans(function: Deployed) -> None:
    """After installation a team sees what would change; the second sweep changes it."""
    function.create("a", "b")
    [first] = sweep(function)
    assert first["fates"] == {"planned": 2}
    assert function.retention() == {"a": None, "b": None}
    [second] = sweep(function)
    assert second["fates"] == {"remediated": 2}
    assert second["complete"]
    assert function.telling.metrics["IncompleteSweeps"] == 0


def test_a_sweep_goes_on_over_several_steps(function: Deployed) -> None:
    """RET-34: each step stops before its time is over; the last says that all is done."""
    function.create(*(f"g{n:03}" for n in range(120)))
    sweep(function)
    put = function.api.ask

    def slow(service: str, operation: str, /, **params: Any) -> Any:
        if operation == "PutRetentionPolicy":
            function.clock.advance(1)
        return put(service, operation, **params)

    function.api.ask = slow  # type: ignore[method-assign]  # time passes while we write
    answers = sweep(function, 60)
    assert len(answers) > 2
    assert all(answer["cursor"] for answer in answers[:-1])
    assert (answers[-1]["complete"], answers[-1]["resources"]) == (True, 120)
    assert answers[-1]["fates"] == {"remediated": 120}
    assert set(function.retention().values()) == {30}
    assert function.api.calls["logs.PutRetentionPolicy"] == 120


def test_a_second_sweep_at_the_same_time_is_told_to_wait(function: Deployed) -> None:
    """The lease is free again when the first is over, or dead for fifteen minutes."""
    function.create(*(f"g{n:03}" for n in range(60)))
    ledger = function.account.ledger
    assert ledger.acquire(CONTROL.id, "another", 900)
    refused = function({"sweep": {"control": CONTROL.id, "cursor": None}})
    assert (refused["busy"], refused["cursor"], refused["complete"]) == (True, "", False)
    function.clock.advance(901)
    assert sweep(function)[-1]["complete"]
    assert ledger.acquire(CONTROL.id, "next", 900)


def test_a_sweep_that_cannot_read_says_so(
    function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cursor, not complete, the error in the answer: the state machine ends as FAILED."""
    monkeypatch.setattr(
        function.api, "ask", Failing(function.api, "DescribeLogGroups", Denied("may not list"))
    )
    [answer] = sweep(function)
    assert (answer["cursor"], answer["complete"], answer["error"]) == (None, False, "may not list")
    assert function.telling.metrics["IncompleteSweeps"] == 1


def test_undo_through_the_function(function: Deployed) -> None:
    """{"undo": ...} by id or with an owner; the answer tells the fate."""
    function.create("a")
    function(function.batch(event("a")))
    [change] = function.account.ledger.changes(CONTROL.id)
    answer = function({"undo": {"change": change.id, "owner": "alice"}})
    assert (answer["fate"], function.retention()) == ("remediated", {"a": None})
    function(function.batch(event("a")))
    assert function.retention() == {"a": None}
    with pytest.raises(Invalid, match="undone already"):
        function({"undo": change.id})


def test_named_resources_can_be_looked_at_directly(function: Deployed) -> None:
    """{"look": ...} answers with the fates."""
    function.create("a")
    asked = {"control": CONTROL.id, "resources": ["a", "gone"]}
    assert function({"look": asked}) == {"fates": {"remediated": 1, "gone": 1}, "untouched": []}
    with pytest.raises(Invalid, match="allowed here: log-retention"):
        function({"look": {"control": "other", "resources": []}})


def test_an_event_without_a_queue_is_handled_or_fails_as_a_whole(
    function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule may target the function directly."""
    function.create("a")
    assert function(event("a")) == {"fates": {"remediated": 1}}
    assert function({"invalid": "input"}) == {"skipped": "not-an-event"}
    monkeypatch.setattr(
        function.api, "ask", Failing(function.api, "DescribeLogGroups", TryAgain("busy"))
    )
    with pytest.raises(TryAgain):
        function(event("a"))


def test_an_event_near_the_deadline_is_given_back(function: Deployed) -> None:
    """Nothing is begun that could not be written down."""
    function.create("a")
    batch = function.batch(event("a"))
    assert len(function(batch, seconds=10)["batchItemFailures"]) == 1
    assert function.retention() == {"a": None}
    assert function(batch) == {"batchItemFailures": []}


def test_a_deployed_account_is_described_by_its_environment() -> None:
    """Account, Region and partition from the ARN; names from the stack; no request is made."""
    arn = "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:governance-log-retention"
    environment = {
        "STEWARD_STACK": "governance",
        "STEWARD_CEILINGS": '{"log-retention": "audit"}',
        "STEWARD_PACE": "0.2",
    }
    account = deployed(arn, [CONTROL.id], environment)
    assert (account.aws.account, account.aws.region) == ("111122223333", "us-gov-west-1")
    assert account.aws.partition == "aws-us-gov"
    assert (account.plans_first, account.plan_only, account.irreversible) == (True, True, False)
    allowed = {"STEWARD_ALLOW_WRITES": "true", "STEWARD_ALLOW_IRREVERSIBLE": "true"}
    account = deployed(arn, [CONTROL.id], {**environment, **allowed})
    assert (account.plan_only, account.irreversible) == (False, True)
    assert not account.aws.calls
    for name, text in {"STEWARD_CEILINGS": "enforce", "STEWARD_ALLOWED": "[1]"}.items():
        with pytest.raises(BadPolicy, match=name):
            deployed(arn, [CONTROL.id], {**environment, name: text})


def test_the_ceiling_of_the_template_holds(function: Deployed) -> None:
    """A policy that enforces under a ceiling of audit is BadPolicy, and changes nothing."""
    ceilings = {CONTROL.id: Mode.AUDIT}
    policies = StackPolicies(function.api, STACK, function.clock, [CONTROL.id], ceilings)
    function.account = replace(function.account, policy=policies.policy)
    function.create("a")
    assert len(function(function.batch(event("a")))["batchItemFailures"]) == 1
    assert function.retention() == {"a": None}


PACES = {
    "one share": ("0.15", 0.15, {}),
    "by service": ('{"logs": 0.125, "ssm": 1}', REST, {"logs": 0.125, "ssm": 1.0}),
    "not told": ("{}", REST, {}),
}


@pytest.mark.parametrize(("text", "share", "shares"), PACES.values(), ids=list(PACES))
def test_the_template_says_how_much_of_the_quotas_a_process_may_use(
    text: str, share: float, shares: dict[str, float]
) -> None:
    """A number for every service, or one for each."""
    assert shares_of(text) == (share, shares)


@pytest.mark.parametrize("text", ["fast", "0", "1.5", '{"logs": 0}', '{"logs": "x"}', "[1]", "{"])
def test_a_pace_that_is_none_is_a_bad_policy(text: str) -> None:
    """The variable is named, with what it is."""
    with pytest.raises(BadPolicy, match="STEWARD_PACE: is"):
        shares_of(text)


ODD_REQUESTS: dict[str, dict[str, Any]] = {
    "sweep is a number": {"sweep": 1},
    "cursor is a number": {"sweep": {"control": CONTROL.id, "cursor": 5}},
    "cursor is no cursor": {"sweep": {"control": CONTROL.id, "cursor": "{}"}},
    "no control": {"sweep": {}},
    "undo is null": {"undo": None},
    "undo for no days": {"undo": {"change": f"{CONTROL.id}-1", "days": 0}},
    "look at a string": {"look": {"control": CONTROL.id, "resources": "/a"}},
    "look is a list": {"look": []},
    "look with a word for yes": {
        "look": {"control": CONTROL.id, "resources": ["/a"], "retry": "yes"}
    },
}


@pytest.mark.parametrize("asked", ODD_REQUESTS.values(), ids=list(ODD_REQUESTS))
def test_a_request_that_makes_no_sense_is_invalid(
    function: Deployed, asked: dict[str, Any]
) -> None:
    """SUB-45: told with the field, its value and what is allowed; nothing is called."""
    with pytest.raises(Invalid, match="allowed"):
        function(asked)
