"""Requests of one quota group are evenly spaced, at our share of what AWS allows."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.aws.pacing import RECOVERY, SLOWEST, Pacer
from steward.aws.quotas import RATES, UNLISTED, group_of
from steward.errors import OutOfTime
from steward.model import Deadline
from tests.fakes import FakeClock

RESOURCES = "apigateway.GetResources"
PUTS = "logs.PutRetentionPolicy"
RATE = RATES[PUTS]

EVENTS = st.one_of(
    st.just("wait"),
    st.just("throttled"),
    st.just("passed"),
    st.floats(0, 3, allow_nan=False),  # seconds in which nothing is asked
)


class StillClock(FakeClock):
    """Time stands still, and whoever looks at it lets the other threads go first."""

    def monotonic(self) -> float:
        time.sleep(0.0005)
        return 0.0

    def advance(self, seconds: float) -> None:
        """No time passes."""


def times(pacer: Pacer, clock: FakeClock, group: str, count: int) -> list[float]:
    """When each of ``count`` requests may go."""
    deadline = Deadline(clock)
    found = []
    for _ in range(count):
        pacer.wait(group, deadline)
        found.append(clock.monotonic())
    return found


def spacing(pacer: Pacer, clock: FakeClock, group: str = PUTS) -> float:
    """Seconds between two requests from now on."""
    before, after = times(pacer, clock, group, 3)[1:]
    return after - before


@pytest.mark.parametrize("share", [1.0, 0.5, 0.15])
@pytest.mark.parametrize("group", [*RATES, "nobody.ListedThis"])
def test_requests_are_evenly_spaced_by_the_share_of_the_quota(group: str, share: float) -> None:
    """The first goes at once, each other one interval after the one before."""
    clock = FakeClock()
    interval = 1 / (RATES.get(group, UNLISTED) * share)
    found = times(Pacer(clock, share), clock, group, 5)
    assert found == pytest.approx([number * interval for number in range(5)])


def test_a_service_may_have_a_share_of_its_own() -> None:
    """Processes share a service's quota with as many others as use that service."""
    clock = FakeClock()
    pacer = Pacer(clock, 0.5, {"logs": 0.1})
    assert times(pacer, clock, PUTS, 3) == pytest.approx([0, 10 / RATE, 20 / RATE])
    began = clock.monotonic()
    spent = [at - began for at in times(pacer, clock, "ssm", 2)]
    assert spent == pytest.approx([0, 2 / RATES["ssm"]])


def test_idle_time_does_not_add_up_to_a_burst() -> None:
    """The bucket holds one token, however long nobody asked."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    times(pacer, clock, PUTS, 1)
    clock.advance(60)
    assert times(pacer, clock, PUTS, 3) == pytest.approx([60, 60 + 1 / RATE, 60 + 2 / RATE])


def test_groups_do_not_wait_for_one_another() -> None:
    """Each quota is AWS's own, so one that is used up holds nothing else back."""
    clock = FakeClock()
    pacer = Pacer(clock, 0.1)
    for group in (PUTS, "logs.DescribeLogGroups", "lambda", "ssm"):
        pacer.wait(group, Deadline(clock))
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("service", "operation", "group"),
    [
        pytest.param("lambda", "ListFunctions", "lambda", id="one quota for all of lambda"),
        pytest.param("lambda", "DeleteFunction", "lambda", id="reads and writes together"),
        pytest.param("logs", "PutRetentionPolicy", PUTS, id="one quota for each of logs"),
        pytest.param("logs", "TagResource", "logs.TagResource", id="a group of its own"),
        pytest.param("apigateway", "GetStages", "apigateway", id="one quota for API Gateway"),
        pytest.param("apigatewayv2", "GetStages", "apigateway", id="of both versions"),
        pytest.param("apigateway", "GetResources", RESOURCES, id="one of its own within it"),
        pytest.param("dynamodb", "PutItem", "", id="dynamodb is not paced"),
        pytest.param("sqs", "GetQueueUrl", "", id="sqs is not paced"),
        pytest.param("sts", "GetCallerIdentity", "", id="sts is not paced"),
    ],
)
def test_an_operation_counts_against_its_quota(service: str, operation: str, group: str) -> None:
    """Operations that share a quota share a group; '' is not paced."""
    assert group_of(service, operation) == group


@pytest.mark.parametrize(
    ("share", "group"),
    [pytest.param(None, PUTS, id="pacing is off"), pytest.param(0.01, "", id="not paced")],
)
def test_what_is_not_paced_never_sleeps(share: float | None, group: str) -> None:
    """Not even when the deadline has passed: the ledger must still be written."""
    clock = FakeClock()
    pacer = Pacer(clock, share)
    for _ in range(100):
        pacer.wait(group, Deadline(clock, -1))
        pacer.throttled(group)
    assert clock.sleeps == []


def test_a_throttle_halves_the_rate() -> None:
    """AWS's word counts for more than its documentation."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    pacer.throttled(PUTS)
    assert spacing(pacer, clock) == pytest.approx(2 / RATE)
    pacer.throttled(PUTS)
    assert spacing(pacer, clock) == pytest.approx(4 / RATE)


def test_a_throttle_of_one_group_slows_no_other() -> None:
    """What AWS counts separately is slowed separately."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    pacer.throttled("logs.DescribeLogGroups")
    assert spacing(pacer, clock) == pytest.approx(1 / RATE)


def test_a_group_never_gets_slower_than_the_slowest() -> None:
    """A hundred throttles do not bring a run to a standstill."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    for _ in range(100):
        pacer.throttled(PUTS)
    assert spacing(pacer, clock) == pytest.approx(1 / (RATE * SLOWEST))


def test_a_slowed_group_recovers_with_each_request_that_passes() -> None:
    """It recovers little by little, to its full rate and not beyond."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    pacer.throttled(PUTS)
    pacer.passed(PUTS)
    assert spacing(pacer, clock) == pytest.approx(1 / (RATE * (0.5 + RECOVERY)))
    for _ in range(1000):
        pacer.passed(PUTS)
    assert spacing(pacer, clock) == pytest.approx(1 / RATE)


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(0.1, id="the slot lies after the deadline"),
        pytest.param(1 / RATE, id="the slot is the deadline"),
        pytest.param(0, id="the deadline is now"),
        pytest.param(-5, id="the deadline has passed"),
    ],
)
def test_a_slot_that_comes_too_late_is_out_of_time_at_once(seconds: float) -> None:
    """Nobody sleeps for a request that may not be sent any more."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    pacer.wait(PUTS, Deadline(clock))
    with pytest.raises(OutOfTime, match="PutRetentionPolicy"):
        pacer.wait(PUTS, Deadline(clock, seconds))
    assert clock.sleeps == []


def test_a_request_that_came_too_late_takes_no_slot() -> None:
    """The next run finds the quota as if nobody had asked."""
    clock = FakeClock()
    pacer = Pacer(clock, 1.0)
    pacer.wait(PUTS, Deadline(clock))
    for _ in range(10):
        with pytest.raises(OutOfTime):
            pacer.wait(PUTS, Deadline(clock, 0.01))
    assert times(pacer, clock, PUTS, 1) == pytest.approx([1 / RATE])


def test_threads_never_get_the_same_slot() -> None:
    """Eight threads that ask at the same moment are spaced like one that asks eight times."""
    clock = StillClock()
    pacer = Pacer(clock, 1.0)
    start = threading.Barrier(8)

    def ask(_: int) -> None:
        start.wait()
        for _ in range(5):
            pacer.wait(PUTS, Deadline(clock, 1000))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(8)))
    assert sorted(clock.sleeps) == pytest.approx([number / RATE for number in range(1, 40)])


@given(st.floats(0.01, 1.0), st.lists(EVENTS, max_size=40))
def test_no_window_ever_holds_more_than_its_share(share: float, events: list[str | float]) -> None:
    """In T seconds at most rate x share x T + 1 requests go, whatever happens in between."""
    clock = FakeClock()
    pacer = Pacer(clock, share)
    found: list[float] = []
    for event in events:
        if event == "wait":
            found += times(pacer, clock, PUTS, 1)
        elif event == "throttled":
            pacer.throttled(PUTS)
        elif event == "passed":
            pacer.passed(PUTS)
        else:
            clock.advance(float(event))
    for first, last in itertools.combinations(range(len(found)), 2):
        window = found[last] - found[first]
        assert last - first + 1 <= RATE * share * window + 1 + 1e-6


def test_a_group_may_have_another_share_than_its_service() -> None:
    """Of what several functions read, each uses less."""
    clock = FakeClock()
    pacer = Pacer(clock, 0.05, {"logs": 0.5, "logs.DescribeLogGroups": 0.25})
    assert spacing(pacer, clock) == pytest.approx(1 / (RATE * 0.5))
    listed = "logs.DescribeLogGroups"
    assert spacing(pacer, clock, listed) == pytest.approx(1 / (RATES[listed] * 0.25))
