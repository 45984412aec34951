"""What became of changes that an interrupted run left open: the next look at a resource tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from steward import gate as gates
from steward.evaluate import in_effect
from steward.ledger import Change, Item, Status
from steward.model import Call, Finding, P, S, Verdict
from steward.remediate import Judged, only
from steward.run import Run


def settle_intents(run: Run[S, P], judged: Sequence[Judged]) -> list[Judged]:
    """Close changes that an interrupted run left open, by whether they are in effect now.

    At once: the item is about to name another intent, and nobody would find the old one again.
    A run that may write nothing settles nothing: the change may be another run's, under way.
    """
    if gates.closed(run.gate) is not None:
        return list(judged)
    left = {
        one.item.intent: one
        for one in judged
        if one.item is not None and one.item.intent and _is_read(one.finding)
    }
    changes = list(open_changes(run, [one.item for one in left.values() if one.item]))
    if changes:
        settled = [_settled(run, c, left[c.id].state) for c in changes]
        run.ledger.commit(changes=[*settled, *_undone(run, settled)])
    return [
        replace(one, item=replace(one.item, intent=""), settled=True)
        if one.item is not None and one.item.intent in left
        else one
        for one in judged
    ]


def _settled(run: Run[S, P], change: Change, state: Any) -> Change:
    if in_effect(run.control, state, change.calls):
        calls = len(change.calls)
        return replace(change, status=Status.DONE, sent=calls, error="", settled_at=run.now)
    error = f"{change.error or 'interrupted'}; not in effect"
    failed = replace(change, status=Status.FAILED, sent=0, error=error, settled_at=run.now)
    if run.control.foretell is None:
        return failed
    parts = [_parts(run, state, call) for call in change.calls]
    done, left = ([call for part in parts for call in part[at]] for at in (0, 1))
    return reordered(failed, done, left)


def _parts(run: Run[S, P], state: Any, call: Call) -> tuple[list[Call], list[Call]]:
    """The call as far as it is in effect, and the rest of it: by resource, if it lists several."""
    if in_effect(run.control, state, [call]):
        return [call], []
    name = _listing(call)
    listed: Sequence[str] = call.params[name] if name else ()
    done = [one for one in listed if in_effect(run.control, state, [only(call, name, [one])])]
    if not done:
        return [], [call]
    rest = [one for one in listed if one not in done]
    return [only(call, name, done)], [only(call, name, rest)]


def _listing(call: Call) -> str:
    """The parameter that lists the resources: the call's undo has the same list; '' for none."""
    undo = call.undo.params if call.undo else {}
    same = (name for name, told in call.params.items() if told == undo.get(name))
    return next((name for name in same if isinstance(call.params[name], list)), "")


def reordered(change: Change, done: Sequence[Call], left: Sequence[Call]) -> Change:
    """The change with those of its calls in front that succeeded, where each stands by itself."""
    return replace(change, calls=(*done, *left), sent=len(done))


def inverted(call: Call, undo: Call) -> Call:
    """The undo of a call, which knows its own, for the record."""
    return replace(undo, undo=replace(call, undo=None))


def partly_undone(change: Change, undo: Change) -> Change:
    """The change after only a part of its undo was sent: the rest can be undone still."""
    left, back = (
        [inverted(call, call.undo) for call in reversed(part) if call.undo]
        for part in (undo.calls[undo.sent :], undo.calls[: undo.sent])
    )
    return replace(change, calls=(*left, *back, *change.calls[change.sent :]), sent=len(left))


def _undone(run: Run[S, P], settled: Iterable[Change]) -> Iterator[Change]:
    """What was taken back by an undo that nobody answered and that is in effect after all."""
    for one in settled:
        undone = run.ledger.change(one.undoes) if one.undoes else None
        if undone is not None and one.status is Status.DONE:
            yield replace(undone, status=Status.UNDONE, settled_at=run.now)
        elif undone is not None and one.sent:
            yield partly_undone(undone, one)
        elif undone is not None:
            _judge_again(run, undone)


def _judge_again(run: Run[S, P], change: Change) -> None:
    """An undo of the change came to nothing: neither does its exemption."""
    found = run.ledger.exemptions(run.control.id)
    if any(e.resource == change.ref.id and e.reason == undo_reason(change) for e in found):
        run.ledger.unexempt(run.control.id, change.ref.id)


def undo_reason(change: Change) -> str:
    """What the exemption says that an undo of the change makes."""
    return f"undo of {change.id}"


def open_changes(run: Run[S, P], items: Iterable[Item]) -> Iterator[Change]:
    """The changes of these items whose outcome nobody knows."""
    for item in items:
        change = run.ledger.change(item.intent) if item.intent else None
        if change is not None and change.status is Status.INTENT:
            yield change


def _is_read(finding: Finding) -> bool:
    return finding.verdict is not Verdict.UNKNOWN
