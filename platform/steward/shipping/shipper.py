"""One invocation of the log shipper: records in, and out the first one that has to come again.

Every record ends in exactly one way. It is shipped; or has nothing to ship; or is set aside with
the reason; or it comes again, and with it every record after it. Metrics are published for the
records that do not come again, after their log events were taken.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from steward.errors import StewardError
from steward.model import Clock, Deadline
from steward.shipping import parking
from steward.shipping.batch import Batch, Request
from steward.shipping.block import Block
from steward.shipping.decode import Events, Poison, Reader, Record, Skipped
from steward.shipping.metrics import Points
from steward.shipping.parking import Parking
from steward.shipping.preparing import TOO_OLD
from steward.shipping.sending import Rejected, Sender, Sent, Shipment

REMEMBERED = 20_000
"""Records that a container remembers as shipped; two full invocations of the mapping."""


class Prepared(Protocol):
    """What of a record's events is to be shipped and counted."""

    @property
    def block(self) -> Block | None: ...
    @property
    def points(self) -> Sequence[Points]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...


class Publish(Protocol):
    """Publishes metric points."""

    def __call__(self, points: Sequence[Points]) -> Sequence[tuple[Mapping[str, Any], str]]:
        """Publish; the calls that did not succeed, and why."""
        ...


class Step(Enum):
    """How far a record got in this container."""

    SHIPPED = 1  # its log events were taken
    DONE = 2  # and its metrics are published


class Memory:
    """The records that were dealt with, so that one that comes again is not sent twice. It lives as
    long as its container; ids of events recognise the rest."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._steps: OrderedDict[tuple[str, str], Step] = OrderedDict()

    def step(self, record: Record) -> Step | None:
        return self._steps.get((record.shard, record.position))

    def write(self, record: Record, step: Step) -> None:
        if not record.position:
            return
        key = record.shard, record.position  # positions are of one shard
        if self._steps.get(key) is not Step.DONE:
            self._steps[key] = step
        self._steps.move_to_end(key)
        while len(self._steps) > self._size:
            self._steps.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What became of an invocation's records."""

    again: int | None
    """The place of the first record that has to come again."""
    cause: str
    """Why it has to."""
    counts: Mapping[str, int]
    parked: tuple[str, ...] = ()
    """The keys of the objects with what was set aside."""


Shelter = Callable[[Record, Callable[[], Sequence[Request] | Poison]], Sequence[Request] | Poison]
"""Runs what may have a bug; then a Poison takes its place, and the record is set aside."""


@dataclass(frozen=True, slots=True)
class Shipper:
    """Ships records for as long as its container lives."""

    reader: Reader
    prepare: Callable[[Events], Prepared]
    batch: Callable[[Sequence[Record]], Batch]
    sender: Sender
    parking: Parking
    publish: Publish
    pool: Executor
    clock: Clock
    shelter: Shelter
    form: str
    """The name of the destination's format."""
    memory: Memory = field(default_factory=Memory)

    def ship(self, records: Sequence[Record], deadline: Deadline) -> Shipped:
        """Ship the records in order. Raises nothing but bugs."""
        return _Invocation(self, records, deadline).run()


class _Invocation:
    def __init__(self, shipper: Shipper, records: Sequence[Record], deadline: Deadline) -> None:
        self._shipper = shipper
        self._records = records
        self._deadline = deadline
        self._batch = shipper.batch(records)
        self._points: dict[int, Sequence[Points]] = {}
        self._poison: dict[int, str] = {}
        self._counts: Counter[str] = Counter(Records=len(records))
        self._again = len(records)
        self._cause = ""
        self._keys: list[str] = []

    def run(self) -> Shipped:
        shipment = self._shipper.sender.begin(self._deadline, self._shipper.pool)
        try:
            end = self._send(shipment)
        finally:  # never leave requests behind that the next invocation knows nothing of
            sent = shipment.finish(self._delivered)
        self._counts.update(sent.counts)
        self._come_again(end, "out of time")
        self._come_again(sent.unsent, sent.cause)
        self._set_aside(sent)
        self._publish()
        for record in self._records[: self._again]:
            self._shipper.memory.write(record, Step.DONE)
        again = self._again if self._again < len(self._records) else None
        return Shipped(again, self._cause, self._counts, tuple(self._keys))

    def _come_again(self, place: int | None, cause: str) -> None:
        """Let the record at ``place`` come again, with those after it."""
        if place is not None and place < self._again:
            self._again, self._cause = place, cause

    def _send(self, shipment: Shipment) -> int:
        """Read, prepare and submit; the place of the first record that was not looked at."""
        end = len(self._records)
        for place, record in enumerate(self._records):
            if shipment.halted or self._deadline.left() <= 0:
                end = place
                break
            for request in self._requests(place, record):
                shipment.submit(request)
        for request in self._batch.close():  # also of what is too late: it must be told unsent
            shipment.submit(request)
        return end

    def _requests(self, place: int, record: Record) -> Sequence[Request]:
        """The requests that became full with this record."""
        found = self._shipper.shelter(record, lambda: self._taken_in(place, record))
        if isinstance(found, Poison):
            self._poison[place] = found.reason
            return ()
        return found

    def _taken_in(self, place: int, record: Record) -> Sequence[Request] | Poison:
        step = self._shipper.memory.step(record)
        if step is Step.DONE:
            self._counts["Duplicates"] += 1
            return ()
        found = self._shipper.reader.read(record)
        if isinstance(found, Poison):
            return found
        if isinstance(found, Skipped):
            self._counts[f"Skipped.{found.reason}"] += found.events or 1
            return ()
        prepared = self._shipper.prepare(found)
        if late := prepared.counts.get(TOO_OLD):
            self._poison[place] = (
                f"{late} of {len(found.ids)} are older than {self._shipper.form} keeps"
            )
        if step is Step.SHIPPED:
            self._counts["Duplicates"] += 1
            full: Sequence[Request] = ()
        else:
            full = list(self._batch.add(place, found, prepared.block))
            if prepared.counts:
                self._counts.update(prepared.counts)
        if prepared.points:
            self._points[place] = prepared.points
        return full

    def _delivered(self, request: Request, done: Callable[[], None]) -> bool:
        """Whether delivering met no bug; where it did, what the request's records hold is poison,
        at least to us."""

        def act() -> Sequence[Request]:
            done()
            return ()

        found = self._shipper.shelter(self._records[request.first], act)
        if isinstance(found, Poison):
            for place in range(request.first, request.last + 1):
                self._poison[place] = found.reason
        return not isinstance(found, Poison)

    def _set_aside(self, sent: Sent) -> None:
        """Park what will never be taken, of all that was sent; where that fails, it comes again.

        Remember what was taken although it comes again with what was not.
        """
        poison = {place: why for place, why in self._poison.items() if place < self._again}
        lines = [parking.record(self._records[place], why) for place, why in poison.items()]
        lines += [self._refused(rejected) for rejected in sent.rejected]
        self._counts.update(PoisonRecords=len(poison), RejectedEvents=len(sent.rejected))
        taken = sent.taken
        try:
            self._park(lines)
        except StewardError as error:
            lowest = min([*poison, *(rejected.first for rejected in sent.rejected)])
            self._come_again(lowest, f"parking: {error}")
            spans = (range(rejected.first, rejected.last + 1) for rejected in sent.rejected)
            taken = taken.difference(*spans)
        self._remember(taken)

    def _refused(self, rejected: Rejected) -> dict[str, Any]:
        return parking.event(rejected.item, rejected.reason, self._shipper.form)

    def _remember(self, taken: Iterable[int]) -> None:
        for place in taken:
            if place >= self._again:
                self._shipper.memory.write(self._records[place], Step.SHIPPED)

    def _publish(self) -> None:
        """Publish the points of what does not come again, and park what CloudWatch did not take.

        Where that fails, their records come again, only for their points. Those that were taken
        are then counted twice: refused, and nowhere to go, is the worse.
        """
        points = {place: some for place, some in self._points.items() if place < self._again}
        if not points:
            return
        left = self._shipper.publish([one for some in points.values() for one in some])
        self._counts["Points"] += sum(map(len, points.values()))
        try:
            self._park([parking.metrics(call, reason) for call, reason in left])
        except StewardError as error:
            before = self._again
            self._come_again(min(points), f"parking: {error}")
            self._remember(range(self._again, before))

    def _park(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if lines:
            self._keys.append(self._shipper.parking.park(lines, self._shipper.clock.now()))
            self._counts["Parked"] += len(lines)
