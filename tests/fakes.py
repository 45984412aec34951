"""Stand-ins for what lies outside: time, and AWS."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from steward.model import Ref

T = TypeVar("T")
R = TypeVar("R")

ACCOUNT = "111122223333"
REGION = "eu-west-1"
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

TOKENS = ("nextToken", "NextToken", "NextMarker", "Marker", "PaginationToken", "position")
"""How answers name the token of their next page."""


class FakeClock:
    """Time that passes only by sleeping, at once; ``sleeps`` keeps how long, in order.

    Threads that sleep at the same time sleep together, as they would by a real clock.
    """

    def __init__(self, start: datetime = START) -> None:
        self.sleeps: list[float] = []
        self._start = start
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody sleeping."""
        until = self.monotonic() + seconds
        with self._lock:
            self._passed = max(self._passed, until)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of a FakeAws; ``start`` is the token of a page."""

    service: str
    operation: str
    params: Mapping[str, Any]
    start: str | None = None


Answer: TypeAlias = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What AWS says: a document, an error to raise, or what a function makes of the parameters."""


class FakeAws:
    """See ``steward.model.Aws``. Answers by (service, operation), keeps every request.

    One answer is given for ever; a list of answers is given in turn, and one request more than
    there are answers fails the test, as does an operation nobody prepared.
    """

    def __init__(
        self,
        answers: Mapping[tuple[str, str], Answer | Sequence[Answer]] | None = None,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        partition: str = "aws",
    ) -> None:
        self.account = account
        self.region = region
        self.partition = partition
        self.requests: list[Request] = []
        self._answers = {
            key: deque(answer) if isinstance(answer, Sequence) else answer
            for key, answer in (answers or {}).items()
        }

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        return self._answer(Request(service, operation, params))

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        token = start
        while True:
            answer = self._answer(Request(service, operation, params, token))
            token = next((answer[name] for name in TOKENS if answer.get(name)), None)
            yield answer, token
            if token is None:
                return

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [act(item) for item in items]

    def asked(self, service: str, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of each request for an operation, in order."""
        return [
            request.params
            for request in self.requests
            if (request.service, request.operation) == (service, operation)
        ]

    def _answer(self, request: Request) -> Mapping[str, Any]:
        self.requests.append(request)
        key = (request.service, request.operation)
        assert key in self._answers, f"nobody prepared an answer for {key}"
        answer = self._answers[key]
        if isinstance(answer, deque):
            assert answer, f"more requests for {key} than answers"
            answer = answer.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer(request.params) if callable(answer) else answer


class NothingKnown:
    """See ``steward.model.Known``: the ledger is empty; what a step has read, it reads once."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def items(self, refs: Sequence[Ref]) -> Mapping[Ref, Any]:
        return {}

    def once(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made
