"""Whether a log group is shipped once: by our subscription filter, or our account policy."""

from __future__ import annotations

from collections.abc import Iterable

from steward.controls.log_subscription import account_assess
from steward.controls.log_subscription.account_policy import AccountPolicy, Cover
from steward.controls.log_subscription.changes import changes_to
from steward.controls.log_subscription.log_group import LogGroup
from steward.controls.log_subscription.state import Policy
from steward.model import Call, Finding, Verdict

SUBSCRIBED, COVERED = "SUBSCRIBED", "ACCOUNT_POLICY_COVERS"
NO_SLOT, TWICE = "NO_FILTER_SLOT", "FOREIGN_DUPLICATE"

CODES = {
    SUBSCRIBED: "The group has our filter as the policy says, and no other of ours.",
    "NOT_SUBSCRIBED": "The policy selects the group, and it lacks our filter.",
    "WRONG_FILTER": (
        "Our filter has another pattern, destination, role or distribution, or tells other fields."
    ),
    "EXTRA_FILTER": (
        "A filter of ours is too many: of another name, on a group not selected, or besides our "
        "account policy, which must have been there for 15 minutes before it is deleted."
    ),
    TWICE: (
        "A filter that is not ours, or an account policy, ships to the same destination. "
        "Nothing is done: events would be shipped twice, and what is not ours is not touched."
    ),
    NO_SLOT: (
        "The group has as many filters as CloudWatch Logs lets it have. Tried again when one "
        "is deleted, and once a week; at once where one of them is ours by another name, which is "
        "then deleted first. Of an account policy: the Region has one already."
    ),
    COVERED: "An account policy ships the group's events to the same destination.",
    "NOT_COVERED": "The strategy is account, and our account policy does not cover the group.",
    "NOT_SELECTED": "The policy does not select the group.",
    "DELIVERY_PATH": "The destination, or Steward, writes its own log there: events would circle.",
    "CLASS_WITHOUT_SUBSCRIPTIONS": "Only log groups of class STANDARD take subscription filters.",
    **account_assess.CODES,
}


def assess(state: LogGroup | AccountPolicy, policy: Policy) -> Finding:
    """Judge a group, or the account's own policy."""
    if isinstance(state, AccountPolicy):
        return account_assess.judge(state, policy)
    return _of_group(state, policy)


def _of_group(group: LogGroup, policy: Policy) -> Finding:
    """The first statement that applies decides."""
    if why := left_out(group, policy):
        if group.owned:
            reason = f"{_listed(group.owned)}: ours, and {why[1]}"
            return _wrong(group, "EXTRA_FILTER", reason, changes_to(group, {}))
        return _settled(group, Verdict.NOT_APPLICABLE, *why)
    if twin := _twin(group, policy):
        return _wrong(group, TWICE, f"{twin} ships to the same destination already")
    if group.account_filter.get("destinationArn") == policy.destination_arn:
        reason = f"account policy {group.account_filter['name'][:100]} ships its events"
        return _settled(group, Verdict.COMPLIANT, COVERED, reason)
    return _by_account(group) if policy.for_account else _judge(group, policy)


def _by_account(group: LogGroup) -> Finding:
    """A filter of ours goes once our account policy has taken its place for sure."""
    if group.covered is Cover.NONE:
        reason = "our account policy is missing, ships otherwise, or leaves the group out"
        return _wrong(group, "NOT_COVERED", reason)
    if not group.owned:
        return _settled(group, Verdict.COMPLIANT, COVERED, "our account policy ships its events")
    reason = f"{_listed(group.owned)}: ours besides our account policy"
    if group.covered is Cover.YOUNG:
        return _wrong(group, "EXTRA_FILTER", f"{reason}, which was put a moment ago")
    return _wrong(group, "EXTRA_FILTER", reason, changes_to(group, {}))


def _judge(group: LogGroup, policy: Policy) -> Finding:
    name, wanted = policy.filter_name, policy.wanted()
    changes = changes_to(group, {name: wanted})
    if group.owned == {name: wanted}:
        reason = f"filter {name} ships to {_tail(policy.destination_arn)}"
        return _settled(group, Verdict.COMPLIANT, SUBSCRIBED, reason)
    if name not in group.owned:
        instead = f", has {_listed(group.owned)}" if group.owned else ""
        return _wrong(group, "NOT_SUBSCRIBED", f"filter {name} is missing{instead}", changes)
    if group.owned[name] != wanted:
        odd = sorted(
            key
            for key in group.owned[name].keys() | wanted.keys()
            if group.owned[name].get(key) != wanted.get(key)
        )
        return _wrong(group, "WRONG_FILTER", f"filter {name}: other {', '.join(odd)}", changes)
    rest = _listed([one for one in group.owned if one != name])
    return _wrong(group, "EXTRA_FILTER", f"{rest}: ours besides {name}", changes)


def left_out(group: LogGroup, policy: Policy) -> tuple[str, str] | None:
    """Code and reason why a group is not to be subscribed; None if it is."""
    if group.log_class != "STANDARD":
        return "CLASS_WITHOUT_SUBSCRIPTIONS", f"class {group.log_class[:40]} takes no filters"
    if policy.delivers_by(group.name):
        return "DELIVERY_PATH", "the group is in the path of delivery"
    if not policy.include.selects_name(group.name):
        return "NOT_SELECTED", "the policy does not include the group"
    if not policy.include.selects_tags(group.tags) or policy.exclude_tags.hold(group.tags):
        return "NOT_SELECTED", "the policy does not select the group by its tags"
    return None


def _twin(group: LogGroup, policy: Policy) -> str:
    """What is not ours and makes, or would make, our filter the second; '' for nothing."""
    for name, arn in sorted(group.foreign.items()):
        if arn == policy.destination_arn:
            return f"filter {name[:100]}, which is not ours,"
    told = group.account_filter
    if told.get("destinationArn") != policy.destination_arn:
        return ""
    alike = told.get("filterPattern", "") == policy.filter_pattern
    return "" if alike and not group.owned else f"account policy {told['name'][:100]}"


def _settled(group: LogGroup, verdict: Verdict, code: str, reason: str) -> Finding:
    return Finding(group.ref, verdict, code, reason, memory=group.memory)


def _wrong(group: LogGroup, code: str, reason: str, calls: tuple[Call, ...] = ()) -> Finding:
    return Finding(group.ref, Verdict.NON_COMPLIANT, code, reason, calls)


def _listed(names: Iterable[str]) -> str:
    """The first names, none at length: a filter's name may have 512 characters."""
    shown = [name if len(name) <= 40 else f"{name[:37]}..." for name in sorted(names)]
    return ", ".join(shown[:3]) + (" and more" if len(shown) > 3 else "")


def _tail(arn: str) -> str:
    """The service and the name in an ARN, as far as they fit into a reason."""
    return f"{arn.split(':')[2]} {arn.rpartition(':')[2][:100]}"
