"""What the ledger has of one control for a report, each read once and no further than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from steward.errors import BadPolicy
from steward.history import is_violation
from steward.ledger import Change, Item, Ledger, Sweep
from steward.model import CommonPolicy, Control, Exemption, Mode, Ref
from steward.policy import Loaded

Policies: TypeAlias = Callable[[Control[Any, Any]], Loaded[Any]]
"""A control's policy. Raises BadPolicy."""


@dataclass(frozen=True)
class Kept:
    """One control's part of the ledger, and its policy; changes and sweeps are newest first."""

    control: Control[Any, Any]
    policy: CommonPolicy | None
    """None where it does not fit; ``problem`` says why."""
    policy_hash: str
    problem: str
    items: Sequence[Item]
    gone: Sequence[Item]
    """Those that vanished and have not come back."""
    changes: Sequence[Change]
    """Of the window."""
    sweeps: Sequence[Sweep]
    """Of the window, and those before it as far as the last complete one, and one more."""
    exemptions: Sequence[Exemption]
    """The ledger's own."""
    since: str
    """When the window begins."""

    @property
    def mode(self) -> Mode:
        """Of a policy that does not fit, none is known; it lets a control change nothing."""
        return Mode.AUDIT if self.policy is None else self.policy.mode

    @property
    def last_complete(self) -> Sweep | None:
        return next((sweep for sweep in self.sweeps if sweep.complete), None)

    @property
    def last_ended(self) -> Sweep | None:
        """The last one that does not go on."""
        return next((one for one in self.sweeps if one.complete or one.error or one.finished), None)

    @property
    def watched_since(self) -> str:
        """When the first sweep began; '' for never, or before the window."""
        return self._first_sweep if self._first_sweep >= self.since else ""

    @property
    def records_since(self) -> str:
        """When the first sweep or change was that is known; '' for none."""
        changed = self.changes[-1].at if self.changes else ""
        return min(filter(None, (self._first_sweep, changed)), default="")

    @property
    def _first_sweep(self) -> str:
        """When the first of those began that were read."""
        return self.sweeps[-1].started if self.sweeps else ""

    @cached_property
    def violations(self) -> Sequence[Item]:
        """Exempt ones among them."""
        return [item for item in self.items if is_violation(item)]

    @cached_property
    def last_changes(self) -> dict[Ref, Change]:
        return {change.ref: change for change in reversed(self.changes)}


def read(ledger: Ledger, control: Control[Any, Any], policies: Policies, since: str) -> Kept:
    """A query for each sort of record; ``since`` is where the window begins."""
    loaded, problem = _policy(policies, control)
    items = list(ledger.all_items(control.id))
    there = {item.ref for item in items}
    return Kept(
        control=control,
        policy=None if loaded is None else loaded.policy,
        policy_hash="" if loaded is None else loaded.hash,
        problem=problem,
        items=items,
        gone=[item for item in ledger.gone(control.id) if item.ref not in there],
        changes=list(ledger.changes(control.id, since)),
        sweeps=list(_sweeps(ledger, control.id, since)),
        exemptions=ledger.exemptions(control.id),
        since=since,
    )


def _policy(policies: Policies, control: Control[Any, Any]) -> tuple[Loaded[Any] | None, str]:
    try:
        return policies(control), ""
    except BadPolicy as error:
        return None, str(error)


def _sweeps(ledger: Ledger, control: str, since: str) -> Iterator[Sweep]:
    complete = False
    for sweep in ledger.sweeps(control):
        yield sweep
        if complete and sweep.started < since:
            return
        complete = complete or sweep.complete
