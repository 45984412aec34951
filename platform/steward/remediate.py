"""From findings with calls to changes: budget, intents, calls, results."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steward import gate as gates
from steward.errors import (
    Gone,
    InUse,
    Invalid,
    Moved,
    OutOfTime,
    Partly,
    StewardError,
    Throttled,
    TryAgain,
)
from steward.evaluate import observe
from steward.history import successor
from steward.ledger import Change, Item, Status, item_of, new_id, shallow, stamp
from steward.model import Call, Fate, Finding, P, S
from steward.run import Run


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with all that deciding over it takes."""

    finding: Finding
    state: Any = None
    item: Item | None = None
    hold: gates.Hold | None = None
    fingerprint: str = ""
    undoes: str = ""
    settled: bool = False
    """The item's open intent was settled in this look."""
    cut: bool = False
    """The budget takes a part of the calls only."""
    more: bool = False
    """AWS refused some of it for good; there is more to do that was not tried."""
    left: Finding | None = None
    """The finding after calls of which each stands by itself; None before any was sent."""

    def learned(self) -> Finding:
        """The finding, with what is to be remembered of the calls that were carried out."""
        memory = self.finding.memory if self.left is None else self.left.memory
        return replace(self.finding, memory=memory)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a change: how many calls succeeded, and what stopped the rest."""

    calls: int = 0
    error: StewardError | None = None
    bug: str = ""
    untouched: bool = False
    """No call was sent, for want of time; the change is as if it had never been written."""
    done: tuple[Call, ...] = ()
    """The calls that succeeded, where each stands by itself: not always the first ones."""
    left: tuple[Call, ...] = ()
    """The others then; of one that was carried out in part, what was not."""

    @property
    def unfinished(self) -> bool:
        """Time ran out between two calls of which each stands by itself."""
        return bool(self.done) and isinstance(self.error, OutOfTime)


Remediated = tuple[Judged, Change, Sent]

HOPELESS = 8
"""So many changes in a row that AWS was too busy for end the page: the rest would wait, too."""


def is_open(sent: Sent) -> bool:
    """Whether the call that failed may yet have taken effect: a time-out, a server's error."""
    return isinstance(sent.error, TryAgain) and not isinstance(sent.error, Throttled | OutOfTime)


def take_budget(run: Run[S, P], wanted: int) -> int:
    """Take from the run's and the hour's budget; what not both grant is given back."""
    granted = wanted
    for window, limit in _windows(run):
        got = run.ledger.take(run.control.id, window, granted, limit)
        if got < granted:
            give_back(run, granted - got, until=window)
        granted = got
    return granted


def within_budget(run: Run[S, P], ready: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """What the budgets allow, and the rest; of calls that stand by themselves a part may go."""
    left = take_budget(run, sum(_cost(run, one) for one in ready)) if ready else 0
    go: list[Judged] = []
    for one in ready:
        if not left:
            break
        finding = one.finding
        if cut := _cost(run, one) > left:
            finding = replace(finding, remediation=finding.remediation[:left])
        go.append(replace(one, finding=finding, cut=cut))
        left -= _cost(run, go[-1])
    return go, list(ready[len(go) :])


def _cost(run: Run[S, P], one: Judged) -> int:
    """What a budget counts: the resource, or calls of which each stands by itself."""
    return 1 if run.control.foretell is None else len(one.finding.remediation)


def unsent(run: Run[S, P], results: Iterable[Remediated]) -> int:
    """What of the budget was not used."""
    if run.control.foretell is None:
        return sum(sent.untouched for _, _, sent in results)
    return sum(len(change.calls) - len(sent.done) for _, change, sent in results)


def remediate(run: Run[S, P], ready: Sequence[Judged]) -> list[Remediated]:
    """Write all intents, then send the calls of up to eight changes at once."""
    if not ready:
        return []
    changes = [_intended(run, one) for one in ready]
    items = [_with_intent(run, one, change) for one, change in zip(ready, changes, strict=True)]
    run.ledger.intend(changes, items)
    results = _seen_again(run, changes, _in_turn(run, changes))
    if untouched := [c for c, sent in zip(changes, results, strict=True) if sent.untouched]:
        run.ledger.withdraw(untouched)
    return list(zip(ready, changes, results, strict=True))


def carried(run: Run[S, P], one: Judged, fate: Fate) -> Item:
    """The item of a finding, with the attempts made so far if it is still the same plan."""
    item = replace(item_of(run.control.id, one.finding, fate), fingerprint=one.fingerprint)
    if one.item is None or not one.fingerprint or one.item.fingerprint != one.fingerprint:
        return item
    return replace(item, attempts=one.item.attempts, last_attempt=one.item.last_attempt)


def _windows(run: Run[S, P]) -> Iterator[tuple[str, int]]:
    policy = run.loaded.policy
    if policy.max_changes_per_run is not None:
        yield run.id, policy.max_changes_per_run
    if policy.max_changes_per_hour is not None:
        yield run.clock.now().strftime("%Y-%m-%dT%H"), policy.max_changes_per_hour


def give_back(run: Run[S, P], amount: int, until: str = "") -> None:
    """Return what was taken and not used; only to the windows before ``until``, if it is told."""
    for window, limit in _windows(run):
        if window == until:
            return
        if amount:
            run.ledger.take(run.control.id, window, -amount, limit)


def _intended(run: Run[S, P], one: Judged) -> Change:
    now = run.clock.now()
    return Change(
        id=new_id(run.control.id, now),
        control=run.control.id,
        ref=one.finding.ref,
        status=Status.INTENT,
        at=stamp(now),
        trigger=run.trigger,
        run=run.id,
        code=one.finding.code,
        reason=one.finding.reason,
        before=shallow(one.state),
        calls=one.finding.remediation,
        undoes=one.undoes,
    )


def _with_intent(run: Run[S, P], one: Judged, change: Change) -> Item:
    item = carried(run, one, Fate.PLANNED)
    return replace(successor(one.item, item, run.now) or one.item or item, intent=change.id)


def _in_turn(run: Run[S, P], changes: Sequence[Change]) -> list[Sent]:
    """What came of each change. Those that the deadline leaves untouched are the last ones.

    Whoever is free takes the next change, under a lock: else a later change could be begun in
    time, and an earlier one, taken before by a slower thread, could not.
    """
    results = [Sent(untouched=True) for _ in changes]
    turn, lock = iter(enumerate(changes)), threading.Lock()
    busy = [0]  # changes in a row for which AWS was too busy

    def take_next(_: Change) -> None:
        with lock:
            index, change = next(turn)
            if run.deadline.left() <= 0 or busy[0] >= HOPELESS:
                return
        results[index] = _send(run, change)
        with lock:
            busy[0] = busy[0] + 1 if isinstance(results[index].error, TryAgain) else 0

    run.sight.aws.together(take_next, changes)
    return results


def _seen_again(run: Run[S, P], changes: Sequence[Change], results: list[Sent]) -> list[Sent]:
    """Tell resources that are gone from those of which only a part was gone already."""
    lost = [c.ref for c, sent in zip(changes, results, strict=True) if isinstance(sent.error, Gone)]
    if not lost:
        return results
    there = run.shelter(lost[0], lambda: {one.ref for one in observe(run, lost)}, lambda _: set())
    moved = Moved("it changed while we looked and is judged again")
    return [
        replace(sent, error=moved) if c.ref in there and isinstance(sent.error, Gone) else sent
        for c, sent in zip(changes, results, strict=True)
    ]


def _send(run: Run[S, P], change: Change) -> Sent:
    """Send the calls of one change in order; the first failure stops it."""
    return run.shelter(change.ref, lambda: _send_all(run, change), lambda text: Sent(bug=text))


def _send_all(run: Run[S, P], change: Change) -> Sent:
    if run.control.foretell is not None:
        return _send_each(run, change)
    for number, call in enumerate(change.calls):
        try:
            run.sight.aws.ask(call.service, call.operation, **call.params)
        except OutOfTime as error:
            return Sent(number, error, untouched=number == 0)
        except StewardError as error:
            return Sent(number, error)
    return Sent(len(change.calls))


def _send_each(run: Run[S, P], change: Change) -> Sent:
    """Send calls of which each stands by itself; what AWS refuses of one, it may grant of others.

    One whose object is gone has nothing left to do. What would befall all calls stops them.
    """
    done: list[Call] = []
    left: list[Call] = []
    gone: list[Call] = []
    errors: list[StewardError] = []
    calls = iter(change.calls)
    for call in calls:
        try:
            run.sight.aws.ask(call.service, call.operation, **call.params)
            done.append(call)
        except Gone as error:
            gone.append(call)
            errors += [error] if len(gone) == len(change.calls) else []
        except Partly as error:
            done += _part_of(call, error, granted=True)
            left += _part_of(call, error, granted=False)
            errors.append(error)
        except (Moved, InUse, Invalid) as error:
            left.append(call)
            errors.append(error)
        except StewardError as error:
            left.append(call)
            errors.insert(0, error)
            break
    return _sent(done, gone, [*left, *calls], errors)


def _sent(
    done: Sequence[Call], gone: Sequence[Call], left: Sequence[Call], errors: Sequence[StewardError]
) -> Sent:
    first = _told_of(errors)
    untouched = isinstance(first, OutOfTime) and not (done or gone or errors[1:])
    in_effect = (*done, *gone) if done else ()
    return Sent(len(in_effect), first, untouched=untouched, done=in_effect, left=tuple(left))


def _part_of(call: Call, error: Partly, *, granted: bool) -> list[Call]:
    """The call for those of its resources that AWS granted it for, or for those it did not."""
    resources = call.params[error.parameter]
    if isinstance(resources, str):  # one resource, and it was not granted
        return [] if granted else [call]
    some = [one for one in resources if (one not in error.lost) is granted]
    return [only(call, error.parameter, some)] if some else []


def only(call: Call, parameter: str, resources: Sequence[str]) -> Call:
    """The call, with its undo, for some of the resources that a parameter of it lists."""
    undo = None if call.undo is None else only(call.undo, parameter, resources)
    return replace(call, params={**call.params, parameter: list(resources)}, undo=undo)


def _told_of(errors: Sequence[StewardError]) -> StewardError | None:
    """The error that is told of several; of what was carried out in part, with all that is left."""
    parts = [error for error in errors if isinstance(error, Partly)]
    first = errors[0] if errors else None
    if not isinstance(first, Partly):
        return first
    lost = {resource: why for part in parts for resource, why in part.lost.items()}
    return Partly(str(first), parameter=first.parameter, lost=lost)
