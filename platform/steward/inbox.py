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
from steward.events import Automation, Skip, every_rule, named
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
    heeds: Callable[[str], bool] = every_rule,
) -> Batch:
    """What each message names, or why it names nothing; ``heeds`` as for ``events.named``."""
    batch = Batch()
    for record in records:
        message = str(record.get("messageId", ""))
        try:
            event = json.loads(record["body"])
        except (KeyError, TypeError, ValueError, RecursionError):
            batch.unreadable.append(message)
            continue
        try:
            found = named(automation, event, account=account, region=region, heeds=heeds)
        except BadPolicy as error:  # of which rules are heeded: once it is mended, they are told
            batch.unreadable.append(message)
            batch.broken = error
            continue
        if isinstance(found, Skip):
            batch.skipped[found] += 1
        else:
            batch.refs[message] = found
            if _received(record) >= PATIENCE:
                batch.patient.add(message)
            if _received(record) == 1:
                batch.times += _times(event)
    return batch


def process(
    controls: Iterable[Control[Any, Any]],
    batch: Batch,
    look: Callable[[Control[Any, Any], Sequence[Ref]], Looked],
    report: Callable[[Control[Any, Any], StewardError], None],
) -> list[str]:
    """Look at everything the batch names, each resource once; the ids of messages to give back."""
    again: set[Ref] = set()
    waiting: set[Ref] = set()
    for control in controls:
        named_here = (ref for refs in batch.refs.values() for ref in refs)
        refs = list(dict.fromkeys(ref for ref in named_here if ref.kind in control.kinds))
        try:
            looked = look(control, refs) if refs else Looked([])
            waiting |= looked.waiting()
            again |= looked.retry() - looked.waiting()
        except StewardError as error:
            report(control, error)
            again |= set(refs)
    soon = {m: again if m in batch.patient else again | waiting for m in batch.refs}
    given_back = [m for m, refs in batch.refs.items() if soon[m].intersection(refs)]
    return [*batch.unreadable, *given_back]


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
