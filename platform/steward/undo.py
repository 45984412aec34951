"""Takes a change back: sends the recorded inverse calls, and exempts the resource for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta

from steward import gate as gates
from steward.errors import Gone, Invalid, Refused, StewardError
from steward.evaluate import evaluate, left_by, observe
from steward.history import successor
from steward.ledger import Change, Item, Status, item_of
from steward.model import (
    Call,
    Exemption,
    Fate,
    Finding,
    Known,
    P,
    Ref,
    Remembered,
    S,
    T,
    Unread,
    Verdict,
)
from steward.policy import LONGEST_OWNER, forbidden, steers
from steward.remediate import Judged, Sent, is_open, remediate
from steward.run import Outcome, Run
from steward.settle import inverted, partly_undone, reordered, undo_reason

EXEMPT_FOR = timedelta(days=30)

_PARTLY = "a part was taken back and is exempt, the same again takes back the rest"


def undo(run: Run[S, P], change_id: str, owner: str, exempt_for: timedelta = EXEMPT_FOR) -> Outcome:
    """Take back a change of ``run.control``; the outcome carries the change that did it.

    Raises Invalid for what is no change that can be undone, or an odd owner, Gone for a vanished
    resource, and Refused when somebody has changed the resource since.
    """
    change = _undoable(run, change_id)
    _refuse_others(run, change)
    exemption = _exemption(run, change, owner, exempt_for)
    state = _unchanged_since(run, change)
    finding = Finding(
        change.ref, Verdict.NON_COMPLIANT, "UNDO", undo_reason(change), inverse(change)
    )
    held = gates.closed(run.gate)  # an operator may undo what a control in audit once did
    if held is not None:
        return Outcome(run.control.id, finding, held.fate, run.trigger, held.note)
    item = run.ledger.items(run.control.id, [change.ref]).get(change.ref)
    other = run.ledger.change(item.intent) if item is not None and item.intent else None
    if other is not None and other.status is Status.INTENT:  # its item names one intent only
        raise Refused(f"{change.ref.id} has another change whose outcome is open; sweep first")
    before = _ledgers_exemption(run, change)
    if before is not None and before.expires >= exemption.expires:
        exemption = before
    run.ledger.exempt(run.control.id, exemption)
    one = Judged(finding, state, item, undoes=change.id)
    try:
        [(_, done, sent)] = remediate(run, [one])
    except StewardError:  # nothing was written, and so nothing sent
        _restore_exemption(run, change, before)
        raise
    if (sent.error or sent.bug or sent.untouched) and not is_open(sent) and not sent.calls:
        _restore_exemption(run, change, before)
    return _ended(run, one, _closed(run, done, sent), sent, change, exemption)


def _closed(run: Run[S, P], done: Change, sent: Sent) -> Change:
    """The record of an undo; where its call may yet have taken effect, its outcome is open."""
    failed = sent.error or sent.bug or sent.untouched
    error = (sent.bug or str(sent.error or "there was no time for it")) if failed else ""
    status = Status.FAILED if failed else Status.DONE
    status = Status.INTENT if is_open(sent) else status
    closed = replace(done, status=status, sent=sent.calls, error=error, settled_at=run.now)
    return reordered(closed, sent.done, sent.left) if failed and sent.done else closed


def _ended(
    run: Run[S, P], one: Judged, closed: Change, sent: Sent, change: Change, exemption: Exemption
) -> Outcome:
    """Write down what came of an undo. What was taken back stays so, and is exempt.

    Where it may yet have taken effect, or did in part, nobody must fight over it.
    """
    whole = closed.status is Status.DONE
    changes = [] if sent.untouched else [closed]
    if whole:
        changes = [replace(change, status=Status.UNDONE, settled_at=run.now), closed]
    elif closed.sent and closed.status is Status.FAILED:
        changes = [partly_undone(change, closed), closed]
    back = closed.calls[: closed.sent] if len(changes) > 1 else ()
    after = _item(run, one.state, one.item, exemption, back) if back else []
    run.ledger.commit(items=after, changes=changes)
    fate = Fate.REMEDIATED if whole else Fate.FAILED
    note = f"{closed.error}; {_PARTLY}" if back and not whole else closed.error
    return Outcome(run.control.id, one.finding, fate, run.trigger, note, closed.id)


def inverse(change: Change) -> tuple[Call, ...]:
    """The calls that take back those that were sent, in reverse order.

    Each knows its own undo, for the record. Raises Invalid where one has none.
    """
    calls = []
    for call in reversed(change.calls[: change.sent]):
        if call.undo is None:
            raise Invalid(f"{call.operation} cannot be undone: {call.irreversible or 'no inverse'}")
        calls.append(inverted(call, call.undo))
    return tuple(calls)


def _undoable(run: Run[S, P], change_id: str) -> Change:
    change = run.ledger.change(change_id)
    if change is None or change.control != run.control.id:
        raise Invalid(f"change {change_id}: there is no such change of {run.control.id}")
    if change.status is Status.INTENT:
        raise Invalid(f"change {change_id}: its outcome is open; sweep {run.control.id} first")
    if change.undoes:
        again = "remove its exemption and sweep: that judges the resource anew"
        raise Invalid(f"change {change_id}: it is an undo; {again}")
    if change.status is Status.UNDONE or not change.sent:
        reason = "it is undone already" if change.sent else "no call of it succeeded"
        raise Invalid(f"change {change_id}: {reason}")
    return change


def _refuse_others(run: Run[S, P], change: Change) -> None:
    """Whatever the ledger says: an undo calls what the control may call, of its resource only."""
    for call in inverse(change):
        ours = run.control.action(call) in run.control.writes
        if not ours or not run.control.about(call, change.ref):
            what = f"{call.operation} {dict(call.params)}"
            raise Refused(f"change {change.id}: its undo is not one of {change.ref.id}: {what}")
        told = forbidden(run.control.id, run.control.sets(call), run.loaded.allowed)
        if why := "; ".join(told):  # the template may have allowed it when it was done
            raise Refused(f"change {change.id}: its undo would do what is not allowed: {why}")


@dataclass(frozen=True, slots=True)
class _Expecting:
    """What is known, and that a change is open: a control then tells also what is not there."""

    known: Known
    item: Item

    def items(self, refs: Sequence[Ref]) -> Mapping[Ref, Remembered]:
        expected = {self.item.ref: self.item} if self.item.ref in refs else {}
        return {**self.known.items(refs), **expected}

    def once(self, key: str, make: Callable[[], T]) -> T:
        return self.known.once(key, make)


def _expecting(run: Run[S, P], change: Change) -> Run[S, P]:
    """A run that reads the change's resource although the change may have deleted it."""
    nothing = Item(change.control, change.ref, Verdict.UNKNOWN, "", "", Fate.NONE)
    item = run.ledger.items(change.control, [change.ref]).get(change.ref, nothing)
    known = _Expecting(run.sight.known, replace(item, intent=change.id))
    return replace(run, sight=replace(run.sight, known=known))


def _unchanged_since(run: Run[S, P], change: Change) -> S:
    """The resource as it is now, if it still is as the change left it."""
    states = observe(run, [change.ref]) or observe(_expecting(run, change), [change.ref])
    if not states:
        raise Gone(f"{change.ref.id} is no longer there")
    [state] = states
    if isinstance(state, Unread):
        raise Refused(f"{change.ref.id} could not be read: {state.reason}")
    left = left_by(run.control, state, change.calls[: change.sent])
    for name in (field.name for field in fields(left) if field.compare):
        was, now = getattr(left, name), getattr(state, name)
        if was != now:
            told = f"{name} was {was!s:.200} after the change and is {now!s:.200} now"
            raise Refused(f"{change.ref.id} was changed since: {told}")
    return state


def _exemption(run: Run[S, P], change: Change, owner: str, exempt_for: timedelta) -> Exemption:
    """What the undo makes. Raises Invalid for an owner that no policy could name."""
    if not 0 < len(owner) <= LONGEST_OWNER or steers(owner):
        allowed = f"1 to {LONGEST_OWNER} characters, and no control characters"
        raise Invalid(f"owner: is {owner[:80]!r}, allowed: {allowed}")
    until = (run.clock.now() + exempt_for).date()
    return Exemption(change.ref.id, undo_reason(change), owner, until)


def _ledgers_exemption(run: Run[S, P], change: Change) -> Exemption | None:
    """What the ledger has under the resource's own name."""
    found = run.ledger.exemptions(run.control.id)
    return next((one for one in found if one.resource == change.ref.id), None)


def _restore_exemption(run: Run[S, P], change: Change, before: Exemption | None) -> None:
    if before is None:
        run.ledger.unexempt(run.control.id, change.ref.id)
    else:
        run.ledger.exempt(run.control.id, before)


def _item(
    run: Run[S, P], state: S, item: Item | None, exemption: Exemption, calls: Sequence[Call]
) -> list[Item]:
    """The item of the resource as the calls of an undo have left it, exempt."""
    exempted = replace(run, exemptions=[*run.exemptions, exemption])
    finding = evaluate(exempted, left_by(run.control, state, calls))
    new = successor(item, item_of(run.control.id, finding, Fate.NONE), run.now)
    return [new] if new else []
