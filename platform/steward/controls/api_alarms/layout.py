"""An API's dashboard: rows on a grid of 24 columns, one group of rows for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from steward.controls.api_alarms.measures import NAMES, NAMESPACE, Protocol

COLUMNS = 24
MOST_ALARMS = 100
"""Alarms that an alarm widget shows (dashboard body, API reference)."""

MOST_STAGES = 50
"""More would not be read; a dashboard takes 500 widgets."""

PERIOD = 300
"""Seconds of a point."""

Widget: TypeAlias = Mapping[str, Any]

_HEIGHT = 6
_PERCENTILES = ("p50", "p90", "p99")
_QUOTES = set("\"'\\")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a dashboard shows of a stage."""

    name: str
    protocol: Protocol
    dimensions: Mapping[str, str]


def body(
    title: str, mark: str, region: str, stages: Sequence[Shown], alarms: Sequence[str]
) -> dict[str, Any]:
    """A dashboard's body; ``alarms`` are ARNs, ``mark`` is what tells that the board is ours."""
    return {"widgets": list(_placed(_rows(title, mark, region, stages, alarms)))}


def _rows(
    title: str, mark: str, region: str, stages: Sequence[Shown], alarms: Sequence[str]
) -> Iterator[tuple[int, list[Widget]]]:
    """The rows by height, each of widgets that share its width."""
    note = f"Made by Steward, which puts back what is changed here. {mark}"
    yield 2, [{"type": "text", "properties": {"markdown": f"# {title}\n{note}"}}]
    if alarms:
        shown = list(alarms[:MOST_ALARMS])
        yield 4, [{"type": "alarm", "properties": {"title": "Alarms", "alarms": shown}}]
    for stage in stages[:MOST_STAGES]:
        yield _HEIGHT, list(_of_stage(stage, region))
        if not _QUOTES.intersection("".join(stage.dimensions.values())):
            yield _HEIGHT, [_methods(stage, region)]


def _placed(rows: Iterator[tuple[int, list[Widget]]]) -> Iterator[Widget]:
    y = 0
    for height, widgets in rows:
        width = COLUMNS // len(widgets)
        for number, widget in enumerate(widgets):
            yield {**widget, "x": number * width, "y": y, "width": width, "height": height}
        y += height


def _of_stage(stage: Shown, region: str) -> Iterator[Widget]:
    known = NAMES[stage.protocol]
    counted = [_line(stage, name, known.counted) for name in known.requests]
    yield _graph(f"{stage.name}: requests", region, counted)
    errors = (*known.server_errors, *known.client_errors)
    yield _graph(f"{stage.name}: errors", region, [_line(stage, name, "Sum") for name in errors])
    for metric in dict.fromkeys((known.latency, "IntegrationLatency")):
        lines = [_line(stage, metric, percentile) for percentile in _PERCENTILES]
        yield _graph(f"{stage.name}: {metric}", region, lines)


def _line(stage: Shown, metric: str, statistic: str) -> list[Any]:
    dimensions = [part for pair in sorted(stage.dimensions.items()) for part in pair]
    label = f"{metric} {statistic}" if statistic.startswith("p") else metric
    return [NAMESPACE, metric, *dimensions, {"stat": statistic, "label": label}]


def _methods(stage: Shown, region: str) -> Widget:
    """What single methods or routes come to, as far as detailed metrics are on."""
    known = NAMES[stage.protocol]
    told = {**dict.fromkeys(known.requests, known.counted), known.latency: "p99"}
    told |= dict.fromkeys((*known.server_errors, *known.client_errors), "Sum")
    searches = [
        [{"id": f"e{number}", "expression": _search(stage, metric, statistic), "label": metric}]
        for number, (metric, statistic) in enumerate(told.items(), 1)
    ]
    widget = _graph(f"{stage.name}: by method", region, searches)
    return {**widget, "properties": {**widget["properties"], "view": "table"}}


def _search(stage: Shown, metric: str, statistic: str) -> str:
    more = ("Route",) if stage.protocol is Protocol.WEBSOCKET else ("Method", "Resource")
    schema = ",".join((NAMESPACE, *sorted((*stage.dimensions, *more))))
    told = " ".join(f'{name}="{value}"' for name, value in sorted(stage.dimensions.items()))
    return f"SEARCH('{{{schema}}} MetricName=\"{metric}\" {told}', '{statistic}', {PERIOD})"


def _graph(title: str, region: str, metrics: Sequence[Any]) -> dict[str, Any]:
    properties = {
        "title": title,
        "view": "timeSeries",
        "region": region,
        "period": PERIOD,
        "metrics": list(metrics),
    }
    return {"type": "metric", "properties": properties}
