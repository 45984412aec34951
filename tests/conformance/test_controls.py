"""What every control must pass, over the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from embedded.requirements import requirements
from steward.controls import CONTROLS, named, taggable
from steward.controls.api_alarms.alarms import wanted
from steward.controls.api_alarms.boards import Board, digest
from steward.controls.api_alarms.state import Grouped
from steward.controls.api_gateway.stages import REST, V2, Method
from steward.controls.api_throttling.state import ApiStage
from steward.controls.async_failure_destination.state import Function as Invoked
from steward.controls.event_source_failure_destination.state import Function as Reading
from steward.controls.event_source_failure_destination.state import Kind, Source
from steward.controls.function_layers.state import Function as Layered
from steward.controls.function_logging.state import Function as Logging
from steward.controls.function_role_least_privilege.documents import statements
from steward.controls.function_role_least_privilege.state import Granted, Role
from steward.controls.function_role_not_shared.state import Function as Sharing
from steward.controls.function_runtime.state import Function
from steward.controls.function_versions.state import Function as Versioned
from steward.controls.function_versions.state import Version
from steward.controls.log_retention.state import LogGroup
from steward.controls.log_subscription.account_policy import AccountPolicy, Cover
from steward.controls.log_subscription.log_group import LogGroup as Subscribed
from steward.controls.queue_redrive.state import Feed, Queue
from steward.controls.required_tags.state import Resource as Required
from steward.controls.stack_tags import memory
from steward.controls.stack_tags.state import Resource as Tagged
from steward.controls.stack_tags.state import Stack
from steward.controls.stream_capacity.load import Load
from steward.controls.stream_capacity.state import Stream
from steward.evaluate import COMMON_CODES
from steward.model import Call, Control, Finding, Verdict
from steward.policy import load, schema
from tests.apis import policy, watched

SESSION = botocore.session.get_session()

PLACE = {"account": "111122223333", "region": "eu-west-1", "partition": "aws"}

STREAM = "arn:aws:kinesis:eu-west-1:111122223333:stream/events"
SHIPS: dict[str, Any] = {
    "destination_arn": STREAM,
    "role_arn": "arn:aws:iam::111122223333:role/ships",
}

OTHER = {"filterPattern": "ERROR", "destinationArn": STREAM, "roleArn": SHIPS["role_arn"]}

BY_ACCOUNT = {**SHIPS, "strategy": "account"}
SHIPPED = {"DestinationArn": STREAM, "FilterPattern": "ERROR", "LeftOut": ["/b"]}

LIMITED = {"rate": 100, "burst": 50}
GET = (Method("~1/GET", "/", "GET"),)
ROUTE = (Method("GET /", "/", "GET"),)
TOLD: dict[str, Any] = {"GET /": {}}
OURS: dict[str, Any] = {"gone": {"rate": 5, "burst": 5}}
MADE: dict[str, Any] = {"gone": {}}
OWN: dict[str, Any] = {"gone": {"limit": OURS["gone"], "settings": {}}}
PROBE, OTHER_LAYER = (f"arn:aws:lambda:eu-west-1:111122223333:layer:{x}:7" for x in ("p", "o"))
PROBED = {"rules": [{"layer_arn": PROBE}]}

BOARD = Board(
    "steward-apis-eu-west-1-rest-a1b2c3d4e5",
    PLACE["account"],
    PLACE["region"],
    PLACE["partition"],
    stages=(watched(),),
    since="2026-11-20T10:00:00+00:00",
)
EMPTY = '{"widgets":[]}'
HERE = "eu-west-1:111122223333"
OLD = {"team": "old"}
TYPES = [
    f"arn:aws:{form.arn}".replace("{region}:{account}", HERE).replace("{account}", HERE[10:])
    for form in taggable.forms().values()
]
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
MEMBERS = [re.sub(r"\{(name|path|region)\}", "a", arn).replace("{version}", "a:1") for arn in TYPES]


def tagged(tags: dict[str, str], wanted: dict[str, str]) -> Stack:
    """A stack with a resource of every type that has these tags, which are ours."""
    resources = {arn: Tagged(arn.split(":")[2], tags, len(tags)) for arn in MEMBERS}
    ours = {memory.mark(arn): tags for arn in MEMBERS}
    name = f"arn:aws:cloudformation:{HERE}:stack/shop/1a2b"
    return Stack(name, wanted, wanted, resources=resources, ours=ours)


EXAMPLES: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "log-retention": [
        (LogGroup("/a", None, stored_bytes=0, age_days=0), {}),
        (LogGroup("/a", 7), {"min_days": 30}),
        (LogGroup("/a", 3653), {"max_days": 30, "shorten": True}),
        (LogGroup("/a", None, stored_bytes=5, age_days=99), {"shorten": True}),
    ],
    "log-subscription": [
        (Subscribed("/a"), SHIPS),
        (Subscribed("/a", owned={"steward-logs": OTHER}), SHIPS),
        (Subscribed("/a", owned={"steward-logs": OTHER}), {**SHIPS, "include": {"names": ["/b"]}}),
        (Subscribed("/a", foreign={"theirs": STREAM}), SHIPS),
        (Subscribed("/a"), BY_ACCOUNT),
        (Subscribed("/a", owned={"steward-logs": OTHER}, covered=Cover.SURE), BY_ACCOUNT),
        (AccountPolicy("steward-logs", apart=("/own",)), BY_ACCOUNT),
        (AccountPolicy("steward-logs", SHIPPED), BY_ACCOUNT),
        (AccountPolicy("steward-logs", SHIPPED, waiting=""), SHIPS),
    ],
    "stream-capacity": [
        (Stream("a", shards=1, counted=1, load=Load(records=9000)), {"managed": ["*"]}),
        (Stream("a", shards=8, counted=8, load=Load(), age_hours=99), {"managed": ["*"]}),
        (Stream("a", shards=2, counted=2, load=Load(rejects=True)), {"managed": ["*"]}),
    ],
    "api-alarms": [
        (watched(), {}),
        (watched(methods=["GET /"]), {"granularity": "method"}),
        (watched("HTTP", ["GET /"]), {"granularity": "method"}),
        (watched(alarms=wanted(watched(), policy())), {"min_requests": 9}),
        (watched(alarms=wanted(watched(), policy()), exists=False), {}),
        (Grouped("steward/all/rest/5XXError/error_5xx_rate"), {"granularity": "grouped"}),
        (BOARD, {"dashboard": True}),
        (replace(BOARD, shown=digest(EMPTY), body=EMPTY), {}),
    ],
    "api-throttling": [
        (ApiStage("a/b", REST, methods=GET), LIMITED),
        (ApiStage("a/b", V2, methods=ROUTE), LIMITED),
        (ApiStage("a/b", V2, methods=ROUTE, limits=TOLD, settings=TOLD), LIMITED),
        (ApiStage("a/b", REST, limits=OURS, settings=MADE, ours=OWN), LIMITED),
        (ApiStage("a/b", V2, limits=OURS, settings=MADE, ours=OWN), LIMITED),
    ],
    "function-layers": [
        (Layered("a", "python3.13", revision="1"), PROBED),
        (Layered("a", "python3.13", layers=[OTHER_LAYER]), PROBED),
        (Layered("a", "python3.13", layers=[PROBE], found=[PROBE], ours=(PROBE,)), {}),
        (Layered("a", "python3.13", status="InProgress"), PROBED),
        (Layered("a", "python3.13", layers=[PROBE], lagging=("live is 1",)), PROBED),
    ],
    "function-versions": [
        (Versioned("a", 2, (Version(1, 99), Version(2, 99))), {"keep": 1}),
        (Versioned("a", 2, (Version(1, 99), Version(2, 99, used="aliases: b"))), {"keep": 0}),
    ],
    "stack-tags": [
        (tagged({}, {"team": "shop"}), {"allow_keys": ["*"]}),
        (tagged(OLD, {"team": "shop"}), {"allow_keys": ["*"], "conflict": "overwrite"}),
        (tagged(OLD, {}), {"allow_keys": ["*"], "remove_stale": True}),
    ],
    "required-tags": [
        (
            Required("AWS::SQS::Queue", "a"),
            {"rules": [{"kinds": ["AWS::SQS::Queue"], "keys": {"team": {}}}]},
        ),
    ],
    "function-runtime": [
        (Function("a", "python3.9", date(2026, 11, 20)), {}),
        (Function("a", "nodejs22.x", date(2026, 11, 20)), {}),
    ],
    "function-role-not-shared": [(Sharing("a", "arn:aws:iam::1:role/b", 1, 1, ("c",)), {})],
    "function-role-least-privilege": [
        (
            Role("a", "AROA", trusts_lambda=True, policies=[Granted("b", statements(EVERYTHING))]),
            {},
        ),
        (
            Role(
                "a",
                "AROA",
                trusts_lambda=True,
                policies=[Granted("AmazonS3FullAccess", of_aws=True)],
            ),
            {},
        ),
    ],
    "function-logging": [(Logging("a", "Text", "", "", "/b"), {})],
    "async-failure-destination": [
        (Invoked("a", ("sns.amazonaws.com",)), {}),
        (Invoked("a", ("a metric",), covered={"live": "q"}, aliases=("live", "old")), {}),
        (Invoked("a", ("a metric",), dead_letters="q", lost=frozenset({"q"})), {}),
    ],
    "event-source-failure-destination": [
        (Reading("a", (Source("s", Kind.KINESIS, "id"),)), {}),
        (Reading("a", (Source("s", Kind.KAFKA, "id", destination="q", lost=True),)), {}),
        (Reading("a", (Source("s", Kind.DYNAMODB, "id", destination="q"),)), {}),
        (Reading("a", (Source("s", Kind.KAFKA, "id", destination="q"),)), {"bisect": True}),
    ],
    "queue-redrive": [
        (Queue("a", (Feed("f", 30),), visibility=30), {}),
        (Queue("a", (Feed("f", 30),), visibility=180), {}),
        (Queue("a", (Feed("f", 30),), visibility=180, receives=1, dead_letters="q"), {}),
        (Queue("a", (Feed("f", 30),), visibility=180, receives=5, lost=True), {}),
        (Queue("a", (Feed("f", 30),), visibility=180, receives=5, is_own=True), {}),
    ],
}
"""States with the policies under which each control plans every sort of call it can."""


def findings(control: Control[Any, Any]) -> Iterator[Finding]:
    for state, asked in EXAMPLES[control.id]:
        yield control.assess(state, load(control, asked).policy)


def calls(control: Control[Any, Any]) -> list[Call]:
    """Every call the examples plan, and its undo."""
    planned = [call for finding in findings(control) for call in finding.remediation]
    return [*planned, *(call.undo for call in planned if call.undo)]


def problems(call: Call) -> str:
    """What botocore's model of the API has against a call; '' for nothing."""
    model = SESSION.get_service_model(call.service).operation_model(call.operation)
    report: str = ParamValidator().validate(dict(call.params), model.input_shape).generate_report()
    return report


def actions(call: Call) -> list[str]:
    """What IAM asks for a call, its own action first."""
    return [one.action for one in requirements(call.service, call.operation, call.params, **PLACE)]


every_control = pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)


@every_control
def test_every_planned_call_fits_the_api(control: Control[Any, Any]) -> None:
    """Offline, against the model that the pinned botocore has; also every undo."""
    assert calls(control) or not control.writes
    assert [problems(call) for call in calls(control)] == [""] * len(calls(control))


def test_a_call_that_does_not_fit_is_noticed() -> None:
    """The check itself can fail."""
    assert "retentionInDays" in problems(Call("logs", "PutRetentionPolicy", {"logGroupName": "a"}))


@every_control
def test_a_control_declares_exactly_the_writes_it_plans(control: Control[Any, Any]) -> None:
    """No grant too few, none too many."""
    assert {one for call in calls(control) for one in actions(call)} == control.writes


@every_control
def test_a_control_knows_the_action_of_each_call(control: Control[Any, Any]) -> None:
    """By which an undo is held to what the control may do."""
    assert [control.action(call) for call in calls(control)] == [
        actions(call)[0] for call in calls(control)
    ]


@every_control
def test_every_planned_call_is_about_its_resource(control: Control[Any, Any]) -> None:
    """By which an undo is held to the resource of its change."""
    for finding in findings(control):
        assert all(control.about(call, finding.ref) for call in finding.remediation)
        assert all(control.about(c.undo, finding.ref) for c in finding.remediation if c.undo)


@every_control
def test_every_example_is_a_violation_with_a_documented_code(control: Control[Any, Any]) -> None:
    """Codes are documented in words, and no control redefines a common one."""
    assert {finding.verdict for finding in findings(control)} == {Verdict.NON_COMPLIANT}
    assert {finding.code for finding in findings(control)} <= set(control.codes)
    assert not set(control.codes) & set(COMMON_CODES)
    assert all(text.endswith(".") for text in {**control.codes, **COMMON_CODES}.values())


@every_control
def test_an_irreversible_call_says_what_is_lost(control: Control[Any, Any]) -> None:
    """Each call has an inverse, or a reason why none can bring everything back."""
    planned = [call for finding in findings(control) for call in finding.remediation]
    assert all(call.undo is not None or call.irreversible for call in planned)


@every_control
def test_destructive_controls_have_a_budget_by_default(control: Control[Any, Any]) -> None:
    """50 a run and 200 an hour; additive ones have none."""
    fields = schema(control.id)["properties"]
    limits = [fields[name]["default"] for name in ("max_changes_per_run", "max_changes_per_hour")]
    assert limits == ([50, 200] if control.destructive else [None, None])


def test_ids_are_unique_and_found_by_name() -> None:
    """The registry is an explicit list."""
    ids = [control.id for control in CONTROLS]
    assert len(set(ids)) == len(ids)
    assert [named(one) for one in ids] == list(CONTROLS)
    assert named("no-such-control") is None
