"""When each control of a stack was last swept whole, and why it was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from console.health import Check, Health, carefully
from console.place import HEARTBEAT, Place
from steward.errors import BadPolicy
from steward.ledger import Item, Sweep
from steward.model import Control, Fate, Mode, Verdict

CHECK = "sweeps"

_LOOKED_BACK = 60
"""Sweeps of a control that are looked at: those of a month, by the default schedule."""

_UNDER_WAY = timedelta(hours=11)
"""For which a sweep may run; the state machine's time-out."""

_SHOWN = 3


def sweeps(place: Place) -> Iterator[Check]:
    """A line for each control that is not off; what none could be read for is told once."""
    heartbeat = timedelta(hours=float(place.stack.parameters.get("HeartbeatHours") or HEARTBEAT))
    looks = (partial(_swept, place, control, heartbeat) for control in place.controls)
    yield from dict.fromkeys(check for look in looks for check in carefully(CHECK, look))


def _swept(place: Place, control: Control[Any, Any], heartbeat: timedelta) -> Iterator[Check]:
    try:
        if place.policies.policy(control).policy.mode is Mode.OFF:
            return
    except BadPolicy:  # told as such; what was swept before is of interest all the same
        pass
    past = list(islice(place.ledger.sweeps(control.id), _LOOKED_BACK))
    now = place.clock.now()
    last = _ended(past, now)
    items: Iterable[Item] = ()
    if last is not None and last.finished and not last.complete:
        items = place.ledger.all_items(control.id)
    status, detail = judge(past, unread(items), now, heartbeat)
    fix = "" if status is Health.OK else place.sweep
    yield Check(CHECK, status, f"{control.id}: {detail}", fix)


def judge(
    past: Sequence[Sweep], trouble: Mapping[str, int], now: datetime, heartbeat: timedelta
) -> tuple[Health, str]:
    """How a control stands by its sweeps, newest first; ``trouble`` is what items tell of it."""
    if not past:
        return Health.FAIL, "never swept"
    complete = next((one for one in past if one.complete), None)
    ended = _ended(past, now)
    why = _why(ended or past[0], trouble, now)
    if complete is None:
        told = f"never swept whole: {why}" if ended else "its first sweep is under way"
        return (Health.FAIL if ended else Health.WARN), f"{told}, since {past[0].started}"
    told = f"last swept whole {complete.finished}, {complete.resources} resources"
    if _age(complete.finished, now) > heartbeat:
        why = _why(past[0], trouble, now)
        return Health.FAIL, f"{told}, which is more than {_hours(heartbeat)} ago: {why}"
    if ended is not None and ended is not complete:
        return Health.FAIL, f"{told}; the last one was incomplete: {why}"
    if [bool(one.finished) for one in past].count(True) == 1:
        return Health.WARN, f"{told}: the first sweep only plans, the second one acts"
    return Health.OK, told


def _ended(past: Sequence[Sweep], now: datetime) -> Sweep | None:
    """The newest sweep that goes on no more: to its end, to an error, or cut off."""
    return next((one for one in past if one.finished or one.error or _stands(one, now)), None)


def _stands(one: Sweep, now: datetime) -> bool:
    """Whether an unfinished sweep began so long ago that nothing runs it any more."""
    return _age(one.started, now) >= _UNDER_WAY


def unread(items: Iterable[Item]) -> Mapping[str, int]:
    """How many resources could not be read or put right, by what stood in the way."""
    return Counter(
        f"{item.verdict if item.verdict is Verdict.UNKNOWN else item.fate} {item.code}"
        for item in items
        if item.verdict is Verdict.UNKNOWN or item.fate is Fate.FAILED
    )


def _why(last: Sweep, trouble: Mapping[str, int], now: datetime) -> str:
    if last.error:
        return last.error
    if not last.finished:
        return f"one {'was cut off' if _stands(last, now) else 'is under way'}"
    most = sorted(trouble.items(), key=lambda one: (-one[1], one[0]))
    shown = ", ".join(f"{count} {what}" for what, count in most[:_SHOWN])
    counted = {name: last.fates.get(name, 0) for name in ("unknown", "failed")}
    fates = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
    if last.complete:
        return "no sweep began since"
    return shown or fates or "it does not say why"


def _age(moment: str, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(moment)


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} hours"
