"""A Lambda function and the streams that are read for it, and the policy over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "event-source-failure-destination"
KIND = FUNCTION

UNBOUNDED = -1
"""Of retries and of ages: until the record expires in its stream (Lambda API reference)."""


class Kind(StrEnum):
    """The sources of which Lambda can send on what failed."""

    KINESIS = "Kinesis"
    DYNAMODB = "DynamoDB"
    KAFKA = "Kafka"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """An event source mapping: what is read, and what becomes of records that fail."""

    name: str  # of the stream, the table or the cluster
    kind: Kind
    mapping: str  # the UUID
    enabled: bool = True
    destination: str = ""  # an ARN, or kafka:// and a topic
    lost: bool = False  # that is not there
    unchecked: bool = False  # that nobody looked for
    retries: int = UNBOUNDED
    age_seconds: int = UNBOUNDED
    bisected: bool = False

    @property
    def bounded(self) -> bool:
        """Whether Lambda gives up; with a destination it tries Kafka's records ten times more."""
        limits = (self.retries, self.age_seconds)
        return self.kind is Kind.KAFKA or any(limit != UNBOUNDED for limit in limits)

    def __str__(self) -> str:
        return f"{self.kind} {self.name[:60]}"


@dataclass(frozen=True, slots=True)
class Function:
    """A function with what is read for it, in order; queues are none of these sources."""

    name: str
    sources: tuple[Source, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    bounded: bool
    bisect: bool
