"""What a change came to, before and after, in words that a person can compare. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.ledger import Change, Status
from steward.model import Call
from steward.reports.html.wording import clip

UNSET = "not set"
ABSENT = "not there"
SHOWN = 6
"""Differences that a row of the table has; the calls below tell the others."""
CALLS = 20
"""Calls that are told in full; a change of a stack's tags may have hundreds."""
LENGTH = 300
"""Characters of a value or a call."""

_MARK = re.compile(r"(\d+ )?[0-9a-f]{16,}")
_MAKES = ("Put", "Create", "Tag", "Add", "Publish")
_TAKES = ("Delete", "Untag", "Remove")


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
    )


def _in_effect(change: Change) -> Sequence[Call]:
    """The calls that succeeded; where none did, those that were to be sent."""
    return change.calls[: change.sent] or change.calls


def spoken(call: Call) -> str:
    """A call on one line: 'logs PutRetentionPolicy logGroupName=/orders retentionInDays=30'."""
    params = " ".join(f"{name}={_value(value)}" for name, value in call.params.items())
    return clip(f"{call.service} {call.operation} {params}", LENGTH)


def _final(change: Change, calls: Sequence[Call]) -> str:
    """Why ``steward undo`` would refuse; the same reasons as in undo.py."""
    if change.status is Status.UNDONE:
        return "undone already"
    if change.undoes:
        return "it is an undo itself: remove its exemption and sweep"
    if change.status is Status.INTENT:
        return f"its outcome is open: steward sweep {change.control}"
    if not change.sent:
        return "no call of it succeeded"
    if any(call.undo is None for call in calls):
        return "cannot be undone"
    return ""


def _differences(change: Change, calls: Sequence[Call]) -> Iterator[Difference]:
    """By the fields of the state that calls set; for calls that set none, by their undo."""
    effect = {name: value for call in calls for name, value in call.effect.items()}
    readable = {name: value for name, value in effect.items() if not _is_mark(value)}
    for name, value in readable.items():
        yield from _between(_words(name), change.before.get(name), value)
    for call in calls:
        if any(map(_is_mark, call.effect.values())) or not (call.effect or readable):
            yield _by_undo(call)


def _is_mark(value: object) -> bool:
    """A fingerprint, which tells a person nothing."""
    return isinstance(value, str) and (not value or _MARK.fullmatch(value) is not None)


def _between(what: str, before: Any, after: Any) -> Iterator[Difference]:
    """The leaves in which two values differ."""
    if before == after:
        return
    if isinstance(after, Mapping) and isinstance(before, Mapping | None):
        was = before or {}
        for name in sorted({*was, *after}):
            yield from _between(f"{what} {name}", was.get(name), after.get(name))
        if not {*was, *after}:
            yield Difference(what, UNSET, UNSET)
    else:
        yield Difference(what, _value(before), _value(after))


def _by_undo(call: Call) -> Difference:
    """What a call alone tells: the parameters in which it differs from its undo."""
    undo, what = call.undo, _words(call.operation)
    subject = _value(next(iter(call.params.values()), ""))
    if undo is not None and undo.operation == call.operation:
        differ = [name for name in call.params if call.params[name] != undo.params.get(name)]
        before, after = (_some(one.params, differ) for one in (undo, call))
        return Difference(f"{what} {subject}", before, after)
    if call.operation.startswith(_TAKES):
        return Difference(what, _rest(call), "deleted")
    made = call.operation.startswith(_MAKES)
    return Difference(what, ABSENT if made or undo is None else _rest(undo), _rest(call))


def _some(params: Mapping[str, Any], names: Sequence[str]) -> str:
    texts = [f"{name}={_value(params[name])}" for name in names if name in params]
    return clip(", ".join(texts), LENGTH) or UNSET


def _rest(call: Call) -> str:
    return _some(call.params, list(call.params))


def _value(value: Any) -> str:
    """A value as a person would write it down."""
    if value is None or value in ("", [], (), {}):
        return UNSET
    if isinstance(value, str):
        return clip(value, LENGTH)
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return clip(", ".join(value), LENGTH)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clip(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False), LENGTH)


def _words(name: str) -> str:
    return name.replace("_", " ")
