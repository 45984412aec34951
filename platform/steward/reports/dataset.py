"""What every report is made of, whatever its format: one account and Region at one moment.

All times are the ledger's: ISO 8601 in UTC, to the second; '' where there is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from steward.ledger import Change
from steward.model import Exemption, Fate, Mode, Ref, Severity, Verdict


class Standing(StrEnum):
    """Where a finding stands."""

    OPEN = "open"  # non-compliant now
    UNKNOWN = "unknown"  # it could not be read, so that nobody knows
    EXEMPT = "exempt"  # non-compliant, and somebody answers for it
    RESOLVED = "resolved"  # it was non-compliant and is in order now
    OUT_OF_SCOPE = "out-of-scope"  # it was non-compliant, and the control no longer applies to it
    GONE = "gone"  # it was non-compliant when it vanished


@dataclass(frozen=True, slots=True)
class Entry:
    """One control's finding on one resource, with its history. What was never wrong has none."""

    id: str
    """Always the same for this control and resource, see ``entry_id``."""
    control: str
    ref: Ref
    standing: Standing
    verdict: Verdict
    code: str
    reason: str
    wrong: str
    """What is, or was, wrong: the reason without who exempts it, or that it is exhausted."""
    severity: Severity
    fate: Fate
    """What Steward did about it, last time it looked."""
    first_seen: str
    """Since when it has been, or had been, out of order."""
    last_seen: str
    """When it was last known to be so: the control's last complete sweep, or a later look."""
    closed_at: str = ""
    """When it was resolved, put out of scope, or gone."""
    owner: str = ""
    """Whose it is, by its tags; '' where they do not tell or could not be read."""
    attempts: int = 0
    """How often the same change has failed."""
    next_attempt: str = ""
    """A sentence: when and whether it is tried again, such as 'with the next sweep'."""
    exemption: Exemption | None = None
    last_change: Change | None = None
    owner_of: str = ""
    """The resource whose tag tells the owner, where that is another: 'function claims'."""


@dataclass(frozen=True, slots=True)
class ControlLine:
    """How one control is doing."""

    id: str
    title: str
    severity: Severity
    mode: Mode
    counts: Mapping[Standing, int]
    compliant: int
    swept_at: str
    """When its last complete sweep began: what the findings are as fresh as; '' for never."""
    last_sweep: str
    """When its last sweep began, complete or not."""
    last_sweep_error: str
    """Why it may have missed something: its policy does not fit, or the last sweep that has ended
    was not complete; '' otherwise."""
    stale: bool
    """No complete sweep for longer than the heartbeat allows: the findings may be wrong."""
    not_applicable: int = 0
    """Resources of its sort that it does not apply to."""
    watched_since: str = ""
    """When its first sweep began; '' for never, or before the window."""
    policy_hash: str = ""
    """The policy's, as sweeps and plans have it; '' where it does not fit."""

    @property
    def lacking(self) -> bool:
        """Whether it may have missed something, lately or for long."""
        return self.stale or bool(self.last_sweep_error)

    @property
    def in_order(self) -> int:
        """Resources that nothing is to be done about."""
        return self.compliant + self.not_applicable

    @property
    def judged(self) -> int:
        """Resources that it has a finding on, whatever the verdict."""
        now = (Standing.OPEN, Standing.UNKNOWN, Standing.EXEMPT)
        return self.in_order + sum(self.counts.get(one, 0) for one in now)


@dataclass(frozen=True, slots=True)
class ExemptionLine:
    """An exemption and what is to be said of it."""

    control: str
    exemption: Exemption
    source: str
    """'ledger', 'policy' or 'tag'."""
    covers: int
    """Resources that it exempts now."""
    remarks: tuple[str, ...] = ()
    """Such as 'expired', 'expires in 9 days', 'exempts nothing', 'exempts every resource'."""


@dataclass(frozen=True, slots=True)
class Point:
    """Violations that were open at the end of a control's sweep."""

    control: str
    at: str
    violations: int


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount that was saved, or that is paid, with what it rests on."""

    name: str
    amount: float | None
    """None where nothing proves it."""
    unit: str
    """Such as 'USD a month' or 'bytes'."""
    basis: str
    """How it was computed, with the date of prices."""
    kind: str = ""
    """'saving' or 'cost' of what has a price; a cost below zero is a saving."""
    at_most: float | None = None
    """What an amount that nothing proves is at most."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report may show."""

    account: str
    region: str
    partition: str
    stack: str
    """'' for a report from an operator's own ledger."""
    generated_at: str
    version: str
    controls: tuple[ControlLine, ...]
    """By id; those that are off are among them."""
    entries: tuple[Entry, ...]
    """By standing, in that order; then oldest first, then by control and resource."""
    changes: tuple[Change, ...]
    """Those of the report's window, newest first."""
    exemptions: tuple[ExemptionLine, ...]
    """Soonest to expire first."""
    trend: tuple[Point, ...]
    """By control and time."""
    figures: tuple[Figure, ...]
    window_days: int
    """How far back changes, closed findings and the trend reach."""
    notes: tuple[str, ...] = ()
    """What the report could not find out, such as owners whose tags could not be read."""
    heartbeat_hours: int = 26
    """How long ago a control's last complete sweep may have ended, so that it is fresh."""
    records_since: str = ""
    """The first sweep or change that is known; '' for none. Before the window: it is covered."""
    owner_keys: tuple[str, ...] = ()
    """The keys of tags that were read for owners, the first that is there counts."""

    @property
    def complete(self) -> bool:
        """Whether the last sweep of every control that is on was lately, and read everything."""
        on = [line for line in self.controls if line.mode is not Mode.OFF]
        unread = any(entry.standing is Standing.UNKNOWN for entry in self.entries)
        return not unread and not any(line.lacking for line in on)


def gravest_first(entries: Iterable[Entry]) -> list[Entry]:
    """As a person takes them up: by severity, and of one severity in the order that they have."""
    rising = list(Severity)
    return sorted(entries, key=lambda one: rising.index(one.severity), reverse=True)


def entry_id(account: str, region: str, control: str, ref: Ref) -> str:
    """A finding's id, the same in every format and for ever: 32 hexadecimal digits."""
    told = "|".join((account, region, control, ref.kind, ref.id))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
