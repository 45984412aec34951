"""From a record's log events to what is shipped and counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
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
        )

    def __call__(self, events: Events) -> Prepared:
        """Prepare one record's events. Pure but for the time, by which metrics are too old."""
        source = origin(events.owner, self.region, events.group, events.stream)
        found = self._points(events, source)
        counts = Counter({"InvalidLines": found.invalid.total()}) if found.invalid else Counter()
        if self.longest is None:
            return Prepared(None, found.points, counts)
        return Prepared(self._block(events, source, self.longest, counts), found.points, counts)

    def _block(
        self, events: Events, source: Origin, longest: int, counts: Counter[str]
    ) -> Block | None:
        block = self.lines.block(source, events.ids, events.times, events.messages)
        counts["DroppedLines"] += len(events.ids) - (len(block) if block else 0)
        if block is not None:
            kept, left_out = self.sampler.kept(block)
            counts["SampledOut"] += left_out
            block = picked(block, kept)
        if block is None:
            return None
        messages, redacted = self.redactor.apply(block.messages)
        messages, shortened = cut(messages, longest)
        counts["Redactions"] += redacted.total()
        counts["CutMessages"] += len(shortened)
        if messages is block.messages:
            return block
        return replace(block, messages=messages, cut=shortened)

    def _points(self, events: Events, source: Origin) -> Extracted:
        wanted = frozenset(self.metrics["reports"])
        if not (wanted or (self.metrics["lines"] and mentioned(events.raw))):
            return Extracted([], Counter())
        choices = Choices(
            now_ms=int(self.clock.now().timestamp() * 1000),
            loads=self.codec.loads,
            namespace=self.metrics["namespace"],
            report_namespace=self.metrics["report_namespace"],
            wanted=wanted,
            by_version=self.metrics["by_version"],
            architecture_of=self.architecture_of,
        )
        return points(
            choices,
            events.raw,
            events.messages,
            events.times,
            function=source.function,
            version=source.version,
            region=source.region,
        )
