"""The raw archive: what CloudWatch Logs compressed, one object for each invocation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from steward.errors import StewardError, TryAgain
from steward.shipping.batch import Request
from steward.shipping.decode import Record
from steward.shipping.encoders.base import Answer, Kind
from steward.shipping.parking import Objects

PREFIX = "raw/"

LARGEST = 64 * 1024 * 1024
"""Bytes of one object; an invocation brings 6 MB at most."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A bucket as a destination: requests become objects by their names."""

    objects: Objects

    def attempt(self, request: Request, seconds: float) -> Answer:
        try:
            self.objects.put(request.name, request.body)
        except TryAgain as error:
            return Answer(Kind.RETRY, str(error)[:256])
        except StewardError as error:
            return Answer(Kind.CONFIGURE, str(error)[:256])
        return Answer(Kind.OK)

    def refresh(self) -> bool:
        return False


def name(first: Record, last: Record) -> str:
    """The key of the object of these records: the same again is the same object.

    ``raw/<stream>/<shard>/<YYYY>/<MM>/<DD>/<first>-<last>.gz``, by the first one's arrival (UTC);
    ``raw/direct/<digest>.gz`` of what came by a subscription to the function itself.
    """
    if not first.position:
        return f"{PREFIX}direct/{hashlib.sha256(first.data.encode()).hexdigest()}.gz"
    day = datetime.fromtimestamp(first.arrived / 1000, UTC)
    span = f"{first.position}-{last.position}"
    return f"{PREFIX}{first.stream}/{first.shard}/{day:%Y/%m/%d}/{span}.gz"
