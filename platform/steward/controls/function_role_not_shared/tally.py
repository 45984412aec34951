"""How many functions have each role, where they are too many to be carried by their names. Pure."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from steward.errors import Invalid, Refused

ROLE, STACK = 6, 3
"""Bytes of a hash that stand for a role, and for a stack among those of a role: that two of 20,000
roles are taken for one happens once in a million accounts."""

SIZES = (ROLE, ROLE + STACK)
"""Of a function without a stack, and of one with it."""

LONGEST = 180_000
"""Characters of a cursor. A state's input has 262,144 bytes (Step Functions quotas); an item of
DynamoDB has 400 KB, of which the marks of what a sweep has met take as much as roles do."""


class Tally:
    """By role, and by stack where that is told, how many functions there are."""

    def __init__(self, groups: Mapping[bytes, int] | None = None) -> None:
        self._groups = Counter(groups or {})
        self._roles: Counter[bytes] = Counter()
        for key, number in self._groups.items():
            self._roles[key[:ROLE]] += number

    def add(self, role: str, stack: str) -> None:
        """Count a function; its stack is '' where it has none or nobody asks."""
        key = _key(role, stack)
        self._groups[key] += 1
        self._roles[key[:ROLE]] += 1

    def others(self, role: str, stack: str) -> tuple[int, int]:
        """How many others a function shares its role with, and how many of them are of another
        stack or of none; (-1, -1) or less where it was not counted itself."""
        key = _key(role, stack)
        every = self._roles[key[:ROLE]]
        return every - 1, every - (self._groups[key] if stack else 1)

    def packed(self, token: str | None, *, counting: bool) -> str:
        """A cursor: whether it is still counted, and where the list goes on. Raises Refused."""
        groups = [self._of_size(size) for size in SIZES]
        text = json.dumps([counting, token, groups], separators=(",", ":"))
        if len(text) > LONGEST:
            raise Refused(
                f"cursor: {len(self._groups)} groups of functions by their roles take {len(text)} "
                f"characters, allowed: {LONGEST}; roles of so many functions cannot be compared"
            )
        return text

    def _of_size(self, size: int) -> tuple[str, str, list[int]]:
        """Those that have one function, those that have several, and how many: few quotes, which
        JSON in JSON in JSON would multiply."""
        keys = sorted(key for key in self._groups if len(key) == size)
        several = [key for key in keys if self._groups[key] > 1]
        alone = [key for key in keys if self._groups[key] == 1]
        return _text(alone), _text(several), [self._groups[key] for key in several]


def unpacked(cursor: str) -> tuple[bool, str | None, Tally]:
    """What ``packed`` was given, and the tally. Raises Invalid for what it did not make."""
    try:
        counting, token, told = json.loads(cursor)
        groups: dict[bytes, int] = {}
        for size, (alone, several, numbers) in zip(SIZES, told, strict=True):
            groups |= dict.fromkeys(_keys(alone, size), 1)
            groups |= zip(_keys(several, size), map(int, numbers), strict=True)
    except (ValueError, AttributeError, TypeError):
        raise Invalid(f"cursor: is {cursor[:80]!r}, allowed: what a page came with") from None
    return bool(counting), token, Tally(groups)


def _key(role: str, stack: str) -> bytes:
    told = sha256(stack.encode()).digest()[:STACK] if stack else b""
    return sha256(role.encode()).digest()[:ROLE] + told


def _text(keys: Sequence[bytes]) -> str:
    return base64.b64encode(b"".join(keys)).decode()


def _keys(text: str, size: int) -> list[bytes]:
    told = base64.b64decode(text, validate=True)
    return [told[at : at + size] for at in range(0, len(told), size)]
