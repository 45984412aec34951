"""steward sweep: one full pass, page by page, resumable."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

from console.codes import ExitCode
from console.lines import Summary, emit, outcome_line
from console.options import Options
from console.session import connect, selected
from console.views import SweepView
from steward import sweep as sweeps
from steward.account import Account
from steward.errors import Busy, NotConnected
from steward.ledger import Sweep
from steward.model import Control, Deadline, Mode, Trigger
from steward.runtime import sheltered

_LEASE_SECONDS = 900


class Interrupt:
    """Ctrl-C: the first one lets the page be finished, the second stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:  # as if killed: calls under way are not waited for
            print("steward: stopped at once; the next run settles what was open", file=sys.stderr)
            os._exit(ExitCode.INCOMPLETE)
        self.asked = True
        print("\nsteward: finishing the page; Ctrl-C again stops at once", file=sys.stderr)

    @contextmanager
    def installed(self) -> Iterator[Interrupt]:
        before = signal.signal(signal.SIGINT, self)
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)


def sweep(options: Options, names: Sequence[str], *, restart: bool, retry: bool) -> ExitCode:
    """Sweep the named controls, or all; later ones also where an earlier one was incomplete."""
    controls = selected(names)
    account = replace(connect(options, begin=True), retry=retry)
    policies = {control.id: account.policy(control) for control in controls}  # all, or nothing
    summary, view = Summary(), SweepView(plain=options.json)
    with Interrupt().installed() as interrupt, view:
        for control in controls:
            if policies[control.id].policy.mode is Mode.OFF:
                view.off(control)
                continue
            _sweep_one(account, control, summary, view, interrupt, restart=restart)
            if interrupt.asked:
                summary.complete = summary.complete and control is controls[-1]
                break
    if options.json:
        emit([summary.line(account.aws.calls)])
    else:
        view.conclude(summary, account.aws, enforce=options.enforce)
    return summary.exit_code


def _sweep_one(
    account: Account,
    control: Control[Any, Any],
    summary: Summary,
    view: SweepView,
    interrupt: Interrupt,
    *,
    restart: bool,
) -> None:
    ledger, holder = account.ledger, secrets.token_hex(8)
    if not ledger.acquire(control.id, holder, _LEASE_SECONDS):
        raise Busy(f"{control.id}: another sweep is under way with this ledger")
    try:
        loaded = account.policy(control)
        bound_to = sweeps.mark(loaded.hash, plan_only=account.plan_only)
        at = sweeps.begin(ledger, control.id, bound_to, account.clock.now(), restart=restart)
        run = account.run(
            control,
            Trigger.SWEEP,
            at.id,
            deadline=Deadline(account.clock),
            shelter=sheltered(account.telemetry),
        )
        view.start(control, at, _last_size(account, control))
        at = _steps(run, at, view, interrupt)
    finally:
        ledger.release(control.id, holder)
    summary.add(at)
    view.end(at, interrupted=not at.finished)


def _steps(run: Any, at: Sweep, view: SweepView, interrupt: Interrupt) -> Sweep:
    try:
        for step in sweeps.advance(run, at):
            at = step.sweep
            if view.plain:
                emit(map(outcome_line, step.outcomes))
            view.advance(at, step.outcomes)
            if interrupt.asked:
                break
    except NotConnected:
        view.end(at, interrupted=True)
        raise
    return at


def _last_size(account: Account, control: Control[Any, Any]) -> int:
    """How many resources the last finished sweep met: what a progress bar can promise."""
    done = (one.resources for one in account.ledger.sweeps(control.id) if one.finished)
    return next(done, 0)
