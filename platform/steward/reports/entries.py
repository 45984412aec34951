"""From a control's items to a report's entries, each with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from steward.evaluate import COMMON_CODES, exempt_until
from steward.history import is_violation
from steward.ledger import Change, Item, Status
from steward.model import Fate, Verdict
from steward.reports.attempting import next_attempt
from steward.reports.dataset import Entry, Standing, entry_id
from steward.reports.exempting import exemption_of, in_brackets
from steward.reports.reading import Kept


@dataclass(frozen=True, slots=True)
class Frame:
    """Where and when a report is made."""

    account: str
    region: str
    today: date
    since: str
    """Where its window begins."""


def entries_of(kept: Kept, frame: Frame) -> Iterator[Entry]:
    """Everything that is, or within the window was, out of order."""
    for item in kept.items:
        if is_violation(item):
            yield _violation(kept, frame, item)
        elif item.verdict is Verdict.UNKNOWN:
            attempt = next_attempt(item, kept.mode, kept.control)
            yield replace(_entry(kept, frame, item, Standing.UNKNOWN), next_attempt=attempt)
        elif (entry := _closed(kept, frame, item)) is not None:
            yield entry
    for item in kept.gone:
        if item.changed_at >= frame.since:
            gone = _entry(kept, frame, item, Standing.GONE)
            code, at = item.violation or item.code, item.changed_at
            wrong = _meaning(kept, item.violation) if item.violation else _wrong(item)
            yield replace(gone, code=code, last_seen=at, closed_at=at, wrong=wrong)
    yield from _mended_and_gone(kept, frame)


def _violation(kept: Kept, frame: Frame, item: Item) -> Entry:
    """An open or exempt one; that an exemption was there which is over, is no reason any more."""
    exemption = exemption_of(kept, item, frame.today)
    if exemption is not None:
        attempt = f"not while it is exempt, until {exemption.expires}"
        entry = _entry(kept, frame, item, Standing.EXEMPT)
        return replace(entry, exemption=exemption, next_attempt=attempt)
    entry = _entry(kept, frame, item, Standing.OPEN)
    reason = entry.wrong if item.verdict is Verdict.EXEMPT else entry.reason
    attempt = next_attempt(item, kept.mode, kept.control)
    return replace(entry, reason=reason, next_attempt=attempt)


def _closed(kept: Kept, frame: Frame, item: Item) -> Entry | None:
    """What was put right in the window, by whom, where a change of ours tells; or out of scope."""
    change = kept.last_changes.get(item.ref)
    past = (item.violation, item.violated_since, item.resolved_at)
    if change is not None and _mended_at_once(change, item):
        past = (change.code, change.at, change.settled_at)
    code, since, until = past
    if not until or until < frame.since:
        return None
    remedy = change if change is not None and _is_remedy(change) and change.at >= since else None
    fate = item.fate if remedy is None else Fate.REMEDIATED
    apart = item.verdict is Verdict.NOT_APPLICABLE and fate is not Fate.REMEDIATED
    entry = _entry(kept, frame, item, Standing.OUT_OF_SCOPE if apart else Standing.RESOLVED)
    dated = replace(entry, first_seen=since, last_seen=until, closed_at=until)
    wrong = _meaning(kept, code) if remedy is None else remedy.reason
    return replace(dated, code=code, fate=fate, wrong=wrong)


def _mended_and_gone(kept: Kept, frame: Frame) -> Iterator[Entry]:
    """What was put right and has vanished since, such as a stage whose alarms were deleted."""
    there = {item.ref for item in (*kept.items, *kept.gone)}
    for ref, change in kept.last_changes.items():
        if ref not in there and _is_remedy(change):
            told = (Verdict.NOT_APPLICABLE, change.code, "no longer there", Fate.REMEDIATED)
            item = Item(kept.control.id, ref, *told, first_seen=change.at, changed_at=change.at)
            entry = _entry(kept, frame, item, Standing.RESOLVED)
            at = change.settled_at or change.at
            yield replace(entry, last_seen=at, closed_at=at, wrong=change.reason)


def _meaning(kept: Kept, code: str) -> str:
    """What a code means, of what is over: its own sentence is not kept."""
    return (COMMON_CODES | dict(kept.control.codes)).get(code, code)


def _wrong(item: Item) -> str:
    """An item's reason without the exemption before it and the hold behind it."""
    reason = item.reason
    if item.verdict is Verdict.EXEMPT:
        reason = in_brackets(exempt_until(reason)[1])[1] or reason
    return reason.partition("; exhausted: failed ")[0]


def _mended_at_once(change: Change, item: Item) -> bool:
    """Whether it was put right in the look that found it, so that no item says it was wrong."""
    return _is_remedy(change) and change.settled_at > item.resolved_at


def _is_remedy(change: Change) -> bool:
    return change.status is Status.DONE and not change.undoes


def _entry(kept: Kept, frame: Frame, item: Item, standing: Standing) -> Entry:
    swept = kept.last_complete
    seen = max(item.changed_at, "" if swept is None else swept.started)
    return Entry(
        id=entry_id(frame.account, frame.region, kept.control.id, item.ref),
        control=kept.control.id,
        ref=item.ref,
        standing=standing,
        verdict=item.verdict,
        code=item.code,
        reason=item.reason,
        wrong=_wrong(item),
        severity=kept.control.severity,
        fate=item.fate,
        first_seen=item.first_seen,
        last_seen=seen,
        attempts=item.attempts,
        last_change=kept.last_changes.get(item.ref),
    )
