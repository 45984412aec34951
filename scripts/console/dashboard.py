"""The body of the dashboard in template.yaml, made of the controls and the template's resources."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from console import dashboard_widgets as widgets
from console.dashboard_widgets import When, Widget
from console.generated import keep
from embedded.template import TEMPLATE, Document
from steward.model import Fate

COLUMNS = 24

BEGIN = "      DashboardBody: "
"""How the line begins that the body follows."""

LISTS = ("alarms", "metrics")
"""Properties that are written with an item on each line."""

_CONDITIONAL = re.compile(r',\n +"<<(\w+)>>"')

Row = tuple[int, Sequence[tuple[int, Widget]]]
"""The height of a row, and its widgets with their widths."""


def rows(template: Document) -> Sequence[Row]:
    """What the dashboard shows, from top to bottom."""
    return [
        (2, [(24, widgets.title())]),
        (4, _numbers()),
        (6, _alarms(template)),
        (11, [(24, widgets.compliance())]),
        (7, _by_control()),
        (7, _flow()),
        (8, [(24, _changed())]),
        (8, [(24, _failed())]),
        (6, _money(template)),
        (7, _health(template)),
    ]


def placed(template: Document) -> list[Widget]:
    """All widgets, each with its place; every row fills all columns."""
    found = []
    y = 0
    for height, row in rows(template):
        x = 0
        for width, widget in row:
            place = {"x": x, "y": y, "width": width, "height": height}
            found.append({"type": widget["type"], **place, "properties": widget["properties"]})
            x += width
        y += height
    return found


def written(template: Document) -> str:
    """The property as it stands in the template, in YAML."""
    conditional: dict[str, tuple[str, str]] = {}
    texts = [_text(widget, conditional) for widget in placed(template)]
    head = '{"start": "-P14D", "periodOverride": "inherit", "widgets": ['
    body = _CONDITIONAL.sub(r"${\1}", ",\n".join(texts))
    lines = "\n".join(f"          {line}" for line in f"{head}\n{body}\n]}}".splitlines())
    names = "\n".join(
        f"          {name}: !If [{condition}, !Sub '{text}', '']"
        for name, (condition, text) in conditional.items()
    )
    return f"{BEGIN}!Sub\n        - |\n{lines}\n        -\n{names}\n"


def _text(widget: Widget, conditional: dict[str, tuple[str, str]]) -> str:
    """A widget as JSON; what is there under a condition only is named, and told apart."""
    properties = dict(widget["properties"])
    long = {name: properties.pop(name) for name in LISTS if name in properties}
    text = json.dumps({**widget, "properties": properties})
    for name, items in long.items():
        plain = [json.dumps(one) for one in items if not isinstance(one, When)]
        for condition in sorted({one.condition for one in items if isinstance(one, When)}):
            some = [
                one.item for one in items if isinstance(one, When) and one.condition == condition
            ]
            told = f"{condition}{len(conditional) + 1}"
            conditional[told] = condition, "".join(f", {json.dumps(one)}" for one in some)
            plain.append(f'"<<{told}>>"')
        inner = ",\n  ".join(plain)
        text = f'{text.removesuffix("}}")}, "{name}": [\n  {inner}]}}}}'
    return text


def fresh(text: str) -> str:
    """A template's text with the body that it should have."""
    start = text.index(BEGIN)
    end = re.compile(r"^(?! {8})", re.MULTILINE).search(text, text.index("\n", start) + 1)
    rest = text[end.start() :] if end else ""
    return text[:start] + written(yaml_parse(text)) + rest


def main(arguments: Sequence[str] | None = None, file: Path = TEMPLATE) -> int:
    """Write the body, or say with ``--check`` whether it is fresh; the exit code."""
    return keep(arguments, "scripts/dashboard", fresh(file.read_text("utf-8")), file)


def _numbers() -> list[tuple[int, Widget]]:
    lasting = 'FILL(METRICS("{}"), REPEAT)'
    left = f"SUM({lasting.format('violations')})"
    right, blind, exempt = (
        f"SUM({lasting.format(f'{one}Resources')})" for one in ("compliant", "unknown", "exempt")
    )
    percent = f"100 * {right} / ({right} + {left} + {blind})"
    oldest = f"MAX({lasting.format('oldestViolationAgeHours')})"
    states = ("CompliantResources", "Violations", "UnknownResources")
    return [
        (5, widgets.number("Open violations", left, "Violations")),
        (5, widgets.number("Compliance score, percent", percent, *states)),
        (5, widgets.number("Oldest violation, hours", oldest, "OldestViolationAgeHours")),
        (4, widgets.number("Exempt", exempt, "ExemptResources")),
        (5, widgets.number("Could not be read", blind, "UnknownResources")),
    ]


def _alarms(template: Document) -> list[tuple[int, Widget]]:
    def beats(name: str) -> bool:
        return name.endswith("-heartbeat")

    odd, name = ("ALARM", "INSUFFICIENT_DATA"), "Alarms that ring, or know nothing"
    others = widgets.alarms(name, template, lambda name: not beats(name), *odd)
    return [(12, others), (12, widgets.alarms("Each control was swept", template, beats))]


def _by_control() -> list[tuple[int, Widget]]:
    oldest = "OldestViolationAgeHours"
    return [
        (12, widgets.by_control("Open violations", "Violations", stacked=True)),
        (12, widgets.by_control("Oldest violation, hours", oldest, view="bar")),
    ]


def _flow() -> list[tuple[int, Widget]]:
    fates = (Fate.FAILED, Fate.HELD, Fate.PLANNED, Fate.UNKNOWN)
    return [(8, widgets.changes()), (8, widgets.undone(*fates)), (8, widgets.lag())]


def _changed() -> Widget:
    fields = "@timestamp, control, resource, code, before, calls, trigger, change"
    return widgets.table("What was changed", fields, 'fate = "remediated"')


def _failed() -> Widget:
    fields = "@timestamp, control, resource, fate, code, reason, trigger, change"
    wanted = 'fate in ["failed", "held", "unknown"]'
    return widgets.table("What failed, was held, or could not be read", fields, wanted)


def _money(template: Document) -> list[tuple[int, Widget]]:
    return [
        (7, widgets.costs(template)),
        (6, widgets.ingested()),
        (6, widgets.stored()),
        (5, widgets.fixed(template)),
    ]


def _health(template: Document) -> list[tuple[int, Widget]]:
    trouble = ("Errors", "Throttles")
    functions = [metric for one in trouble for metric in widgets.of_functions(template, one)]
    lost = ("FailedInvocations", "InvocationsFailedToBeSentToDlq", "InvocationsSentToDlq")
    rules = [metric for one in lost for metric in widgets.of_rules(template, one)]
    letters = widgets.of_dead_letters(template)
    return [
        (6, widgets.health("Errors and throttles of functions", functions, "Sum")),
        (6, widgets.health("Dead letters", letters, "Maximum")),
        (6, widgets.health("Events that did not get through", rules, "Sum")),
        (6, widgets.health("Sweeps and calls", widgets.of_sweeps(), "Sum")),
    ]


if __name__ == "__main__":
    sys.exit(main())
