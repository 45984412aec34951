"""Whatever an account's texts are, they stay texts, and nothing hides in them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.compliance import report
from steward.reports.dataset import Report
from steward.reports.html import render
from steward.reports.wording import visible
from tests.html_pages import parsed
from tests.reports import REPORTS

PLAIN = report(12, seed=3)

NASTY = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "data:text/html,<b>x</b>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- --> ]]> <![CDATA[",
    "&lt;b&gt; &amp;amp; &#60;",
    "\u202etxt.exe \u2066isolated\u2069 \u200bzero\u200d\ufeff",
    "\x00\x07\x1b[31m\r\n\t",
    "\ud800 lone \udfff",
    "\U000e0041\U000e0042",
    "$(rm -rf /); `id` && 'quoted'",
)

TEXTS = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=40), st.just("x" * 300))

KEPT = {
    *("generated_at", "first_seen", "last_seen", "closed_at", "at", "settled_at", "swept_at"),
    *("last_sweep", "id", "partition", "records_since", "watched_since"),
}
"""What is not a text of the account: the ledger's times, and ids that are made by us."""

_TAGS = {
    *(
        "document",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "div",
        "p",
        "h1",
    ),
    *("b", "time", "nav", "ul", "li", "span", "main", "section", "h2", "h3", "i", "figure", "svg"),
    *(
        "desc",
        "polygon",
        "polyline",
        "rect",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ),
    *("small", "em", "details", "summary", "code", "form", "label", "input", "select", "option"),
    *("button", "output", "dl", "dt", "dd", "del", "ins", "footer", "script"),
}


def poisoned(value: Any, text: str) -> Any:
    """The value with a text in place of every text of the account."""
    if isinstance(value, Enum) or value is None:
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple | list):
        return type(value)(poisoned(one, text) for one in value)
    if isinstance(value, dict):
        return {
            name if isinstance(name, Enum) else text: poisoned(one, text)
            for name, one in value.items()
        }
    if is_dataclass(value) and not isinstance(value, type):
        rest = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in KEPT}
        return replace(value, **{name: poisoned(one, text) for name, one in rest.items()})
    return value


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_a_text_stays_a_text_wherever_it_stands(text: str) -> None:
    """No element, attribute or link comes from it; it is read back as it was, made visible."""
    page = render(poisoned(PLAIN, text))
    document = parsed(page)
    nodes = list(document.walk())
    tags = Counter(one.tag for one in nodes)
    assert set(tags) <= _TAGS
    assert (tags["script"], tags["style"], tags["meta"], tags["h1"]) == (1, 1, 6, 1)
    for one in nodes:
        assert not [name for name in one.attributes if name.startswith("on") or name == "style"]
        assert one.attributes.get("href", "#").startswith("#")
    assert visible(text).strip() in document.text
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page
    )
    page.encode()


@given(st.text(max_size=60))
def test_what_can_be_seen_is_not_changed_and_what_cannot_is_spelled_out(text: str) -> None:
    """Character by character; a second time changes nothing."""
    seen = visible(text)
    assert seen == "".join(map(visible, text))
    assert visible(seen) == seen
    assert all(one == visible(one) or unicodedata.category(one)[0] in "CMLZ" for one in text)


def test_marks_that_turn_text_around_are_named() -> None:
    """An owner sees 'exe.txt' only where that is the name."""
    assert (
        visible("a\u202eb\x07\u200b") == "a\u2039U+202E\u203ab\u2039U+0007\u203a\u2039U+200B\u203a"
    )
    assert visible("Größe 表 \n") == "Größe 表 \n"


@given(REPORTS)
def test_a_page_of_any_report_is_text_that_can_be_written(told: Report) -> None:
    """Equal reports give equal pages."""
    page = render(told)
    assert page.encode().startswith(b"<!doctype html>")
    assert page == render(told)
