"""Since when a stream has the shards it has, which no API tells: the ledger remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

NEVER = "-"


@dataclass(frozen=True, slots=True)
class Memory:
    """How many shards there were at the last look, and when their number was seen to change."""

    shards: int
    since: datetime | None = None  # None: it never was

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The memory in the ledger's text; None where it holds none."""
        shards, _, since = text.partition(" ")
        if not shards.isdecimal():
            return None
        return cls(int(shards), None if since == NEVER else datetime.fromisoformat(since))

    @classmethod
    def at(cls, text: str, shards: int, now: datetime) -> Self:
        """The memory after a look that finds so many shards."""
        before = cls.read(text)
        if before is None:
            return cls(shards)
        return before if before.shards == shards else cls(shards, now)

    def text(self) -> str:
        """As the ledger keeps it."""
        return f"{self.shards} {self.since.isoformat() if self.since else NEVER}"
