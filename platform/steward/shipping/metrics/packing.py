"""Points in as few PutMetricData calls as its limits allow.

Values of one metric in one minute go into one datum, each distinct value once with its count. This
keeps percentiles and loses nothing, as that minute is a standard metric's resolution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from steward.shipping.metrics.metric import MINUTE, Metric, Points

MAX_VALUES = 150  # distinct values of a datum
MAX_DATA = 1000  # of a call
MAX_BYTES = 1_000_000  # of a call before compression, by our estimate; CloudWatch takes 1 MB

# Upper bounds of what CBOR, which boto3 sends, writes around the texts; compact JSON keeps to them
# too, but for what it has to escape.
_DATUM_BYTES = 160  # the names of a datum's fields, its time and the heads of its lists and texts
_TEXT_BYTES = 16  # of a dimension's name or value: its head, and the name of its field
_VALUE_BYTES = 40  # one value and its count

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def calls(points: Iterable[Points]) -> list[dict[str, Any]]:
    """Parameters of PutMetricData calls that publish all the points, in the order first met.

    A call has one namespace, at most 1,000 data and 1 MB; a datum at most 150 distinct values, and
    as its time the earliest of its minute's points. No value is lost or changed.
    """
    spaces: dict[str, list[_Datum]] = {}
    for metric, time_ms, values in _by_minute(points):
        spaces.setdefault(metric.namespace, []).extend(_data(metric, time_ms, values))
    return [
        {"Namespace": namespace, "MetricData": data}
        for namespace, sized in spaces.items()
        for data in _portions(sized, MAX_BYTES - _DATUM_BYTES - len(namespace))
    ]


_Datum = tuple[int, dict[str, Any]]
"""A datum behind its estimated size in bytes."""


def _by_minute(points: Iterable[Points]) -> Iterator[tuple[Metric, int, list[float]]]:
    """All values of each metric in each minute, with the earliest time of them."""
    times: dict[tuple[Metric, int], int] = {}
    values: dict[tuple[Metric, int], list[float]] = {}
    for metric, time_ms, more in points:
        key = metric, time_ms // MINUTE
        if key in values:
            values[key] += more
            times[key] = min(times[key], time_ms)
        else:
            values[key] = [*more]
            times[key] = time_ms
    return ((key[0], times[key], found) for key, found in values.items())


def _data(metric: Metric, time_ms: int, values: Sequence[float]) -> Iterator[_Datum]:
    counts = Counter(values) if len(values) > 1 else dict.fromkeys(values, 1)
    distinct, times = [*counts], [*counts.values()]
    fixed, size = _fixed(metric, time_ms)
    for start in range(0, len(distinct), MAX_VALUES):
        end = start + MAX_VALUES
        some = distinct[start:end]
        datum = {**fixed, "Values": some, "Counts": times[start:end]}
        yield size + _VALUE_BYTES * len(some), datum


def _fixed(metric: Metric, time_ms: int) -> tuple[dict[str, Any], int]:
    """What all data of a metric in a minute have, and its estimated size."""
    dimensions, size = _dimensions(metric.dimensions)
    fixed = {
        "MetricName": metric.name,
        "Dimensions": dimensions,
        "Timestamp": _EPOCH + timedelta(milliseconds=time_ms),
        "Unit": metric.unit,
    }
    return fixed, _DATUM_BYTES + len(metric.name) + len(metric.unit) + size


@lru_cache(maxsize=512)
def _dimensions(pairs: tuple[tuple[str, str], ...]) -> tuple[list[dict[str, str]], int]:
    """As a call has them, and their estimated size. Shared by data, so nobody may change them."""
    named = [{"Name": name, "Value": value} for name, value in pairs]
    return named, sum(2 * _TEXT_BYTES + len(name) + len(value) for name, value in pairs)


def _portions(sized: Iterable[_Datum], room: int) -> Iterator[list[dict[str, Any]]]:
    """The data in turn, as many to a portion as fit into a call."""
    portion: list[dict[str, Any]] = []
    left = room
    for size, datum in sized:
        if portion and (size > left or len(portion) == MAX_DATA):
            yield portion
            portion, left = [], room
        portion.append(datum)
        left -= size
    yield portion
