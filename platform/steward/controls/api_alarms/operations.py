"""What is deployed on a stage, as far as it can have alarms of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steward.controls.api_gateway import REST, Stage, methods
from steward.controls.api_gateway.stages import VERBS, method_key
from steward.errors import Refused
from steward.model import Sight

_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"


@dataclass(frozen=True, slots=True)
class Operation:
    """A deployed method of a REST API, or a route of another."""

    key: str
    """Of its settings, as the stage has them."""
    path: str
    verb: str = ""
    """None of a route that names no path: ``$default``, and those of WebSocket APIs."""
    is_mock: bool = False
    """API Gateway answers itself, without an integration behind."""

    @property
    def label(self) -> str:
        return f"{self.verb} {self.path}".strip()


def operations(sight: Sight[Any], stage: Stage) -> tuple[Operation, ...]:
    """The methods of a REST stage's deployment, from its export; else the API's routes."""
    if stage.api.kind == REST:
        return _exported(sight, stage)
    found = methods(sight, stage)
    return tuple(
        Operation(one.key, one.path, "" if one.key == one.path else one.verb) for one in found
    )


def _exported(sight: Sight[Any], stage: Stage) -> tuple[Operation, ...]:
    """Only an export tells what is deployed together with what answers there."""
    answer = sight.aws.ask(
        "apigateway",
        "GetExport",
        restApiId=stage.api.id,
        stageName=stage.name,
        exportType="oas30",
        parameters={"extensions": "integrations"},
        accepts="application/json",
    )
    try:
        paths = json.loads(answer["body"])["paths"]
        found = [one for path, told in paths.items() for one in _of_path(path, told)]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(f"the export of {stage.ref.id} is not understood: {error}") from error
    return tuple(sorted(found, key=lambda one: one.key))


def _of_path(path: str, told: Mapping[str, Any]) -> Iterator[Operation]:
    """A path's own verbs, then those that ANY stands for."""
    own = {verb.upper(): one for verb, one in told.items() if verb.upper() in VERBS}
    every = told.get(_ANY)
    for verb in VERBS:
        if (one := own.get(verb, every)) is not None:
            integration = one.get(_INTEGRATION) or {}
            is_mock = str(integration.get("type", "")).lower() == "mock"
            yield Operation(method_key(path, verb), path, verb, is_mock)
