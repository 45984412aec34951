"""How much a page holds, so that a browser still opens it: what is left out is counted and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

PAGE = 4_800_000
"""Bytes of all rows together; with everything else a page stays below five million."""

_ROW = 1500
"""Bytes that a row may have, of tables that are still to come: most have half of that."""

_TOGETHER = 50
"""Rows that the browser lays out at once, when they come near the screen."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The rows of a table that found room, in bodies of equal size."""

    bodies: Sequence[Sequence[str]]
    shown: int
    total: int
    rows: int
    """Less than what is shown where a row is of several."""

    @property
    def left_out(self) -> int:
        return self.total - self.shown


class Space:
    """What is left of a page, in bytes. A table leaves room for those that come after it."""

    def __init__(self, later: Sequence[int], left: int = PAGE) -> None:
        """``later``: how many rows each table has that will be asked for, in that order."""
        self._later = list(later)
        self._left = left

    def fill(
        self,
        rows: Sequence[Any],
        make: Callable[[Any], str],
        weigh: Callable[[Any], int] | None = None,
        dress: Callable[[str], str] | None = None,
    ) -> Filled:
        """Make rows until the table has used up its room; at least one.

        ``weigh`` tells how many things a row is of, ``dress`` what else its text needs.
        """
        self._later = self._later[1:]
        room = self._left - self._reserve()
        made: list[str] = []
        for row in rows:
            text = dress(make(row)) if dress else make(row)
            size = len(text) if text.isascii() else len(text.encode())
            if made and size > room:
                break
            made.append(text)
            room -= size
            self._left -= size
        bodies = [made[at : at + _TOGETHER] for at in range(0, len(made), _TOGETHER)]
        weights = [weigh(row) if weigh else 1 for row in rows]
        return Filled(bodies, sum(weights[: len(made)]), sum(weights), len(made))

    def _reserve(self) -> int:
        """A sixteenth of the page for each later table, or less where that does not need it."""
        return sum(min(rows * _ROW, PAGE // 16) for rows in self._later)
