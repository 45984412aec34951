"""Which functions have lately received events asynchronously, by a metric of Lambda."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from steward.controls import metric_points
from steward.controls.metric_points import QUERIES
from steward.errors import Refused
from steward.model import Aws

METRIC = "AsyncEventsReceived"
"""Events that Lambda queued for a function, also of its aliases (Lambda developer guide)."""

DAYS = 14
PERIOD = timedelta(days=1)


def received(aws: Aws, names: Sequence[str], now: datetime) -> Mapping[str, bool | Refused]:
    """By function: whether it has received events in the last days, or why that is not known."""
    found: dict[str, bool | Refused] = {}
    for start in range(0, len(names), QUERIES):
        batch = names[start : start + QUERIES]
        try:
            found |= _of(aws, batch, now)
        except Refused as refusal:
            found |= dict.fromkeys(batch, refusal)
    return found


def _of(aws: Aws, names: Sequence[str], now: datetime) -> Mapping[str, bool | Refused]:
    """The day that has not ended counts, too; one point is enough, also of what is incomplete."""
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    queries = [
        metric_points.query(
            f"f{number}",
            {
                "Namespace": "AWS/Lambda",
                "MetricName": METRIC,
                "Dimensions": [{"Name": "FunctionName", "Value": name}],
            },
            "Sum",
            int(PERIOD.total_seconds()),
        )
        for number, name in enumerate(names)
    ]
    points, status = metric_points.read(aws, queries, end - timedelta(days=DAYS), end)
    told = {name: f"f{number}" for number, name in enumerate(names)}
    return {
        name: any(value > 0 for _, value in points[one])
        or metric_points.incomplete(METRIC, status.get(one, ""))
        or False
        for name, one in told.items()
    }
