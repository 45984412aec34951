"""The shipper's results, as ratios within one run: tables for people, or JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmark.log_events import Workload
from benchmark.shipping_racing import CODECS, DELAY, Result, Way, by_codec
from benchmark.shipping_scoring import GOALS, Goals, Score, score


def shipper_tables(results: Sequence[Result], load: Workload, *, judged: bool) -> RenderableType:
    """One table with accelerators and one without."""
    size = f"{len(load.messages)} events, {load.raw / 1e6:.1f} MB"
    return Group(
        *(
            _table(rows, f"{size}, {CODECS[fast]}", load, GOALS[fast] if judged else None)
            for fast, rows in by_codec(results)
        )
    )


_COLUMNS = ("MB/s", "x plain", "of floor", "of least", "requests", "+MiB", "wall s", "x CPU")


def _table(rows: Sequence[Result], title: str, load: Workload, goals: Goals | None) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.contender.name, *_cells(row, rows, load, goals))
    return table


def _cells(
    row: Result, rows: Sequence[Result], load: Workload, goals: Goals | None
) -> Iterator[RenderableType]:
    if row.problem:
        yield Text("wrong", style="red")
        return
    found = score(row, rows, load.raw)
    met = _met(row, found, load, goals)
    yield f"{found.speed:.0f}"
    yield _marked(found.plain, "{:.2f}", met.get("plain"))
    yield _marked(found.floor, "{:.0%}", met.get("floor"))
    yield _marked(found.least, "{:.0%}", None)
    yield _marked(found.requests, "{}", met.get("requests"))
    yield _marked(found.growth, "{:.0f}", met.get("growth"))
    yield _marked(found.wall, "{:.2f}", None)
    yield _marked(found.wall_to_cpu, "{:.2f}", met.get("wall_to_cpu"))


def _marked(value: float | None, form: str, met: bool | None) -> Text:  # noqa: FBT001  # a goal's fate
    shown = "" if value is None else form.format(value)
    if met is None:
        return Text(shown)
    return Text(f"{shown} {'✓' if met else '✗'}", style="" if met else "red")


def shipper_document(results: Sequence[Result], load: Workload, *, seed: int, judged: bool) -> str:
    """Everything measured, with what it was measured on."""
    whole = {
        "workload": {
            "seed": seed,
            "records": len(load.event["Records"]),
            "events": len(load.messages),
            "raw_bytes": load.raw,
            "base64_bytes": load.base64,
        },
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "delay_ms": DELAY * 1000,
        "results": [
            _entry(row, rows, load, GOALS[fast] if judged else None)
            for fast, rows in by_codec(results)
            for row in rows
            if row.contender.accelerated == fast
        ],
    }
    return json.dumps(whole, indent=2)


def _entry(row: Result, rows: Sequence[Result], load: Workload, goals: Goals | None) -> Any:
    contender = row.contender
    head = {
        "contender": contender.name,
        "way": contender.way,
        "encoder": contender.encoder,
        "accelerated": contender.accelerated,
    }
    if row.problem:
        return {**head, "problem": row.problem}
    found = score(row, rows, load.raw)
    return {
        **head,
        "cpu_seconds": row.cpu,
        "wall_seconds": row.wall,
        "requests": found.requests,
        "growth_mib": found.growth,
        "mb_per_cpu_second": found.speed,
        "times_plain": found.plain,
        "of_floor": found.floor,
        "of_least": found.least,
        "wall_to_cpu": found.wall_to_cpu,
        "goals": _met(row, found, load, goals),
    }


def _met(row: Result, found: Score, load: Workload, goals: Goals | None) -> Mapping[str, bool]:
    """Goals are only those of the shipper with all of its features."""
    return found.met(goals, load.raw) if goals and row.contender.way is Way.FULL else {}
