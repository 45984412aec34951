"""Metrics that applications write into their logs: ``MONITORING|value|unit|name|namespace|k=v,k=v``

The last field may be missing, and the last two, where a default namespace steps in. Such a text
stands at the start of a line, after white space (as behind a runtime's time, request id and level),
or in the ``message`` of a line of JSON, and ends with its line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import contains
from typing import Any

from steward.shipping.metrics.choices import Choices, Writer
from steward.shipping.metrics.metric import (
    MAX_DIMENSION_VALUE,
    MAX_DIMENSIONS,
    MAX_NAME,
    UNITS,
    Metric,
    Points,
    in_range,
    in_time,
    plain,
)

MARK = "MONITORING|"

_LINE = re.compile(r"MONITORING\|([^|\r\n]*)\|?([^\r\n]*)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

# Without KB, Mb and the like: taken without case, they can be of bytes or of bits.
_SHORT = {"s": "Seconds", "sec": "Seconds", "ms": "Milliseconds", "us": "Microseconds"}
_SHORT |= {"%": "Percent"}
_UNITS = {
    **{unit.lower(): unit for unit in UNITS},
    **{unit.lower().removesuffix("s"): unit for unit in UNITS},
    **_SHORT,
}

_CACHED = 1024  # characters of the longest line of which what it says is remembered


def monitored(
    messages: Sequence[str],
    times: Sequence[int],
    choices: Choices,
    writer: Writer,
    invalid: Counter[str],
) -> list[Points]:
    """The points of the messages, whose times are in milliseconds.

    A line that CloudWatch would refuse adds to ``invalid`` by its reason and never raises:
    "malformed", "no value", "no number", "out of range", "unknown unit", "bad name",
    "bad namespace", "reserved namespace", "bad dimension", "duplicate dimension",
    "too many dimensions", "bad time".
    """
    points: list[Points] = []
    marked = list(map(contains, messages, repeat(MARK)))
    lines = zip(compress(messages, marked), compress(times, marked), strict=True)
    for message, time_ms in lines:
        text = _logged(message, choices.loads) if message.startswith("{") else message
        for found in _LINE.finditer(text):
            if not found.start() or text[found.start() - 1].isspace():
                point = _point(found[1], found[2], time_ms, choices, writer)
                if isinstance(point, str):
                    invalid[point] += 1
                else:
                    points.append(point)
    return points


def _logged(message: str, loads: Callable[[bytes], Any]) -> str:
    """What the application logged, where the runtime or a library made an object of it."""
    try:
        logged = loads(message.encode(errors="replace"))
    except ValueError:
        return message
    text = logged.get("message") if isinstance(logged, dict) else None
    return text if isinstance(text, str) else ""


def _point(text: str, rest: str, time_ms: int, choices: Choices, writer: Writer) -> Points | str:
    """The point of a line, or why it is none."""
    value = _value(text.strip())
    if isinstance(value, str):
        return value
    read = _metric if len(rest) <= _CACHED else _metric.__wrapped__
    metric = read(rest.strip(), choices.namespace, writer.function, writer.version)
    if isinstance(metric, str):
        return metric
    return Points(metric, time_ms, (value,)) if in_time(time_ms, choices.now_ms) else "bad time"


def _value(text: str) -> float | str:
    """The value, or why it is none."""
    if not text:
        return "no value"
    if not _NUMBER.fullmatch(text):
        return "no number"
    value = float(text)
    return value if in_range(value) else "out of range"


@lru_cache(maxsize=2048)
def _metric(rest: str, namespace: str, function: str, version: str) -> Metric | str:
    """The metric that the fields behind the value name, or why they name none."""
    fields = [part.strip() for part in rest.split("|", 3)]
    if len(fields) < 2:
        return "malformed"
    unit, name, named, dimensions = (*fields, "", "")[:4]
    if unit.lower() not in _UNITS:
        return "unknown unit"
    if not plain(name, MAX_NAME):
        return "bad name"
    if problem := _refused_namespace(named or namespace):
        return problem
    pairs = _dimensions(dimensions, function, version)
    if isinstance(pairs, str):
        return pairs
    return Metric(named or namespace, name, _UNITS[unit.lower()], pairs)


def _refused_namespace(namespace: str) -> str:
    if namespace.startswith("AWS/"):  # CloudWatch keeps those for AWS's services
        return "reserved namespace"
    good = plain(namespace, MAX_NAME) and not namespace.startswith(":")
    return "" if good else "bad namespace"


def _dimensions(text: str, function: str, version: str) -> tuple[tuple[str, str], ...] | str:
    """The named dimensions and, where they are missing, those of the function; or the problem."""
    pairs: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, _, value = (side.strip() for side in part.partition("="))
        if not _good_dimension(name, value):
            return "bad dimension"
        if name in pairs:
            return "duplicate dimension"
        pairs[name] = value
    if function:
        pairs.setdefault("FunctionName", function)
        pairs.setdefault("FunctionVersion", version or "$LATEST")
    return tuple(sorted(pairs.items())) if len(pairs) <= MAX_DIMENSIONS else "too many dimensions"


def _good_dimension(name: str, value: str) -> bool:
    named = plain(name, MAX_NAME) and not name.startswith(":")
    return named and plain(value, MAX_DIMENSION_VALUE)
