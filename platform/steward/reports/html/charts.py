"""The geometry of the report's charts, in the units of their view boxes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from math import ceil

from steward.model import Severity
from steward.reports.dataset import Entry, Point, Report
from steward.reports.wording import day_of, hours, moment

WIDTH, HEIGHT = 600, 100
COLUMNS = 31
"""Days of a curve at most; a longer window has steps of several days."""

AGES: Sequence[tuple[str, float]] = (
    ("under 1 day", 1),
    ("1 to 7 days", 7),
    ("7 to 30 days", 30),
    ("30 to 90 days", 90),
    ("over 90 days", float("inf")),
)
"""Names of ages, and how many days each stays below."""

SEVERITIES = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line over the days of the window."""

    control: str
    """'' for all controls together."""
    values: tuple[int | None, ...]
    """None before anybody has looked."""
    line: str
    """The points of an SVG polyline."""
    area: str
    """The same with the axis below, as a polygon."""

    @property
    def last(self) -> int:
        return self.values[-1] or 0

    @property
    def first(self) -> int:
        return next((value for value in self.values if value is not None), 0)

    @property
    def highest(self) -> int:
        return max((value or 0 for value in self.values), default=0)


@dataclass(frozen=True, slots=True)
class Trend:
    """Violations over time: all together, then those of each control that ever had one."""

    days: tuple[str, ...]
    """What stands below each value: days, or moments of sweeps where there are fewer than two."""
    by_day: bool
    total: Curve
    controls: tuple[Curve, ...]
    clean: tuple[str, ...]
    """Controls that were swept and never had a violation."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: a rectangle."""

    severity: Severity
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """Open findings of one age."""

    name: str
    counts: Mapping[Severity, int]
    bars: tuple[Bar, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def trend(report: Report) -> Trend | None:
    """The curves; None where there is nothing to compare yet."""
    points = sorted(report.trend, key=lambda one: (one.control, one.at))
    own = {control: list(group) for control, group in groupby(points, lambda p: p.control)}
    if max(map(len, own.values()), default=0) < 2:
        return None
    by_day = len({point.at[:10] for point in points}) > 1
    ends = [f"{one}T23:59:59Z" for one in _days(report)] if by_day else _moments(points)
    by_control = {control: _latest(some, ends) for control, some in own.items()}
    totals = [_sum(values) for values in zip(*by_control.values(), strict=True)]
    curves = [_curve(control, values) for control, values in by_control.items()]
    return Trend(
        tuple(map(day_of if by_day else moment, ends)),
        by_day,
        _curve("", totals),
        tuple(sorted((one for one in curves if one.highest), key=lambda one: -one.last)),
        tuple(one.control for one in curves if not one.highest),
    )


def ages(entries: Sequence[Entry], now: str) -> tuple[Column, ...]:
    """Columns for the ages of findings."""
    found: dict[str, Counter[Severity]] = {name: Counter() for name, _ in AGES}
    for entry in entries:
        days = hours(entry.first_seen, now) / 24 if entry.first_seen else 0.0
        found[next(name for name, below in AGES if days < below)][entry.severity] += 1
    highest = max((sum(counts.values()) for counts in found.values()), default=0)
    return tuple(Column(name, counts, _bars(counts, highest)) for name, counts in found.items())


def _days(report: Report) -> Sequence[date]:
    last = datetime.fromisoformat(report.generated_at).astimezone(UTC).date()
    step = max(1, ceil(report.window_days / (COLUMNS - 1)))
    count = max(2, report.window_days // step + 1)
    return [last - timedelta(days=step * back) for back in reversed(range(count))]


def _moments(points: Sequence[Point]) -> Sequence[str]:
    """When sweeps ended, at most so many that a table holds them, the last among them."""
    ended = sorted({point.at for point in points})
    step = ceil(len(ended) / COLUMNS)
    return ended[::-1][::step][::-1]


def _latest(points: Sequence[Point], ends: Sequence[str]) -> list[int | None]:
    """The latest number at each of these moments."""
    values: list[int | None] = []
    latest: int | None = None
    rest = iter(points)
    ahead = next(rest, None)
    for end in ends:
        while ahead is not None and ahead.at <= end:
            latest, ahead = ahead.violations, next(rest, None)
        values.append(latest)
    return values


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _curve(control: str, values: Sequence[int | None]) -> Curve:
    top = max((value or 0 for value in values), default=0) or 1
    step = WIDTH / max(1, len(values) - 1)
    points = [
        f"{number * step:.1f},{HEIGHT - value / top * HEIGHT:.1f}"
        for number, value in enumerate(values)
        if value is not None
    ]
    first = points[0].split(",")[0] if points else "0"
    area = " ".join((f"{first},{HEIGHT}", *points, f"{WIDTH},{HEIGHT}"))
    return Curve(control, tuple(values), " ".join(points), area)


def _bars(counts: Mapping[Severity, int], highest: int) -> tuple[Bar, ...]:
    bars: list[Bar] = []
    y = float(HEIGHT)
    for severity in SEVERITIES:
        if count := counts.get(severity, 0):
            height = round(count / highest * HEIGHT, 1)
            y = round(y - height, 1)
            bars.append(Bar(severity, y, height))
    return tuple(bars)
