"""The SQS API over the embedded account's queues, in moto's place.

Waiting for a message (WaitTimeSeconds) ends at once: nobody else would send one meanwhile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embedded.messages import Message, invalid
from embedded.request import Refusal, Request

if TYPE_CHECKING:
    from embedded.queues import Queue

Find = Callable[[str], "Queue"]
Answer = Mapping[str, Any]
Params = Mapping[str, Any]

_BATCH = 10  # entries of a batch, messages of an answer (API reference)
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def overlays(find: Find) -> Mapping[tuple[str, str], Callable[[Request], Answer]]:
    """Answers by service and operation; ``find`` finds a queue by its URL or raises Refusal."""

    def overlay(act: Callable[[Queue, Params], Answer]) -> Callable[[Request], Answer]:
        return lambda request: act(find(request.params["QueueUrl"]), request.params)

    return {("sqs", operation): overlay(act) for operation, act in _ACTIONS.items()}


def _send(queue: Queue, params: Params) -> Answer:
    sent = queue.send(
        params["MessageBody"],
        delay=params.get("DelaySeconds"),
        attributes=params.get("MessageAttributes"),
    )
    return {"MessageId": sent.id, "MD5OfMessageBody": sent.md5}


def _receive(queue: Queue, params: Params) -> Answer:
    most = params.get("MaxNumberOfMessages", 1)
    if not 1 <= most <= _BATCH:
        raise invalid(f"Value {most} for parameter MaxNumberOfMessages is invalid.")
    found = queue.receive(most, visibility=params.get("VisibilityTimeout"))
    return {"Messages": [_told(one, params) for one in found]} if found else {}


def _told(one: Message, params: Params) -> Answer:
    """A message as ReceiveMessage shows it, with the attributes it was asked for."""
    names = [
        *params.get("AttributeNames", ()),
        *params.get("MessageSystemAttributeNames", ()),
    ]
    system = _asked(one.system_attributes(), names)
    own = _asked(one.attributes, params.get("MessageAttributeNames", ()))
    return {
        "MessageId": one.id,
        "ReceiptHandle": one.handle,
        "Body": one.body,
        "MD5OfBody": one.md5,
        **({"Attributes": system} if system else {}),
        **({"MessageAttributes": own} if own else {}),
    }


def _asked(told: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The named ones; All and .* stand for all, ``some.*`` for those that begin so."""
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {
        name: value
        for name, value in told.items()
        if "All" in names or name in names or name.startswith(prefixes)
    }


def _delete(queue: Queue, params: Params) -> Answer:
    queue.delete(params["ReceiptHandle"])
    return {}


def _change_visibility(queue: Queue, params: Params) -> Answer:
    queue.change_visibility(params["ReceiptHandle"], params["VisibilityTimeout"])
    return {}


def _purge(queue: Queue, _: Params) -> Answer:
    queue.purge()
    return {}


def _attributes(queue: Queue, params: Params) -> Answer:
    settings = queue.settings
    redrive = {
        "deadLetterTargetArn": settings.dead_letters,
        "maxReceiveCount": settings.max_receives,
    }
    created = str(int(queue.created.timestamp()))
    told = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(queue.visible),
        "ApproximateNumberOfMessagesDelayed": str(queue.delayed),
        "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
        "CreatedTimestamp": created,
        "LastModifiedTimestamp": created,
        "DelaySeconds": str(settings.delay),
        "MaximumMessageSize": str(settings.max_size),
        "MessageRetentionPeriod": str(settings.retention),
        "VisibilityTimeout": str(settings.visibility),
        **({"RedrivePolicy": json.dumps(redrive)} if settings.dead_letters else {}),
    }
    return {"Attributes": _asked(told, params.get("AttributeNames", ()))}


def _in_batch(act: Callable[[Queue, Params], Answer]) -> Callable[[Queue, Params], Answer]:
    """The same for each entry of a batch; an entry that is refused does not hinder the others."""

    def batch(queue: Queue, params: Params) -> Answer:
        done: list[Answer] = []
        failed: list[Answer] = []
        for entry in _entries(params["Entries"]):
            try:
                done.append({"Id": entry["Id"], **act(queue, entry)})
            except Refusal as refusal:
                told = {"Code": refusal.code, "Message": refusal.message, "SenderFault": True}
                failed.append({"Id": entry["Id"], **told})
        return {"Successful": done, **({"Failed": failed} if failed else {})}

    return batch


def _entries(entries: Sequence[Params]) -> Sequence[Params]:
    """The entries of a batch. Raises Refusal for a batch that SQS does not take as a whole."""
    ids = [entry["Id"] for entry in entries]
    if not ids:
        raise _bad_batch("EmptyBatchRequest", "There should be at least one entry.")
    if len(ids) > _BATCH:
        raise _bad_batch("TooManyEntriesInBatchRequest", f"Maximum number of entries is {_BATCH}.")
    if len(set(ids)) < len(ids):
        raise _bad_batch("BatchEntryIdsNotDistinct", "Two entries have the same Id.")
    if not all(map(_ID.fullmatch, ids)):
        raise _bad_batch("InvalidBatchEntryId", "An Id has up to 80 letters, digits, - and _.")
    return entries


def _bad_batch(code: str, message: str) -> Refusal:
    return Refusal(f"AWS.SimpleQueueService.{code}", message)


_ACTIONS: Mapping[str, Callable[[Queue, Params], Answer]] = {
    "SendMessage": _send,
    "SendMessageBatch": _in_batch(_send),
    "ReceiveMessage": _receive,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _in_batch(_delete),
    "ChangeMessageVisibility": _change_visibility,
    "ChangeMessageVisibilityBatch": _in_batch(_change_visibility),
    "GetQueueAttributes": _attributes,
    "PurgeQueue": _purge,
}
