"""Whether a log group keeps its events as long as it should."""

from __future__ import annotations

from dataclasses import dataclass

from steward.controls.log_retention.state import DAYS_TAG, LEGAL_DAYS, LogGroup, Policy
from steward.model import Call, Finding, Verdict

CODES = {
    "WITHIN_POLICY": "The retention is set and lies within the policy's bounds.",
    "NEVER_EXPIRES": "No retention is set; events are kept, and paid for, for ever.",
    "NEVER_EXPIRES_WITH_HISTORY": (
        "No retention is set and the group may hold events older than the policy's days. "
        "Setting it would delete them for good, so that needs shorten."
    ),
    "TOO_SHORT": "The retention is below min_days.",
    "TOO_LONG": "The retention is above max_days. Shortening it needs shorten.",
    "INVALID_TAG": f"The tag {DAYS_TAG} has a value that is not a legal retention.",
    "EXCLUDED_BY_RULE": "The first matching rule says to leave the group alone.",
    "DELIVERY_CLASS": "The retention of log class DELIVERY is fixed by AWS.",
    "MANAGED_BY_ACCOUNT_POLICY": (
        "An account-level retention policy decides; PutRetentionPolicy would have no effect."
    ),
}

_LOST = "events older than {kept} are deleted within about 72 hours and cannot be restored"


@dataclass(frozen=True, slots=True)
class _Wish:
    """How long a group should keep its events, and who says so."""

    days: int | None  # None: leave it alone
    source: str  # " (rule 2)"; empty where it is the policy's own days


def assess(group: LogGroup, policy: Policy) -> Finding:
    """Judge a group; the first statement that applies decides."""
    if group.log_class == "DELIVERY":
        return _not_applicable(group, "DELIVERY_CLASS", "log class DELIVERY has a fixed retention")
    if group.account_policy:
        reason = f"account policy {group.account_policy[:100]} keeps its events {_kept(group.days)}"
        return _not_applicable(group, "MANAGED_BY_ACCOUNT_POLICY", reason)
    wish = _wish(group, policy)
    if wish is None:
        reason = f"tag {DAYS_TAG} is {group.tags[DAYS_TAG][:40]!r}; allowed: {_listed()}"
        return Finding(group.ref, Verdict.NON_COMPLIANT, "INVALID_TAG", reason)
    if wish.days is None:
        return _not_applicable(group, "EXCLUDED_BY_RULE", f"left alone{wish.source}")
    return _judge(group, policy, policy.within_band(wish.days), wish.source)


def _judge(group: LogGroup, policy: Policy, wished: int, source: str) -> Finding:
    if group.days is None and group.has_events_older_than(wished):
        return _shorten(group, "NEVER_EXPIRES_WITH_HISTORY", wished, source, policy)
    if group.days is None:
        return _set(group, "NEVER_EXPIRES", wished, f"should be {_kept(wished)}{source}")
    if policy.min_days and group.days < policy.min_days:
        return _set(group, "TOO_SHORT", wished, f"at least {policy.min_days} are required")
    if policy.max_days and group.days > policy.max_days:
        return _shorten(group, "TOO_LONG", policy.max_days, " at most", policy)
    return Finding(group.ref, Verdict.COMPLIANT, "WITHIN_POLICY", f"kept {_kept(group.days)}")


def _wish(group: LogGroup, policy: Policy) -> _Wish | None:
    """The tag's days, else the first matching rule's, else the policy's; None: a bad tag."""
    if policy.honor_tags and DAYS_TAG in group.tags:
        value = group.tags[DAYS_TAG]
        legal = {str(days): days for days in LEGAL_DAYS}
        return _Wish(legal[value], f" (tag {DAYS_TAG})") if value in legal else None
    for number, rule in enumerate(policy.rules, 1):
        if rule.matches(group):
            return _Wish(rule.days, f" (rule {number})")
    return _Wish(policy.days, "")


def _set(group: LogGroup, code: str, days: int, wish: str) -> Finding:
    reason = f"kept {_kept(group.days)}, {wish}"
    return Finding(group.ref, Verdict.NON_COMPLIANT, code, reason, (_put(group, days),))


def _shorten(group: LogGroup, code: str, days: int, source: str, policy: Policy) -> Finding:
    lost = _LOST.format(kept=_kept(days))
    reason = f"kept {_kept(group.days)}, should be {_kept(days)}{source}"
    if not policy.shorten:
        reason = f"{reason}; needs shorten: true, because {lost}"
        return Finding(group.ref, Verdict.NON_COMPLIANT, code, reason)
    call = _put(group, days, irreversible=lost)
    return Finding(group.ref, Verdict.NON_COMPLIANT, code, f"{reason}; {lost}", (call,))


def _put(group: LogGroup, days: int, irreversible: str = "") -> Call:
    params = {"logGroupName": group.name, "retentionInDays": days}
    return Call(
        "logs", "PutRetentionPolicy", params, _restore(group, days), {"days": days}, irreversible
    )


def _restore(group: LogGroup, since: int) -> Call:
    name = {"logGroupName": group.name}
    if group.days is None:
        return Call("logs", "DeleteRetentionPolicy", name, effect={"days": None})
    params = {**name, "retentionInDays": group.days}
    lost = _LOST.format(kept=_kept(group.days)) if group.days < since else ""
    return Call(
        "logs", "PutRetentionPolicy", params, effect={"days": group.days}, irreversible=lost
    )


def _not_applicable(group: LogGroup, code: str, reason: str) -> Finding:
    return Finding(group.ref, Verdict.NOT_APPLICABLE, code, reason)


def _kept(days: int | None) -> str:
    if days is None:
        return "for ever"
    return "1 day" if days == 1 else f"{days} days"


def _listed() -> str:
    return ", ".join(map(str, LEGAL_DAYS))
