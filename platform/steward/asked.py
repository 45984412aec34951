"""What an invocation asks for, field by field, as it has to be. All raise Invalid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steward.errors import Invalid

LONGEST_EXEMPTION = 365
"""Days for which an undo may exempt its resource."""


def an_object(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid(f"{name}: is {value!r:.80}, allowed: an object")
    return value


def a_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{name}: is {value!r:.80}, allowed: text, or null")
    return value


def a_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{name}: is {value!r:.80}, allowed: true, false")
    return value


def ids(name: str, value: object) -> list[str]:
    """Ids of resources; a number is taken for its text."""
    if not isinstance(value, list):
        raise Invalid(f"{name}: is {value!r:.80}, allowed: a list of ids")
    return [str(one) for one in value]


def days(name: str, value: object) -> int:
    """For which an exemption is to last."""
    if not isinstance(value, int) or not 1 <= value <= LONGEST_EXEMPTION:
        raise Invalid(f"{name}: is {value!r:.80}, allowed: 1 to {LONGEST_EXEMPTION}")
    return value
