"""A Lambda function with its published versions as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "function-versions"
KIND = FUNCTION

OWNED = "stack_owned"
"""What vouches for the versions that a CloudFormation stack owns, beside the evidence."""


@dataclass(frozen=True, slots=True)
class Version:
    """A published version; ``$LATEST`` and ``$LATEST.PUBLISHED`` are none."""

    number: int
    age_days: int | None = None  # whole ones; None: Lambda does not tell
    size: int = 0  # bytes of code that count against the account's limit; an image's do not
    snapshot: bool = False  # it has a SnapStart snapshot that is billed as long as it is kept
    used: str = ""
    """The evidence that it is in use, such as ``aliases: live``; '' where none was found."""
    unread: str = ""
    """The evidence that could not be read, and why; '' where all was."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function; its versions are told only where some of them may have to go."""

    name: str
    published: int
    versions: tuple[Version, ...] = ()
    """Oldest first; () where the newest and the young ones are all there are."""
    storage: str = ""  # the code that the account keeps, against its limit, in words
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Which sources are asked whether a version is in use."""

    aliases: bool
    provisioned_concurrency: bool
    event_source_mappings: bool
    resource_policies: bool
    function_urls: bool
    durable_executions: bool
    edge: bool
    api_integrations: bool
    state_machines: bool
    event_targets: bool

    def asked(self) -> frozenset[str]:
        return frozenset(one.name for one in fields(self) if getattr(self, one.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    keep: int
    min_age_days: int
    stack_owned: str
    evidence: Evidence

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        return {**CommonPolicy.fields(document), "evidence": Evidence(**document["evidence"])}

    def is_old(self, age_days: int | None) -> bool:
        """Whether a version of that age may go; of one whose age nobody tells, it may not."""
        return age_days is not None and age_days >= self.min_age_days

    def may_go(self, published: int, old: int) -> bool:
        """Whether of so many versions, so many of them old, one may have to go, used or not."""
        return published > self.keep and old > 0
