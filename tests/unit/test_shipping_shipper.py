"""One invocation: what comes again is exactly what has to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from steward.errors import BadPolicy
from steward.policy import settled
from steward.shipping.accel import accelerated
from steward.shipping.batch import Request
from steward.shipping.decode import Events, Record
from steward.shipping.encoders.base import Answer, Kind
from steward.shipping.preparing import Preparation
from steward.shipping.shipper import Memory, Step
from tests.fakes import FakeClock
from tests.shipping import (
    OWN_GROUP,
    Forgetful,
    Metrics,
    Ready,
    Rig,
    Service,
    Shelf,
    Small,
    document,
    prepared,
    record,
)

CODEC = accelerated()
GOOD = [record(place, document([f"{place}-{n}" for n in range(8)])) for place in range(6)]
"""Each is one request."""
FOREIGN = b"hello"


class AtPlaces(Service):
    """Answers by the place of the request's first record."""

    def __init__(self, answers: dict[int, Answer]) -> None:
        super().__init__(renews=False)
        self.answers = answers

    def attempt(self, request: Request, seconds: float) -> Answer:
        if request.first in self.answers:
            return self.answers[request.first]
        return super().attempt(request, seconds)


CONFIGURE = Answer(Kind.CONFIGURE, "who are you")
REJECT = Answer(Kind.OK, rejected={0: "never"})


def test_all_is_well() -> None:
    """Nothing comes again, and everything is counted."""
    service = Service()
    shipped = Rig(service).ship(GOOD)
    assert (shipped.again, shipped.cause, shipped.parked) == (None, "", ())
    told = {name: count for name, count in shipped.counts.items() if count}
    wire = told.pop("WireBytes")
    assert wire > 0
    assert told == {"Records": 6, "Events": 48, "Requests": 6, "Points": 6}


def test_no_records_are_no_failure() -> None:
    """An empty batch is over at once."""
    assert Rig(Service()).ship([]).again is None


def test_records_without_anything_to_ship_are_over() -> None:
    """They are counted by the reason, and poison is set aside."""
    batch = [
        record(1, document([], messageType="CONTROL_MESSAGE")),
        record(2, document(["a", "b"], OWN_GROUP + "x")),
        record(3, document([])),
        record(4, FOREIGN),
    ]
    rig = Rig(Service())
    shipped = rig.ship(batch)
    assert shipped.again is None
    assert shipped.counts["Skipped.control"] == 1
    assert shipped.counts["Skipped.own"] == 2
    assert shipped.counts["Skipped.empty"] == 1
    assert (shipped.counts["PoisonRecords"], shipped.counts["Parked"]) == (1, 1)
    assert rig.parked_positions() == ["4"]


def test_the_first_unsent_record_comes_again() -> None:
    """What is behind it was taken all the same, and is remembered."""
    service = AtPlaces({2: Answer(Kind.RETRY, "busy", 55.0)})
    with ThreadPoolExecutor(8) as pool:
        rig = Rig(service, pool=pool)
        shipped = rig.ship(GOOD)
        service.answers = {}
        again = rig.ship(GOOD[2:])
    assert (shipped.again, shipped.cause) == (2, "busy")
    assert again.again is None
    assert set(service.taken.values()) == {1}
    assert len(service.taken) == 48


def test_parking_that_fails_never_spares_what_is_unsent() -> None:
    """The lower of both comes again: here a request stayed unsent before the refused event."""
    refused = threading.Event()

    class Late(AtPlaces):
        def attempt(self, request: Request, seconds: float) -> Answer:
            if request.first == 3:
                refused.set()
                return REJECT
            if request.first == 1:
                assert refused.wait(5)
            return super().attempt(request, seconds)

    with ThreadPoolExecutor(8) as pool:
        rig = Rig(Late({1: CONFIGURE}), Shelf([True]), pool=pool)
        shipped = rig.ship(GOOD[:4])
    assert (shipped.again, shipped.cause) == (1, "who are you")


@pytest.mark.parametrize("kind", ["poison", "refused"])
def test_parking_that_fails_lets_the_record_come_again(kind: str) -> None:
    """With what is behind it, none of which is sent twice in this container."""
    service = AtPlaces({} if kind == "poison" else {2: REJECT})
    batch = [*GOOD]
    if kind == "poison":
        batch[2] = record(2, FOREIGN)
    rig = Rig(service, Shelf([True]))
    shipped = rig.ship(batch)
    assert (shipped.again, shipped.cause) == (2, "parking: PutObject: SlowDown")
    assert shipped.parked == ()
    service.answers = {}
    assert rig.ship(batch[2:]).again is None
    assert set(service.taken.values()) == {1}
    assert len(service.taken) == (48 if kind == "refused" else 40)
    assert rig.parked_positions() == (["2"] if kind == "poison" else [])
    assert set(rig.metrics.published.values()) == {1}


def test_poison_that_comes_again_is_not_parked_yet() -> None:
    """It stands behind a request that stayed unsent, and is set aside once, when its turn comes."""
    service = AtPlaces({0: CONFIGURE})
    rig = Rig(service)
    batch = [GOOD[0], record(1, FOREIGN), GOOD[2]]
    assert rig.ship(batch).again == 0
    assert rig.parked_positions() == []
    service.answers = {}
    assert rig.ship(batch).again is None
    assert rig.parked_positions() == ["1"]


def test_what_is_open_at_the_deadline_comes_again() -> None:
    """Events that were read, but stand in a request that nobody sent, are not forgotten."""
    service = Service(["late", "late"])
    small = [record(place, document([f"{place}-{n}" for n in range(5)])) for place in range(6)]
    rig = Rig(service, clock=service.clock, limit=20.0)
    shipped = rig.ship(small)
    assert (shipped.again, shipped.cause) == (1, "out of time")
    assert set(service.taken) == {f"0-{n}" for n in range(5)}
    service._steps.clear()
    assert rig.ship(small[1:]).again is None
    assert len(service.taken) == 30


def test_nothing_is_read_when_there_is_no_time() -> None:
    """Everything comes again."""
    service = Service()
    rig = Rig(service, limit=0.0)
    assert rig.ship(GOOD).again == 0
    assert service.attempts == []


def test_a_record_with_a_bug_costs_itself() -> None:
    """Preparing it fails: it is set aside as it came; its points are not published."""

    def fails(events: Events) -> Ready:
        if events.ids[0] == "3-0":
            raise ZeroDivisionError
        return prepared(events)

    rig = Rig(Service(), prepare=fails)
    shipped = rig.ship(GOOD)
    assert shipped.again is None
    assert rig.parked_positions() == ["3"]
    assert "3-0" not in rig.metrics.published


def test_a_batch_with_a_bug_publishes_nothing_of_the_record() -> None:
    """It is replayed later, and counts then."""

    def odd(events: Events) -> Ready:
        found = prepared(events)
        if events.ids[0] != "3-0" or found.block is None:
            return found
        return replace(found, block=replace(found.block, messages=[None] * 8))  # type: ignore[list-item]

    rig = Rig(Service(), prepare=odd)
    assert rig.ship(GOOD).again is None
    assert rig.parked_positions() == ["3"]
    assert "3-0" not in rig.metrics.published


def test_an_error_of_settings_leaves_nothing_under_way() -> None:
    """It is raised once all requests that were sent are over."""
    service = Service()

    def fails(events: Events) -> Ready:
        if events.ids[0] == "3-0":
            raise BadPolicy("metrics: no")
        return prepared(events)

    with ThreadPoolExecutor(8) as pool:
        rig = Rig(service, pool=pool, prepare=fails)
        with pytest.raises(BadPolicy):
            rig.ship(GOOD)
        assert len(service.attempts) == 2


def test_refused_metrics_are_parked() -> None:
    """The records do not come again for them."""
    rig = Rig(Service(), metrics=Metrics([True]))
    shipped = rig.ship(GOOD)
    assert shipped.again is None
    (line,) = rig.shelf.lines("metrics")
    assert (line["reason"], len(line["call"]["MetricData"])) == ("Denied", 6)


def test_refused_metrics_that_cannot_be_parked_come_again_alone() -> None:
    """Their records come again, but the log events are not sent twice."""
    service = Service()
    rig = Rig(service, Shelf([True]), Metrics([True]))
    shipped = rig.ship(GOOD)
    assert (shipped.again, shipped.cause) == (0, "parking: PutObject: SlowDown")
    assert rig.ship(GOOD).again is None
    assert set(service.taken.values()) == {1}
    assert rig.metrics.published == {f"{place}-0": 1 for place in range(6)}


def test_points_of_what_comes_again_are_published_then() -> None:
    """Points of records before it are published at once, each once in all."""
    service = AtPlaces({3: CONFIGURE})
    rig = Rig(service)
    rig.ship(GOOD)
    assert rig.metrics.published == {f"{place}-0": 1 for place in range(3)}
    service.answers = {}
    rig.ship(GOOD)
    assert rig.metrics.published == {f"{place}-0": 1 for place in range(6)}


def test_a_record_that_comes_again_is_recognised() -> None:
    """It is counted, and neither sent nor parked again; one of another shard is another one."""
    service = Service()
    rig = Rig(service)
    batch = [*GOOD[:2], record(9, FOREIGN)]
    rig.ship(batch)
    again = rig.ship(batch)
    assert (again.again, again.counts["Duplicates"], again.counts["Requests"]) == (None, 3, 0)
    rig.ship([replace(GOOD[0], shard="shardId-000000000001")])
    assert service.taken["0-0"] == 2
    assert rig.parked_positions() == ["9"]


def test_direct_subscriptions_are_not_recognised() -> None:
    """They have no position; Lambda repeats them only as a whole."""
    service = Service()
    rig = Rig(service)
    for uid in "12":
        assert rig.ship([record("", document([uid]), shard="")]).counts["Duplicates"] == 0
    assert service.taken == {"1": 1, "2": 1}


def test_memory_forgets_the_oldest_and_never_goes_back() -> None:
    """What is done stays done, and a container's memory has an end."""
    memory = Memory(2)
    memory.write(GOOD[0], Step.DONE)
    memory.write(GOOD[0], Step.SHIPPED)
    memory.write(GOOD[1], Step.SHIPPED)
    assert [memory.step(one) for one in GOOD[:2]] == [Step.DONE, Step.SHIPPED]
    memory.write(GOOD[1], Step.DONE)
    memory.write(GOOD[2], Step.DONE)
    assert [memory.step(one) for one in GOOD[:3]] == [None, Step.DONE, Step.DONE]


def aged(position: str, **ages: int) -> Record:
    """A record of events that happened so many milliseconds ago, by id."""
    value, now = document(ages), int(FakeClock().now().timestamp() * 1000)
    for event in value["logEvents"]:
        event["timestamp"] = now - ages[event["id"]]
    return record(position, value)


OLD = [aged("0", a=3_600_001, b=10**9), aged("1", c=3_600_001, d=3_599_999), aged("2", e=0)]


@pytest.mark.parametrize(
    ("encoder", "taken", "parked"),
    [
        (Forgetful(CODEC), {"d", "e"}, {"0": "2 of 2", "1": "1 of 2"}),
        (Small(CODEC), {*"abcde"}, {}),
    ],
    ids=["forgetful", "any other"],
)
def test_what_the_service_would_drop_for_its_age_is_set_aside(
    encoder: Small, taken: set[str], parked: dict[str, str]
) -> None:
    """As it came, with its record; whatever else is in that record arrives."""
    service = Service()
    ready = Preparation.of(
        settled("log-shipper"),
        codec=CODEC,
        region="eu-west-1",
        clock=service.clock,
        limits=encoder.limits,
        architecture_of=lambda _: None,
    )
    rig = Rig(service, clock=service.clock, encoder=encoder, prepare=ready)
    assert rig.ship(OLD).again is None
    assert service.taken == dict.fromkeys(taken, 1)
    told = {line["position"]: line["reason"] for line in rig.shelf.lines("record")}
    assert told == {at: f"{many} are older than ndjson keeps" for at, many in parked.items()}
