"""Results as a table for people, or as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmark.sweeping import Result

_COLUMNS = ("calls", "writes", "throttled", "in flight")
_COMPARED = ("wall s", "CPU s", "RSS MiB")


def tables(results: Sequence[Result], groups: int, *, paced: bool) -> RenderableType:
    """One table for each latency; ratios are to Steward, the first row."""
    by_latency = groupby(results, key=lambda result: result.latency)
    account = f"{groups} log groups, {groups - groups // 2} without retention"
    quotas = ", AWS's quotas" if paced else ""
    shown = [
        _table(list(rows), f"{account}, {latency * 1000:.0f} ms a call{quotas}")
        for latency, rows in by_latency
    ]
    return Group(*shown)


def document(results: Sequence[Result], groups: int, *, paced: bool) -> str:
    """Everything measured, with what it was measured on."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    found = [_entry(result, first) for result, first in _with_first(results)]
    whole = {"groups": groups, "paced": paced, "machine": machine, "results": found}
    return json.dumps(whole, indent=2)


def _table(results: Sequence[Result], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for name in _COMPARED:
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("ratio", justify="right", style="dim")
    for result, first in _with_first(results):
        table.add_row(result.contender, *_cells(result, first))
    return table


def _cells(result: Result, first: Result) -> Iterator[RenderableType]:
    if result.problem:
        yield Text("wrong", style="red")
        return
    calls, throttled = sum(result.calls.values()), sum(result.throttled.values())
    yield from map(str, (calls, result.writes, throttled, result.in_flight_max))
    ratios = _ratios(result, first)
    for name, (key, value) in zip(_COMPARED, _compared(result).items(), strict=True):
        yield f"{value:.0f}" if name == "RSS MiB" else f"{value:.2f}"
        yield f"{ratios[key]:.2f}" if key in ratios else ""


def _entry(result: Result, first: Result) -> Mapping[str, Any]:
    head = {"contender": result.contender, "latency_ms": result.latency * 1000}
    if result.problem:
        return {**head, "problem": result.problem}
    return {
        **head,
        **asdict(result.usage),
        "calls": sum(result.calls.values()),
        "calls_by_operation": result.calls,
        "writes": result.writes,
        "throttled": sum(result.throttled.values()),
        "throttled_by_operation": result.throttled,
        "in_flight_max": result.in_flight_max,
        "ratio_to_steward": _ratios(result, first),
    }


def _with_first(results: Sequence[Result]) -> Iterator[tuple[Result, Result]]:
    """Each result with Steward's of the same latency."""
    first: dict[float, Result] = {}
    for result in results:
        yield result, first.setdefault(result.latency, result)


def _compared(result: Result) -> Mapping[str, float]:
    return {"wall": result.usage.wall, "cpu": result.usage.cpu, "rss": result.usage.rss}


def _ratios(result: Result, first: Result) -> Mapping[str, float]:
    """By how much a result is more than Steward's; nothing where Steward's does not count."""
    if first.problem:
        return {}
    base = _compared(first)
    return {key: round(value / base[key], 3) for key, value in _compared(result).items()}
