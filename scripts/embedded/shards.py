"""How a Kinesis event source mapping reads one shard: batches, windows, retries, checkpoints.

The rules are those of the Lambda developer guide ("Using Lambda with Kinesis", "Configuring partial
batch response", "Retain discarded batch records"). It leaves open how long Lambda waits before a
retry: here a second at first, twice as long each time, up to a minute. It leaves open, too, whether
a partial response begins the count of retries anew: here it does where it moved the checkpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from embedded.poller import PAYLOAD, InvocationError
from embedded.streams import Kept
from steward.model import Clock

READ_EVERY = timedelta(seconds=1)
"""Lambda polls a shard at a base rate of once a second (developer guide)."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries of a batch."""

_ENVELOPE = 600
"""Bytes of a record in an event beside its data and its key, at most."""

EXHAUSTED, AGED = "RetryAttemptsExhausted", "RecordAgeExceeded"
"""Why records are given up, as the invocation record tells it."""

_LATER = ("FilterCriteria", "TumblingWindowInSeconds", "StartingPositionTimestamp")


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A Kinesis event source mapping's settings; shards are read one batch at a time.

    ParallelizationFactor is not emulated: whatever it is, a shard has one batch in flight.
    """

    id: str
    """The mapping's UUID."""
    function: str
    stream: str
    """The stream's ARN."""
    batch: int = 100
    window: timedelta = timedelta()
    retries: int = -1
    oldest: timedelta | None = None
    """Records that are older are given up; None: none is."""
    bisect: bool = False
    partial: bool = False
    """Whether the function's answer says where it failed."""
    latest: bool = False
    """Whether what lay in the stream before the mapping is left out."""
    on_failure: str = ""
    """The ARN of the bucket or queue for what is given up; '' where it is lost."""
    enabled: bool = True

    @classmethod
    def read(cls, properties: Mapping[str, Any], id: str) -> Self:
        """From an AWS::Lambda::EventSourceMapping's resolved properties.

        Raises ValueError for what Lambda refuses, NotImplementedError for what is not emulated.
        """
        later = next((name for name in _LATER if properties.get(name)), None)
        if later:
            raise NotImplementedError(f"{later}: is not emulated")
        age = _number(properties, "MaximumRecordAgeInSeconds", -1, -1, 604_800)
        if age not in (-1, *range(60, 604_801)):
            raise ValueError(f"MaximumRecordAgeInSeconds: is {age}, allowed: -1, 60 to 604800")
        window = _number(properties, "MaximumBatchingWindowInSeconds", 0, 0, 300)
        _number(properties, "ParallelizationFactor", 1, 1, 10)
        failures = (properties.get("DestinationConfig") or {}).get("OnFailure") or {}
        return cls(
            id=id,
            function=properties["FunctionName"],
            stream=properties["EventSourceArn"],
            batch=_number(properties, "BatchSize", 100, 1, 10_000),
            window=timedelta(seconds=window),
            retries=_number(properties, "MaximumRetryAttempts", -1, -1, 10_000),
            oldest=None if age == -1 else timedelta(seconds=age),
            bisect=_flag(properties, "BisectBatchOnFunctionError", "false"),
            partial="ReportBatchItemFailures" in (properties.get("FunctionResponseTypes") or ()),
            latest=_starts_latest(properties.get("StartingPosition", "")),
            on_failure=failures.get("Destination", ""),
            enabled=_flag(properties, "Enabled", "true"),
        )


def _number(properties: Mapping[str, Any], name: str, absent: int, low: int, high: int) -> int:
    value = int(properties.get(name, absent))
    if not low <= value <= high:
        raise ValueError(f"{name}: is {value}, allowed: {low} to {high}")
    return value


def _flag(properties: Mapping[str, Any], name: str, absent: str) -> bool:
    return str(properties.get(name, absent)).lower() == "true"


def _starts_latest(position: str) -> bool:
    if position not in ("LATEST", "TRIM_HORIZON"):
        raise ValueError(f"StartingPosition: is {position!r}, allowed: LATEST, TRIM_HORIZON")
    return position == "LATEST"


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go to the function together, and how often they did."""

    records: Sequence[Kept]
    failures: int = 0
    """Those that count for MaximumRetryAttempts."""
    invoked: int = 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Records that the mapping does not try again."""

    batch: Batch
    condition: str
    error: bool
    """Whether the function raised, where else its answer said that it failed."""


Call = Callable[[Sequence[Kept]], Any]
"""Invokes the function with records, and returns its answer. Raises InvocationError."""


class ShardReader:
    """One shard: ``unread`` gives what it holds after a sequence number, oldest first."""

    def __init__(
        self,
        source: StreamSource,
        unread: Callable[[int], Sequence[Kept]],
        after: int,
        call: Call,
        give_up: Callable[[GivenUp], None],
        clock: Clock,
    ) -> None:
        self._source = source
        self._unread = unread
        self._done = after
        self._call = call
        self._give_up = give_up
        self._clock = clock
        self._again: deque[Batch] = deque()
        self._pauses = 0
        self._not_before = clock.now()

    def due(self) -> datetime | None:
        """When ``poll`` has something to do, if nothing is put meanwhile; None for never."""
        if self._again:
            return max(self._not_before, self._clock.now())
        unread = self._unread(self._done)
        return max(self._full_at(unread), self._clock.now()) if unread else None

    def poll(self) -> int:
        """Try the batch that is ready now, if there is one; how many records that were."""
        due = self.due()
        if due is None or due > self._clock.now():
            return 0
        if not self._again:
            unread = self._unread(self._done)
            self._again.append(Batch(unread[: self._fitting(unread)]))
        batch = self._young(self._again.popleft())
        if batch.records:
            self._try(batch)
        return len(batch.records)

    def _full_at(self, records: Sequence[Kept]) -> datetime:
        """When a batch of these is full or its window ends."""
        last = self._fitting(records)
        full = last == self._source.batch or last < len(records)
        ends = records[0].at + READ_EVERY + self._source.window
        return min(ends, records[last - 1].at + READ_EVERY) if full else ends

    def _fitting(self, records: Sequence[Kept]) -> int:
        """How many of the records, from the first on, fit into one batch; at least one."""
        total = 0
        for number, one in enumerate(records[: self._source.batch]):
            total += _ENVELOPE + len(one.key) + 4 * ((len(one.data) + 2) // 3)
            if number and total > PAYLOAD:
                return number
        return min(len(records), self._source.batch)

    def _young(self, batch: Batch) -> Batch:
        """A batch without the records that are too old, which are given up."""
        if self._source.oldest is None:
            return batch
        limit = self._clock.now() - self._source.oldest
        old = [one for one in batch.records if one.at < limit]
        if old:
            self._done = max(self._done, old[-1].sequence)
            self._give_up(GivenUp(replace(batch, records=old), AGED, error=batch.invoked > 0))
        return replace(batch, records=batch.records[len(old) :])

    def _try(self, batch: Batch) -> None:
        """Call the function; what it failed at comes again, or is given up."""
        tried, error = replace(batch, invoked=batch.invoked + 1), False
        try:
            answer = self._call(batch.records)
            failed = first_failed(answer, batch.records) if self._source.partial else None
        except InvocationError:
            failed, error = 0, True
        done = len(batch.records) if failed is None else failed
        if done:
            self._done = max(self._done, batch.records[done - 1].sequence)
        if failed is None:
            self._pauses = 0
            return
        pause = min(2.0 ** min(self._pauses, 10), LONGEST_PAUSE)
        self._pauses += 1
        self._not_before = self._clock.now() + timedelta(seconds=pause)
        for one in reversed(self._next(tried, failed, error)):
            self._again.appendleft(one)

    def _next(self, tried: Batch, failed: int, error: bool) -> list[Batch]:  # noqa: FBT001
        """The batches that come of one that failed from its record ``failed`` on."""
        rest = tried.records[failed:]
        if error and self._source.bisect and len(rest) > 1:
            middle = len(rest) // 2
            return [replace(tried, records=half) for half in (rest[:middle], rest[middle:])]
        failures = 1 if failed else tried.failures + 1
        again = replace(tried, records=rest, failures=failures)
        if failures <= self._source.retries or self._source.retries == -1:
            return [again]
        self._done = max(self._done, rest[-1].sequence)
        self._pauses = 0
        self._not_before = self._clock.now()
        self._give_up(GivenUp(again, EXHAUSTED, error))
        return []


def first_failed(answer: Any, records: Sequence[Kept]) -> int | None:
    """Where a function failed by its answer: a position in the batch; None where it did not.

    Nothing listed is success, of several numbers the lowest counts; a number that is empty, null,
    unknown or under another key fails the whole batch, and so does what is no JSON object.
    """
    if answer is None:
        return None
    if not isinstance(answer, Mapping):
        return 0
    listed = answer.get("batchItemFailures")
    if listed is None or listed == []:
        return None
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        return 0
    places = {str(one.sequence): place for place, one in enumerate(records)}
    named = [one.get("itemIdentifier") for one in listed]
    known = all(isinstance(one, str) and one in places for one in named)
    return min(places[one] for one in named) if known else 0
