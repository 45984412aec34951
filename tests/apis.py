"""Stages of APIs for tests of their alarms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steward.controls.api_alarms import CONTROL
from steward.controls.api_alarms.metering import metered
from steward.controls.api_alarms.operations import Operation
from steward.controls.api_alarms.state import Policy, Watched
from steward.controls.api_alarms.values import Alarms, total
from steward.controls.api_gateway import REST, V2, Api, Stage
from steward.controls.api_gateway.stages import method_key
from steward.policy import load

TOPIC = "arn:aws:sns:eu-west-1:111122223333:oncall"


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def operation(told: str, protocol: str = "REST", *, is_mock: bool = False) -> Operation:
    """Of ``GET /items``, or of a route's key."""
    verb, _, path = told.partition(" ")
    if not path:
        return Operation(told, told)
    key = method_key(path, verb) if protocol == "REST" else told
    return Operation(key, path, verb, is_mock)


def watched(
    protocol: str = "REST",
    methods: Iterable[str | Operation] = (),
    alarms: Alarms | None = None,
    **fields: Any,
) -> Watched:
    """Stage prod of the API orders with what is deployed there."""
    kind = REST if protocol == "REST" else V2
    api = Api(
        kind,
        fields.pop("api", "a1b2c3d4e5"),
        fields.pop("api_name", "orders"),
        protocol,
        fields.pop("api_tags", {}),
    )
    of_stage = {
        name: fields.pop(name)
        for name in ("settings", "default", "managed", "tags")
        if name in fields
    }
    stage = Stage(api, fields.pop("name", "prod"), **of_stage)
    told = {"metered": metered(stage), **fields}
    found = alarms or {}
    deployed = tuple(
        one if isinstance(one, Operation) else operation(one, protocol) for one in methods
    )
    return Watched(stage, deployed, alarms=found, alarmed=total(found), **told)
