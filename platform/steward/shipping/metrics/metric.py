"""What CloudWatch takes as a metric's values: its limits, and points that keep them.

The limits are PutMetricData's. One datum beyond them makes CloudWatch refuse the whole call, so
that each is judged before it becomes a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MINUTE = 60_000  # milliseconds: the resolution of a standard metric

MAX_NAME = 255  # characters of a namespace, a metric's name, a dimension's name
MAX_DIMENSION_VALUE = 1024  # characters
MAX_DIMENSIONS = 30
LARGEST = 2.0**360
SMALLEST = 2.0**-360  # of a value that is not zero; nearer to it is refused as too small

EARLIEST = -14 * 24 * 3_600_000  # milliseconds from now
LATEST = 2 * 3_600_000

UNITS = (
    *("Seconds", "Microseconds", "Milliseconds"),
    *("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes"),
    *("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits"),
    *("Percent", "Count", "None"),
    *("Bytes/Second", "Kilobytes/Second", "Megabytes/Second"),
    *("Gigabytes/Second", "Terabytes/Second"),
    *("Bits/Second", "Kilobits/Second", "Megabits/Second"),
    *("Gigabits/Second", "Terabits/Second", "Count/Second"),
)
"""The 27 of PutMetricData's StandardUnit."""


class Metric(NamedTuple):
    """What CloudWatch tells metrics apart by; the dimensions are sorted pairs of name and value.

    A tuple, because packing looks thousands of them up by their hash.
    """

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...] = ()


class Points(NamedTuple):
    """Values of one metric from one minute, the earliest of them at ``time_ms``; never none."""

    metric: Metric
    time_ms: int
    values: Sequence[float]


def in_time(time_ms: int, now_ms: int) -> bool:
    """Whether CloudWatch takes a point of that time: from two weeks ago to two hours ahead."""
    return EARLIEST <= time_ms - now_ms <= LATEST


def in_range(value: float) -> bool:
    """Whether CloudWatch takes the value. NaN and the infinities are not taken."""
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def plain(text: str, longest: int) -> bool:
    """Whether it can be a name or a value: printable ASCII with more than blanks in it."""
    kept = text.isascii() and text.isprintable() and not text.isspace()
    return kept and 0 < len(text) <= longest
