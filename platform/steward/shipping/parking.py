"""What could not be shipped is set aside in S3, with the reason: never dropped, never in the way.

An object is gzip'd NDJSON, one line each of

    {"kind": "record", "reason", "stream", "shard", "position", "arrived", "data"}   data in base64
    {"kind": "event", "reason", "format", "item"}        an event as the destination refused it
    {"kind": "metrics", "reason", "call"}                the parameters of a PutMetricData
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from steward.shipping.accel import Codec
from steward.shipping.decode import Record

PREFIX = "parked/"


class Objects(Protocol):
    """A bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Write an object. Raises StewardError."""
        ...


@dataclass(frozen=True, slots=True)
class Parking:
    """Writes what is set aside; one object for each invocation that has anything."""

    objects: Objects
    codec: Codec

    def park(self, lines: Sequence[Mapping[str, Any]], now: datetime) -> str:
        """Write the lines as one object and return its key. Raises StewardError."""
        text = b"".join(self.codec.dumps(line) + b"\n" for line in lines)
        name = hashlib.sha256(text).hexdigest()[:32]  # the same again is the same object
        key = f"{PREFIX}{now:%Y/%m/%d}/{name}.ndjson.gz"
        deflater = self.codec.deflater()
        self.objects.put(key, deflater.compress(text) + deflater.flush())
        return key


def record(of: Record, reason: str) -> dict[str, Any]:
    """The line of a record that nobody can read."""
    return {
        "kind": "record",
        "reason": reason,
        "stream": of.stream,
        "shard": of.shard,
        "position": of.position,
        "arrived": of.arrived,
        "data": of.data,
    }


def event(item: Any, reason: str, form: str) -> dict[str, Any]:
    """The line of an event that the destination will never take."""
    return {"kind": "event", "reason": reason, "format": form, "item": item}


def metrics(call: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The line of a PutMetricData that was refused, or had no time left."""
    return {"kind": "metrics", "reason": reason, "call": call}
