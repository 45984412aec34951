"""What a stream has to bear, from its metrics. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

SHARD_BYTES, SHARD_RECORDS = 1_000_000, 1_000
"""What a shard takes in a second (Kinesis Data Streams developer guide, quotas)."""

PERIOD = timedelta(minutes=5)
"""The metrics' resolution."""

LATELY = timedelta(minutes=30)
"""How far back a consumer's lag counts."""

SETTLING = timedelta(minutes=15)
"""How long after a change records may still be refused by the shards that there were before."""

TOLERATED = 1 / 1000
"""The part of all records that may be rejected now and then; producers send them again."""

BYTES, RECORDS = "IncomingBytes", "IncomingRecords"
REJECTED, READS_REFUSED = "WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"
LAG = "GetRecords.IteratorAgeMilliseconds"

STATISTICS: Mapping[str, str] = {
    BYTES: "Sum",
    RECORDS: "Sum",
    REJECTED: "Sum",
    READS_REFUSED: "Sum",
    LAG: "Maximum",
}
"""The metrics of a stream that are read, each with its statistic."""

Points: TypeAlias = Sequence[tuple[datetime, float]]
"""When a period began, and its value."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the metrics of the look-back tell."""

    bytes: int = 0
    """A second, in the busiest period."""
    records: int = 0
    """A second, in the busiest period."""
    rejected: bool = False
    """Records were rejected in the look-back, more than are tolerated."""
    rejects: bool = False
    """The same, by the shards that there are now."""
    reads_refused: bool = False
    """Reads were refused by the shards that there are now."""
    lag_minutes: int = 0
    """How far behind the slowest consumer was lately."""

    def shards(self, utilization: float) -> int:
        """How many shards take the load if each is used so far, 1 being wholly; at least one."""
        by_bytes = self.bytes / (SHARD_BYTES * utilization)
        by_records = self.records / (SHARD_RECORDS * utilization)
        return max(1, math.ceil(by_bytes), math.ceil(by_records))


def load(series: Mapping[str, Points], changed: datetime | None, now: datetime) -> Load | None:
    """The load in these series, by metric; None where there is no metric at all.

    ``changed`` is when the number of shards last changed, as far as anybody knows.
    """
    if not any(series.values()):
        return None
    settled = datetime.min.replace(tzinfo=now.tzinfo) if changed is None else changed + SETTLING
    since = {metric: _since(points, settled) for metric, points in series.items()}
    lag = _since(series.get(LAG, ()), now - LATELY)
    return Load(
        bytes=_busiest(series.get(BYTES, ())),
        records=_busiest(series.get(RECORDS, ())),
        rejected=_rejects(series),
        rejects=_rejects(since),
        reads_refused=_total(since.get(READS_REFUSED, ())) > 0,
        lag_minutes=int(max((value for _, value in lag), default=0) // 60_000),
    )


def _since(points: Points, start: datetime) -> Points:
    return [(at, value) for at, value in points if at >= start]


def _busiest(points: Points) -> int:
    """The highest rate of a period, by the second, rounded up."""
    return math.ceil(max((value for _, value in points), default=0) / PERIOD.total_seconds())


def _rejects(series: Mapping[str, Points]) -> bool:
    rejected = _total(series.get(REJECTED, ()))
    return rejected > TOLERATED * (rejected + _total(series.get(RECORDS, ())))


def _total(points: Iterable[tuple[datetime, float]]) -> float:
    return sum(value for _, value in points)
