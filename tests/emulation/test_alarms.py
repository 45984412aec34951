"""The stack's alarms ring when, and only when, there is a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.alarms import in_alarm
from embedded.faults import Fault
from embedded.hosting import Datum
from embedded.seeding import Seed, seed_log_groups
from steward.controls import CONTROLS
from tests.scenarios.narrowed import only

START = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
NOTHING = {"days": 30}


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedAccount]:
    """Opening and sweeping take most of a test's time."""
    template = only("log-retention", "log-subscription", "function-runtime")
    with EmbeddedAccount({"LogShipping": "enabled"}, start=START, template=template) as account:
        yield account


@pytest.fixture
def here(shared: EmbeddedAccount) -> EmbeddedAccount:
    """The shared account, mended, hours ago, and just swept."""
    shared.server.faults = []
    shared.host.before = lambda _name, _event: None
    for queue in shared.queues:
        queue.purge()
    put_policy(shared, json.dumps(NOTHING))
    shared.advance(hours=6)
    assert shared.sweep().status == "SUCCEEDED"
    return shared


def put_policy(here: EmbeddedAccount, text: str) -> None:
    here.client("ssm").put_parameter(
        Name="/steward/policy/log-retention", Value=text, Type="String", Overwrite=True
    )
    here.settle()


def names(here: EmbeddedAccount) -> Mapping[str, Any]:
    """The stack's alarms by name."""
    found = here.deployment.of_type("AWS::CloudWatch::Alarm")
    return {one.properties["AlarmName"]: one.properties for one in found}


def test_every_alarm_of_the_whole_stack_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing was measured, those ring that take silence for a fault."""
    with EmbeddedAccount({"LogShipping": "enabled"}, start=START) as here:
        monkeypatch.setattr(here.host, "metrics", [])
        silent = {
            name.removeprefix("steward-")
            for name, alarm in names(here).items()
            if alarm["TreatMissingData"] == "breaching"
        }
        controls = [control.id for control in CONTROLS]
        assert here.alarms() == silent == {f"{control}-heartbeat" for control in controls}


def test_after_a_sweep_that_went_well_nothing_rings(here: EmbeddedAccount) -> None:
    """Nor does it a day later, because another was due meanwhile."""
    assert here.alarms() == set()
    here.advance(hours=26)
    assert here.alarms() == set()


def test_a_bad_policy_rings(here: EmbeddedAccount) -> None:
    """For as long as its period; then it is over, until the next sweep."""
    put_policy(here, "{")
    assert here.alarms() == {"bad-policy", "log-retention-errors", "sweep-failed"}
    here.clock.advance(301)
    assert here.alarms() == set()


def test_a_spent_budget_rings(here: EmbeddedAccount) -> None:
    """One group more than may be changed in an hour."""
    put_policy(here, '{"max_changes_per_hour": 1}')
    here.advance(minutes=10)
    seed_log_groups((Seed(name=f"/budget/{number}") for number in range(2)), region=here.region)
    here.sweep()
    assert here.alarms() == {"budget-spent"}


def test_a_sweep_that_is_incomplete_rings(here: EmbeddedAccount) -> None:
    """The function ended well; what it could not read is told by the sweep."""
    here.server.faults = [
        Fault(operation="logs.DescribeLogGroups", code="AccessDeniedException", times=None)
    ]
    here.sweep()
    assert here.alarms() == {"incomplete", "sweep-failed"}


@pytest.mark.parametrize(
    ("queue", "alarm"),
    [
        ("log-retention-dead-letters", "log-retention-dead-letters"),
        ("log-retention-undelivered", "log-retention-undelivered"),
        ("sweep-not-started", "sweep-not-started"),
    ],
)
def test_what_nobody_takes_rings_until_it_is_gone(
    here: EmbeddedAccount, queue: str, alarm: str
) -> None:
    """One message is enough, however long ago it came."""
    here.queue(queue).send("{}")
    assert here.alarms() == {alarm}
    here.clock.advance(7200)
    assert here.alarms() == {alarm}
    here.queue(queue).purge()
    assert here.alarms() == set()


def test_an_inbox_that_stands_still_rings_after_an_hour(here: EmbeddedAccount) -> None:
    """Not at the hour itself."""
    here.queue("log-retention").send("{}")
    here.clock.advance(3600)
    assert here.alarms() == set()
    here.clock.advance(1)
    assert here.alarms() == {"log-retention-oldest-message"}


def test_the_heartbeat_rings_when_no_sweep_has_ended_for_its_hours(here: EmbeddedAccount) -> None:
    """Sweeps that break off do not count; the other control's heart still beats."""

    def broken(_: str, event: Mapping[str, Any]) -> None:
        if event.get("sweep", {}).get("control") == "log-retention":
            raise MemoryError("killed")

    here.host.before = broken
    here.advance(hours=25)
    assert "log-retention-heartbeat" not in here.alarms()
    here.advance(hours=2)
    assert {one for one in here.alarms() if "heartbeat" in one} == {"log-retention-heartbeat"}


# --------------------------------------------------------------------- the judgement by itself

ALARM = {
    "AlarmName": "stack-a",
    "Namespace": "Steward",
    "MetricName": "M",
    "Dimensions": [{"Name": "Control", "Value": "c"}],
    "Statistic": "Sum",
    "Period": "300",
    "EvaluationPeriods": "1",
    "Threshold": "2",
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
LESS = {"ComparisonOperator": "LessThanThreshold"}
TWO_OF_THREE = {"EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 0}


def judged(
    alarm: Mapping[str, Any], *measured: tuple[float, float], control: str = "c", name: str = "M"
) -> bool:
    """Whether an alarm rings for values that were measured so many seconds ago."""
    data = [
        Datum(name, {"Control": control}, value, START - timedelta(seconds=ago))
        for ago, value in measured
    ]
    account: Any = SimpleNamespace(
        stack="stack",
        clock=SimpleNamespace(now=lambda: START),
        host=SimpleNamespace(metrics=data),
        deployment=SimpleNamespace(of_type=lambda _: [SimpleNamespace(properties=alarm)]),
    )
    return in_alarm(account) == {"a"}


@pytest.mark.parametrize(
    ("changed", "measured", "expected"),
    [
        ({}, [(0, 3)], True),
        ({}, [(0, 2)], False),
        ({}, [(0, 1), (299, 2)], True),
        ({}, [(0, 1), (300, 2)], False),
        ({}, [], False),
        ({"TreatMissingData": "breaching"}, [], True),
        ({"TreatMissingData": "breaching"}, [(0, 0)], False),
        ({"Statistic": "Maximum"}, [(0, 2), (1, 2)], False),
        ({"Statistic": "Maximum"}, [(0, 1), (1, 3)], True),
        ({"Statistic": "SampleCount", **LESS}, [(0, 9), (1, 9)], False),
        ({"Statistic": "SampleCount", **LESS}, [(0, 9)], True),
        ({"ComparisonOperator": "GreaterThanOrEqualToThreshold"}, [(0, 2)], True),
        ({"ComparisonOperator": "LessThanOrEqualToThreshold"}, [(0, 2)], True),
        (LESS, [(0, 2)], False),
        ({"EvaluationPeriods": 2}, [(0, 3)], False),
        ({"EvaluationPeriods": 2}, [(0, 3), (300, 3)], True),
        (TWO_OF_THREE, [(0, 1), (600, 1)], True),
        (TWO_OF_THREE, [(0, 1), (900, 1)], False),
    ],
)
def test_enough_of_the_last_periods_must_breach(
    changed: Mapping[str, Any], measured: list[tuple[float, float]], *, expected: bool
) -> None:
    """All of them, unless the alarm says how many."""
    assert judged({**ALARM, **changed}, *measured) is expected


def test_only_the_metric_with_these_very_dimensions_counts() -> None:
    """Not another control's, not another's of the same control."""
    assert not judged(ALARM, (0, 9), control="d")
    assert not judged(ALARM, (0, 9), name="N")
    assert not judged({**ALARM, "Dimensions": []}, (0, 9))


@pytest.mark.parametrize(
    "changed",
    [
        {"Namespace": "AWS/Events"},
        {"Namespace": "AWS/Lambda", "MetricName": "Duration"},
        {"Namespace": "AWS/SQS", "MetricName": "SentMessageSize"},
        {"Namespace": "AWS/States", "MetricName": "ExecutionTime"},
        {"Statistic": "Average"},
        {"ComparisonOperator": "GreaterThanUpperThreshold"},
    ],
    ids=lambda changed: "+".join(changed.values()),
)
def test_what_is_not_measured_here_is_no_silence(changed: Mapping[str, Any]) -> None:
    """An alarm that cannot be judged is an error, and never quiet."""
    with pytest.raises(NotImplementedError):
        judged({**ALARM, **changed})
