"""Findings, changes and counts in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from steward.ledger import Change

STYLES: Mapping[str, str] = {
    "COMPLIANT": "green",
    "NON_COMPLIANT": "yellow",
    "EXEMPT": "magenta",
    "NOT_APPLICABLE": "dim",
    "UNKNOWN": "red",
}
"""By verdict."""


def decided(resource: str, verdict: str, code: str, reason: str) -> Text:
    """A finding on a resource."""
    return Text.assemble(
        f"{resource} is ", (str(verdict), STYLES.get(verdict, "")), f" ({code}): {reason}"
    )


def changed(change: Change) -> Iterator[str]:
    """Each call of a change, with what it sets: before and after."""
    for call in change.calls:
        effects = (
            f"{name} {_value(change.before.get(name))} -> {_value(value)}"
            for name, value in call.effect.items()
        )
        yield f"{call.operation}, {', '.join(effects)}"


def counted(counts: Mapping[str, int]) -> str:
    """Counts by name, the most frequent first: ``12 COMPLIANT, 3 EXEMPT``."""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count} {name}" for name, count in ranked) or "none"


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
