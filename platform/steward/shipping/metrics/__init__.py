"""Metrics from logs: points out of log lines, and PutMetricData's parameters out of points.

``points`` reads one record of the stream, ``calls`` packs the points of any number of records.
Two kinds of lines give points: those that applications write for that purpose (monitoring.py), and
Lambda's own reports (reports.py). What CloudWatch would refuse is counted, and never raises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from steward.shipping.metrics.choices import ALWAYS, UNITS, Choices, Writer
from steward.shipping.metrics.metric import Metric, Points
from steward.shipping.metrics.monitoring import monitored
from steward.shipping.metrics.packing import calls
from steward.shipping.metrics.prices import cost
from steward.shipping.metrics.reports import reported

__all__ = [
    "ALWAYS",
    "REPORTS",
    "Choices",
    "Extracted",
    "Metric",
    "Points",
    "calls",
    "cost",
    "mentioned",
    "points",
]

REPORTS = frozenset(UNITS)
"""The names of all metrics that reports can give."""


class Extracted(NamedTuple):
    """The points of a record, and how many of its lines gave none, by the reason."""

    points: list[Points]
    invalid: Counter[str]


def mentioned(raw: bytes) -> bool:
    """Whether a record may have lines that were written as metrics."""
    return b"|" in raw and b"MONITORING|" in raw  # one character is found fastest


def points(
    choices: Choices,
    raw: bytes,
    messages: Sequence[str],
    times: Sequence[int],
    *,
    function: str = "",
    version: str = "",
    region: str = "",
) -> Extracted:
    """The points of one record of the stream.

    ``raw`` is the record's JSON as it arrived, in which words are looked for before the messages
    (with their times in milliseconds) are. ``function`` and ``version`` are "" for a group that
    belongs to no Lambda function, whose reports, if it has any, are nobody's.
    """
    writer = Writer(function, version, region)
    found: list[Points] = []
    invalid: Counter[str] = Counter()
    if mentioned(raw):
        found = monitored(messages, times, choices, writer, invalid)
    if function and choices.wanted:
        found += reported(raw, messages, times, choices, writer, invalid)
    return Extracted(found, invalid)
