"""steward replay: events from files, through the template's own rules, to the controls."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from console.codes import ExitCode
from console.lines import Summary, emit, outcome_line
from console.options import Options
from console.records import NotAnEvent, read
from console.routing import Event, Named, Route, route, routes
from console.session import connect
from console.views import ReplayView
from steward.account import Account
from steward.evaluate import unknown
from steward.events import Skip
from steward.ledger import new_id
from steward.look import look
from steward.model import Control, Deadline, Fate, Mode, Ref, Trigger
from steward.run import Outcome, Run
from steward.runtime import sheltered

BATCH = 50
"""Resources looked at together: what one request can ask for."""

NO_TIME = "there was no time for it: AWS was too busy"
"""Of resources that two looks in a row left untouched."""

Wanted = dict[str, dict[Ref, None]]
"""By control, what to look at, each once, in the order in which events named it."""


def replay(options: Options, files: Sequence[Path]) -> ExitCode:
    """Look at everything that the files' events name, each resource once."""
    account = connect(options, begin=True)
    summary, view = Summary(), ReplayView(plain=options.json)
    wanted: Wanted = {}

    def is_on(control: Control[Any, Any]) -> bool:
        on = account.policy(control).policy.mode is not Mode.OFF
        if not on:
            view.off(control)
        return on

    known = routes(is_on)
    controls = {control.id: control for one in known for control in one.automation.controls}
    for control, ref in _named(account, files, known, summary, view):
        wanted.setdefault(control.id, {})[ref] = None
    view.looking(sum(map(len, wanted.values())))
    for name, refs in wanted.items():
        for outcomes in _looked(account, controls[name], list(refs)):
            _keep(outcomes, summary, view)
    if options.json:
        emit([summary.line(account.aws.calls)])
    else:
        view.conclude(summary, account.aws, enforce=options.enforce)
    return summary.exit_code


def _keep(outcomes: Sequence[Outcome], summary: Summary, view: ReplayView) -> None:
    for outcome in outcomes:
        summary.add_outcome(outcome)
    view.looked(outcomes)
    if view.plain:
        emit(map(outcome_line, outcomes))


def _named(
    account: Account,
    files: Sequence[Path],
    known: Sequence[Route],
    summary: Summary,
    view: ReplayView,
) -> Iterator[tuple[Control[Any, Any], Ref]]:
    """What the events name; the others are told with their reason as they are met."""
    any_event = False
    for path in files:
        found_here = False
        for event in read(path):
            view.read()
            found_here = found_here or not isinstance(event, NotAnEvent)
            found = _routed(account, event, known)
            if not isinstance(found, Skip):
                yield from found
                continue
            summary.skipped[found.value] += 1
            if isinstance(event, NotAnEvent) and event.damaged:
                summary.complete = False
            view.skip(found.value, _shown(event))
            if view.plain:
                emit([{"skipped": found.value, "event": _told(event)}])
        if not found_here:
            print(f"steward: replay: no event was found in {path}", file=sys.stderr)
        any_event = any_event or found_here
    summary.complete = summary.complete and any_event  # else nobody was asked anything


def _routed(account: Account, event: Event | NotAnEvent, known: Sequence[Route]) -> Named | Skip:
    if isinstance(event, NotAnEvent):
        return Skip.NOT_AN_EVENT
    return route(event, known, account=account.aws.account, region=account.aws.region)


def _looked(
    account: Account, control: Control[Any, Any], refs: Sequence[Ref]
) -> Iterator[Sequence[Outcome]]:
    """What became of each, a batch at a time."""
    run = account.run(
        control,
        Trigger.EVENT,
        new_id(control.id, account.clock.now()),
        deadline=Deadline(account.clock),
        shelter=sheltered(account.telemetry),
    )
    for start in range(0, len(refs), BATCH):
        yield _twice(run, refs[start : start + BATCH])


def _twice(run: Run[Any, Any], refs: Sequence[Ref]) -> Sequence[Outcome]:
    """Look once more at what was left untouched; what still is has an outcome all the same."""
    first = look(run, refs)
    second = look(run, first.untouched)
    left = (
        Outcome(run.control.id, unknown(ref, "BUSY", NO_TIME), Fate.UNKNOWN, run.trigger)
        for ref in second.untouched
    )
    return [*first.outcomes, *second.outcomes, *left]


def _told(event: Event | NotAnEvent) -> Mapping[str, Any]:
    """Enough of an event to find it again."""
    if isinstance(event, NotAnEvent):
        return {"place": event.source, "reason": event.reason, "damaged": event.damaged}
    detail = event["detail"]
    return {
        "id": event.get("id") or detail.get("eventID"),
        "source": event.get("source"),
        "name": detail.get("eventName") or event.get("detail-type"),
        "time": event.get("time"),
        "account": event.get("account"),
        "region": event.get("region"),
        **({"error": detail["errorCode"]} if detail.get("errorCode") else {}),
    }


def _shown(event: Event | NotAnEvent) -> str:
    told = _told(event)
    if isinstance(event, NotAnEvent):
        return f"{event.source}: {event.reason}"
    parts = ("time", "account", "region", "source", "name", "error")
    return " ".join(str(told[part]) for part in parts if told.get(part))
