"""How stages are read with their alarms, and what is read besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from steward.controls import api_gateway
from steward.controls.api_alarms import grouped as over_all
from steward.controls.api_alarms import names, present
from steward.controls.api_alarms.assess import State
from steward.controls.api_alarms.board_readers import board, board_of
from steward.controls.api_alarms.present import Present
from steward.controls.api_alarms.stage_readers import above, alarms_for, by_name, gone, look
from steward.controls.api_alarms.state import ALARM, DASHBOARD, Grouped, Policy, Watched
from steward.controls.api_alarms.values import total
from steward.controls.api_gateway import KINDS, REST
from steward.model import Page, Ref, Sight, Unread

LAST = "last"
"""The cursor of the last page: what is over several stages, and what vanished ones have left."""

Read: TypeAlias = State | Unread


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[State]]:
    """Every stage, with its API's dashboard; last what stands for several, and what is left."""
    met: set[Ref] = set()
    if cursor != LAST:
        found = present.alarms(sight)
        watched = look(sight, lambda _: found, by_name(sight))
        for page in api_gateway.discover(sight, cursor, watched):
            states = [*page.states, *_boards(sight, page.states)]
            met |= {state.ref for state in states}
            yield Page(states, page.cursor or LAST)
    yield Page(list(_last(sight, met)), None)


def _boards(sight: Sight[Policy], states: Iterable[Watched | Unread]) -> Iterator[Read]:
    """The dashboards of the APIs whose stages are in a page, which has all stages of an API."""
    by_api: dict[Ref, list[Watched]] = {}
    for state in states:
        if isinstance(state, Watched):
            by_api.setdefault(state.stage.api.stages, []).append(state)
    unread = {above(state.ref) for state in states if isinstance(state, Unread)}
    for api, stages in by_api.items():
        if api not in unread and (found := board_of(sight, api, stages)):
            yield found


def _last(sight: Sight[Policy], met: set[Ref]) -> Iterator[Read]:
    """Alarms over all APIs, and what stages and APIs have left that nobody else will name.

    What the ledger knows, and the pass did not meet, is looked at by its name in any case.
    """
    found = present.alarms(sight)
    yield from _grouped(sight, found, [*over_all.wanted(sight.policy), *present.grouped(found)])
    left = [ref for ref in found.ours if ref.kind in KINDS]
    left += [Ref(DASHBOARD, name) for name in present.dashboards(sight)]
    left = [ref for ref in left if ref not in met]
    known = sight.known.items(left) if left else {}
    yield from observe(sight, [ref for ref in left if ref not in known])


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Read]:
    """The named stages, also those that are gone and have left alarms; alarms; dashboards."""
    prefix, region = sight.policy.alarm_prefix, sight.aws.region
    asked = {ref: names.stages_of(prefix, region, ref.id) for ref in refs}
    apis = {ref: api for ref, api in asked.items() if ref.kind == DASHBOARD and api}
    stages = [ref for ref in refs if ref.kind in KINDS]
    wanted = [*stages, *apis.values()]
    alarms = alarms_for(sight, wanted)
    seen: dict[Ref, list[Watched | Unread]] = {}
    named = by_name(sight) if any(ref.kind == REST for ref in wanted) else {}
    for state in api_gateway.observe(sight, wanted, look(sight, alarms, named)):
        seen.setdefault(above(state.ref), []).append(state)
    for states in seen.values():
        yield from (one for one in states if one.ref in stages or above(one.ref) in stages)
    met = {state.ref for states in seen.values() for state in states}
    yield from gone(alarms, stages, met)
    for ref, api in apis.items():
        yield from board(sight, ref.id, api, seen.get(api, []))
    if single := [ref.id for ref in refs if ref.kind == ALARM]:
        yield from _grouped(sight, present.alarms_of(sight, names.ALL), single)


def besides(sight: Sight[Policy], ref: Ref) -> Sequence[Ref]:
    """What is over several stages, where an event names one of them."""
    if ref.kind not in KINDS:
        return ()
    found = [Ref(ALARM, name) for name in over_all.wanted(sight.policy)]
    if sight.policy.dashboard:
        prefix, region = sight.policy.alarm_prefix, sight.aws.region
        found.append(Ref(DASHBOARD, names.dashboard_name(prefix, region, ref)))
    return found


def _grouped(sight: Sight[Policy], found: Present, wanted: Iterable[str]) -> Iterator[Grouped]:
    """The named alarms over all APIs; one that is neither there nor wanted is gone."""
    asked = over_all.wanted(sight.policy)
    for name in dict.fromkeys(wanted):
        ours = found.of(Ref(ALARM, name))
        if ours or name in asked or present.is_expected(sight, Ref(ALARM, name)):
            yield Grouped(name, ours.get(name, {}), total(ours), name in found.foreign)
