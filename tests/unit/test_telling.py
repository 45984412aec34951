"""Which metrics a run emits, under which dimensions, in summary and in full."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from steward.errors import BadPolicy
from steward.inbox import Batch
from steward.ledger import Sweep, stamp
from steward.model import Fate, Finding, Ref, Trigger, Verdict
from steward.run import Outcome
from steward.telemetry import WHOLE, LambdaTelemetry, embedded
from steward.telling import Teller
from tests.fakes import START, FakeClock

LOGS = "log-retention"
RIGHT = Finding(Ref("Toy", "a"), Verdict.COMPLIANT, "RIGHT_SIZE", "is 10")
WRONG = Finding(Ref("Toy", "b"), Verdict.NON_COMPLIANT, "WRONG_SIZE", "is 1")
ENDED = Sweep(
    *("id", LOGS, stamp(START), "bound", stamp(START), True),
    resources=3,
    verdicts={"COMPLIANT": 2, "NON_COMPLIANT": 1},
)

Told = set[tuple[str, str, str, float]]
"""Name, control, fate and value of metrics."""


def outcome(finding: Finding, fate: Fate) -> Outcome:
    return Outcome(LOGS, finding, fate, Trigger.EVENT)


def metrics(tell: Callable[[Teller], object], *, in_full: bool = False) -> Told:
    """What is emitted, once for each set of dimensions."""
    out = io.StringIO()
    tell(Teller(LambdaTelemetry(FakeClock(), "steward", out), in_full))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return {
        (one["Name"], *(line[n] if n in names else "" for n in ("Control", "Fate")), value)
        for line in lines
        if "_aws" in line
        for directive in line["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for one in directive["Metrics"]
        for value in listed(line[one["Name"]])
    }


def listed(value: float | list[float]) -> Iterable[float]:
    return value if isinstance(value, list) else [value]


def test_in_summary_only_what_is_not_simply_in_order_is_counted() -> None:
    """By control and fate, of which a total is the sum."""
    outcomes = [outcome(RIGHT, Fate.NONE), outcome(WRONG, Fate.PLANNED)]
    told = metrics(lambda teller: teller.outcomes(outcomes))
    assert told == {("Outcomes", LOGS, "planned", 1)}


def test_in_full_everything_is_counted_with_totals() -> None:
    """A metric of no dimension for all outcomes, one for each control."""
    outcomes = [outcome(RIGHT, Fate.NONE), outcome(WRONG, Fate.PLANNED)]
    told = metrics(lambda teller: teller.outcomes(outcomes), in_full=True)
    assert told == {
        ("Outcomes", LOGS, "none", 1),
        ("Outcomes", LOGS, "planned", 1),
        ("Outcomes", LOGS, "", 1),
        ("Outcomes", "", "", 1),
    }


@pytest.mark.parametrize("in_full", [False, True])
def test_how_resources_stand_is_told_by_control_only(*, in_full: bool) -> None:
    """A sum over controls of one sweep is no total of the account, and an average is nothing; but
    the highest age is the account's."""
    told = metrics(lambda teller: teller.swept(ENDED, START), in_full=in_full)
    counters = {name for name, control, _, _ in told if not control}
    assert counters == {"Sweeps", "IncompleteSweeps", "OldestViolationAgeHours"}
    assert {("Violations", LOGS, "", 1), ("CompliantResources", LOGS, "", 2)} <= told
    assert (("Resources", LOGS, "", 3) in told) is in_full


def test_what_the_account_stores_is_told_without_the_control_that_read_it() -> None:
    """It is the account's; in bytes."""
    at = replace(ENDED, gauges={"LogStoredBytes": 1024, "LambdaCodeStorageBytes": None})
    told = metrics(lambda teller: teller.swept(at, START))
    assert {one for one in told if "Bytes" in one[0]} == {("LogStoredBytes", "", "", 1024)}
    line = embedded(0, {"LogStoredBytes": 1024}, WHOLE, {})
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] == "Bytes"


def test_a_sweep_that_stopped_only_beats() -> None:
    """Its heartbeat sounds, and it is counted as incomplete."""
    stopped = replace(ENDED, finished="", complete=False, error="throttled")
    told = metrics(lambda teller: teller.swept(stopped, START))
    assert told == {
        (name, control, "", 1) for name in ("Sweeps", "IncompleteSweeps") for control in ("", LOGS)
    }


def test_a_control_that_is_off_has_no_violations() -> None:
    """Else the dashboard would show for ever what it found before."""
    told = metrics(lambda teller: teller.off(LOGS, START))
    assert {("Violations", LOGS, "", 0), ("Sweeps", LOGS, "", 1)} <= told
    assert {value for *_, value in told} == {0, 1}


def test_how_late_events_are_is_told_as_a_distribution() -> None:
    """A hundred values in a line at most; what the future tells of is not late."""
    late = [START - timedelta(seconds=n) for n in range(250)] + [START + timedelta(seconds=9)]
    told = metrics(lambda teller: teller.received(Batch(times=late), START))
    assert told == {("EventLagSeconds", "", "", float(n)) for n in range(250)}


def test_throttled_calls_are_told_once() -> None:
    """They are counted for as long as a process lives."""
    calls = Counter({"logs.PutRetentionPolicy": 2, "ssm.GetParameters": 1})
    assert metrics(lambda teller: teller.throttled(calls)) == {("ThrottledCalls", "", "", 3)}
    assert metrics(lambda teller: teller.throttled(calls)) == set()


def test_what_alarms_without_a_control_is_told_with_it_too() -> None:
    """So that the alarm needs to know none, and people see which it was."""
    told = metrics(lambda teller: teller.broken(LOGS, BadPolicy("days: is 0")))
    assert told == {("BadPolicies", "", "", 1), ("BadPolicies", LOGS, "", 1)}
