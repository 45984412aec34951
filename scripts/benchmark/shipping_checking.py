"""Whether every event arrived, once: read from the bodies that a sink kept.

The formats are read here as their services read them, by nothing of the shipper's own.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Arrived: TypeAlias = tuple[str, str]
"""An event's id and its message."""

_GZIP = 31  # zlib's wbits for a gzip member
_ADDRESS = "@example.com"


def arrived(folder: Path, encoder: str) -> Iterator[Arrived]:
    """The events of all bodies in the folder. Raises ValueError or zlib.error at what is broken."""
    for kept in sorted(folder.iterdir()):
        body = zlib.decompress(kept.read_bytes(), _GZIP).decode()
        yield from _READERS[encoder](body)


def problem(found: Iterator[Arrived], wanted: Mapping[str, str], *, redacted: bool) -> str:
    """Why what arrived is not what was wanted, or ''."""
    times, altered, told = Counter[str](), 0, 0
    for id, message in found:
        times[id] += 1
        altered += message != wanted.get(id, message)
        told += _ADDRESS in message
    wrong = {
        "did not arrive": sum(id not in times for id in wanted),
        "arrived more than once": sum(count > 1 for count in times.values()),
        "were never sent": sum(id not in wanted for id in times),
        "tell an e-mail address": told if redacted else 0,
        "are not as they were": 0 if redacted else altered,
    }
    return ", ".join(f"{count} events {what}" for what, count in wrong.items() if count)


def _plain(body: str) -> Iterator[Arrived]:
    for line in body.removesuffix("\n").split("\n"):
        told = json.loads(line)
        yield told["id"], told["message"]


def _es_bulk(body: str) -> Iterator[Arrived]:
    lines = iter(body.removesuffix("\n").split("\n"))
    for action in lines:
        yield json.loads(action)["create"]["_id"], json.loads(next(lines))["message"]


def _otlp(body: str) -> Iterator[Arrived]:
    for resource in json.loads(body)["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for told in scope["logRecords"]:
                values = {each["key"]: each["value"] for each in told["attributes"]}
                yield values["log.record.uid"]["stringValue"], told["body"]["stringValue"]


def _splunk_hec(body: str) -> Iterator[Arrived]:
    """JSON texts one after another, with or without white space between."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(body.rstrip()):
        told, place = decoder.raw_decode(body, place)
        place += len(body[place : place + 1]) - len(body[place : place + 1].lstrip())
        yield told["fields"]["id"], told["event"]


def _datadog(body: str) -> Iterator[Arrived]:
    for told in json.loads(body):
        yield told["id"], told["message"]


def _loki(body: str) -> Iterator[Arrived]:
    for stream in json.loads(body)["streams"]:
        for _, line, metadata in stream["values"]:
            yield metadata["id"], line


_READERS: Mapping[str, Callable[[str], Iterator[Arrived]]] = {
    "plain": _plain,
    "ndjson": _plain,
    "es_bulk": _es_bulk,
    "otlp": _otlp,
    "splunk_hec": _splunk_hec,
    "datadog": _datadog,
    "loki": _loki,
}
