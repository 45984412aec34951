"""Judge, then put right. A trigger only decides which resources are looked at.

The order is what makes it safe to be killed at any point: judge, take from the budget, write the
intents, send the calls, hand back what is to be committed. An intent that was left open is settled
by the next look at the resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from steward import gate as gates
from steward.errors import (
    Gone,
    Limit,
    Moved,
    NotConnected,
    Partly,
    Protected,
    StewardError,
    TryAgain,
)
from steward.evaluate import EXCLUDED, evaluate, observe, unknown
from steward.ledger import Change, Item, Status, successor
from steward.model import Fate, Finding, P, Ref, S, Trigger, Unread, Verdict
from steward.remediate import (
    Judged,
    Remediated,
    Sent,
    carried,
    foretold_item,
    give_back,
    is_open,
    learned,
    remediate,
    settled_by,
    take_budget,
)
from steward.run import Outcome, Result, Run, clipped
from steward.settle import open_changes, settle_intents

_SPENT = gates.Hold(Fate.HELD, "budget spent: max_changes_per_run or max_changes_per_hour")
_MOVED = gates.Hold(Fate.HELD, "it changed while we looked and is judged again")
_LOST = gates.Hold(Fate.GONE, "gone meanwhile")


def reconcile(run: Run[S, P], states: Iterable[S | Unread], known: Mapping[Ref, Item]) -> Result:
    """Judge the states and put right what may be put right.

    Only intents are written here; the result holds what else is to be committed.
    """
    judged = [_judge(run, state, known.get(state.ref)) for state in states]
    judged = settle_intents(run, judged)
    ready = [one for one in judged if one.finding.remediation and one.hold is None]
    resting = [one for one in judged if not one.finding.remediation or one.hold is not None]
    ready, moved = _looked_again(run, ready)
    allowed = take_budget(run, len(ready)) if ready else 0
    resting += [*moved, *(replace(one, hold=_SPENT) for one in ready[allowed:])]
    results = remediate(run, ready[:allowed])
    give_back(run, sum(sent.untouched for _, _, sent in results))
    pairs = [(one, _rested(run, one)) for one in resting]
    pairs += [
        (one, _ended(run, one, change, sent)) for one, change, sent in results if not sent.untouched
    ]
    place = {one.finding.ref: number for number, one in enumerate(judged)}
    pairs.sort(key=lambda pair: place[pair[0].finding.ref])
    return _result(run, pairs, results)


def vanished(run: Run[S, P], refs: Iterable[Ref], known: Mapping[Ref, Item]) -> Result:
    """What becomes of resources that are no longer there."""
    lost = list(dict.fromkeys(refs))
    gone = [known[ref] for ref in lost if ref in known]
    changes = [
        replace(change, status=Status.FAILED, error="resource gone", settled_at=run.now)
        for change in open_changes(run, gone)
    ]
    findings = [Finding(ref, Verdict.NOT_APPLICABLE, "GONE", "no longer there") for ref in lost]
    outcomes = [_outcome(run, finding, Fate.GONE) for finding in findings]
    return Result(outcomes, gone=gone, changes=changes)


def _judge(run: Run[S, P], state: S | Unread, item: Item | None) -> Judged:
    ref = state.ref
    finding = run.shelter(
        ref, lambda: evaluate(run, state), lambda text: unknown(ref, "INTERNAL_ERROR", text)
    )
    finding = _remembering(finding, item)
    if not finding.remediation:
        return Judged(finding, state, item)
    mark = gates.fingerprint(run.loaded.hash, finding)
    same = item if item is not None and item.fingerprint == mark else None
    if same is not None and same.code == run.control.limit_code and _may_have_room(run, same):
        same = None
    held = gates.hold(run.gate, finding, same, run.clock.now())
    if held is not None and held.fate is Fate.REPORTED and same is not None:
        finding = replace(finding, code=same.code, reason=same.reason)
    return Judged(finding, state, item, held, mark)


def _remembering(finding: Finding, item: Item | None) -> Finding:
    """What was not assessed keeps its memory: the control had no say in it."""
    unassessed = finding.verdict is Verdict.UNKNOWN or finding.code == EXCLUDED
    return replace(finding, memory=item.memory) if item is not None and unassessed else finding


def _may_have_room(run: Run[Any, Any], item: Item) -> bool:
    """Whether a quota that was used up may not be so any more."""
    if run.trigger is Trigger.EVENT:  # somebody changed the resource
        return True
    tried = datetime.fromisoformat(item.last_attempt)
    return run.clock.now() >= tried + run.control.limit_lasts


def _looked_again(run: Run[S, P], ready: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Read once more what a call would harm for good; send only what is still planned.

    Returns those that may go on, and those that have moved meanwhile.
    """
    grave = [one for one in ready if one.finding.irreversible or run.control.destructive]
    go = [one for one in ready if not (one.finding.irreversible or run.control.destructive)]
    moved = []
    states = {}
    if grave:
        states = {state.ref: state for state in observe(run, [one.finding.ref for one in grave])}
    for one in grave:
        state = states.get(one.finding.ref)
        if state is None:
            moved.append(replace(one, hold=_LOST))
            continue
        again = _judge(run, state, one.item)
        if not again.finding.remediation or again.hold is not None:
            moved.append(again)
        elif _sends(again) != _sends(one):
            moved.append(replace(again, hold=_MOVED))
        else:
            go.append(again)
    return go, moved


def _sends(one: Judged) -> list[tuple[str, Mapping[str, Any]]]:
    return [(call.operation, call.params) for call in one.finding.remediation]


def _rested(run: Run[S, P], one: Judged) -> Outcome:
    """The outcome of a finding for which no call was sent."""
    verdict, held = one.finding.verdict, one.hold
    if held is not None:
        note = "" if held.fate is Fate.PLANNED else held.note
        outcome = _outcome(run, one.finding, held.fate, note, retry=held is _MOVED)
        return replace(outcome, budget_spent=held is _SPENT)
    if verdict is Verdict.UNKNOWN:
        retry = one.finding.code in ("BUSY", "INTERNAL_ERROR")
        return _outcome(run, one.finding, Fate.UNKNOWN, retry=retry)
    return _outcome(
        run, one.finding, Fate.REPORTED if verdict is Verdict.NON_COMPLIANT else Fate.NONE
    )


def _ended(run: Run[S, P], one: Judged, change: Change, sent: Sent) -> Outcome:
    """The outcome of a finding whose calls were sent."""
    finding, error = learned(run, one, sent), sent.error
    if sent.bug:
        broken = replace(finding, code="INTERNAL_ERROR")
        return _outcome(run, broken, Fate.FAILED, sent.bug, change.id, retry=True)
    if error is None:
        return _outcome(run, finding, Fate.REMEDIATED, change=change.id)
    if isinstance(error, Gone):
        return _outcome(run, finding, Fate.GONE, "gone meanwhile", change.id)
    if code := _barred(run, error):
        barred = replace(finding, code=code, reason=clipped(str(error)))
        return _outcome(run, barred, Fate.REPORTED, change=change.id)
    again = isinstance(error, TryAgain | NotConnected | Moved)
    again |= isinstance(error, Partly) and error.passing
    fate = Fate.HELD if isinstance(error, Moved) else Fate.FAILED
    return _outcome(run, finding, fate, str(error), change.id, retry=again)


def _barred(run: Run[S, P], error: StewardError) -> str:
    """The code of a finding that no repetition of its calls would mend; '' for any other."""
    if isinstance(error, Protected):
        return gates.PROTECTED
    if isinstance(error, Partly) and not error.passing:
        return run.control.partly_code
    return run.control.limit_code if isinstance(error, Limit) else ""


def _outcome(
    run: Run[S, P],
    finding: Finding,
    fate: Fate,
    note: str = "",
    change: str = "",
    *,
    retry: bool = False,
) -> Outcome:
    return Outcome(run.control.id, finding, fate, run.trigger, note, change, retry=retry)


def _result(
    run: Run[S, P],
    pairs: Sequence[tuple[Judged, Outcome]],
    results: Sequence[Remediated],
) -> Result:
    fates = {outcome.change: outcome.fate for _, outcome in pairs}
    closed = [_closed(run, c, sent, fates[c.id]) for _, c, sent in results if not sent.untouched]
    outcomes, items, gone = [], [], []
    by_change = {change.id: sent for _, change, sent in results}
    for one, outcome in pairs:
        item = _next_item(run, one, outcome, by_change.get(outcome.change))
        failed = outcome.fate is Fate.FAILED and not outcome.retry
        given_up = failed and item.attempts == gates.MAX_ATTEMPTS
        outcomes.append(replace(outcome, exhausted=given_up))
        if outcome.fate is Fate.GONE:
            gone.append(one.item or item)
        elif (changed := successor(one.item, item, run.now)) is not None:
            items.append(changed)
        elif one.settled or outcome.change in by_change:  # the ledger's names an intent
            items.append(one.item or item)
    untouched = [change.ref for _, change, sent in results if sent.untouched]
    return Result(outcomes, items, gone, closed, untouched)


def _closed(run: Run[S, P], change: Change, sent: Sent, fate: Fate) -> Change:
    status = Status.DONE if fate is Fate.REMEDIATED else Status.FAILED
    if is_open(sent):
        status = Status.INTENT  # the next look tells
    return settled_by(run, change, sent, status)


def _next_item(run: Run[S, P], one: Judged, outcome: Outcome, sent: Sent | None) -> Item:
    if outcome.fate is Fate.REMEDIATED:
        return foretold_item(run, one)
    told = replace(outcome.finding, reason=outcome.reason)
    item = carried(run, replace(one, finding=told), outcome.fate)
    if one.item is not None and one.item.intent:
        item = replace(item, intent=one.item.intent)  # still open: nobody may forget it
    if outcome.fate is Fate.REPORTED and outcome.change:  # barred
        return replace(item, attempts=gates.MAX_ATTEMPTS, last_attempt=run.now)
    if sent is not None and is_open(sent):
        return replace(item, intent=outcome.change)
    if outcome.fate is Fate.FAILED and not outcome.retry:
        return replace(item, attempts=item.attempts + 1, last_attempt=run.now)
    return item
