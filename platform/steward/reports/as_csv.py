"""A report's findings as CSV (RFC 4180), a row for each; the header is there without any, too.

A control that is off, or was not swept completely and lately, has a row that says so. Before a cell
that a spreadsheet would take for a formula stands an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from steward.reports.dataset import Entry, Report
from steward.reports.gaps import Gap, gaps

COLUMNS = (
    *("finding_id", "account", "region", "control", "resource_type", "resource_id", "standing"),
    *("verdict", "code", "severity", "owner", "reason", "fate", "first_seen", "last_seen"),
    *("closed_at", "attempts", "next_attempt", "exempt_until", "exempt_owner", "exempt_reason"),
    *("last_change", "last_change_status", "last_change_at", "generated_at", "wrong", "owner_of"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How formulas begin (OWASP, CSV Injection), also as full-width characters."""


def render(report: Report) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    everywhere = {
        "account": report.account,
        "region": report.region,
        "generated_at": report.generated_at,
    }
    for row in (*map(_finding, report.entries), *map(_gap, gaps(report))):
        cells = {**everywhere, **row}
        writer.writerow({name: guarded(cell) for name, cell in cells.items()})
    return text.getvalue()


def guarded(cell: str) -> str:
    """A cell that no spreadsheet evaluates, and UTF-8 can hold: not half a pair of surrogates."""
    cell = cell.encode("utf-8", "replace").decode("utf-8")
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _finding(entry: Entry) -> Mapping[str, str]:
    exemption, change = entry.exemption, entry.last_change
    row = {
        "finding_id": entry.id,
        "control": entry.control,
        "resource_type": entry.ref.kind,
        "resource_id": entry.ref.id,
        "standing": entry.standing.value,
        "verdict": entry.verdict.value,
        "code": entry.code,
        "severity": entry.severity.value,
        "owner": entry.owner,
        "reason": entry.reason,
        "fate": entry.fate.value,
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "closed_at": entry.closed_at,
        "attempts": str(entry.attempts),
        "next_attempt": entry.next_attempt,
        "wrong": entry.wrong,
        "owner_of": entry.owner_of,
    }
    if exemption is not None:
        row["exempt_until"] = exemption.expires.isoformat()
        row |= {"exempt_owner": exemption.owner, "exempt_reason": exemption.reason}
    if change is not None:
        row |= {"last_change": change.id, "last_change_status": change.status.value}
        row["last_change_at"] = change.at
    return row


def _gap(gap: Gap) -> Mapping[str, str]:
    return {
        "control": gap.line.id,
        "standing": gap.state,
        "severity": gap.line.severity.value,
        "reason": gap.sentence,
        "last_seen": gap.line.swept_at,
    }
