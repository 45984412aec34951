"""What is wanted of log lines, and who wrote them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from steward.shipping.metrics.reading import UNITS as MEASURED

UNITS = {**MEASURED, "EstimatedCost": "None", "Timeouts": "Count", "Errors": "Count"}
"""The units of all metrics that reports can give, by their names; the cost is in US dollars."""

ALWAYS = frozenset(UNITS) - {"InitDuration", "EstimatedCost"}
"""What is wanted where nothing else is said: cold starts and costs are asked for by name."""


def _unknown(_function: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Choices:
    """What is wanted of log lines; made once for an invocation, as ``now_ms`` is its time.

    ``loads`` is a JSON text's value and raises ValueError. ``namespace`` is of monitoring lines
    that name none. ``wanted`` are names of UNITS; with none, reports are not read.
    ``architecture_of`` tells "x86_64" or "arm64" for a function's name, or None; it is asked only
    where EstimatedCost is wanted.
    """

    now_ms: int
    loads: Callable[[bytes], Any]
    namespace: str = "Steward/Logs"
    report_namespace: str = "Steward/Lambda"
    wanted: frozenset[str] = ALWAYS
    by_version: bool = False  # whether reports' metrics are told apart by the function's version
    architecture_of: Callable[[str], str | None] = _unknown


class Writer(NamedTuple):
    """Who wrote a record's lines; ``function`` and ``version`` are "" outside of Lambda."""

    function: str
    version: str
    region: str
