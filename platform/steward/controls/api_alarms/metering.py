"""Whether API Gateway writes metrics of single methods, and the smallest change to that end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from steward.controls.api_alarms.operations import Operation
from steward.controls.api_alarms.state import Watched
from steward.controls.api_gateway import REST, Stage
from steward.controls.api_gateway.stages import EVERY, Settings
from steward.model import Call

MOST = 80
"""Patch operations that one UpdateStage takes."""

_REST, _V2 = "metricsEnabled", "DetailedMetricsEnabled"
_LOGS = ("DataTraceEnabled", "LoggingLevel")


def metered(stage: Stage) -> Mapping[str, bool]:
    """Whether detailed metrics are on: by default, and by each setting of single methods."""
    name = _REST if stage.api.kind == REST else _V2
    own = {key: bool(settings.get(name)) for key, settings in stage.settings.items()}
    return {EVERY: bool(stage.default.get(name)), **own}


def unmetered(state: Watched, operations: Iterable[Operation]) -> list[str]:
    """The settings that keep these methods from being measured, by key.

    A method with settings of its own has nothing from the stage's.
    """
    own = {one.key if one.key in state.stage.settings else EVERY for one in operations}
    return sorted(key for key in own if not state.metered.get(key))


def switched_on(state: Watched, keys: Sequence[str]) -> list[Call]:
    """The calls that switch detailed metrics on there, and change nothing else."""
    calls = []
    now = dict(state.metered)
    for start in range(0, len(keys), MOST):
        some = keys[start : start + MOST]
        after = now | dict.fromkeys(some, True)
        undo = Call(*_update(state.stage, some, on=False), effect={"metered": now})
        effect = {"metered": after}
        calls.append(Call(*_update(state.stage, some, on=True), undo=undo, effect=effect))
        now = after
    return calls


def _update(stage: Stage, keys: Sequence[str], *, on: bool) -> tuple[str, str, Mapping[str, Any]]:
    """A REST API is told single settings; another a route's whole, as they were read.

    No page says whether members that a request leaves out are kept.
    """
    if stage.api.kind == REST:
        value = "true" if on else "false"
        patch = [
            {"op": "replace", "path": f"/{key}/metrics/enabled", "value": value} for key in keys
        ]
        told = {"restApiId": stage.api.id, "stageName": stage.name, "patchOperations": patch}
        return "apigateway", "UpdateStage", told
    asked: dict[str, Any] = {"ApiId": stage.api.id, "StageName": stage.name}
    routes = {key: {**_told(stage, stage.settings[key]), _V2: on} for key in keys if key != EVERY}
    if EVERY in keys:
        asked["DefaultRouteSettings"] = {**_told(stage, stage.default), _V2: on}
    if routes:
        asked["RouteSettings"] = routes
    return "apigatewayv2", "UpdateStage", asked


def _told(stage: Stage, settings: Settings) -> Settings:
    """What a request may say of the settings: an HTTP API refuses to hear of execution logs."""
    refused = _LOGS if stage.api.protocol == "HTTP" else ()
    return {name: value for name, value in settings.items() if name not in refused}
