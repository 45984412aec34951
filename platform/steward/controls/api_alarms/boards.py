"""A dashboard for each API, where the policy asks for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from steward.controls.api_alarms import names
from steward.controls.api_alarms.alarms import dimensions, wanted
from steward.controls.api_alarms.layout import Shown, body
from steward.controls.api_alarms.state import DASHBOARD, Policy, Watched
from steward.model import Call, Finding, Ref, Verdict

SETTLES = timedelta(minutes=10)
"""So long after we planned it, a dashboard may have been put; what is later was not us."""


@dataclass(frozen=True, slots=True)
class Board:
    """An API's dashboard as it is, and what it is to show."""

    name: str
    account: str
    region: str
    partition: str
    stages: tuple[Watched, ...] = field(default=(), metadata={"kept": False})
    """The API's; none where there is no such API."""
    shown: str = ""
    """The digest of its body; '' where there is none."""
    body: str = field(default="", metadata={"kept": False})
    """What an undo puts back; not read where the dashboard is as the ledger remembers it."""
    ours: bool = True
    since: str = ""
    """By when it was as it is now, ISO 8601."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        return Ref(DASHBOARD, self.name)

    @property
    def exists(self) -> bool:
        return bool(self.stages)

    def remembered(self) -> str:
        """What the ledger is to remember, now or after the change that is foretold."""
        return f"{self.shown} {self.since}" if self.shown else ""


def digest(text: str) -> str:
    """Equal for bodies that say the same."""
    try:
        told = json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        told = text
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def is_as_remembered(memory: str, wanted_digest: str, modified: datetime) -> bool:
    """Whether a dashboard need not be read: nobody has touched it since it was as it should be."""
    shown, _, since = memory.partition(" ")
    return shown == wanted_digest and modified <= datetime.fromisoformat(since) + SETTLES


def is_ours(name: str, text: str) -> bool:
    """Whether a dashboard's body has our mark, for this name."""
    try:
        widgets = json.loads(text)["widgets"]
        notes = [str(one["properties"].get("markdown", "")) for one in widgets]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return any(names.owner(name, note) == Ref(DASHBOARD, name) for note in notes)


def wanted_body(board: Board, policy: Policy) -> str:
    """What the dashboard should be; '' where there should be none."""
    if not policy.dashboard or not board.stages:
        return ""
    stages = sorted(board.stages, key=lambda one: one.ref)
    api = stages[0].stage.api
    shown = [Shown(one.stage.name, one.protocol, dimensions(one, None)) for one in stages]
    alarms = [name for one in stages for name in _alarms(one, policy)]
    place = f"arn:{board.partition}:cloudwatch:{board.region}:{board.account}:alarm:"
    told = body(
        f"{api.protocol} API {api.name or api.id}",
        names.mark(board.ref, board.name),
        board.region,
        shown,
        [f"{place}{name}" for name in alarms],
    )
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def _alarms(state: Watched, policy: Policy) -> Iterator[str]:
    """The names of a stage's alarms, those of the whole stage first."""
    yield from sorted(wanted(state, policy), key=lambda name: (name.count("/"), name))


def judge(board: Board, policy: Policy) -> Finding:
    """Judge a dashboard."""
    text = wanted_body(board, policy)
    if board.shown and not board.ours:
        if text:
            return _finding(board, Verdict.NON_COMPLIANT, "NAME_TAKEN", "it is not ours")
        return _finding(board, Verdict.NOT_APPLICABLE, "NOT_OURS", "it is not ours")
    if not text and not board.shown:
        return _finding(board, Verdict.NOT_APPLICABLE, "IN_PLACE", "not needed")
    if not text:
        reason = "it has no stage to show" if policy.dashboard else "dashboard is false"
        call = _delete(board, _put(board, board.body))
        return _finding(board, Verdict.NON_COMPLIANT, "LEFT_OVER", reason, call)
    if digest(text) == board.shown:
        return _finding(board, Verdict.COMPLIANT, "IN_PLACE", "as it should be")
    undo = _put(board, board.body) if board.shown else _delete(board)
    reason = "otherwise" if board.shown else "missing"
    put = _put(board, text, undo)
    return _finding(board, Verdict.NON_COMPLIANT, "NOT_IN_PLACE", reason, put)


def _put(board: Board, text: str, undo: Call | None = None) -> Call:
    params = {"DashboardName": board.name, "DashboardBody": text}
    return Call("cloudwatch", "PutDashboard", params, undo, {"shown": digest(text)})


def _delete(board: Board, undo: Call | None = None) -> Call:
    params: Mapping[str, Any] = {"DashboardNames": [board.name]}
    return Call("cloudwatch", "DeleteDashboards", params, undo, {"shown": ""})


def _finding(board: Board, verdict: Verdict, code: str, reason: str, *calls: Call) -> Finding:
    return Finding(board.ref, verdict, code, reason, calls, board.remembered())
