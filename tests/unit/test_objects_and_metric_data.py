"""A bucket's objects, and metric data: what is asked of AWS, and what is left when it fails."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

from steward.aws import metric_data
from steward.aws.api import Api, Identity
from steward.aws.objects import Bucket
from steward.aws.pacing import Pacer
from steward.errors import Denied, Gone, Refused, StewardError, Throttled, TryAgain
from steward.model import Deadline
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock

CALLS: list[dict[str, Any]] = [{"Namespace": name, "MetricData": []} for name in ("a", "b", "c")]
PUT = ("cloudwatch", "PutMetricData")


def test_objects_are_put_read_listed_and_deleted() -> None:
    """Under the keys that are given, in the bucket's order."""
    aws = FakeAws(
        {
            ("s3", "PutObject"): {},
            ("s3", "GetObject"): {"Body": io.BytesIO(b"x"), "ContentLength": 1},
            ("s3", "DeleteObject"): {},
            ("s3", "ListObjectsV2"): [
                {"Contents": [{"Key": "p/1"}], "NextToken": "2"},
                {"Contents": [{"Key": "p/2"}]},
                {},
            ],
        }
    )
    bucket = Bucket(aws, "logs")
    bucket.put("p/1", b"x")
    assert bucket.get("p/1", 1) == b"x"
    assert list(bucket.keys("p/")) == ["p/1", "p/2"]
    assert list(bucket.keys("p/", after="p/2")) == []
    bucket.delete("p/1")
    key = {"Bucket": "logs", "Key": "p/1"}
    assert aws.asked("s3", "PutObject") == [{**key, "Body": b"x"}]
    assert aws.asked("s3", "GetObject") == aws.asked("s3", "DeleteObject") == [key]
    prefix = {"Bucket": "logs", "Prefix": "p/"}
    assert aws.asked("s3", "ListObjectsV2") == [prefix, prefix, {**prefix, "StartAfter": "p/2"}]


class Broken(io.BytesIO):
    """A body that ends before its end."""

    def read(self, size: int | None = -1) -> bytes:
        raise IncompleteReadError(actual_bytes=0, expected_bytes=1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Refused("GetObject: NoSuchKey", code="NoSuchKey"), Gone),
        (Refused("GetObject: no", code="Other"), Refused),
        ({"Body": io.BytesIO(b"xx"), "ContentLength": 2}, Refused),
        ({"Body": Broken(b"x"), "ContentLength": 1}, TryAgain),
    ],
    ids=["gone", "refused", "too large", "broken off"],
)
def test_an_object_that_is_not_read_is_told(answer: Any, error: type[StewardError]) -> None:
    """By what the caller can do about it."""
    bucket = Bucket(FakeAws({("s3", "GetObject"): answer}), "logs")
    with pytest.raises(StewardError) as raised:
        bucket.get("p/1", 1)
    assert raised.type is error


@pytest.mark.parametrize("error", [Denied("PutMetricData: no"), Throttled("PutMetricData: slow")])
def test_a_refused_call_is_told_and_the_others_are_sent(error: Exception) -> None:
    """One that is refused stands in nobody's way, and is not sent twice."""
    aws = FakeAws({PUT: [{}, error, {}]})
    left = metric_data.publish(aws, CALLS)
    assert left == [(CALLS[1], f"{type(error).__name__}: {error}")]
    assert aws.asked(*PUT) == CALLS


class Wire(Api):
    """AWS that fails so many times."""

    def __init__(self, *errors: StewardError) -> None:
        clock = FakeClock()
        super().__init__(
            clock=clock, pacer=Pacer(clock, share=1.0), identity=Identity(ACCOUNT, REGION, "aws")
        )
        self.deadline = Deadline(clock, 60.0)
        self.sent = 0
        self._errors = [*errors]

    def _send(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.sent += 1
        if self._errors:
            raise self._errors.pop(0)
        return {}


@pytest.mark.parametrize(
    ("error", "sent", "left"),
    [(Throttled("PutMetricData: slow"), 2, 0), (Denied("PutMetricData: no"), 1, 1)],
    ids=["throttled", "denied"],
)
def test_what_may_get_better_is_repeated(error: StewardError, sent: int, left: int) -> None:
    """MET-18, MET-19: a throttled call is sent once more; a refused one is not, and is told."""
    aws = Wire(error)
    assert len(metric_data.publish(aws, CALLS[:1])) == left
    assert aws.sent == sent
