"""What lies in an SQS queue, what a queue is set to, and how SQS refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from embedded.request import Refusal

MEBIBYTE = 1_048_576
"""A message's size at most (SendMessage, API reference)."""

SENDER = "AIDAEMBEDDED"


@dataclass(frozen=True, slots=True)
class Settings:
    """A queue's attributes; seconds and bytes."""

    delay: int = 0
    visibility: int = 30
    retention: int = 345_600
    max_size: int = MEBIBYTE
    dead_letters: str = ""
    """The dead-letter queue's ARN; '' for none."""
    max_receives: int = 0

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> Self:
        """From an AWS::SQS::Queue's resolved properties. Raises KeyError, ValueError."""
        return cls().changed(properties)

    def changed(self, attributes: Mapping[str, Any]) -> Self:
        """With these attributes, of which an empty redrive policy is none."""
        known = {
            "delay": "DelaySeconds",
            "visibility": "VisibilityTimeout",
            "retention": "MessageRetentionPeriod",
            "max_size": "MaximumMessageSize",
        }
        found: dict[str, Any] = {
            ours: int(attributes[name]) for ours, name in known.items() if name in attributes
        }
        if "RedrivePolicy" in attributes:
            told = attributes["RedrivePolicy"] or {}
            redrive = json.loads(told) if isinstance(told, str) else told
            found["dead_letters"] = redrive.get("deadLetterTargetArn", "")
            found["max_receives"] = int(redrive.get("maxReceiveCount", 0))
        return replace(self, **found)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it lies in a queue."""

    id: str
    body: str
    sent: datetime
    """When it was sent at first, also in a dead-letter queue."""
    entered: datetime
    visible_from: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    sender: str = SENDER
    handle: str = ""
    """The newest receipt; '' until it is received."""
    received: int = 0
    """Times it was received from this queue."""
    received_before: int = 0
    """Times it was received from the queues it was in before."""
    first_received: datetime | None = None
    last_received: datetime | None = None
    source: str = ""
    """The ARN of the queue that gave it up; '' where it is no dead letter."""

    @property
    def md5(self) -> str:
        return hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()

    def system_attributes(self) -> Mapping[str, str]:
        """What ReceiveMessage tells of it, and an event source mapping."""
        told = {
            "ApproximateReceiveCount": str(self.received + self.received_before),
            "SentTimestamp": milliseconds(self.sent),
            "SenderId": self.sender,
        }
        if self.first_received is not None:
            told["ApproximateFirstReceiveTimestamp"] = milliseconds(self.first_received)
        if self.source:
            told["DeadLetterQueueSourceArn"] = self.source
        return told


def milliseconds(moment: datetime) -> str:
    return str(round(moment.timestamp() * 1000))


def size(body: str, attributes: Mapping[str, Any]) -> int:
    """Bytes of a message: its body, and names, types and values of its attributes."""
    total = len(body.encode())
    for name, value in attributes.items():
        content = value.get("BinaryValue") or value.get("StringValue", "").encode()
        total += len(name.encode()) + len(value["DataType"].encode()) + len(content)
    return total


def not_there(queue: str) -> Refusal:
    """The error for a queue that nobody made."""
    code = "AWS.SimpleQueueService.NonExistentQueue"
    return Refusal(code, f"The specified queue does not exist: {queue}")


def invalid(message: str) -> Refusal:
    """The error for a parameter outside what is allowed."""
    return Refusal("InvalidParameterValue", message)
