"""Log events in columns: what one record of the stream carries on its way to a destination.

Columns, because work on whole lists costs a fraction of work on one object for each event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record's log events come from; empty is what is not known."""

    owner: str  # the account's id
    region: str
    group: str
    stream: str
    function: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Log events of one origin, in order. All columns have the same length, at least one.

    ``ids`` are decimal digits, or printable ASCII without quote and backslash, so that they need no
    escaping. ``levels`` are OTLP severity numbers (1 TRACE, 5 DEBUG, 9 INFO, 13 WARN, 17 ERROR,
    21 FATAL), 0 where a line tells none. ``requests`` are request ids (UUIDs), ``traces`` trace ids
    of 32 hexadecimal digits, "" where a line tells none. ``cut`` are the indexes of the messages
    that were truncated.
    """

    origin: Origin
    ids: list[str]
    times: list[int]  # milliseconds
    messages: Sequence[str]
    levels: list[int]
    requests: list[str]
    traces: list[str]
    cut: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, end: int) -> Block:
        """The events from ``start`` to before ``end``."""
        return replace(
            self,
            ids=self.ids[start:end],
            times=self.times[start:end],
            messages=self.messages[start:end],
            levels=self.levels[start:end],
            requests=self.requests[start:end],
            traces=self.traces[start:end],
            cut=frozenset(index - start for index in self.cut if start <= index < end),
        )


LEVELS = {1: "TRACE", 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}
"""OTLP's severity numbers, by which every destination's names are chosen."""
