"""A block's columns made ready to stand in JSON, one row for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block

CUT = 100
"""Added to the level of an event whose message was cut: one key then finds all that differs."""

Row = tuple[str, int, str, int, str, str]
"""Id, milliseconds, message as a JSON string without its quotes, level and mark, request, trace."""


def rows(codec: Codec, block: Block) -> Iterable[Row]:
    """The block's events, their messages escaped all at once."""
    texts, marks = codec.strings(block.messages), marked(block)
    return zip(block.ids, block.times, texts, marks, block.requests, block.traces, strict=True)


def marked(block: Block) -> list[int]:
    """The block's levels, plus CUT where the message was cut."""
    if not block.cut:
        return block.levels
    return [level + CUT * (place in block.cut) for place, level in enumerate(block.levels)]


def by_mark(fragment: Callable[[int, bool], str]) -> Mapping[int, str]:
    """What ``fragment`` makes of each level (0: none) and of whether the message was cut."""
    return {
        level + CUT * cut: fragment(level, cut) for level in (0, *LEVELS) for cut in (False, True)
    }


def known(values: Mapping[str, str]) -> dict[str, str]:
    """The values that are not empty."""
    return {name: value for name, value in values.items() if value}


def members(codec: Codec, values: Mapping[str, Any]) -> str:
    """The members of a JSON object, each with a comma before it."""
    return "," + codec.dumps(values).decode()[1:-1] if values else ""


def lines(codec: Codec, body: bytes) -> list[Any]:
    """The values of a body that has one on each line."""
    return list(codec.loads(b"[" + b",".join(body.splitlines()) + b"]"))
