"""steward changes, undo: what the ledger remembers, and how it is taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any

from console.codes import ExitCode
from console.lines import Summary, change_line, emit, outcome_line
from console.options import Options
from console.session import connect, selected
from console.views import console, table
from steward.account import Account, function_name
from steward.controls import named
from steward.errors import BadPolicy, Invalid, Refused
from steward.ledger import Change, control_of, new_id, stamp
from steward.model import Control, Deadline, Exemption, Trigger
from steward.policy import LONGEST_OWNER, unfit
from steward.runtime import sheltered
from steward.undo import undo as take_back


@dataclass(frozen=True, slots=True)
class Filters:
    """What ``steward changes`` is asked for."""

    control: str | None = None
    resource: str | None = None
    status: str | None = None
    since: str | None = None
    limit: int = 50

    def pick(self, change: Change) -> bool:
        if self.status and change.status != self.status.upper():
            return False
        return not self.resource or fnmatchcase(change.ref.id, self.resource)


def changes(options: Options, filters: Filters) -> ExitCode:
    """Print the changes that the filters pick, newest first; older ones are not read."""
    controls = selected([filters.control] if filters.control else [])
    since = _moment(filters.since) if filters.since else ""
    account = connect(options)
    each = [account.ledger.changes(control.id, since) for control in controls]
    picked = filter(filters.pick, merge(*each, key=_age, reverse=True))
    shown = list(islice(picked, filters.limit))
    if options.json:
        emit(map(change_line, shown))
        return ExitCode.CLEAN
    columns = ("change", "status", "resource", "code", "before", "call")
    table("Changes", columns, map(_change_row, shown))
    if next(picked, None) is not None:
        console().print("... and more; --limit shows more")
    return ExitCode.CLEAN


def _age(change: Change) -> str:
    """What ids of all controls sort by: the moment."""
    return change.id.removeprefix(change.control)


def undo(options: Options, change_id: str, owner: str | None, days: int) -> ExitCode:
    """Take a change back, here or, with a stack, by the control's function."""
    control = named(control_of(change_id))
    if control is None:
        raise Invalid(f"change: is {change_id!r}, allowed: an id that 'steward changes' shows")
    given = None if owner is None else _owner(control, owner)
    account = connect(options)
    who = _caller(account) if given is None else given
    if options.stack and options.enforce:
        asked = {"change": change_id, "owner": who, "days": days}
        return _undo_by_function(options, account, control, asked)
    run = account.run(
        control,
        Trigger.DIRECT,
        new_id(control.id, account.clock.now()),
        deadline=Deadline(account.clock),
        shelter=sheltered(account.telemetry),
    )
    outcome = take_back(run, change_id, who, timedelta(days=days))
    summary = Summary()
    summary.add_outcome(outcome)
    if options.json:
        emit([outcome_line(outcome), summary.line(account.aws.calls)])
    else:
        _show_undo(outcome.fate.value, change_id, outcome_line(outcome)["calls"], outcome.note)
        for call in outcome.finding.remediation:
            if call.irreversible:
                console().print(f"  Note: {call.irreversible}", markup=False)
    planned = outcome.fate == "planned"
    return ExitCode.CLEAN if planned and summary.complete else summary.exit_code


def _undo_by_function(
    options: Options, account: Account, control: Control[Any, Any], asked: Mapping[str, Any]
) -> ExitCode:
    """Ask the deployed function, whose role may write what the operator's may not."""
    payload = json.dumps({"undo": asked}).encode()
    name = function_name(str(options.stack), control)
    answer = account.aws.ask("lambda", "Invoke", FunctionName=name, Payload=payload)
    told = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise Refused(f"{name}: {told.get('errorMessage', told)}")
    if options.json:
        emit([told])
    else:
        _show_undo(str(told["fate"]), asked["change"], [], str(told["reason"]))
    return ExitCode.CLEAN if told["fate"] == "remediated" else ExitCode.INCOMPLETE


def _show_undo(fate: str, change_id: str, calls: Sequence[Mapping[str, Any]], note: str) -> None:
    done = {"remediated": "undone", "planned": "would be undone by"}.get(fate, fate)
    show = partial(console().print, markup=False, emoji=False, soft_wrap=True)
    show(f"{change_id}: {done}")
    for call in calls:
        show(f"  {call['service']} {call['operation']} {json.dumps(call['params'])}")
    if fate == "planned":
        show("Nothing was written. --enforce sends the calls.")
    elif note:
        show(f"  {note}")


def _change_row(change: Change) -> Sequence[str]:
    call = change.calls[0]
    before = {name: change.before.get(name) for name in call.effect}
    params = " ".join(f"{name}={value}" for name, value in call.params.items())
    return (
        change.id,
        change.status.value,
        change.ref.id,
        change.code,
        " ".join(f"{name}={value}" for name, value in before.items()),
        f"{call.operation} {params}",
    )


def _moment(text: str) -> str:
    """A day or a time as the ledger writes it. Raises BadPolicy."""
    try:
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # an end of time in another time zone
        raise BadPolicy(f"--since: is {text!r}, allowed: 2026-11-21 or 2026-11-21T10:00") from None


def _owner(control: Control[Any, Any], owner: str) -> str:
    """Who answers, as the control's policy may name somebody. Raises BadPolicy."""
    exemption = Exemption("*", "undo", owner.strip(), date.max)
    for problem in unfit(control.id, exemption):
        raise BadPolicy(f"--{problem}")
    return exemption.owner


def _caller(account: Account) -> str:
    """The end of the caller's ARN, which names the user or the session."""
    return account.aws.identity.arn.rpartition(":")[2][-LONGEST_OWNER:] or "console"
