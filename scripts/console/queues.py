"""The queues of a stack: inboxes, and what keeps the events that came to nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from steward.errors import NotConnected, StewardError
from steward.model import Aws

_ASKED = [
    "QueueArn",
    "RedrivePolicy",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how much lies in it, as far as SQS knows."""

    name: str
    url: str
    arn: str
    messages: int
    """Those that were received and not deleted among them."""
    dead_letters: str = ""
    """The ARN of the queue that takes what fails too often; '' of a queue that is no inbox."""
    held: int = 0
    """Those that were received and not deleted: nobody else sees them until they are given back."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A queue that could not be looked at."""

    name: str
    error: StewardError


def name_of(url_or_arn: str) -> str:
    return url_or_arn.replace("/", ":").rpartition(":")[2]


def read(aws: Aws, urls: Sequence[str]) -> Sequence[Queue | Unreadable]:
    """Each queue; SQS tells of one at a time."""
    return aws.together(partial(_read, aws), urls) if urls else []


def _read(aws: Aws, url: str) -> Queue | Unreadable:
    try:
        answer = aws.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=_ASKED)
    except NotConnected:
        raise
    except StewardError as error:
        return Unreadable(name_of(url), error)
    told = answer["Attributes"]
    counts = [int(told.get(name, 0)) for name in _ASKED if name.startswith("Approximate")]
    redrive = json.loads(told.get("RedrivePolicy", "{}"))
    arn, dead_letters = told["QueueArn"], redrive.get("deadLetterTargetArn", "")
    return Queue(name_of(url), url, arn, sum(counts), dead_letters, counts[-1])


def sources(queues: Sequence[Queue]) -> dict[str, Queue]:
    """The inbox of each dead-letter queue, by the latter's ARN."""
    return {one.dead_letters: one for one in queues if one.dead_letters}
