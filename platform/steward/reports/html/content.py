"""What stands in which section of the page, and how much of it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steward.ledger import Change, Status
from steward.model import Fate, Mode, Severity
from steward.reports.dataset import ControlLine, Entry, ExemptionLine, Figure, Report, Standing
from steward.reports.html.charts import Column, Trend, ages, trend
from steward.reports.html.wording import counted, days_left, fate

OWNERS = 10
"""Rows of the table of owners."""
SOON = 14
"""Days before its end in which an exemption is told to end soon."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether the report can be believed, and what speaks against it."""

    complete: bool
    headline: str
    stale: tuple[ControlLine, ...]
    never: tuple[ControlLine, ...]
    errors: tuple[ControlLine, ...]
    unread: int
    on: int
    """Controls that are not off."""
    fresh: int
    off: int
    oldest: ControlLine | None
    """The control that is on and whose last complete sweep is longest ago."""


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """What one owner has to answer for."""

    owner: str
    severities: Counter[Severity]
    oldest: Entry

    @property
    def total(self) -> int:
        return self.severities.total()


@dataclass(frozen=True, slots=True)
class Content:
    """All sections of the page."""

    fresh: Freshness
    severities: Counter[Severity]
    """Of what is open."""
    open: Sequence[Entry]
    unknown: Sequence[Entry]
    owners: Sequence[OwnerLine]
    """All of them, those with the most findings first."""
    ownerless: int
    changed: Sequence[Change]
    failing: Sequence[Entry]
    fates: Sequence[str]
    """What became of those, counted: '3 failed'."""
    attempts: Sequence[Change]
    """Changes that failed or whose outcome is open, of resources that are not among failing."""
    exemptions: Sequence[ExemptionLine]
    ending: int
    exempt: Sequence[Entry]
    closed: Sequence[Entry]
    counts: Counter[Standing]
    in_order: int
    figure: Figure | None
    """The first that is known."""
    trend: Trend | None
    ages: tuple[Column, ...]


def content_of(report: Report) -> Content:
    """The report, laid out."""
    by_standing: dict[Standing, list[Entry]] = defaultdict(list)
    for entry in report.entries:
        by_standing[entry.standing].append(entry)
    is_open = by_standing[Standing.OPEN]
    failing = [entry for entry in is_open if is_failing(entry)]
    return Content(
        fresh=_freshness(report),
        severities=Counter(entry.severity for entry in is_open),
        open=is_open,
        unknown=by_standing[Standing.UNKNOWN],
        owners=_owners(is_open),
        ownerless=sum(not entry.owner for entry in is_open),
        changed=[one for one in report.changes if one.sent],
        failing=failing,
        fates=_fates(failing),
        attempts=_attempts(report, failing),
        exemptions=report.exemptions,
        ending=sum(_ends_soon(line, report) for line in report.exemptions),
        exempt=by_standing[Standing.EXEMPT],
        closed=_latest(by_standing[Standing.RESOLVED], by_standing[Standing.GONE]),
        counts=Counter({standing: len(found) for standing, found in by_standing.items()}),
        in_order=sum(line.in_order for line in report.controls if line.mode is not Mode.OFF),
        figure=next((one for one in report.figures if one.amount is not None), None),
        trend=trend(report),
        ages=ages(is_open, report.generated_at),
    )


def is_failing(entry: Entry) -> bool:
    """Whether Steward would change it and does not get it done."""
    return entry.fate in (Fate.FAILED, Fate.HELD) or entry.attempts > 0


def _fates(failing: Sequence[Entry]) -> Sequence[str]:
    return [f"{count:,} {name}" for name, count in Counter(map(fate, failing)).most_common()]


def _attempts(report: Report, failing: Sequence[Entry]) -> Sequence[Change]:
    there = {entry.last_change.id for entry in failing if entry.last_change is not None}
    return [
        change
        for change in report.changes
        if change.status in (Status.FAILED, Status.INTENT) and change.id not in there
    ]


def _latest(*groups: Iterable[Entry]) -> Sequence[Entry]:
    """What was closed last comes first; then in the order of the report."""
    everything = [entry for group in groups for entry in group]
    return sorted(everything, key=lambda entry: entry.closed_at, reverse=True)


def _owners(entries: Sequence[Entry]) -> Sequence[OwnerLine]:
    """Those with the most findings first; entries come oldest first."""
    by_owner: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_owner[entry.owner].append(entry)
    lines = [
        OwnerLine(owner, Counter(one.severity for one in own), own[0])
        for owner, own in by_owner.items()
    ]
    return sorted(lines, key=lambda line: (-line.total, line.owner))


def _ends_soon(line: ExemptionLine, report: Report) -> bool:
    return 0 <= days_left(line.exemption.expires, report.generated_at) <= SOON


def _freshness(report: Report) -> Freshness:
    on = [line for line in report.controls if line.mode is not Mode.OFF]
    never = tuple(line for line in on if not line.swept_at)
    stale = tuple(line for line in on if line.stale and line.swept_at)
    unread = sum(entry.standing is Standing.UNKNOWN for entry in report.entries)
    swept = [line for line in on if line.swept_at]
    return Freshness(
        complete=report.complete and not never and bool(on),
        headline=_headline(len(on), len(never), len(stale), unread),
        stale=stale,
        never=never,
        errors=tuple(line for line in on if line.last_sweep_error),
        unread=unread,
        on=len(on),
        fresh=len(on) - len(never) - len(stale),
        off=len(report.controls) - len(on),
        oldest=min(swept, key=lambda line: line.swept_at, default=None),
    )


def _headline(on: int, never: int, stale: int, unread: int) -> str:
    if not on:
        return "No control is on: nobody looks at this account"
    wrong = [
        f"{counted(never, 'control was', 'controls were')} never swept completely" if never else "",
        f"{counted(stale, 'control is', 'controls are')} stale" if stale else "",
        f"{counted(unread, 'resource')} could not be read" if unread else "",
    ]
    told_wrong = [one for one in wrong if one]
    if told_wrong:
        return f"The picture is incomplete: {', '.join(told_wrong)}"
    return f"The data is fresh: {_all(on)} swept completely"


def _all(on: int) -> str:
    return "the one control that is on was" if on == 1 else f"all {on} controls that are on were"
