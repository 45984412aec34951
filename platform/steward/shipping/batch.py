"""Requests in the making: blocks of events in, compressed bodies out, none held uncompressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from steward.shipping.accel import Codec, Deflater
from steward.shipping.block import Block
from steward.shipping.decode import Events
from steward.shipping.encoders.base import Encoder, Limits


@dataclass(frozen=True, slots=True)
class Request:
    """A body that is ready to be sent, and which of the invocation's records are in it."""

    body: bytes  # compressed
    events: int
    first: int
    """The place of its first record in the invocation."""
    last: int
    name: str = ""
    """Of the object that it becomes, where it becomes one."""


class Batch(Protocol):
    """Collects what goes into one request; what is full comes out."""

    def add(self, place: int, events: Events, block: Block | None) -> Iterator[Request]:
        """Take in the record at ``place``, of which ``block`` is to be shipped; yield the requests
        that became full."""
        ...

    def close(self) -> Iterator[Request]:
        """Yield what is left."""
        ...


class EncodedBatch:
    """Bodies in a service's format, compressed as they grow.

    A record is in one request as a whole, unless it is too large for any: so that sending again
    from a record on repeats no event before it.
    """

    def __init__(self, encoder: Encoder, codec: Codec) -> None:
        self._encoder = encoder
        self._codec = codec
        self._frame = encoder.frame
        self._open: _Body | None = None

    def add(self, place: int, events: Events, block: Block | None) -> Iterator[Request]:
        if block is not None:
            for part, count in list(self._parts(block)):  # all, before any of them is written
                yield from self._put(place, part, count)

    def close(self) -> Iterator[Request]:
        body, self._open = self._open, None
        if body is not None:
            yield body.closed(self._frame.tail)

    def _parts(self, block: Block) -> Iterator[tuple[bytes, int]]:
        """The block encoded, in parts that a request can take, each with its number of events."""
        limits, frame, count = self._encoder.limits, self._frame, len(block)
        part = self._encoder.encode(block)
        size = len(frame.head) + len(part) + len(frame.tail)
        if count > 1 and (size > limits.body_bytes or count > limits.events):
            for half in halves(block):
                yield from self._parts(half)
        else:
            yield part, count

    def _put(self, place: int, part: bytes, count: int) -> Iterator[Request]:
        frame = self._frame
        size = len(frame.separator) + len(part) + len(frame.tail)
        if self._open and not self._open.fits(size, count, self._encoder.limits):
            yield from self.close()
        if self._open is None:
            self._open = _Body(self._codec.deflater(), place, frame.head)
        else:
            self._open.write(frame.separator)
        self._open.write(part)
        self._open.events += count
        self._open.last = place


class _Body:
    """One body that is being compressed."""

    def __init__(self, deflater: Deflater, first: int, head: bytes) -> None:
        self._deflater = deflater
        self._pieces: list[bytes] = []
        self._size = 0
        self.first = self.last = first
        self.events = 0
        self.write(head)

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if piece := self._deflater.compress(data):
            self._pieces.append(piece)

    def fits(self, size: int, events: int, limits: Limits) -> bool:
        return self._size + size <= limits.body_bytes and self.events + events <= limits.events

    def closed(self, tail: bytes) -> Request:
        self.write(tail)
        self._pieces.append(self._deflater.flush())
        return Request(b"".join(self._pieces), self.events, self.first, self.last)


class RawBatch:
    """The records as CloudWatch Logs compressed them, one after another: a gzip file of several
    members, which every tool inflates to one JSON text after another.

    Nothing is redacted or left out: what is archived is what CloudWatch Logs has.
    """

    def __init__(self, largest: int, name: Callable[[int, int], str]) -> None:
        self._largest = largest
        self._name = name
        self._pieces: list[bytes] = []
        self._size = self._events = self._first = self._last = 0

    def add(self, place: int, events: Events, block: Block | None) -> Iterator[Request]:
        if self._pieces and self._size + len(events.packed) > self._largest:
            yield from self.close()
        if not self._pieces:
            self._first = place
        self._last = place
        self._pieces.append(events.packed)
        self._size += len(events.packed)
        self._events += len(events.messages)

    def close(self) -> Iterator[Request]:
        if self._pieces:
            first, last = self._first, self._last
            body, name = b"".join(self._pieces), self._name(first, last)
            yield Request(body, self._events, first, last, name)
        self._pieces, self._size, self._events = [], 0, 0


def halves(block: Block) -> tuple[Block, Block]:
    """The block's first half and its second."""
    middle = len(block) // 2
    return block.part(0, middle), block.part(middle, len(block))
