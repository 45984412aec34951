"""The architectures of Lambda functions, which their logs do not tell."""

from __future__ import annotations

import threading

from steward.errors import StewardError
from steward.model import Aws, Clock

FRESH = 3600.0
"""Seconds for which the list is believed; a function that is new is looked for sooner."""

SOONEST = 300.0
"""Seconds between two readings of the list, whatever is missing in it."""

LONGEST = 10.0
"""Seconds that log events wait for a reading. A list that takes longer, at the pace of a process of
many, is read on with the next ones."""

AGAIN = 30.0
"""Seconds until a reading goes on."""


class Architectures:
    """Tells ``x86_64`` or ``arm64`` for a function's name; None where that is not known."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock
        self._known: dict[str, str] = {}
        self._read_at = float("-inf")
        self._next: str | None = None
        """The token of the page with which a reading goes on; None: there is none to go on with."""
        self._lock = threading.Lock()

    def __call__(self, function: str) -> str | None:
        with self._lock:
            age = self._clock.monotonic() - self._read_at
            soonest = SOONEST if self._next is None else AGAIN
            if age > FRESH or (function not in self._known and age > soonest):
                self._read()
                self._read_at = self._clock.monotonic()
            return self._known.get(function)

    def _read(self) -> None:
        until, begin = self._clock.monotonic() + LONGEST, self._next
        self._next = None
        try:
            for page, following in self._aws.pages("lambda", "ListFunctions", begin):
                for one in page["Functions"]:
                    self._known[one["FunctionName"]] = one.get("Architectures", ["x86_64"])[0]
                if following and self._clock.monotonic() >= until:
                    self._next = following
                    return
        except StewardError:  # costs are then not told, instead of guessed
            return
