"""Decides whether a finding may be remediated now. Pure: what it needs to know is handed in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from steward.ledger import Item
from steward.model import Fate, Finding, Mode

MAX_ATTEMPTS = 5
RETRY_EXHAUSTED = timedelta(days=7)

PROTECTED = "PROTECTED_BY_ORGANIZATION"


@dataclass(frozen=True, slots=True)
class Gate:
    """What holds for a whole run."""

    mode: Mode
    plan_only: bool = False
    stopped: bool = False
    """The stack's stop switch is set: every write is held."""
    retry: bool = False
    """An operator says that what kept failing may succeed now."""
    irreversible: bool = True
    """Calls that no undo can bring back may be sent."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a finding is not remediated now, and the fate that makes it."""

    fate: Fate
    note: str


WAITS = Hold(Fate.HELD, "tried again soon")


def hold(gate: Gate, finding: Finding, item: Item | None, now: datetime) -> Hold | None:
    """Why a finding that has calls must wait, or None when they may be sent.

    ``item`` is what the ledger holds of the resource, if its fingerprint is the finding's.
    """
    if gate.mode is not Mode.ENFORCE:
        return Hold(Fate.PLANNED, f"mode {gate.mode}")
    if closed(gate) is None and finding.irreversible and not gate.irreversible:
        return Hold(Fate.HELD, "not allowed by the stack's AllowIrreversible")
    if closed(gate) is None and finding.waits:
        return WAITS
    return closed(gate) or (None if gate.retry else _exhausted(item, now))


def closed(gate: Gate) -> Hold | None:
    """Why nothing at all may be written in this run, whatever the control's mode."""
    if gate.plan_only:
        return Hold(Fate.PLANNED, "plan only")
    if gate.stopped:
        return Hold(Fate.HELD, "stopped by the stack's stop switch")
    return None


def _exhausted(item: Item | None, now: datetime) -> Hold | None:
    if item is None or item.attempts < MAX_ATTEMPTS:
        return None
    if now >= datetime.fromisoformat(item.last_attempt) + RETRY_EXHAUSTED:
        return None
    if item.fate is Fate.REPORTED:  # nothing that a repetition could mend
        return Hold(Fate.REPORTED, item.reason)
    return Hold(Fate.HELD, f"exhausted: failed {item.attempts} times, tried again weekly")


def fingerprint(policy_hash: str, finding: Finding) -> str:
    """Equal for equal plans under an equal policy; '' where there is no plan."""
    if not finding.remediation:
        return ""
    calls = [(c.service, c.operation, c.params) for c in finding.remediation]
    text = json.dumps([policy_hash, finding.code, calls], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
