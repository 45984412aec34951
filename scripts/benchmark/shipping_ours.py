"""The shipper as the function runs it, but for the account: no bucket, no CloudWatch, no secret."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

from benchmark.log_events import TAKEN
from benchmark.log_lines import ACCOUNT, REGION
from benchmark.shipping_plain import Ship
from steward.errors import Invalid
from steward.model import Deadline
from steward.policy import Document, settled
from steward.shipping import encoders
from steward.shipping.accel import Codec
from steward.shipping.batch import EncodedBatch
from steward.shipping.decode import Reader, records
from steward.shipping.http import HttpDestination
from steward.shipping.metrics import Points, calls
from steward.shipping.parking import Parking
from steward.shipping.preparing import Preparation
from steward.shipping.sending import MOST_IN_FLIGHT, Sender
from steward.shipping.settings import options
from steward.shipping.shipper import Memory, Shipper

SECONDS = 60.0  # that an invocation has

_EMAIL = ["aws-access-key", "jwt", "private-key", "authorization", "email"]
_REPORTS = ("Duration", "BilledDuration", "MemorySize", "MaxMemoryUsed", "InitDuration")
FULL: Document = {"redact": _EMAIL}
"""The defaults, and e-mail addresses redacted."""

REPORTS: Document = {
    **FULL,
    "metrics": {"lines": True, "reports": [*_REPORTS, "EstimatedCost", "Timeouts", "Errors"]},
}
"""The same, and all metrics of reports but rare ones."""

BARE: Document = {"redact": [], "metrics": {"lines": False, "reports": []}}


class _Clock:
    """The time at which the log events arrive: metrics of old ones are not taken."""

    def now(self) -> datetime:
        return TAKEN

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _NoBucket:
    """Nothing of the workload is to be set aside."""

    def put(self, key: str, body: bytes) -> None:
        raise Invalid(f"{key}: {len(body)} bytes were set aside")


def ours(encoder: str, url: str, codec: Codec, document: Document) -> Ship:
    """By a policy ``log-shipper``; each invocation is shipped as by a fresh container."""
    first = shipper(encoder, url, codec, document)

    def ship(event: Mapping[str, Any]) -> None:
        fresh = replace(first, memory=Memory())  # or it would remember the round before
        shipped = fresh.ship(records(event), Deadline(first.clock, SECONDS))
        if shipped.again is not None:
            raise ConnectionError(f"record {shipped.again} comes again: {shipped.cause}")

    return ship


def shipper(name: str, url: str, codec: Codec, document: Document) -> Shipper:
    """To the service at the URL, in the format of that name; nothing is sent by making it."""
    document = settled("log-shipper", document)
    clock = _Clock()
    encoder = encoders.build(name, codec, options(document))
    return Shipper(
        reader=Reader(codec, ACCOUNT, ("/aws/lambda/steward-",)),
        prepare=Preparation.of(
            document,
            codec=codec,
            region=REGION,
            clock=clock,
            limits=encoder.limits,
            architecture_of=lambda _: "arm64",
        ),
        batch=lambda _: EncodedBatch(encoder, codec),
        sender=Sender(HttpDestination(url, encoder, clock), encoder, codec, clock),
        parking=Parking(_NoBucket(), codec),
        publish=_packed,
        pool=ThreadPoolExecutor(MOST_IN_FLIGHT),
        clock=clock,
        shelter=lambda _, act: act(),
        form=name,
    )


def _packed(points: Sequence[Points]) -> Sequence[tuple[Mapping[str, Any], str]]:
    """Make the calls, and send none."""
    for _ in calls(points):
        pass
    return ()
