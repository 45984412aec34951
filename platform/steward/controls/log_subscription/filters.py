"""One group's subscription filters, as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from steward.controls.log_groups import Found
from steward.controls.log_subscription.account_filters import account_filters
from steward.controls.log_subscription.assess import NO_SLOT
from steward.controls.log_subscription.destinations import Destination
from steward.controls.log_subscription.log_group import Filter, LogGroup
from steward.controls.log_subscription.state import Policy
from steward.errors import Denied, Gone, NotConnected, OutOfTime, StewardError, TryAgain
from steward.model import Sight, Unread

Read: TypeAlias = LogGroup | Unread | OutOfTime | None
"""What came of reading a group: OutOfTime where no request was sent, None where it is gone."""

_FIELDS = (
    *("roleArn", "distribution", "applyOnTransformedLogs"),
    *("fieldSelectionCriteria", "emitSystemFields"),
)
"""What a filter may have besides pattern and destination (SubscriptionFilter, API reference)."""


def fresh(sight: Sight[Policy], found: Sequence[Found | Unread]) -> list[Read]:
    """The groups with their filters as they are now, in their order; see ``Read``."""
    if not found:
        return []
    account_filters(sight)  # once, before there are threads
    return _told_full(sight, sight.aws.together(lambda one: _read(sight, one), found))


def _told_full(sight: Sight[Policy], read: list[Read]) -> list[Read]:
    """The same, with what the ledger tells of groups where a filter of ours has another name."""
    name = sight.policy.filter_name
    groups = [one for one in read if isinstance(one, LogGroup) and one.owned]
    renamed = [one.ref for one in groups if name not in one.owned]
    items = sight.known.items(renamed) if renamed else {}
    full = {ref for ref, item in items.items() if item.code == NO_SLOT}
    return [
        replace(one, full=True) if isinstance(one, LogGroup) and one.ref in full else one
        for one in read
    ]


def _read(sight: Sight[Policy], found: Found | Unread) -> Read:
    if isinstance(found, Unread):
        return found
    try:
        pages = sight.aws.pages("logs", "DescribeSubscriptionFilters", logGroupName=found.name)
        told = [one for answer, _ in pages for one in answer.get("subscriptionFilters", [])]
    except NotConnected:
        raise
    except OutOfTime as late:
        return late
    except Gone:
        return None
    except StewardError as error:
        code = "BUSY" if isinstance(error, TryAgain) else "UNREADABLE"
        return Unread(found.ref, "ACCESS_DENIED" if isinstance(error, Denied) else code, str(error))
    owns = sight.policy.owns
    owned = {one["filterName"]: _filter(one) for one in told if owns(one["filterName"])}
    foreign = {one["filterName"]: one for one in told if not owns(one["filterName"])}
    return state(
        sight, found, owned, {name: one["destinationArn"] for name, one in foreign.items()}
    )


def state(
    sight: Sight[Policy], found: Found, owned: Mapping[str, Filter], foreign: Mapping[str, str]
) -> LogGroup:
    """A group with these filters."""
    policy, account = sight.policy, account_filters(sight)
    return LogGroup(
        name=found.name,
        log_class=found.log_class,
        tags=found.tags,
        owned=owned,
        foreign=foreign,
        account_filter=account.over(found.name),
        covered=account.covers(found.name),
        memory=policy.memory(found.name, found.created, sight.now),
    )


def _filter(described: Mapping[str, Any]) -> Filter:
    """A filter by the parameters that would put it; what is off or has no effect is left out.

    System fields are sorted: their order has no effect either.
    """
    arn = described["destinationArn"]
    told = {name: described[name] for name in _FIELDS if described.get(name)}
    destination = Destination.read(arn)
    if destination is None or not destination.is_distributed:
        told.pop("distribution", None)
    if fields := told.get("emitSystemFields"):
        told["emitSystemFields"] = sorted(fields)
    return {"filterPattern": described.get("filterPattern", ""), "destinationArn": arn, **told}
