"""Whether the account ships as it should, by one policy for all groups."""

from __future__ import annotations

from steward.controls.log_subscription.account_policy import (
    TYPE,
    AccountPolicy,
    Shipped,
    fits,
    parameters,
)
from steward.controls.log_subscription.state import Policy
from steward.model import Call, Finding, Verdict

CODES = {
    "ACCOUNT_POLICY_SHIPS": (
        "Our account policy ships as the policy says, and leaves out what must be left out."
    ),
    "NO_ACCOUNT_POLICY": "The strategy is account, and there is no account policy of ours.",
    "WRONG_ACCOUNT_POLICY": (
        "Our account policy has another destination, role, pattern or distribution, or leaves out "
        "other groups."
    ),
    "FOREIGN_ACCOUNT_POLICY": (
        "An account policy that is not ours has the Region's only place. Nothing is done: what is "
        "not ours is not touched."
    ),
    "CRITERIA_TOO_LONG": (
        "The names of the groups to leave out take more than the 25 KB that selection criteria "
        "may have. Nothing is done: exclude fewer, or use strategy group."
    ),
    "ACCOUNT_POLICY_LEFT": (
        "The strategy is group, and our account policy still ships. It is deleted in the first "
        "sweep that finds our filter on every selected group, for 15 minutes at least."
    ),
    "NOT_OURS": "The account policy is not ours, and not in the way.",
    "NOT_NEEDED": "No account policy of this name is needed.",
}


def judge(state: AccountPolicy, policy: Policy) -> Finding:
    """Judge an account policy; the first statement that applies decides."""
    if not policy.owns(state.name):
        return _apart(state, "NOT_OURS", "it is not ours")
    if policy.for_account:
        return _needed(state, policy)
    if not state.exists:
        return _apart(state, "NOT_NEEDED", "strategy 'group' needs none")
    return _left(state)


def _needed(state: AccountPolicy, policy: Policy) -> Finding:
    if not state.exists and (state.name != policy.filter_name or policy.owns(state.holder)):
        return _apart(state, "NOT_NEEDED", f"{state.holder or policy.filter_name} is ours, too")
    if not state.exists and state.holder:
        reason = f"account policy {state.holder[:100]} is not ours and has the only place"
        return _wrong(state, "FOREIGN_ACCOUNT_POLICY", reason)
    if not fits(state.apart):
        reason = f"{len(state.apart)} groups to leave out do not fit into selection criteria"
        return _wrong(state, "CRITERIA_TOO_LONG", reason)
    wanted = wanted_of(state, policy)
    if wanted == state.shipped:
        reason = f"ships all groups but {len(wanted['LeftOut'])}"
        return Finding(state.ref, Verdict.COMPLIANT, "ACCOUNT_POLICY_SHIPS", reason)
    if not state.exists:
        put = _put(state, wanted, _delete(state))
        return _wrong(state, "NO_ACCOUNT_POLICY", "there is none", put)
    put = _put(state, wanted, _put(state, state.shipped))
    keys = sorted(wanted.keys() | state.shipped.keys())
    odd = ", ".join(key for key in keys if wanted.get(key) != state.shipped.get(key))
    return _wrong(state, "WRONG_ACCOUNT_POLICY", f"other {odd[:150]}", put)


def wanted_of(state: AccountPolicy, policy: Policy) -> Shipped:
    """What it should ship. Names of groups that are gone stay, so that one made anew is left out.

    That is as long as there is room for them.
    """
    stay = filter(policy.leaves_out, state.shipped.get("LeftOut", ()))
    names = {*state.apart, *stay}
    return {**policy.account_document(), "LeftOut": sorted(names if fits(names) else state.apart)}


def _left(state: AccountPolicy) -> Finding:
    if state.waiting == "":
        deletion = _delete(state, _put(state, state.shipped))
        reason = "every selected group has our filter in its place"
        return _wrong(state, "ACCOUNT_POLICY_LEFT", reason, deletion)
    waits = "a sweep sees whether it is needed"
    if state.waiting is not None:
        waits = f"needed by {state.waiting[:150]} until that has our filter for 15 minutes"
    return _wrong(state, "ACCOUNT_POLICY_LEFT", waits)


def _put(state: AccountPolicy, ships: Shipped, undo: Call | None = None) -> Call:
    params = parameters(state.name, ships)
    return Call("logs", "PutAccountPolicy", params, undo, {"shipped": ships})


def _delete(state: AccountPolicy, undo: Call | None = None) -> Call:
    params = {"policyName": state.name, "policyType": TYPE}
    return Call("logs", "DeleteAccountPolicy", params, undo, {"shipped": {}})


def _apart(state: AccountPolicy, code: str, reason: str) -> Finding:
    return Finding(state.ref, Verdict.NOT_APPLICABLE, code, reason)


def _wrong(state: AccountPolicy, code: str, reason: str, *calls: Call) -> Finding:
    return Finding(state.ref, Verdict.NON_COMPLIANT, code, reason, calls)
