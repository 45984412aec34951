"""Compliance changes of AWS Config name the resource, whether a result came before or not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.routing import route, routes
from embedded.template import ROOT
from steward.controls import named as registered
from steward.errors import BadPolicy
from steward.events import Automation, Native, Skip, concerned, log_group, named
from steward.inbox import read
from steward.model import Ref
from tests.fakes import ACCOUNT, REGION

EVENTS = ROOT / "tests/events/config"
GROUP = Ref("AWS::Logs::LogGroup", "/aws/lambda/checkout")
AUTOMATION = Automation("made-up", (), "aws.logs", {"CreateLogGroup": log_group})

NAMED: dict[str, list[Ref] | Skip] = {
    "function.compliant": Skip.NO_RULE,
    "log-group.again": [GROUP],
    "log-group.first": [GROUP],
    "stage": [Ref("AWS::ApiGateway::Stage", "abc123def4/prod")],
}


def recorded(name: str) -> dict[str, Any]:
    path = EVENTS / f"ComplianceChange.{name}.json"
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def looked_at(event: object, automation: Automation = AUTOMATION) -> list[Ref] | Skip:
    return named(automation, event, account=ACCOUNT, region=REGION)


@pytest.mark.parametrize("name", NAMED)
def test_a_compliance_change_names_its_resource(name: str) -> None:
    """The first one has no result before it; what is COMPLIANT needs no look."""
    assert looked_at(recorded(name)) == NAMED[name]


def test_every_recorded_change_is_in_the_table() -> None:
    """None is forgotten."""
    found = {Path(path).name for path in EVENTS.glob("ComplianceChange.*")}
    assert found == {f"ComplianceChange.{name}.json" for name in NAMED}


def without(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The event with other fields in its detail."""
    return {**event, "detail": {**event["detail"], **fields}}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param({**recorded("stage"), "source": "custom"}, Skip.NO_RULE, id="another source"),
        pytest.param({**recorded("stage"), "account": "1"}, Skip.OTHER_ACCOUNT, id="account"),
        pytest.param(
            without(recorded("stage"), awsRegion="us-east-1"), Skip.OTHER_REGION, id="region"
        ),
        pytest.param(without(recorded("stage"), resourceId=None), Skip.NO_NAME, id="no id"),
        pytest.param(
            without(recorded("stage"), newEvaluationResult=None), Skip.NO_RULE, id="no result"
        ),
        pytest.param(
            {**recorded("stage"), "detail-type": "Config Rules Re-evaluation Status"},
            Skip.NO_RULE,
            id="another notice",
        ),
        pytest.param({**recorded("stage"), "detail-type": ["a"]}, Skip.NO_RULE, id="no text"),
    ],
)
def test_what_is_no_violation_of_ours_says_why(event: dict[str, Any], reason: Skip) -> None:
    """It is skipped, and counted by the reason."""
    assert looked_at(event) is reason


@settings(max_examples=50)
@given(st.recursive(st.none() | st.integers() | st.text(), st.lists), st.sampled_from(
    ["newEvaluationResult", "resourceId", "resourceType", "configRuleName", "awsRegion"]
))  # fmt: skip
def test_no_value_breaks_the_reading_of_a_change(value: object, field: str) -> None:
    """Whatever stands there."""
    found = looked_at(without(recorded("log-group.again"), **{field: value}))
    assert isinstance(found, list | Skip)


def test_an_automation_has_events_of_services_too() -> None:
    """By detail-type and source."""
    native = Native("aws.made", lambda detail: iter([Ref("Toy", detail["name"])]))
    automation = Automation("made-up", (), natives={"Toy Made": native})
    event = {"detail-type": "Toy Made", "source": "aws.made", "account": ACCOUNT, "region": REGION}
    assert looked_at({**event, "detail": {"name": "a"}}, automation) == [Ref("Toy", "a")]
    assert looked_at({**event, "source": "aws.other", "detail": {}}, automation) is Skip.NO_RULE
    assert looked_at({**event, "detail": {"name": "a"}}) is Skip.NO_RULE


def message(event: dict[str, Any], number: int) -> dict[str, Any]:
    return {"messageId": str(number), "body": json.dumps(event)}


def test_only_rules_that_are_heeded_are_looked_at() -> None:
    """By the rule's name as Config tells it."""
    heeded: list[str] = []

    def heeding(rule: str) -> str:
        heeded.append(rule)
        return "log-retention" if rule == "steward-log-retention" else ""

    records = [message(recorded(name), n) for n, name in enumerate(NAMED)]
    batch = read(AUTOMATION, records, account=ACCOUNT, region=REGION, heeding=heeding)
    assert batch.refs == {"2": [GROUP]}
    assert batch.skipped == {Skip.NO_RULE: 3}
    assert len(set(heeded)) == 3  # of COMPLIANT ones nobody asks


def test_what_a_rule_finds_is_looked_at_by_its_control_alone() -> None:
    """Where nobody can tell whose the rule is, as in a replay, by all that look at events."""
    names = ("function-logging", "function-runtime", "required-tags")
    controls = [control for name in names if (control := registered(name))]
    left = {"required-tags": frozenset[str]()}
    automation = replace(AUTOMATION, controls=controls, only_after=left)
    told = recorded("log-group.first")
    alone = concerned(automation, told, lambda _: "function-runtime")
    assert [control.id for control in alone] == ["function-runtime"]
    assert concerned(automation, told, lambda _: "required-tags") == []
    everybody = ["function-logging", "function-runtime"]
    assert [control.id for control in concerned(automation, told)] == everybody


def test_under_a_bad_mapping_foreign_violations_wait_and_ours_are_done() -> None:
    """They come again once the policy is mended, or lie among the dead letters."""

    def heeding(rule: str) -> str:
        if rule.startswith("steward-"):
            return "log-retention"
        raise BadPolicy("config-rules: rules.a: is 'b'")

    records = [message(recorded(name), n) for n, name in enumerate(NAMED)]
    batch = read(AUTOMATION, records, account=ACCOUNT, region=REGION, heeding=heeding)
    assert ([*batch.refs], batch.unreadable) == (["2", "3"], ["1"])
    assert "rules.a" in str(batch.broken)


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("log-group.first", {"log-retention", "log-subscription"}),
        ("log-group.again", {"log-retention", "log-subscription"}),
        ("function.compliant", set()),
    ],
)
def test_recorded_changes_replay_by_the_templates_rules(name: str, controls: set[str]) -> None:
    """To every control with an inbox that is over the type."""
    found = route(recorded(name), routes(lambda _: True), account=ACCOUNT, region=REGION)
    if not controls:
        assert found is Skip.NO_RULE
        return
    assert not isinstance(found, Skip)
    assert {control.id for control, _ in found} == controls
    assert {ref for _, ref in found} == {GROUP}
