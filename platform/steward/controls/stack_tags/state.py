"""A stack with its resources' tags as this control sees them, and the policy over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from steward.controls import taggable
from steward.events import STACK
from steward.model import CommonPolicy, Mode, Ref

ID = "stack-tags"
KIND = STACK


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is to have tags: a stack's resource, or a log group that one made."""

    service: str  # as in its ARN
    tags: Mapping[str, str] = field(default_factory=dict)  # those that the policy may compare
    count: int = 0
    """How many tags it has, of AWS's own all left out."""
    owner: str = ""
    """The ARN of the resource whose tags it gets; '': it gets the stack's."""
    shared: bool = False
    """Others may write to it as well, so that no tag of another value is overwritten."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What CloudFormation and the tagging index tell of a stack."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    """The tags that its resources should have: its own, or its root's."""
    changing: bool = False
    """An operation on it is under way, whose end is another event."""
    resources: Mapping[str, Resource] = field(default_factory=dict, metadata={"kept": False})
    """By ARN."""
    ours: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict, compare=False, metadata={"kept": False}
    )
    """The tags that we wrote, by the mark of their resource; see ``memory``. Of a run that was
    killed it does not know, so that nobody may go by it to tell whether calls are in effect."""
    unsupported: Mapping[str, int] = field(default_factory=dict)
    """How many resources have tags and no ARN that is known here, by type."""
    nameless: tuple[str, ...] = ()
    """Logical ids of resources whose physical id does not fit their type's."""
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.arn)


class Conflict(StrEnum):
    """What becomes of a resource's tag that has another value."""

    KEEP = "keep"
    OVERWRITE = "overwrite"


class Nested(StrEnum):
    """Whose tags the resources of a nested stack get."""

    OWN = "own"
    ROOT = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    allow_keys: tuple[str, ...]
    deny_keys: tuple[str, ...]
    conflict: Conflict
    remove_stale: bool
    log_groups: bool
    nested: Nested
    ignore_types: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        """A tag can change permissions: nothing is written until the policy says which."""
        told = CommonPolicy.fields(document)
        enforce = told["mode"] is Mode.ENFORCE and bool(document["allow_keys"])
        return {
            **told,
            "mode": told["mode"] if enforce or told["mode"] is Mode.OFF else Mode.AUDIT,
            "allow_keys": tuple(document["allow_keys"]),
            "deny_keys": tuple(document["deny_keys"]),
            "conflict": Conflict(document["conflict"]),
            "nested": Nested(document["nested"]),
            "ignore_types": tuple(document["ignore_types"]),
        }

    def problems(self) -> Iterator[str]:
        for name in ("allow_keys", "deny_keys"):
            for index, glob in enumerate(getattr(self, name)):
                if is_reserved(glob):
                    yield f"{name}[{index}]: is {glob!r}, allowed: keys that are not AWS's own"

    def allows(self, key: str) -> bool:
        """Whether a key may be written, or compared where nothing is allowed yet."""
        allowed = not self.allow_keys or any(fnmatchcase(key, glob) for glob in self.allow_keys)
        denied = any(fnmatchcase(key, glob) for glob in self.deny_keys)
        return allowed and not denied and not is_reserved(key)

    def ignores(self, kind: str) -> bool:
        return any(fnmatchcase(kind, glob) for glob in self.ignore_types)


def is_reserved(key: str) -> bool:
    """Whether a key is one of AWS's own, which nobody else can write; case does not count."""
    return key.lower().startswith("aws:")


def room(resource: Resource) -> int:
    """How many more tags a resource can have."""
    return taggable.MOST - resource.count
