"""Whose resources are, by their tags, read when a report is made and never in a sweep."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from steward.config_resources import API_PATHS, in_config
from steward.controls import tag_index, taggable
from steward.errors import StewardError
from steward.events import FUNCTION, LOG_GROUP
from steward.model import Aws, Ref
from steward.reports.wording import counted

KEYS = ("owner", "Owner", "team", "Team")
"""The keys of tags that tell an owner; the first that a resource has counts."""


_FUNCTIONS_OWN = re.compile(r"/aws/lambda/([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Owned:
    """What is known of owners; a resource whose tags do not tell is absent."""

    by_ref: Mapping[Ref, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What could not be read, and why."""
    of: Mapping[Ref, str] = field(default_factory=dict)
    """Whose owner it is, where the resource's own tags do not tell: 'function claims'."""
    keys: tuple[str, ...] = ()
    """The keys of tags that were read."""


Owners: TypeAlias = Callable[[Sequence[Ref]], Owned]


def owners(aws: Aws, refs: Sequence[Ref], keys: Sequence[str] = KEYS) -> Owned:
    """The owners of these resources from the tagging index, a request for each hundred.

    A function's log group is whose the function is, unless its own tags tell.
    """
    keys = tuple(key.strip() for key in keys)  # 'owner, team' is how people write a list
    arns = {ref: arn for ref in dict.fromkeys(refs) if (arn := arn_of(ref, aws))}
    makers = {ref: maker for ref in arns if (maker := _function_of(ref)) is not None}
    behind = {ref: arn_of(maker, aws) for ref, maker in makers.items()}
    tags, notes = _tags(aws, sorted({*arns.values(), *behind.values()}))
    own = {ref: _owner(tags.get(arn, {}), keys) for ref, arn in arns.items()}
    lent = {ref: _owner(tags.get(arn, {}), keys) for ref, arn in behind.items() if not own[ref]}
    by_ref = {ref: owner for ref, owner in (own | lent).items() if owner}
    of = {ref: f"function {makers[ref].id}" for ref, owner in lent.items() if owner}
    return Owned(by_ref, notes, of, keys)


def _tags(aws: Aws, wanted: Sequence[str]) -> tuple[tag_index.Tags, tuple[str, ...]]:
    """The tags of these ARNs, and a note for each reason why some could not be read."""
    tags: dict[str, Mapping[str, str]] = {}
    lost: dict[str, int] = {}
    for start in range(0, len(wanted), tag_index.BATCH):
        batch = wanted[start : start + tag_index.BATCH]
        try:
            tags |= tag_index.of(aws, batch)
        except StewardError as error:
            lost[str(error)] = lost.get(str(error), 0) + len(batch)
    notes = (
        f"owners of {counted(count, 'resource')} are not known: {why}"
        for why, count in lost.items()
    )
    return tags, tuple(notes)


def _function_of(ref: Ref) -> Ref | None:
    """The function of this Region that writes to a log group; another Region's has a dot in it."""
    found = _FUNCTIONS_OWN.fullmatch(ref.id) if ref.kind == LOG_GROUP else None
    return None if found is None else Ref(FUNCTION, found[1])


def arn_of(ref: Ref, aws: Aws) -> str:
    """The ARN of a resource as the tagging index has it; '' where it has none."""
    if ref.id.startswith("arn:"):
        return ref.id
    if ref.kind in API_PATHS:
        return in_config(ref, aws)[1]
    form = taggable.forms().get(ref.kind)
    return "" if form is None or form.own else taggable.arn(form, ref.id, aws)


def _owner(tags: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((tags[key].strip() for key in keys if tags.get(key, "").strip()), "")
