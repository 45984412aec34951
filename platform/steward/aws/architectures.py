"""The architectures of Lambda functions, which their logs do not tell."""

from __future__ import annotations

import threading

from steward.errors import StewardError
from steward.model import Aws, Clock

FRESH = 3600.0
"""Seconds for which the list is believed; a function that is new is looked for sooner."""

SOONEST = 300.0
"""Seconds between two readings of the list, whatever is missing in it."""


class Architectures:
    """Tells ``x86_64`` or ``arm64`` for a function's name; None where that is not known."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._known: dict[str, str] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, function: str) -> str | None:
        with self._lock:
            age = self._clock.monotonic() - self._read_at
            if age > FRESH or (function not in self._known and age > SOONEST):
                self._read_at = self._clock.monotonic()
                self._read()
            return self._known.get(function)

    def _read(self) -> None:
        found: dict[str, str] = {}
        try:
            for page, _ in self._aws.pages("lambda", "ListFunctions"):
                for one in page["Functions"]:
                    found[one["FunctionName"]] = one.get("Architectures", ["x86_64"])[0]
        except StewardError:  # costs are then not told, instead of guessed
            self._known |= found
            return
        self._known = found
