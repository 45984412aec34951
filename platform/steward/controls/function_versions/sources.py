"""Who names versions of functions, account-wide: one reader for each place to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.controls.function_versions import apis, targets
from steward.controls.function_versions.naming import Found, named
from steward.controls.lambda_api.lists import by_token, entries, mappings
from steward.model import Aws

EDGE_REGION = "us-east-1"
"""Where functions of Lambda@Edge live (CloudFront developer guide)."""

DESTINATIONS = "destinations of functions"

_WHOLE = ("",)
"""The pieces of what is read as a whole."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place where versions are named; it is read piece by piece, in the order of pieces."""

    field: str  # of the policy's evidence
    of: str  # what is read, in words
    pieces: Callable[[Aws], Sequence[str]]
    read: Callable[[Aws, str], Found]


def _whole(_: Aws) -> Sequence[str]:
    return _WHOLE


def _mappings(aws: Aws, _: str) -> Found:
    return named(aws, *(one.get("FunctionArn", "") for one in mappings(aws)))


def _edge_pieces(aws: Aws) -> Sequence[str]:
    return _WHOLE if aws.region == EDGE_REGION else ()


def _distributions(aws: Aws, _: str) -> Found:
    """Also those that are disabled, and those that stage changes of others."""
    marker: Mapping[str, Any] = {}
    while True:
        told = aws.ask("cloudfront", "ListDistributions", **marker)["DistributionList"]
        yield from named(aws, told.get("Items") or ())
        if not told.get("IsTruncated"):
            return
        marker = {"Marker": told["NextMarker"]}


def _machines(aws: Aws) -> Sequence[str]:
    listed = entries(aws, "stepfunctions", "ListStateMachines", "stateMachines", maxResults=1000)
    return [one["stateMachineArn"] for one in listed]


def _machine(aws: Aws, arn: str) -> Found:
    """Its definition, and those of its published versions."""
    answers = by_token(
        aws, "stepfunctions", "ListStateMachineVersions", "nextToken", stateMachineArn=arn
    )
    listed = [one["stateMachineVersionArn"] for a in answers for one in a["stateMachineVersions"]]
    for one in (arn, *listed):
        told = aws.ask("stepfunctions", "DescribeStateMachine", stateMachineArn=one)
        yield from named(aws, told["definition"])


SOURCES: Sequence[Source] = (
    Source("event_source_mappings", "event source mappings", _whole, _mappings),
    Source("edge", "distributions of CloudFront", _edge_pieces, _distributions),
    Source("event_targets", "subscriptions of SNS topics", _whole, targets.subscriptions),
    Source("event_targets", "schedules", _whole, targets.schedules),
    Source("event_targets", "pipes of EventBridge", _whole, targets.pipes),
    Source("event_targets", "rules of EventBridge", targets.rules, targets.rule),
    Source("event_targets", "notifications of buckets", targets.buckets, targets.bucket),
    Source("event_targets", DESTINATIONS, targets.functions, targets.destinations),
    Source("state_machines", "state machines", _machines, _machine),
    Source("api_integrations", "REST APIs", apis.rest_apis, apis.rest_api),
    Source("api_integrations", "HTTP and WebSocket APIs", apis.apis, apis.api),
)
"""In the order in which they are read: what tells most with fewest requests first."""
