"""The alarms and dashboards that there are under our prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from steward.controls.api_alarms import names
from steward.controls.api_alarms.state import ALARM, Policy
from steward.controls.api_alarms.values import Alarms, settable
from steward.model import Aws, Ref, Sight

PAGE = 100
"""Alarms to an answer, at most (DescribeAlarms, API reference)."""

WHOLE_FROM = 5
"""From so many APIs on, all of our alarms are read together, and not those of each."""


@dataclass(frozen=True, slots=True)
class Present:
    """Alarms by what they are of, and the names of those that are not ours."""

    ours: Mapping[Ref, Alarms] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()

    def of(self, ref: Ref) -> Alarms:
        return self.ours.get(ref, {})

    def taken(self, prefix: str) -> tuple[str, ...]:
        """Names under a prefix that are not ours."""
        return tuple(sorted(name for name in self.foreign if name.startswith(prefix)))


def alarms(sight: Sight[Policy]) -> Present:
    """All alarms under our prefix, read once a step."""
    prefix = f"{sight.policy.alarm_prefix}/"
    return sight.known.once("alarms", lambda: _read(sight.aws, prefix))


def alarms_of(sight: Sight[Policy], api: str) -> Present:
    """Those of one API, or of all together, read once a step."""
    prefix = names.api_prefix(sight.policy.alarm_prefix, api)
    return sight.known.once(f"alarms of {api}", lambda: _read(sight.aws, prefix))


def is_expected(sight: Sight[Policy], ref: Ref) -> bool:
    """Whether a change is open of what is not there: it may have been deleted by that."""
    item = sight.known.items([ref]).get(ref)
    return item is not None and bool(item.intent)


def _read(aws: Aws, prefix: str) -> Present:
    pages = aws.pages(
        "cloudwatch",
        "DescribeAlarms",
        AlarmNamePrefix=prefix,
        AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"],
        MaxRecords=PAGE,
    )
    return _present(one for answer, _ in pages for one in _described(answer))


def _described(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Alarms of other sorts, too: theirs are names that are taken."""
    yield from answer.get("MetricAlarms", ())
    for sort in ("CompositeAlarms", "LogAlarms"):
        yield from ({"AlarmName": one["AlarmName"]} for one in answer.get(sort, ()))


def _present(described: Iterable[Mapping[str, Any]]) -> Present:
    ours: dict[Ref, dict[str, Any]] = {}
    foreign = set()
    for one in described:
        name = one["AlarmName"]
        owner = names.owner(name, one.get("AlarmDescription", ""))
        if owner is None:
            foreign.add(name)
        else:
            ours.setdefault(owner, {})[name] = settable(one)
    return Present(ours, frozenset(foreign))


def grouped(present: Present) -> list[str]:
    """The names of our alarms over all APIs."""
    return sorted(ref.id for ref in present.ours if ref.kind == ALARM)


def dashboards(sight: Sight[Policy]) -> Mapping[str, datetime]:
    """When each dashboard under our prefix was last changed, by name, read once a step."""

    def read() -> Mapping[str, datetime]:
        prefix = names.dashboard_prefix(sight.policy.alarm_prefix, sight.aws.region)
        pages = sight.aws.pages("cloudwatch", "ListDashboards", DashboardNamePrefix=prefix)
        return {
            one["DashboardName"]: one["LastModified"]
            for answer, _ in pages
            for one in answer.get("DashboardEntries", ())
        }

    return sight.known.once("dashboards", read)
