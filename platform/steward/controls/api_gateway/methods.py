"""Which methods and routes calls can reach on a stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steward.controls.api_gateway.stages import ANY, REST, VERBS, Method, Stage, method_key
from steward.model import Sight


def methods(sight: Sight[Any], stage: Stage) -> tuple[Method, ...]:
    """Those of the stage's deployment, and of its canary's; each deployment is read once a step.

    What a deployment of an HTTP or WebSocket API froze no API tells: its routes are those that
    the API has now.
    """
    if stage.api.kind != REST:
        return sight.known.once(f"routes of {stage.api.id}", lambda: _routes(sight, stage))
    found: dict[str, Method] = {}
    for deployment in filter(None, dict.fromkeys((stage.deployment, stage.canary))):
        for one in _deployed(sight, stage.api.id, deployment):
            found.setdefault(one.key, one)
    return tuple(found[key] for key in sorted(found))


def _deployed(sight: Sight[Any], api: str, deployment: str) -> tuple[Method, ...]:
    def read() -> tuple[Method, ...]:
        answer = sight.aws.ask(
            "apigateway",
            "GetDeployment",
            restApiId=api,
            deploymentId=deployment,
            embed=["apisummary"],
        )
        return tuple(_summary(answer.get("apiSummary") or {}))

    return sight.known.once(f"deployment {api} {deployment}", read)


def _summary(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Method]:
    """A path's own verbs, then those that ANY stands for."""
    for path, by_verb in told.items():
        for verb, snapshot in by_verb.items():
            if verb != ANY:
                yield _method(path, verb, verb, snapshot)
        if ANY in by_verb:
            for verb in VERBS:
                if verb not in by_verb:
                    yield _method(path, verb, ANY, by_verb[ANY])


def _method(path: str, verb: str, declared: str, snapshot: Mapping[str, Any]) -> Method:
    return Method(
        method_key(path, verb),
        path,
        verb,
        declared,
        snapshot.get("authorizationType") or "NONE",
        bool(snapshot.get("apiKeyRequired")),
    )


def _routes(sight: Sight[Any], stage: Stage) -> tuple[Method, ...]:
    pages = sight.aws.pages("apigatewayv2", "GetRoutes", ApiId=stage.api.id, MaxResults="500")
    found = [_route(route) for answer, _ in pages for route in answer["Items"]]
    return tuple(sorted(found, key=lambda one: one.key))


def _route(told: Mapping[str, Any]) -> Method:
    """``GET /items`` has a verb and a path; ``$connect`` is reached by whatever names it."""
    key: str = told["RouteKey"]
    verb, _, path = key.partition(" ")
    if not path:
        verb, path = ANY, key
    wanted = told.get("AuthorizationType") or "NONE"
    return Method(key, path, verb, verb, wanted, bool(told.get("ApiKeyRequired")))
