"""One contender in a process of its own: ships the same invocation as often as it is asked.

``python -m benchmark.shipping_child WAY ENCODER EVENT URL``, spoken to with ``shipping_talking``.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark import shipping_ours
from benchmark.shipping_least import least
from benchmark.shipping_plain import Ship, floor, plain
from benchmark.shipping_talking import Answer, answering
from steward.shipping import accel

_POLICIES = {
    "full": shipping_ours.FULL,
    "reports": shipping_ours.REPORTS,
    "bare": shipping_ours.BARE,
}
_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")
_PEAK = "5"
"""What makes Linux forget a process's peak memory (proc(5), clear_refs)."""


def shipped(ship: Ship, event: Mapping[str, Any]) -> Answer:
    """CPU and wall seconds of one invocation, all of the process's threads included."""
    gc.collect()  # nobody pays for what was before
    wall, cpu = time.perf_counter(), time.process_time()
    ship(event)
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def grown(ship: Ship, event: Mapping[str, Any]) -> Answer:
    """The same, and by how many MiB the memory grew at the peak."""
    before = _resident()
    answer = shipped(ship, event)
    return {**answer, "growth": _peak() - before}


def _resident() -> float:
    """MiB in memory, from where the growth counts."""
    gc.collect()
    if not _FORGET.exists():
        return _peak()
    _FORGET.write_text(_PEAK, "ascii")
    return _peak()


def _peak() -> float:
    """MiB, at most, since the peak was forgotten; where there is no /proc, since the start."""
    if not _STATUS.exists():
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    lines = _STATUS.read_text("utf-8").splitlines()
    [kib] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(kib) / 1024


def _chosen(way: str, encoder: str, url: str) -> Ship:
    codec = accel.best(os.environ)
    if way == "plain":
        return plain(url)
    if way == "floor":
        return floor(codec)
    if way == "least":
        return least(codec, url)
    return shipping_ours.ours(encoder, url, codec, _POLICIES[way])


def main(way: str, encoder: str, event: str, url: str) -> None:
    """Load the event, and ship it until there are no more questions."""
    ship = _chosen(way, encoder, url)
    loaded = json.loads(Path(event).read_bytes())

    def answer(question: Answer) -> Answer:
        return (grown if question["memory"] else shipped)(ship, loaded)

    answering({"codec": accel.best(os.environ).name}, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
