"""What stands in which section of the page, and how much of it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from steward.model import Severity, Trigger
from steward.reports.dataset import (
    ControlLine,
    Entry,
    ExemptionLine,
    Report,
    Standing,
    gravest_first,
)
from steward.reports.exempting import SOON, is_nameless
from steward.reports.html.batches import batches
from steward.reports.html.charts import Column, Trend, ages, trend
from steward.reports.html.differences import NO_UNDO, Told, told
from steward.reports.html.freshness import Coverage, Freshness, coverage, freshness
from steward.reports.html.savings import Savings, savings
from steward.reports.html.troubles import Attempts, Failing, troubles
from steward.reports.scoring import Score, score_of
from steward.reports.wording import age, days_left, fate

OWNERS = 10
"""Rows of the table of owners."""
RIGHT, APART, GONE = "put right", "out of scope now", "gone"
"""How findings are closed."""
_ENDINGS = {Standing.RESOLVED: RIGHT, Standing.OUT_OF_SCOPE: APART, Standing.GONE: GONE}


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
class Deeds:
    """Changes by whoever made them."""

    own: int
    by_hand: int
    final: int
    """Those that cannot be undone."""

    @property
    def total(self) -> int:
        return self.own + self.by_hand


@dataclass(frozen=True, slots=True)
class Ended:
    """What was closed, by how."""

    right: int
    apart: int
    gone: int
    total: int


@dataclass(frozen=True, slots=True)
class Content:
    """All sections of the page."""

    fresh: Freshness
    severities: Counter[Severity]
    """Of what is open."""
    open: Sequence[Entry]
    """The gravest first, then the oldest."""
    oldest: Entry | None
    """Of what is open."""
    unknown: Sequence[Entry]
    owners: Sequence[OwnerLine]
    """All of them, those with the most findings first."""
    ownerless: int
    changed: Sequence[Sequence[Told]]
    """Newest first, those that are equal but for their resource together."""
    deeds: Deeds
    failing: Sequence[Failing]
    fates: Sequence[str]
    """What became of those, counted: '3 failed'."""
    attempts: Sequence[Attempts]
    """Those that failed or whose outcome is open, of resources that are not among failing."""
    past: Sequence[str]
    """Those of them that are over, counted: '1 failed before and is put right'."""
    unsettled: int
    """Those of them that are not."""
    exemptions: Sequence[ExemptionLine]
    ending: int
    exempt: Sequence[Entry]
    closed: Sequence[Sequence[Entry]]
    """Latest first, those that are equal but for their resource together."""
    ended: Ended
    counts: Counter[Standing]
    score: Score
    coverage: Coverage
    savings: Savings
    by_control: Sequence[ControlLine]
    """Those with open findings, those with the most first."""
    tied: int
    """Open findings that are as old as the oldest."""
    nameless: int
    """Exemptions that name nobody."""
    trend: Trend | None
    ages: tuple[Column, ...]


def content_of(report: Report) -> Content:
    """The report, laid out."""
    by_standing: dict[Standing, list[Entry]] = defaultdict(list)
    for entry in report.entries:
        by_standing[entry.standing].append(entry)
    is_open = by_standing[Standing.OPEN]
    failing, attempts = troubles(report, is_open)
    closed = _latest(*(by_standing[one] for one in _ENDINGS))
    changes = [told(one) for one in report.changes if one.sent]
    return Content(
        fresh=freshness(report),
        severities=Counter(entry.severity for entry in is_open),
        open=gravest_first(is_open),
        oldest=next(iter(is_open), None),
        unknown=by_standing[Standing.UNKNOWN],
        owners=_owners(is_open),
        ownerless=sum(not entry.owner for entry in is_open),
        changed=batches(changes, lambda one: one.alike, lambda one: one.change.at),
        deeds=_deeds(changes),
        failing=failing,
        fates=_fates(failing),
        attempts=attempts,
        past=_past(attempts),
        unsettled=sum(not (one.is_right or one.is_apart) for one in attempts),
        exemptions=report.exemptions,
        ending=sum(_ends_soon(line, report) for line in report.exemptions),
        exempt=by_standing[Standing.EXEMPT],
        closed=batches(closed, _alike, lambda one: one.closed_at),
        ended=_ended(closed),
        counts=Counter({standing: len(found) for standing, found in by_standing.items()}),
        score=score_of(report.controls),
        coverage=coverage(report),
        savings=savings(report.figures),
        by_control=_by_control(report),
        tied=sum(entry.first_seen == is_open[0].first_seen for entry in is_open),
        nameless=sum(is_nameless(line.exemption) for line in report.exemptions),
        trend=trend(report),
        ages=ages(is_open, report.generated_at),
    )


def _fates(failing: Sequence[Failing]) -> Sequence[str]:
    counts = Counter(fate(one.entry) for one in failing)
    return [f"{count:,} {name}" for name, count in counts.most_common()]


def _past(attempts: Sequence[Attempts]) -> Sequence[str]:
    right = sum(one.is_right for one in attempts)
    apart = sum(one.is_apart for one in attempts)
    told = {"put right": right, "exempt, out of scope or gone": apart}
    return [
        f"{count:,} failed before and {'is' if count == 1 else 'are'} {what}"
        for what, count in told.items()
        if count
    ]


def _deeds(changes: Sequence[Told]) -> Deeds:
    by_hand = sum(one.change.trigger is Trigger.DIRECT for one in changes)
    final = sum(one.final == NO_UNDO for one in changes)
    return Deeds(len(changes) - by_hand, by_hand, final)


def _alike(entry: Entry) -> Hashable:
    """What equal findings of several resources have in common once they are closed."""
    how = (entry.standing, entry.fate, entry.verdict, entry.reason, entry.owner)
    lasted = age(entry.first_seen, entry.closed_at) if entry.closed_at else ""
    return entry.control, entry.ref.kind, entry.code, entry.wrong, how, lasted


def _ended(closed: Sequence[Entry]) -> Ended:
    counts = Counter(map(ending, closed))
    return Ended(counts[RIGHT], counts[APART], counts[GONE], len(closed))


def ending(entry: Entry) -> str:
    """How a finding came to be closed."""
    return _ENDINGS[entry.standing]


def _by_control(report: Report) -> Sequence[ControlLine]:
    wrong = [line for line in report.controls if line.counts.get(Standing.OPEN)]
    return sorted(wrong, key=lambda line: (-line.counts[Standing.OPEN], line.id))


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
    return 0 <= days_left(line.exemption.expires, report.generated_at) <= SOON.days
