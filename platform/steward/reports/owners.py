"""Whose resources are, by their tags, read when a report is made and never in a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from steward.config_resources import API_PATHS, in_config
from steward.controls import tag_index, taggable
from steward.errors import StewardError
from steward.model import Aws, Ref

KEYS = ("owner", "Owner", "team", "Team")
"""The keys of tags that tell an owner; the first that a resource has counts."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What is known of owners; a resource whose tags do not tell is absent."""

    by_ref: Mapping[Ref, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What could not be read, and why."""


Owners: TypeAlias = Callable[[Sequence[Ref]], Owned]


def nobody(_: Sequence[Ref]) -> Owned:
    """The owners where nobody asks AWS for tags."""
    return Owned(notes=("owners were not asked for",))


def owners(aws: Aws, refs: Sequence[Ref], keys: Sequence[str] = KEYS) -> Owned:
    """The owners of these resources from the tagging index, a request for each hundred."""
    arns = {ref: arn for ref in dict.fromkeys(refs) if (arn := arn_of(ref, aws))}
    wanted = sorted(set(arns.values()))
    tags: dict[str, Mapping[str, str]] = {}
    lost: dict[str, int] = {}
    for start in range(0, len(wanted), tag_index.BATCH):
        batch = wanted[start : start + tag_index.BATCH]
        try:
            tags |= tag_index.of(aws, batch)
        except StewardError as error:
            lost[str(error)] = lost.get(str(error), 0) + len(batch)
    told = {ref: _owner(tags.get(arn, {}), keys) for ref, arn in arns.items()}
    notes = (f"owners of {count} resources are not known: {why}" for why, count in lost.items())
    return Owned({ref: owner for ref, owner in told.items() if owner}, tuple(notes))


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
