"""When log groups and policies were made: in the embedded account's time, not the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from moto.core.utils import utcnow
from moto.logs import models

from steward.model import Clock


@contextmanager
def logs_stamped_by(clock: Clock) -> Iterator[None]:
    """Within, CloudWatch Logs tells the time by ``clock``, whoever makes a group.

    Raises RuntimeError where moto no longer takes its time from ``utcnow``.
    """
    names = vars(models)
    if names.get("utcnow") is not utcnow:
        raise RuntimeError("moto's logs.models has no more utcnow")
    names["utcnow"] = lambda: clock.now().astimezone(UTC).replace(tzinfo=None)
    try:
        yield
    finally:
        names["utcnow"] = utcnow


def now() -> datetime:
    """The time that a group made now would get; in UTC, without a zone, as moto keeps it."""
    found: datetime = vars(models)["utcnow"]()
    return found
