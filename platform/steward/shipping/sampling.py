"""Which events of verbose log groups are shipped, if not all of them.

What is kept follows from the request id, so that the lines of an invocation are kept or left out
together, and the same ones whenever their record comes again. Nothing that matters is left out:
WARN and worse, reports, metric lines, and every line that does not tell with certainty that it is
nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from zlib import crc32

from steward.shipping import severity
from steward.shipping.accel import Codec
from steward.shipping.block import Block
from steward.shipping.fields import parsed

METRIC = "MONITORING|"
REPORTS = ("REPORT ", "INIT_REPORT ", "RESTORE_REPORT ")


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of events to keep of the log groups whose names match."""

    groups: str
    """With ``*``, ``?`` and ``[...]``; case counts."""
    rate: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """Chooses events by the first rate whose log groups match; without one, all are kept."""

    rates: Sequence[Rate]
    codec: Codec

    def kept(self, block: Block) -> tuple[Sequence[int], int]:
        """The indexes of the events to ship, in order, and the number of the others."""
        rate = self._rate(block.origin.group)
        everything = range(len(block))
        if rate >= 1:
            return everything, 0
        bound = rate * 2**32
        kept = [
            index
            for index in everything
            if crc32((block.requests[index] or block.ids[index]).encode()) < bound
            or self._matters(block.levels[index], block.messages[index])
        ]
        return kept, len(block) - len(kept)

    def _rate(self, group: str) -> float:
        return next((rate.rate for rate in self.rates if fnmatchcase(group, rate.groups)), 1.0)

    def _matters(self, level: int, text: str) -> bool:
        """True unless it is certain that the event does not."""
        if not 0 < level < severity.WARN or METRIC in text or text.startswith(REPORTS):
            return True
        start = text.find("{")
        if start < 0 or (start > 0 and text[start - 1] != "\t"):
            return False  # no JSON: what told the level is the line's own beginning
        return self._uncertain(text, start)

    def _uncertain(self, text: str, start: int) -> bool:
        """Whether a line with JSON from ``start`` on is a report, or of WARN or worse by any of
        its fields, or has a key of a level more than once, or tells none but in what it nests."""
        document = parsed(self.codec, text, start)
        if not document or any(text.count(f'"{key}"') > 1 for key in severity.KEYS):
            return True
        kind = document.get("type")
        if isinstance(kind, str) and kind.startswith("platform."):
            return kind.endswith("eport")
        levels = [severity.number(told) for told in severity.tellings(document)]
        told_before = start > 0
        return not (levels or told_before) or not all(0 < told < severity.WARN for told in levels)
