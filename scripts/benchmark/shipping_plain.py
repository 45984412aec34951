"""What the shipper is compared with: shipping as one writes it at first, and the work's floor."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import urllib3

from steward.shipping.accel import Codec

Ship: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Takes an invocation's event to its destination; raises where that does not work."""

LARGEST = 5_000_000  # bytes of a body, uncompressed
LEVEL = 6
_HEADERS = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}


def plain(url: str) -> Ship:
    """The standard library, an object for each event, one request after another."""
    post = posting(url)

    def ship(event: Mapping[str, Any]) -> None:
        for body in _bodies(event):
            post(body)

    return ship


def floor(codec: Codec) -> Ship:
    """What cannot be left out: base64, inflate, and deflate again. It sends nothing."""

    def ship(event: Mapping[str, Any]) -> None:
        deflater = codec.deflater()
        pieces = []
        for record in event["Records"]:
            packed = base64.b64decode(record["kinesis"]["data"])
            pieces.append(deflater.compress(codec.inflater().decompress(packed)))
        pieces.append(deflater.flush())

    return ship


def posting(url: str) -> Callable[[bytes], None]:
    """Posts one body after another. Raises ConnectionError where the answer is not 200."""
    pool = urllib3.PoolManager()

    def post(body: bytes) -> None:
        answer = pool.request("POST", url, body=body, headers=_HEADERS)
        if answer.status != 200:
            raise ConnectionError(f"answered {answer.status}")

    return post


def _bodies(event: Mapping[str, Any]) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for line in _lines(event):
        if size + len(line) > LARGEST:
            yield gzip.compress(b"".join(lines), LEVEL)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield gzip.compress(b"".join(lines), LEVEL)


def _lines(event: Mapping[str, Any]) -> Iterator[bytes]:
    for record in event["Records"]:
        document = json.loads(gzip.decompress(base64.b64decode(record["kinesis"]["data"])))
        for told in document["logEvents"]:
            line = {
                "id": told["id"],
                "timestamp": told["timestamp"],
                "message": told["message"],
                "owner": document["owner"],
                "log_group": document["logGroup"],
                "log_stream": document["logStream"],
            }
            yield json.dumps(line).encode() + b"\n"
