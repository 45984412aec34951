"""Whether a resource has the tags that are required of it."""

from __future__ import annotations

from collections.abc import Mapping

from steward.controls.required_tags.state import Policy, Resource, Values
from steward.model import Finding, Verdict

CODES = {
    "HAS_TAGS": "The resource has all tags that are required of it, with values that are allowed.",
    "NOTHING_REQUIRED": "No rule, and no tag policy, requires a tag of the type.",
    "LACKS_TAGS": "The resource lacks tags; the reason tells where they could be taken from.",
    "WRONG_VALUE": "A required tag has a value that is not allowed.",
}

SHOWN = 48
"""Characters of a key or a value in a reason."""


def assess(resource: Resource, policy: Policy) -> Finding:
    """Judge a resource. It is only reported: what its tags should be, somebody has to know."""
    required = policy.required(resource)
    if not required:
        reason = "nothing is required of its type"
        return Finding(resource.ref, Verdict.NOT_APPLICABLE, "NOTHING_REQUIRED", reason)
    lacking = sorted(key for key in required if key not in resource.tags)
    wrong = sorted(
        k for k, one in required.items() if k not in lacking and not _fits(resource, k, one)
    )
    if not lacking and not wrong:
        reason = f"has {_names(sorted(required))}"
        return Finding(resource.ref, Verdict.COMPLIANT, "HAS_TAGS", reason)
    code = "LACKS_TAGS" if lacking else "WRONG_VALUE"
    told = [*_lacks(lacking), *(_wrong(resource, key, required[key]) for key in wrong[:1])]
    reason = "; ".join([*told, *_offer(resource, required, [*lacking, *wrong])])
    return Finding(resource.ref, Verdict.NON_COMPLIANT, code, reason[:250])


def _fits(resource: Resource, key: str, values: Values) -> bool:
    return values.allow(resource.tags[key])


def _lacks(keys: list[str]) -> list[str]:
    return [f"lacks {_names(keys)}"] if keys else []


def _wrong(resource: Resource, key: str, values: Values) -> str:
    return f"{_short(key)} is {_short(resource.tags[key])}, allowed: {values.told()}"


def _offer(resource: Resource, required: Mapping[str, Values], keys: list[str]) -> list[str]:
    """What would put it right, as far as the stack or the maker has values that are allowed."""
    fitting = [
        f"{_short(key)}={_short(resource.offered[key])}"
        for key in keys
        if key in resource.offered and required[key].allow(resource.offered[key])
    ]
    return [f"{resource.offers} has {', '.join(fitting)}"] if fitting else []


def _names(keys: list[str]) -> str:
    text = ", ".join(map(_short, keys))
    return text if len(text) <= 2 * SHOWN else f"{text[: 2 * SHOWN - 3]}..."


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
