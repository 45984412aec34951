"""A batch of events from a control's inbox queue, with partial failures.

A message that cannot be read as JSON is given back, so that it ends in the dead-letter queue where
somebody sees it. An event that is none of ours is acknowledged with a counted reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from steward.errors import BadPolicy, StewardError
from steward.events import Automation, Heeding, Skip, concerned, named
from steward.look import Looked
from steward.model import Aws, Control, Ref

FIRST_PAUSE, LONGEST_PAUSE = 30, 900
"""Seconds until a message that was given back is seen again: doubling from the first."""

PATIENCE = 8
"""So often a message is received that only waits, for 45 minutes: then the next sweep looks again,
and no dead letter tells of a stack that took its time."""

_VISIBILITY_BATCH = 10  # entries of a ChangeMessageVisibilityBatch (API reference)


@dataclass(slots=True)
class Batch:
    """What the messages of a batch name."""

    refs: dict[str, list[Ref]] = field(default_factory=dict)
    """By message id; a message that names nothing is not in it."""
    concerned: dict[str, frozenset[str]] = field(default_factory=dict)
    """By message id: the ids of the controls that look at what it names."""
    unreadable: list[str] = field(default_factory=list)
    skipped: Counter[Skip] = field(default_factory=Counter)
    broken: BadPolicy | None = None
    """What is wrong with the policy that says which Config rules are heeded."""
    patient: set[str] = field(default_factory=set)
    """Messages that have waited long enough; see ``PATIENCE``."""
    times: list[datetime] = field(default_factory=list)
    """When that happened of which messages tell that name something and are received at first."""


def read(
    automation: Automation,
    records: Sequence[Mapping[str, Any]],
    *,
    account: str,
    region: str,
    heeding: Heeding | None = None,
) -> Batch:
    """What each message names, or why it names nothing; ``heeding`` as for ``events.named``."""
    batch = Batch()
    for record in records:
        message = str(record.get("messageId", ""))
        try:
            event = json.loads(record["body"])
        except (KeyError, TypeError, ValueError, RecursionError):
            batch.unreadable.append(message)
            continue
        try:
            found = named(automation, event, account=account, region=region, heeding=heeding)
        except BadPolicy as error:  # of which rules are heeded: once it is mended, they are told
            batch.unreadable.append(message)
            batch.broken = error
            continue
        if isinstance(found, Skip):
            batch.skipped[found] += 1
        else:
            batch.refs[message] = found
            looking = concerned(automation, event, heeding)
            batch.concerned[message] = frozenset(control.id for control in looking)
            if _received(record) >= PATIENCE:
                batch.patient.add(message)
            if _received(record) == 1:
                batch.times += _times(event)
    return batch


def process(
    controls: Iterable[Control[Any, Any]],
    batch: Batch,
    look: Callable[[Control[Any, Any], Sequence[Ref]], Looked],
    report: Callable[[str, StewardError], None],
) -> list[str]:
    """Look at everything the batch names, each resource once; the ids of messages to give back."""
    given_back: set[str] = set()
    for control in controls:
        named_here = {message: _of(control, batch, message) for message in batch.refs}
        refs = list(dict.fromkeys(ref for some in named_here.values() for ref in some))
        try:
            looked = look(control, refs) if refs else Looked([])
            again, waiting = looked.retry(), looked.waiting()
        except StewardError as error:
            report(control.id, error)
            again, waiting = set(refs), set()
        for message, some in named_here.items():
            left = again - waiting if message in batch.patient else again
            if left.intersection(some):
                given_back.add(message)
    return [*batch.unreadable, *(message for message in batch.refs if message in given_back)]


def _of(control: Control[Any, Any], batch: Batch, message: str) -> Sequence[Ref]:
    """What a message names for a control."""
    concerns = control.id in batch.concerned[message]
    return [ref for ref in batch.refs[message] if concerns and ref.kind in control.kinds]


def shorten_pauses(aws: Aws, records: Sequence[Mapping[str, Any]], failed: Iterable[str]) -> None:
    """Let messages that are given back be seen again sooner than the queue's own time-out."""
    wanted = set(failed)
    entries = [
        {
            "Id": str(number),
            "ReceiptHandle": record["receiptHandle"],
            "VisibilityTimeout": pause(record),
        }
        for number, record in enumerate(records)
        if record.get("messageId") in wanted
    ]
    if not entries:
        return
    queue = str(records[0]["eventSourceARN"]).rpartition(":")[2]
    url = aws.ask("sqs", "GetQueueUrl", QueueName=queue)["QueueUrl"]
    for start in range(0, len(entries), _VISIBILITY_BATCH):
        some = entries[start : start + _VISIBILITY_BATCH]
        aws.ask("sqs", "ChangeMessageVisibilityBatch", QueueUrl=url, Entries=some)


def pause(record: Mapping[str, Any]) -> int:
    """Seconds until the message is tried again, by how often it was received."""
    return int(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(_received(record) - 1, 10)))


def _times(event: Mapping[str, Any]) -> Iterator[datetime]:
    """When the call was made, or else when the event was; none where neither is told."""
    detail = event.get("detail")
    told = detail.get("eventTime") if isinstance(detail, Mapping) else None
    try:
        at = datetime.fromisoformat(str(told or event.get("time")))
    except ValueError:
        return
    yield at if at.tzinfo else at.replace(tzinfo=UTC)


def _received(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
