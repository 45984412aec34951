"""A full pass of one control over the account, in steps that can be resumed.

After each page its items and the sweep's record are committed together, so that a sweep killed at
any point leaves no resource out and reads at most one page twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from steward.counting import counted, summed
from steward.errors import Invalid, NotConnected, OutOfTime, Refused, StewardError
from steward.evaluate import observe
from steward.ledger import Item, Ledger, Sweep, new_id, stamp
from steward.met import mark_of, marks_of
from steward.model import Fate, P, Page, Ref, S, Unread
from steward.policy import digest
from steward.reconcile import reconcile, vanished
from steward.run import Outcome, Result, Run

VERSION = 1
RESUMABLE = timedelta(hours=24)
"""How long DescribeLogGroups' tokens live (API reference); older sweeps start anew."""

_TROUBLE = (Fate.FAILED, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Step:
    """A committed page: the sweep so far, and what became of the page's resources."""

    sweep: Sweep
    outcomes: Sequence[Outcome] = ()
    paused: bool = False
    """The deadline came within the page; what is left of it is looked at in the next step."""


def mark(policy_hash: str, *, plan_only: bool) -> str:
    """What a sweep is bound to: it goes on only under the same policy and the same permission."""
    return digest({"policy": policy_hash, "plan_only": plan_only})


def cursor(sweep: Sweep, holder: str) -> str:
    """Where an unfinished sweep goes on, as text, with who holds its lease."""
    document = {
        "v": VERSION,
        "sweep": sweep.id,
        "holder": holder,
        "policy_hash": sweep.policy_hash,
        "token": sweep.token,
        "last_id": sweep.last_id,
    }
    return json.dumps(document)


def holder(text: str) -> str:
    """Who holds the lease of the sweep that a cursor continues. Raises Invalid for another text."""
    return str(_parsed(text)["holder"])


def begin(
    ledger: Ledger, control: str, bound_to: str, now: datetime, *, restart: bool = False
) -> Sweep:
    """The control's unfinished sweep if it may go on, else a new one."""
    last = next(ledger.sweeps(control), None)
    if last is None or restart or last.finished or last.policy_hash != bound_to:
        return Sweep(new_id(control, now), control, stamp(now), bound_to)
    if now - datetime.fromisoformat(last.started) < RESUMABLE:
        return replace(last, error="")
    return Sweep(new_id(control, now), control, stamp(now), bound_to)


def resumed(ledger: Ledger, control: str, bound_to: str, now: datetime, text: str) -> Sweep:
    """The sweep that a cursor continues; under another policy it starts anew.

    The ledger's record decides where: it was written with the page that came before.
    """
    asked = _parsed(text)
    found = next((one for one in ledger.sweeps(control) if one.id == asked["sweep"]), None)
    if asked["v"] != VERSION or found is None or found.finished or found.policy_hash != bound_to:
        return begin(ledger, control, bound_to, now, restart=True)
    return replace(found, error="")


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not {"v", "sweep", "holder"} <= set(document):
        raise Invalid(f"cursor: is {text[:80]!r}, allowed: what the step before returned")
    return document


def advance(run: Run[S, P], sweep: Sweep) -> Iterator[Step]:
    """Go on with a sweep, page by page, until it is finished, paused or stopped by an error.

    Each step is committed before it is yielded. An error that ends the sweep is in ``error`` of
    the last step; only NotConnected is raised.
    """
    met: set[Ref] = set()
    pages = _pages(run, sweep)
    begun = sweep.pages
    while not sweep.finished:
        try:
            page, fresh_start = next(pages)
            if fresh_start:
                sweep = replace(sweep, token=None, gauges={})
            run = replace(run, exemptions=run.ledger.exemptions(run.control.id))
            states = _remaining(run, sweep, page.states)
            known = _known(run, sweep, page, states)
            met |= {state.ref for state in states}
            step = _one_page(run, sweep, page, states, known, met)
            if step.paused and sweep.pages == begun and _came_to_nothing(run, step):
                step = _passed_over(run, sweep, states, known)
        except NotConnected:
            raise
        except OutOfTime:
            yield Step(sweep, paused=True)
            return
        except StewardError as error:
            sweep = replace(sweep, error=str(error))
            run.ledger.commit(sweep=sweep)
            yield Step(sweep)
            return
        sweep = step.sweep
        yield step
        if step.paused:
            return


def _pages(run: Run[S, P], sweep: Sweep) -> Iterator[tuple[Page[S], bool]]:
    """Pages from the sweep's token; from the start where the API no longer takes the token."""
    pages = run.control.discover(run.sight, sweep.token)
    try:
        first = next(pages, Page([], None))
        fresh_start = False
    except Refused as refusal:
        if sweep.token is None or not isinstance(refusal, Invalid):
            raise
        pages = run.control.discover(run.sight, None)
        first, fresh_start = next(pages, Page([], None)), True
    yield first, fresh_start
    for page in pages:
        yield page, False


def _remaining(run: Run[S, P], sweep: Sweep, states: Sequence[S | Unread]) -> list[S | Unread]:
    """What of a page has not been looked at in this sweep, as far as the order tells."""
    if not run.control.ordered:
        return list(states)
    ids = _in_order(run, [state.ref for state in states])
    if ids != sorted(ids):
        raise Refused(f"{run.control.id}: the pages do not come in the documented order")
    passed = {ref_id for ref_id in ids if ref_id <= sweep.last_id}
    return [s for s in states if s.ref.id not in passed or s.ref.kind != run.control.kinds[0]]


def _in_order(run: Run[S, P], refs: Iterable[Ref]) -> list[str]:
    """The ids whose order the API documents: those of an ordered control's first kind."""
    return [ref.id for ref in refs if run.control.ordered and ref.kind == run.control.kinds[0]]


def _known(
    run: Run[S, P], sweep: Sweep, page: Page[S], states: Sequence[S | Unread]
) -> Mapping[Ref, Item]:
    """The ledger's items of these resources and, in an ordered pass, of all between them.

    With the last page come all of the kinds that have no order.
    """
    control, refs = run.control, [state.ref for state in states]
    if not control.ordered:
        return run.ledger.items(control.id, refs)
    last = page.cursor is None
    upto = None if last else max(_in_order(run, refs), default=sweep.last_id)
    known = dict(run.ledger.items_between(control.id, control.kinds[0], sweep.last_id, upto))
    for kind in control.kinds[1:]:
        if last:
            known |= run.ledger.items_between(control.id, kind, "", None)
        elif others := [ref for ref in refs if ref.kind == kind]:
            known |= run.ledger.items(control.id, others)
    return known


def _one_page(
    run: Run[S, P],
    sweep: Sweep,
    page: Page[S],
    states: Sequence[S | Unread],
    known: Mapping[Ref, Item],
    met: set[Ref],
) -> Step:
    results = [reconcile(run, states, known)]
    last = page.cursor is None
    if results[0].finished:
        unmet = _unmet(run, sweep, known, met, last=last)
        results += _unmet_results(run, unmet) if unmet else []
        known = {**known, **unmet}
    untouched = {ref for result in results for ref in result.untouched}
    outcomes = [one for result in results for one in result.outcomes]
    if untouched:
        return _paused(run, sweep, results, outcomes, untouched, known)
    so_far = counted(sweep, outcomes, known, results)
    last_id = max([sweep.last_id, *_in_order(run, (state.ref for state in states))])
    after = replace(summed(so_far, page), last_id=last_id, pages=sweep.pages + 1)
    if not run.control.ordered:
        after = replace(after, met="".join(sorted(marks_of(sweep.met, met))))
    if last:
        trouble = any(after.fates.get(fate) for fate in _TROUBLE)
        after = replace(after, finished=run.now, complete=not trouble, met="")
    _commit(run, results, after)
    return Step(after, outcomes)


def _paused(
    run: Run[S, P],
    sweep: Sweep,
    results: Sequence[Result],
    outcomes: Sequence[Outcome],
    untouched: set[Ref],
    known: Mapping[Ref, Item],
) -> Step:
    """Commit the part of a page that was reached, up to the first resource that was not."""
    if not run.control.ordered:
        _commit(run, results, sweep)
        return Step(sweep, outcomes, paused=True)
    first = min(_in_order(run, untouched), default="")
    reached = [one for one in outcomes if not first or one.finding.ref.id < first]
    last_id = max([sweep.last_id, *_in_order(run, (one.finding.ref for one in reached))])
    after = replace(counted(sweep, reached, known, results), last_id=last_id)
    _commit(run, results, after)
    changed = [one for one in outcomes if one.change and one not in reached]
    return Step(after, [*reached, *changed], paused=True)


def _came_to_nothing(run: Run[S, P], step: Step) -> bool:
    """Whether the time went without an outcome; a page without an order is not passed over."""
    return run.control.ordered and not step.outcomes and run.deadline.left() <= 0


def _passed_over(
    run: Run[S, P], sweep: Sweep, states: Sequence[S | Unread], known: Mapping[Ref, Item]
) -> Step:
    """Leave out a page's first resource: it took a whole step, the next would come no further."""
    first = Ref(run.control.kinds[0], min(_in_order(run, (state.ref for state in states))))
    late = Unread(first, "BUSY", "more than a step can read, read again and put right")
    result = reconcile(run, [late], known)
    after = replace(counted(sweep, result.outcomes, known, [result]), last_id=first.id)
    _commit(run, [result], after)
    return Step(after, result.outcomes, paused=True)


def _unmet(
    run: Run[S, P], sweep: Sweep, known: Mapping[Ref, Item], met: set[Ref], *, last: bool
) -> dict[Ref, Item]:
    """Resources the ledger knows and the pass should have come by, and did not."""
    if run.control.ordered:
        return {ref: item for ref, item in known.items() if ref not in met}
    items = run.ledger.all_items(run.control.id) if last else iter(())
    marks = marks_of(sweep.met, met)
    return {item.ref: item for item in items if mark_of(item.ref) not in marks}


def _unmet_results(run: Run[S, P], unmet: Mapping[Ref, Item]) -> list[Result]:
    """Look at each by its name: it may have been made again, or be gone."""
    states = [state for state in observe(run, list(unmet)) if state.ref in unmet]
    lost = set(unmet) - {state.ref for state in states}
    return [_news(run, reconcile(run, states, unmet)), vanished(run, sorted(lost), unmet)]


def _news(run: Run[S, P], result: Result) -> Result:
    """Without what is as the ledger has it and of no order: an earlier step may have met it."""
    if not run.control.ordered or result.items or result.changes:
        return result
    first = run.control.kinds[0]
    told = [one for one in result.outcomes if one.finding.ref.kind == first]
    return replace(result, outcomes=told)


def _commit(run: Run[S, P], results: Sequence[Result], sweep: Sweep) -> None:
    run.ledger.commit(
        items=[item for result in results for item in result.items],
        gone=[item for result in results for item in result.gone],
        changes=[change for result in results for change in result.changes],
        sweep=sweep,
    )
