"""The last scene: what is compliant, changed, reported, exempt, and why; and what it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from embedded.demo.stage import Stage
from embedded.demo.words import counted
from steward.controls import CONTROLS
from steward.ledger import Change, Item, Status
from steward.model import Control, Verdict

CHANGED = "changed"

STANDINGS: Mapping[str, str] = {
    CHANGED: "bold green",
    "compliant": "green",
    "reported": "yellow",
    "exempt": "magenta",
    "not applicable": "dim",
    "unknown": "red",
}
"""How a resource stands in the end, with its style; in the order in which it is shown."""

_BY_VERDICT = {
    Verdict.COMPLIANT: "compliant",
    Verdict.NON_COMPLIANT: "reported",
    Verdict.EXEMPT: "exempt",
    Verdict.NOT_APPLICABLE: "not applicable",
    Verdict.UNKNOWN: "unknown",
}


def show(stage: Stage) -> None:
    """Where everything stands, with an example of each, and what it took to get there."""
    resources = 0
    for control in CONTROLS:
        found = _found(stage, control)
        stage.screen.line(None, f"{control.id}: {control.title}", "bold")
        stage.screen.table(("", "count", "code", "why, by an example"), _rows(found))
        resources += sum(map(len, found.values()))
        unknown = sum(len(names) for (standing, _), names in found.items() if standing == "unknown")
        stage.promise(f"{control.id} could read everything", unknown, 0)
    _tell_effort(stage, resources)


def _tell_effort(stage: Stage, resources: int) -> None:
    asked, executions = stage.requests(), stage.here.journal.executions
    events = sum(bool(one.rules) for one in stage.here.journal.events)
    told = f"{asked.total()} calls of AWS for {resources} resources, {events} events and"
    stage.screen.line(None, f"{told} {len(executions)} sweeps, the most frequent:")
    stage.screen.line(None, counted(dict(asked.most_common(6))), "dim", depth=1)
    rang = ", ".join(f"{name} ({moment:%H:%M})" for name, moment in stage.rang.items())
    stage.screen.line(None, f"alarms seen ringing: {rang or 'none'}")


def _found(stage: Stage, control: Control[Any, Any]) -> Mapping[tuple[str, str], list[str]]:
    """By standing and code: each resource with the reason."""
    changes = {
        one.ref: one
        for one in stage.ledger.changes(control.id)
        if one.status is Status.DONE and not one.undoes
    }
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in stage.ledger.all_items(control.id):
        standing, code, reason = _standing(item, changes.get(item.ref))
        found[standing, code].append(f"{item.ref.id}: {reason}")
    return found


def _standing(item: Item, change: Change | None) -> tuple[str, str, str]:
    """How a resource stands, the code, and the reason: of the change where one was made."""
    if change is not None and item.verdict is Verdict.COMPLIANT:
        return CHANGED, change.code, change.reason
    return _BY_VERDICT[item.verdict], item.code, item.reason


def _rows(found: Mapping[tuple[str, str], list[str]]) -> Iterator[tuple[object, ...]]:
    order = [*STANDINGS]
    for standing, code in sorted(found, key=lambda one: (order.index(one[0]), one[1])):
        examples = found[standing, code]
        yield Text(standing, style=STANDINGS[standing]), len(examples), code, examples[0]
