"""The function behind the dashboard's table, which reads the ledger and changes nothing.

CloudWatch invokes it, by the viewer's own rights, with one of

    {"describe": true}                             answered by Markdown: what it is and takes
    {"widgetContext": {...}, "rows": 20, ...}      answered by HTML: the table

What goes wrong that is no bug is told in the table's place, and logged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

from steward.account import Account, SystemClock, World, deployed
from steward.controls import CONTROLS
from steward.errors import StewardError
from steward.model import Deadline
from steward.reports import widget
from steward.reports.collect import Scope, collect
from steward.reports.dataset import Report
from steward.reports.owners import KEYS, Owned, owners
from steward.runtime import Event

Viewer: TypeAlias = Callable[[Event, Any], str]

LAST_SECONDS = 3
"""Kept of the function's time to say that it was too short."""

WINDOW_DAYS = 30
"""How far back the last change of a resource is looked for."""


def handler(environment: Mapping[str, str] = os.environ, world: World | None = None) -> Viewer:
    """The Lambda handler; what it works with is built at the first call."""

    @cache
    def account(function_arn: str) -> Account:
        ids = [control.id for control in CONTROLS]
        return deployed(function_arn, ids, environment, world or World(SystemClock()))

    def handle(event: Event, context: Any) -> str:
        if event.get("describe"):
            return widget.DESCRIPTION
        arn = str(context.invoked_function_arn)
        here = account(arn)
        here.forget()  # somebody looks because something was changed
        left = context.get_remaining_time_in_millis() / 1000
        here.aws.deadline = Deadline(here.clock, left - LAST_SECONDS)
        try:
            asked = widget.Asked.read(event)
            return widget.render(shown(here, environment, asked), asked, arn)
        except StewardError as error:
            here.telemetry.error("not shown", error=str(error))
            return widget.sentence(str(error))

    return handle


def shown(here: Account, environment: Mapping[str, str], asked: widget.Asked) -> Report:
    """The report, with the owners of the entries that are shown: of all, that would be a request
    for each hundred. Raises StewardError."""
    scope = Scope(
        account=here.aws.account,
        region=here.aws.region,
        partition=here.aws.partition,
        stack=environment["STEWARD_STACK"],
        controls=[one for one in CONTROLS if asked.control in ("", one.id)],
        window_days=WINDOW_DAYS,
        heartbeat_hours=int(environment.get("STEWARD_HEARTBEAT_HOURS", "26")),
    )
    report = collect(scope, here.ledger, here.policy, lambda _: Owned(), here.clock)
    keys = environment.get("STEWARD_OWNER_KEYS", ",".join(KEYS)).split(",")
    told = owners(here.aws, [entry.ref for entry in asked.shown(report)], keys)
    entries = (replace(one, owner=told.by_ref.get(one.ref, one.owner)) for one in report.entries)
    return replace(report, entries=tuple(entries), notes=(*report.notes, *told.notes))
