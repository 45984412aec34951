"""The tag index where moto answers otherwise than AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.core.resource_tagging import (
    TaggedResource,
    iter_taggable_backends,
    make_tag_matcher,
    match_resource_type,
)

from embedded import tag_writes
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request, invalid

PAGE = 100
"""Resources an answer holds, and ARNs a request takes, at most (API reference)."""

_TYPES = {"logs:loggroup": "logs:log-group"}
"""Resource types as their ARNs have them, where moto writes them otherwise."""

_ALONE = frozenset(
    {"ResourceTypeFilters", "TagFilters", "ResourcesPerPage", "TagsPerPage", "PaginationToken"}
)
"""What a request by ResourceARNList must not have."""


def get_resources(request: Request) -> Mapping[str, Any]:
    """Tagged resources by ARN, or by type and tags, sorted by ARN, page by page."""
    params = request.params
    if "TagsPerPage" in params:
        raise NotImplementedError("GetResources: TagsPerPage is not emulated")
    size, arns = params.get("ResourcesPerPage", 50), params.get("ResourceARNList", [])
    if not 1 <= size <= PAGE or len(arns) > PAGE:
        raise invalid(f"ResourcesPerPage and ResourceARNList reach to {PAGE}")
    if arns and _ALONE & params.keys():
        raise invalid("ResourceARNList cannot be combined with filters or pages")
    query = {key: params[key] for key in ("ResourceTypeFilters", "TagFilters") if key in params}
    found = [one for one in _tagged(request, query) if not arns or one.arn in arns]
    try:
        shown, token = page(
            found, _arn, PAGE if arns else size, params.get("PaginationToken"), query
        )
    except BadTokenError as error:
        message = "The PaginationToken has expired or is not ours."
        raise Refusal("PaginationTokenExpiredException", message) from error
    return {
        "ResourceTagMappingList": [_mapping(one) for one in shown],
        "PaginationToken": token or "",
    }


def _tagged(request: Request, query: Mapping[str, Any]) -> Sequence[TaggedResource]:
    matches = make_tag_matcher(query.get("TagFilters"))
    types = query.get("ResourceTypeFilters")
    found = (
        resource
        for resource in _indexed(request)
        if resource.tags and match_resource_type(_type(resource), types) and matches(resource.tags)
    )
    return sorted(found, key=_arn)


def _indexed(request: Request) -> Iterator[TaggedResource]:
    """What moto has of each resource, unless the tagging API has written its tags."""
    kept = tag_writes.kept(request.account, request.region)
    for backend in iter_taggable_backends(request.account, request.region):
        yield from (one for one in backend.iter_tagged_resources() if one.arn not in kept)
    for arn, tags in [*kept.items()]:
        kind = re.split("[:/]", arn.split(":", 5)[5])[0]
        yield TaggedResource(arn, tags, f"{arn.split(':')[2]}:{kind}")


def _type(resource: TaggedResource) -> str:
    return _TYPES.get(resource.resource_type, resource.resource_type)


def _arn(resource: TaggedResource) -> str:
    return resource.arn


def _mapping(resource: TaggedResource) -> Mapping[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in resource.tags.items()]
    return {"ResourceARN": resource.arn, "Tags": tags}
