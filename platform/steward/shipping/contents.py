"""What an object of the bucket holds: what we parked, or what an event source mapping gave up.

Whatever an object inflates to, no more of it than a portion is held at once.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from steward.shipping.accel import Codec
from steward.shipping.decode import GZIP, Record, records

LARGEST = 32 * 1024 * 1024
"""Bytes of an object that is read: of one invocation's 6 MB there is never so much to set aside."""

PORTION = 8 * 1024 * 1024
"""Bytes of lines that are dealt with together."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of a line: a record has 10 MiB at most, and a third more in base64."""

REASONS = 5
"""Reasons that are told of an object, the most frequent ones."""

_TEXTS = ("position", "data", "shard", "stream")


class DamagedError(ValueError):
    """An object that is neither ours nor Lambda's, or not whole."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Some of what an object holds."""

    records: list[Record] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    """As they stood in requests."""
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    """Parameters of PutMetricData."""
    forms: set[str] = field(default_factory=set)
    """The formats of the events."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why they are here."""


@dataclass(slots=True)
class Tally:
    """How much an object holds."""

    records: int = 0
    events: int = 0
    metrics: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, portion: Portion) -> None:
        self.records += len(portion.records)
        self.events += len(portion.events)
        self.metrics += len(portion.calls)
        self.reasons.update(portion.reasons)

    def told(self) -> dict[str, Any]:
        """The same for JSON, with the most frequent reasons."""
        counts = {"records": self.records, "events": self.events, "metrics": self.metrics}
        return {**counts, "reasons": dict(self.reasons.most_common(REASONS))}


def portions(body: bytes, codec: Codec, size: int = PORTION) -> Iterator[Portion]:
    """What an object holds, in its order. Raises DamagedError, perhaps only in the middle."""
    if not body.startswith(GZIP):
        yield _given_up(body, codec)
        return
    some, room, is_empty = Portion(), size, True
    for line in _lines(body):
        _take(some, _value(line, codec))
        room, is_empty = room - len(line), False
        if room <= 0:
            yield some
            some, room = Portion(), size
    if is_empty:
        raise DamagedError("is empty")
    if room < size:
        yield some


def _lines(body: bytes) -> Iterator[bytes]:
    """The lines of a gzip'd text, read as it inflates."""
    try:
        with gzip.open(BytesIO(body)) as text:
            while line := text.readline(LONGEST_LINE + 1):
                if len(line) > LONGEST_LINE:
                    raise DamagedError(f"has a line of more than {LONGEST_LINE} bytes")
                yield line
    except (EOFError, OSError, zlib.error) as error:
        raise DamagedError(f"is no whole gzip: {type(error).__name__}") from error


def _value(line: bytes, codec: Codec) -> Any:
    try:
        return codec.loads(line)
    except (ValueError, RecursionError) as error:
        raise DamagedError("has a line that is not JSON") from error


def _take(portion: Portion, line: Any) -> None:
    kind = line.get("kind") if isinstance(line, dict) else None
    if kind == "record" and _is_record(line):
        told = {name: line[name] for name in (*_TEXTS, "arrived")}
        portion.records.append(Record(**told))
    elif kind == "event" and isinstance(line.get("format"), str) and "item" in line:
        portion.events.append(line["item"])
        portion.forms.add(line["format"])
    elif kind == "metrics" and isinstance(line.get("call"), dict):
        portion.calls.append(line["call"])
    else:
        raise DamagedError("has a line that is none of the log shipper's")
    portion.reasons[str(line.get("reason", ""))[:256]] += 1


def _is_record(line: Mapping[str, Any]) -> bool:
    texts = all(isinstance(line.get(name), str) for name in _TEXTS)
    return texts and type(line.get("arrived")) is int


def _given_up(body: bytes, codec: Codec) -> Portion:
    """The records of an invocation record (Lambda's developer guide, "Retain discarded batch
    records for a Kinesis Data Streams event source"): ``payload`` is the event, as a text."""
    try:
        document = codec.loads(body)
        payload = document["payload"]
        event = json.loads(payload) if isinstance(payload, str) else payload
        found = records(event)
        condition = str(document.get("requestContext", {}).get("condition", ""))[:256]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise DamagedError("is no object of the log shipper or of Lambda") from error
    except RecursionError as error:
        raise DamagedError("is too deeply nested") from error
    if not found or not all(_is_whole(record) for record in found):
        raise DamagedError("has records that are none of a stream")
    return Portion(records=found, reasons=Counter({condition: len(found)}))


def _is_whole(record: Record) -> bool:
    return all(isinstance(getattr(record, name), str) for name in _TEXTS)
