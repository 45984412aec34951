"""CloudWatch Logs delivers log events through subscription filters, at once.

AWS takes up to some minutes, may deliver twice, and retries a destination that throttles. As there,
a destination that is gone or refuses the role costs the filter ten minutes, and what comes in them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from moto.firehose.models import firehose_backends
from moto.logs.models import LogEvent, LogGroup, LogStream, logs_backends

from embedded import account_policies, destinations
from embedded.destinations import packed
from embedded.filter_patterns import compiled
from embedded.function_policies import invocable
from embedded.logs import class_of
from embedded.request import Refusal
from embedded.streams import Streams

LARGEST = 1024 * 1024 - 64
"""Bytes of a message at most: a record of Kinesis has 1 MiB, its key included."""

DISABLED = timedelta(minutes=10)
"""For how long a filter rests whose destination refused it (user guide, "Subscriptions")."""

_SEAMS = ("put_log_events", "_send_log_events")

Push = Callable[[str, Mapping[str, Any]], None]
"""Has a function invoked with an event, asynchronously, by its ARN."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription filter, of a group or of the account."""

    name: str
    of_account: bool
    pattern: str
    destination: str
    role: str
    distribution: str
    system_fields: tuple[str, ...] = ()
    """Told with each event, but where Firehose gets it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Log events that a filter should have delivered."""

    at: datetime
    group: str
    filter: str
    events: int
    reason: str


class Delivery:
    """Takes each group's new events to where its filters say."""

    def __init__(self, account: str, region: str, streams: Streams, push: Push) -> None:
        self.lost: list[Lost] = []
        self._account = account
        self._region = region
        self._streams = streams
        self._push = push
        self._rests: dict[tuple[str, str], datetime] = {}
        self._put = count()
        self._lock = threading.RLock()

    def put(self, stream: LogStream, own: Callable[[], str], events: int) -> str:
        """Let moto's ``own`` way store a number of events, and deliver them; its answer."""
        with self._lock:
            token = own()
            stored = stream.events[len(stream.events) - events :]
            _number(stored)
            for one in self._subscriptions(stream.log_group):
                matches = compiled(one.pattern)
                chosen = [event for event in stored if matches(event.message)]
                if chosen:
                    self._deliver(one, stream, chosen)
        return token

    def _subscriptions(self, group: LogGroup) -> Iterator[Subscription]:
        for one in [*group.subscription_filters.values()]:
            spread = vars(one).get("distribution", "ByLogStream")
            yield Subscription(
                one.name,
                False,  # noqa: FBT003  # of a group
                one.filter_pattern,
                one.destination_arn,
                one.role_arn,
                spread,
                tuple(vars(one).get("emit_system_fields", ())),
            )
        backend = logs_backends[self._account][self._region]
        for policy in account_policies.filters(backend):
            if class_of(group) == "STANDARD" and group.name not in policy.left_out:
                yield Subscription(
                    policy.name,
                    True,  # noqa: FBT003  # of the account
                    policy.pattern,
                    policy.destination,
                    policy.role,
                    policy.distribution,
                )

    def _deliver(self, one: Subscription, stream: LogStream, events: Sequence[LogEvent]) -> None:
        place, now = (stream.log_group.name, one.name), self._streams.clock.now()
        if self._rests.get(place, now) > now:
            self.lost.append(Lost(now, *place, len(events), "the filter is disabled"))
            return
        head = self._head(one, stream)
        try:
            for message in _messages(head, events, self._fields(one, stream)):
                self._send(one, stream, message)
        except Refusal as refusal:
            self._rests[place] = now + DISABLED
            self.lost.append(Lost(now, *place, len(events), refusal.message))

    def _head(self, one: Subscription, stream: LogStream) -> dict[str, Any]:
        level = {"policyLevel": "ACCOUNT_LEVEL_POLICY"} if one.of_account else {}
        return {
            "messageType": "DATA_MESSAGE",
            "owner": self._account,
            "logGroup": stream.log_group.name,
            "logStream": stream.log_stream_name,
            "subscriptionFilters": [one.name],
            **level,
        }

    def _fields(self, one: Subscription, stream: LogStream) -> Mapping[str, Any]:
        """What each event has besides; AWS documents the fields, and not that key."""
        told = {
            "@aws.account": self._account,
            "@aws.region": self._region,
            "@source.log": stream.log_group.name,
        }
        found = {name: told[name] for name in one.system_fields}
        return {"extractedFields": found} if found else {}

    def _send(self, one: Subscription, stream: LogStream, message: bytes) -> None:
        """Raises Refusal where the destination is gone, or the role or CloudWatch Logs may not."""
        service = one.destination.split(":")[2]
        if service == "kinesis":
            if reason := destinations.refused(one.destination, one.role):
                raise Refusal("AccessDeniedException", reason)
            self._streams.put(one.destination, _key(one, stream, next(self._put)), message)
        elif service == "lambda":
            group = stream.log_group.name
            if not invocable(self._account, self._region, one.destination, group):
                raise Refusal("AccessDeniedException", destinations.NOT_INVOCABLE)
            data = destinations.encoded(message)
            self._push(one.destination, {"awslogs": {"data": data}})
        elif service == "firehose":
            told = json.loads(gzip.decompress(message))
            firehose = firehose_backends[self._account][self._region]
            where = stream.log_group.name, stream.log_stream_name, told["logEvents"]
            firehose.send_log_event(one.destination, one.name, *where)
        else:
            raise NotImplementedError(f"{one.destination}: no delivery to {service} is emulated")


def _number(events: Sequence[LogEvent]) -> None:
    """Ids as AWS makes them: time, time of ingestion, 64 bits of the batch, place in it."""
    batch = secrets.randbits(64)
    for place, one in enumerate(events):
        number = (one.timestamp << 144) | (one.ingestion_time << 80) | (batch << 16) | place
        vars(one)["event_id"] = f"{number:056}"


def _messages(
    head: Mapping[str, Any], events: Sequence[LogEvent], fields: Mapping[str, Any]
) -> Iterator[bytes]:
    """The events in as many messages as it takes for each to be small enough."""
    told = [
        {"id": one.event_id, "timestamp": one.timestamp, "message": one.message, **fields}
        for one in events
    ]
    message = packed({**head, "logEvents": told})
    if len(message) <= LARGEST or len(events) == 1:
        yield message
        return
    middle = len(events) // 2
    yield from _messages(head, events[:middle], fields)
    yield from _messages(head, events[middle:], fields)


def _key(one: Subscription, stream: LogStream, number: int) -> str:
    """A shard for each message, the same in every run; or always one for a log stream."""
    name = f"{stream.log_group.name}:{stream.log_stream_name}"
    if one.distribution == "Random":
        name += f":{number}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@contextmanager
def delivered_by(delivery: Delivery) -> Iterator[None]:
    """Within, log events go where ``delivery`` takes them, and nowhere by moto's own way.

    Raises RuntimeError where moto has no more what this hangs on.
    """
    before = [vars(LogStream).get(name) for name in _SEAMS]
    put = before[0]
    if put is None or before[1] is None:
        raise RuntimeError("moto's logs.models is no more what embedded.delivery takes it for")

    def put_log_events(stream: LogStream, log_events: list[dict[str, Any]]) -> str:
        return delivery.put(stream, lambda: str(put(stream, log_events)), len(log_events))

    for name, replaced in zip(_SEAMS, (put_log_events, _nowhere), strict=True):
        setattr(LogStream, name, replaced)
    try:
        yield
    finally:
        for name, own in zip(_SEAMS, before, strict=True):
            setattr(LogStream, name, own)


def _nowhere(_: LogStream, **_named: Any) -> None:
    """In the place of moto's own delivery."""
