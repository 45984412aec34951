"""Whether a function has a role of its own."""

from __future__ import annotations

from steward.controls.function_role_not_shared.state import Function, Policy
from steward.model import Finding, Verdict

CODES = {
    "OWN_ROLE": "No other function of this account and Region has the role.",
    "WITHIN_STACK": (
        "All functions that have the role are of the same CloudFormation stack, and the policy "
        "allows that."
    ),
    "ROLE_ALLOWED": "Other functions have the role, too, and the policy allows it for this role.",
    "SHARED_ROLE": (
        "Other functions have the role, too: each may do what any of them needs, and no call in "
        "CloudTrail tells which of them made it."
    ),
}

SHOWN = 64
"""Characters of a name in a reason: as many as a role's or a function's can have."""


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function. It is only reported: what a role of its own may do, somebody must say."""
    role = function.role.rpartition("/")[2]
    if not function.others:
        return _found(function, Verdict.COMPLIANT, "OWN_ROLE", f"has {role[:SHOWN]} for itself")
    if policy.allows(role):
        reason = f"shares {role[:SHOWN]}, which the policy allows"
        return _found(function, Verdict.COMPLIANT, "ROLE_ALLOWED", reason)
    if policy.allow_within_stack and not function.outside:
        reason = f"shares {role[:SHOWN]} with functions of its stack only"
        return _found(function, Verdict.COMPLIANT, "WITHIN_STACK", reason)
    reason = f"shares {role[:SHOWN]} with {_with(function)}"
    return _found(function, Verdict.NON_COMPLIANT, "SHARED_ROLE", reason[:250])


def _found(function: Function, verdict: Verdict, code: str, reason: str) -> Finding:
    return Finding(function.ref, verdict, code, reason, memory=function.memory)


def _with(function: Function) -> str:
    """Who it is; a count alone where functions were too many to be kept by their names."""
    if not function.examples:
        return f"{function.others} other{'s' if function.others > 1 else ''}"
    named = [name[:SHOWN] for name in function.examples]
    more = function.others - len(named)
    return " and ".join([", ".join(named), *([f"{more} more"] if more else [])])
