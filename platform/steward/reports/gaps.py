"""Controls of which a report knows too little: no format may pass over them in silence."""

from __future__ import annotations

from dataclasses import dataclass

from steward.model import Mode
from steward.reports.dataset import ControlLine, Report

OFF, NEVER, STALE, INCOMPLETE = "off", "never-swept", "stale", "incomplete"


@dataclass(frozen=True, slots=True)
class Gap:
    """A control whose silence says nothing, and why."""

    line: ControlLine
    state: str
    sentence: str


def gaps(report: Report) -> tuple[Gap, ...]:
    """By control; a control that is on and whose last sweep, not long ago, was complete is none."""
    found = (gap_of(line) for line in report.controls)
    return tuple(gap for gap in found if gap is not None)


def gap_of(line: ControlLine) -> Gap | None:
    if line.mode is Mode.OFF:
        return Gap(line, OFF, "the control is off: nothing is looked at")
    if not line.lacking:
        return None
    error = f": {line.last_sweep_error}" if line.last_sweep_error else ""
    if not line.swept_at:
        return Gap(line, NEVER, f"no sweep was ever complete{error}")
    state, what = (STALE, "not known lately") if line.stale else (INCOMPLETE, "not wholly known")
    return Gap(line, state, f"{what}, the last complete sweep is of {line.swept_at}{error}")
