"""Which tags we wrote, as the ledger remembers it: what was there before is nobody's to remove.

``[[{"team": "shop"}, "0a1b2c3d4e5f6a7b..."], ...]``: tags, and the marks of the resources that
got them from us. A mark is short, so that a stack of 500 resources takes few kilobytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

MARK = 12
"""Characters of a mark: of 500 resources, two have the same once in two billion stacks."""

LONGEST = 200_000
"""Characters that are remembered. A tag that is forgotten is kept, as if it were not ours."""

Ours = Mapping[str, Mapping[str, str]]


def mark(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:MARK]


def read(text: str) -> Ours:
    """The tags that we wrote, by mark."""
    groups: Sequence[tuple[Mapping[str, str], str]] = json.loads(text) if text else []
    return {
        marks[start : start + MARK]: tags
        for tags, marks in groups
        for start in range(0, len(marks), MARK)
    }


def text(ours: Ours, arns: Iterable[str] | None = None) -> str:
    """The memory, of those resources alone if they are told; '' for nothing."""
    marks: dict[str, list[str]] = defaultdict(list)
    for one in sorted(ours if arns is None else map(mark, arns)):
        if ours.get(one):
            marks[json.dumps(ours[one], sort_keys=True)].append(one)
    groups = [f'[{tags}, "{"".join(some)}"]' for tags, some in sorted(marks.items())]
    kept: list[str] = []
    for group in groups:
        if sum(map(len, kept)) + len(group) <= LONGEST:
            kept.append(group)
    return f"[{', '.join(kept)}]" if kept else ""
