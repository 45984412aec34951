"""By what a sweep without an order remembers resources that it has met."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from steward.model import Ref

MARK = 8
"""Characters for each resource."""


def marks_of(before: str, met: Iterable[Ref]) -> set[str]:
    """Of what was met in this step, and of what its record holds of those before."""
    earlier = {before[at : at + MARK] for at in range(0, len(before), MARK)}
    return earlier | {mark_of(ref) for ref in met}


def mark_of(ref: Ref) -> str:
    """48 bits, as the record of a sweep holds one for each resource that was met."""
    digest = hashlib.blake2b(f"{ref.kind}|{ref.id}".encode(), digest_size=MARK * 3 // 4).digest()
    return base64.b64encode(digest).decode()
