"""How a stage is read with its alarms; and one that is gone, by the alarms it has left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from steward.controls.api_alarms import names, present
from steward.controls.api_alarms.metering import metered
from steward.controls.api_alarms.operations import operations
from steward.controls.api_alarms.present import WHOLE_FROM, Present
from steward.controls.api_alarms.state import Policy, Watched
from steward.controls.api_alarms.values import metric_name, total
from steward.controls.api_gateway import REST, Api, Stage
from steward.model import Ref, Sight

APIS = 500
"""APIs to an answer, at most (GetRestApis, API reference)."""

Alarms: TypeAlias = Callable[[str], Present]
"""The alarms of an API by its id, or more."""

ByName: TypeAlias = Mapping[str, Sequence[str]]
"""Ids of REST APIs by the name that CloudWatch knows them by."""


def alarms_for(sight: Sight[Policy], refs: Iterable[Ref]) -> Alarms:
    """Those of few APIs are read one by one, of many all together."""
    if len({above(ref) for ref in refs}) < WHOLE_FROM:
        return partial(present.alarms_of, sight)
    found = present.alarms(sight)  # now: what asks for them does so in several threads
    return lambda _: found


def look(sight: Sight[Policy], alarms: Alarms, named: ByName) -> Callable[[Stage], Watched]:
    """What the control makes of a stage that API Gateway tells."""
    return lambda stage: _watched(sight, alarms(stage.api.id), named, stage)


def _watched(sight: Sight[Policy], found: Present, named: ByName, stage: Stage) -> Watched:
    policy, ours = sight.policy, found.of(stage.ref)
    deeply = policy.by_method and not stage.managed and not policy.excludes(stage.ref)
    return Watched(
        stage=stage,
        methods=operations(sight, stage) if deeply else (),
        metered=metered(stage),
        namesakes=_namesakes(named, stage.api),
        alarms=ours,
        alarmed=total(ours),
        taken=found.taken(names.api_prefix(policy.alarm_prefix, stage.api.id)),
    )


def _namesakes(named: ByName, api: Api) -> tuple[str, ...]:
    """Other REST APIs that CloudWatch cannot tell from this one."""
    those = named.get(metric_name(api.id, api.name), ()) if api.kind == REST else ()
    return tuple(one for one in those if one != api.id)


def by_name(sight: Sight[Policy]) -> ByName:
    """The ids of all REST APIs by their name, read once a step; alarms over all need none."""

    def read() -> ByName:
        found: dict[str, list[str]] = {}
        for answer, _ in sight.aws.pages("apigateway", "GetRestApis", limit=APIS):
            for one in answer.get("items", ()):
                found.setdefault(metric_name(one["id"], one.get("name", "")), []).append(one["id"])
        return {name: sorted(ids) for name, ids in found.items()}

    return {} if sight.policy.is_grouped else sight.known.once("rest apis by name", read)


def gone(alarms: Alarms, refs: Iterable[Ref], met: set[Ref]) -> Iterator[Watched]:
    """Stages that are asked for, are not there, and have left alarms of ours."""
    unread = {ref for ref in met if ref == above(ref)}
    told: set[Ref] = set()
    for asked in refs:
        if above(asked) in unread:
            continue
        api = asked.id.partition("/")[0]
        for ref, ours in alarms(api).ours.items():
            is_asked = asked in (ref, above(ref))
            if is_asked and ref not in met | told:
                stage = Stage(Api(ref.kind, api), ref.id.partition("/")[2])
                yield Watched(stage, alarms=ours, alarmed=total(ours), exists=False)
                told.add(ref)


def above(ref: Ref) -> Ref:
    """All stages of a stage's API."""
    return Ref(ref.kind, f"{ref.id.partition('/')[0]}/*")
