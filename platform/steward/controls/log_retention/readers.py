"""How log groups are read: whole pages in a sweep, exact names after an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from steward.controls import log_groups
from steward.controls.log_groups import Found
from steward.controls.log_retention.state import LogGroup, Policy
from steward.model import Page, Ref, Sight, Unread

STORED = "LogStoredBytes"
"""The gauge of what all log groups store."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[LogGroup]]:
    """Every log group, ASCII-sorted by name as the API documents it."""
    needed = sight.policy.uses_tags()
    for found, token in log_groups.discover(sight, cursor, lambda _: needed):
        states = [_state(one, sight.now) for one in found]
        yield Page(states, token, {STORED: _stored(states)})


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[LogGroup | Unread]:
    """The named groups, and no other whose name merely begins like theirs."""
    needed = sight.policy.uses_tags()
    for one in log_groups.observe(sight, refs, lambda _: needed):
        yield _state(one, sight.now)


def _stored(states: Sequence[LogGroup | Unread]) -> int | None:
    """Bytes of all these groups; None where not every one of them told its own."""
    told = [None if isinstance(one, Unread) else one.stored_bytes for one in states]
    known = [size for size in told if size is not None]
    return sum(known) if len(known) == len(told) else None


def _state(found: Found | Unread, now: datetime) -> LogGroup | Unread:
    if isinstance(found, Unread):
        return found
    told = found.described
    created = told.get("creationTime")
    return LogGroup(
        name=found.name,
        days=told.get("retentionInDays"),
        log_class=found.log_class,
        account_policy=told.get("retentionPolicyName", ""),
        age_days=None if created is None else _days_between(created, now),
        stored_bytes=told.get("storedBytes"),
        tags=found.tags,
    )


def _days_between(milliseconds: int, now: datetime) -> int:
    return (now - datetime.fromtimestamp(milliseconds / 1000, UTC)).days
