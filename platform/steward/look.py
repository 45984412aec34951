"""Looks at named resources as they are now: read, judge, put right, write down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from steward.errors import NotConnected, StewardError
from steward.evaluate import observe
from steward.ledger import Item
from steward.model import P, Ref, S, Unread
from steward.reconcile import reconcile, vanished
from steward.run import Outcome, Run


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of the resources; there was no time for those that are ``untouched``."""

    outcomes: Sequence[Outcome]
    untouched: Sequence[Ref] = ()
    led: Mapping[Ref, Sequence[Ref]] = field(default_factory=dict)
    """Those that were looked at besides, or behind a ref of several, each with the named ones
    because of which it was."""

    def retry(self) -> set[Ref]:
        """Resources at which to look again soon."""
        again = {one.finding.ref for one in self.outcomes if one.retry} | set(self.untouched)
        return again | {ref for besides in again for ref in self.led.get(besides, ())}

    def waiting(self) -> set[Ref]:
        """Those of them with which nothing is wrong: something has to end first."""
        return {one.finding.ref for one in self.outcomes if one.retry and one.finding.waits}


def look(run: Run[S, P], refs: Sequence[Ref]) -> Looked:
    """Look at each named resource once; everything is committed when this returns."""
    led = _led(run, refs)
    looked = _each(run, list(dict.fromkeys([*led, *refs])))
    return replace(looked, led={**looked.led, **led})


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
    led: dict[Ref, Sequence[Ref]] = {}
    for start in range(0, len(wanted), run.control.batch):
        if start and run.deadline.left() <= 0:
            return Looked(outcomes, wanted[start:], led)
        looked = _together(run, wanted[start : start + run.control.batch])
        outcomes += looked.outcomes
        led |= looked.led
        if looked.untouched:
            left = [*looked.untouched, *wanted[start + run.control.batch :]]
            return Looked(outcomes, left, led)
    return Looked(outcomes, led=led)


def _together(run: Run[S, P], refs: Sequence[Ref]) -> Looked:
    states = _read(run, refs)
    known = _known(run, refs, states)
    lost = _lost([*refs, *known], known, {state.ref for state in states})
    results = [reconcile(run, states, known), vanished(run, sorted(lost), known)]
    run.ledger.commit(
        items=[item for result in results for item in result.items],
        gone=[item for result in results for item in result.gone],
        changes=[change for result in results for change in result.changes],
    )
    outcomes = [one for result in results for one in result.outcomes]
    untouched = results[0].untouched
    found = [*(one.finding.ref for one in outcomes), *untouched]
    return Looked(outcomes, untouched, _behind(refs, found))


def _lost(refs: Sequence[Ref], known: Mapping[Ref, Item], found: set[Ref]) -> set[Ref]:
    """What is not there any more; where several could not be read, nobody knows it of any."""
    unread = [ref for ref in found if _is_several(ref)]
    return {
        ref
        for ref in refs
        if ref not in found
        and (ref in known or not _is_several(ref))
        and not any(_is_below(ref, one) for one in unread)
    }


def _known(run: Run[S, P], refs: Sequence[Ref], states: Sequence[S | Unread]) -> Mapping[Ref, Item]:
    """The items of what was named or found; of several, also those that are there no more."""
    single = [ref for ref in refs if not _is_several(ref)]
    known = dict(
        run.ledger.items(
            run.control.id, list(dict.fromkeys([*single, *(one.ref for one in states)]))
        )
    )
    for ref in refs:
        if _is_several(ref):
            above = ref.id.removesuffix("*")
            upto = above + chr(0x10FFFF)
            known |= run.ledger.items_between(run.control.id, ref.kind, above, upto)
    return known


def _behind(refs: Sequence[Ref], found: Sequence[Ref]) -> Mapping[Ref, Sequence[Ref]]:
    """What was found behind refs of several, each with those."""
    several = [ref for ref in refs if _is_several(ref)]
    return {
        ref: [one for one in several if _is_below(ref, one)]
        for ref in found
        if any(_is_below(ref, one) for one in several)
    }


def _is_several(ref: Ref) -> bool:
    """Whether a ref names all resources below one, such as the stages of an API: ``<apiId>/*``."""
    return ref.id.endswith("/*")


def _is_below(ref: Ref, several: Ref) -> bool:
    return ref.kind == several.kind and ref.id.startswith(several.id.removesuffix("*"))


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
