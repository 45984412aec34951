"""What one pass of a control works with, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from steward.gate import Gate
from steward.ledger import Change, Item, Ledger, stamp
from steward.model import (
    Clock,
    Control,
    Deadline,
    Exemption,
    Fate,
    Finding,
    P,
    Ref,
    S,
    Sight,
    Trigger,
    Verdict,
)
from steward.policy import Loaded

T = TypeVar("T")

REASON = 256
"""Characters a reason may have: AWS Config's limit for an annotation."""


class Shelter(Protocol):
    """Runs ``act`` so that a bug in it costs one resource; ``otherwise`` makes the answer then."""

    def __call__(self, ref: Ref, act: Callable[[], T], otherwise: Callable[[str], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finding and its fate."""

    control: str
    finding: Finding
    fate: Fate
    trigger: Trigger
    note: str = ""
    change: str = ""
    exhausted: bool = False
    """This failure was the last for now; alarmed once."""
    budget_spent: bool = False
    """Held because the policy's budget allows no more changes now."""
    retry: bool = False
    """Looking again soon may end better: the message that named the resource is given back."""

    @property
    def reason(self) -> str:
        parts = (part for part in (self.finding.reason, self.note) if part)
        return clipped("; ".join(dict.fromkeys(parts)))

    @property
    def is_open(self) -> bool:
        """Whether a violation is left."""
        settled = (Fate.REMEDIATED, Fate.GONE)
        return self.finding.verdict is Verdict.NON_COMPLIANT and self.fate not in settled


@dataclass(frozen=True, slots=True)
class Run(Generic[S, P]):
    """What one pass of one control works with."""

    id: str
    control: Control[S, P]
    loaded: Loaded[P]
    sight: Sight[P]
    ledger: Ledger
    gate: Gate
    trigger: Trigger
    clock: Clock
    deadline: Deadline
    shelter: Shelter
    exemptions: Sequence[Exemption] = ()

    @property
    def now(self) -> str:
        return stamp(self.clock.now())


@dataclass(frozen=True, slots=True)
class Result:
    """What a batch of resources came to, and what is to be committed for it."""

    outcomes: Sequence[Outcome]
    items: Sequence[Item] = ()
    gone: Sequence[Item] = ()
    changes: Sequence[Change] = ()
    untouched: Sequence[Ref] = ()
    """What the deadline left no time for; it is looked at again."""

    @property
    def finished(self) -> bool:
        return not self.untouched


def clipped(text: str) -> str:
    """A reason that fits AWS Config's annotation."""
    return text if len(text) <= REASON else f"{text[: REASON - 3]}..."
