"""A role with what its policies allow as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from steward.config_resources import ROLE
from steward.controls.function_role_least_privilege.documents import Statement
from steward.model import CommonPolicy, Ref

ID = "function-role-least-privilege"
KIND = ROLE

LISTS = (
    "allow_actions",
    "broad_policies",
    "ignore_policies",
    "narrowing_keys",
    "ignore_codes",
)
"""The policy's fields that are lists of texts."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A policy of a role, inline or managed, with the statements that allow something."""

    name: str
    """Of a managed policy with its path, without the slash that it begins with."""
    statements: Sequence[Statement] = ()
    of_aws: bool = False
    """AWS wrote it, and changes it: an AWS managed policy."""


@dataclass(frozen=True, slots=True)
class Role:
    """What IAM tells of a role; ``policies`` are read where functions can take it."""

    name: str
    id: str
    """The unique id, AROA..., by which AWS Config knows the role."""
    trusts_lambda: bool
    policies: Sequence[Granted] = ()
    boundary: str = ""
    """The name of the policy that bounds whatever the role's own allow; empty for none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    allow_actions: tuple[str, ...]
    broad_policies: tuple[str, ...]
    ignore_policies: tuple[str, ...]
    narrowing_keys: tuple[str, ...]
    ignore_codes: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        return {**CommonPolicy.fields(document), **{name: tuple(document[name]) for name in LISTS}}

    def allows(self, action: str) -> bool:
        """Whether an action, as a statement has it, may be allowed on every resource."""
        return any(fnmatchcase(action.lower(), glob.lower()) for glob in self.allow_actions)

    def is_broad(self, name: str) -> bool:
        """Whether an AWS managed policy of that name is reported without being looked into."""
        return any(fnmatchcase(name, glob) for glob in self.broad_policies)

    def ignores(self, name: str) -> bool:
        """Whether an AWS managed policy of that name is left alone."""
        return any(fnmatchcase(name, glob) for glob in self.ignore_policies)

    def knows(self, name: str) -> bool:
        """Whether the name of an AWS managed policy says all that has to be known of it."""
        return self.is_broad(name) or self.ignores(name)

    def narrows(self, statement: Statement) -> bool:
        """Whether a condition says which resources a statement is about."""
        return any(
            test.is_positive and fnmatchcase(test.key.lower(), glob.lower())
            for test in statement.tests
            for glob in self.narrowing_keys
        )
