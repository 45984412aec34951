"""What a change came to, before and after, in words that a person can compare. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.ledger import Change, Status
from steward.model import Call
from steward.reports.html.spoken import UNSET, before, made, phrase, spoken, thing, value, words

SHOWN = 6
"""Differences that a row of the table has; the calls below tell the others."""
CALLS = 20
"""Calls that are told in full; a change of a stack's tags may have hundreds."""
LENGTH = 300
"""Characters of a value that a row shows; what is folded away below has it in full."""

NO_UNDO = "cannot be undone"

_MARK = re.compile(r"(\d+ )?[0-9a-f]{16,}")
_LABELS = {
    ("log-retention", "days"): "retention in days",
    ("log-subscription", "owned"): "filter",
}
"""What fields of a control's state are called where their names alone say too little."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different now."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Told:
    """A change as the report shows it."""

    change: Change
    differences: tuple[Difference, ...]
    more: int
    """Differences that are not shown."""
    calls: tuple[str, ...]
    more_calls: int
    irreversible: tuple[str, ...]
    """What an undo would not bring back."""
    final: str
    """Why it cannot be undone; '' where it can."""
    remarks: tuple[str, ...] = ()

    @property
    def cut(self) -> tuple[Difference, ...]:
        """Differences that a row shows in part."""
        shown = self.differences
        return tuple(one for one in shown if max(len(one.before), len(one.after)) > LENGTH)

    @property
    def alike(self) -> Hashable:
        """What equal changes of several resources have in common."""
        one = self.change
        what = (one.control, one.code, one.reason, one.ref.kind, one.trigger, one.status, one.error)
        return what, self.differences, self.more, self.irreversible, self.final, self.remarks


def told(change: Change) -> Told:
    """A change, cut to what a page can show."""
    calls = _in_effect(change)
    found = tuple(_differences(change, calls))
    lost = dict.fromkeys(call.irreversible for call in calls if call.irreversible)
    return Told(
        change,
        found[:SHOWN],
        max(0, len(found) - SHOWN),
        tuple(map(spoken, calls[:CALLS])),
        max(0, len(calls) - CALLS),
        tuple(lost),
        _final(change, calls),
        tuple(_remarks(change, calls)),
    )


def _in_effect(change: Change) -> Sequence[Call]:
    """The calls that succeeded; where none did, those that were to be sent."""
    return change.calls[: change.sent] or change.calls


def _remarks(change: Change, calls: Sequence[Call]) -> Iterator[str]:
    alarms = [call for call in calls if call.operation == "PutMetricAlarm"]
    if change.sent and any(not call.params.get("AlarmActions") for call in alarms):
        yield "nobody is notified: alarms without actions"


def _final(change: Change, calls: Sequence[Call]) -> str:
    """Why ``steward undo`` would refuse; the same reasons as in undo.py, in the same order."""
    if change.status is Status.INTENT:
        return f"its outcome is open: steward sweep {change.control}"
    if change.undoes:
        return "it is an undo itself: remove its exemption and sweep"
    if change.status is Status.UNDONE:
        return "undone already"
    if not change.sent:
        return "no call of it succeeded"
    if any(call.undo is None for call in calls):
        return NO_UNDO
    return ""


def _differences(change: Change, calls: Sequence[Call]) -> Iterator[Difference]:
    """By the fields of the state that calls set; for calls that set none, by their undo."""
    effect = {name: one for call in calls for name, one in call.effect.items()}
    readable = {name: one for name, one in effect.items() if not _is_mark(one)}
    found = [
        one
        for name, after in readable.items()
        for one in _between(_label(change, name), change.before.get(name), after)
    ]
    yield from found
    for call in calls:
        if any(map(_is_mark, call.effect.values())) or not found:
            yield _by_undo(call)


def _label(change: Change, name: str) -> str:
    return _LABELS.get((change.control, name), words(name))


def _is_mark(of: object) -> bool:
    """A fingerprint, which tells a person nothing."""
    return isinstance(of, str) and (not of or _MARK.fullmatch(of) is not None)


def _between(what: str, was: Any, is_now: Any) -> Iterator[Difference]:
    """The leaves in which two values differ, as far as a person can see it."""
    if isinstance(is_now, Mapping) and isinstance(was, Mapping | None):
        old = was or {}
        for name in sorted({*old, *is_now}):
            yield from _between(f"{what} {words(name)}", old.get(name), is_now.get(name))
    elif value(was) != value(is_now):
        yield Difference(what, value(was), value(is_now))


def _by_undo(call: Call) -> Difference:
    """What a call alone tells: the thing that it makes, changes or takes away."""
    undo = call.undo
    if undo is not None and undo.operation == call.operation and call.operation != "TagResources":
        differ = [name for name in call.params if call.params[name] != undo.params.get(name)]
        old, new = (phrase(one.params, differ) or UNSET for one in (undo, call))
        if old != new:
            return Difference(thing(call), old, new)
    return Difference(thing(call), before(call), made(call))
