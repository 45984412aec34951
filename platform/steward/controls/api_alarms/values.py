"""Alarms as data: as PutMetricAlarm takes them, and as DescribeAlarms tells them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

Alarm: TypeAlias = Mapping[str, Any]
"""What PutMetricAlarm takes of an alarm, but its name and tags."""

Alarms: TypeAlias = Mapping[str, Alarm]
"""By name."""

SETTABLE = (
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
)
"""What PutMetricAlarm sets and DescribeAlarms tells (API reference)."""

_COMPARED = {
    "AlarmDescription": "",
    "OKActions": (),
    "AlarmActions": (),
    "InsufficientDataActions": (),
    "MetricName": "",
    "EvaluationPeriods": 0,
    "DatapointsToAlarm": 0,
    "Threshold": 0,
    "ComparisonOperator": "",
    "TreatMissingData": "missing",
}
"""What makes two alarms different besides their queries, with what absence means.

Not whether actions are enabled: who silences an alarm has a reason, and PutMetricAlarm keeps it.
"""

_SPACE = 2**128


def settable(described: Mapping[str, Any]) -> Alarm:
    """An alarm as it could be put again, from what DescribeAlarms tells of it."""
    return {
        name: described[name] for name in SETTABLE if described.get(name) not in (None, "", [], {})
    } | {"ActionsEnabled": described.get("ActionsEnabled", True)}


def fingerprint(name: str, alarm: Alarm) -> int:
    """Equal for alarms of one name that watch the same in the same way."""
    told: dict[str, Any] = {key: alarm.get(key) or absent for key, absent in _COMPARED.items()}
    told["Threshold"] = float(alarm.get("Threshold") or 0)
    for key in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        told[key] = sorted(told[key])
    told["WarmUp"] = (alarm.get("WarmUpConfiguration") or {}).get("WarmUpPeriodDurationInMinutes")
    told["Metrics"] = sorted(map(_query, alarm.get("Metrics") or ()))
    text = json.dumps([name, told], sort_keys=True, default=list)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])


def _query(query: Mapping[str, Any]) -> str:
    """A query as text, without what makes no difference."""
    stat = query.get("MetricStat") or {}
    metric = stat.get("Metric") or {}
    told = {
        "id": query["Id"],
        "expression": query.get("Expression") or "",
        "label": query.get("Label") or "",
        "returned": query.get("ReturnData") is not False,
        "period": stat.get("Period") or query.get("Period"),
        "stat": stat.get("Stat"),
        "metric": [metric.get("Namespace"), metric.get("MetricName")],
        "dimensions": sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions") or ()),
    }
    return json.dumps(told, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Total:
    """What alarms come to, in whatever order; one more or less is told without the others."""

    count: int = 0
    sum: int = 0

    @classmethod
    def of(cls, alarms: Alarms) -> Self:
        told = [fingerprint(name, alarm) for name, alarm in alarms.items()]
        return cls(len(told), sum(told) % _SPACE)

    def plus(self, name: str, alarm: Alarm) -> Self:
        return replace(self, count=self.count + 1, sum=self._shifted(fingerprint(name, alarm)))

    def minus(self, name: str, alarm: Alarm) -> Self:
        return replace(self, count=self.count - 1, sum=self._shifted(-fingerprint(name, alarm)))

    def _shifted(self, by: int) -> int:
        return (self.sum + by) % _SPACE

    def text(self) -> str:
        """As a state holds it."""
        return f"{self.count} {self.sum:032x}"


def total(alarms: Alarms) -> str:
    """What these alarms come to, as text."""
    return Total.of(alarms).text()


NONE = total({})
"""What no alarms come to."""


def metric_name(api: str, name: str) -> str:
    """The name by which CloudWatch knows a REST API: its own without what is not ASCII.

    Where nothing is left, it is the API's id (API Gateway Developer Guide, dimensions).
    """
    return name.encode("ascii", "ignore").decode() or api
