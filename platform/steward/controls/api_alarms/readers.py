"""How stages are read with their alarms, and what is read besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from steward.controls import api_gateway
from steward.controls.api_alarms import grouped as over_all
from steward.controls.api_alarms import names, present
from steward.controls.api_alarms.assess import State
from steward.controls.api_alarms.board_readers import board, board_of
from steward.controls.api_alarms.metering import metered
from steward.controls.api_alarms.operations import operations
from steward.controls.api_alarms.present import WHOLE_FROM, Present
from steward.controls.api_alarms.state import ALARM, DASHBOARD, Grouped, Policy, Watched
from steward.controls.api_alarms.values import metric_name, total
from steward.controls.api_gateway import KINDS, REST, Api, Stage
from steward.model import Page, Ref, Sight, Unread

APIS = 500
"""APIs to an answer, at most (GetRestApis, API reference)."""

LAST = "last"
"""The cursor of the last page: what is over several stages, and what vanished ones have left."""

Read: TypeAlias = State | Unread

Alarms: TypeAlias = Callable[[str], Present]
"""The alarms of an API by its id, or more."""

ByName: TypeAlias = Mapping[str, Sequence[str]]
"""Ids of REST APIs by the name that CloudWatch knows them by."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[State]]:
    """Every stage, with its API's dashboard; last what stands for several, and what is left."""
    met: set[Ref] = set()
    if cursor != LAST:
        look = partial(_watched, sight, present.alarms(sight), _by_name(sight))
        for page in api_gateway.discover(sight, cursor, look):
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
    unread = {_above(state.ref) for state in states if isinstance(state, Unread)}
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
    asked = {ref: names.stages_of(sight.policy.alarm_prefix, ref.id) for ref in refs}
    apis = {ref: api for ref, api in asked.items() if ref.kind == DASHBOARD and api}
    stages = [ref for ref in refs if ref.kind in KINDS]
    alarms = _reader(sight, [*stages, *apis.values()])
    seen: dict[Ref, list[Watched | Unread]] = {}
    by_name = _by_name(sight) if any(ref.kind == REST for ref in [*stages, *apis.values()]) else {}
    look = _look(sight, alarms, by_name)
    for state in api_gateway.observe(sight, [*stages, *apis.values()], look):
        seen.setdefault(_above(state.ref), []).append(state)
    wanted = set(stages)
    for states in seen.values():
        yield from (one for one in states if one.ref in wanted or _above(one.ref) in wanted)
    met = {state.ref for states in seen.values() for state in states}
    yield from _gone(alarms, stages, met)
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
        found.append(Ref(DASHBOARD, names.dashboard_name(sight.policy.alarm_prefix, ref)))
    return found


def _reader(sight: Sight[Policy], refs: Iterable[Ref]) -> Alarms:
    """Few APIs are asked for one by one, many all together."""
    if len({_above(ref) for ref in refs}) < WHOLE_FROM:
        return partial(present.alarms_of, sight)
    return lambda _: present.alarms(sight)


def _look(sight: Sight[Policy], alarms: Alarms, by_name: ByName) -> Callable[[Stage], Watched]:
    return lambda stage: _watched(sight, alarms(stage.api.id), by_name, stage)


def _watched(sight: Sight[Policy], found: Present, by_name: ByName, stage: Stage) -> Watched:
    policy, ours = sight.policy, found.of(stage.ref)
    deeply = policy.by_method and not stage.managed and not policy.excludes(stage.ref)
    return Watched(
        stage=stage,
        methods=operations(sight, stage) if deeply else (),
        metered=metered(stage),
        namesakes=_namesakes(by_name, stage.api),
        alarms=ours,
        alarmed=total(ours),
        taken=found.taken(names.api_prefix(policy.alarm_prefix, stage.api.id)),
    )


def _namesakes(by_name: ByName, api: Api) -> tuple[str, ...]:
    """Other REST APIs that CloudWatch cannot tell from this one."""
    named = by_name.get(metric_name(api.id, api.name), ()) if api.kind == REST else ()
    return tuple(one for one in named if one != api.id)


def _by_name(sight: Sight[Policy]) -> ByName:
    """The ids of all REST APIs by their name, read once a step; alarms over all need none."""

    def read() -> ByName:
        found: dict[str, list[str]] = {}
        for answer, _ in sight.aws.pages("apigateway", "GetRestApis", limit=APIS):
            for one in answer.get("items", ()):
                found.setdefault(metric_name(one["id"], one.get("name", "")), []).append(one["id"])
        return {name: sorted(ids) for name, ids in found.items()}

    return {} if sight.policy.is_grouped else sight.known.once("rest apis by name", read)


def _gone(alarms: Alarms, refs: Iterable[Ref], met: set[Ref]) -> Iterator[Watched]:
    """Stages that are asked for, are not there, and have left alarms of ours."""
    for asked in refs:
        api = asked.id.partition("/")[0]
        if any(_above(ref) == _above(asked) and ref.id.endswith("/*") for ref in met):
            continue  # its stages could not be read
        for ref, ours in alarms(api).ours.items():
            below = asked.several and _above(ref) == asked
            if (ref == asked or below) and ref not in met:
                stage = Stage(Api(ref.kind, api), ref.id.partition("/")[2])
                yield Watched(stage, alarms=ours, alarmed=total(ours), exists=False)
                met = met | {ref}


def _grouped(sight: Sight[Policy], found: Present, wanted: Iterable[str]) -> Iterator[Grouped]:
    """The named alarms over all APIs; one that is neither there nor wanted is gone."""
    asked = over_all.wanted(sight.policy)
    for name in dict.fromkeys(wanted):
        ours = found.of(Ref(ALARM, name))
        if ours or name in asked:
            yield Grouped(name, ours.get(name, {}), total(ours), name in found.foreign)


def _above(ref: Ref) -> Ref:
    """All stages of a stage's API."""
    return Ref(ref.kind, f"{ref.id.partition('/')[0]}/*")
