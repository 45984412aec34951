"""What the counting server does to requests instead of passing them on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Predicate = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error instead of an answer: from the ``nth`` request on, or where ``when`` says so."""

    operation: str  # service.Operation
    code: str
    message: str = "injected"
    status: int = 400  # HTTP
    nth: int = 1  # counted from 1 since the counters were cleared
    when: Predicate | None = None  # over the request's parameters; None: always
    times: int | None = 1  # None: each time

    def strikes(self, count: int, struck: int, params: Mapping[str, Any]) -> bool:
        """Whether to answer the ``count``-th request, after ``struck`` strikes, with the error."""
        spent = self.times is not None and struck >= self.times
        return not spent and count >= self.nth and (self.when is None or self.when(params))


def fault_from(document: Mapping[str, Any]) -> Fault:
    """A fault from JSON, where ``where`` gives the parameters that a request must have."""
    fields = dict(document)
    where = fields.pop("where", None)
    return Fault(**fields, when=has(**where) if where else None)


def has(**wanted: Any) -> Predicate:
    """Whether a request's parameters have these values: ``has(logGroupName="/a")``."""
    return lambda params: all(
        key in params and params[key] == value for key, value in wanted.items()
    )


class Bucket:
    """A quota: a token bucket that holds one second's worth of requests, at least one."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._tokens = self._capacity = max(1.0, rate)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more request fits; not safe to call from two threads at once."""
        now = time.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
