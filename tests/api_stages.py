"""What API Gateway makes of calls, in small: the settings of a stage, by key."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from steward.controls.api_gateway.stages import EVERY, REST, V2, Method, method_key
from steward.controls.api_throttling.settings import limit_of, others
from steward.controls.api_throttling.state import ApiStage, remembering
from steward.model import Call

World: TypeAlias = dict[str, dict[str, Any]]
"""Settings by key, as API Gateway keeps them; EVERY is the stage's default."""

MATERIALISED: Mapping[str, Any] = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}

_TOLD: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "metrics/enabled": ("metricsEnabled", lambda text: text == "true"),
    "logging/loglevel": ("loggingLevel", str),
    "logging/dataTrace": ("dataTraceEnabled", lambda text: text == "true"),
    "caching/enabled": ("cachingEnabled", lambda text: text == "true"),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", int),
    "caching/dataEncrypted": ("cacheDataEncrypted", lambda text: text == "true"),
    "caching/requireAuthorizationForCacheControl": (
        "requireAuthorizationForCacheControl",
        lambda text: text == "true",
    ),
    "caching/unauthorizedCacheControlHeaderStrategy": (
        "unauthorizedCacheControlHeaderStrategy",
        str,
    ),
    "throttling/rateLimit": ("throttlingRateLimit", float),
    "throttling/burstLimit": ("throttlingBurstLimit", int),
}


def method(verb: str, path: str, kind: str = REST, declared: str = "") -> Method:
    key = method_key(path, verb) if kind == REST else f"{verb} {path}"
    return Method(key, path, verb, declared or verb)


def state(
    world: World, methods: Iterable[Method], memory: str = "", kind: str = REST, **more: Any
) -> ApiStage:
    """The stage as it would be read."""
    stage = ApiStage(
        id="a1/prod",
        kind=kind,
        api_name="orders",
        methods=tuple(methods),
        limits={key: limit_of(settings) for key, settings in world.items()},
        settings={key: others(settings) for key, settings in world.items()},
        **more,
    )
    return remembering(stage, memory)


def after(world: World, calls: Iterable[Call]) -> World:
    """The world once API Gateway has carried out the calls."""
    changed = copy.deepcopy(world)
    for call in calls:
        _CARRIED_OUT[f"{call.service}.{call.operation}"](changed, call.params)
    return changed


def taken_back(world: World, calls: Iterable[Call]) -> World:
    """The world once they are undone."""
    return after(world, [call.undo for call in reversed([*calls]) if call.undo])


def _patched(world: World, params: Mapping[str, Any]) -> None:
    operations = params["patchOperations"]
    assert len(operations) <= 80
    for one in operations:
        _, path, verb, *setting = one["path"].split("/")
        key = f"{path}/{verb}"
        if one["op"] == "remove":
            assert not setting
            del world[key]
            continue
        assert one["op"] == "replace"
        name, read = _TOLD["/".join(setting)]
        world.setdefault(key, dict(MATERIALISED))[name] = read(one["value"])


def _updated(world: World, params: Mapping[str, Any]) -> None:
    for key, told in params.get("RouteSettings", {}).items():
        world.setdefault(key, {"DetailedMetricsEnabled": False}).update(told)
    world[EVERY].update(params.get("DefaultRouteSettings", {}))


def _deleted(world: World, params: Mapping[str, Any]) -> None:
    del world[params["RouteKey"]]


_CARRIED_OUT: Mapping[str, Callable[[World, Mapping[str, Any]], None]] = {
    "apigateway.UpdateStage": _patched,
    "apigatewayv2.UpdateStage": _updated,
    "apigatewayv2.DeleteRouteSettings": _deleted,
}

__all__ = ["MATERIALISED", "REST", "V2", "World", "after", "method", "state", "taken_back"]
