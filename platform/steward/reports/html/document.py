"""From a report to the page: the template, its words, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from steward.model import Fate, Mode
from steward.reports import wording
from steward.reports.dataset import Report, Standing
from steward.reports.exempting import NAMELESS, SOON, how_it_ends, is_nameless
from steward.reports.html import charts
from steward.reports.html.content import GONE, OWNERS, RIGHT, Content, content_of, ending
from steward.reports.html.differences import LENGTH, NO_UNDO
from steward.reports.html.space import Space

_MANY = 1000
"""Rows above which a browser may put off laying out a table's bodies. Chromium then keeps what is
far from the screen out of its accessibility tree, too: so never for fewer."""

_LONG = 30
"""Rows above which a table has a link that skips it."""

_TRIES = 20
"""Attempts on one resource that are listed."""

_DENSE = 2000
"""Open findings above which their rows do not link to their controls, to be shorter."""


def render(report: Report) -> str:
    """The report as one HTML document; equal reports give equal text."""
    style, script = f"{_text('page.css')}{_margins(report)}", _text("page.js")
    content = content_of(report)
    page = _environment().get_template("page.html")
    return page.render(
        report=report,
        content=content,
        space=Space([len(rows) for rows in _tables(content, report)]),
        dense=len(content.open) > _DENSE,
        now=report.generated_at,
        style=_Trusted(style),
        script=_Trusted(script),
        policy=_policy(style, script),
    )


def _tables(content: Content, report: Report) -> Sequence[Sequence[object]]:
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
        report.controls,
    )


_PARTS = re.compile(r"<(thead|tr|td|th)((?: [^>]*)?)>")


class _Trusted(str):
    """A text that stands in the page as it is: ours, or what a template has escaped already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def _margins(report: Report) -> str:
    """What stands at the foot of each printed page; of an account's texts letters and digits."""
    place = f"Steward compliance report: account {report.account}, {report.region}"
    told = re.sub(r"[^A-Za-z0-9 ,:-]", "", f"{place}, {wording.moment(report.generated_at)} UTC")
    return f'@page {{ @bottom-left {{ content: "{told[:200]}" }} }}\n'


def _roles(row: str) -> _Trusted:
    """A row whose elements say that they are parts of a table, though laid out as grids."""
    return _Trusted(_PARTS.sub(_with_role, row))


def _with_role(found: re.Match[str]) -> str:
    tag = found[1]
    head = "rowheader" if "scope=row" in found[2].replace('"', "") else "columnheader"
    role = {"thead": "rowgroup", "tr": "row", "td": "cell", "th": head}[tag]
    return f'<{tag} role="{role}"{found[2]}>'


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


def _cut(text: str) -> str:
    return wording.clip(text, LENGTH)


def _is_markup(value: str) -> bool:
    return hasattr(value, "__html__")


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "age": wording.age,
    "cut": _cut,
    "dated": wording.dated,
    "ending": ending,
    "nameless": is_nameless,
    "amount": wording.amount,
    "counted": wording.counted,
    "day": wording.day,
    "day_of": wording.day_of,
    "ends": wording.ends,
    "fate": wording.fate,
    "moment": wording.moment,
    "number": wording.number,
    "outcome": wording.outcome,
}

_NAMES: Mapping[str, Any] = {
    "Fate": Fate,
    "GONE": GONE,
    "LONG": _LONG,
    "MANY": _MANY,
    "Mode": Mode,
    "NAMELESS": NAMELESS,
    "NO_UNDO": NO_UNDO,
    "OWNERS": OWNERS,
    "RIGHT": RIGHT,
    "SOON_DAYS": SOON.days,
    "TRIES": _TRIES,
    "SEVERITIES": charts.SEVERITIES,
    "Standing": Standing,
    "WIDTH": charts.WIDTH,
    "HEIGHT": charts.HEIGHT,
    "anchor": wording.anchor,
    "command": wording.command,
    "how_it_ends": how_it_ends,
    "roles": _roles,
    "size": len,
}
"""What templates know besides a report and its content."""


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
    environment.filters.update(_FILTERS)
    environment.globals.update(_NAMES)
    return environment
