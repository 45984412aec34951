"""Whether events of asynchronous invocations that fail are kept somewhere."""

from __future__ import annotations

from steward.controls.async_failure_destination.state import LATEST, Function, Policy
from steward.controls.lambda_api import destinations
from steward.model import Finding, Verdict

CODES = {
    "HAS_DEAD_LETTERS": "The function has a dead-letter queue or topic.",
    "HAS_DESTINATION": (
        "Events that fail go to an on-failure destination, of all that events may come by: $LATEST "
        "and every alias."
    ),
    "NO_EVIDENCE": (
        "Nothing that was looked at shows that the function is invoked asynchronously; the reason "
        "tells what was."
    ),
    "REPEATED": "The policy says that the function's events come again by themselves.",
    "NO_DESTINATION": (
        "The function is invoked asynchronously, and an event that failed three times is gone: it "
        "has neither a dead-letter queue nor an on-failure destination."
    ),
    "PARTLY_WITHOUT": (
        "Some of the function's aliases and $LATEST have an on-failure destination; other aliases, "
        "or $LATEST where it may be invoked, do not: each goes by its own setting."
    ),
    "DESTINATION_GONE": "The queue or topic to which failed events would go is not there.",
}


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function. It is only reported: where events should go, its owner has to know."""
    if policy.repeats(function.name):
        reason = "by the policy its events come again by themselves"
        return _of(function, Verdict.NOT_APPLICABLE, "REPEATED", reason)
    if not function.evidence:
        return _of(function, Verdict.NOT_APPLICABLE, "NO_EVIDENCE", _searched(function))
    who = f"invoked by {', '.join(function.evidence)[:120]}"
    if function.dead_letters:
        return _there(function, "HAS_DEAD_LETTERS", who, function.dead_letters)
    if not function.covered:
        reason = f"{who}; failed events go nowhere"
        return _of(function, Verdict.NON_COMPLIANT, "NO_DESTINATION", reason)
    if open_to := _without(function):
        reason = f"{who}; failed events of {open_to} go nowhere"
        return _of(function, Verdict.NON_COMPLIANT, "PARTLY_WITHOUT", reason)
    ends = sorted(function.covered.values(), key=lambda one: one not in function.unchecked)
    gone = (one for one in ends if one in function.lost)
    return _there(function, "HAS_DESTINATION", who, next(gone, ends[0]))


def _searched(function: Function) -> str:
    looked = f"looked at {' and '.join(function.asked)}" if function.asked else "nothing asked"
    kept = "; it has dead letters all the same" if function.dead_letters else ""
    return f"nothing shows asynchronous invocations: {looked}{kept}"


def _without(function: Function) -> str:
    """What events may come by and is not covered; $LATEST only where aliases are not all there is.

    Aliases that were not asked for are those that nothing shows to be invoked.
    """
    bare = [one for one in function.aliases if one not in function.covered]
    if LATEST not in function.covered and (function.by_policy or not function.aliases):
        bare.insert(0, LATEST)
    return ", ".join(bare)[:80]


def _there(function: Function, code: str, who: str, destination: str) -> Finding:
    if destination in function.lost:
        reason = f"{who}; {destination[-90:]} is not there"
        return _of(function, Verdict.NON_COMPLIANT, "DESTINATION_GONE", reason)
    doubt = destinations.UNCHECKED if destination in function.unchecked else ""
    reason = f"failed events go to {destination[:140]}{doubt}"
    return _of(function, Verdict.COMPLIANT, code, reason)


def _of(function: Function, verdict: Verdict, code: str, reason: str) -> Finding:
    return Finding(function.ref, verdict, code, reason)
