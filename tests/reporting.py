"""Ledgers with findings, for tests of reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from steward.controls import named
from steward.ledger import Change, Item, Ledger, Status, Sweep, new_id, stamp
from steward.model import Call, Control, Exemption, Fate, Mode, Ref, Severity, Trigger, Verdict
from steward.policy import Loaded, load
from steward.reports.collect import Scope, collect
from steward.reports.dataset import ControlLine, Entry, Report, Standing
from steward.reports.owners import Owned, Owners
from tests.fakes import ACCOUNT, REGION, START, FakeClock

LOGS, VERSIONS = "log-retention", "function-versions"
GROUP = "AWS::Logs::LogGroup"


def at(days: float) -> str:
    """A stamp, so many days before the report."""
    return stamp(START - timedelta(days=days))


def item(name: str, **fields: Any) -> Item:
    """A log group that keeps its events for ever, found two days before."""
    wrong = Item(
        fields.pop("control", LOGS),
        Ref(fields.pop("kind", GROUP), name),
        Verdict.NON_COMPLIANT,
        "NEVER_EXPIRES",
        "kept for ever, should be 30 days",
        Fate.PLANNED,
        first_seen=at(2),
        changed_at=at(2),
    )
    return replace(wrong, **fields)


def right(name: str, **fields: Any) -> Item:
    told = {"verdict": Verdict.COMPLIANT, "code": "WITHIN_POLICY", "reason": "kept 30 days"}
    return item(name, **{**told, "fate": Fate.NONE, **fields})


def change(name: str, days: float, **fields: Any) -> Change:
    """A retention that was set, so many days before the report."""
    control = fields.pop("control", LOGS)
    moment = START - timedelta(days=days)
    undo = Call("logs", "DeleteRetentionPolicy", {"logGroupName": name})
    params = {"logGroupName": name, "retentionInDays": 30}
    made = Change(
        id=new_id(control, moment),
        control=control,
        ref=Ref(GROUP, name),
        status=Status.DONE,
        at=stamp(moment),
        trigger=Trigger.EVENT,
        run="run",
        code="NEVER_EXPIRES",
        reason="kept for ever",
        before={"name": name, "days": None, "stored_bytes": 10**9},
        calls=(Call("logs", "PutRetentionPolicy", params, undo, {"days": 30}),),
        sent=1,
        settled_at=stamp(moment + timedelta(seconds=1)),
    )
    return replace(made, **fields)


def sweep(days: float, **fields: Any) -> Sweep:
    """A complete sweep of five minutes, begun so many days before the report."""
    control, moment = fields.pop("control", LOGS), START - timedelta(days=days)
    begun = Sweep(new_id(control, moment), control, stamp(moment), "0123456789abcdef")
    done = {"finished": stamp(moment + timedelta(minutes=5)), "complete": True}
    return replace(begun, **{**done, **fields})


def exemption(resource: str, days: int = 100, **fields: Any) -> Exemption:
    """One that ends so many days after the report."""
    return replace(
        Exemption(resource, "legal hold", "legal", START.date() + timedelta(days=days)), **fields
    )


def policies(**fields: Any) -> Callable[[Control[Any, Any]], Loaded[Any]]:
    """Of log-retention these fields; the others have their defaults."""

    def policy(control: Control[Any, Any]) -> Loaded[Any]:
        return load(control, fields if control.id == LOGS else {})

    return policy


def owned(by_name: Mapping[str, str]) -> Owners:
    def owners(refs: Sequence[Ref]) -> Owned:
        return Owned({ref: by_name[ref.id] for ref in refs if ref.id in by_name})

    return owners


def report(
    ledger: Ledger, *, owners: Owners | None = None, scope: Scope | None = None, **policy: Any
) -> Report:
    """A report on log groups, ten o'clock on the 20th of November 2026."""
    wanted = scope or Scope(ACCOUNT, REGION, version="1", controls=[control()])
    return collect(wanted, ledger, policies(**policy), owners or owned({}), FakeClock())


def entry(name: str, **fields: Any) -> Entry:
    """A log group that keeps its events for ever, found two days before."""
    wrong = Entry(
        id=name,
        control=LOGS,
        ref=Ref(GROUP, name),
        standing=Standing.OPEN,
        verdict=Verdict.NON_COMPLIANT,
        code="NEVER_EXPIRES",
        reason="kept for ever, should be 30 days",
        wrong="kept for ever",
        severity=Severity.LOW,
        fate=Fate.PLANNED,
        first_seen=at(2),
        last_seen=at(0),
        next_attempt="with the next sweep that may write",
    )
    return replace(wrong, **fields)


def line(control: str = LOGS, **fields: Any) -> ControlLine:
    """A control that was swept completely and lately."""
    well = ControlLine(
        id=control,
        title="",
        severity=Severity.LOW,
        mode=Mode.ENFORCE,
        counts={},
        compliant=1,
        swept_at=at(0.2),
        last_sweep=at(0.2),
        last_sweep_error="",
        stale=False,
    )
    return replace(well, **fields)


def bare(*entries: Entry, **fields: Any) -> Report:
    """A report that has only these entries, of a control that is doing well."""
    empty = Report(
        account=ACCOUNT,
        region=REGION,
        partition="aws",
        stack="steward",
        generated_at=at(0),
        version="1",
        controls=(line(),),
        entries=entries,
        changes=(),
        exemptions=(),
        trend=(),
        figures=(),
        window_days=30,
    )
    return replace(empty, **fields)


def control(control_id: str = LOGS) -> Control[Any, Any]:
    found = named(control_id)
    assert found is not None
    return found
