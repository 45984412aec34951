"""How many requests may be under way at once: what a service bears is found out by asking."""

from __future__ import annotations

import threading


class Lanes:
    """One lane more after each success, half of them after each refusal, at least one."""

    def __init__(self, first: int, most: int) -> None:
        self._allowed = float(first)
        self._most = most
        self._busy = 0
        self._changed = threading.Condition()

    def enter(self, seconds: float | None) -> bool:
        """Take a lane; False where none became free in so many seconds."""
        with self._changed:
            free = self._changed.wait_for(lambda: self._busy < int(self._allowed), seconds)
            self._busy += free
            return free

    def leave(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def faster(self) -> None:
        with self._changed:
            self._allowed = min(self._most, self._allowed + 1)
            self._changed.notify_all()

    def slower(self) -> None:
        with self._changed:
            self._allowed = max(1.0, self._allowed / 2)
