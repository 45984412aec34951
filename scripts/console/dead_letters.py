"""What lies in a queue of events that came to nothing: what each names, why it is there. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from console.queues import Queue, name_of
from steward.errors import BadPolicy
from steward.events import Automation, Skip, named
from steward.ledger import Item, stamp
from steward.model import Control, Ref

_SHOWN = 3
"""Resources of an event whose findings are told."""

_NO_JSON = "is no JSON: no function can read it. Save it and discard it"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that came to nothing, as it was received."""

    queue: str
    id: str
    receipt: str
    body: str
    sent: str
    """When, ISO 8601; '' where SQS does not tell."""
    received: int
    attributes: Mapping[str, str]
    """EventBridge's, where it could not deliver: ERROR_CODE, TARGET_ARN and so on."""

    @property
    def event(self) -> Any:
        """The JSON of its body; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Judged:
    """A letter, what it names, and whether it is sent back."""

    letter: Letter
    inbox: Queue | None
    """Where it is sent back to; None where it is left, and ``left`` says why."""
    refs: Sequence[Ref] = ()
    left: str = ""
    why: str = ""


def read(queue: str, message: Mapping[str, Any]) -> Letter:
    """A letter from an entry of ReceiveMessage's answer."""
    system = message.get("Attributes", {})
    own = message.get("MessageAttributes", {})
    sent = system.get("SentTimestamp")
    return Letter(
        queue=queue,
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        sent=stamp(datetime.fromtimestamp(int(sent) / 1000, UTC)) if sent else "",
        received=int(system.get("ApproximateReceiveCount", 0)),
        attributes={name: str(one.get("StringValue", "")) for name, one in own.items()},
    )


def judge(letter: Letter, source: Queue | None, inboxes: Mapping[str, Queue]) -> Judged:
    """Where a letter goes back to: its queue's source, else the inbox that it was meant for."""
    target = letter.attributes.get("TARGET_ARN", "")
    inbox = source or inboxes.get(target)
    if letter.event is None:
        return Judged(letter, None, left=_NO_JSON)
    if inbox is None:
        meant = f"it was meant for {name_of(target)}" if target else "nobody says whom it was for"
        return Judged(letter, None, left=f"{meant}: start a sweep, which makes up for it")
    return Judged(letter, inbox)


def refs_of(
    letter: Letter, automation: Automation | None, *, account: str, region: str
) -> list[Ref] | Skip:
    """The resources that an event names to the automation whose inbox it was in."""
    event = letter.event
    if automation is None or event is None:
        return []
    try:
        return named(automation, event, account=account, region=region)
    except BadPolicy:  # nobody knows yet whose Config rules are heeded
        return []


def reason(
    letter: Letter,
    refs: Sequence[Ref] | Skip,
    controls: Sequence[Control[Any, Any]],
    items: Mapping[tuple[str, Ref], Item],
    broken: Mapping[str, str],
) -> str:
    """Why a letter is where it is, as far as EventBridge, the ledger and the policies tell.

    ``items`` are the ledger's by control and resource, ``broken`` what is wrong with policies.
    """
    if code := letter.attributes.get("ERROR_CODE"):
        return f"{code}: {letter.attributes.get('ERROR_MESSAGE', '')}".rstrip(": ")
    told = [broken[control.id] for control in controls if control.id in broken]
    if isinstance(refs, Skip):
        return "; ".join([*told, f"it names nothing: {refs}", _times(letter)])
    seen = [
        f"{ref.id}: {item.fate} {item.code}: {item.reason}"
        for control in controls
        for ref in refs[:_SHOWN]
        if (item := items.get((control.id, ref)))
    ]
    return "; ".join([*told, *seen, _times(letter)])


def _times(letter: Letter) -> str:
    return f"received {letter.received} times"


def what(letter: Letter, refs: Sequence[Ref]) -> Mapping[str, Any]:
    """Enough of a letter's event to know it by."""
    event = letter.event
    told = event if isinstance(event, Mapping) else {}
    detail = told.get("detail")
    name = detail.get("eventName") if isinstance(detail, Mapping) else None
    return {
        "name": name or told.get("detail-type") or told.get("control"),
        "time": told.get("time"),
        "resources": [{"kind": ref.kind, "id": ref.id} for ref in refs],
    }


def saved(letter: Letter) -> Mapping[str, Any]:
    """A letter as a file keeps it; ``steward replay`` takes it where its body is an event."""
    event = letter.event
    body = {"body": letter.body} if event is None else {"event": event}
    told = {"queue": letter.queue, "message": letter.id, "sent": letter.sent}
    return {**body, **told, "received": letter.received, "attributes": dict(letter.attributes)}
