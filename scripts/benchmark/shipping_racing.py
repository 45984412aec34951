"""The shipper's benchmark: one invocation's log events to a service, by several ways."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmark.contenders import Site, environment
from benchmark.log_events import Workload
from benchmark.shipping_checking import arrived, problem
from benchmark.shipping_talking import Answer, Talking
from steward.shipping import accel

ENCODERS = ("ndjson", "es_bulk", "otlp", "splunk_hec", "datadog", "loki")
DELAY = 0.08
"""Seconds that the service takes for an answer, where wall time and memory are measured."""


class Way(StrEnum):
    """How a contender ships."""

    PLAIN = "plain"  # the standard library, as one writes it at first
    FLOOR = "floor"  # what cannot be left out, and nothing sent
    LEAST = "least"  # the features alone, in a loop that is right for this workload only
    FULL = "full"  # the shipper with its features
    REPORTS = "reports"  # the same, and metrics of Lambda's reports
    BARE = "bare"  # the shipper with all features off


@dataclass(frozen=True, slots=True)
class Contender:
    """Who ships; ``encoder`` is the format of the bodies."""

    way: Way
    encoder: str
    accelerated: bool

    @property
    def name(self) -> str:
        return _NAMES[self.way].format(self.encoder)

    @property
    def codec(self) -> str:
        return CODECS[self.accelerated]

    @property
    def sends(self) -> bool:
        return self.way is not Way.FLOOR


_REDACTING = frozenset({Way.LEAST, Way.FULL, Way.REPORTS})
CODECS = {True: "orjson and isal", False: "standard library"}
_NAMES = {
    Way.PLAIN: "plain Python",
    Way.FLOOR: "floor: recompress",
    Way.LEAST: "least: a loop for this workload alone",
    Way.FULL: "Steward, {}",
    Way.REPORTS: "Steward, {}, reports' metrics",
    Way.BARE: "Steward, {}, features off",
}


@dataclass(slots=True)
class Result:
    """What a contender took; nothing of it counts where there is a ``problem``."""

    contender: Contender
    cpu: list[float] = field(default_factory=list)  # seconds, of each round
    wall: list[float] = field(default_factory=list)  # seconds with the delay, of each round
    growth: float = 0.0  # MiB
    requests: int = 0
    problem: str = ""


def contenders(*, accelerated: bool) -> list[Contender]:
    """Plain Python is the standard library's; the others are with accelerators and without."""
    chosen = [Contender(Way.PLAIN, "plain", accelerated=False)]
    for fast in (True, False) if accelerated else (False,):
        chosen += [Contender(Way.FLOOR, "-", fast), Contender(Way.LEAST, ENCODERS[0], fast)]
        chosen += [Contender(Way.FULL, encoder, fast) for encoder in ENCODERS]
        chosen += [Contender(way, ENCODERS[0], fast) for way in (Way.REPORTS, Way.BARE)]
    return chosen


def race(
    chosen: Sequence[Contender], load: Workload, rounds: int, tick: Callable[[], None]
) -> list[Result]:
    """All contenders in turn, round by round, so that a slow minute is everybody's.

    The first time is not measured but for the memory, and what arrives is checked.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steward-bench-")))
        course = _Course(stack, folder, load)
        lanes = [_Lane(course, contender) for contender in chosen]
        for lane in lanes:
            lane.first()
            tick()
        for _ in range(rounds):
            for lane in lanes:
                lane.again()
                tick()
        return [lane.result for lane in lanes]


class _Course:
    """The sink, and what contenders are started with."""

    def __init__(self, stack: ExitStack, folder: Path, load: Workload) -> None:
        self.stack = stack
        self.folder = folder
        self.load = load
        self.event = folder / "event.json"
        self.event.write_text(json.dumps(load.event), "ascii")
        self.environment = environment(Site("", folder))
        sink = Talking("benchmark.shipping_sink", [], self.environment)
        self.sink = stack.enter_context(sink)
        self.url = str(sink.greeting["url"])

    def started(self, contender: Contender) -> Talking:
        switch = {accel.SWITCH: "on" if contender.accelerated else "off"}
        how = [contender.way.value, contender.encoder, str(self.event), self.url]
        child = Talking("benchmark.shipping_child", how, {**self.environment, **switch})
        return self.stack.enter_context(child)


class _Lane:
    """One contender's process, and its result."""

    def __init__(self, course: _Course, contender: Contender) -> None:
        self._course = course
        self._contender = contender
        self._child: Talking | None = None
        self.result = Result(contender)

    def first(self) -> None:
        """A fresh process, whose bodies the sink keeps."""
        with tempfile.TemporaryDirectory(dir=self._course.folder) as kept:
            self._course.sink.ask(delay=DELAY, folder=kept)
            self.result.growth = self._ship(memory=True).get("growth", 0.0)
            self.result.requests = self._course.sink.ask(delay=0, folder="")["requests"]
            if self._contender.sends and not self.result.problem:
                self.result.problem = self._checked(Path(kept))

    def again(self) -> None:
        """Once with the delay, for the wall time; then, with warm caches, for the CPU time."""
        if self.result.problem:
            return
        self._course.sink.ask(delay=DELAY, folder="")
        self.result.wall.append(self._ship(memory=False).get("wall", 0.0))
        self._course.sink.ask(delay=0, folder="")
        self.result.cpu.append(self._ship(memory=False).get("cpu", 0.0))

    def _ship(self, *, memory: bool) -> Answer:
        try:
            if self._child is None:
                self._child = self._course.started(self._contender)
            return self._child.ask(memory=memory)
        except RuntimeError as error:
            self.result.problem = str(error)
            return {}

    def _checked(self, kept: Path) -> str:
        found = arrived(kept, self._contender.encoder)
        redacted = self._contender.way in _REDACTING
        try:
            return problem(found, self._course.load.messages, redacted=redacted)
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            return f"what arrived is not {self._contender.encoder}: {error!r}"


def by_codec(results: Sequence[Result]) -> Iterator[tuple[bool, list[Result]]]:
    """With accelerators and without, each with plain Python before."""
    for fast in (True, False):
        group = [one for one in results if one.contender.accelerated == fast]
        own = [one for one in group if one.contender.way is not Way.PLAIN]
        if own:
            yield fast, [one for one in results if one.contender.way is Way.PLAIN] + own
