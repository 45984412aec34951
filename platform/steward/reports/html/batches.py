"""Rows that say the same of several resources at almost the same moment are one row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from steward.reports.wording import hours

MOST = 100
"""Resources of one row: a table leaves out whole rows only."""

_TOGETHER = 1 / 60
"""Hours within which they are of one moment."""

T = TypeVar("T")


def batches(
    rows: Iterable[T], alike: Callable[[T], Hashable], at: Callable[[T], str]
) -> Sequence[Sequence[T]]:
    """The rows, newest first, those that are alike within a minute together where the first is."""
    found: list[list[T]] = []
    latest: dict[Hashable, list[T]] = {}
    for row in rows:
        key = alike(row)
        open_one = latest.get(key)
        if open_one is not None and len(open_one) < MOST and _near(at(row), at(open_one[0])):
            open_one.append(row)
        else:
            latest[key] = [row]
            found.append(latest[key])
    return found


def _near(older: str, newer: str) -> bool:
    return older == newer or (bool(older and newer) and hours(older, newer) <= _TOGETHER)
