"""Whatever fails, every log event is taken by the destination or set aside, and little is twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.shipping.decode import Record
from steward.shipping.shipper import Shipped
from tests.shipping import OWN_GROUP, Inline, Metrics, Rig, Service, Shelf, document, record

STEPS = [
    *("ok", "retry", "lost", "wait", "slow", "late", "configure"),
    *("split", "reject", "some", "refuse", "mixed", "blame"),
]


@dataclass(frozen=True)
class Case:
    """The records of one shard, and what goes wrong on their way."""

    kinds: list[tuple[str, int]]
    script: list[str]
    parking: list[bool]
    publishing: list[bool]
    returns: list[str]
    """What happens after each invocation: the same container, a fresh one, or it all again."""
    by_event: bool
    most: int
    renews: bool
    limit: float


KINDS = st.tuples(
    st.sampled_from(["good", "good", "good", "bad", "control", "own", "foreign", "line"]),
    st.integers(1, 20),
)
CASES = st.builds(
    Case,
    kinds=st.lists(KINDS, max_size=12),
    script=st.lists(st.sampled_from(STEPS), max_size=12),
    parking=st.lists(st.booleans(), max_size=4),
    publishing=st.lists(st.booleans(), max_size=3),
    returns=st.lists(st.sampled_from(["same", "fresh", "all"]), max_size=6),
    by_event=st.booleans(),
    most=st.sampled_from([1, 3, 1000]),
    renews=st.booleans(),
    limit=st.sampled_from([0.5, 3.0, 60.0]),
)
QUIET = st.builds(
    Case,
    kinds=st.lists(KINDS.filter(lambda kind: kind[0] != "bad"), max_size=12),
    script=st.just([]),
    parking=st.just([]),
    publishing=st.just([]),
    returns=st.lists(st.just("same"), max_size=1),
    by_event=st.just(True),  # noqa: FBT003  # a strategy
    most=st.just(1000),
    renews=st.just(True),  # noqa: FBT003  # a strategy
    limit=st.just(60.0),
)


@dataclass(frozen=True)
class Stream:
    """The records, and which events are in each."""

    records: list[Record]
    events: list[list[str]]
    """To be shipped."""
    foreign: list[str]
    bad: frozenset[str]

    @classmethod
    def of(cls, case: Case) -> Stream:
        records, events, foreign, bad = [], [], [], set[str]()
        for place, (kind, size) in enumerate(case.kinds):
            ids = [f"{place}-{number}" for number in range(size)]
            data = {
                "control": document(ids, messageType="CONTROL_MESSAGE"),
                "own": document(ids, OWN_GROUP + "shipper"),
                "foreign": b"\x1f\x8b not of CloudWatch",
                "line": b"MONITORING|1|Count|n|toys",
            }.get(kind, document(ids))
            records.append(record(place, data))
            events.append({"good": ids, "bad": ids, "line": [str(place)]}.get(kind, []))
            foreign += [str(place)] if kind == "foreign" else []
            bad |= {ids[-1]} if kind == "bad" else set()
        return cls(records, events, foreign, frozenset(bad))


@dataclass(frozen=True)
class Told:
    """One invocation: the place in the stream that it began at, and what it answered."""

    begin: int
    attempts: int
    """Attempts that came before it."""
    shipped: Shipped


def rig_of(case: Case, stream: Stream, pool: ThreadPoolExecutor | Inline) -> tuple[Rig, Service]:
    service = Service(case.script, stream.bad, case.by_event, case.most, case.renews)
    shelf, metrics = Shelf(case.parking), Metrics(case.publishing)
    clock = service.clock
    return Rig(service, shelf, metrics, clock, pool, limit=case.limit), service


def delivered(rig: Rig, service: Service, case: Case, records: Sequence[Record]) -> Iterator[Told]:
    """Invoke until all is acknowledged, as an event source mapping does. After the script, there
    is time enough."""
    begin, returns = 0, iter(case.returns)
    for number in range(2 * len(case.script) + len(case.parking) + len(case.returns) + 4):
        if number > len(case.script):
            rig.limit = 60.0
        before = len(service.attempts)
        shipped = rig.ship(records[begin:])
        yield Told(begin, before, shipped)
        now = next(returns, "same")
        if now == "fresh":
            rig.shipper = rig.fresh()
        if shipped.again is None and now != "all":
            return
        begin += 0 if now == "all" else shipped.again or 0
    raise AssertionError("it never ends")


def failures(service: Service, told: Sequence[Told]) -> list[int]:
    """The places from which on something had failed: of requests that were not simply taken."""
    ends = [*(one.attempts for one in told[1:]), len(service.attempts)]
    asked = [
        one.begin + attempt.first
        for one, end in zip(told, ends, strict=True)
        for attempt in service.attempts[one.attempts : end]
        if not attempt.clean
    ]
    late = [one for one in told if one.shipped.cause == "out of time"]  # perhaps never asked
    return asked + [one.begin + (one.shipped.again or 0) for one in late]


POOLS = {"inline": lambda: nullcontext(Inline()), "threads": lambda: ThreadPoolExecutor(8)}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@given(case=CASES)
@settings(max_examples=150)
def test_nothing_is_lost(pool: Callable[[], ThreadPoolExecutor], case: Case) -> None:
    """Every event is taken or parked, every foreign record is parked, what is before the returned
    place needs not come again, and nothing else reaches the destination."""
    stream = Stream.of(case)
    with pool() as threads:
        rig, service = rig_of(case, stream, threads)
        for told in delivered(rig, service, case, stream.records):
            again = told.shipped.again
            end = len(stream.records) if again is None else told.begin + again
            settled = service.taken.keys() | rig.parked_ids()
            over = {uid for ids in stream.events[:end] for uid in ids}
            foreign = [position for position in stream.foreign if int(position) < end]
            assert over <= settled
            assert set(foreign) <= set(rig.parked_positions())
    everything = {uid for ids in stream.events for uid in ids}
    assert service.taken.keys() <= everything
    assert set(rig.parked_positions()) == set(stream.foreign)


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@given(case=QUIET)
@settings(max_examples=60)
def test_without_a_failure_nothing_is_twice(
    pool: Callable[[], ThreadPoolExecutor], case: Case
) -> None:
    """Every event is taken once, in one invocation; and once also when the batch comes again."""
    stream = Stream.of(case)
    with pool() as threads:
        rig, service = rig_of(case, stream, threads)
        told = list(delivered(rig, service, case, stream.records))
        again = rig.ship(stream.records)
    assert [one.shipped.again for one in told] == [None]
    assert again.again is None
    assert service.taken == {uid: 1 for ids in stream.events for uid in ids}
    assert rig.metrics.published == {ids[0]: 1 for ids in stream.events if ids}
    assert rig.parked_positions() == stream.foreign


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@given(case=CASES.filter(lambda case: "all" not in case.returns and not any(case.parking)))
@settings(max_examples=150)
def test_only_what_follows_a_failed_request_is_sent_twice(
    pool: Callable[[], ThreadPoolExecutor], case: Case
) -> None:
    """An event that is taken twice stands in the first failed request or behind it; in a fresh
    container, too."""
    stream = Stream.of(case)
    with pool() as threads:
        rig, service = rig_of(case, stream, threads)
        told = list(delivered(rig, service, case, stream.records))
    place = {uid: number for number, ids in enumerate(stream.events) for uid in ids}
    twice = [place[uid] for uid, count in service.taken.items() if count > 1]
    first = min(failures(service, told), default=len(place))
    assert min(twice, default=first) >= first


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
@given(case=CASES.filter(lambda case: "fresh" not in case.returns and not any(case.publishing)))
@settings(max_examples=150)
def test_points_are_published_once(pool: Callable[[], ThreadPoolExecutor], case: Case) -> None:
    """In one container, each record's points are published once, however often it comes."""
    stream = Stream.of(case)
    with pool() as threads:
        rig, service = rig_of(case, stream, threads)
        told = list(delivered(rig, service, case, stream.records))
    assert told[-1].shipped.again is None
    assert rig.metrics.published == {ids[0]: 1 for ids in stream.events if ids}


@given(case=CASES.filter(lambda case: "fresh" not in case.returns and not any(case.parking)))
@settings(max_examples=100)
def test_points_are_published_or_parked(case: Case) -> None:
    """What CloudWatch refuses is parked, and then not published as well."""
    stream = Stream.of(case)
    rig, service = rig_of(case, stream, Inline())
    assert list(delivered(rig, service, case, stream.records))[-1].shipped.again is None
    parked = [name for line in rig.shelf.lines("metrics") for name in line["call"]["MetricData"]]
    assert sorted([*parked, *rig.metrics.published.elements()]) == sorted(
        ids[0] for ids in stream.events if ids
    )
