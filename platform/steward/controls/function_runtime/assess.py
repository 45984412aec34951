"""Whether AWS supports the runtime of a function, and for how long."""

from __future__ import annotations

from steward.controls.function_runtime.runtimes import AS_OF, RUNTIMES, Life
from steward.controls.function_runtime.state import Function, Policy
from steward.model import Finding, Verdict

CODES = {
    "SUPPORTED": "AWS supports the runtime, and will for at least warn_days.",
    "DEPRECATED": (
        "AWS no longer supports the runtime: it gets no security patches, and from a later day on "
        "functions on it can be neither created nor updated."
    ),
    "DEPRECATED_SOON": "AWS plans to deprecate the runtime within warn_days.",
    "ALLOWED": "The runtime is deprecated, or will be within warn_days, and the policy allows it.",
    "CONTAINER_IMAGE": "A container image brings its own runtime, which Lambda cannot tell.",
    "NOT_IN_TABLE": (
        f"Steward knows no deprecation date of the runtime. Its table is of {AS_OF}, so that the "
        "runtime is most likely newer and supported."
    ),
}


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function. A reason tells dates, not days left: it must not change from day to day."""
    if function.runtime is None:
        reason = "a container image brings its own runtime"
        return Finding(function.ref, Verdict.NOT_APPLICABLE, "CONTAINER_IMAGE", reason)
    runtime, life = function.runtime[:60], RUNTIMES.get(function.runtime)
    if life is None:
        reason = f"{runtime} is not in the table of {AS_OF}, most likely because it is newer"
        return Finding(function.ref, Verdict.COMPLIANT, "NOT_IN_TABLE", reason)
    days_left = (life.deprecated - function.read_on).days
    if days_left <= 0:
        return _near(function, policy, "DEPRECATED", f"{runtime} is deprecated{_since(life)}")
    if policy.warns(days_left):
        reason = f"{runtime} will be deprecated{_since(life)}"
        return _near(function, policy, "DEPRECATED_SOON", reason)
    reason = f"{runtime} is supported; AWS plans to deprecate it on {life.deprecated}"
    return Finding(function.ref, Verdict.COMPLIANT, "SUPPORTED", reason)


def _near(function: Function, policy: Policy, code: str, reason: str) -> Finding:
    if function.runtime in policy.allow:
        return Finding(function.ref, Verdict.COMPLIANT, "ALLOWED", f"allowed by policy: {reason}")
    return Finding(function.ref, Verdict.NON_COMPLIANT, code, reason)


def _since(life: Life) -> str:
    blocked = f"no new functions on it from {life.no_create}, no updates from {life.no_update}"
    return f" as of {life.deprecated}; {blocked}"
