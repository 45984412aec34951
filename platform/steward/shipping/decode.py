"""What a record of the stream holds: log events, nothing to ship, or something that is not ours."""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.shipping.accel import Codec, mended
from steward.shipping.texts import Texts

LARGEST = 32 * 1024 * 1024
"""Bytes that a record may inflate to. CloudWatch Logs sends 1 MiB compressed at most, and its log
events are a MB at most; a gzip bomb of that size would inflate to a thousand times as much."""

KPL = b"\xf3\x89\x9a\xc2"
"""How records begin that the Kinesis Producer Library aggregated."""

GZIP = b"\x1f\x8b"

MEMBERS = 64
"""Gzip members of a record. CloudWatch Logs writes one; each costs time however small it is."""

CROWDED = 4 * 1024 * 1024
"""Bytes of JSON from which on it is seen how many values there may be in it."""

MOST_VALUES = 2_500_000
"""Values of a record. Each takes memory however short it is: 10 million empty objects, of 40 KB as
they are compressed, take a GB, and a function that ends for want of memory blocks its shard."""

LONGEST_NAME = 512
"""Characters of names of log groups and streams, says CloudWatch Logs; ids of events have 56."""

_PRINTABLE = re.compile(rb"[ !#-\[\]-~]*")  # ASCII but for quote and backslash

YEAR_10000 = 253_402_300_800_000  # in milliseconds

METRIC = b"MONITORING|"
"""How a record begins that somebody wrote to the stream as a bare metric line."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the stream gave it, its data in base64."""

    position: str
    """Its sequence number, which names it when it has to come again."""
    data: str
    shard: str = ""
    stream: str = ""
    arrived: int = 0  # milliseconds


@dataclass(frozen=True, slots=True)
class Events:
    """The log events of a record, in columns, and where they come from."""

    owner: str
    group: str
    stream: str
    ids: list[str]
    times: list[int]
    messages: Texts
    raw: bytes
    """The JSON text that it inflates to, for looking up literals at once."""
    packed: bytes
    """As CloudWatch Logs compressed it."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record with nothing to ship."""

    reason: str
    events: int = 0


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that nobody can read as log events: it is set aside, never dropped."""

    reason: str


def records(event: Mapping[str, Any]) -> list[Record]:
    """The records of an invocation: of a Kinesis event source mapping, or the one of a direct
    subscription (``{"awslogs": {"data": ...}}``). Raises KeyError at anything else."""
    if "awslogs" in event:
        return [Record("", event["awslogs"]["data"])]
    return [_record(entry) for entry in event["Records"]]


def _record(entry: Mapping[str, Any]) -> Record:
    kinesis = entry["kinesis"]
    return Record(
        position=kinesis["sequenceNumber"],
        data=kinesis["data"],
        shard=entry.get("eventID", "").partition(":")[0],
        stream=entry.get("eventSourceARN", "").rpartition("/")[2],
        arrived=round(kinesis.get("approximateArrivalTimestamp", 0) * 1000),
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads records; log events of our own are left out, or they would go in a circle."""

    codec: Codec
    account: str
    own_groups: tuple[str, ...] = ()
    """How names of log groups begin that this account's pipeline writes itself."""
    largest: int = LARGEST

    def read(self, record: Record) -> Events | Skipped | Poison:
        """The record's log events. Total: whatever the data is, this answers."""
        try:
            packed = a2b_base64(record.data, strict_mode=True)
        except (NotBase64, ValueError):
            return Poison("not base64")
        if not packed.startswith(GZIP):
            return self._bare(record, packed)
        raw = self._inflated(packed)
        if isinstance(raw, Poison):
            return raw
        if len(raw) > CROWDED and sum(map(raw.count, (b",", b"[", b"{"))) > MOST_VALUES:
            return Poison(f"may have more than {MOST_VALUES} values")
        try:
            document = self.codec.loads_as_is(raw)
        except (ValueError, RecursionError):
            return Poison("not JSON")
        return self._events(document, raw, packed)

    def _bare(self, record: Record, data: bytes) -> Events | Poison:
        """What is not compressed: a metric line, or foreign."""
        if data.startswith(KPL):
            return Poison("aggregated by the Kinesis Producer Library")
        if not data.startswith(METRIC):
            return Poison("not gzip")
        try:
            line = data.decode()
        except UnicodeDecodeError:
            return Poison("not UTF-8")
        deflater = self.codec.deflater()
        packed = deflater.compress(data) + deflater.flush()
        ids, times = [record.position], [record.arrived]
        return Events(self.account, "", "", ids, times, Texts([line]), data, packed)

    def _inflated(self, packed: bytes) -> bytes | Poison:
        """What one gzip member or several inflate to, as long as that is not too much."""
        found: list[bytes] = []
        room, rest = self.largest, packed
        while rest:
            if len(found) == MEMBERS:
                return Poison(f"more than {MEMBERS} gzip members")
            if not rest.startswith(GZIP):  # isal would wait for the rest of a header
                return Poison("broken gzip")
            member = self.codec.inflater()
            try:
                found.append(member.decompress(rest, room + 1))
            except self.codec.broken:
                return Poison("broken gzip")
            room -= len(found[-1])
            if room < 0:
                return Poison(f"inflates to more than {self.largest} bytes")
            if not member.eof:
                return Poison("truncated gzip")
            rest = member.unused_data
        return found[0] if len(found) == 1 else b"".join(found)

    def _events(self, document: Any, raw: bytes, packed: bytes) -> Events | Skipped | Poison:
        kind = document.get("messageType") if isinstance(document, dict) else None
        if kind == "CONTROL_MESSAGE":
            return Skipped("control")
        events = _columns(document, raw, packed) if kind == "DATA_MESSAGE" else None
        if events and not _encodable(
            events.owner, events.group, events.stream, events.messages.whole
        ):
            events = _columns(mended(document), raw, packed)
        if events is None:
            return Poison("not of CloudWatch Logs")
        if events.owner == self.account and events.group.startswith(self.own_groups):
            return Skipped("own", len(events.messages))
        return events if events.messages else Skipped("empty")


def _columns(document: Any, raw: bytes, packed: bytes) -> Events | None:
    """A document's log events; None where it is not as CloudWatch Logs makes them."""
    try:
        origin = document["owner"], document["logGroup"], document["logStream"]
        told = document["logEvents"]
        ids = [event["id"] for event in told]
        times = [event["timestamp"] for event in told]
        messages = Texts([event["message"] for event in told])  # joins them: all are texts
        joined = "".join(ids)
    except (KeyError, TypeError):
        return None
    if set(map(type, origin)) != {str} or max(map(len, origin)) > LONGEST_NAME:
        return None
    if not _plain(ids, joined) or not _in_time(times):
        return None
    return Events(*origin, ids, times, messages, raw, packed)


def _encodable(*texts: str) -> bool:
    """Whether there is no lone surrogate in the texts, which no UTF-8 can carry."""
    if all(map(str.isascii, texts)):
        return True
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_time(times: Sequence[Any]) -> bool:
    """Whether they are times in milliseconds of which each destination's format can tell a date."""
    if set(map(type, times)) - {int}:
        return False
    return not times or (min(times) >= 0 and max(times) < YEAR_10000)


def _plain(ids: Sequence[str], joined: str) -> bool:
    """Whether the ids may stand in JSON as they are, and are neither empty nor without an end."""
    if not all(ids) or max(map(len, ids), default=0) > LONGEST_NAME:
        return False
    text = joined.encode("utf-8", "surrogatepass")
    return text.isdigit() or _PRINTABLE.fullmatch(text) is not None  # mostly they are digits
