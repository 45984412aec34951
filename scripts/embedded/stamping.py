"""When log groups, policies and metrics were made: by the account's time, not the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType

from moto.cloudwatch import models as cloudwatch
from moto.core.utils import utcnow
from moto.logs import models

from steward.model import Clock


@contextmanager
def logs_stamped_by(clock: Clock) -> Iterator[None]:
    """Within, CloudWatch Logs tells the time by ``clock``, whoever makes a group.

    Raises RuntimeError where moto no longer takes its time from ``utcnow``.
    """
    with _stamped(models, clock):
        yield


@contextmanager
def metrics_stamped_by(clock: Clock) -> Iterator[None]:
    """Within, CloudWatch tells the time by ``clock``, for data that come without any.

    Raises RuntimeError where moto no longer takes its time from ``utcnow``.
    """
    with _stamped(cloudwatch, clock):
        yield


@contextmanager
def _stamped(module: ModuleType, clock: Clock) -> Iterator[None]:
    names = vars(module)
    if names.get("utcnow") is not utcnow:
        raise RuntimeError(f"{module.__name__} has no more utcnow")
    names["utcnow"] = lambda: clock.now().astimezone(UTC).replace(tzinfo=None)
    try:
        yield
    finally:
        names["utcnow"] = utcnow


def now() -> datetime:
    """The time that a group made now would get; in UTC, without a zone, as moto keeps it."""
    found: datetime = vars(models)["utcnow"]()
    return found
