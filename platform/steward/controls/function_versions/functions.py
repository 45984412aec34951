"""Reads functions completely, one by one, and their versions with who uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls import tag_index
from steward.controls.function_versions.assess import unused
from steward.controls.function_versions.published import published, storage
from steward.controls.function_versions.state import KIND, Function, Policy
from steward.controls.function_versions.uses import marked
from steward.controls.lambda_api.reading import sheltered
from steward.controls.tag_index import Tags
from steward.errors import Refused, StewardError
from steward.model import Ref, Sight, Unread

PAGE = 50
"""Versions an answer holds at most (Lambda API reference)."""

Described: TypeAlias = Mapping[str, Any]


def read(sight: Sight[Policy], names: Sequence[str]) -> Iterator[Function | Unread]:
    """Functions read completely, each by itself; one that is gone is left out. Raises OutOfTime."""
    found: dict[str, list[Described]] = {}
    listed = sight.aws.together(
        lambda name: sheltered(Ref(KIND, name), lambda: _listed(sight, name)), names
    )
    for name, one in zip(names, listed, strict=True):
        if isinstance(one, Unread):
            yield one
        elif one is not None:
            found[name] = one
    told = tags_of(sight, _tagged(sight, found))
    if isinstance(told, StewardError) and sight.policy.honor_tags:
        yield from (untagged(name, told) for name in found)
        return

    def state(name: str) -> Function | Unread | None:
        own = told if isinstance(told, StewardError) else told.get(arn_of(sight, name), {})
        return sheltered(Ref(KIND, name), lambda: _state(sight, name, found[name], own))

    yield from (one for one in sight.aws.together(state, list(found)) if one is not None)


def _tagged(sight: Sight[Policy], found: Mapping[str, Sequence[Described]]) -> list[str]:
    """The functions whose tags are needed: all to go by, or some to tell their stacks."""
    if sight.policy.honor_tags:
        return sorted(found)
    stacks = sight.policy.stack_owned == "keep"
    return sorted(name for name in found if stacks and _may_go(sight, name, found[name]))


def tags_of(sight: Sight[Policy], names: Sequence[str]) -> Tags | Refused:
    """By ARN, or why they could not be read."""
    try:
        return tag_index.of(sight.aws, [arn_of(sight, name) for name in names])
    except Refused as refusal:
        return refusal


def _listed(sight: Sight[Policy], name: str) -> list[Described]:
    pages = sight.aws.pages(
        "lambda", "ListVersionsByFunction", None, FunctionName=name, MaxItems=PAGE
    )
    return [one for answer, _ in pages for one in answer["Versions"]]


def _may_go(sight: Sight[Policy], name: str, listed: Sequence[Described]) -> bool:
    """Whether a version may have to go, whoever uses it."""
    excluded = sight.policy.excludes(Ref(KIND, name))
    return not excluded and bool(unused(published(sight.now, listed), sight.policy))


def _state(
    sight: Sight[Policy],
    name: str,
    listed: Sequence[Described],
    tags: Mapping[str, str] | StewardError,
) -> Function:
    versions = published(sight.now, listed)
    known = {} if isinstance(tags, StewardError) else tags
    if not _may_go(sight, name, listed):
        return Function(name, len(versions), tags=known)
    durable = any("DurableConfig" in one for one in listed)
    told = tuple(marked(sight, name, versions, tags, durable=durable))
    kept = storage(sight) if unused(told, sight.policy) else ""
    return Function(name, len(told), told, kept, known)


def arn_of(sight: Sight[Policy], name: str) -> str:
    aws = sight.aws
    return f"arn:{aws.partition}:lambda:{aws.region}:{aws.account}:function:{name}"


def untagged(name: str, error: StewardError) -> Unread:
    return Unread(Ref(KIND, name), "TAGS_UNREADABLE", f"tags could not be read: {error}")
