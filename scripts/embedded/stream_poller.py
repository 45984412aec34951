"""Lambda's event source mapping for Kinesis: its shards, its role, and what it gives up.

Shards are read one after the other, where AWS reads them at the same time. A shard that came of
others is read once those have been read to their end.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.s3.models import S3Backend, s3_backends

from embedded.hosting import Function
from embedded.poller import Invoke
from embedded.queues import Queues
from embedded.shards import GivenUp, ShardReader, StreamSource
from embedded.streams import Kept, Streams

READS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
)
"""What a mapping does with its function's role (managed policy AWSLambdaKinesisExecutionRole)."""

UNNAMED = ("kinesis:ListStreams",)
"""Those that take no resource."""

May = Callable[[str, str], str]
"""Why the function's role may not do an action on a resource; '' where it may."""


class CannotReadError(PermissionError):
    """A mapping that Lambda does not create: its function's role may not do what it needs."""


class StreamPoller:
    """Delivers a stream's records to a function."""

    def __init__(
        self,
        source: StreamSource,
        function: Function,
        streams: Streams,
        queues: Queues,
        invoke: Invoke,
        may: May,
    ) -> None:
        """Raises CannotReadError."""
        self.source = source
        self.ages: list[tuple[datetime, float]] = []
        """IteratorAge, in milliseconds, of each batch as the function got it."""
        self.kept: list[tuple[datetime, float]] = []
        """How many records were given up at once, and went to the on-failure destination."""
        self.dropped: list[tuple[datetime, float]] = []
        """As ``kept``, of records that went nowhere."""
        self._function = function
        self._streams = streams
        self._queues = queues
        self._invoke = invoke
        self._may = may
        self._clock = streams.clock
        self._readers: dict[str, ShardReader] = {}
        self._check()
        self._newest = self._highest() if source.latest else -1

    def due(self) -> datetime | None:
        """When ``poll`` has something to do, if nothing is put meanwhile; None for never."""
        due = [reader.due() for reader in self._ready()]
        return min((moment for moment in due if moment is not None), default=None)

    def poll(self) -> int:
        """Try the batch of each shard that is ready now; how many records that were."""
        return sum(reader.poll() for reader in [*self._ready()])

    def _check(self) -> None:
        """Lambda tries the role before it takes the mapping, and so does this."""
        stream = self._streams[self.source.stream]
        asked = [(one, "*" if one in UNNAMED else self.source.stream) for one in READS]
        if stream.key_id and stream.key_id.startswith("arn:"):  # not the key of AWS itself
            asked.append(("kms:Decrypt", stream.key_id))
        if self.source.on_failure.split(":")[2:3] == ["s3"]:
            asked.append(("s3:ListBucket", self.source.on_failure))
            asked += [("kms:GenerateDataKey", key) for key in self._key_of_bucket()]
        for action, resource in asked:
            if reason := self._may(action, resource):
                raise CannotReadError(f"Cannot access stream {self.source.stream}: {reason}")

    def _key_of_bucket(self) -> Sequence[str]:
        """The customer's own key by which the bucket encrypts, if it does."""
        bucket = self._objects.get_bucket(self.source.on_failure.rpartition(":")[2])
        rule = (bucket.encryption or {}).get("Rule", {})
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        return [key] if key.startswith("arn:") else []

    @property
    def _objects(self) -> S3Backend:
        return s3_backends[self._function.arn.split(":")[4]][self._function.arn.split(":")[1]]

    def _highest(self) -> int:
        held = self._streams.records(self.source.stream)
        return max((one.sequence for one in held), default=-1)

    def _ready(self) -> Sequence[ShardReader]:
        """The shards that are to be read now."""
        if not self.source.enabled:
            return []
        ready: list[ShardReader] = []
        behind: set[str | None] = set()
        for shard in self._streams.shards(self.source.stream):
            reader = self._reader(shard.shard_id)
            if {shard.parent, shard.adjacent_parent} & behind:
                behind.add(shard.shard_id)
                continue
            if reader.due() is not None:
                behind.add(shard.shard_id)
            ready.append(reader)
        return ready

    def _reader(self, shard: str) -> ShardReader:
        if shard not in self._readers:
            self._readers[shard] = ShardReader(
                self.source,
                partial(self._unread, shard),
                self._newest,
                partial(self._deliver, shard),
                partial(self._keep, shard),
                self._clock,
            )
        return self._readers[shard]

    def _unread(self, shard: str, after: int) -> Sequence[Kept]:
        """As many records as a batch has at most, and one more."""
        return self._streams.after(self.source.stream, shard, after, self.source.batch + 1)

    def _deliver(self, shard: str, records: Sequence[Kept]) -> Any:
        now = self._clock.now()
        self.ages.append((now, (now - records[-1].at).total_seconds() * 1000))
        return self._invoke(self.source.function, self._event(shard, records))

    def _event(self, shard: str, records: Sequence[Kept]) -> Mapping[str, Any]:
        """Records as a function gets them."""
        arn = self.source.stream
        return {
            "Records": [
                {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": one.key,
                        "sequenceNumber": str(one.sequence),
                        "data": base64.b64encode(one.data).decode(),
                        "approximateArrivalTimestamp": round(one.at.timestamp(), 3),
                    },
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": f"{shard}:{one.sequence}",
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": self._function.role,
                    "awsRegion": arn.split(":")[3],
                    "eventSourceARN": arn,
                }
                for one in records
            ]
        }

    def _keep(self, shard: str, given_up: GivenUp) -> None:
        """Send what is given up to the destination, if there is one and the role may."""
        service, destination = self.source.on_failure.split(":")[2:3], self.source.on_failure
        document = self._told(shard, given_up)
        if service == ["sqs"] and not self._may("sqs:SendMessage", destination):
            self._queues[destination].send(json.dumps(document))
        elif service == ["s3"] and not self._may("s3:PutObject", f"{destination}/*"):
            whole = json.dumps(self._event(shard, given_up.batch.records))
            text = json.dumps({**document, "payload": whole})
            self._objects.put_object(
                destination.rpartition(":")[2], self._key(shard), text.encode()
            )
        else:
            self.dropped.append((self._clock.now(), float(len(given_up.batch.records))))
            return
        self.kept.append((self._clock.now(), float(len(given_up.batch.records))))

    def _told(self, shard: str, given_up: GivenUp) -> dict[str, Any]:
        """The invocation record (developer guide, "Retain discarded batch records")."""
        records = given_up.batch.records
        answered = {"functionError": "Unhandled"} if given_up.error else {}
        response = {"statusCode": 200, "executedVersion": "$LATEST", **answered}
        return {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._function.arn,
                "condition": given_up.condition,
                "approximateInvokeCount": given_up.batch.invoked,
            },
            **({"responseContext": response} if given_up.batch.invoked else {}),
            "version": "1.0",
            "timestamp": _instant(self._clock.now()),
            "KinesisBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": str(records[0].sequence),
                "endSequenceNumber": str(records[-1].sequence),
                "approximateArrivalOfFirstRecord": _instant(records[0].at),
                "approximateArrivalOfLastRecord": _instant(records[-1].at),
                "batchSize": len(records),
                "streamArn": self.source.stream,
            },
        }

    def _key(self, shard: str) -> str:
        now = self._clock.now().astimezone(UTC)
        name = f"{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        return f"aws/lambda/{self.source.id}/{shard}/{now:%Y/%m/%d}/{name}"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
