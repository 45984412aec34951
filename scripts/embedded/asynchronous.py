"""Asynchronous invocations: what Lambda's own queue does with an event.

A function that errs gets it again after one minute, and after two more; then it goes to the
function's destination on failure, or is dropped where it has none (Lambda developer guide, "How
Lambda handles errors and retries with asynchronous invocation"). The queue is said to take a
second, so that functions that invoke each other let time pass.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from embedded.poller import InvocationError, Invoke
from steward.model import Clock

LATER = timedelta(seconds=1)
PAUSES = (timedelta(minutes=1), timedelta(minutes=2))


@dataclass(frozen=True, slots=True)
class _Waiting:
    at: datetime
    function: str
    event: Mapping[str, Any]
    failures: int = 0


class Asynchronous:
    """The events that wait for a function. ``send`` may be called from several threads."""

    def __init__(self, clock: Clock) -> None:
        self.invoke: Invoke = lambda _name, _event: None
        """Calls a function; see ``embedded.hosting.Host.invoke``."""
        self.given_up: Invoke = lambda _name, _event: None
        """Takes what a function failed at three times over."""
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def send(self, function: str, event: Mapping[str, Any]) -> None:
        """Have a function invoked, by its name or ARN."""
        self._add(_Waiting(self._clock.now() + LATER, function, event))

    def due(self) -> datetime | None:
        """When ``poll`` has something to do; None for never."""
        due = min((one.at for one in self._waiting), default=None)
        return None if due is None else max(due, self._clock.now())

    def poll(self) -> int:
        """Invoke what is due; how many events that were."""
        now = self._clock.now()
        with self._lock:
            ready = [one for one in self._waiting if one.at <= now]
            self._waiting = [one for one in self._waiting if one.at > now]
        for one in ready:
            try:
                self.invoke(one.function, one.event)
            except InvocationError:
                self._again(one)
        return len(ready)

    def _again(self, one: _Waiting) -> None:
        if one.failures < len(PAUSES):
            at = self._clock.now() + PAUSES[one.failures]
            self._add(replace(one, at=at, failures=one.failures + 1))
        else:
            self.given_up(one.function, one.event)

    def _add(self, one: _Waiting) -> None:
        with self._lock:
            self._waiting.append(one)
