"""steward explain: a control in words, or the finding on one resource and how it came about."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from console.codes import ExitCode
from console.lines import Summary, change_line, emit, outcome_line
from console.options import Options
from console.session import connect, policy_in_force
from console.views import console, table
from steward.account import Account
from steward.controls import CONTROLS, named
from steward.errors import BadPolicy
from steward.evaluate import COMMON_CODES, observe
from steward.ledger import new_id
from steward.model import Control, Deadline, Mode, Ref, Trigger
from steward.policy import schema
from steward.reconcile import reconcile, vanished
from steward.run import Outcome
from steward.runtime import sheltered


def explain(options: Options, subject: str) -> ExitCode:
    """Explain a control by its id, else a resource by its own. Raises BadPolicy."""
    if not subject.strip():  # to some lists no name is every name
        raise BadPolicy(f"explain: is {subject!r}, allowed: a control's id, or a resource's")
    control = named(subject)
    if control is not None:
        return _explain_control(options, control)
    return _explain_resource(options, subject)


def _explain_control(options: Options, control: Control[Any, Any]) -> ExitCode:
    in_force = policy_in_force(options)(control).document
    fields = [
        (name, json.dumps(in_force[name]), allowed(part), part.get("description", ""))
        for name, part in schema(control.id)["properties"].items()
    ]
    if options.json:
        names = ("field", "value", "allowed", "description")
        told = [dict(zip(names, field, strict=True)) for field in fields]
        emit(
            [
                {
                    "control": control.id,
                    "title": control.title,
                    "mode": in_force["mode"],
                    "fields": told,
                    "codes": {**control.codes, **COMMON_CODES},
                    "monthly_cost": control.monthly_cost,
                    "reads": sorted(control.reads),
                    "writes": sorted(control.writes),
                }
            ]
        )
        return ExitCode.CLEAN
    show = console().print
    show(f"[bold]{control.id}[/bold]: {control.title}")
    show(f"Mode:     {_MODES[Mode(in_force['mode'])]}", markup=False)
    show(f"Looks at: {', '.join(control.kinds)}", markup=False)
    show(f"Reads:    {', '.join(sorted(control.reads))}", markup=False)
    show(f"Writes:   {', '.join(sorted(control.writes)) or 'nothing'}", markup=False)
    show(f"Cost:     {control.monthly_cost}\n", markup=False)
    table("Policy", ("field", "in force", "allowed", "meaning"), fields)
    table("Reason codes", ("code", "meaning"), {**control.codes, **COMMON_CODES}.items())
    return ExitCode.CLEAN


_MODES = {
    Mode.OFF: "off: nothing is looked at, and nothing is called",
    Mode.AUDIT: "audit: what would be called is told, and not sent",
    Mode.ENFORCE: "enforce: what is wrong is put right",
}


def allowed(part: Mapping[str, Any]) -> str:
    """What a part of a schema allows: its values, else its types."""
    if "enum" in part:
        return " ".join(json.dumps(value) for value in part["enum"])
    kinds = part.get("type", "")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _explain_resource(options: Options, resource_id: str) -> ExitCode:
    """Read the resource now and judge it under every control that is on; nothing is written."""
    account = connect(options)
    off = [one.id for one in CONTROLS if account.policy(one).policy.mode is Mode.OFF]
    on = [control for control in CONTROLS if control.id not in off]
    found = [one for control in on for one in _looked(account, control, resource_id)]
    if not found:
        known = ", ".join(control.id for control in CONTROLS)
        besides = f"; off, and not asked: {', '.join(off)}" if off else ""
        told = f"{resource_id!r} is no control ({known}) and no resource of one"
        raise BadPolicy(f"explain: {told}{besides}")
    summary = Summary()
    for _, outcome in found:
        summary.add_outcome(outcome)
    if options.json:
        emit([*(outcome_line(o) for _, o in found), summary.line(account.aws.calls)])
        return summary.exit_code
    for state, outcome in found:
        _show(account, state, outcome)
    if off:
        console().print(f"Off, and not asked: {', '.join(off)}", markup=False)
    return summary.exit_code


def _looked(
    account: Account, control: Control[Any, Any], resource_id: str
) -> Iterator[tuple[Any, Outcome]]:
    run = account.run(
        control,
        Trigger.DIRECT,
        new_id(control.id, account.clock.now()),
        deadline=Deadline(account.clock),
        shelter=sheltered(account.telemetry),
        plan_only=True,
    )
    refs = [Ref(kind, resource_id) for kind in control.kinds]
    states = observe(run, refs)
    items = run.ledger.items(control.id, refs)
    yield from zip(states, reconcile(run, states, items).outcomes, strict=True)
    lost = [ref for ref in items if ref not in {state.ref for state in states}]
    yield from ((None, outcome) for outcome in vanished(run, lost, items).outcomes)


def _would(account: Account, outcome: Outcome) -> str:
    """Under which condition the calls of a finding are sent."""
    [control] = [one for one in CONTROLS if one.id == outcome.control]
    if account.policy(control).policy.mode is Mode.AUDIT:
        return "would call, were it in mode enforce"
    return "would call, once the stop switch is gone" if account.stopped() else "would call"


def as_lines(state: Any) -> str:
    """A state as people read it: each of its fields on a line, in JSON."""
    told = plain(state)
    return "\n".join(
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in told.items()
    )


def plain(value: Any) -> Any:
    """A part of a state in terms of JSON; what has no order of its own is sorted."""
    if dataclasses.is_dataclass(value):
        told = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in told}
    if isinstance(value, Mapping):
        return {_name(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, Set):
        return sorted(map(plain, value), key=json.dumps)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _name(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(plain(key))


def _show(account: Account, state: Any, outcome: Outcome) -> None:
    line, calls = outcome_line(outcome), outcome.finding.remediation
    item = account.ledger.items(outcome.control, [outcome.finding.ref]).get(outcome.finding.ref)
    rows = [
        ("control", outcome.control),
        ("verdict", f"{line['verdict']} ({line['code']})"),
        ("reason", line["reason"]),
        ("state", "" if state is None else as_lines(state)),
        (_would(account, outcome), "\n".join(map(json.dumps, line["calls"])) or "nothing"),
        ("undo", "\n".join(map(json.dumps, line["undo"])) or "nothing"),
        *(("lost for good", call.irreversible) for call in calls if call.irreversible),
        ("known since", "not in the ledger" if item is None else item.first_seen),
    ]
    table(f"{outcome.finding.ref.kind} {outcome.finding.ref.id}", ("", ""), rows)
    past = [c for c in account.ledger.changes(outcome.control) if c.ref == outcome.finding.ref]
    if past:
        columns = ("at", "status", "code", "change")
        table("Changes", columns, ([change_line(c)[name] for name in columns] for c in past[:10]))
