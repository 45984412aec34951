"""Tags from the tagging index, for resources whose own API does not tell them with the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.model import Aws, Sight

BATCH = 100
"""Resources a GetResources answer holds, and ARNs a request takes, at most (API reference)."""

Tags: TypeAlias = Mapping[str, Mapping[str, str]]
"""By ARN, without ``:*``; what was never tagged is absent."""


def whole(sight: Sight[Any], resource_type: str) -> Tags:
    """The tags of all tagged resources of a type such as ``logs:log-group``, read once a step."""

    def read() -> Tags:
        pages = sight.aws.pages(
            "resourcegroupstaggingapi",
            "GetResources",
            ResourceTypeFilters=[resource_type],
            ResourcesPerPage=BATCH,
        )
        return {arn: tags for answer, _ in pages for arn, tags in _tagged(answer)}

    return sight.known.once(f"tags of {resource_type}", read)


def pages(
    aws: Aws, types: Sequence[str], start: str | None = None
) -> Iterator[tuple[Tags, str | None]]:
    """The tags of what has, or had, tags of these types; page by page, with the next token."""
    for answer, token in aws.pages(
        "resourcegroupstaggingapi",
        "GetResources",
        start,
        ResourceTypeFilters=list(types),
        ResourcesPerPage=BATCH,
    ):
        yield dict(_tagged(answer)), token


def of(aws: Aws, arns: Sequence[str]) -> Tags:
    """The tags of these resources."""
    found: dict[str, Mapping[str, str]] = {}
    for start in range(0, len(arns), BATCH):
        batch = list(arns[start : start + BATCH])
        answer = aws.ask("resourcegroupstaggingapi", "GetResources", ResourceARNList=batch)
        found.update(_tagged(answer))
    return found


def _tagged(answer: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for resource in answer["ResourceTagMappingList"]:
        tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
        yield resource["ResourceARN"].removesuffix(":*"), tags
