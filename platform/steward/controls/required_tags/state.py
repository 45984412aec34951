"""A resource with its tags as this control sees it, and the policy over it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from steward.controls import taggable
from steward.model import CommonPolicy, Ref

ID = "required-tags"
KINDS = tuple(kind for kind, form in taggable.forms().items() if not form.own)
"""Types that the tagging index knows, and whose ARNs are known here."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What the tagging index tells of a resource, and what it could have its tags from."""

    kind: str
    id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    reported: tuple[str, ...] = ()
    """Keys that the organization's tag policy reports as required."""
    offered: Mapping[str, str] = field(default_factory=dict)
    """The tags of the stack that the resource belongs to, or of what made it."""
    offers: str = ""
    """Whose tags those are, such as 'stack shop'; '' where nobody's are known."""
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.id)


@dataclass(frozen=True, slots=True)
class Values:
    """What a tag's value may be: one of these, or what a pattern matches; any where neither is."""

    values: tuple[str, ...] = ()
    pattern: str = ""

    def allow(self, value: str) -> bool:
        if self.values and value not in self.values:
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None

    def told(self) -> str:
        """In words, as far as a reason has room for."""
        listed = ", ".join(self.values) if self.values else f"what matches {self.pattern}"
        return listed if len(listed) <= 60 else f"{listed[:57]}..."


@dataclass(frozen=True, slots=True)
class Rule:
    """Keys that resources of some types must have."""

    kinds: tuple[str, ...]  # anchored globs over the type
    keys: Mapping[str, Values]

    def is_for(self, kind: str) -> bool:
        return any(fnmatchcase(kind, glob) for glob in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    rules: tuple[Rule, ...]
    tag_policies: bool

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        rules = tuple(Rule(tuple(one["kinds"]), _keys(one["keys"])) for one in document["rules"])
        return {**CommonPolicy.fields(document), "rules": rules}

    def problems(self) -> Iterator[str]:
        for index, rule in enumerate(self.rules):
            for number, glob in enumerate(rule.kinds):
                if not any(fnmatchcase(kind, glob) for kind in KINDS):
                    known = f"one of {len(KINDS)} types, such as AWS::SQS::Queue"
                    yield f"rules[{index}].kinds[{number}]: is {glob!r}, allowed: {known}"
            for key, values in rule.keys.items():
                yield from _problems(f"rules[{index}].keys.{key}", values)

    def kinds(self) -> Sequence[str]:
        """The types that rules are about, sorted."""
        return [kind for kind in KINDS if any(rule.is_for(kind) for rule in self.rules)]

    def required(self, resource: Resource) -> Mapping[str, Values]:
        """By key; of several rules that name a key the first decides."""
        found = {key: Values() for key in resource.reported}
        for rule in reversed(self.rules):
            if rule.is_for(resource.kind):
                found |= rule.keys
        return found

    def is_lacking(self, resource: Resource) -> bool:
        """Whether a required key is not there, or has a value that is not allowed."""
        tags, required = resource.tags, self.required(resource)
        return any(key not in tags or not one.allow(tags[key]) for key, one in required.items())


def _keys(told: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Values]:
    return {
        key: Values(tuple(one.get("values", ())), one.get("pattern", ""))
        for key, one in told.items()
    }


def _problems(path: str, values: Values) -> Iterator[str]:
    if values.values and values.pattern:
        yield f"{path}: has values and pattern, allowed: one of them"
    try:
        re.compile(values.pattern)
    except re.error as error:
        yield f"{path}.pattern: is {values.pattern!r}, allowed: a regular expression ({error})"
