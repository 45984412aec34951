"""Requests on their way: several at once, repeated while it is worth it, never lost.

A request ends in one of three ways: taken; taken but for events that the service will never take,
which are set aside; or unsent, and then all records from its first one on have to come again.
Nothing new is sent after a request that stayed unsent, so that little is sent twice.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from steward.model import Clock, Deadline
from steward.shipping.accel import Codec
from steward.shipping.batch import Request
from steward.shipping.delivery import Delivery
from steward.shipping.encoders.base import Answer, Encoder, Kind
from steward.shipping.lanes import Lanes
from steward.shipping.pieces import Pieces

MOST_IN_FLIGHT = 8
FIRST_IN_FLIGHT = 4
ATTEMPT_SECONDS = 30.0
"""What one attempt may take; a service that is slower is asked again."""
SHORTEST_ATTEMPT = 1.0
GRACE = 3.0
"""Seconds after the deadline for which attempts are awaited that should be over by then."""
FIRST_BACKOFF = 0.5  # seconds; doubles with each attempt, of which a quarter to all is waited
LONGEST_BACKOFF = 20.0
LONGEST_WISH = 60.0
"""Seconds of a Retry-After that are obeyed within one invocation."""


class Destination(Protocol):
    """Where requests go."""

    def attempt(self, request: Request, seconds: float) -> Answer:
        """Send a request once. Total: what fails on the way is an answer, too."""
        ...

    def refresh(self) -> bool:
        """Read the credentials anew; False where that brings nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that the service will never take, as it stood in the request."""

    first: int
    """The places of the first record in its request, and of the last."""
    last: int
    reason: str
    item: Any


@dataclass(slots=True)
class Sent:
    """What became of the requests of one invocation."""

    unsent: int | None = None
    """The place of the first record of the first request that was not taken."""
    cause: str = ""
    """Why it was not."""
    taken: set[int] = field(default_factory=set)
    """The places of the records of which every request was taken."""
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Events, Requests, Retries, WireBytes, Cut."""


Check = Callable[[Request, Callable[[], None]], bool]
"""Calls what raises where delivering the request met a bug; False then, and the caller has seen to
its records."""


class Sender:
    """Sends to one destination, for as long as the container lives."""

    def __init__(
        self, destination: Destination, encoder: Encoder | None, codec: Codec, clock: Clock
    ) -> None:
        self.destination = destination
        self.pieces = Pieces(encoder, codec) if encoder else None
        self.clock = clock
        self.is_down = False
        """The destination took nothing the last time, so that it is tried once, not at length."""

    def begin(self, deadline: Deadline, pool: Executor) -> Shipment:
        """A shipment whose requests must be over by ``deadline``."""
        return Shipment(self, deadline, pool)


class Shipment:
    """The requests of one invocation. It is the Route of their deliveries, in threads."""

    def __init__(self, sender: Sender, deadline: Deadline, pool: Executor) -> None:
        self._sender = sender
        self._deadline = deadline
        self._pool = pool
        first = 1 if sender.is_down else FIRST_IN_FLIGHT
        self._lanes = Lanes(first, MOST_IN_FLIGHT)
        self._under_way: list[tuple[Request, Future[None]]] = []
        self._lock = threading.Lock()
        self._probing = sender.is_down
        self._renewed: bool | None = None
        self._sent = Sent()
        self._missing: set[int] = set()
        self.halted = False
        """A request stayed unsent: what follows it would only be sent twice."""

    def submit(self, request: Request) -> None:
        """Send in the background, unless halted; wait while too many are under way."""
        if not self._lanes.enter(self._patience()):
            self._unsent(request, "out of time")
        elif self.halted:
            self._lanes.leave()
            self._unsent(request, "")
        else:
            # The future keeps nothing of the request but which records are in it.
            stub = Request(b"", request.events, request.first, request.last)
            self._under_way.append((stub, self._pool.submit(self._run, request)))

    def finish(self, check: Check) -> Sent:
        """Wait for what is under way, and tell what became of everything.

        What is under way for longer than it may is given up: it counts as unsent, and what it
        still does changes nothing.
        """
        wait([future for _, future in self._under_way], self._patience())
        for request, future in self._under_way:
            if not future.done():
                self._unsent(request, "out of time")
            elif not check(request, future.result):
                self._miss(request)
        with self._lock:
            now = self._sent
            taken, rejected = now.taken - self._missing, sorted(now.rejected, key=_place)
            sent = Sent(now.unsent, now.cause, taken, rejected, Counter(now.counts))
        if self._under_way:
            self._sender.is_down = sent.unsent is not None
        return sent

    def attempt(self, piece: Request) -> Answer | None:
        seconds = min(ATTEMPT_SECONDS, self._deadline.left())
        if seconds < SHORTEST_ATTEMPT:
            return None
        answer = self._sender.destination.attempt(piece, seconds)
        self.count("Requests")
        self.count("WireBytes", len(piece.body))
        if answer.kind is Kind.OK:
            self._probing = False
            self._lanes.faster()
        return answer

    def repeatable(self, answer: Answer, attempt: int) -> bool:
        if answer.kind is Kind.CONFIGURE:
            return self._refreshed()
        self._lanes.slower()
        pause = max(_backoff(attempt), min(answer.after or 0.0, LONGEST_WISH))
        if self._probing or pause + SHORTEST_ATTEMPT >= self._deadline.left():
            return False
        while pause > 0 and not self.halted:  # in steps, so as not to sleep for what is over
            step = min(1.0, pause)
            self._sender.clock.sleep(step)
            pause -= step
        return not self.halted

    def took(self, events: int) -> None:
        self.count("Events", events)

    def count(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._sent.counts[name] += amount

    def _run(self, request: Request) -> None:
        try:
            if self.halted:
                return self._unsent(request, "")
            delivery = Delivery(self, self._sender.pieces, request)
            reason = delivery.run()
            if reason:
                return self._unsent(request, reason)
            span = request.first, request.last
            with self._lock:
                self._sent.taken.update(range(request.first, request.last + 1))
                self._sent.rejected += [Rejected(*span, why, item) for why, item in delivery.aside]
        finally:
            self._lanes.leave()

    def _refreshed(self) -> bool:
        """Read the credentials anew, once in an invocation and for all of its requests."""
        with self._lock:
            if self._renewed is None:
                self._renewed = self._sender.destination.refresh()
            return self._renewed

    def _unsent(self, request: Request, cause: str) -> None:
        self._miss(request)
        with self._lock:
            self.halted = True
            if self._sent.unsent is None or request.first < self._sent.unsent:
                self._sent.unsent = request.first
                self._sent.cause = cause or self._sent.cause

    def _miss(self, request: Request) -> None:
        with self._lock:
            self._missing.update(range(request.first, request.last + 1))

    def _patience(self) -> float | None:
        left = self._deadline.left()
        return None if left == float("inf") else max(0.0, left) + GRACE


def _place(rejected: Rejected) -> int:
    return rejected.first


def _backoff(attempt: int) -> float:
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**attempt)
    return random.uniform(longest / 4, longest)  # noqa: S311  # spreads load, guards nothing
