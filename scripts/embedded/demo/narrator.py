"""Tells what happens in the account: each event, what was decided on it, and what was changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.text import Text

from embedded.account import EmbeddedAccount
from embedded.course import Ran, Routed
from embedded.demo import swept
from embedded.demo.screen import Screen
from embedded.demo.words import STYLES, changed, counted, decided
from embedded.hosting import Invoked
from steward.controls import named as registered
from steward.events import CLOUDTRAIL, COMPLIANCE_CHANGE, function, log_group, violation
from steward.ledger import Item, Ledger
from steward.model import Fate, Ref, Verdict

_NAMED = ("logGroupName", "functionName", "resourceArn", "name", "policyName")
"""What a call is about, in its request parameters."""


_TOLD_TWICE = "ssm.amazonaws.com"
"""Whose calls CloudTrail tells of, and Parameter Store itself in an event of its own."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What an inbox's messages name."""

    others: dict[Ref, None] = field(default_factory=dict)
    ours: dict[Ref, None] = field(default_factory=dict)
    """Named by events of our own calls."""
    unreadable: int = 0


class Narrator:
    """Watches an account's journal, and what its functions log."""

    def __init__(self, here: EmbeddedAccount, ledger: Ledger, screen: Screen) -> None:
        self.quiet = False
        """Nothing is told for now."""
        self.tells_config = False
        """What AWS Config tells is told, and what is decided on it."""
        self._here = here
        self._ledger = ledger
        self._screen = screen
        self._told = 0
        self._once: set[str] = set()
        self._standing: dict[str, int] = {}
        self._seen: set[str] = set()

    def new_scene(self) -> None:
        """What was told once may be told again."""
        self._once.clear()

    def entry(self, entry: Routed | Ran) -> None:
        """Tell an entry of the journal, and before it what led there."""
        new = self._new_invocations()
        self._inboxes(new)
        if self.quiet:
            return
        if isinstance(entry, Routed):
            self._event(entry)
        else:
            steps = [one for one in new if "sweep" in one.event]
            swept.tell(self._screen, self._ledger, entry, steps, self._standing)

    def catch_up(self) -> None:
        """Tell what functions did since the last entry."""
        self._inboxes(self._new_invocations())

    def _new_invocations(self) -> Sequence[Invoked]:
        new = self._here.host.invocations[self._told :]
        self._told += len(new)
        return new

    def _event(self, routed: Routed) -> None:
        event, now = routed.event, self._here.clock.now()
        detail = event["detail"]
        if event["detail-type"] == COMPLIANCE_CHANGE:
            if self.tells_config:
                self._screen.line(now, _compliance(detail, routed.rules))
        elif event["detail-type"] != CLOUDTRAIL:
            if not routed.rules:
                return
            self._screen.line(now, f"{_native(detail)}: {_matched(routed.rules)}", "dim", depth=1)
        elif not detail.get("readOnly") and not self._is_ours(detail):
            again = "  (delivered again)" if event["id"] in self._seen else ""
            self._seen.add(event["id"])
            self._screen.line(now, _call(detail, routed.rules).append(again, style="dim"))

    def _is_ours(self, detail: Mapping[str, Any]) -> bool:
        return _who(detail).startswith(f"{self._here.stack}-")

    def _inboxes(self, invocations: Sequence[Invoked]) -> None:
        for one in invocations:
            records = one.event.get("Records", ())
            of_events = records and "body" in records[0]  # of a queue, not of a stream
            if of_events and registered(control_of(one)) and not self.quiet:
                self._inbox(one)

    def _inbox(self, one: Invoked) -> None:
        batch = self._named(one.event["Records"])
        items = self._ledger.items(control_of(one), [*batch.others, *batch.ours])
        lines = {line["resource"]: line for line in one.lines if "resource" in line}
        if batch.unreadable:
            self._tell_once(one.ended, "a message that is no event is given back", "red")
        stopped = [line for line in one.lines if "error" in line]
        for line in stopped:
            told = f"{line['message']}: {line['error']}; its events are given back"
            self._tell_once(one.ended, told, "red")
        for ref in batch.others if not stopped else ():
            self._decision(one.ended, ref, lines.get(ref.id), items.get(ref))
        if batch.ours and not stopped:
            self._loop(one.ended, [items[ref] for ref in batch.ours if ref in items])

    def _decision(
        self, moment: datetime, ref: Ref, line: Mapping[str, Any] | None, item: Item | None
    ) -> None:
        """What was decided on a resource: as logged where something is wrong, else the ledger."""
        if line is not None:
            told = decided(ref.id, line["verdict"], line["code"], line["reason"])
            fate = "" if line["change"] else f"; {line['message']}"
            self._screen.line(moment, told.append(fate), depth=1)
            self._change(moment, line)
        elif item is not None:
            told = decided(ref.id, item.verdict, item.code, item.reason)
            self._screen.line(moment, told.append("; nothing to do"), depth=1)

    def _change(self, moment: datetime, line: Mapping[str, Any]) -> None:
        change = self._ledger.change(line["change"]) if line["change"] else None
        style = "bold green" if line["message"] == Fate.REMEDIATED else "bold red"
        for text in changed(change) if change else ():
            self._screen.line(moment, f"{line['message']}: {text}", style, depth=2)

    def _loop(self, moment: datetime, items: Sequence[Item]) -> None:
        """Our own calls come back as events: told in full once, then where they are many."""
        if len(items) == 1 and items[0].verdict is Verdict.COMPLIANT:
            [item] = items
            told = f"our own change of {item.ref.id} comes back as an event: {item.verdict}"
            if "loop" not in self._standing:
                self._standing["loop"] = 1
                told = f"{told}, nothing to do, no loop (from here on this is not shown)"
                self._screen.line(moment, told, "dim", depth=1)
        elif len(items) == 1:
            [item] = items
            self._decision(moment, item.ref, None, item)
        elif items:
            counts = Counter(item.verdict.value for item in items)
            told = f"our own {len(items)} changes come back as events: {counted(counts)}"
            self._screen.line(moment, f"{told}; nothing to do", "dim", depth=1)

    def _named(self, records: Sequence[Mapping[str, Any]]) -> _Batch:
        batch, unreadable = _Batch(), 0
        for record in records:
            detail = _detail(record["body"])
            unreadable += detail is None
            if detail is not None and "newEvaluationResult" in detail:
                batch.others.update(dict.fromkeys(violation(detail)) if self.tells_config else {})
                continue
            for ref in (*log_group(detail), *function(detail)) if detail is not None else ():
                (batch.ours if self._is_ours(detail or {}) else batch.others)[ref] = None
        for ref in [ref for ref in batch.ours if ref in batch.others]:
            del batch.ours[ref]
        return _Batch(batch.others, batch.ours, unreadable)

    def _tell_once(self, moment: datetime, text: str, style: str) -> None:
        if text not in self._once:
            self._once.add(text)
            self._screen.line(moment, text, style, depth=1)


def control_of(one: Invoked) -> str:
    """The control that a function with an inbox of events runs: it has its function's name."""
    return one.function.partition("-")[2]


def _detail(body: str) -> Mapping[str, Any] | None:
    """The detail of a message's event; None for what is no event."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    detail = event.get("detail") if isinstance(event, Mapping) else None
    return detail if isinstance(detail, Mapping) else None


def _who(detail: Mapping[str, Any]) -> str:
    identity = detail["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
    return str(identity.get("userName") or issuer.get("userName", ""))


def _call(detail: Mapping[str, Any], rules: Sequence[str]) -> Text:
    """A call as a line: who, what, and which resource."""
    params = detail.get("requestParameters") or {}
    about = next((str(params[key]) for key in _NAMED if key in params), "")
    told = Text.assemble(
        (f"{_who(detail)} ", "cyan"),
        (f"{detail['eventName']} ", "bold"),
        about.rpartition("log-group:")[2],
    )
    error = detail.get("errorCode", "")
    if error:
        told.append(f"  {error}", style=STYLES["UNKNOWN"])
    if error or not (rules or detail["eventSource"] == _TOLD_TWICE):
        told.append(f"  ({_matched(rules)})", style="dim")
    return told


def _native(detail: Mapping[str, Any]) -> str:
    """What a service tells itself: of a stack its name and status, of a parameter what was done."""
    if "stack-id" in detail:
        return f"stack {detail['stack-id'].split('/')[1]} is {detail['status-details']['status']}"
    return f"{detail['operation']} of {detail['name']}"


def _compliance(detail: Mapping[str, Any], rules: Sequence[str]) -> Text:
    """What AWS Config tells of a resource as a line."""
    new = detail["newEvaluationResult"]
    compliance, why = str(new["complianceType"]), new.get("annotation", "")
    told = Text.assemble(
        ("AWS Config ", "cyan"),
        f"{detail['configRuleName']}: {detail['resourceId']} is ",
        (compliance, STYLES.get(compliance, "")),
        f" {why}",
    )
    return told.append(f"  ({_matched(rules)})", style="dim") if rules else told


def _matched(rules: Sequence[str]) -> str:
    return f"matched by {', '.join(rules)}" if rules else "no rule matches"
