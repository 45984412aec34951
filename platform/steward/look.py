"""Looks at named resources as they are now: read, judge, put right, write down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from steward.errors import NotConnected, StewardError
from steward.evaluate import observe
from steward.model import P, Ref, S, Unread
from steward.reconcile import reconcile, vanished
from steward.run import Outcome, Run


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of the resources; there was no time for those that are ``untouched``."""

    outcomes: Sequence[Outcome]
    untouched: Sequence[Ref] = ()
    led: Mapping[Ref, Sequence[Ref]] = field(default_factory=dict)
    """Those that were looked at besides, each with the named ones because of which it was."""

    def retry(self) -> set[Ref]:
        """Resources at which to look again soon."""
        again = {one.finding.ref for one in self.outcomes if one.retry} | set(self.untouched)
        return again | {ref for besides in again for ref in self.led.get(besides, ())}


def look(run: Run[S, P], refs: Sequence[Ref]) -> Looked:
    """Look at each named resource once; everything is committed when this returns."""
    led = _led(run, refs)
    return replace(_each(run, list(dict.fromkeys([*led, *refs]))), led=led)


def _led(run: Run[S, P], refs: Sequence[Ref]) -> dict[Ref, list[Ref]]:
    """What is to be looked at besides; nothing where AWS does not tell, as it will not then."""
    led: dict[Ref, list[Ref]] = {}
    for ref in refs:
        for besides in run.shelter(ref, partial(_besides, run, ref), lambda _: ()):
            led.setdefault(besides, []).append(ref)
    return led


def _besides(run: Run[S, P], ref: Ref) -> Sequence[Ref]:
    try:
        return run.control.besides(run.sight, ref)
    except NotConnected:
        raise
    except StewardError:
        return ()


def _each(run: Run[S, P], wanted: Sequence[Ref]) -> Looked:
    outcomes: list[Outcome] = []
    for start in range(0, len(wanted), run.control.batch):
        if start and run.deadline.left() <= 0:
            return Looked(outcomes, wanted[start:])
        looked = _together(run, wanted[start : start + run.control.batch])
        outcomes += looked.outcomes
        if looked.untouched:
            return Looked(outcomes, [*looked.untouched, *wanted[start + run.control.batch :]])
    return Looked(outcomes)


def _together(run: Run[S, P], refs: Sequence[Ref]) -> Looked:
    states = _read(run, refs)
    known = run.ledger.items(run.control.id, refs)
    lost = set(refs) - {state.ref for state in states}
    results = [reconcile(run, states, known), vanished(run, sorted(lost), known)]
    run.ledger.commit(
        items=[item for result in results for item in result.items],
        gone=[item for result in results for item in result.gone],
        changes=[change for result in results for change in result.changes],
    )
    return Looked([one for result in results for one in result.outcomes], results[0].untouched)


def _read(run: Run[S, P], refs: Sequence[Ref]) -> list[S | Unread]:
    """Read a batch; where a bug spoils it, read one by one, so that it costs only the culprit."""
    nothing: list[S | Unread] | None = None
    if len(refs) > 1:
        together = run.shelter(refs[0], lambda: observe(run, refs), lambda _: nothing)
        if together is not None:
            return together
    return [state for ref in refs for state in _read_one(run, ref)]


def _read_one(run: Run[S, P], ref: Ref) -> list[S | Unread]:
    return run.shelter(
        ref, lambda: observe(run, [ref]), lambda text: [Unread(ref, "INTERNAL_ERROR", text)]
    )
