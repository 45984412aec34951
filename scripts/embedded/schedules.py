"""When EventBridge fires: rate, at and cron expressions, in a time zone.

What the documentation does not describe is refused: ranges that wrap around, ``L-3``, steps over
days of the week. Of a rate over one, the unit is plural, as rules demand; Scheduler would not.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Self
from zoneinfo import ZoneInfo

_EXPRESSION = re.compile(r"(rate|at|cron)\((.*)\)")
_RATE = re.compile(r"([1-9]\d*) (minute|hour|day)(s?)")
_TERM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/([1-9]\d*))?")
_WORKDAYS = range(5)  # Monday is 0 (datetime.date.weekday)


def next_after(
    expression: str, after: datetime, timezone: str = "UTC", start: datetime | None = None
) -> datetime | None:
    """The first firing later than ``after``, in UTC; None where there is none any more.

    A schedule with a ``start`` does not fire before it, and counts its rate from it; without one a
    rate counts from ``after``. A local time that a change of clocks skips does not fire, one that
    comes twice fires the first time (EventBridge Scheduler, schedule types). Raises ValueError.
    """
    found = _EXPRESSION.fullmatch(expression)
    if not found:
        raise ValueError(f"{expression}: is no schedule, allowed: rate(...), at(...), cron(...)")
    kind, text = found.groups()
    try:
        if kind == "rate":
            return _rate(text, after.astimezone(UTC), start)
        if kind == "at":
            return _at(text, after, _zone(timezone))
        return Cron.read(text).next_after(after, _zone(timezone), start)
    except ValueError as error:
        raise ValueError(f"{expression}: {error}") from error


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"timezone: is {name!r}, allowed: names of the IANA database") from error


def _rate(text: str, after: datetime, start: datetime | None) -> datetime:
    found = _RATE.fullmatch(text)
    if not found or (int(found[1]) > 1) != bool(found[3]):
        raise ValueError(f"is {text!r}, allowed: 1 minute, 2 minutes, and so hours and days")
    every = timedelta(**{f"{found[2]}s": int(found[1])})
    if start is None:
        return after + every
    first = start.astimezone(UTC)
    return first if first > after else first + every * ((after - first) // every + 1)


def _at(text: str, after: datetime, zone: tzinfo) -> datetime | None:
    try:
        naive = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  # the zone is apart
    except ValueError as error:
        raise ValueError(f"is {text!r}, allowed: yyyy-mm-ddThh:mm:ss") from error
    moment = naive.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment > after else None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a cron expression: its numbers, their names, whether it has steps."""

    name: str
    numbers: range
    names: Sequence[str] = ()
    steps: bool = True

    def read(self, text: str) -> frozenset[int]:
        """The numbers that a list of values, ranges and steps stands for."""
        return frozenset(number for term in text.split(",") for number in self._term(term))

    def number(self, text: str) -> int:
        """A number or a name, as a number."""
        if text.upper() in self.names:
            return self.numbers[self.names.index(text.upper())]
        if not text.isdecimal() or int(text) not in self.numbers:
            raise self.wrong(text)
        return int(text)

    def wrong(self, text: str) -> ValueError:
        return ValueError(f"{self.name}: is {text!r}, allowed: {self._allowed}")

    @property
    def _allowed(self) -> str:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.numbers[0]} to {self.numbers[-1]}{names}, lists and ranges of them"

    def _term(self, term: str) -> range:
        found = _TERM.fullmatch(term)
        if not found or (found[1] == "*" and found[2]) or (found[3] and not self.steps):
            raise self.wrong(term)
        first, last = self.numbers[0], self.numbers[-1]
        if found[1] != "*":
            first = self.number(found[1])
            last = self.number(found[2]) if found[2] else last if found[3] else first
        if last < first:
            raise self.wrong(term)
        return range(first, last + 1, int(found[3] or 1))


_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

MINUTES = Field("minutes", range(60))
HOURS = Field("hours", range(24))
DAY_OF_MONTH = Field("day-of-month", range(1, 32))
MONTH = Field("month", range(1, 13), _MONTHS)
DAY_OF_WEEK = Field("day-of-week", range(1, 8), _DAYS, steps=False)
YEAR = Field("year", range(1970, 2200))

Days = Callable[[int, int], Sequence[int]]
"""The days of a month on which an expression fires, in order, by year and month."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression in AWS's dialect (EventBridge, cron expressions reference)."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days: Days
    months: Sequence[int]
    years: Sequence[int]

    @classmethod
    def read(cls, text: str) -> Self:
        """From ``minutes hours day-of-month month day-of-week year``. Raises ValueError."""
        fields = text.split()
        if len(fields) != 6:
            raise ValueError(f"has {len(fields)} fields, allowed: 6")
        minutes, hours, day_of_month, month, day_of_week, year = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("day-of-month and day-of-week: allowed: ? in exactly one of them")
        days = _by_date(day_of_month) if day_of_week == "?" else _by_weekday(day_of_week)
        return cls(
            sorted(MINUTES.read(minutes)),
            sorted(HOURS.read(hours)),
            days,
            sorted(MONTH.read(month)),
            sorted(YEAR.read(year)),
        )

    def next_after(self, after: datetime, zone: tzinfo, start: datetime | None) -> datetime | None:
        earliest = after if start is None else max(after, start - timedelta.resolution)
        for naive in self._from(earliest.astimezone(zone).date()):
            moment = naive.replace(tzinfo=zone).astimezone(UTC)
            skipped = moment.astimezone(zone).replace(tzinfo=None) != naive
            if moment > earliest and not skipped:
                return moment
        return None

    def _from(self, first: date) -> Iterator[datetime]:
        """Local times without a zone, from the first moment of a day on."""
        months = (
            (year, month)
            for year in self.years
            for month in self.months
            if (year, month) >= (first.year, first.month)
        )
        days = (date(year, month, day) for year, month in months for day in self.days(year, month))
        for day in days:
            if day >= first:
                for hour in self.hours:
                    for minute in self.minutes:
                        yield datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001


def _by_date(text: str) -> Days:
    """Days by their number; L the last one, LW the last workday, 15W the workday nearest to it."""
    if text in _LAST:
        return _LAST[text]
    if text.endswith("W"):
        wanted = DAY_OF_MONTH.number(text[:-1])
        return lambda year, month: _nearest_workday(year, month, wanted)
    listed = sorted(DAY_OF_MONTH.read(text))
    return lambda year, month: [day for day in listed if day <= _length(year, month)]


def _by_weekday(text: str) -> Days:
    """Days of the week; L is Saturday, 6L the month's last Friday, 6#3 its third."""
    name, mark, nth = text.partition("#")
    if mark:
        weekday = DAY_OF_WEEK.number(name)
        if nth not in ("1", "2", "3", "4", "5"):
            raise ValueError(f"day-of-week: is {text!r}, allowed: # and 1 to 5")
        which = int(nth) - 1
        return lambda year, month: _weekdays(year, month, {weekday})[which : which + 1]
    if text.endswith("L") and text != "L":
        last = DAY_OF_WEEK.number(text[:-1])
        return lambda year, month: _weekdays(year, month, {last})[-1:]
    listed = DAY_OF_WEEK.read("SAT" if text == "L" else text)
    return lambda year, month: _weekdays(year, month, listed)


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _weekdays(year: int, month: int, wanted: frozenset[int] | set[int]) -> Sequence[int]:
    """The days of a month that are one of these days of the week; Sunday is 1."""
    days = range(1, _length(year, month) + 1)
    return [day for day in days if date(year, month, day).isoweekday() % 7 + 1 in wanted]


def _nearest_workday(year: int, month: int, wanted: int) -> Sequence[int]:
    """Monday to Friday, in the same month; none where the month has no such day."""
    length = _length(year, month)
    if wanted > length:
        return []
    near = (wanted + offset for offset in (0, -1, 1, -2, 2))
    days = (day for day in near if 1 <= day <= length)
    return [next(day for day in days if date(year, month, day).weekday() in _WORKDAYS)]


_LAST: Mapping[str, Days] = {
    "L": lambda year, month: [_length(year, month)],
    "LW": lambda year, month: _nearest_workday(year, month, _length(year, month)),
}
