"""A Kinesis stream as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from steward.controls.stream_capacity.load import Load
from steward.model import CommonPolicy, Ref

ID = "stream-capacity"
KIND = "AWS::Kinesis::Stream"

SPARE = 1.2
"""How much more than its load a stream must bear with fewer shards, before it is to have fewer."""

HIGHEST = 10_000
"""So many shards UpdateShardCount gives a stream at most (API reference)."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What Kinesis and CloudWatch tell of a stream that matters to its shards."""

    name: str
    mode: str = "PROVISIONED"
    status: str = "ACTIVE"
    shards: int = 0
    """Open ones, of a provisioned stream."""
    counted: int = 0
    """As ``shards``: what the load was measured on, also once ``shards`` is foretold."""
    load: Load | None = None  # None: no metrics
    age_hours: int = 0  # whole ones, since it was created
    settled_minutes: int | None = None
    """Whole ones since the number of shards was seen to change; None: it never was."""
    read_at: str = ""  # ISO 8601, in UTC
    memory: str = ""
    """What the ledger is to remember; see ``Memory``."""
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)

    @property
    def changed(self) -> bool:
        """Whether this is the stream after a change that has not been measured."""
        return self.shards != self.counted

    def remembered(self) -> str:
        """What the ledger is to remember, now or after the change that is foretold."""
        return f"{self.shards} {self.read_at}" if self.changed else self.memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    streams: tuple[str, ...]
    managed: tuple[str, ...]
    min_shards: int
    max_shards: int | None
    target_utilization: float
    scale_down: bool
    cooldown_minutes: int
    lookback_hours: int
    lag_minutes: int

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        lists = {name: tuple(document[name]) for name in ("streams", "managed")}
        return {**CommonPolicy.fields(document), **lists}

    def problems(self) -> Iterator[str]:
        if self.max_shards is not None and self.min_shards > self.max_shards:
            yield f"min_shards: is {self.min_shards}, must not exceed max_shards {self.max_shards}"

    def judges(self, name: str) -> bool:
        return any(fnmatchcase(name, glob) for glob in self.streams)

    def manages(self, name: str) -> bool:
        return any(fnmatchcase(name, glob) for glob in self.managed)

    @property
    def most(self) -> int:
        return HIGHEST if self.max_shards is None else self.max_shards

    def shards(self, load: Load | None, spare: float = 1.0) -> int:
        """How many shards a stream should have for its load, with so much to spare."""
        by_load = 1 if load is None else load.shards(self.target_utilization / spare)
        return max(self.min_shards, by_load)
