"""From findings to what AWS Config is told, and of that only what it does not hold already. Pure.

Config has no verdict for an exempt resource: it stays NON_COMPLIANT, and the annotation says until
when. What could not be read is not told at all; what Config holds of it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from steward.config_resources import ACCOUNT, Place, in_config
from steward.evaluate import exempt_until
from steward.model import Ref, Verdict
from steward.run import clipped

Key: TypeAlias = tuple[str, str]
"""A resource by Config's type and id; the id alone may be another type's, too."""

HELD = (Verdict.COMPLIANT, Verdict.NON_COMPLIANT)
"""What Config keeps; NOT_APPLICABLE takes a resource out of the rule's report."""

GONE = "[GONE] no longer there, or no longer this rule's"

_WORST = (Verdict.UNKNOWN, Verdict.NON_COMPLIANT, Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
"""Of several findings that Config can only be told as one; the first of these decides, so that
nothing that could not be read is hidden by another."""


class Found(Protocol):
    """A finding, or the ledger's item of it."""

    @property
    def ref(self) -> Ref: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def code(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def memory(self) -> str: ...


@dataclass(frozen=True, slots=True, order=True)
class Evaluation:
    """What Config is told of a resource, or holds of it."""

    kind: str
    id: str
    compliance: Verdict
    annotation: str = ""
    """At most 256 characters; '' for none."""

    @property
    def key(self) -> Key:
        return self.kind, self.id


def evaluation(found: Found, place: Place) -> Evaluation:
    """What a finding comes to; UNKNOWN is for the caller alone, not for Config."""
    kind, id = in_config(found.ref, place, found.memory)
    about = f"{found.ref.kind} {found.ref.id}: " if kind == ACCOUNT else ""
    if found.verdict is not Verdict.EXEMPT:
        return Evaluation(kind, id, found.verdict, _annotation(found.code, about + found.reason))
    until, rest = exempt_until(found.reason)
    label = f"EXEMPT until {until}"
    return Evaluation(kind, id, Verdict.NON_COMPLIANT, _annotation(label, about + rest))


def together(findings: Iterable[Found], place: Place) -> dict[Key, Evaluation]:
    """What all findings of a rule come to, by resource; of several on one the worst."""
    every: dict[Key, Evaluation] = {}
    for found in findings:
        one = evaluation(found, place)
        other = every.get(one.key)
        every[one.key] = one if other is None else min(one, other, key=_rank)
    return every


def difference(
    wanted: Mapping[Key, Evaluation], held: Mapping[Key, Evaluation]
) -> list[Evaluation]:
    """What has to be sent so that Config holds what is wanted, sorted by type and id.

    A resource that is no longer in the report is told as NOT_APPLICABLE, under the type that it is
    held under: Config forgets none by itself.
    """
    told = [
        one
        for key, one in wanted.items()
        if (one.compliance in HELD and held.get(key) != one)
        or (one.compliance is Verdict.NOT_APPLICABLE and key in held)
    ]
    gone = [Evaluation(*key, Verdict.NOT_APPLICABLE, GONE) for key in held if key not in wanted]
    return sorted(told + gone)


def _rank(one: Evaluation) -> tuple[int, str]:
    return _WORST.index(one.compliance), one.annotation


def _annotation(label: str, reason: str) -> str:
    """The same for the same finding, on one line; a finding without text has none."""
    return clipped(" ".join(f"[{label}] {reason}".split()))
