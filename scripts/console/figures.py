"""What CloudWatch has measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steward.model import Aws

_MOST = 500
"""Queries that a request takes (GetMetricData, API reference)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with one dimension; ``period`` in seconds."""

    namespace: str
    name: str
    dimension: str
    of: str
    statistic: str
    period: int


def values(
    aws: Aws, metrics: Sequence[Metric], since: datetime, until: datetime
) -> Sequence[Sequence[float]]:
    """The values of each metric, newest first; none where nothing was measured."""
    found: list[list[float]] = [[] for _ in metrics]
    for start in range(0, len(metrics), _MOST):
        some = metrics[start : start + _MOST]
        asked = {
            "MetricDataQueries": [_query(number, one) for number, one in enumerate(some)],
            "StartTime": since,
            "EndTime": until,
            "ScanBy": "TimestampDescending",
        }
        for answer, _ in aws.pages("cloudwatch", "GetMetricData", **asked):
            for told in answer["MetricDataResults"]:
                found[start + int(told["Id"][1:])] += told["Values"]
    return found


def _query(number: int, one: Metric) -> Mapping[str, Any]:
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": one.namespace,
                "MetricName": one.name,
                "Dimensions": [{"Name": one.dimension, "Value": one.of}],
            },
            "Period": one.period,
            "Stat": one.statistic,
        },
    }
