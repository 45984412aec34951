"""From events of queues, and of what reads them, to refs. Pure; see ``events``.

The calls over event source mappings tell the function and the source by ARN in their answer; of a
new mapping the request has them, too, the function by any of its names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from steward.config_resources import QUEUE
from steward.events import FUNCTION, function_name
from steward.model import Ref

MAPPED = frozenset(
    {"CreateEventSourceMapping", "DeleteEventSourceMapping", "UpdateEventSourceMapping"}
)
"""Calls of Lambda that say what is read for a function."""

QUEUED = frozenset({"DeleteQueue", "SetQueueAttributes"})
"""Calls of SQS that say what a queue is."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_URL = re.compile(r"https?://[^/]+/(?:[^/]+/)*([^/]+)")
_ARN = re.compile(r"arn:[^:]+:sqs:[^:]+:\d{12}:([^:]+)")


def event_source_mapping(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The function of a mapping, and the queue where it reads one."""
    asked, answered = _object(detail, "requestParameters"), _object(detail, "responseElements")
    function = answered.get("functionArn") or asked.get("functionName")
    if name := function_name(function):
        yield Ref(FUNCTION, name)
    source = answered.get("eventSourceArn") or asked.get("eventSourceArn")
    if name := _found(_ARN, source):
        yield Ref(QUEUE, name)


def queue(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The queue of an SQS call, told by its URL."""
    if name := _found(_URL, _object(detail, "requestParameters").get("queueUrl")):
        yield Ref(QUEUE, name)


def is_queue_name(told: str) -> bool:
    """Whether SQS takes it as a queue's name (CreateQueue, API reference)."""
    return _NAME.fullmatch(told) is not None


def _object(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    told = detail.get(name)
    return told if isinstance(told, Mapping) else {}


def _found(pattern: re.Pattern[str], told: object) -> str:
    """A queue's name in a URL or an ARN; '' for anything else."""
    found = pattern.fullmatch(told) if isinstance(told, str) else None
    return found[1] if found and is_queue_name(found[1]) else ""
