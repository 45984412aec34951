"""A Lambda function and its asynchronous invocations, and the policy over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "async-failure-destination"
KIND = FUNCTION

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Function:
    """What shows that a function is invoked asynchronously, and where events go that fail."""

    name: str
    evidence: tuple[str, ...] = ()
    """Who invokes it asynchronously, in words; () where nothing shows that anybody does."""
    asked: tuple[str, ...] = ()  # the evidence that was looked at, in words
    by_policy: bool = False  # services may invoke the unpublished code itself, by its policy
    dead_letters: str = ""  # the ARN of its dead-letter queue or topic
    covered: Mapping[str, str] = field(default_factory=dict)
    """By qualifier, such as $LATEST or an alias: where its events go that fail."""
    aliases: tuple[str, ...] = ()  # read only where it depends on them
    lost: frozenset[str] = frozenset()  # those of the ARNs that are not there
    unchecked: frozenset[str] = frozenset()  # those that nobody looked for
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is looked at for who invokes a function asynchronously."""

    metrics: bool
    resource_policies: bool

    def asked(self) -> frozenset[str]:
        return frozenset(one.name for one in fields(self) if getattr(self, one.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    evidence: Evidence
    repeated: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        evidence, repeated = Evidence(**document["evidence"]), tuple(document["repeated"])
        return {**CommonPolicy.fields(document), "evidence": evidence, "repeated": repeated}

    def problems(self) -> Iterator[str]:
        if not self.evidence.asked():
            yield "evidence: has nothing that is true, allowed: metrics, resource_policies or both"

    def repeats(self, name: str) -> bool:
        """Whether the events of a function come again by themselves."""
        return any(fnmatchcase(name, glob) for glob in self.repeated)

    def asks(self, ref: Ref) -> bool:
        """Whether it matters who invokes a function."""
        return not self.excludes(ref) and not self.repeats(ref.id)
