"""Collects a report from the ledger, the policies and the owners' tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from steward.controls import CONTROLS
from steward.counting import violations
from steward.ledger import Ledger, Sweep, stamp
from steward.model import Clock, Control, Mode, Ref, Verdict
from steward.reports.dataset import ControlLine, Entry, Point, Report, Standing
from steward.reports.entries import Frame, entries_of
from steward.reports.exempting import exemption_lines, soonest_first
from steward.reports.figures import figures_of
from steward.reports.owners import Owned, Owners
from steward.reports.reading import Kept, Policies, read
from steward.reports.redacted import redacted
from steward.reports.wording import counted

_ORDER = {standing: place for place, standing in enumerate(Standing)}
_OWNED = (Standing.OPEN, Standing.UNKNOWN, Standing.EXEMPT)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is over."""

    account: str
    region: str
    partition: str = "aws"
    stack: str = ""
    version: str = ""
    controls: Sequence[Control[Any, Any]] = CONTROLS
    window_days: int = 30
    heartbeat_hours: int = 26
    """Findings are stale when no sweep was complete for longer (the template's HeartbeatHours)."""


def collect(
    scope: Scope, ledger: Ledger, policies: Policies, owners: Owners, clock: Clock
) -> Report:
    """The report at this moment. Raises StewardError where the ledger cannot be read; what else
    cannot be found out is noted in it."""
    now = clock.now()
    since = stamp(now - timedelta(days=scope.window_days))
    controls = sorted(scope.controls, key=lambda one: one.id)
    all_kept = [read(ledger, control, policies, since) for control in controls]
    frame = Frame(scope.account, scope.region, now.date(), since)
    entries = {k.control.id: _entries(k, frame) for k in all_kept}
    lines = [_line(kept, entries[kept.control.id], scope, now) for kept in all_kept]
    owned = _owners(owners, [entry for some in entries.values() for entry in some])
    changes = [change for kept in all_kept for change in kept.changes]
    first = min(filter(None, (kept.records_since for kept in all_kept)), default="")
    exemptions = (one for kept in all_kept for one in exemption_lines(kept, now.date()))
    return redacted(
        Report(
            account=scope.account,
            region=scope.region,
            partition=scope.partition,
            stack=scope.stack,
            generated_at=stamp(now),
            version=scope.version,
            controls=tuple(lines),
            entries=_sorted(entries.values(), owned),
            changes=tuple(sorted(changes, key=lambda one: (one.at, one.id), reverse=True)),
            exemptions=soonest_first(exemptions),
            trend=tuple(point for kept in all_kept for point in _trend(kept, since)),
            figures=figures_of(changes, max(since, first), _all_sweeps(all_kept)),
            window_days=scope.window_days,
            notes=(*(note for kept in all_kept for note in _notes(kept)), *owned.notes),
            heartbeat_hours=scope.heartbeat_hours,
            records_since=first,
            owner_keys=owned.keys,
        )
    )


def _all_sweeps(all_kept: Iterable[Kept]) -> list[Sweep]:
    return [sweep for kept in all_kept for sweep in kept.sweeps]


def _entries(kept: Kept, frame: Frame) -> list[Entry]:
    """None of a control that is off: nobody looks at what they were found on any more."""
    return [] if kept.mode is Mode.OFF else list(entries_of(kept, frame))


def _owners(owners: Owners, entries: Iterable[Entry]) -> Owned:
    refs = sorted({entry.ref for entry in entries if entry.standing in _OWNED})
    return owners(refs) if refs else Owned()


def _sorted(some: Iterable[Sequence[Entry]], owned: Owned) -> tuple[Entry, ...]:
    found = (_with_owner(entry, owned) for entries in some for entry in entries)
    return tuple(sorted(found, key=_place))


def _with_owner(entry: Entry, owned: Owned) -> Entry:
    owner = owned.by_ref.get(entry.ref, "")
    of = owned.of.get(entry.ref, "")
    return replace(entry, owner=owner, owner_of=of) if owner else entry


def _place(entry: Entry) -> tuple[int, str, str, Ref]:
    return _ORDER[entry.standing], entry.first_seen, entry.control, entry.ref


def _line(kept: Kept, entries: Sequence[Entry], scope: Scope, now: datetime) -> ControlLine:
    counts = Counter(entry.standing for entry in entries)
    last, complete = next(iter(kept.sweeps), None), kept.last_complete
    longest = timedelta(hours=scope.heartbeat_hours)
    fresh = complete is not None and complete.finished >= stamp(now - longest)
    return ControlLine(
        id=kept.control.id,
        title=kept.control.title,
        severity=kept.control.severity,
        mode=kept.mode,
        counts={standing: counts[standing] for standing in Standing},
        compliant=sum(item.verdict is Verdict.COMPLIANT for item in kept.items),
        swept_at="" if complete is None else complete.started,
        last_sweep="" if last is None else last.started,
        last_sweep_error=_misfit(kept) or _trouble(kept.last_ended),
        stale=not fresh,
        not_applicable=sum(item.verdict is Verdict.NOT_APPLICABLE for item in kept.items),
        watched_since=kept.watched_since,
        policy_hash=kept.policy_hash,
    )


def _misfit(kept: Kept) -> str:
    return "" if kept.policy is not None else f"its policy does not fit: {kept.problem}"


def _trouble(sweep: Sweep | None) -> str:
    """Why a sweep that has ended was not complete; '' of one that was."""
    if sweep is None or sweep.complete:
        return ""
    if sweep.error:
        return sweep.error
    failed, unread = (sweep.fates.get(name, 0) for name in ("failed", "unknown"))
    return f"{failed} failed, {unread} could not be read"


def _trend(kept: Kept, since: str) -> Iterator[Point]:
    """Oldest first; of a sweep that could not read everything, nobody knows how many there were.

    None of a control that is off: its last number would stand for today.
    """
    for sweep in reversed(kept.sweeps if kept.mode is not Mode.OFF else ()):
        unread = sweep.verdicts.get(Verdict.UNKNOWN, 0)
        if sweep.finished >= since and not unread:
            yield Point(kept.control.id, sweep.finished, violations(sweep))


def _notes(kept: Kept) -> Iterator[str]:
    if kept.policy is None:
        yield f"{kept.control.id} changes nothing, its policy does not fit: {kept.problem}"
    if kept.mode is Mode.OFF and kept.violations:
        left = counted(len(kept.violations), "violation")
        yield f"{kept.control.id} is off: what it found while it was on is left out, {left}"
