"""Moves of dead letters back to the queues they came from, which SQS makes by itself.

A move is over at once; AWS takes its time. It moves what is visible, each as a new message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from embedded.messages import milliseconds
from embedded.request import Refusal, Request
from steward.model import Clock

if TYPE_CHECKING:
    from embedded.queues import Queue

Answer = Mapping[str, Any]

NO_SOURCE = "CouldNotDetermineMessageSource"
"""Why a move ends at a message that was sent into the queue, and not moved to it."""


class Moves:
    """The moves of an account's queues, the newest of each queue first."""

    def __init__(
        self, clock: Clock, find: Callable[[str], Queue], queues: Callable[[], Iterable[Queue]]
    ) -> None:
        self._clock = clock
        self._find = find
        self._queues = queues
        self._moves: dict[str, list[dict[str, Any]]] = {}
        self._count = 0

    def overlays(self) -> Mapping[tuple[str, str], Callable[[Request], Answer]]:
        """What answers where moto knows no such operations."""
        return {
            ("sqs", "StartMessageMoveTask"): lambda request: self._start(request.params),
            ("sqs", "ListMessageMoveTasks"): lambda request: self._list(request.params),
        }

    def _start(self, params: Mapping[str, Any]) -> Answer:
        source = self._find(params["SourceArn"])
        if not any(one.settings.dead_letters == source.arn for one in self._queues()):
            code = "AWS.SimpleQueueService.UnsupportedOperation"
            raise Refusal(code, "Source queue must be configured as a Dead Letter Queue.")
        waiting, moved, failure = source.ready(), 0, {}
        for one in waiting:
            if not one.source:
                failure = {"FailureReason": NO_SOURCE}
                break
            self._find(params.get("DestinationArn") or one.source).send(
                one.body, attributes=one.attributes, sender=one.sender
            )
            source.drop(one.id)
            moved += 1
        self._count += 1
        task = {
            "Status": "FAILED" if failure else "COMPLETED",
            "SourceArn": source.arn,
            "ApproximateNumberOfMessagesMoved": moved,
            "ApproximateNumberOfMessagesToMove": len(waiting),
            "StartedTimestamp": int(milliseconds(self._clock.now())) + self._count,
            **failure,
        }
        self._moves.setdefault(source.arn, []).insert(0, task)
        return {"TaskHandle": f"move-{self._count}"}

    def _list(self, params: Mapping[str, Any]) -> Answer:
        source = self._find(params["SourceArn"])
        return {"Results": self._moves.get(source.arn, [])[: params.get("MaxResults", 1)]}
