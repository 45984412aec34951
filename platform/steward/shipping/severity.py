"""The words and numbers by which log lines tell their severity, as OTLP's severity numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INFO = 9
WARN = 13
ERROR = 17

_WORDS = {
    1: "trace trce verbose finest finer silly",
    5: "debug dbug fine config",
    9: "info information informational notice",
    13: "warn warning",
    17: "error err fail severe",
    21: "fatal critical crit alert emergency emerg panic dpanic",
}
NUMBERS = {
    form: number
    for number, words in _WORDS.items()
    for word in words.split()
    for form in (word, word.upper(), word.capitalize())
}
"""By the word as it is usually spelt."""

KEYS = ("level", "severity", "log.level", "levelname")
"""Under which JSON lines tell it: Powertools, Lambda, pino, zap and slog; Google's; Elastic's;
Python's. The first one that a line has counts."""


def number(told: object) -> int:
    """The severity number of a word, in whatever case, or of a number of pino or bunyan, 10 to 60;
    0 for what is no such thing."""
    if isinstance(told, str):
        if told in NUMBERS:
            return NUMBERS[told]
        short = len(told) <= 3  # int() refuses thousands of digits
        return _counted(int(told)) if short and told.isdecimal() else NUMBERS.get(told.lower(), 0)
    if isinstance(told, int | float) and not isinstance(told, bool):
        return _counted(told)
    return 0


def _counted(level: float) -> int:
    """10 TRACE, 20 DEBUG, 30 INFO, 40 WARN, 50 ERROR, 60 FATAL, what is between like the lower."""
    return 4 * int(level // 10) - 3 if 10 <= level < 70 else 0


def tellings(document: Mapping[str, Any]) -> list[Any]:
    """What a JSON line's own fields say about its severity, the one that counts first; ECS has
    ``log.level`` also as an object in an object."""
    found = [document[key] for key in KEYS if key in document]
    log = document.get("log")
    return [*found, log["level"]] if isinstance(log, dict) and "level" in log else found
