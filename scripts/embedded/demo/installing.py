"""Scenes of the first hour: what is planned, and what the team's policy sets off."""

from __future__ import annotations

import json
from collections.abc import Iterable

from embedded.demo.history import DEPRECATED, Kind, kinds, policy
from embedded.demo.stage import CONTROL, Stage


def first_sweep(stage: Stage) -> None:
    """Deploying the stack sets off a sweep that plans and writes nothing."""
    stage.screen.say(
        "Deploying writes the stack's version into a parameter, and that sets off a sweep. A "
        "control's first sweep only plans, so that an operator sees what would be changed."
    )
    before = stage.retention()
    stage.settle()
    planned = [name for name, item in stage.items().items() if item.fate == "planned"]
    stage.promise("the first sweep plans", len(planned) > 0, wanted=True)
    stage.promise("the first sweep writes nothing", stage.retention(), before)
    stage.promise("nobody asked to change a retention", stage.writes(), 0)


def team_policy(stage: Stage) -> None:
    """The team's policy sets off a sweep that puts right what may be put right."""
    stage.clock(8, 20)
    today = stage.here.clock.now().date()
    document = policy(today)
    stage.screen.say(
        "The team writes its policy. That sets off a sweep, which now may change things."
    )
    stage.screen.table(
        ("policy", "value"), [(name, json.dumps(value)) for name, value in document.items()]
    )
    stage.put_parameter(f"policy/{CONTROL}", json.dumps(document))
    stage.settle()
    stage.promise(
        "each log group is kept as its kind promises", stage.retention(), _all(kinds(today))
    )
    deprecated = [
        item.ref.id
        for item in stage.ledger.all_items("function-runtime")
        if item.code == "DEPRECATED"
    ]
    stage.promise("functions on deprecated runtimes are reported", len(deprecated), DEPRECATED)


def _all(every: Iterable[Kind]) -> dict[str, int | None]:
    return {name: days for kind in every for name, days in kind.promised.items()}
