"""What becomes of the settings of one method, before it is known by which call. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from steward.controls.api_gateway.stages import EVERY, Settings
from steward.controls.api_throttling.settings import Limit, chosen, defaults
from steward.controls.api_throttling.state import ApiStage
from steward.model import Call


@dataclass(frozen=True, slots=True)
class Edit:
    """The limits that settings are to have; None: the settings are taken away."""

    key: str
    limit: Limit | None


@dataclass(frozen=True, slots=True)
class Step:
    """A call, and the edits that it carries out."""

    call: Call
    edits: Sequence[Edit]


def taken_over(stage: ApiStage, key: str) -> Settings:
    """What settings have to take over from the stage's, so that limits change nothing else.

    New settings of a method hide all that the stage has; ours may hide what it has got since.
    """
    if key == EVERY or (key in stage.limits and key not in stage.behind):
        return {}
    now, usual = stage.due(key), defaults(stage.kind)
    have = chosen(stage.kind, stage.others(key))
    return {
        name: now.get(name, usual.get(name))
        for name in sorted({*now, *have})
        if now.get(name) != have.get(name)
    }


def foretelling(stage: ApiStage, steps: Sequence[Step]) -> Iterator[Call]:
    """The calls; the last tells what all of them come to, the undo of the first what all undo."""
    limits = dict(stage.limits)
    done = [edit for step in steps for edit in step.edits]
    for edit in done:
        limits.pop(edit.key, None)
        if edit.limit is not None:
            limits[edit.key] = edit.limit
    keys = {edit.key for edit in done}
    behind = [key for key in stage.behind if key not in keys]
    for number, step in enumerate(steps):
        call = step.call
        if number == 0 and call.undo is not None:
            before = {"limits": stage.limits, "behind": stage.behind}
            call = replace(call, undo=replace(call.undo, effect=before))
        if number == len(steps) - 1:
            call = replace(call, effect={"limits": limits, "behind": behind})
        yield call
