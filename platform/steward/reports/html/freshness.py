"""Whether the report can be believed, and how far back it knows anything. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from steward.ledger import stamp
from steward.model import Mode
from steward.reports.dataset import ControlLine, Report, Standing
from steward.reports.wording import age, counted, moment


@dataclass(frozen=True, slots=True)
class Freshness:
    """Whether the report can be believed, and what speaks against it."""

    complete: bool
    headline: str
    stale: tuple[ControlLine, ...]
    never: tuple[ControlLine, ...]
    blind: tuple[ControlLine, ...]
    """Those that were swept and found nothing to judge: no rules, or no resources."""
    errors: tuple[ControlLine, ...]
    """Those that may have missed something, with why."""
    unread: int
    on: int
    """Controls that are not off."""
    fresh: int
    off: int
    enforce: int
    """Those of the controls that are on that may change something."""
    oldest: ControlLine | None
    """The control that is on and whose last complete sweep is longest ago."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far back changes, closed findings and figures reach."""

    short: str
    """As in 'in 30 days'."""
    full: str
    """As in 'records since 23 Nov 2026, 08:00 (9 hours; the window is 30 days)'."""


def coverage(report: Report) -> Coverage:
    """By the first record that is known."""
    window = counted(report.window_days, "day")
    first, now = report.records_since, report.generated_at
    if not first:
        return Coverage(
            "so far: there are no records yet", f"no records yet; the window is {window}"
        )
    if first <= _window_begins(report):
        return Coverage(f"in {window}", f"history of {window}")
    passed = age(first, now)
    full = f"records since {moment(first)} ({passed}; the window is {window})"
    return Coverage(f"in {passed}, since records began", full)


def _window_begins(report: Report) -> str:
    now = datetime.fromisoformat(report.generated_at)
    return stamp(now - timedelta(days=report.window_days))


def freshness(report: Report) -> Freshness:
    """What is to be said of the report as a whole."""
    on = [line for line in report.controls if line.mode is not Mode.OFF]
    never = tuple(line for line in on if not line.swept_at)
    stale = tuple(line for line in on if line.stale and line.swept_at)
    partly = sum(line.lacking and not line.stale for line in on if line.swept_at)
    unread = sum(entry.standing is Standing.UNKNOWN for entry in report.entries)
    swept = [line for line in on if line.swept_at]
    return Freshness(
        complete=report.complete and not never and bool(on),
        headline=_headline(len(on), len(never), len(stale), partly, unread),
        stale=stale,
        never=never,
        blind=tuple(line for line in swept if not line.judged),
        errors=tuple(line for line in on if line.last_sweep_error),
        unread=unread,
        on=len(on),
        fresh=len(on) - len(never) - len(stale) - partly,
        off=len(report.controls) - len(on),
        enforce=sum(line.mode is Mode.ENFORCE for line in on),
        oldest=min(swept, key=lambda line: line.swept_at, default=None),
    )


def _headline(on: int, never: int, stale: int, partly: int, unread: int) -> str:
    if not on:
        return "No control was on when this was made: nobody looks at this account"
    wrong = [
        f"{counted(never, 'control was', 'controls were')} never swept completely" if never else "",
        f"{counted(stale, 'control is', 'controls are')} stale" if stale else "",
        f"{counted(partly, 'control')} may have missed something" if partly else "",
        f"{counted(unread, 'resource')} could not be read" if unread else "",
    ]
    told_wrong = [one for one in wrong if one]
    if told_wrong:
        return f"The picture was incomplete when this was made: {', '.join(told_wrong)}"
    return f"Fresh when this was made: {_all(on)} swept completely"


def _all(on: int) -> str:
    return "the one control that is on was" if on == 1 else f"all {on} controls that are on were"
