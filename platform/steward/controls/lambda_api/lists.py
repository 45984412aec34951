"""Lists of AWS, read whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.model import Aws, Sight

Described: TypeAlias = Mapping[str, Any]
"""As a service tells of a resource."""

OFF = frozenset({"Deleting", "Disabled", "Disabling"})
"""States of a mapping that is not read, or soon will not be (Lambda API reference)."""


def entries(aws: Aws, service: str, operation: str, key: str, **params: Any) -> list[Any]:
    """What all pages of a list have under ``key``."""
    answers = aws.pages(service, operation, None, **params)
    return [entry for answer, _ in answers for entry in answer.get(key) or ()]


def by_token(
    aws: Aws, service: str, operation: str, token: str, **params: Any
) -> Iterator[Mapping[str, Any]]:
    """The pages of an operation that botocore knows no pages of."""
    more: Mapping[str, Any] = {}
    while True:
        answer = aws.ask(service, operation, **params, **more)
        yield answer
        if not answer.get(token):
            return
        more = {token: answer[token]}


def mappings(aws: Aws) -> list[Described]:
    """The event source mappings of all functions; a hundred to an answer (API reference)."""
    return entries(aws, "lambda", "ListEventSourceMappings", "EventSourceMappings", MaxItems=100)


def mappings_once(sight: Sight[Any]) -> Sequence[Described]:
    """The same, read once in a step."""
    return sight.known.once("event source mappings", lambda: mappings(sight.aws))


def aliases(aws: Aws, name: str) -> list[Described]:
    """The aliases of a function."""
    return entries(aws, "lambda", "ListAliases", "Aliases", FunctionName=name)


def invoke_configs(aws: Aws, name: str) -> list[Described]:
    """How a function, its aliases and versions are invoked asynchronously; 50 to an answer."""
    asked = {"FunctionName": name, "MaxItems": 50}
    key = "FunctionEventInvokeConfigs"
    return entries(aws, "lambda", "ListFunctionEventInvokeConfigs", key, **asked)


def on_failure(told: Described) -> str:
    """The ARN to which goes what failed, of a mapping or of invocations; '' where it goes nowhere.

    Kafka's topics have ``kafka://`` instead of an ARN.
    """
    destination = (told.get("DestinationConfig") or {}).get("OnFailure") or {}
    return destination.get("Destination") or ""
