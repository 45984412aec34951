"""What every encoder is: a log service's format, its limits, and what its answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from steward.shipping.block import Block

MARK = "...[truncated {} bytes]"
"""The end of a message that was cut."""


@dataclass(frozen=True, slots=True)
class Oldest:
    """What is older a service drops, though it says that it took it."""

    ms: int
    time_of: Callable[[Any], int]
    """When an event of a request happened; in milliseconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service takes in one request."""

    body_bytes: int
    """Of the body before compression."""
    events: int
    message_bytes: int
    """Of one message in UTF-8."""
    oldest: Oldest | None = None
    """None where a service takes whatever is old, or says that it does not."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the parts of a body: head, part, separator, part, tail."""

    head: bytes = b""
    separator: bytes = b""
    tail: bytes = b""


@dataclass(frozen=True, slots=True)
class Options:
    """What a team may choose; each encoder takes what its service knows."""

    index: str = ""  # Elasticsearch, OpenSearch: needed; Splunk: its index
    source: str = ""
    sourcetype: str = ""
    service: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Told with every event: resource attributes, fields, tags or labels."""


class Kind(StrEnum):
    """What an answer means for the request."""

    OK = "ok"
    RETRY = "retry"  # the same again, later
    SPLIT = "split"  # the same in smaller requests
    REJECT = "reject"  # these events will never be taken
    CONFIGURE = "configure"  # nothing is taken until somebody mends credentials or address


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer to one request."""

    kind: Kind
    reason: str = ""
    """What the service said, at most 256 characters; "" where it took everything."""
    after: float | None = None
    """Seconds that the service asks us to wait."""
    rejected: Mapping[int, str] = field(default_factory=dict)
    """Events that will never be taken, by their place in the request, and why. With REJECT: because
    of them nothing was taken; without them the others may be, at once."""
    again: tuple[int, ...] = ()
    """With RETRY: the places of the events to be sent again; empty: all that are not rejected."""


class Encoder(Protocol):
    """One service's format. Pure: it neither sends nor compresses."""

    @property
    def name(self) -> str: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def frame(self) -> Frame: ...
    @property
    def content_type(self) -> str: ...
    @property
    def path(self) -> str:
        """Added to the destination's URL, unless that has a path of its own."""
        ...

    def credentials(self, secret: str) -> Mapping[str, str]:
        """The headers by which the service knows us, from a token or key."""
        ...

    def encode(self, block: Block) -> bytes:
        """The part of a body that these events are."""
        ...

    def items(self, body: bytes) -> list[Any]:
        """The events of an uncompressed body as JSON values, in the order of the body."""
        ...

    def body(self, items: Sequence[Any]) -> bytes:
        """An uncompressed body of these events; ``items(body(x)) == x``."""
        ...

    def shortened(self, item: Any, message_bytes: int) -> Any:
        """The event with its message cut to so many bytes of UTF-8, and marked so."""
        ...

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """What the service's answer to a request of ``count`` events means."""
        ...
