"""Metrics of Lambda's own reports: durations, memory, costs, timeouts and errors of invocations.

What one invocation leaves behind arrives in one record of the stream, but where CloudWatch happens
to end a batch between its lines.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import contains, itemgetter
from typing import TypeAlias

from steward.shipping.metrics.choices import UNITS, Choices, Writer
from steward.shipping.metrics.metric import MINUTE, Metric, Points, in_time
from steward.shipping.metrics.prices import price
from steward.shipping.metrics.reading import Said, said_in_documents, said_in_text

SHORTEST_TIMEOUT = 1000.0  # milliseconds: what Lambda lets a function's timeout be at least

_TIMEOUT = re.compile(r"\S+\s+(\S+)\s+Task timed out after [\d.]+ seconds")

Line: TypeAlias = tuple[str, int]
"""A message and its time in milliseconds."""


def reported(
    raw: bytes,
    messages: Sequence[str],
    times: Sequence[int],
    choices: Choices,
    writer: Writer,
    invalid: Counter[str],
) -> list[Points]:
    """The points of one function's reports.

    ``raw`` is the record that holds the messages: a word missing from it spares a look at each.
    A report that gives none adds to ``invalid``, by its reason: "malformed", "bad time", or
    "no price" where the cost is wanted and not known. A managed instance's report has no billed
    duration, and so no cost.

    An invocation that ran out of time is counted once, by its request id: today the status in its
    report tells it, formerly a line of its own did.
    """
    points: list[Points] = []
    timeouts: dict[str, int] = {}
    longest = 0.0
    text, marked = _marked(raw, messages)
    found, when = [*compress(messages, marked)], [*compress(times, marked)]
    for at, reports in _by_minute(found, when, choices.now_ms, invalid):
        said = (said_in_text if text else said_in_documents)(reports, choices.loads)
        points += _points(said, at, choices, writer, invalid)
        timeouts |= dict.fromkeys(said.timed_out, at)
        longest = max(longest, *said.values["Duration"], 0.0)
    if "Timeouts" in choices.wanted:
        # In the text format only, and beside a report that took that long, or cut off from it.
        if (text and longest >= SHORTEST_TIMEOUT) or not points:
            _add_timed_out(raw, zip(messages, times, strict=True), timeouts, choices.now_ms)
        points += _counts(_metric_of("Timeouts", choices, writer), timeouts.values())
    return points


def _marked(raw: bytes, messages: Sequence[str]) -> tuple[bool, Sequence[bool]]:
    """Which messages are reports, and whether they are text; one function does not write both."""
    marked = list(map(str.startswith, messages, repeat("REPORT RequestId:")))
    if True in marked:
        return True, marked
    if b"platform.report" in raw:
        return False, list(map(contains, messages, repeat("platform.report")))
    return False, ()


def _by_minute(
    messages: Sequence[str], times: Sequence[int], now_ms: int, invalid: Counter[str]
) -> Iterable[tuple[int, Sequence[str]]]:
    """The messages of which CloudWatch takes points, by minutes, behind the earliest time."""
    if not messages:
        return ()
    first, last = min(times), max(times)
    if first // MINUTE == last // MINUTE and in_time(first, now_ms) and in_time(last, now_ms):
        return ((first, messages),)
    minutes: dict[int, tuple[int, list[str]]] = {}
    for message, time_ms in sorted(zip(messages, times, strict=True), key=itemgetter(1)):
        if in_time(time_ms, now_ms):
            minutes.setdefault(time_ms // MINUTE, (time_ms, []))[1].append(message)
        else:
            invalid["bad time"] += 1
    return minutes.values()


def _points(
    said: Said, at: int, choices: Choices, writer: Writer, invalid: Counter[str]
) -> Iterable[Points]:
    """The points of one minute."""
    values = said.values
    if said.malformed:
        invalid["malformed"] += said.malformed
    if "EstimatedCost" in choices.wanted and said.billed:
        found = price(choices.architecture_of(writer.function), writer.region)
        if found:
            values["EstimatedCost"] = [found.of(*billed) for billed in said.billed]
        else:
            invalid["no price"] += len(said.billed)
    if said.failed:
        values["Errors"] = [1.0] * said.failed
    return [
        Points(_metric_of(name, choices, writer), at, measured)
        for name, measured in values.items()
        if name in choices.wanted
    ]


def _add_timed_out(
    raw: bytes, lines: Iterable[Line], timeouts: dict[str, int], now_ms: int
) -> None:
    """Adds the timeouts that lines of their own tell, which Lambda writes no longer everywhere."""
    if b"Task timed out after " not in raw:
        return
    for message, time_ms in lines:
        found = "Task timed out after " in message and _TIMEOUT.match(message)
        if found and in_time(time_ms, now_ms):
            timeouts.setdefault(found[1], time_ms)


def _counts(metric: Metric, times: Iterable[int]) -> Iterator[Points]:
    """One for each time."""
    minutes: defaultdict[int, list[int]] = defaultdict(list)
    for time_ms in times:
        minutes[time_ms // MINUTE].append(time_ms)
    for found in minutes.values():
        yield Points(metric, min(found), [1.0] * len(found))


def _metric_of(name: str, choices: Choices, writer: Writer) -> Metric:
    version = writer.version if choices.by_version else ""
    return _metric(choices.report_namespace, name, writer.function, version)


@lru_cache(maxsize=1024)
def _metric(namespace: str, name: str, function: str, version: str) -> Metric:
    of_version = (("FunctionVersion", version),) if version else ()
    return Metric(namespace, name, UNITS[name], (("FunctionName", function), *of_version))
