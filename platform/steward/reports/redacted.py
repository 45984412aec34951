"""A report without the secrets that somebody wrote into a tag, a description or a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from steward import redacting
from steward.ledger import Change
from steward.model import Exemption
from steward.reports.dataset import Entry, Report


def redacted(report: Report) -> Report:
    """The same report; what findings and changes are called by stays as it is: exemptions and
    links go by it, two resources could become one, and AWS tells names in every ARN."""
    text = cache(redacting.text)  # most reasons are those of many resources
    changes = {one.id: redacting.change(one) for one in report.changes}
    lines = (replace(one, last_sweep_error=text(one.last_sweep_error)) for one in report.controls)
    exemptions = (
        replace(one, exemption=_exemption(one.exemption, text)) for one in report.exemptions
    )
    return replace(
        report,
        controls=tuple(lines),
        entries=tuple(_entry(one, changes, text) for one in report.entries),
        changes=tuple(changes[one.id] for one in report.changes),
        exemptions=tuple(exemptions),
        notes=tuple(map(text, report.notes)),
    )


def _entry(entry: Entry, changes: dict[str, Change], text: Callable[[str], str]) -> Entry:
    change, exemption = entry.last_change, entry.exemption
    return replace(
        entry,
        reason=text(entry.reason),
        wrong=text(entry.wrong),
        next_attempt=text(entry.next_attempt),
        last_change=None if change is None else changes[change.id],
        exemption=None if exemption is None else _exemption(exemption, text),
    )


def _exemption(exemption: Exemption, text: Callable[[str], str]) -> Exemption:
    return replace(exemption, reason=text(exemption.reason))
