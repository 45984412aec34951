"""Points of many metrics in one request of GetMetricData."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from steward.errors import Denied, Refused
from steward.model import Aws

QUERIES = 500
"""Queries that a request takes (CloudWatch API reference)."""

Points: TypeAlias = list[tuple[datetime, float]]
"""When a period began, and its value."""


def query(
    query_id: str, metric: Mapping[str, Any], statistic: str, seconds: int
) -> Mapping[str, Any]:
    stat = {"Metric": metric, "Period": seconds, "Stat": statistic}
    return {"Id": query_id, "MetricStat": stat}


def read(
    aws: Aws, queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime
) -> tuple[Mapping[str, Points], Mapping[str, str]]:
    """By the queries' ids: the points, and the status code that came last. Raises Refused."""
    points: dict[str, Points] = {one["Id"]: [] for one in queries}
    status: dict[str, str] = {}
    for answer, _ in aws.pages(
        "cloudwatch",
        "GetMetricData",
        MetricDataQueries=list(queries),
        StartTime=start,
        EndTime=end,
    ):
        for result in answer["MetricDataResults"]:
            points[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
            status[result["Id"]] = result.get("StatusCode", "")
    return points, status


def incomplete(metric: str, code: str) -> Refused | None:
    """Why a metric with this status tells nothing; None where it is complete."""
    if code == "Complete":
        return None
    kind = Denied if code == "Forbidden" else Refused
    return kind(f"GetMetricData: {metric}: {code or 'no result'}")
