"""From findings with calls to changes: budget, intents, calls, results."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steward import gate as gates
from steward.errors import Gone, Moved, OutOfTime, Partly, StewardError, Throttled, TryAgain
from steward.evaluate import after, evaluate, observe
from steward.ledger import Change, Item, Status, item_of, new_id, recorded, stamp, successor
from steward.model import Call, Fate, Finding, P, S, Verdict
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


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a change: the calls that succeeded, those that did not, and why not."""

    done: tuple[Call, ...] = ()
    left: tuple[Call, ...] = ()
    error: StewardError | None = None
    bug: str = ""
    untouched: bool = False
    """No call was sent, for want of time; the change is as if it had never been written."""


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


def remediate(run: Run[S, P], ready: Sequence[Judged]) -> list[Remediated]:
    """Write all intents, then send the calls of up to eight changes at once."""
    if not ready:
        return []
    changes = [_intended(run, one) for one in ready]
    items = [_with_intent(run, one, change) for one, change in zip(ready, changes, strict=True)]
    run.ledger.intend(changes, items)
    results = _seen_again(run, changes, _in_turn(run, changes))
    untouched = [c for c, sent in zip(changes, results, strict=True) if sent.untouched]
    if untouched:
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
        before=recorded(one.state),
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
    """What AWS does in part stops nothing: the calls after it are about other resources."""
    sent = Sent()
    for number, call in enumerate(change.calls):
        try:
            run.sight.aws.ask(call.service, call.operation, **call.params)
        except Partly as error:
            sent = _with_part(sent, call, error)
        except StewardError as error:
            untouched = number == 0 and isinstance(error, OutOfTime)
            left = (*sent.left, *change.calls[number:])
            return replace(sent, left=left, error=error, untouched=untouched)
        else:
            sent = replace(sent, done=(*sent.done, call))
    return sent


def _with_part(sent: Sent, call: Call, error: Partly) -> Sent:
    """The call is from now on two: what AWS has done of it, and what it has not."""
    resources = call.params[error.parameter]
    done = [one for one in resources if one not in error.lost]
    parts = (_only(call, error.parameter, done),) if done else ()
    left = _only(call, error.parameter, [one for one in resources if one in error.lost])
    first = sent.error if isinstance(sent.error, Partly) else error
    both = {**first.lost, **error.lost}
    told = Partly(str(first), parameter=error.parameter, lost=both)
    return Sent((*sent.done, *parts), (*sent.left, left), told)


def _only(call: Call, parameter: str, resources: Sequence[str]) -> Call:
    undo = None if call.undo is None else _only(call.undo, parameter, resources)
    return replace(call, params={**call.params, parameter: list(resources)}, undo=undo)


def settled_by(run: Run[S, P], change: Change, sent: Sent, status: Status) -> Change:
    """The change with what came of it: its calls, those that were carried out first."""
    calls = (*sent.done, *sent.left) or change.calls
    error = sent.bug or str(sent.error or "")
    done = len(sent.done)
    return replace(change, status=status, calls=calls, sent=done, error=error, settled_at=run.now)


def learned(run: Run[S, P], one: Judged, sent: Sent) -> Finding:
    """The finding, with what the control is to remember of the calls that were carried out."""
    state = after(run.control, one.state, sent.done) if sent.done else None
    if state is None:
        return one.finding
    return replace(one.finding, memory=evaluate(run, state).memory)


def foretold_item(run: Run[S, P], one: Judged) -> Item:
    """What the next look will find if the calls did what they say; else what this one found."""
    state = after(run.control, one.state, one.finding.remediation)
    if state is None:
        return item_of(run.control.id, one.finding, Fate.REMEDIATED)
    finding = evaluate(run, state)
    beyond = finding.verdict is Verdict.NON_COMPLIANT and not finding.remediation
    return item_of(run.control.id, finding, Fate.REPORTED if beyond else Fate.NONE)
