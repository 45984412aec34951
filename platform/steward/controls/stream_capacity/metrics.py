"""The metrics of streams, many in one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from steward.controls import metric_points
from steward.controls.metric_points import QUERIES
from steward.controls.stream_capacity.load import PERIOD, STATISTICS, Points
from steward.errors import Refused
from steward.model import Aws

BATCH = QUERIES // len(STATISTICS)
"""Streams to a request: GetMetricData takes 500 queries (API reference)."""

Series: TypeAlias = Mapping[str, Points]
"""By metric."""


def read(
    aws: Aws, names: Sequence[str], now: datetime, hours: int
) -> Mapping[str, Series | Refused]:
    """The metrics of these streams in the last hours, by name, or why they could not be read."""
    found: dict[str, Series | Refused] = {}
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        try:
            found.update(_of(aws, batch, now, hours))
        except Refused as refusal:
            found.update(dict.fromkeys(batch, refusal))
    return found


def _of(
    aws: Aws, names: Sequence[str], now: datetime, hours: int
) -> Iterator[tuple[str, Series | Refused]]:
    """Periods end on the clock's, and the one that has not ended is left out."""
    end = now - timedelta(seconds=now.timestamp() % PERIOD.total_seconds())
    queries = [query for number, name in enumerate(names) for query in _queries(number, name)]
    points, status = metric_points.read(aws, queries, end - timedelta(hours=hours), end)
    for number, name in enumerate(names):
        yield name, _series(number, points, status)


def _queries(number: int, name: str) -> Iterator[Mapping[str, Any]]:
    for metric, statistic in STATISTICS.items():
        asked = {
            "Namespace": "AWS/Kinesis",
            "MetricName": metric,
            "Dimensions": [{"Name": "StreamName", "Value": name}],
        }
        yield metric_points.query(
            _id(number, metric), asked, statistic, int(PERIOD.total_seconds())
        )


def _series(
    number: int, points: Mapping[str, Points], status: Mapping[str, str]
) -> Series | Refused:
    """What is incomplete tells nothing: a peak might be missing."""
    told = {metric: status.get(_id(number, metric), "") for metric in STATISTICS}
    for metric, code in told.items():
        if problem := metric_points.incomplete(metric, code):
            return problem
    return {metric: points[_id(number, metric)] for metric in STATISTICS}


def _id(number: int, metric: str) -> str:
    return f"s{number}_{list(STATISTICS).index(metric)}"
