"""What the console prints for other tools: one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.codes import ExitCode
from steward.ledger import Change, Sweep
from steward.model import Call, Fate
from steward.run import Outcome


@dataclass(slots=True)
class Summary:
    """What the whole run came to; a resumed sweep counts what it did before, too."""

    complete: bool = True
    resources: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    open: int = 0

    def add(self, sweep: Sweep) -> None:
        self.complete = self.complete and sweep.complete
        self.resources += sweep.resources
        self.verdicts.update(sweep.verdicts)
        self.fates.update(sweep.fates)
        self.open += sweep.verdicts.get("NON_COMPLIANT", 0) - sweep.fates.get("remediated", 0)

    def add_outcome(self, outcome: Outcome) -> None:
        self.resources += outcome.fate is not Fate.GONE
        if outcome.fate is not Fate.GONE:
            self.verdicts[outcome.finding.verdict.value] += 1
        self.fates[outcome.fate.value] += 1
        self.open += outcome.is_open
        self.complete = self.complete and outcome.fate not in (Fate.FAILED, Fate.UNKNOWN)

    @property
    def exit_code(self) -> ExitCode:
        if not self.complete:
            return ExitCode.INCOMPLETE
        return ExitCode.VIOLATIONS if self.open else ExitCode.CLEAN

    def line(self, calls: Mapping[str, int]) -> dict[str, Any]:
        return {
            "summary": {
                "complete": self.complete,
                "resources": self.resources,
                "verdicts": dict(sorted(self.verdicts.items())),
                "fates": dict(sorted(self.fates.items())),
                "skipped": dict(sorted(self.skipped.items())),
                "calls": dict(sorted(calls.items())),
            }
        }


def emit(lines: Iterable[Mapping[str, Any]]) -> None:
    """Print each object on a line of its own."""
    for line in lines:
        sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def outcome_line(outcome: Outcome) -> dict[str, Any]:
    """A resource's line: what was found, what became of it, and how to take it back."""
    calls = outcome.finding.remediation
    return {
        "control": outcome.control,
        "resource": {"kind": outcome.finding.ref.kind, "id": outcome.finding.ref.id},
        "verdict": outcome.finding.verdict.value,
        "code": outcome.finding.code,
        "reason": outcome.reason,
        "fate": outcome.fate.value,
        "calls": [call_line(call) for call in calls],
        "undo": [call_line(call.undo) for call in reversed(calls) if call.undo],
        "trigger": outcome.trigger.value,
        "change": outcome.change or None,
    }


def change_line(change: Change) -> dict[str, Any]:
    """A change's line: what was there before, what was sent, what would take it back."""
    sent = change.calls[: change.sent]
    return {
        "change": change.id,
        "control": change.control,
        "resource": {"kind": change.ref.kind, "id": change.ref.id},
        "status": change.status.value,
        "at": change.at,
        "settled_at": change.settled_at or None,
        "trigger": change.trigger.value,
        "run": change.run,
        "code": change.code,
        "reason": change.reason,
        "before": dict(change.before),
        "calls": [call_line(call) for call in change.calls],
        "undo": [call_line(call.undo) for call in reversed(sent) if call.undo],
        "irreversible": [call.irreversible for call in sent if call.irreversible],
        "error": change.error or None,
        "undoes": change.undoes or None,
    }


def call_line(call: Call) -> dict[str, Any]:
    return {"service": call.service, "operation": call.operation, "params": dict(call.params)}
