"""What could not be shipped is set aside so that it can be read, and shipped once more."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from steward.errors import Denied, NotConnected, StewardError, Throttled, TryAgain
from steward.shipping import parking
from steward.shipping.accel import Codec
from steward.shipping.archive import Archive
from steward.shipping.batch import Request
from steward.shipping.encoders.base import Kind
from steward.shipping.parking import Parking
from tests.blocks import CODECS
from tests.fakes import START
from tests.shipping import Shelf, record

BOTH = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
REQUEST = Request(b"body", 3, 0, 2, "raw/logs/shard/1-3.gz")
LINES: list[dict[str, Any]] = [
    parking.record(record(7, b"hello"), "not gzip"),
    parking.event({"id": "1", "message": "é"}, "HTTP 400", "ndjson"),
    parking.metrics(
        {
            "Namespace": "toys",
            "MetricData": [{"MetricName": "n", "Timestamp": datetime(2026, 11, 21, tzinfo=UTC)}],
        },
        "Denied",
    ),
]


@BOTH
def test_lines_are_written_as_one_object(codec: Codec) -> None:
    """Under the day, as NDJSON; a time is ISO 8601."""
    shelf = Shelf()
    key = Parking(shelf, codec).park(LINES, START)
    assert key.startswith("parked/2026/11/20/")
    lines = [json.loads(line) for line in gzip.decompress(shelf.objects[key]).splitlines()]
    assert [line["kind"] for line in lines] == ["record", "event", "metrics"]
    assert lines[0] == {
        "kind": "record",
        "reason": "not gzip",
        "stream": "logs",
        "shard": "shardId-000000000000",
        "position": "7",
        "arrived": 1794470400120,
        "data": "aGVsbG8=",
    }
    assert lines[1] == LINES[1]
    assert lines[2]["call"]["MetricData"][0]["Timestamp"] == "2026-11-21T00:00:00+00:00"


def test_the_same_again_is_the_same_object() -> None:
    """Both codecs name it alike, and another text is another object."""
    keys = {Parking(Shelf(), codec).park(LINES, START) for codec in CODECS.values()}
    assert len(keys) == 1
    assert Parking(Shelf(), CODECS["standard"]).park(LINES[:1], START) not in keys


@BOTH
def test_a_bucket_that_fails_is_told(codec: Codec) -> None:
    """The caller lets the records come again."""
    with pytest.raises(TryAgain, match="SlowDown"):
        Parking(Shelf([True]), codec).park(LINES, START)


class Failing:
    def __init__(self, error: StewardError) -> None:
        self._error = error

    def put(self, key: str, body: bytes) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Throttled("PutObject: SlowDown"), Kind.RETRY),
        (Denied("PutObject: AccessDenied"), Kind.CONFIGURE),
        (NotConnected("PutObject: nobody"), Kind.CONFIGURE),
    ],
    ids=["busy", "denied", "unreachable"],
)
def test_an_archive_that_fails_loses_nothing(error: StewardError, kind: Kind) -> None:
    """It is tried again, or waits for somebody; nothing is ever refused for good."""
    answer = Archive(Failing(error)).attempt(REQUEST, 9.0)
    assert (answer.kind, answer.reason) == (kind, str(error))
    assert not Archive(Shelf()).refresh()


def test_an_archive_keeps_a_request_under_its_name() -> None:
    """As it is."""
    shelf = Shelf()
    assert Archive(shelf).attempt(REQUEST, 9.0).kind is Kind.OK
    assert shelf.objects == {REQUEST.name: b"body"}
