"""Readers of who uses the versions of one function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from steward.controls.function_versions.state import Policy
from steward.controls.lambda_api.lists import aliases as listed_aliases
from steward.errors import Invalid, StewardError
from steward.model import Aws, Sight

RUNNING = ["RUNNING", "PAUSING", "PAUSED"]
"""Statuses of durable executions that need the version on which they began."""

STACK_TAG = "aws:cloudformation:stack-id"

_LEFT = ("DELETE_COMPLETE", "DELETE_SKIPPED")
"""Statuses of what is no longer a stack's; DELETE_SKIPPED: it was retained."""

Users: TypeAlias = Mapping[int, str]
"""By number of a version: who uses it, in words."""


def aliases(aws: Aws, name: str) -> Users:
    """Also by routing weights; read anew each time."""
    return {number: f": {alias}" for number, alias in sorted(_targets(aws, name), reverse=True)}


def _targets(aws: Aws, name: str) -> Iterator[tuple[int, str]]:
    """The versions to which aliases lead, each with the alias."""
    for alias in listed_aliases(aws, name):
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        for version in (alias["FunctionVersion"], *weights):
            if number := number_of(version):
                yield number, alias["Name"]


def provisioned(sight: Sight[Policy], name: str) -> Users:
    return _qualified(
        sight, name, "ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs"
    )


def durable(sight: Sight[Policy], name: str) -> Users:
    """Executions are bound to the version that they began on."""
    operation = "ListDurableExecutionsByFunction"
    return _qualified(sight, name, operation, "DurableExecutions", Statuses=RUNNING)


def _qualified(sight: Sight[Policy], name: str, operation: str, key: str, **params: Any) -> Users:
    """The versions in the ARNs of a list, read once in a step."""

    def read() -> Users:
        pages = sight.aws.pages("lambda", operation, None, FunctionName=name, **params)
        arns = (one["FunctionArn"] for answer, _ in pages for one in answer[key])
        numbers = (number_of(arn.rpartition(":")[2]) for arn in arns)
        return dict.fromkeys((number for number in numbers if number), "")

    return sight.known.once(f"{operation} of {name}", read)


def urls(sight: Sight[Policy], name: str) -> Users:
    """A URL is of an alias or of $LATEST, never of a version: it leads by the alias to some.

    Asked only where aliases are not, which would vouch for the same versions.
    """
    pages = sight.aws.pages("lambda", "ListFunctionUrlConfigs", None, FunctionName=name)
    arns = [one["FunctionArn"] for answer, _ in pages for one in answer["FunctionUrlConfigs"]]
    names = {arn.rpartition(":")[2] for arn in arns if arn.count(":") == 7}
    targets = _targets(sight.aws, name) if names else ()
    return {number: f": {alias}" for number, alias in targets if alias in names}


def owned(sight: Sight[Policy], name: str, tags: Mapping[str, str] | StewardError) -> Users:
    """Versions that are resources of the stack to which the function belongs, by its tags."""
    if isinstance(tags, StewardError):
        raise tags
    stack = tags.get(STACK_TAG)
    if stack is None:
        return {}
    owned = sight.known.once(f"versions of {stack}", lambda: _of_stack(sight.aws, stack))
    ours = (arn.split(":") for arn in owned)
    numbers = (number_of(parts[7]) for parts in ours if len(parts) == 8 and parts[6] == name)
    return dict.fromkeys((number for number in numbers if number), "")


def _of_stack(aws: Aws, stack: str) -> list[str]:
    """The ARNs of the versions of a stack; of one that is long gone, none."""
    pages = aws.pages("cloudformation", "ListStackResources", None, StackName=stack)
    try:
        return [
            str(one.get("PhysicalResourceId", ""))
            for answer, _ in pages
            for one in answer["StackResourceSummaries"]
            if one["ResourceType"] == "AWS::Lambda::Version"
            if one.get("ResourceStatus") not in _LEFT
        ]
    except Invalid as error:
        if "does not exist" in str(error):
            return []
        raise


def number_of(version: str) -> int:
    """A published version's number; 0 for ``$LATEST``, ``$LATEST.PUBLISHED`` and aliases."""
    return int(version) if version.isascii() and version.isdecimal() else 0
