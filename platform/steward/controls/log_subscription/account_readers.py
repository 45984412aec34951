"""How the account's own policies are read: those there are, and the one there should be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from steward.controls import log_groups
from steward.controls.log_groups import Found
from steward.controls.log_subscription.account_filters import (
    SETTLES,
    Described,
    described,
    in_step,
)
from steward.controls.log_subscription.account_policy import AccountPolicy, shipped
from steward.controls.log_subscription.assess import SUBSCRIBED, TWICE, left_out
from steward.controls.log_subscription.filters import state
from steward.controls.log_subscription.log_group import LogGroup
from steward.controls.log_subscription.selection import literals
from steward.controls.log_subscription.state import WORD, Policy
from steward.events import ACCOUNT_POLICY
from steward.model import Page, Ref, Remembered, Sight, Unread, Verdict

LEAVING = "?"
"""How a cursor begins after the groups, while it is seen whether they need our account policy."""

_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")


def besides(sight: Sight[Policy], ref: Ref) -> Sequence[Ref]:
    """Our account policy where one resource bears upon it: a group to leave out, another policy."""
    policy = sight.policy
    if not policy.for_account or (ref.kind != ACCOUNT_POLICY and not policy.leaves_out(ref.id)):
        return ()
    names = [str(one["policyName"]) for one in in_step(sight)]
    ours = next((name for name in names if policy.owns(name)), policy.filter_name)
    return (Ref(ACCOUNT_POLICY, ours),)


def named(sight: Sight[Policy], name: str) -> AccountPolicy | None:
    """The account policy of a name; one as we name ours also where there is none."""
    policies, policy = in_step(sight), sight.policy
    may_be = [f"{prefix}-{WORD}" for prefix in (policy.filter_prefix, *policy.former_prefixes)]
    if name in may_be or any(one["policyName"] == name for one in policies):
        return _state(sight, policies, name)
    return None


def present(
    sight: Sight[Policy], policies: Sequence[Described], waiting: str | None = None
) -> list[AccountPolicy]:
    """The account's policies and, with strategy account, the one that there should be."""
    policy = sight.policy
    names = [str(one["policyName"]) for one in policies]
    if policy.for_account and not any(map(policy.owns, names)):
        names.append(policy.filter_name)
    return [_state(sight, policies, name, waiting) for name in names]


def _state(
    sight: Sight[Policy], policies: Sequence[Described], name: str, waiting: str | None = None
) -> AccountPolicy:
    found = {str(one["policyName"]): one for one in policies}
    holder = next((other for other in sorted(found) if other != name), "")
    if not sight.policy.owns(name):
        return AccountPolicy(name, {"policyDocument": found[name]["policyDocument"]})
    ships = shipped(found[name]) if name in found else {}
    apart = groups_apart(sight) if sight.policy.for_account else ()
    return AccountPolicy(name, ships, apart, holder, waiting)


def groups_apart(sight: Sight[Policy]) -> tuple[str, ...]:
    """Groups that an account policy must leave out, searched for once a step; sorted by name.

    Also names that a policy tells in full, whether or not there are such groups.
    """
    return sight.known.once("groups apart", lambda: tuple(sorted(set(_apart(sight)))))


def _apart(sight: Sight[Policy]) -> Iterator[str]:
    policy = sight.policy
    if policy.destination is not None:
        yield from policy.destination.own_groups()
    yield from (glob for glob in policy.exclude if literals(glob) == [glob])
    for query in _queries(policy):
        for answer, _ in sight.aws.pages("logs", "DescribeLogGroups", **query):
            names = [str(group["logGroupName"]) for group in answer.get("logGroups", [])]
            yield from filter(policy.leaves_out, names)


def _queries(policy: Policy) -> Iterator[dict[str, str]]:
    """By prefix, or else by part of the name: what finds the groups without listing all."""
    prefixes = {*policy.own_prefixes, *policy.stack_prefixes}
    parts: set[str] = set()
    for glob in policy.exclude:
        longest = max(literals(glob), key=len, default="")
        if longest == glob:
            continue
        (prefixes if glob.startswith(longest) else parts).add(longest)
    last = ""
    for prefix in sorted(filter(_NAME.fullmatch, prefixes)):
        if not last or not prefix.startswith(last):
            last = prefix
            yield {"logGroupNamePrefix": prefix}
    yield from ({"logGroupNamePattern": part} for part in sorted(filter(_NAME.fullmatch, parts)))


def leaving(
    sight: Sight[Policy], token: str | None, asks: log_groups.Asks
) -> Iterator[Page[LogGroup | AccountPolicy]]:
    """Whether every group has a filter in our account policy's place; then that policy's page.

    The ledger tells, once more over all groups; empty pages say how far it has come.
    """
    waiting = ""
    for found, following in log_groups.discover(sight, token, asks):
        waiting = _waiting(sight, found)
        if waiting or following is None:
            break
        yield Page([], f"{LEAVING}{following}")
    yield Page(present(sight, described(sight.aws), waiting), None)


def _waiting(sight: Sight[Policy], found: Sequence[Found | Unread]) -> str:
    """The first of these groups that would be shipped no more; '' for none."""
    items = sight.known.items([one.ref for one in found])
    waits = (one.ref.id for one in found if _waits(sight, one, items.get(one.ref)))
    return next(waits, "")


def _waits(sight: Sight[Policy], found: Found | Unread, item: Remembered | None) -> bool:
    policy = sight.policy
    if policy.excludes(found.ref):
        return False
    if isinstance(found, Unread) or item is None:
        return True
    if left_out(state(sight, found, {}, {}), policy):
        return False
    if item.verdict is Verdict.EXEMPT or item.code == TWICE:  # somebody answers; or ships already
        return False
    memory = policy.memory(found.name, found.created, sight.now)
    if (item.code, item.memory) != (SUBSCRIBED, memory):
        return True
    return sight.now - datetime.fromisoformat(item.changed_at) < SETTLES
