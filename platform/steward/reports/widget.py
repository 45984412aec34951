"""What is not in order now, as the HTML of a custom widget of a CloudWatch dashboard.

The console takes out scripts, so that there are none; a button calls the same function again, which
``cwdb-action`` says (CloudWatch user guide, "Custom widgets"). Everything told is escaped, and what
cannot be seen in it is spelled out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from steward.asked import an_object
from steward.controls import CONTROLS
from steward.errors import Invalid
from steward.ledger import Change, Status
from steward.reports.dataset import Entry, Report, Standing, gravest_first
from steward.reports.gaps import INCOMPLETE, NEVER, OFF, STALE, Gap, gaps
from steward.reports.scoring import score_of
from steward.reports.wording import age, clip, counted, visible

SHOWN = (Standing.OPEN, Standing.UNKNOWN, Standing.EXEMPT)
"""What the table is of, in this order."""

MOST_ROWS, ROWS = 100, 20
MOST_PAGES = 10_000

LONGEST, LONGEST_PARAGRAPH = 300, 2000
"""Characters of a cell, of which a reason has at most 256, and of what stands above the table."""

NOTES = 5
"""Notes on what the report could not find out, of which so many are told."""

DESCRIPTION = f"""\
## Not in order now

Resources that a control of Steward found out of order, could not read, or that are exempt, by the
ledger. It changes nothing.

Parameter | What | Allowed | Default
---|---|---|---
rows | rows on a page | 1 to {MOST_ROWS} | {ROWS}
page | which page | 1 to {MOST_PAGES} | 1
control | one control only | a control's id, or nothing | nothing

```yaml
rows: {ROWS}
control: log-retention
```
"""

HEADINGS = (
    *("Control", "Resource", "Owner", "Since", "Why", "What Steward did", "Next attempt"),
    "Exempt until",
)

_COLOURS: Mapping[str, Mapping[Standing, str]] = {
    "light": {Standing.OPEN: "#b0084d", Standing.UNKNOWN: "#6b4a00", Standing.EXEMPT: "#42526b"},
    "dark": {Standing.OPEN: "#ff9aa8", Standing.UNKNOWN: "#ffd166", Standing.EXEMPT: "#b6c2d4"},
}
"""Of the words for a standing, readable on each theme's ground (contrast above 4.5)."""

_WORDS = {
    Standing.OPEN: "not in order",
    Standing.UNKNOWN: "could not be read",
    Standing.EXEMPT: "exempt",
}

_GAPS = {
    NEVER: "Never swept completely, so that nothing is known of",
    STALE: "Not swept for longer than is allowed",
    INCOMPLETE: "May have missed something",
    OFF: "Off",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a viewer wants to see."""

    rows: int = ROWS
    page: int = 1
    control: str = ""
    theme: str = "light"

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Asked:
        """From the event of a widget. Raises Invalid for a parameter that is not allowed."""
        context = _object("widgetContext", event.get("widgetContext"))
        told = {**_object("widgetContext.params", context.get("params")), **event}
        control = told.get("control") or ""
        known = [one.id for one in CONTROLS]
        if control and control not in known:
            raise Invalid(f"control: is {control!r:.80}, allowed: {', '.join(known)}, or nothing")
        return cls(
            rows=_number("rows", told.get("rows", ROWS), MOST_ROWS),
            page=_number("page", told.get("page", 1), MOST_PAGES),
            control=control,
            theme="dark" if context.get("theme") == "dark" else "light",
        )

    def shown(self, report: Report) -> Sequence[Entry]:
        """The entries of the page."""
        start = (self.page - 1) * self.rows
        return self.all(report)[start : start + self.rows]

    def all(self, report: Report) -> Sequence[Entry]:
        """The entries of all pages: of each standing the gravest first, then the oldest."""
        found = gravest_first(one for one in report.entries if self.control in ("", one.control))
        return [one for standing in SHOWN for one in found if one.standing is standing]


def render(report: Report, asked: Asked, endpoint: str) -> str:
    """The page that was asked for; ``endpoint`` is the ARN of the function that shows others."""
    entries = asked.all(report)
    shown = asked.shown(report)
    parts = [_summary(report, asked, entries), *_warnings(report, asked)]
    if shown:
        parts.append(_table(shown, report.generated_at, asked.theme))
    elif not entries:
        parts.append(_paragraph(_nothing(report)))
    parts += _paging(asked, len(entries), len(shown), endpoint)
    return "\n".join(parts)


def sentence(text: str) -> str:
    """What went wrong, in the place of a table."""
    return _paragraph(f"The table could not be made: {text}")


def _summary(report: Report, asked: Asked, entries: Iterable[Entry]) -> str:
    score = score_of(one for one in report.controls if asked.control in ("", one.id))
    counts = Counter(one.standing for one in entries)
    told = ", ".join(f"{counts[one]} {_WORDS[one]}" for one in SHOWN)
    when = _time(report.generated_at)
    place = f"Account {report.account}, {report.region}, {when}."
    return _paragraph(f"{told}. Compliance score {score.told}: {score.basis}. {place}")


def _warnings(report: Report, asked: Asked) -> Iterator[str]:
    """What makes the table less than the truth: findings are as fresh as their sweeps."""
    found = [one for one in gaps(report) if asked.control in ("", one.line.id)]
    for state, what in _GAPS.items():
        if some := [_gap(one) for one in found if one.state == state]:
            yield _paragraph(f"{what}: {', '.join(some)}.")
    yield from (_paragraph(note) for note in report.notes[:NOTES])


def _gap(gap: Gap) -> str:
    since = f"since {_time(gap.line.swept_at)}" if gap.state == STALE else ""
    why = "" if gap.state == OFF else gap.line.last_sweep_error
    told = ": ".join(filter(None, (since, why)))
    return f"{gap.line.id} ({told})" if told else gap.line.id


def _nothing(report: Report) -> str:
    if report.complete:
        return "Everything that was looked at is in order."
    return "Nothing is known to be out of order; not everything could be looked at."


def _table(entries: Sequence[Entry], now: str, theme: str) -> str:
    head = "".join(f"<th>{one}</th>" for one in HEADINGS)
    rows = "\n".join(f"<tr>{''.join(_cells(one, now, theme))}</tr>" for one in entries)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _cells(entry: Entry, now: str, theme: str) -> Iterator[str]:
    colour = _COLOURS[theme][entry.standing]
    word = f'<b style="color: {colour}">{_WORDS[entry.standing]}</b>'
    yield _cell(entry.control)
    yield f"<td>{_text(entry.ref.id)}<br><small>{_text(entry.ref.kind)}</small></td>"
    yield _cell(entry.owner or "not known")
    yield _cell(_since(entry, now))
    yield f"<td>{word}: {_text(f'{entry.code}: {entry.reason}')}</td>"
    yield _cell(_done(entry))
    yield _cell(entry.next_attempt)
    yield _cell(_until(entry))


def _done(entry: Entry) -> str:
    change = entry.last_change
    tried = f", {counted(entry.attempts, 'attempt')}" if entry.attempts else ""
    fate = f"{entry.fate.value}{tried}"
    return f"{fate}; last change {_change(change)}" if change else fate


def _change(change: Change) -> str:
    error = f", {change.error}" if change.status is Status.FAILED and change.error else ""
    return f"{_time(change.at)}: {change.status.value}{error}"


def _until(entry: Entry) -> str:
    told = entry.exemption
    return f"{told.expires.isoformat()} ({told.owner}: {told.reason})" if told else ""


def _paging(asked: Asked, all_of_them: int, shown: int, endpoint: str) -> Iterator[str]:
    """How many more there are, and buttons that lead there."""
    before = min((asked.page - 1) * asked.rows, all_of_them)
    left = all_of_them - before - shown
    if left:
        yield _paragraph(f"and {left} more")
    elif all_of_them and not shown:
        yield _paragraph(f"There is no page {asked.page}.")
    if asked.page > 1:
        last = max(-(-all_of_them // asked.rows), 1)
        yield _button("Back", min(asked.page - 1, last), asked, endpoint)
    if left:
        yield _button("More", asked.page + 1, asked, endpoint)


def _button(label: str, page: int, asked: Asked, endpoint: str) -> str:
    params = json.dumps({"rows": asked.rows, "page": page, "control": asked.control})
    called = f'action="call" display="widget" endpoint="{escape(endpoint)}"'
    return f'<a class="btn">{label}</a>\n<cwdb-action {called}>{params}</cwdb-action>'


def _object(name: str, value: object) -> Mapping[str, Any]:
    return {} if value is None else an_object(name, value)


def _number(name: str, value: object, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid(f"{name}: is {value!r:.80}, allowed: 1 to {most}")
    return int(text)


def _since(entry: Entry, now: str) -> str:
    if not entry.first_seen:
        return "not known"
    return f"{_time(entry.first_seen)} ({age(entry.first_seen, now)})"


def _time(stamped: str) -> str:
    return f"{stamped[:16].replace('T', ' ')} UTC"


def _paragraph(text: str) -> str:
    return f"<p>{_text(text, LONGEST_PARAGRAPH)}</p>"


def _cell(text: str) -> str:
    return f"<td>{_text(text)}</td>"


def _text(text: str, longest: int = LONGEST) -> str:
    return escape(visible(clip(text, longest)))
