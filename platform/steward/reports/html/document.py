"""From a report to the page: the template, its words, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from steward.model import Fate, Mode, Severity
from steward.reports.dataset import Report, Standing
from steward.reports.html import charts, wording
from steward.reports.html.content import OWNERS, SOON, Content, content_of
from steward.reports.html.differences import told
from steward.reports.html.space import Space

_MANY = 1000
"""Rows above which a browser may put off laying out a table's bodies. Chromium then keeps what is
far from the screen out of its accessibility tree, too: so never for fewer."""

_DENSE = 2000
"""Open findings above which their rows do not link to their controls, to be shorter."""


def render(report: Report) -> str:
    """The report as one HTML document; equal reports give equal text."""
    style, script = _text("page.css"), _text("page.js")
    content = content_of(report)
    page = _environment().get_template("page.html")
    return page.render(
        report=report,
        content=content,
        space=Space([len(rows) for rows in _tables(content)]),
        dense=len(content.open) > _DENSE,
        now=report.generated_at,
        style=_Trusted(style),
        script=_Trusted(script),
        policy=_policy(style, script),
    )


def _tables(content: Content) -> Sequence[Sequence[object]]:
    """What the page's tables show, in the order in which they are on it."""
    return (
        content.open,
        content.unknown,
        content.changed,
        content.failing,
        content.attempts,
        content.exemptions,
        content.exempt,
        content.closed,
    )


class _Trusted(str):
    """A text of ours that stands in the page as it is; never anything from an account."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def _policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and not a byte from elsewhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _final(value: Any) -> Any:
    """What any expression of a template gives: texts of an account in which nothing hides."""
    return wording.visible(value) if isinstance(value, str) and not _is_markup(value) else value


def _is_markup(value: str) -> bool:
    return hasattr(value, "__html__")


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
        loader=FunctionLoader(_text),
    )
    environment.filters.update(
        age=wording.age,
        amount=wording.amount,
        counted=wording.counted,
        day=wording.day,
        day_of=wording.day_of,
        ends=wording.ends,
        fate=wording.fate,
        moment=wording.moment,
        number=wording.number,
        outcome=wording.outcome,
        told=told,
    )
    environment.globals.update(
        Fate=Fate,
        Mode=Mode,
        MANY=_MANY,
        OWNERS=OWNERS,
        SOON=SOON,
        Severity=Severity,
        SEVERITIES=charts.SEVERITIES,
        Standing=Standing,
        WIDTH=charts.WIDTH,
        HEIGHT=charts.HEIGHT,
        anchor=wording.anchor,
        command=wording.command,
    )
    return environment
