"""The dashboard's table: what it shows, by what it may be asked for, and that it is harmless."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.errors import Invalid
from steward.ledger import Status
from steward.model import Exemption, Mode, Severity
from steward.reports.dataset import ControlLine, Report, Standing
from steward.reports.widget import MOST_ROWS, Asked, render, sentence
from steward.reports.wording import visible
from tests.contrast import contrast
from tests.reporting import GROUP, LOGS, bare, change, entry, line

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:steward-compliance-widget"

TAGS = {"p", "b", "br", "small", "table", "thead", "tbody", "tr", "th", "td", "a", "cwdb-action"}
"""Of these the HTML consists; nothing that runs, or loads anything, is among them."""

VOID = {"br"}


class Page(HTMLParser):
    """A page, read back: its cells by row, its paragraphs, its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.paragraphs: list[str] = []
        self.actions: list[tuple[dict[str, str | None], str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        if tag == "p":
            self.paragraphs.append("")
        if tag == "cwdb-action":
            self.actions.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.rows[-1][-1] += data
        elif "p" in self._open:
            self.paragraphs[-1] += data
        elif "cwdb-action" in self._open:
            self.actions[-1] = self.actions[-1][0], self.actions[-1][1] + data

    @property
    def cells(self) -> list[list[str]]:
        return [row for row in self.rows if row]


def page(told: Report, **event: Any) -> Page:
    return Page(render(told, Asked.read(event), ARN))


def test_a_row_tells_what_a_reviewer_asks() -> None:
    """What, whose, since when, why, what was done, what comes next, who answers for it."""
    until = Exemption("/a", "legal hold", "legal", date(2027, 2, 28))
    told = entry("/a", owner="shop", attempts=2, exemption=until, last_change=change("/a", 1))
    [cells] = page(bare(told)).cells
    assert cells == [
        "log-retention",
        f"/a{GROUP}",
        "shop",
        "2026-11-18 10:00 UTC (2 days)",
        "not in order: NEVER_EXPIRES: kept for ever, should be 30 days",
        "planned, 2 attempts; last change 2026-11-19 10:00 UTC: DONE",
        "with the next sweep that may write",
        "2027-02-28 (legal: legal hold)",
    ]


def test_a_last_sweep_that_was_not_complete_is_no_proof_of_order() -> None:
    """The one before it may have missed what this one did not read."""
    told = page(bare(controls=(line(last_sweep_error="denied"),))).paragraphs
    assert told[-1].startswith("Nothing is known to be out of order")


def test_only_what_is_not_in_order_has_a_row() -> None:
    """What was resolved, and what vanished, is the report's."""
    standings = [entry(one.value, standing=one) for one in Standing]
    told = page(bare(*standings))
    assert [row[1].removesuffix(GROUP) for row in told.cells] == ["open", "unknown", "exempt"]
    assert told.paragraphs[0].startswith("1 not in order, 1 could not be read, 1 exempt.")


WARNINGS = [
    pytest.param(line(swept_at="", stale=True), "Never swept completely", id="never swept"),
    pytest.param(line(stale=True), "Not swept for longer than is allowed", id="stale"),
    pytest.param(
        line(stale=True, last_sweep_error="throttled"),
        "log-retention (since 2026-11-20 05:12 UTC: throttled)",
        id="stale, with an error",
    ),
    pytest.param(line(last_sweep_error="throttled"), "something: log-retention (thr", id="error"),
    pytest.param(line(mode=Mode.OFF, stale=True), "Off: log-retention", id="off"),
]


@pytest.mark.parametrize(("told", "warning"), WARNINGS)
def test_a_table_says_what_it_does_not_know(told: ControlLine, warning: str) -> None:
    """Silence is never a verdict."""
    paragraphs = page(bare(controls=(told,))).paragraphs
    assert len([one for one in paragraphs if warning in one]) == 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((line(),), "Everything that was looked at is in order."),
        ((line(stale=True),), "Nothing is known to be out of order; not everything"),
    ],
)
def test_an_empty_table_is_a_sentence(lines: tuple[ControlLine, ...], sentence: str) -> None:
    """A good one only if everything was looked at."""
    told = page(bare(controls=lines))
    assert told.cells == []
    assert told.paragraphs[-1].startswith(sentence)


def test_notes_are_told() -> None:
    """What the report could not find out, such as owners; a few of them."""
    told = page(bare(notes=tuple(f"note {n}" for n in range(9))))
    assert [one for one in told.paragraphs if one.startswith("note")] == [
        f"note {n}" for n in range(5)
    ]


@given(number=st.integers(0, 60), rows=st.integers(1, 20), start=st.integers(1, 70))
def test_pages_show_every_entry_once_and_lead_to_each_other(
    number: int, rows: int, start: int
) -> None:
    """By the parameters that buttons hand on; also from a page that is not there."""
    told = bare(*(entry(f"/{n:02}") for n in range(number)))
    first = page(told, rows=rows, page=start)
    assert len(first.cells) == max(0, min(rows, number - rows * (start - 1)))
    seen: list[str] = []
    asked: dict[str, Any] = {"rows": rows}
    while True:
        here = page(told, **asked)
        seen += [row[1].removesuffix(GROUP) for row in here.cells]
        left = number - len(seen)
        assert (f"and {left} more" in here.paragraphs) is (left > 0)
        if not left:
            break
        asked = json.loads(here.actions[-1][1])
    assert seen == [f"/{n:02}" for n in range(number)]


def test_a_button_calls_the_same_function() -> None:
    """In the widget's place, without a question: it only reads."""
    told = page(bare(*(entry(f"/{n}") for n in range(3))), rows=1, page=2)
    assert [attributes for attributes, _ in told.actions] == [
        {"action": "call", "display": "widget", "endpoint": ARN}
    ] * 2


def test_one_control_may_be_asked_for() -> None:
    """Others are neither shown nor warned of."""
    other = entry("orders", control="function-runtime")
    lines = (line(), line("function-runtime", stale=True))
    told = page(bare(entry("/a"), other, controls=lines), control=LOGS)
    assert ([row[0] for row in told.cells], len(told.paragraphs)) == ([LOGS], 1)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"rows": 0}, "rows: is 0, allowed: 1 to 100"),
        ({"rows": "many"}, "rows: is 'many'"),
        ({"rows": MOST_ROWS + 1}, "rows: is 101"),
        ({"page": -1}, "page: is -1"),
        ({"page": [1]}, "page: is [1]"),
        ({"page": "1" * 5000}, "page: is '111"),
        ({"control": "log-detention"}, "control: is 'log-detention', allowed: log-retention, "),
        ({"control": {"a": 1}}, "control: is {'a': 1}"),
        ({"widgetContext": "x"}, "widgetContext: is 'x', allowed: an object"),
        ({"widgetContext": {"params": [1]}}, "widgetContext.params: is [1], allowed: an object"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_told(event: dict[str, Any], problem: str) -> None:
    """With the field, the value and what is allowed."""
    with pytest.raises(Invalid, match=re.escape(problem)) as caught:
        Asked.read(event)
    assert len(str(caught.value)) < 500


def test_parameters_come_from_the_event_or_its_context() -> None:
    """A button's go before those of the dashboard."""
    context = {"theme": "dark", "params": {"rows": 5, "page": 3}}
    assert Asked.read({"widgetContext": context, "page": "4"}) == Asked(5, 4, "", "dark")
    assert Asked.read({"widgetContext": {"theme": "<b>"}}).theme == "light"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_are_told_from_each_other_in_both_themes(theme: str) -> None:
    """By a colour that stands out from the theme's ground, and never by it alone."""
    told = bare(*(entry(one.value, standing=one) for one in Standing))
    styles = [
        str(attributes["style"])
        for tag, attributes in page(told, widgetContext={"theme": theme}).elements
        if tag == "b"
    ]
    ground = "#ffffff" if theme == "light" else "#161d26"
    assert len(set(styles)) == 3
    assert all(contrast(one.removeprefix("color: "), ground) >= 4.5 for one in styles)


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        *("<script>alert(1)</script>", '"><img src=x onerror=y>', "</td></table><cwdb-action>"),
        *("&lt;", "\u202egnp.exe", "\ud83e"),
    ]
)


def hostile() -> Iterator[Any]:
    yield from (HOSTILE for _ in range(6))


@given(*hostile())
def test_whatever_a_name_is_it_is_text(
    name: str, owner: str, reason: str, error: str, note: str, who: str
) -> None:
    """Names and reasons are written by others; the page is parsed back, and nothing hides in it."""
    told = entry(
        name,
        owner=owner,
        reason=reason,
        last_change=change("/a", 1, status=Status.FAILED, error=error),
        exemption=Exemption("*", reason, who, date(2027, 1, 1)),
    )
    text = render(bare(told, notes=(note,)), Asked(), ARN)
    text.encode()
    read = Page(text)
    assert {tag for tag, _ in read.elements} <= TAGS
    assert all(set(attributes) <= {"style", "class"} for _, attributes in read.elements)
    [cells] = read.cells
    assert cells[1] == f"{visible(name)}{GROUP}"
    assert {tag for tag, _ in Page(sentence(error)).elements} == {"p"}


def test_a_page_is_bounded_whatever_is_in_it() -> None:
    """A hundred rows of the longest texts; Lambda would carry six megabytes."""
    long = "\u202e<" * 5000
    told = entry(
        long,
        owner=long,
        reason=long,
        next_attempt=long,
        last_change=change("/a", 1, status=Status.FAILED, error=long),
    )
    text = render(bare(*([told] * 500), notes=(long,)), Asked(MOST_ROWS), ARN)
    assert len(text.encode()) < 2_000_000


def test_of_each_standing_the_gravest_come_first() -> None:
    """On the first of pages of twenty; of one severity in the report's order."""
    low, high = (entry("/low"), entry("/high", severity=Severity.HIGH))
    unread = entry("/unread", standing=Standing.UNKNOWN, severity=Severity.HIGH)
    told = bare(low, entry("/low-too"), high, unread)
    shown = [row[1].removesuffix(GROUP) for row in page(told).cells]
    assert shown == ["/high", "/low", "/low-too", "/unread"]
