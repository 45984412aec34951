"""Puts log groups into moto's own memory: a history that no API call could make, and quickly."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow
from moto.logs.models import LogGroup, LogsBackend, logs_backends

REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A log group that is to be there."""

    name: str
    days: int | None = None  # None: its events never expire
    age_days: int = 0
    stored_bytes: int = 0
    log_class: str = "STANDARD"
    tags: Mapping[str, str] = field(default_factory=dict)


def seed_log_groups(
    seeds: Iterable[Seed], *, region: str = REGION, account: str | None = None
) -> None:
    """Create log groups; a name that is taken raises moto's own error."""
    backend = _backend(region, account)
    for seed in seeds:
        group = backend.create_log_group(seed.name, dict(seed.tags), RetentionInDays=seed.days)
        vars(group)["log_class"] = seed.log_class
        _age(group, seed.age_days, seed.stored_bytes)


def age_log_group(
    name: str, *, days: int, stored_bytes: int, region: str = REGION, account: str | None = None
) -> None:
    """Make a group ``days`` days old, holding ``stored_bytes``. Raises KeyError for no group."""
    _age(_backend(region, account).groups[name], days, stored_bytes)


def retention_of_log_groups(
    *, region: str = REGION, account: str | None = None
) -> Mapping[str, int | None]:
    """Each group's own days as moto holds them, whatever an account policy says."""
    return {
        name: group.retention_in_days for name, group in _backend(region, account).groups.items()
    }


def clear_logs(*, region: str = REGION, account: str | None = None) -> None:
    """Forget everything of CloudWatch Logs."""
    _backend(region, account).reset()


def _backend(region: str, account: str | None) -> LogsBackend:
    return logs_backends[account or os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)][region]


def _age(group: LogGroup, days: int, stored_bytes: int) -> None:
    group.creation_time = utcnow() - timedelta(days=days)
    if stored_bytes:
        group.streams.pop("history", None)
        group.create_log_stream("history")
        group.streams["history"].stored_bytes = stored_bytes
