"""Whether a stack's resources have the stack's tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from steward.controls.stack_tags import memory, plan
from steward.controls.stack_tags.plan import Wish
from steward.controls.stack_tags.state import Policy, Stack
from steward.model import Finding, Verdict

REFUSED = "NOT_ALL_TAGGED"

CODES = {
    "TAGGED": "All resources have the tags, as far as the policy wants them to.",
    "NO_TAGS": "The stack has no tag that the policy allows, and none of ours is left.",
    "CHANGING": "An operation on the stack is under way; its end is another event.",
    "UNTAGGED": "Resources lack tags, or have values or tags that they should not.",
    REFUSED: "AWS refused to tag some resources; the others are tagged. Tried again weekly.",
    "TOO_MANY_TAGS": "A resource would have more than 50 tags, and gets none.",
    "UNFIT_TAGS": "A service does not take the characters of a tag; the others are written.",
    "UNKNOWN_ARN": "The physical id of a resource is not as its type's are: no ARN is guessed.",
    "UNSUPPORTED_TYPE": (
        "Resources have tags that Steward can neither read nor write; ignore_types leaves them out."
    ),
}

NAMED = 60
"""Characters of names in a reason."""


def assess(stack: Stack, policy: Policy) -> Finding:
    """Judge a stack; the first statement that applies decides."""
    if stack.changing:
        reason, remembered = "an operation on the stack is under way", memory.text(stack.ours)
        return Finding(stack.ref, Verdict.NOT_APPLICABLE, "CHANGING", reason, memory=remembered)
    wanted = plan.wishes(stack, policy)
    calls = plan.calls(wanted)
    code, reason = _told(stack, policy, wanted)
    verdict = Verdict.NON_COMPLIANT
    if code in ("TAGGED", "NO_TAGS"):
        verdict = Verdict.COMPLIANT if code == "TAGGED" else Verdict.NOT_APPLICABLE
    remembered = memory.text(stack.ours, stack.resources)
    return Finding(stack.ref, verdict, code, reason, calls, remembered)


def _told(stack: Stack, policy: Policy, wanted: Mapping[str, Wish]) -> tuple[str, str]:
    """The code, and the sentence that goes with it."""
    of, some = f"of {_counted(len(wanted))}", list(wanted.values())
    if lacking := [one for one in some if not one.is_idle]:
        keys = {key for one in lacking for key in (*one.add, *one.change, *one.remove)}
        narrow = "" if policy.allow_keys else "; needs allow_keys"
        return "UNTAGGED", f"{len(lacking)} {of} differ in {_names(keys)}{narrow}"
    if full := sum(one.full for one in some):
        return "TOO_MANY_TAGS", f"{full} {of} would have more than 50 tags"
    if unfit := sum(one.unfit for one in some):
        return "UNFIT_TAGS", f"{unfit} {of} do not take a tag's characters"
    if not any(map(policy.allows, stack.wanted)):
        return "NO_TAGS", "the stack has no tag that the policy allows"
    return _beyond_us(stack) or ("TAGGED", f"all {_counted(len(wanted))} have the tags")


def _beyond_us(stack: Stack) -> tuple[str, str] | None:
    """What of the stack can neither be read nor written."""
    if stack.nameless:
        return "UNKNOWN_ARN", f"ARN not known of {_names(stack.nameless)}"
    if stack.unsupported:
        total = _counted(sum(stack.unsupported.values()))
        return "UNSUPPORTED_TYPE", f"{total} cannot be tagged: {_names(stack.unsupported)}"
    return None


def _counted(number: int) -> str:
    return "1 resource" if number == 1 else f"{number} resources"


def _names(names: Iterable[str]) -> str:
    text = ", ".join(sorted(names))
    return text if len(text) <= NAMED else f"{text[:NAMED]}..."
