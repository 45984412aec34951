"""A Lambda invocation with what CloudWatch Logs sends over Kinesis, the same from the same seed."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmark.log_lines import (
    ACCOUNT,
    JSON_PLATFORM,
    NODE,
    PYTHON,
    REGION,
    STRUCTURED,
    Dice,
    Lines,
    Style,
    access_log,
    flow_log,
)

RECORDS = 500
"""As many as fill one invocation: of its 6 MB, base64 takes nearly all."""

START = datetime(2026, 11, 21, 7, 10, tzinfo=UTC)
TAKEN = START + timedelta(hours=1)
"""When the invocation is: all of its events were written and taken in by then."""

TAKEN_IN = 6000  # milliseconds, at most, from when an event is written
_EVENTS = (50, 102)  # of a record
_FUNCTIONS = tuple(
    f"{service}-{name}"
    for service in ("fares", "berths", "crew", "parcels")
    for name in ("quote", "reserve", "on-departure", "nightly-manifest", "sync-timetable")
)
_STYLES: Mapping[Style, int] = {PYTHON: 5, NODE: 5, STRUCTURED: 6, JSON_PLATFORM: 3}
_SERVICES = 3
"""Of as many records as there are styles' weights and this: two access logs, one flow log."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A log group's stream, and what is written to it."""

    group: str
    stream: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class Workload:
    """An invocation, and what it is made of."""

    event: Mapping[str, Any]
    messages: Mapping[str, str]
    """By the event ids, which are distinct."""
    raw: int
    """Bytes of the records' JSON texts."""
    base64: int
    """Bytes of the records as they arrive."""


def workload(seed: int, records: int = RECORDS) -> Workload:
    """As many records, of 50 to 102 events each."""
    dice, now, sequence = Dice(seed), int(START.timestamp() * 1000), 49 << 180
    told, messages, raw = [], dict[str, str](), 0
    for _ in range(records):
        now += dice.randint(0, 40)
        sequence += dice.getrandbits(44) + 1
        document = _document(dice, now)
        messages |= {event["id"]: event["message"] for event in document["logEvents"]}
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        raw += len(text)
        arrived = max(event["timestamp"] for event in document["logEvents"]) + 2 * TAKEN_IN
        told.append(_record(dice, sequence, arrived, text))
    size = sum(len(record["kinesis"]["data"]) for record in told)
    return Workload({"Records": told}, messages, raw, size)


def _record(dice: Dice, sequence: int, arrived: int, text: bytes) -> Event:
    """What an event source mapping makes of a record."""
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": dice.hexadecimal(32),
        "sequenceNumber": str(sequence),
        "data": b64encode(_gzip(text)).decode(),
        "approximateArrivalTimestamp": arrived / 1000,
    }
    return {
        "kinesis": kinesis,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/log-shipper",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs",
    }


def _gzip(data: bytes) -> bytes:
    """A member that does not tell when it was made."""
    deflater = zlib.compressobj(6, wbits=31)
    return deflater.compress(data) + deflater.flush()


def _document(dice: Dice, now: int) -> Event:
    source = _source(dice, now)
    return {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": source.group,
        "logStream": source.stream,
        "subscriptionFilters": ["log-shipper"],
        "logEvents": list(_events(dice, source.lines, dice.randint(*_EVENTS))),
    }


def _events(dice: Dice, lines: Lines, count: int) -> Iterator[Event]:
    """Events as PutLogEvents took them in, some at a time, which shows in their ids."""
    while some := list(islice(lines, min(count, dice.randint(3, 40)))):
        taken = max(time for time, _ in some) + dice.randint(200, TAKEN_IN)
        batch = dice.getrandbits(64)
        for index, (time, message) in enumerate(some):
            yield {
                "id": event_id(time, taken, batch, index),
                "timestamp": time,
                "message": message,
            }
        count -= len(some)


def event_id(time: int, taken: int, batch: int, index: int) -> str:
    """CloudWatch Logs' id of an event: when it happened and when it was taken in (milliseconds),
    64 bits of the request that brought it, and its place there."""
    return str(time << 144 | taken << 80 | batch << 16 | index)


def _source(dice: Dice, now: int) -> Source:
    styles = sum(_STYLES.values())
    throw = dice.randrange(styles + _SERVICES)
    if throw == styles:
        group, stream = "/ferries/flow-logs", f"eni-{dice.hexadecimal(17)}-all"
        return Source(group, stream, flow_log(dice, now))
    if throw > styles:
        group = f"API-Gateway-Access-Logs_{dice.hexadecimal(10)}/live"
        return Source(group, dice.hexadecimal(32), access_log(dice, now))
    [style] = dice.choices(list(_STYLES), list(_STYLES.values()))
    function = dice.choice(_FUNCTIONS)
    stream = f"2026/11/21/[$LATEST]{dice.hexadecimal(32)}"
    return Source(f"/aws/lambda/{function}", stream, style.lines(dice, function, now))
