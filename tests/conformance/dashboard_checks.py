"""What the dashboard must keep to: it fits its grid, and shows what there is and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from embedded.dashboards import COLUMNS, faults
from embedded.hosting import Datum
from embedded.template import Template
from steward.controls import CONTROLS
from steward.model import Fate
from steward.telemetry import NAMESPACE
from tests.conformance.alarm_checks import FUNCTION, OF_AWS
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import ALARM, QUEUE, RULE, Stack, behind

DASHBOARD = "ComplianceDashboard"
LOG_GROUP, TABLE = "AWS::Logs::LogGroup", "AWS::DynamoDB::Table"

MOST_METRICS = 500
"""Of 2500 that a dashboard may have (CloudWatch quotas): more, nobody waits for."""

MOST_ALARMS = 100
MOST_BODY = 200_000
"""Characters; CloudFormation takes a megabyte of a whole template."""

SHOWN_OF_AWS: Mapping[tuple[str, str], tuple[str, str]] = {
    **OF_AWS,
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): ("TableName", TABLE),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): ("TableName", TABLE),
    ("AWS/Events", "FailedInvocations"): ("RuleName", RULE),
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"): ("RuleName", RULE),
    ("AWS/Events", "InvocationsSentToDlq"): ("RuleName", RULE),
    ("AWS/Lambda", "Duration"): ("FunctionName", FUNCTION),
    ("AWS/Lambda", "Invocations"): ("FunctionName", FUNCTION),
    ("AWS/Lambda", "Throttles"): ("FunctionName", FUNCTION),
    ("AWS/Logs", "IncomingBytes"): ("", ""),
}
"""As OF_AWS; a metric over the whole account has no dimension (services' guides)."""

EACH: Sequence[str] = (
    "CompliantResources",
    "ExemptResources",
    "OldestViolationAgeHours",
    "UnknownResources",
    "Violations",
)
"""Metrics that every control has."""

CHOSEN = ("ComplianceReport", "ConfigRules", "LogShipping")
"""Parameters without which some resources are not there."""

_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_ARRAY = re.compile(r'METRICS\("(\w+)"\)')
_NAMES = re.compile(r"\b[a-z]\w*\b")
_QUERY = re.compile(r"SOURCE '([^']+)' \| fields (.+?) \| filter (.+?) \| sort @timestamp desc")

Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""A metric's namespace, name and dimensions."""


def widgets(template: Template, **parameters: str) -> list[dict[str, Any]]:
    """The dashboard's widgets as CloudWatch gets them. Raises ValueError for what is no JSON."""
    stack = Stack(template, **{**WHOLE, **parameters})
    found: list[dict[str, Any]] = json.loads(body(stack))["widgets"]
    return found


def body(stack: Stack) -> str:
    return str(stack.properties[DASHBOARD]["DashboardBody"])


def grid(template: Template) -> list[str]:
    """CloudWatch takes it; no widget lies over another, and none leaves a hole beside it."""
    stack = Stack(template, **WHOLE)
    found = [*faults(json.loads(body(stack)))]
    places = {
        number: {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        for number, one in enumerate(widgets(template))
    }
    found += [f"{a} and {b}: overlap" for a, b in combinations(places, 2) if places[a] & places[b]]
    taken = set().union(*places.values())
    if len(taken) != COLUMNS * (1 + max(y for _, y in taken)):
        found.append("there is a hole")
    return found


def sizes(template: Template) -> list[str]:
    """It is one that loads, and that the template can carry."""
    counts = Counter(one["type"] for one in widgets(template))
    shown = [len(one["properties"].get("metrics", [])) for one in widgets(template)]
    listed = [len(one["properties"].get("alarms", [])) for one in widgets(template)]
    told = {
        f"{sum(shown)} metrics": sum(shown) > MOST_METRICS,
        f"{max(listed)} alarms in a widget": max(listed) > MOST_ALARMS,
        "more characters than it may": len(body(Stack(template, **WHOLE))) > MOST_BODY,
        "no table of what is open": counts["custom"] != 1,
    }
    return [what for what, wrong in told.items() if wrong]


def metrics(template: Template) -> Iterator[Metric]:
    """Every metric that a widget names."""
    for one in widgets(template):
        for metric in one["properties"].get("metrics", []):
            space, name, *rest = [part for part in metric if isinstance(part, str)] or ["", ""]
            if name:
                yield space, name, frozenset(zip(rest[::2], rest[1::2], strict=True))


def unknown(template: Template, emitted: Iterable[Datum]) -> list[str]:
    """Every metric is one that a run emits of the registry's controls, or AWS of the stack."""
    shapes = {(one.name, frozenset(one.dimensions)) for one in emitted}
    stack = Stack(template, **WHOLE)
    return [
        f"nobody emits {space} {name} {dict(dimensions)}"
        for space, name, dimensions in metrics(template)
        if not (
            _own(shapes, name, dict(dimensions))
            if space == NAMESPACE
            else _of_aws(stack, (space, name), dict(dimensions))
        )
    ]


def _own(shapes: set[Any], name: str, dimensions: Mapping[str, str]) -> bool:
    """A fate that nobody met in a test is told of as those that were."""
    known = {"Control": {one.id for one in CONTROLS}, "Fate": {one.value for one in Fate}}
    return (name, frozenset(dimensions)) in shapes and all(
        value in known[key] for key, value in dimensions.items()
    )


def _of_aws(stack: Stack, metric: tuple[str, str], dimensions: Mapping[str, str]) -> bool:
    dimension, kind = SHOWN_OF_AWS.get(metric, ("?", ""))
    if not dimension:
        return not dimensions
    named = behind(dimensions.get(dimension, ""))
    return set(dimensions) == {dimension} and stack.kinds.get(named) == kind


def controls(template: Template) -> list[str]:
    """Whatever is shown by control is shown of each control there is, and as often."""
    told = Counter(
        (name, dict(d)["Control"]) for _, name, d in metrics(template) if "Control" in dict(d)
    )
    names = {name for name, _ in told} | {*EACH}
    return [
        f"{name}: of {one.id} {told[name, one.id]} times"
        for name in sorted(names)
        for one in CONTROLS
        if told[name, one.id] != max(told[name, other.id] for other in CONTROLS)
        or not told[name, one.id]
    ] + [f"{name}: of {one}, which is none" for name, one in told if one not in _ids()]


def _ids() -> set[str]:
    return {one.id for one in CONTROLS}


def everything(template: Template) -> list[str]:
    """Every alarm, function, rule and dead-letter queue of the stack is on it, if it is there."""
    found = []
    for parameters in (WHOLE, dict.fromkeys(CHOSEN, "disabled")):
        stack = Stack(template, **parameters)
        text = body(stack)
        names = {str(one["AlarmName"]) for one in stack.of(ALARM).values()}
        shown = set(re.findall(r":alarm:([\w-]+)", text))
        found += [f"{name}: is shown, and is no alarm" for name in sorted(shown - names)]
        found += [f"{name}: is not shown" for name in sorted(names - shown)]
        for kind in (FUNCTION, RULE, QUEUE):
            for name, one in stack.of(kind).items():
                if not re.search(rf"[{{<]{name}\b", text) and "RedrivePolicy" not in one:
                    found.append(f"{name}: is not shown")
        gone = {*re.findall(r'"[{<](\w+)[.\w]*[}>]"', text)}
        found += [f"{one}: is shown, and not there" for one in sorted(gone - set(stack.kinds))]
    return found


def expressions(template: Template) -> list[str]:
    """An expression is over metrics of its widget; ids are unique in it and as they may be."""
    found = []
    for number, one in enumerate(widgets(template)):
        told = [part for metric in one["properties"].get("metrics", []) for part in metric]
        options = [part for part in told if isinstance(part, Mapping)]
        ids = [str(part["id"]) for part in options if "id" in part]
        found += [f"{number}: the id {id}" for id in ids if not _ID.fullmatch(id)]
        found += [f"{number}: {id} is there twice" for id, n in Counter(ids).items() if n > 1]
        for part in options:
            found += [f"{number}: {what}" for what in _dangling(part.get("expression", ""), ids)]
    return found


def _dangling(expression: str, ids: Sequence[str]) -> Iterator[str]:
    for part in _ARRAY.findall(expression):
        if not any(part in id for id in ids):
            yield f"there is no metric {part}"
    for name in _NAMES.findall(_ARRAY.sub("", expression)):
        if name not in ids:
            yield f"there is no {name}"


def queries(template: Template, fields: set[str]) -> list[str]:
    """Every query is over the audit log, which holds little, and by fields that its lines have."""
    found = []
    groups = {str(one["LogGroupName"]) for one in Stack(template).of(LOG_GROUP).values()}
    for one in widgets(template):
        if one["type"] != "log":
            continue
        told = _QUERY.match(one["properties"]["query"])
        if told is None or told[1] not in groups or told[1].startswith("/aws/lambda/"):
            found.append(f"{one['properties']['title']}: is over no log group that holds little")
            continue
        named = {*re.findall(r"[\w@]+", told[2]), told[3].split()[0]}
        found += [f"no line has {name}" for name in sorted(named - fields - {"@timestamp"})]
    return found
