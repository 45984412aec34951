"""One request on its way: repeated, divided and shortened as the service's answers ask for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from steward.shipping.batch import Request
from steward.shipping.encoders.base import Answer, Kind
from steward.shipping.pieces import Pieces

PATIENCE = 32
"""Refusals after which a refused request is divided no more: 1 bad event of 5,000 costs 13."""

FIRST_PATIENCE = 5
"""The same, as long as nothing of the request was taken."""

HOPELESS = 3
"""Events that are refused as too large when nothing more can be cut off, and nothing else of the
request was taken: then it is not the events, the service refuses everything."""

_LATER = (Kind.RETRY, Kind.CONFIGURE)


class Route(Protocol):
    """The way to the service, shared by the requests of an invocation."""

    def attempt(self, piece: Request) -> Answer | None:
        """The service's answer; None where there is no time left to ask."""
        ...

    def repeatable(self, answer: Answer, attempt: int) -> bool:
        """Wait until the request may be repeated; False where that is too late or not worth it."""
        ...

    def took(self, events: int) -> None:
        """The service took so many events."""
        ...

    def count(self, name: str, amount: int = 1) -> None: ...


class Delivery:
    """One request, and in its place those that it falls apart into."""

    def __init__(self, route: Route, pieces: Pieces | None, request: Request) -> None:
        self._route = route
        self._pieces = pieces
        self._todo = deque([request])
        self._repeats = 0
        self._renewed = False
        self._refusals = 0
        self._hopeless = 0
        self._taken = False
        self.aside: list[tuple[str, Any]] = []
        """The events that the service will never take, each behind the reason."""

    def run(self) -> str:
        """Deliver. "" where every event was taken or is set aside, otherwise why that ended: then
        the whole request comes again, and nothing of it needs to be set aside."""
        reason = ""
        while self._todo and not reason:
            piece = self._todo.popleft()
            answer = self._route.attempt(piece)
            if answer is None:
                reason = "out of time"
            elif answer.kind in _LATER:
                reason = self._later(piece, answer)
            elif answer.kind is Kind.SPLIT:
                reason = self._split(piece, answer.reason)
            elif answer.kind is Kind.REJECT:
                self._refused(piece, answer)
            else:
                self._took(piece.events - len(answer.rejected))
                self._set_aside(piece, answer.rejected)
        return reason

    def _later(self, piece: Request, answer: Answer) -> str:
        """Send again what is left of the request, once it may be."""
        left = self._left(piece, answer)
        if left is None:
            return ""
        configure = answer.kind is Kind.CONFIGURE
        if (configure and self._renewed) or not self._route.repeatable(answer, self._repeats):
            return _cause(answer)
        self._renewed |= configure
        self._repeats += 1
        self._route.count("Retries")
        self._todo.appendleft(left)
        return ""

    def _left(self, piece: Request, answer: Answer) -> Request | None:
        """What of a request is still to be sent."""
        if not (answer.rejected or answer.again):
            return piece
        everything = range(piece.events)
        again = answer.again or [place for place in everything if place not in answer.rejected]
        self._set_aside(piece, answer.rejected)
        self._took(piece.events - len(again) - len(answer.rejected))
        items = self._apart.items(piece)
        return self._apart.of(piece, [items[place] for place in again]) if again else None

    def _split(self, piece: Request, reason: str) -> str:
        """Send the request's halves in its place; of a single event its beginning."""
        if piece.events > 1:
            self._todo.extendleft(reversed(self._apart.halves(piece)))
            return ""
        shorter = self._apart.shorter(piece)
        if shorter is not None:
            self._route.count("Cut")
            self._todo.appendleft(shorter)
            return ""
        self._hopeless += 1
        if self._hopeless >= HOPELESS and not self._taken:
            return _cause(Answer(Kind.SPLIT, reason))
        self._set_aside(piece, {0: reason})
        return ""

    def _refused(self, piece: Request, answer: Answer) -> None:
        """Send the request without what is to blame, if that is told; else its halves in its place,
        in the end: as long as some are taken, it is few events for which the service refuses many.
        """
        self._refusals += 1
        told = bool(answer.rejected)
        patience = PATIENCE if self._taken or told else FIRST_PATIENCE
        if piece.events == 1 or self._refusals >= patience:
            self._set_aside(piece, dict.fromkeys(range(piece.events), answer.reason))
        elif not told:
            self._todo.extend(self._apart.halves(piece))
        elif left := self._left(piece, answer):
            self._todo.appendleft(left)

    def _set_aside(self, piece: Request, reasons: Mapping[int, str]) -> None:
        if reasons:
            items = self._apart.items(piece)
            self.aside += [(reason, items[place]) for place, reason in sorted(reasons.items())]

    def _took(self, events: int) -> None:
        if events:
            self._taken = True
            self._route.took(events)

    @property
    def _apart(self) -> Pieces:
        if self._pieces is None:
            raise TypeError("a destination without a format takes requests as a whole")
        return self._pieces


def _cause(answer: Answer) -> str:
    """Why a request was not taken, for a log line: what a service says beside its status may be our
    token, or our events."""
    reason = answer.reason or answer.kind.value
    return reason.partition(":")[0] if reason.startswith("HTTP ") else reason
