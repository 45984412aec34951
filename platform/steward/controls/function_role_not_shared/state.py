"""A function with those that share its role as this control sees it, and the policy over it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "function-role-not-shared"
KIND = FUNCTION

EXAMPLES = 3
"""Functions that are named of all that share a role."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function, its role, and how many others of this account and Region have it, too."""

    name: str
    role: str
    """The role's ARN."""
    others: int = 0
    outside: int = 0
    """Those of the others that are of another stack than the function, or of none; all of them
    where the policy does not ask."""
    examples: tuple[str, ...] = ()
    """The first names of those that are outside; none where they were only counted."""
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)

    @property
    def memory(self) -> str:
        """What a later look has to know: the role, and who shared it."""
        return json.dumps([self.role, self.others, self.outside, *self.examples])


def remembered(name: str, memory: str) -> Function | None:
    """The function as it was; None where nothing is remembered."""
    if not memory:
        return None
    role, others, outside, *examples = json.loads(memory)
    return Function(name, role, others, outside, tuple(examples))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    allow_within_stack: bool
    allow_roles: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        allowed = tuple(document["allow_roles"])
        return {**CommonPolicy.fields(document), "allow_roles": allowed}

    def allows(self, role: str) -> bool:
        """Whether functions may share the role of that name."""
        return any(fnmatchcase(role, glob) for glob in self.allow_roles)
