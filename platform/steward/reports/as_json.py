"""A report as one JSON document, by report.schema.json: the same bytes for the same report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Any

from steward.ledger import Change
from steward.model import Call, Exemption, Ref
from steward.reports.dataset import ControlLine, Entry, ExemptionLine, Report
from steward.reports.gaps import gap_of
from steward.reports.scoring import score_of

SCHEMA_VERSION = 1
"""Rises with every change that a reader of the version before would not understand."""


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of the document."""
    file = resources.files("steward.reports") / "report.schema.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def render(report: Report) -> str:
    return json.dumps(document(report), indent=2, sort_keys=True, default=str) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain values; an absent time, owner or error is None."""
    return {
        "schema_version": SCHEMA_VERSION,
        "account": report.account,
        "region": report.region,
        "partition": report.partition,
        "stack": report.stack or None,
        "steward_version": report.version,
        "generated_at": report.generated_at,
        "window_days": report.window_days,
        "complete": report.complete,
        "compliance_score": _score(report),
        "controls": [_control(line) for line in report.controls],
        "findings": [_finding(entry) for entry in report.entries],
        "changes": [_change(change) for change in report.changes],
        "exemptions": [_exemption_line(line) for line in report.exemptions],
        "trend": [asdict(point) for point in report.trend],
        "figures": [asdict(figure) for figure in report.figures],
        "notes": list(report.notes),
        "heartbeat_hours": report.heartbeat_hours,
        "records_since": report.records_since or None,
        "owner_keys": list(report.owner_keys),
    }


def _score(report: Report) -> dict[str, Any]:
    score = score_of(report.controls)
    return {**asdict(score), "percent": score.percent}


def _control(line: ControlLine) -> dict[str, Any]:
    gap = gap_of(line)
    return {
        "id": line.id,
        "title": line.title,
        "severity": line.severity.value,
        "mode": line.mode.value,
        "counts": {standing.value: count for standing, count in line.counts.items()},
        "compliant": line.compliant,
        "in_order": line.in_order,
        "swept_at": line.swept_at or None,
        "last_sweep": line.last_sweep or None,
        "last_sweep_error": line.last_sweep_error or None,
        "stale": line.stale,
        "state": "fresh" if gap is None else gap.state,
        "not_applicable": line.not_applicable,
        "watched_since": line.watched_since or None,
        "policy_hash": line.policy_hash or None,
    }


def _finding(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "control": entry.control,
        "resource": _ref(entry.ref),
        "standing": entry.standing.value,
        "verdict": entry.verdict.value,
        "code": entry.code,
        "reason": entry.reason,
        "severity": entry.severity.value,
        "fate": entry.fate.value,
        "first_seen": entry.first_seen or None,
        "last_seen": entry.last_seen or None,
        "closed_at": entry.closed_at or None,
        "owner": entry.owner or None,
        "attempts": entry.attempts,
        "next_attempt": entry.next_attempt or None,
        "exemption": None if entry.exemption is None else _exemption(entry.exemption),
        "last_change": None if entry.last_change is None else entry.last_change.id,
        "wrong": entry.wrong,
        "owner_of": entry.owner_of or None,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "control": change.control,
        "resource": _ref(change.ref),
        "status": change.status.value,
        "at": change.at,
        "settled_at": change.settled_at or None,
        "trigger": change.trigger.value,
        "code": change.code,
        "reason": change.reason,
        "before": dict(change.before),
        "calls": _calls(change.calls),
        "sent": change.sent,
        "error": change.error or None,
        "undoes": change.undoes or None,
    }


def _calls(calls: Iterable[Call]) -> list[dict[str, Any]]:
    names = ("service", "operation", "params", "irreversible")
    return [{name: getattr(call, name) for name in names} for call in calls]


def _exemption_line(line: ExemptionLine) -> dict[str, Any]:
    return {
        "control": line.control,
        **_exemption(line.exemption),
        "source": line.source,
        "covers": line.covers,
        "remarks": list(line.remarks),
    }


def _exemption(exemption: Exemption) -> dict[str, Any]:
    return {**asdict(exemption), "expires": exemption.expires.isoformat()}


def _ref(ref: Ref) -> dict[str, str]:
    return {"kind": ref.kind, "id": ref.id}
