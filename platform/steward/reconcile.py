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
    InUse,
    Limit,
    Moved,
    NotConnected,
    OutOfTime,
    Partly,
    Protected,
    StewardError,
    TryAgain,
)
from steward.evaluate import effect, evaluate, evaluate_after, observe, remembering, unknown
from steward.history import departed, successor
from steward.ledger import Change, Item, Status, item_of
from steward.model import Fate, Finding, P, Ref, S, Trigger, Unread, Verdict
from steward.remediate import (
    Judged,
    Remediated,
    Sent,
    carried,
    give_back,
    is_open,
    remediate,
    unsent,
    within_budget,
)
from steward.run import Outcome, Result, Run, clipped
from steward.settle import open_changes, reordered, settle_intents

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
    ready, spent = within_budget(run, ready)
    resting += [*moved, *(replace(one, hold=_SPENT) for one in spent)]
    results = [(_left(run, one, sent), change, sent) for one, change, sent in remediate(run, ready)]
    give_back(run, unsent(run, results))
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
    items = [known[ref] for ref in lost if ref in known]
    changes = [
        replace(change, status=Status.FAILED, error="resource gone", settled_at=run.now)
        for change in open_changes(run, items)
    ]
    findings = [Finding(ref, Verdict.NOT_APPLICABLE, "GONE", "no longer there") for ref in lost]
    outcomes = [_outcome(run, finding, Fate.GONE) for finding in findings]
    gone = [departed(item, run.now) for item in items]
    return Result(outcomes, gone=gone, changes=changes)


def _judge(run: Run[S, P], state: S | Unread, item: Item | None) -> Judged:
    ref = state.ref
    finding = run.shelter(
        ref, lambda: evaluate(run, state), lambda text: unknown(ref, "INTERNAL_ERROR", text)
    )
    finding = remembering(finding, item.memory if item else "")
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
        if isinstance(state, Unread) and state.code == "BUSY" and run.deadline.left() <= 0:
            go.append(one)  # nothing is sent any more: it stays untouched
            continue
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


def _left(run: Run[S, P], one: Judged, sent: Sent) -> Judged:
    """With what is left to do, where calls succeeded of which each stands by itself.

    Also where none did, and there is more to do than they were for.
    """
    refused = isinstance(sent.error, Partly) and not sent.error.passing
    more = refused and bool(evaluate_after(run, one.state, one.finding.remediation).remediation)
    if not (sent.done or more):
        return one
    left = evaluate_after(run, one.state, sent.done)
    return replace(one, left=left, more=more, fingerprint=gates.fingerprint(run.loaded.hash, left))


def _rested(run: Run[S, P], one: Judged) -> Outcome:
    """The outcome of a finding for which no call was sent."""
    verdict, held = one.finding.verdict, one.hold
    if held is not None:
        note = "" if held.fate is Fate.PLANNED else held.note
        outcome = _outcome(run, one.finding, held.fate, note, retry=held in (_MOVED, gates.WAITS))
        return replace(outcome, budget_spent=held is _SPENT)
    if verdict is Verdict.UNKNOWN:
        retry = one.finding.code in ("BUSY", "INTERNAL_ERROR")
        return _outcome(run, one.finding, Fate.UNKNOWN, retry=retry)
    fate = Fate.REPORTED if verdict is Verdict.NON_COMPLIANT else Fate.NONE
    return _outcome(run, one.finding, fate, retry=one.finding.waits)


def _ended(run: Run[S, P], one: Judged, change: Change, sent: Sent) -> Outcome:
    """The outcome of a finding whose calls were sent."""
    finding, error = one.learned(), sent.error
    if sent.bug:
        broken = replace(finding, code="INTERNAL_ERROR")
        return _outcome(run, broken, Fate.FAILED, sent.bug, change.id, retry=True)
    late = isinstance(error, OutOfTime)
    if one.left is not None and one.left.remediation and (one.more or late or error is None):
        note = "time is up: the rest follows" if late else "the rest follows"
        left = _outcome(run, one.left, Fate.HELD, note, change.id, retry=late)
        return replace(left, budget_spent=one.cut)
    if error is None:
        fate, note = (Fate.HELD, "the rest follows") if finding.partial else (Fate.REMEDIATED, "")
        return _outcome(run, finding, fate, note, change.id, retry=finding.partial)
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
    return run.control.limit_code if isinstance(error, Limit | InUse) else ""


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
        sent = by_change.get(outcome.change)
        item = _next_item(run, one, outcome, sent)
        failed = outcome.fate is Fate.FAILED and not outcome.retry
        given_up = failed and item.attempts == gates.MAX_ATTEMPTS
        outcomes.append(replace(outcome, exhausted=given_up))
        if outcome.fate is Fate.GONE:
            gone.append(departed(one.item or item, run.now))
        elif (changed := _succeeding(run, one, item, sent)) is not None:
            items.append(changed)
        elif one.settled or outcome.change in by_change:  # the ledger's names an intent
            items.append(one.item or item)
    untouched = [change.ref for _, change, sent in results if sent.untouched or sent.unfinished]
    return Result(outcomes, items, gone, closed, untouched)


def _succeeding(run: Run[S, P], one: Judged, item: Item, sent: Sent | None) -> Item | None:
    """The item to write, if any. What calls have changed was changed now, whatever it was like."""
    new = successor(one.item, item, run.now)
    if sent is None or not sent.calls:
        return new
    return replace(new or one.item or item, changed_at=run.now)


def _closed(run: Run[S, P], change: Change, sent: Sent, fate: Fate) -> Change:
    if sent.unfinished:  # those that were not sent are no part of it
        sent = replace(sent, error=None, left=())
    as_told = fate is Fate.REMEDIATED or (sent.error is None and not sent.bug)
    status = Status.DONE if as_told else Status.FAILED
    if is_open(sent):
        status = Status.INTENT  # the next look tells
    error = sent.bug or str(sent.error or "")
    closed = replace(change, status=status, sent=sent.calls, error=error, settled_at=run.now)
    return reordered(closed, sent.done, sent.left) if sent.done else closed


def _next_item(run: Run[S, P], one: Judged, outcome: Outcome, sent: Sent | None) -> Item:
    if outcome.fate is Fate.REMEDIATED:
        return _foretold(run, one)
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


def _foretold(run: Run[S, P], one: Judged) -> Item:
    """What the next look will find if the calls did what they say; else what this one found."""
    if one.left is not None:
        return item_of(run.control.id, one.left, _beyond(one.left))
    if not effect(one.finding.remediation):
        return item_of(run.control.id, one.finding, Fate.REMEDIATED)
    finding = evaluate_after(run, one.state, one.finding.remediation)
    return item_of(run.control.id, finding, _beyond(finding))


def _beyond(finding: Finding) -> Fate:
    """The fate of what calls have left: something may be wrong that none of ours puts right."""
    wrong = finding.verdict is Verdict.NON_COMPLIANT and not finding.remediation
    return Fate.REPORTED if wrong else Fate.NONE
