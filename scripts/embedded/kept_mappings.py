"""Event source mappings as Lambda lists them: moto's, and the stack's, which are kept from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded import versions
from embedded.deployment import FUNCTION, MAPPING, Deployment, Resource
from embedded.request import Request

_TOLD = (
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "EventSourceArn",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "ScalingConfig",
    "StartingPosition",
)

Answer = Mapping[str, Any]


def overlays(
    deployed: Callable[[], Deployment],
) -> Mapping[tuple[str, str], Callable[[Request], Answer]]:
    """What answers in moto's place; see ``embedded.overlays.OVERLAYS``."""

    def list_mappings(request: Request) -> Answer:
        return versions.list_event_source_mappings(request, [*_told(deployed())])

    return {("lambda", "ListEventSourceMappings"): list_mappings}


def _told(deployment: Deployment) -> Iterator[Answer]:
    arns = {one.physical_id: one.arn for one in deployment.of_type(FUNCTION)}
    for one in deployment.of_type(MAPPING):
        yield _mapping(one, arns[one.properties["FunctionName"]])


def _mapping(one: Resource, function: str) -> Answer:
    """The destination's type is CloudFormation's alone."""
    told = {name: one.properties[name] for name in _TOLD if name in one.properties}
    if failure := told.get("DestinationConfig", {}).get("OnFailure"):
        told["DestinationConfig"] = {"OnFailure": {"Destination": failure["Destination"]}}
    return {**told, "UUID": one.physical_id, "FunctionArn": function, "State": "Enabled"}
