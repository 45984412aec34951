"""Whether a function logs as the policy asks."""

from __future__ import annotations

from collections.abc import Iterator

from steward.controls.function_logging.state import JSON, Function, Group, Policy
from steward.model import Finding, Verdict

CODES = {
    "LOGS_AS_ASKED": "The function logs as the policy asks.",
    "PLAIN_TEXT": (
        "The function logs plain text: its lines have no level and no fields to look for, and "
        "Lambda leaves none of them out by their level."
    ),
    "LEVEL_NOT_ALLOWED": "The function logs from a level on that the policy does not allow.",
    "NO_LOG_GROUP": (
        "The log group is not there: the function never ran or may not write its log. Lambda will "
        "make a group that keeps events for ever."
    ),
    "NO_RETENTION": "The log group keeps events for ever.",
}

SHOWN = 100
"""Characters of a log group's name in a reason."""


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function; of several problems the first gives the code, and the reason tells all."""
    found = [*_problems(function, policy)]
    if not found:
        reason = f"logs {function.format} to {_short(function.log_group)}"
        return Finding(function.ref, Verdict.COMPLIANT, "LOGS_AS_ASKED", reason)
    reason = "; ".join(text for _, text in found)
    return Finding(function.ref, Verdict.NON_COMPLIANT, found[0][0], reason[:250])


def _problems(function: Function, policy: Policy) -> Iterator[tuple[str, str]]:
    if policy.require_json and function.format != JSON:
        yield "PLAIN_TEXT", "logs plain text"
    levels = (
        ("application", function.application_level, policy.application_levels),
        ("system", function.system_level, policy.system_levels),
    )
    for name, level, allowed in levels:
        if function.format == JSON and level not in allowed:
            yield "LEVEL_NOT_ALLOWED", f"{name} level is {level}, allowed: {', '.join(allowed)}"
    if policy.require_retention and function.group is Group.MISSING:
        yield "NO_LOG_GROUP", f"log group {_short(function.log_group)} is not there"
    if policy.require_retention and function.group is Group.KEPT_FOR_EVER:
        yield "NO_RETENTION", f"log group {_short(function.log_group)} has no retention"


def _short(name: str) -> str:
    return name if len(name) <= SHOWN else f"{name[: SHOWN - 3]}..."
