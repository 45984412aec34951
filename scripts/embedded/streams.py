"""Kinesis streams on the embedded clock, where moto keeps them otherwise than AWS.

Within ``streams_kept_by`` records are stamped by the clock, have sequence numbers as long as AWS's,
stay in the shard that they were put into, and are gone when the stream's retention ends.
"""

from __future__ import annotations

import itertools
import threading
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.kinesis import models
from moto.kinesis.models import KinesisBackend, Record, Shard, Stream, kinesis_backends
from moto.utilities.utils import md5_hash

from embedded.request import not_found
from steward.model import Clock

_FIRST = 49 * 10**54
"""Sequence numbers have 56 digits and begin with 49."""

_SEAMS = (
    (Shard, "put_record"),
    (Stream, "create_from_cloudformation_json"),
    (Stream, "get_shard_for_key"),
    (Stream, "merge_shards"),
    (Stream, "put_record"),
    (Stream, "split_shard"),
    (KinesisBackend, "get_records"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A record in a stream."""

    shard: str
    sequence: int
    key: str
    data: bytes
    at: datetime
    """When it came; in UTC."""


class Streams:
    """The account's streams in its Region, by ARN or name."""

    def __init__(self, account: str, region: str, clock: Clock) -> None:
        self._account = account
        self._region = region
        self.clock = clock

    def __getitem__(self, asked: str) -> Stream:
        """Moto's own stream. Raises Refusal for one that is not there."""
        name = asked.rpartition("/")[2]
        found: Stream | None = self._backend.streams.get(name)
        if found is None or (":" in asked and found.arn != asked):
            raise not_found(f"Stream {name} under account {self._account} not found.")
        return found

    def put(self, asked: str, key: str, data: bytes) -> None:
        """Put a record as a service does it, with the metrics that AWS counts of it."""
        stream = self[asked]
        text = b64encode(data).decode()
        self._backend.put_record(stream.arn, stream.stream_name, key, "", text)

    def shards(self, asked: str) -> list[Shard]:
        """The shards of a stream, also closed ones, parents first."""
        return sorted(self[asked].shards.values(), key=lambda one: one.shard_id)

    def records(self, asked: str) -> list[Kept]:
        """What a stream still holds; shard by shard, oldest first."""
        return [
            record for one in self.shards(asked) for record in self.after(asked, one.shard_id, -1)
        ]

    def after(self, asked: str, shard: str, sequence: int, most: int | None = None) -> list[Kept]:
        """What a shard holds after a sequence number, oldest first; all of it, or the first."""
        stream = self[asked]
        _forget_expired(stream, self.clock)
        records = stream.shards[shard].records
        newer = itertools.takewhile(lambda number: number > sequence, reversed([*records]))
        return [_kept(shard, records[number]) for number in [*newer][::-1][:most]]

    @property
    def _backend(self) -> KinesisBackend:
        return kinesis_backends[self._account][self._region]


@contextmanager
def streams_kept_by(clock: Clock) -> Iterator[None]:
    """Within, moto keeps streams as AWS does, by the time that ``clock`` tells.

    Raises RuntimeError where moto has no more what this hangs on.
    """
    names, before = vars(models), [vars(owner).get(name) for owner, name in _SEAMS]
    if names.get("utcnow") is not utcnow or None in before:
        raise RuntimeError("moto's kinesis.models is no more what embedded.streams takes it for")
    names["utcnow"] = lambda: clock.now().astimezone(UTC).replace(tzinfo=None)
    for (owner, name), replaced in zip(_SEAMS, _replacements(clock), strict=True):
        setattr(owner, name, replaced)
    try:
        yield
    finally:
        names["utcnow"] = utcnow
        for (owner, name), own in zip(_SEAMS, before, strict=True):
            setattr(owner, name, own)


def _replacements(clock: Clock) -> Iterator[Any]:
    """What stands in for the seams, in their order."""
    numbers, lock = itertools.count(_FIRST), threading.Lock()
    merge, put, split = Stream.merge_shards, Stream.put_record, Stream.split_shard
    read = KinesisBackend.get_records

    def put_into_shard(shard: Shard, partition_key: str, data: str, explicit_hash_key: str) -> str:
        number = next(numbers)
        shard.records[number] = Record(partition_key, data, number, explicit_hash_key)
        return str(number)

    def put_record(stream: Stream, *args: Any, **named: Any) -> Any:
        with lock:
            return put(stream, *args, **named)

    def merge_shards(stream: Stream, first: str, second: str) -> None:
        with _records_stay(stream.shards.get(first), stream.shards.get(second)):
            merge(stream, first, second)

    def split_shard(stream: Stream, shard: str, new_starting_hash_key: str) -> None:
        with _records_stay(stream.shards.get(shard)):
            split(stream, shard, new_starting_hash_key)

    def get_records(
        backend: KinesisBackend, stream_arn: str | None, shard_iterator: str, limit: int | None
    ) -> Any:
        for stream in backend.streams.values():
            _forget_expired(stream, clock)
        return read(backend, stream_arn, shard_iterator, limit)

    yield put_into_shard
    yield classmethod(_deployed)
    yield _open_shard
    yield merge_shards
    yield put_record
    yield split_shard
    yield get_records


@contextmanager
def _records_stay(*shards: Shard | None) -> Iterator[None]:
    """Within, shards that are closed have nothing that moto could move to their children."""
    told = [(one, one.records) for one in shards if one is not None]
    for one, _ in told:
        one.records = OrderedDict()
    try:
        yield
    finally:
        for one, records in told:
            one.records = records


def _open_shard(stream: Stream, partition_key: str, explicit_hash_key: str) -> Shard | None:
    """Moto's own, but no closed shard, and the last key of a shard is its own."""
    digest = md5_hash(partition_key.encode()).hexdigest()
    key = int(explicit_hash_key) if explicit_hash_key else int(digest, 16)
    return next(
        (
            one
            for one in stream.shards.values()
            if one.is_open and one.starting_hash <= key <= one.ending_hash
        ),
        None,
    )


def _deployed(
    _: type[Stream],
    /,
    resource_name: str,
    cloudformation_json: Mapping[str, Any],
    account_id: str,
    region_name: str,
    **_more: Any,
) -> Stream:
    """An AWS::Kinesis::Stream, with its capacity mode and its encryption."""
    properties = cloudformation_json.get("Properties", {})
    stream = kinesis_backends[account_id][region_name].create_stream(
        resource_name,
        int(properties.get("ShardCount", 1)),
        stream_mode=properties.get("StreamModeDetails"),
        retention_period_hours=int(properties.get("RetentionPeriodHours", 24)),
    )
    encryption = properties.get("StreamEncryption", {})
    stream.encryption_type = encryption.get("EncryptionType", "NONE")
    stream.key_id = encryption.get("KeyId")
    stream.tags.update({tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())})
    return stream


def _forget_expired(stream: Stream, clock: Clock) -> None:
    oldest = clock.now() - timedelta(hours=stream.retention_period_hours)
    for shard in stream.shards.values():
        for number, record in [*shard.records.items()]:
            if record.created_at_datetime.replace(tzinfo=UTC) > oldest:
                break
            del shard.records[number]


def _kept(shard: str, record: Record) -> Kept:
    at = record.created_at_datetime.replace(tzinfo=UTC)
    number = int(record.sequence_number)
    return Kept(shard, number, record.partition_key, b64decode(record.data), at)
