"""Standard SQS queues on the embedded clock: delays, time-outs, redrive, retention.

Moto's own know no virtual time, and deliver to functions otherwise than AWS. Delivery here is in
the order of sending and once for each visibility time-out; AWS promises neither.
"""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from embedded import sqs
from embedded.message_moves import Moves
from embedded.messages import SENDER, Message, Settings, invalid, not_there, size
from embedded.request import Refusal, Request
from steward.model import Clock

LONGEST_DELAY = 900
LONGEST_HOLD = 43_200
"""Seconds between a receipt and the last moment a time-out may reach (API reference)."""

_POISONOUS = 3
"""A message received this often no longer counts for the queue's age (SQS metrics, user guide)."""

Find = Callable[[str], "Queue"]
"""A queue by its ARN."""


def _nowhere(arn: str) -> Queue:
    raise not_there(arn)


class Queue:
    """A standard queue. Its methods may be called from several threads, and raise Refusal."""

    def __init__(
        self,
        name: str,
        arn: str,
        url: str,
        settings: Settings,
        clock: Clock,
        *,
        find: Find = _nowhere,
        lock: threading.RLock | None = None,
    ) -> None:
        """``find`` finds the dead-letter queue; queues that share messages share ``lock``."""
        self.name = name
        self.arn = arn
        self.url = url
        self.settings = settings
        self.created = clock.now()
        self._clock = clock
        self._find = find
        self._lock = lock or threading.RLock()
        self._messages: dict[str, Message] = {}

    def messages(self) -> Sequence[Message]:
        """What lies in the queue, in order; what has outlived its retention is no more there."""
        with self._lock:
            for one in [*self._messages.values()]:
                if self._outlived(one):
                    del self._messages[one.id]
            return [*self._messages.values()]

    @property
    def visible(self) -> int:
        return len(self.ready())

    @property
    def delayed(self) -> int:
        now = self._clock.now()
        return sum(one.visible_from > now and not one.received for one in self.messages())

    @property
    def in_flight(self) -> int:
        now = self._clock.now()
        return sum(one.visible_from > now and one.received > 0 for one in self.messages())

    @property
    def oldest_age_seconds(self) -> float:
        """ApproximateAgeOfOldestMessage: of a dead letter, since it came to this queue."""
        entered = [one.entered for one in self.messages() if one.received < _POISONOUS]
        return (self._clock.now() - min(entered)).total_seconds() if entered else 0.0

    def send(
        self,
        body: str,
        *,
        delay: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        sender: str = SENDER,
    ) -> Message:
        """Put a message into the queue; ``delay`` in seconds, else the queue's own."""
        wait = self.settings.delay if delay is None else delay
        if not 0 <= wait <= LONGEST_DELAY:
            raise invalid(f"Value {wait} for parameter DelaySeconds is invalid.")
        if not body:
            raise Refusal("MissingParameter", "The request must contain the parameter MessageBody.")
        if size(body, attributes or {}) > self.settings.max_size:
            raise invalid(f"Message must be shorter than {self.settings.max_size} bytes.")
        now = self._clock.now()
        seen = now + timedelta(seconds=wait)
        sent = Message(str(uuid.uuid4()), body, now, now, seen, dict(attributes or {}), sender)
        with self._lock:
            self._messages[sent.id] = sent
        return sent

    def receive(self, most: int, *, visibility: int | None = None) -> Sequence[Message]:
        """Up to ``most`` messages, hidden for ``visibility`` seconds, else the queue's own.

        A message that was received as often as the redrive policy allows is moved instead.
        """
        hidden = _timeout(self.settings.visibility if visibility is None else visibility)
        with self._lock:
            self.redrive()
            return [self._hand_out(one, hidden) for one in self.ready()[:most]]

    def redrive(self) -> None:
        """Move what was received as often as the redrive policy allows, and is to be again."""
        with self._lock:
            for one in self.ready():
                if self.exhausted(one):
                    grave = self._find(self.settings.dead_letters)
                    grave._take(self._messages.pop(one.id), self.arn)  # noqa: SLF001  # same class

    def ready(self) -> Sequence[Message]:
        """The visible messages, in the order in which they are received."""
        now = self._clock.now()
        return [one for one in self.messages() if one.visible_from <= now]

    def exhausted(self, one: Message) -> bool:
        """Whether a message's next receipt moves it to the dead-letter queue."""
        return bool(self.settings.dead_letters) and one.received >= self.settings.max_receives

    def delete(self, handle: str) -> None:
        """Forget a message; with an older receipt than its newest the message stays."""
        with self._lock:
            found = self._by(handle)
            if found is not None and found.handle == handle:
                del self._messages[found.id]

    def change_visibility(self, handle: str, seconds: int) -> None:
        """Hide a message that is in flight for ``seconds`` from now on."""
        hidden = _timeout(seconds)
        with self._lock:
            found, now = self._by(handle), self._clock.now()
            held = found is not None and found.handle == handle and found.visible_from > now
            if found is None or found.last_received is None or not held:
                raise Refusal("MessageNotInflight", "The message is not in flight.")
            if now + hidden > found.last_received + timedelta(seconds=LONGEST_HOLD):
                raise invalid(f"Total VisibilityTimeout is beyond the limit {LONGEST_HOLD}.")
            self._messages[found.id] = replace(found, visible_from=now + hidden)

    def drop(self, message: str) -> None:
        """Forget a message by its id: it was moved."""
        with self._lock:
            self._messages.pop(message, None)

    def purge(self) -> None:
        """Forget every message, at once; AWS takes up to a minute."""
        with self._lock:
            self._messages.clear()

    def _hand_out(self, one: Message, hidden: timedelta) -> Message:
        now, count = self._clock.now(), one.received + 1
        handed = replace(
            one,
            handle=base64.b64encode(f"{self.arn} {one.id} {count}".encode()).decode(),
            received=count,
            first_received=one.first_received or now,
            last_received=now,
            visible_from=now + hidden,
        )
        self._messages[one.id] = handed
        return handed

    def _take(self, one: Message, source: str) -> None:
        now, before = self._clock.now(), one.received_before + one.received
        moved = replace(one, received=0, received_before=before, handle="", source=source)
        with self._lock:
            self._messages[one.id] = replace(moved, entered=now, visible_from=now)

    def _by(self, handle: str) -> Message | None:
        """The message that a receipt is of, if it is still here."""
        try:
            arn, message, _ = base64.b64decode(handle, validate=True).decode().split(" ")
        except ValueError as error:
            raise Refusal("ReceiptHandleIsInvalid", "The receipt handle is invalid.") from error
        if arn != self.arn:
            raise Refusal("ReceiptHandleIsInvalid", "The receipt handle is of another queue.")
        found = self._messages.get(message)
        return None if found is None or self._outlived(found) else found

    def _outlived(self, one: Message) -> bool:
        """Whether it is older than the queue keeps a message; moving did not make it younger."""
        age = self._clock.now() - one.sent
        return age >= timedelta(seconds=self.settings.retention)


def _timeout(seconds: int) -> timedelta:
    if not 0 <= seconds <= LONGEST_HOLD:
        raise invalid(f"Value {seconds} for parameter VisibilityTimeout is invalid.")
    return timedelta(seconds=seconds)


class Queues:
    """The account's queues, found by ARN, URL or name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._queues: dict[str, Queue] = {}
        self._moves = Moves(clock, self.__getitem__, lambda: self)

    def make(self, name: str, arn: str, url: str, properties: Mapping[str, Any]) -> Queue:
        """A queue from an AWS::SQS::Queue's resolved properties; one of that name is replaced."""
        settings = Settings.read(properties)
        made = Queue(name, arn, url, settings, self._clock, find=self.__getitem__, lock=self._lock)
        self._queues[name] = made
        return made

    def __getitem__(self, asked: str) -> Queue:
        """The queue of an ARN, a URL or a name. Raises Refusal for one that is not there."""
        account, name = _owner_and_name(asked)
        found = self._queues.get(name)
        if found is None or account not in ("", _owner_and_name(found.arn)[0]):
            raise not_there(asked)
        return found

    def __iter__(self) -> Iterator[Queue]:
        return iter([*self._queues.values()])

    def forget(self, name: str) -> None:
        """Let a queue be no more."""
        self._queues.pop(name, None)

    def overlays(self) -> Mapping[tuple[str, str], Callable[[Request], Mapping[str, Any]]]:
        """What answers in moto's place; see ``embedded.overlays.OVERLAYS``."""
        return {**sqs.overlays(self.__getitem__), **self._moves.overlays()}


def _owner_and_name(queue: str) -> tuple[str, str]:
    """From an ARN or a URL; of a name the owner is ''."""
    *_, owner, name = ["", *queue.replace("/", ":").split(":")]
    return owner, name
