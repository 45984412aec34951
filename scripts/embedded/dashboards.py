"""CloudWatch's dashboards where moto takes any JSON, and tells the machine's time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.cloudwatch import models
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends

from embedded.request import Refusal, Request

COLUMNS = 24
MOST_WIDGETS, MOST_METRICS, MOST_ALARMS = 500, 500, 100

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "alarm": ("alarms",),
    "explorer": (),
    "log": ("region", "query"),
    "metric": ("region",),
    "text": ("markdown",),
    "custom": ("endpoint",),
}
"""Properties of each type of widget that it cannot do without (dashboard body, API reference)."""

_VIEWS = ("timeSeries", "singleValue", "gauge", "bar", "pie", "table")


def before_put(request: Request) -> Callable[[], None]:
    """PutDashboard: a body that CloudWatch would not show is refused."""
    name, text = request.params["DashboardName"], request.params["DashboardBody"]
    if not _NAME.fullmatch(name):
        raise _refused("The dashboard name has characters that are not allowed")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise _refused("The dashboard body is not JSON") from error
    for fault in faults(body):
        raise _refused(fault)

    def after() -> None:
        made = _backend(request).dashboards[name]
        made.last_modified = vars(models)["utcnow"]()

    return after


def faults(body: Any) -> Iterator[str]:
    """Why CloudWatch would not show a dashboard."""
    widgets = body.get("widgets") if isinstance(body, Mapping) else None
    if not isinstance(widgets, list):
        yield "The field widgets must be an array"
        return
    if len(widgets) > MOST_WIDGETS:
        yield f"At most {MOST_WIDGETS} widgets are allowed"
    for number, widget in enumerate(widgets):
        yield from (f"/widgets/{number}: {fault}" for fault in _widget_faults(widget))


def _widget_faults(widget: Mapping[str, Any]) -> Iterator[str]:
    sort, properties = str(widget.get("type")), widget.get("properties", {})
    if sort not in _NEEDED:
        yield f"type {sort} is not known"
        return
    if not (1 <= widget.get("width", 6) <= COLUMNS and widget.get("height", 6) >= 1):
        yield "width or height is out of range"
    if widget.get("x", 0) + widget.get("width", 6) > COLUMNS:
        yield f"x and width together exceed {COLUMNS} columns"
    yield from (f"{name} is missing" for name in _NEEDED[sort] if not properties.get(name))
    if len(properties.get("alarms", ())) > MOST_ALARMS:
        yield f"at most {MOST_ALARMS} alarms are allowed"
    if sort == "metric":
        yield from _metric_faults(properties)


def _metric_faults(properties: Mapping[str, Any]) -> Iterator[str]:
    metrics = properties.get("metrics")
    if not metrics and not properties.get("annotations"):
        yield "metrics or annotations are needed"
    if properties.get("view", "timeSeries") not in _VIEWS:
        yield f"view {properties['view']} is not known"
    if len(metrics or ()) > MOST_METRICS:
        yield f"at most {MOST_METRICS} metrics are allowed"
    for metric in metrics or ():
        named = [part for part in metric if isinstance(part, str)]
        if not named and not metric[0].get("expression"):
            yield "a metric has neither a name nor an expression"
        if len(named) % 2:
            yield "a dimension has a name and no value"


def _refused(message: str) -> Refusal:
    return Refusal("InvalidParameterInput", message)


def _backend(request: Request) -> CloudWatchBackend:
    backend: CloudWatchBackend = cloudwatch_backends[request.account][request.region]
    return backend
