"""The account's own subscription filters, which cover all log groups but those they name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from steward.controls.log_subscription.account_policy import TYPE, Cover, Shipped, shipped
from steward.controls.log_subscription.state import Policy
from steward.errors import Refused
from steward.model import Aws, Sight

SETTLES = timedelta(minutes=15)
"""An account policy, or a filter that takes its place, is counted on after so long.

No page says how soon either is in force; data protection policies take five minutes.
"""

Described = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AccountFilters:
    """Who ships the events of log groups to the policy's destination, besides their filters."""

    told: Mapping[str, str] = field(default_factory=dict)
    """Of the foreign one, see ``LogGroup.account_filter``; empty where there is none."""
    left_out: frozenset[str] = frozenset()
    cover: Cover = Cover.NONE
    """Of groups that ours does not leave out."""
    ours_left_out: frozenset[str] = frozenset()

    def over(self, group: str) -> Mapping[str, str]:
        """What to tell of a group that the foreign one covers; empty for another."""
        return {} if group in self.left_out else self.told

    def covers(self, group: str) -> Cover:
        """Whether ours ships the group's events as our filter would."""
        return Cover.NONE if group in self.ours_left_out else self.cover


def described(aws: Aws) -> list[Described]:
    """The account's subscription filters, as they are now; AWS takes one in a Region."""
    return list(_pages(aws))


def account_filters(sight: Sight[Policy]) -> AccountFilters:
    """The account's filters to the policy's destination, read once a step."""
    return sight.known.once("account filters", lambda: _read(sight, in_step(sight)))


def in_step(sight: Sight[Policy]) -> Sequence[Described]:
    """The account's subscription filters, read once a step."""
    return sight.known.once("account subscription policies", lambda: described(sight.aws))


def _read(sight: Sight[Policy], policies: Sequence[Described]) -> AccountFilters:
    policy, found = sight.policy, AccountFilters()
    for one in policies:
        name, ours = str(one.get("policyName", "")), policy.owns(str(one.get("policyName", "")))
        if not ours and _destination(one) != policy.destination_arn:
            continue
        ships = shipped(one)
        if ours:
            left_out, cover = frozenset(ships["LeftOut"]), _cover(sight, one, ships)
            found = AccountFilters(found.told, found.left_out, cover, left_out)
        elif not found.told:
            pattern = ships["FilterPattern"]
            told = {"destinationArn": policy.destination_arn, "filterPattern": pattern}
            apart = frozenset(ships["LeftOut"])
            found = AccountFilters({"name": name, **told}, apart, found.cover, found.ours_left_out)
    return found


def _cover(sight: Sight[Policy], one: Described, ships: Shipped) -> Cover:
    if {**ships, "LeftOut": []} != {**sight.policy.account_document(), "LeftOut": []}:
        return Cover.NONE
    put = datetime.fromtimestamp(one.get("lastUpdatedTime", 0) / 1000, UTC)
    return Cover.SURE if sight.now - put >= SETTLES else Cover.YOUNG


def _destination(policy: Described) -> str:
    """Where a policy ships to. Raises Refused for one that is not understood."""
    try:
        return str(json.loads(policy["policyDocument"])["DestinationArn"])
    except (ValueError, KeyError, TypeError) as error:
        name = str(policy.get("policyName", ""))[:100]
        raise Refused(f"account policy {name} is not understood: {error}") from error


def _pages(aws: Aws) -> Iterator[Described]:
    """All pages, of which botocore has no paginator."""
    token: Mapping[str, str] = {}
    while True:
        answer = aws.ask("logs", "DescribeAccountPolicies", policyType=TYPE, **token)
        yield from answer.get("accountPolicies", [])
        if not answer.get("nextToken"):
            return
        token = {"nextToken": answer["nextToken"]}
