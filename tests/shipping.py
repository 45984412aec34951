"""Stand-ins around the log shipper: a stream's records, a destination, a bucket, CloudWatch."""

from __future__ import annotations

import gzip
import json
import threading
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

from steward.errors import StewardError, TryAgain
from steward.model import Clock, Deadline
from steward.shipping.accel import Codec, accelerated
from steward.shipping.batch import EncodedBatch, Request
from steward.shipping.block import Block, Origin
from steward.shipping.decode import Events, Poison, Reader, Record
from steward.shipping.encoders.base import Answer, Encoder, Kind, Limits, Oldest
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.metrics import Metric, Points
from steward.shipping.parking import Parking
from steward.shipping.sending import Destination, Sender
from steward.shipping.shipper import Memory, Prepared, Shipped, Shipper
from tests.fakes import ACCOUNT, FakeClock

T = TypeVar("T")

OWN_GROUP = "/aws/lambda/steward-"
LIMIT = 60.0
"""Seconds of an invocation."""


def document(ids: Iterable[str], group: str = "/app", **more: Any) -> dict[str, Any]:
    """What CloudWatch Logs sends, before it is compressed."""
    events = [{"id": uid, "timestamp": 1794470400063, "message": f"line {uid}"} for uid in ids]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": "stream",
        "subscriptionFilters": ["steward"],
        "logEvents": events,
        **more,
    }


def packed(value: Any) -> bytes:
    return gzip.compress(json.dumps(value).encode())


def record(position: int | str, data: bytes | Any, shard: str = "shardId-000000000000") -> Record:
    """A record of the stream, of bytes as they are or of a value that is compressed."""
    raw = data if isinstance(data, bytes) else packed(data)
    return Record(str(position), b64encode(raw).decode(), shard, "logs", 1794470400120)


def ids_of(request: Request) -> list[str]:
    """The ids of the events in a request of ndjson."""
    return [json.loads(line)["id"] for line in gzip.decompress(request.body).splitlines()]


class RealClock:
    """The time that passes."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Small(Ndjson):
    """The format ndjson for a service that takes little at once."""

    limits: ClassVar[Limits] = Limits(1500, 8, 1000)


class Forgetful(Small):
    """The format ndjson for a service that drops what is older than an hour, and says nothing."""

    limits: ClassVar[Limits] = Limits(1500, 8, 1000, Oldest(3_600_000, itemgetter("timestamp")))


class Inline(Executor):
    """Does at once what it is given."""

    def submit(self, act: Callable[..., T], /, *args: Any, **more: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(act(*args, **more))
        except Exception as error:  # noqa: BLE001  # an executor keeps whatever is raised
            future.set_exception(error)
        return future


@dataclass
class Attempt:
    """One request as a destination saw it."""

    first: int
    ids: list[str]
    kind: Kind
    clean: bool
    """It was taken as a whole."""


@dataclass
class Service:
    """A destination that does what a script says, and is well afterwards.

    Steps of a script: ``ok``, ``retry``, ``lost`` (it takes the events, and the answer is lost),
    ``wait`` (Retry-After), ``split``, ``reject``, ``configure``, ``some`` (every second event is to
    be sent again), ``refuse`` (the first event is refused), ``mixed`` (both), ``blame`` (all are
    refused because of the first), ``slow`` (it takes all the time that it is given, and does not
    answer), ``late`` (the same, then takes the events).
    """

    script: Iterable[str] = ()
    bad: frozenset[str] = frozenset()
    """Ids that it never takes."""
    by_event: bool = True
    """It tells which events it does not take; otherwise it refuses the whole request."""
    most: int = 1000
    """Events that it takes at once; more are too large."""
    renews: bool = True
    clock: FakeClock = field(default_factory=FakeClock)
    taken: Counter[str] = field(default_factory=Counter)
    attempts: list[Attempt] = field(default_factory=list)
    refreshed: int = 0

    def __post_init__(self) -> None:
        self._steps = deque(self.script)
        self._lock = threading.Lock()

    def attempt(self, request: Request, seconds: float) -> Answer:
        assert seconds > 0
        ids = ids_of(request)
        assert len(ids) == request.events
        with self._lock:
            step = self._steps.popleft() if self._steps else "well"
            if step in {"slow", "late"}:
                self.clock.advance(seconds)
            answer, taken = self._answered(step, ids)
            self.taken.update(taken)
            clean = answer.kind is Kind.OK and not answer.rejected
            self.attempts.append(Attempt(request.first, ids, answer.kind, clean))
        return answer

    def refresh(self) -> bool:
        self.refreshed += 1
        return self.renews

    def _answered(self, step: str, ids: list[str]) -> tuple[Answer, list[str]]:
        if step == "lost":
            return Answer(Kind.RETRY, "reset"), [uid for uid in ids if uid not in self.bad]
        if step in _PLAIN:
            return _PLAIN[step], []
        if len(ids) > self.most:
            return _PLAIN["split"], []
        if step == "some" and len(ids) > 1:
            again = tuple(range(0, len(ids), 2))
            return Answer(Kind.RETRY, "some", again=again), _without(ids, {}, again)
        if step == "mixed" and len(ids) > 2:
            again = tuple(range(2, len(ids)))
            return Answer(Kind.RETRY, "mixed", None, {0: "this one"}, again), ids[1:2]
        return self._judged(ids, {0: "this one"} if step == "refuse" else {})

    def _judged(self, ids: list[str], refused: dict[int, str]) -> tuple[Answer, list[str]]:
        bad = {place: "never" for place, uid in enumerate(ids) if uid in self.bad} | refused
        if bad and not self.by_event:
            return Answer(Kind.REJECT, "one of these"), []
        return Answer(Kind.OK, rejected=bad), _without(ids, bad, ())


_PLAIN = {
    "blame": Answer(Kind.REJECT, "this one", rejected={0: "this one"}),
    "retry": Answer(Kind.RETRY, "busy"),
    "slow": Answer(Kind.RETRY, "no answer"),
    "wait": Answer(Kind.RETRY, "slower", 7.0),
    "configure": Answer(Kind.CONFIGURE, "who are you"),
    "split": Answer(Kind.SPLIT, "too large"),
    "reject": Answer(Kind.REJECT, "malformed"),
}


def _without(ids: list[str], rejected: Mapping[int, str], again: Sequence[int]) -> list[str]:
    return [uid for place, uid in enumerate(ids) if place not in rejected and place not in again]


@dataclass
class Shelf:
    """A bucket; each step of its script that is true is a failure."""

    script: Iterable[bool] = ()
    objects: dict[str, bytes] = field(default_factory=dict)
    failures: int = 0

    def __post_init__(self) -> None:
        self._steps = deque(self.script)

    def put(self, key: str, body: bytes) -> None:
        if self._steps and self._steps.popleft():
            self.failures += 1
            raise TryAgain("PutObject: SlowDown")
        self.objects[key] = body

    def lines(self, kind: str) -> list[dict[str, Any]]:
        texts = [gzip.decompress(body).splitlines() for body in self.objects.values()]
        lines = [json.loads(line) for some in texts for line in some]
        return [line for line in lines if line["kind"] == kind]


@dataclass
class Metrics:
    """CloudWatch; each step of its script that is true refuses everything."""

    script: Iterable[bool] = ()
    published: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._steps = deque(self.script)

    def __call__(self, points: Sequence[Points]) -> Sequence[tuple[Mapping[str, Any], str]]:
        names = [point.metric.name for point in points]
        if self._steps and self._steps.popleft():
            return [({"Namespace": "toys", "MetricData": names}, "Denied")]
        self.published.update(names)
        return []


@dataclass(frozen=True)
class Ready:
    """A record of which everything is shipped, with one point of the name of its first event."""

    block: Block | None
    points: Sequence[Points]
    counts: Mapping[str, int] = field(default_factory=dict)


def prepared(events: Events) -> Ready:
    size = len(events.ids)
    source = Origin(events.owner, "eu-west-1", events.group, events.stream)
    nothing = [""] * size
    block = Block(source, events.ids, events.times, events.messages, [0] * size, nothing, nothing)
    return Ready(block, [Points(Metric("toys", events.ids[0], "Count"), 0, [1.0])])


def sheltered(
    of: Record, act: Callable[[], Sequence[Request] | Poison]
) -> Sequence[Request] | Poison:
    """As in a Lambda function, a bug becomes poison."""
    try:
        return act()
    except StewardError:
        raise
    except Exception as bug:  # noqa: BLE001  # as in the runtime
        return Poison(f"internal error: {type(bug).__name__}")


@dataclass
class Rig:
    """A log shipper with everything around it."""

    destination: Destination
    shelf: Shelf = field(default_factory=Shelf)
    metrics: Metrics = field(default_factory=Metrics)
    clock: Clock = field(default_factory=FakeClock)
    pool: Executor = field(default_factory=Inline)
    codec: Codec = field(default_factory=accelerated)
    encoder: Encoder | None = None
    prepare: Callable[[Events], Prepared] = prepared
    limit: float = LIMIT

    def __post_init__(self) -> None:
        self.encoder = self.encoder or Small(self.codec)
        self.shipper = self.fresh()

    def fresh(self) -> Shipper:
        """The log shipper of a new container."""
        encoder = self.encoder
        assert encoder is not None
        return Shipper(
            reader=Reader(self.codec, ACCOUNT, (OWN_GROUP,)),
            prepare=self.prepare,
            batch=lambda _: EncodedBatch(encoder, self.codec),
            sender=Sender(self.destination, encoder, self.codec, self.clock),
            parking=Parking(self.shelf, self.codec),
            publish=self.metrics,
            pool=self.pool,
            clock=self.clock,
            shelter=sheltered,
            form=encoder.name,
            memory=Memory(),
        )

    def ship(self, records: Sequence[Record]) -> Shipped:
        return self.shipper.ship(records, Deadline(self.clock, self.limit))

    def parked_ids(self) -> set[str]:
        """The ids of the events that were parked alone."""
        return {line["item"]["id"] for line in self.shelf.lines("event")}

    def parked_positions(self) -> list[str]:
        """The positions of the records that were parked, in order."""
        return [line["position"] for line in self.shelf.lines("record")]
