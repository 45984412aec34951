"""Requests on their way: in time, not too many at once, divided where that helps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.model import Deadline
from steward.shipping import sending
from steward.shipping.accel import accelerated
from steward.shipping.batch import Request
from steward.shipping.encoders.base import Answer, Kind, Limits
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.lanes import Lanes
from steward.shipping.sending import (
    ATTEMPT_SECONDS,
    FIRST_IN_FLIGHT,
    LONGEST_WISH,
    MOST_IN_FLIGHT,
    SHORTEST_ATTEMPT,
    Sender,
)
from tests.fakes import FakeClock
from tests.shipping import Inline, Rig, Service, document, record

CODEC = accelerated()
RECORDS = [record(place, document([f"{place}-{n}" for n in range(8)])) for place in range(6)]
"""Each is one request."""


class Timed(Service):
    """Keeps when each attempt began and what it was given."""

    def __init__(self, script: list[str]) -> None:
        super().__init__(script)
        self.began: list[tuple[float, float]] = []

    def attempt(self, request: Request, seconds: float) -> Answer:
        self.began.append((self.clock.monotonic(), seconds))
        return super().attempt(request, seconds)


STEPS = ["ok", "retry", "wait", "slow", "late", "some", "mixed", "split", "reject", "configure"]


@given(script=st.lists(st.sampled_from(STEPS), max_size=60), limit=st.floats(0, 120))
def test_nothing_lasts_longer_than_the_deadline(script: list[str], limit: float) -> None:
    """Whatever the service answers, attempts and pauses end by the deadline."""
    service = Timed(script)
    Rig(service, clock=service.clock, limit=limit).ship(RECORDS)
    assert service.clock.monotonic() <= limit + 1e-6
    for at, seconds in service.began:
        assert SHORTEST_ATTEMPT <= seconds <= ATTEMPT_SECONDS
        assert at + seconds <= limit + 1e-6


class Stubborn(Service):
    """Wants events again that it has had, and never fewer."""

    def attempt(self, request: Request, seconds: float) -> Answer:
        super().attempt(request, seconds)
        return Answer(Kind.RETRY, "again", again=tuple(range(request.events)))


@pytest.mark.parametrize(
    "service",
    [Stubborn(), *(Service([step] * 10_000) for step in ("retry", "wait", "slow", "lost"))],
    ids=["again", "retry", "wait", "slow", "lost"],
)
def test_what_never_gets_better_ends(service: Service) -> None:
    """Also where the events to be sent again never become fewer."""
    shipped = Rig(service, clock=service.clock).ship(RECORDS)
    assert shipped.again == 0
    assert len(service.attempts) < 100


def test_a_wish_is_obeyed_within_reason() -> None:
    """Retry-After is waited for, up to a minute; a pause that would be too late is not begun."""
    waits = {}
    for wish in (0.0, 7.0, 1000.0):
        service = Wishing(wish)
        Rig(service, clock=service.clock, limit=100.0).ship(RECORDS[:1])
        waits[wish] = sum(service.clock.sleeps)
    assert waits[0.0] < 1
    assert waits[7.0] == pytest.approx(7.0)
    assert waits[1000.0] == pytest.approx(LONGEST_WISH)


class Wishing(Service):
    """Asks once for a pause."""

    def __init__(self, wish: float) -> None:
        super().__init__()
        self._wish = wish

    def attempt(self, request: Request, seconds: float) -> Answer:
        if not self.clock.sleeps:
            return Answer(Kind.RETRY, "busy", self._wish)
        return super().attempt(request, seconds)


def test_what_is_over_is_not_waited_for() -> None:
    """A request that sleeps wakes when another one has stayed unsent: both come again."""
    sleeping = threading.Event()

    class Clock(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            sleeping.set()
            time.sleep(0.01)

    class Torn(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if request.first == 0:
                return Answer(Kind.RETRY, "busy", 50.0)
            assert sleeping.wait(5)
            return Answer(Kind.CONFIGURE, "who are you")

    service = Torn(renews=False, clock=Clock())
    with ThreadPoolExecutor(8) as pool:
        shipped = Rig(service, clock=service.clock, pool=pool).ship(RECORDS[:2])
    assert shipped.again == 0
    assert sum(service.clock.sleeps) < 25


def test_credentials_are_renewed_once() -> None:
    """Eight requests that are refused at once read the secret once, and are sent again once."""
    barrier = threading.Barrier(FIRST_IN_FLIGHT)

    class Rotated(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if not self.refreshed:
                barrier.wait(5)
                return Answer(Kind.CONFIGURE, "who are you")
            return super().attempt(request, seconds)

    service = Rotated()
    with ThreadPoolExecutor(8) as pool:
        shipped = Rig(service, clock=service.clock, pool=pool).ship(RECORDS[:FIRST_IN_FLIGHT])
    assert (shipped.again, service.refreshed) == (None, 1)
    assert set(service.taken.values()) == {1}


@pytest.mark.parametrize(("renews", "attempts"), [(True, 2), (False, 1)])
def test_what_somebody_has_to_mend_is_not_repeated(renews: bool, attempts: int) -> None:  # noqa: FBT001  # a case
    """It is asked once more with new credentials; without any, not at all."""
    service = Service(["configure"] * 9, renews=renews)
    shipped = Rig(service, clock=service.clock).ship(RECORDS)
    assert (shipped.again, shipped.cause) == (0, "who are you")
    assert len(service.attempts) == attempts
    assert service.clock.sleeps == []


def test_a_service_that_was_down_is_probed() -> None:
    """One request, once; where that is taken, all goes on as ever."""
    service = Service(["retry"] * 1000)
    rig = Rig(service, clock=service.clock)
    assert rig.ship(RECORDS).again == 0
    before, slept = len(service.attempts), len(service.clock.sleeps)
    assert rig.ship(RECORDS).again == 0
    assert len(service.attempts) == before + 1
    assert len(service.clock.sleeps) == slept
    service._steps.clear()
    assert rig.ship(RECORDS).again is None
    service._steps.append("retry")
    assert rig.ship([record(99, document(["99"]))]).again is None


def test_an_invocation_without_requests_says_nothing_about_the_service() -> None:
    """Whether it is down is known only where it was asked."""
    service = Service(["retry"] * 1000)
    rig = Rig(service, clock=service.clock)
    rig.ship(RECORDS)
    rig.ship([record(9, document([], messageType="CONTROL_MESSAGE"))])
    assert rig.shipper.sender.is_down


def test_an_attempt_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its records come again, and those behind it; what it does later changes nothing."""
    freed = threading.Event()

    class Stuck(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if request.first == 1:
                freed.wait(10)
            return super().attempt(request, seconds)

    service = Stuck()
    with ThreadPoolExecutor(8) as pool:
        rig = Rig(service, clock=service.clock, pool=pool)
        monkeypatch.setattr(sending.Shipment, "_patience", lambda self: 0.1)
        shipped = rig.ship(RECORDS)
        events = shipped.counts["Events"]
        freed.set()
    assert (shipped.again, shipped.cause) == (1, "out of time")
    assert shipped.counts["Events"] == events == 40


class Wide(Ndjson):
    limits = Limits(10_000_000, 100_000, 1_000_000)


@pytest.mark.parametrize(
    ("bad", "by_event", "parked", "most"),
    [
        ({"0-1234"}, True, 1, 1),
        ({"0-1234"}, False, 1, 30),
        ({"0-0"}, False, 1, 30),
        ({"0-4999"}, False, 1, 30),
        ({"0-1", "0-4999"}, False, 2, 60),
        ({f"0-{number}" for number in range(5000)}, False, 5000, 10),
    ],
    ids=["told", "one", "the first", "the last", "two far apart", "all"],
)
def test_a_refused_request_is_divided_while_that_helps(
    bad: set[str],
    by_event: bool,  # noqa: FBT001  # a case
    parked: int,
    most: int,
) -> None:
    """One bad event of thousands costs that event, and few requests; where all are refused, it
    costs even fewer."""
    service = Service(bad=frozenset(bad), by_event=by_event, most=10_000)
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    shipped = rig.ship([record(0, document([f"0-{number}" for number in range(5000)]))])
    assert shipped.again is None
    assert len(rig.parked_ids()) == parked
    assert len(service.attempts) <= most
    assert set(service.taken.values()) <= {1}
    assert len(service.taken) == 5000 - parked


def test_many_bad_events_among_good_ones_cost_bounded_requests() -> None:
    """Half of them are bad: some good ones are set aside with them, rather than asked for one by
    one."""
    bad = frozenset(f"0-{number}" for number in range(0, 5000, 2))
    service = Service(bad=bad, by_event=False, most=10_000)
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    assert rig.ship([record(0, document([f"0-{n}" for n in range(5000)]))]).again is None
    assert len(service.attempts) < 150
    assert len(rig.parked_ids()) + len(service.taken) == 5000


class Naming(Service):
    """Refuses a request for the first bad event in it, which it names; as Splunk does."""

    def attempt(self, request: Request, seconds: float) -> Answer:
        answer = super().attempt(request, seconds)
        ids = self.attempts[-1].ids
        first = next((place for place, uid in enumerate(ids) if uid in self.bad), None)
        if answer.kind is not Kind.REJECT or first is None:
            return answer
        return Answer(Kind.REJECT, "this one", rejected={first: "this one"})


@pytest.mark.parametrize("was_down", [False, True])
@pytest.mark.parametrize(
    ("bad", "parked"), [(range(0, 600, 30), 20), (range(5000), 5000)], ids=["some", "all"]
)
def test_named_events_keep_nobody_waiting(bad: range, parked: int, was_down: bool) -> None:  # noqa: FBT001
    """They are taken out one by one, without a pause, also by a service that was down before."""
    service = Naming(bad=frozenset(f"0-{n}" for n in bad), by_event=False, most=10_000)
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    rig.shipper.sender.is_down = was_down
    shipped = rig.ship([record(0, document([f"0-{n}" for n in range(5000)]))])
    assert (shipped.again, service.clock.sleeps) == (None, [])
    assert (len(rig.parked_ids()), len(service.taken)) == (parked, 5000 - parked)
    assert len(service.attempts) <= 32


class TooLarge(Service):
    """Takes requests of so many bytes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def attempt(self, request: Request, seconds: float) -> Answer:
        inflated = CODEC.inflater().decompress(request.body)
        if len(inflated) > self._size:
            self.attempts.append(object())  # type: ignore[arg-type]
            return Answer(Kind.SPLIT, "HTTP 413")
        return super().attempt(request, seconds)


def long_one() -> dict[str, object]:
    value = document([f"0-{number}" for number in range(10)])
    value["logEvents"][3]["message"] = "x" * 5000
    return value


def test_an_event_that_is_too_large_is_cut() -> None:
    """The others arrive as they are, and it with what there is room for."""
    service = TooLarge(1400)
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    shipped = rig.ship([record(0, long_one())])
    assert shipped.again is None
    assert service.taken == {f"0-{number}": 1 for number in range(10)}
    assert shipped.counts["Cut"] == 3
    assert rig.shelf.objects == {}


def test_a_service_for_which_everything_is_too_large_waits_for_somebody() -> None:
    """After few requests nothing is sent any more, and nothing is set aside."""
    service = TooLarge(10)
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    shipped = rig.ship([record(0, document([f"0-{n}" for n in range(5000)]))])
    assert (shipped.again, shipped.cause) == (0, "HTTP 413")
    assert len(service.attempts) < 40
    assert rig.shelf.objects == {}


def test_an_event_that_stays_too_large_is_set_aside() -> None:
    """Where the others are taken, it is that event's fault."""

    class Picky(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if b"0-3" in CODEC.inflater().decompress(request.body):
                return Answer(Kind.SPLIT, "HTTP 413")
            return super().attempt(request, seconds)

    service = Picky()
    rig = Rig(service, clock=service.clock, encoder=Wide(CODEC))
    assert rig.ship([record(0, document([f"0-{n}" for n in range(10)]))]).again is None
    assert rig.parked_ids() == {"0-3"}
    assert len(service.taken) == 9


def test_a_bug_in_delivering_costs_the_records_of_its_request() -> None:
    """They are set aside as they came; the others go on."""

    class Buggy(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if request.first == 2:
                raise ZeroDivisionError
            return super().attempt(request, seconds)

    service = Buggy()
    rig = Rig(service, clock=service.clock)
    shipped = rig.ship(RECORDS)
    assert shipped.again is None
    assert rig.parked_positions() == ["2"]
    assert len(service.taken) == 40
    assert "ZeroDivisionError" in rig.shelf.lines("record")[0]["reason"]


def test_lanes_follow_what_the_service_bears() -> None:
    """One more after each success, half after each refusal, one at least."""
    lanes = Lanes(4, 8)
    assert free(lanes) == 4
    for _ in range(9):
        lanes.faster()
    assert free(lanes) == 8
    for expected in (4, 2, 1, 1):
        lanes.slower()
        assert free(lanes) == expected


def free(lanes: Lanes) -> int:
    """How many may enter now."""
    entered = 0
    while lanes.enter(0):
        entered += 1
    for _ in range(entered):
        lanes.leave()
    return entered


def test_no_more_is_under_way_than_lanes() -> None:
    """However many requests there are, and however they end."""
    busy, most, lock = 0, 0, threading.Lock()

    class Busy(Service):
        def attempt(self, request: Request, seconds: float) -> Answer:
            nonlocal busy, most
            with lock:
                busy += 1
                most = max(most, busy)
            time.sleep(0.001)
            with lock:
                busy -= 1
            return super().attempt(request, seconds)

    service = Busy()
    with ThreadPoolExecutor(32) as pool:
        rig = Rig(service, clock=service.clock, pool=pool)
        rig.ship([record(p, document([f"{p}-{n}" for n in range(8)])) for p in range(60)])
    assert FIRST_IN_FLIGHT <= most <= MOST_IN_FLIGHT
    assert set(service.taken.values()) == {1}


def test_a_destination_without_a_format_takes_requests_as_a_whole() -> None:
    """Nothing of them could be told apart; asking for that is a bug, and shows."""
    clock = FakeClock()
    sender = Sender(Service(["split"]), None, CODEC, clock)
    shipment = sender.begin(Deadline(clock, 9.0), Inline())
    deflater = CODEC.deflater()
    body = deflater.compress(b'{"id":"1"}\n{"id":"2"}') + deflater.flush()
    shipment.submit(Request(body, 2, 0, 0))
    with pytest.raises(TypeError, match="as a whole"):
        shipment.finish(called)


def called(request: Request, done: Callable[[], None]) -> bool:
    done()
    return True
