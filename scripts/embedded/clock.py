"""The embedded account's time, which passes only when somebody says so."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta


class EmbeddedClock:
    """See ``steward.model.Clock``. Time moves by ``sleep``, ``advance`` and ``advance_to`` only.

    Threads that sleep at the same time sleep together, as they would by a real clock: who has just
    read the time sleeps from then on, even if another's sleep has moved it meanwhile.
    """

    def __init__(self, start: datetime) -> None:
        """``start`` knows its time zone; ValueError where it does not."""
        if start.tzinfo is None:
            raise ValueError(f"start: is {start}, allowed: a moment with a time zone")
        self._start = start
        self._passed = timedelta()
        self._lock = threading.Lock()
        self._read = threading.local()

    def now(self) -> datetime:
        return self._start + self._told()

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._told().total_seconds()

    def _told(self) -> timedelta:
        with self._lock:
            self._read.at = self._start + self._passed
            return self._passed

    def sleep(self, seconds: float) -> None:
        read: datetime | None = getattr(self._read, "at", None)
        self.advance_to((read or self.now()) + timedelta(seconds=seconds))
        self._read.at = None

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping. Raises ValueError for less than none."""
        if seconds < 0:
            raise ValueError(f"seconds: is {seconds}, allowed: 0 or more")
        self.advance_to(self.now() + timedelta(seconds=seconds))

    def advance_to(self, moment: datetime) -> None:
        """Let it be that moment; one that has passed changes nothing."""
        with self._lock:
            self._passed = max(self._passed, moment - self._start)


class InstanceClock(EmbeddedClock):
    """The time of a function's instance: invocations at the same time do not take each other's.

    It begins with the account's time, passes by the instance's own sleeping only, and takes the
    account's time along.
    """

    def __init__(self, account: EmbeddedClock) -> None:
        super().__init__(account.now())
        self._account = account

    def begin(self) -> None:
        """An invocation begins: it is as late as in the account."""
        super().advance_to(self._account.now())

    def advance_to(self, moment: datetime) -> None:
        super().advance_to(moment)
        self._account.advance_to(moment)
