"""What scenarios of the log pipeline share: a stack that ships to a log service on this machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from embedded.account import EmbeddedAccount
from embedded.hosting import Invoked
from embedded.log_service import LogService
from tests.scenarios.embedding import installed, metrics

PLACE = "eu-west-1:123456789012"
STREAM = f"arn:aws:kinesis:{PLACE}:stream/steward-logs"
BUCKET = "steward-logs-123456789012-eu-west-1"
SHIPPER = "/aws/lambda/steward-log-shipper"
KEPT = "log-service-AbCdEf"
SECRET = f"arn:aws:secretsmanager:{PLACE}:secret:{KEPT}"
"""With the six letters that Secrets Manager adds in its name, where moto would make up others."""
INSTANCE = f"2026/11/20/[$LATEST]{'0' * 32}"
"""A log stream of Lambda."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The account, and where its log events go."""

    account: EmbeddedAccount
    service: LogService
    _numbers: Iterator[int] = field(default_factory=count)
    _former: set[str] = field(default_factory=set)
    """The keys of what was set aside before ``anew``."""

    def group(self) -> str:
        """A log group that is made now; its events have not been looked at yet."""
        name = f"/aws/lambda/orders-{next(self._numbers)}"
        logs = self.account.client("logs")
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName=INSTANCE)
        return name

    def subscribed(self) -> str:
        """As ``group``, and what its making sets off has happened."""
        name = self.group()
        self.account.settle()
        return name

    def log(self, group: str, *messages: str) -> None:
        """Write lines, as their function does it."""
        now = int(self.account.clock.now().timestamp() * 1000)
        self.account.client("logs").put_log_events(
            logGroupName=group,
            logStreamName=INSTANCE,
            logEvents=[{"timestamp": now, "message": message} for message in messages],
        )

    def put(self, *records: bytes) -> None:
        """Put records into the stream past CloudWatch Logs."""
        for number, data in enumerate(records):
            self.account.streams.put(STREAM, str(number), data)

    def held(self, group: str) -> list[bytes]:
        """The records with lines of a group that the stream still holds."""
        every = [one.data for one in self.account.streams.records(STREAM)]
        return [data for data in every if _document(data).get("logGroup") == group]

    def carried(self, group: str) -> list[str]:
        """The lines of a group that the stream has carried and still holds."""
        documents = [_document(data) for data in self.held(group)]
        return [event["message"] for one in documents for event in one["logEvents"]]

    def invocations(self) -> list[Invoked]:
        """Those of the log shipper."""
        every = self.account.host.invocations
        return [one for one in every if one.function == SHIPPER.rpartition("/")[2]]

    def total(self, name: str) -> float:
        """The sum of one of the shipper's metrics."""
        return sum(metrics(self.account, name))

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The bucket's objects under a prefix, by key."""
        s3 = self.account.client("s3")
        told = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        keys = [one["Key"] for one in told]
        return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def parked(self) -> list[dict[str, Any]]:
        """What was set aside since ``anew``, line by line; in no order, as keys are digests."""
        found = self.objects("parked/")
        bodies = [body for key, body in found.items() if key not in self._former]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]

    def ours(self, id: str) -> str:
        """The ARN of the stack's resource."""
        [arn] = [one.arn for one in self.account.deployment.resources.values() if one.id == id]
        return arn

    def subscribe(self, group: str, destination: str = STREAM) -> None:
        """Let somebody subscribe a group besides."""
        role = {"roleArn": self.ours("LogDeliveryRole")} if destination == STREAM else {}
        self.account.client("logs").put_subscription_filter(
            logGroupName=group,
            filterName="theirs",
            filterPattern="",
            destinationArn=destination,
            **role,
        )

    def anew(self) -> None:
        """Twenty minutes later everything is well, and forgotten."""
        self.service.status, self.service.token = 200, ""
        self.account.server.faults = []
        self.account.host.restart()
        self.account.advance(minutes=20)
        for seen in (self.service.posts, self.service.taken):
            seen.clear()
        self.account.host.invocations.clear()
        self.account.host.metrics.clear()
        self._former.update(self.objects("parked/"))


def _document(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(gzip.decompress(data))
    except (gzip.BadGzipFile, EOFError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


@contextmanager
def shipping(
    controls: Sequence[str] = ("log-retention", "log-subscription"), **parameters: str
) -> Iterator[Pipeline]:
    """A stack that has shipped nothing yet; without other parameters to the log service.

    It has no other ``controls``, and all of them where none is named.
    """
    with LogService() as service:
        told = {
            "LogShipping": "enabled",
            "ShippingFormat": "ndjson",
            "ShippingUrl": service.url,
            "ShippingSecretArn": SECRET,
            **parameters,
        }
        with installed(controls=controls, **told) as account:
            account.client("secretsmanager").create_secret(Name=KEPT, SecretString="first")
            yield Pipeline(account, service)
