"""Lambda's event source mapping for SQS: batches, windows, partial failures.

Batches are run one after the other, where AWS runs up to MaximumConcurrency of them at once. A
message's time-out begins with its batch, where Lambda receives it as soon as the window opens.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from embedded.messages import Message
from embedded.queues import Queue
from steward.model import Clock

PAYLOAD = 6 * 1024 * 1024
"""Bytes of a batch at most (Lambda developer guide, batching behavior)."""

Invoke = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""Calls a function, by name or ARN, with an event. Raises InvocationError."""


class InvocationError(RuntimeError):
    """The function ended with an error, or could not be called."""


@dataclass(frozen=True, slots=True)
class Source:
    """An event source mapping's settings."""

    function: str
    queue: str
    """The queue's ARN."""
    batch: int = 10
    window: timedelta = timedelta()
    concurrency: int | None = None
    partial: bool = False
    """Whether the function's answer says which messages failed."""
    enabled: bool = True

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> Self:
        """From an AWS::Lambda::EventSourceMapping's resolved properties. Raises ValueError."""
        batch = _number(properties, "BatchSize", 10, range(1, 10_001))
        window = _number(properties, "MaximumBatchingWindowInSeconds", 0, range(301))
        if batch > 10 and not window:
            raise ValueError("MaximumBatchingWindowInSeconds: is 0, allowed with BatchSize > 10: 1")
        scaling = properties.get("ScalingConfig") or {}
        return cls(
            function=properties["FunctionName"],
            queue=properties["EventSourceArn"],
            batch=batch,
            window=timedelta(seconds=window),
            concurrency=_number(scaling, "MaximumConcurrency", 0, range(2, 1_001)) or None,
            partial="ReportBatchItemFailures" in (properties.get("FunctionResponseTypes") or ()),
            enabled=str(properties.get("Enabled", True)).lower() == "true",
        )


def _number(properties: Mapping[str, Any], name: str, default: int, allowed: range) -> int:
    if name not in properties:
        return default
    value = int(properties[name])
    if value not in allowed:
        raise ValueError(f"{name}: is {value}, allowed: {allowed.start} to {allowed.stop - 1}")
    return value


class Poller:
    """Delivers a queue's messages to a function."""

    def __init__(self, source: Source, queue: Queue, invoke: Invoke, clock: Clock) -> None:
        self.source = source
        self._queue = queue
        self._invoke = invoke
        self._clock = clock

    def due(self) -> datetime | None:
        """When ``poll`` has something to do, if nothing is sent meanwhile; None for never."""
        if not self.source.enabled:
            return None
        messages = sorted(self._queue.messages(), key=_visible_from)
        spent = [one.visible_from for one in messages if self._queue.exhausted(one)]
        alive = [one for one in messages if not self._queue.exhausted(one)]
        moments = [*spent[:1], *([self._full_at(alive)] if alive else [])]
        return max(min(moments), self._clock.now()) if moments else None

    def poll(self) -> int:
        """Deliver the batches that are ready now, and return how many messages that were.

        What comes back at once waits for the next call, so that a call always ends.
        """
        delivered = 0
        if not self.source.enabled:
            return delivered
        self._queue.redrive()
        at_first = self._queue.visible
        while delivered < at_first and (size := self._ready()):
            batch = self._queue.receive(min(size, at_first - delivered))
            delivered += len(batch)
            self._deliver(batch)
        return delivered

    def _ready(self) -> int:
        """How many messages the batch has that is ready now; 0 for none."""
        visible = sorted(self._queue.ready(), key=_visible_from)
        if not visible or self._full_at(visible) > self._clock.now():
            return 0
        return self._fitting(self._queue.ready())

    def _full_at(self, messages: Sequence[Message]) -> datetime:
        """When a batch of these, the earliest first, is full or its window ends."""
        last = self._fitting(messages)
        full = last == self.source.batch or last < len(messages)
        ends = messages[0].visible_from + self.source.window
        return min(ends, messages[last - 1].visible_from) if full else ends

    def _fitting(self, messages: Sequence[Message]) -> int:
        """How many of the messages, from the first on, fit into one batch; at least one."""
        total = 0
        for number, one in enumerate(messages[: self.source.batch]):
            total += len(json.dumps(self._record(one)))
            if number and total > PAYLOAD:
                return number
        return min(len(messages), self.source.batch)

    def _deliver(self, batch: Sequence[Message]) -> None:
        """Call the function, and delete what it did not fail at."""
        event = {"Records": [self._record(one) for one in batch]}
        try:
            answer = self._invoke(self.source.function, event)
        except InvocationError:
            return
        ids = {one.id for one in batch}
        failed = failures(answer, ids) if self.source.partial else set()
        for one in batch:
            if one.id not in failed:
                self._queue.delete(one.handle)

    def _record(self, one: Message) -> Mapping[str, Any]:
        """A message as a function gets it."""
        arn = self._queue.arn
        return {
            "messageId": one.id,
            "receiptHandle": one.handle,
            "body": one.body,
            "attributes": one.system_attributes(),
            "messageAttributes": {
                name: _attribute(value) for name, value in one.attributes.items()
            },
            "md5OfBody": one.md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": arn.split(":")[3],
        }


def failures(answer: Any, ids: set[str]) -> set[str]:
    """Which messages of a batch failed, by the function's answer; all of them if it is no answer.

    The rules are those of the developer guide: nothing listed is success; an id that is empty,
    null, unknown or under another key fails the whole batch, and so does what is no JSON object.
    """
    if answer is None:
        return set()
    if not isinstance(answer, Mapping):
        return ids
    listed = answer.get("batchItemFailures")
    if listed is None:
        return set()
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        return ids
    named = [one.get("itemIdentifier") for one in listed]
    return {*named} if all(isinstance(one, str) and one in ids for one in named) else ids


def _visible_from(one: Message) -> datetime:
    return one.visible_from


def _attribute(value: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {}
    if "StringValue" in value:
        told["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        told["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**told, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
