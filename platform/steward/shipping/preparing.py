"""From a record's log events to what is shipped and counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steward.model import Clock
from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.decode import Events
from steward.shipping.encoders.base import Limits
from steward.shipping.lines import Lines, Platform, cut, picked
from steward.shipping.metrics import Choices, Extracted, Points, mentioned, points
from steward.shipping.origins import origin
from steward.shipping.redaction import Redactor
from steward.shipping.sampling import Rate, Sampler
from steward.shipping.settings import redaction

TOO_OLD = "TooOld"
"""What is counted of events that the service would drop: whoever ships has to set them aside."""

PLENTY = 1_048_576
"""Bytes of the longest log event that CloudWatch Logs takes."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What of a record is shipped, the points in it, and what was left out of it."""

    block: Block | None
    points: list[Points]
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Preparation:
    """Prepares records as the policy wants it."""

    lines: Lines
    redactor: Redactor
    sampler: Sampler
    metrics: Mapping[str, Any]
    """The policy's field of that name."""
    codec: Codec
    region: str
    clock: Clock
    architecture_of: Callable[[str], str | None]
    longest: int | None
    """Bytes of a message; None where events are archived as they are."""
    oldest: int | None = None
    """Milliseconds since an event after which the service would drop it; None where it does not."""

    @classmethod
    def of(
        cls,
        policy: Mapping[str, Any],
        *,
        codec: Codec,
        region: str,
        clock: Clock,
        limits: Limits | None,
        architecture_of: Callable[[str], str | None],
    ) -> Preparation:
        """The preparation that a policy (``log-shipper``) wants. Raises BadPolicy."""
        wanted = policy["max_message_bytes"] or PLENTY
        return cls(
            lines=Lines(codec, Platform(policy["platform_lines"])),
            redactor=redaction(policy),
            sampler=Sampler([Rate(**told) for told in policy["sample"]], codec),
            metrics=policy["metrics"],
            codec=codec,
            region=region,
            clock=clock,
            architecture_of=architecture_of,
            longest=min(wanted, limits.message_bytes) if limits else None,
            oldest=limits.oldest.ms if limits and limits.oldest else None,
        )

    def __call__(self, events: Events) -> Prepared:
        """Prepare one record's events: nothing leaves here, not even a metric's name, before it is
        redacted. Pure but for the time, by which metrics are too old."""
        source = origin(events.owner, self.region, events.group, events.stream)
        counts: Counter[str] = Counter()
        metrics = self.metrics["reports"] or (self.metrics["lines"] and mentioned(events.raw))
        if self.longest is None and not metrics:
            return Prepared(None, [], counts)
        messages, redacted = self.redactor.apply(events.messages)
        found: list[Points] = []
        if metrics:
            found, invalid = self._points(events, messages, source)
            counts["InvalidLines"] += invalid.total()
        if self.longest is None:
            return Prepared(None, found, counts)
        if redacted:
            counts["Redactions"] += redacted.total()
        block = self.lines.block(source, events.ids, events.times, messages)
        if dropped := len(events.ids) - (len(block.ids) if block else 0):
            counts["DroppedLines"] += dropped
        return Prepared(self._kept(block, self.longest, counts), found, counts)

    def _kept(self, block: Block | None, longest: int, counts: Counter[str]) -> Block | None:
        """What sampling leaves of the lines, none of them too long."""
        if block is not None and self.sampler.rates:
            kept, left_out = self.sampler.kept(block)
            counts["SampledOut"] += left_out
            block = picked(block, kept)
        block = self._in_time(block, counts)
        if block is None:
            return None
        messages, shortened = cut(block.messages, longest)
        if not shortened:
            return block
        counts["CutMessages"] += len(shortened)
        return replace(block, messages=messages, cut=shortened)

    def _in_time(self, block: Block | None, counts: Counter[str]) -> Block | None:
        """What of a block is not too old; ``counts[TOO_OLD]`` are the others."""
        if block is None or self.oldest is None:
            return block
        begin = self.clock.now().timestamp() * 1000 - self.oldest
        young = [at for at, time in enumerate(block.times) if time >= begin]
        counts[TOO_OLD] += len(block) - len(young)
        return picked(block, young)

    def _points(self, events: Events, messages: Sequence[str], source: Origin) -> Extracted:
        choices = Choices(
            now_ms=int(self.clock.now().timestamp() * 1000),
            loads=self.codec.loads,
            namespace=self.metrics["namespace"],
            report_namespace=self.metrics["report_namespace"],
            wanted=frozenset(self.metrics["reports"]),
            by_version=self.metrics["by_version"],
            architecture_of=self.architecture_of,
        )
        return points(
            choices,
            events.raw,
            messages,
            events.times,
            function=source.function,
            version=source.version,
            region=source.region,
        )
