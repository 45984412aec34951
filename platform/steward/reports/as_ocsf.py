"""A report as OCSF Compliance Findings, class 2003 of schema 1.3.0: an event on each line.

A control that is off, or was not swept completely and lately, is an event, too: a check without a
result.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from steward.model import Ref, Severity
from steward.reports.dataset import Entry, Report, Standing, entry_id
from steward.reports.gaps import Gap, gaps
from steward.reports.wording import exempt

VERSION = "1.3.0"
CLASS, CATEGORY = 2003, 2
AWS_ACCOUNT = 10
"""The ``type_id`` of an account."""

CREATE, UPDATE, CLOSE = 1, 2, 3
_ACTIVITIES = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}

_STATUS = {
    Standing.OPEN: (1, "New"),
    Standing.UNKNOWN: (1, "New"),
    Standing.EXEMPT: (3, "Suppressed"),
    Standing.RESOLVED: (4, "Resolved"),
    Standing.OUT_OF_SCOPE: (99, "Out of scope"),
    Standing.GONE: (4, "Resolved"),
}
_COMPLIANCE = {
    Standing.OPEN: (3, "Fail"),
    Standing.UNKNOWN: (2, "Warning"),  # no result, for want of information
    Standing.EXEMPT: (3, "Fail"),
    Standing.RESOLVED: (1, "Pass"),
    Standing.OUT_OF_SCOPE: (99, "Not applicable"),
    Standing.GONE: (99, "Gone"),
}
_SEVERITIES = {Severity.LOW: (2, "Low"), Severity.MEDIUM: (3, "Medium"), Severity.HIGH: (4, "High")}
_INFORMATIONAL = (1, "Informational")


def render(report: Report) -> str:
    titles = {line.id: line.title for line in report.controls}
    events = [_finding(report, entry, titles.get(entry.control, "")) for entry in report.entries]
    events += [_gap(report, gap) for gap in gaps(report)]
    return "".join(json.dumps(event, sort_keys=True) + "\n" for event in events)


def _finding(report: Report, entry: Entry, title: str) -> dict[str, Any]:
    status_id, status = _STATUS[entry.standing]
    check_id, check = _COMPLIANCE[entry.standing]
    event = {
        **_event(report, _activity(entry), _SEVERITIES[entry.severity]),
        "status_id": status_id,
        "status": status,
        "status_code": entry.standing.value,
        "status_detail": _detail(entry),
        "message": entry.reason,
        "compliance": _compliance(entry.control, check_id, check, entry.code),
        "finding_info": _info(entry, f"{title}: {entry.ref.id}"),
        "resources": [_resource(report, entry)],
        "unmapped": {"fate": entry.fate.value, "attempts": entry.attempts},
    }
    if entry.next_attempt:
        event["remediation"] = {"desc": entry.next_attempt}
    return event


def _gap(report: Report, gap: Gap) -> dict[str, Any]:
    """On the control itself, whose resource is the account."""
    control = gap.line.id
    uid = entry_id(report.account, report.region, control, Ref("AWS::::Account", report.account))
    info = {"uid": uid, "title": f"{gap.line.title}: {gap.state}", "desc": gap.sentence}
    seen = {"last_seen_time": _epoch(gap.line.swept_at)} if gap.line.swept_at else {}
    return {
        **_event(report, UPDATE, _INFORMATIONAL),
        "status_id": 1,
        "status": "New",
        "status_code": gap.state,
        "status_detail": gap.sentence,
        "message": gap.sentence,
        "compliance": _compliance(control, 2, "Warning", gap.state),
        "finding_info": {**info, **seen},
        "resources": [{"uid": report.account, "type": "AWS::::Account", **_place(report)}],
    }


def _event(report: Report, activity: int, severity: tuple[int, str]) -> dict[str, Any]:
    """What every event has."""
    product = {"name": "Steward", "vendor_name": "Steward", "version": report.version}
    account = {"uid": report.account, "type_id": AWS_ACCOUNT, "type": "AWS Account"}
    return {
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {_ACTIVITIES[activity]}",
        "severity_id": severity[0],
        "severity": severity[1],
        "time": _epoch(report.generated_at),
        "metadata": {"version": VERSION, "product": product, "profiles": ["cloud"]},
        "cloud": {"provider": "AWS", "region": report.region, "account": account},
    }


def _activity(entry: Entry) -> int:
    """Created when it was seen for the first time, updated as long as it is there."""
    if entry.closed_at:
        return CLOSE
    return CREATE if entry.first_seen >= entry.last_seen else UPDATE


def _detail(entry: Entry) -> str:
    if entry.exemption is not None:
        return exempt(entry.exemption)
    if entry.standing is Standing.GONE:
        return "the resource vanished while it was out of order"
    return entry.reason


def _compliance(control: str, status_id: int, status: str, code: str) -> dict[str, Any]:
    told = {"control": control, "standards": ["Steward"], "status_code": code}
    return {**told, "status_id": status_id, "status": status}


def _info(entry: Entry, title: str) -> dict[str, Any]:
    times = {
        "created_time": entry.first_seen,
        "first_seen_time": entry.first_seen,
        "last_seen_time": entry.last_seen,
        "modified_time": entry.closed_at or entry.last_seen,
    }
    told = {name: _epoch(text) for name, text in times.items() if text}
    return {"uid": entry.id, "title": title, "desc": entry.reason, **told}


def _resource(report: Report, entry: Entry) -> dict[str, Any]:
    owner = {"owner": {"name": entry.owner}} if entry.owner else {}
    return {"uid": entry.ref.id, "type": entry.ref.kind, **_place(report), **owner}


def _place(report: Report) -> dict[str, str]:
    return {"region": report.region, "cloud_partition": report.partition}


def _epoch(told: str) -> int:
    """Milliseconds since 1970, as OCSF's ``timestamp_t`` demands."""
    return int(datetime.fromisoformat(told).timestamp()) * 1000
