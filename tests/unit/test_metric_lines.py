"""Lines that applications write for CloudWatch become points, or are counted with the reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.metrics import Choices, Extracted, Metric, Points, calls, points

NOW = 1_795_219_200_000  # 2026-11-21T00:00:00Z
HOUR = 3_600_000
WEEKS = 14 * 24 * HOUR

SERVICE = (("region", "eu-west-1"), ("service", "content-item"))
HELLO = (("FunctionName", "hello"), ("FunctionVersion", "$LATEST"), *SERVICE)
FIELDS = "42.0|Milliseconds|latency|shop.example|service=content-item,region=eu-west-1"
LINE = f"MONITORING|{FIELDS}"
BEHIND = "2019-07-23T01:31:44.242Z\t6af2b9c1-aa07-4c8b-b9c9-9bc06ab5c1cf\tINFO\t"


def read(
    *messages: str, at: int = NOW, now: int = NOW, function: str = "", version: str = ""
) -> Extracted:
    choices = Choices(now, json.loads, namespace="Default")
    raw = json.dumps({"logEvents": [{"message": message} for message in messages]}).encode()
    times = [at] * len(messages)
    return points(choices, raw, messages, times, function=function, version=version)


def only(found: Extracted) -> Points:
    assert found.invalid == Counter()
    (point,) = found.points
    return point


@pytest.mark.parametrize(
    ("function", "version", "dimensions"),
    [
        pytest.param("hello", "$LATEST", HELLO, id="MET-1 MET-2 of a function"),
        pytest.param("hello", "", HELLO, id="of a function whose version nothing tells"),
        pytest.param(
            "python-test",
            "76",
            (("FunctionName", "python-test"), ("FunctionVersion", "76"), *SERVICE),
            id="MET-6 of a version",
        ),
        pytest.param("", "", SERVICE, id="MET-7 of no function"),
    ],
)
def test_the_function_is_a_dimension(
    function: str, version: str, dimensions: tuple[tuple[str, str], ...]
) -> None:
    """What a function logs is its own; what comes from elsewhere has the named dimensions only."""
    point = only(read(LINE, function=function, version=version))

    metric = Metric("shop.example", "latency", "Milliseconds", dimensions)
    assert point == Points(metric, NOW, (42.0,))


@pytest.mark.parametrize(
    ("message", "times"),
    [
        pytest.param(LINE, 1, id="MET-6 at the start"),
        pytest.param(LINE + "\n", 1, id="with its end"),
        pytest.param(
            BEHIND + LINE + "\r\n", 1, id="MET-1 behind the time, the request id, a level"
        ),
        pytest.param(f"[INFO]\t{BEHIND}{LINE}", 1, id="as Python's logger puts it"),
        pytest.param(f"INFO {LINE}", 1, id="behind a blank"),
        pytest.param(f"{LINE}\nand\n{LINE}\n", 2, id="twice in a message"),
        pytest.param(json.dumps({"level": "INFO", "message": LINE}), 1, id="in the JSON format"),
        pytest.param(json.dumps({"message": {"text": LINE}}), 0, id="deep in JSON"),
        pytest.param(f"{{not JSON {LINE}", 1, id="behind a brace"),
        pytest.param(f"X{LINE}", 0, id="inside a word"),
        pytest.param("MONITORING YO!", 0, id="MET-5 no such line"),
    ],
)
def test_a_line_is_found_where_it_may_stand(message: str, times: int) -> None:
    """Behind what runtimes and loggers write before it, but not in the middle of a word."""
    found = read(message)

    metric = Metric("shop.example", "latency", "Milliseconds", SERVICE)
    assert found == ([Points(metric, NOW, (42.0,))] * times, Counter())


@pytest.mark.parametrize(
    ("fields", "metric"),
    [
        pytest.param("ms|n|x.y|", Metric("x.y", "n", "Milliseconds"), id="empty dimensions"),
        pytest.param("ms|n|x.y", Metric("x.y", "n", "Milliseconds"), id="no dimensions"),
        pytest.param("ms|n|", Metric("Default", "n", "Milliseconds"), id="an empty namespace"),
        pytest.param("ms|n", Metric("Default", "n", "Milliseconds"), id="no namespace"),
        pytest.param(
            "ms|n||a=b", Metric("Default", "n", "Milliseconds", (("a", "b"),)), id="no name of it"
        ),
        pytest.param(
            "ms | n | x.y | b = c=d , a = e|f,",
            Metric("x.y", "n", "Milliseconds", (("a", "e|f"), ("b", "c=d"))),
            id="blanks, a bar and an equals sign in values",
        ),
    ],
)
def test_fields_at_the_end_may_be_missing(fields: str, metric: Metric) -> None:
    """Without a namespace the default one is taken."""
    assert only(read(f"MONITORING|1|{fields}")).metric == metric


def test_dimensions_of_the_line_stand() -> None:
    """A line that names a function's dimension itself knows better."""
    point = only(read("MONITORING|1|Count|n|x|FunctionName=other", function="f", version="3"))

    assert point.metric.dimensions == (("FunctionName", "other"), ("FunctionVersion", "3"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-2.5", -2.5),
        ("+7", 7.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".5", 0.5),
        ("5.", 5.0),
        ("0", 0.0),
        (str(2**360), 2.0**360),
    ],
)
def test_values_are_numbers(text: str, value: float) -> None:
    """Also negative ones and those with an exponent."""
    assert only(read(f"MONITORING|{text}|Count|n|x")).values == (value,)


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("Milliseconds", "Milliseconds"),
        ("MILLISECONDS", "Milliseconds"),
        ("millisecond", "Milliseconds"),
        ("ms", "Milliseconds"),
        ("s", "Seconds"),
        ("us", "Microseconds"),
        ("bytes", "Bytes"),
        ("gigabits/second", "Gigabits/Second"),
        ("Count/Second", "Count/Second"),
        ("%", "Percent"),
        ("none", "None"),
    ],
)
def test_units_are_those_of_cloudwatch(written: str, unit: str) -> None:
    """In any case, and short where that cannot be mistaken."""
    assert only(read(f"MONITORING|1|{written}|n|x")).metric.unit == unit


MANY = ",".join(f"d{number}=v" for number in range(29))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("|Count|n|x|", "no value", id="empty value"),
        pytest.param("NaN|Count|n|x|", "no number", id="NaN"),
        pytest.param("inf|Count|n|x|", "no number", id="infinite"),
        pytest.param("-Infinity|Count|n|x|", "no number", id="negatively infinite"),
        pytest.param("0x10|Count|n|x|", "no number", id="hexadecimal"),
        pytest.param("1_000|Count|n|x|", "no number", id="Python's own"),
        pytest.param("٣|Count|n|x|", "no number", id="other digits"),
        pytest.param("1e400|Count|n|x|", "out of range", id="infinite once read"),
        pytest.param(f"{2**360 * 2}|Count|n|x|", "out of range", id="too large"),
        pytest.param("-1e300|Count|n|x|", "out of range", id="too large, negative"),
        pytest.param("1e-300|Count|n|x|", "out of range", id="too near to zero"),
        pytest.param("1|Furlongs|n|x|", "unknown unit", id="unit"),
        pytest.param("1|KB|n|x|", "unknown unit", id="ambiguous unit"),
        pytest.param("1||n|x|", "unknown unit", id="no unit"),
        pytest.param("1|Count||x|", "bad name", id="no name"),
        pytest.param(f"1|Count|{'n' * 256}|x|", "bad name", id="long name"),
        pytest.param("1|Count|größe|x|", "bad name", id="name beyond ASCII"),
        pytest.param("1|Count|a\tb|x|", "bad name", id="control character"),
        pytest.param(f"1|Count|n|{'x' * 256}|", "bad namespace", id="long namespace"),
        pytest.param("1|Count|n|läden|", "bad namespace", id="namespace beyond ASCII"),
        pytest.param("1|Count|n|:x|", "bad namespace", id="namespace with a colon"),
        pytest.param("1|Count|n|AWS/Lambda|", "reserved namespace", id="AWS's namespace"),
        pytest.param("1|Count|n|x|a", "bad dimension", id="no equals sign"),
        pytest.param("1|Count|n|x|a=", "bad dimension", id="no dimension's value"),
        pytest.param("1|Count|n|x|=b", "bad dimension", id="no dimension's name"),
        pytest.param("1|Count|n|x|:a=b", "bad dimension", id="dimension with a colon"),
        pytest.param("1|Count|n|x|a=ö", "bad dimension", id="dimension beyond ASCII"),
        pytest.param(f"1|Count|n|x|a={'b' * 1025}", "bad dimension", id="long dimension"),
        pytest.param("1|Count|n|x|a=b,a=c", "duplicate dimension", id="duplicate dimension"),
        pytest.param(f"1|Count|n|x|{MANY}", "too many dimensions", id="31 with the function's"),
        pytest.param("1", "malformed", id="value only"),
        pytest.param("1|Count", "malformed", id="no field of a name"),
    ],
)
def test_what_cloudwatch_would_refuse_is_counted(line: str, reason: str) -> None:
    """A line beside it is not lost: one such datum would have the whole call refused."""
    found = read(f"MONITORING|{line}", LINE, function="f")

    assert (len(found.points), found.invalid) == (1, Counter({reason: 1}))


@pytest.mark.parametrize(
    ("offset", "taken"),
    [(-WEEKS - 1, 0), (-WEEKS, 1), (0, 1), (2 * HOUR, 1), (2 * HOUR + 1, 0)],
)
def test_points_are_of_a_time_that_cloudwatch_takes(offset: int, taken: int) -> None:
    """From two weeks ago to two hours ahead."""
    found = read(LINE, at=NOW + offset)

    assert (len(found.points), found.invalid["bad time"]) == (taken, 1 - taken)


def test_a_single_point_keeps_its_time() -> None:
    """MET-7: to the millisecond, from the line to the call."""
    at = 1_568_069_911_564
    (call,) = calls(read(LINE, at=at, now=at + HOUR).points)

    (datum,) = call["MetricData"]
    assert datum["Timestamp"].isoformat() == "2019-09-09T22:58:31.564000+00:00"
    assert datum["Dimensions"] == [{"Name": name, "Value": value} for name, value in SERVICE]


def test_both_lines_of_a_function_are_published_together() -> None:
    """MET-1: one call of the namespace with a datum for each line, and the same dimensions."""
    count = LINE.replace("42.0|Milliseconds|latency", "1|Count|request_count")
    (call,) = calls(read(BEHIND + LINE, BEHIND + count, function="hello").points)

    wanted = [{"Name": name, "Value": value} for name, value in HELLO]
    assert call["Namespace"] == "shop.example"
    assert [
        (datum["MetricName"], datum["Unit"], datum["Values"], datum["Dimensions"])
        for datum in call["MetricData"]
    ] == [
        ("latency", "Milliseconds", [42.0], wanted),
        ("request_count", "Count", [1.0], wanted),
    ]


def test_a_very_long_line_is_read_too() -> None:
    """What is too long to be remembered is judged all the same."""
    dimensions = ",".join(f"d{number:02}={'v' * 900}" for number in range(30))

    assert len(only(read(f"MONITORING|1|Count|n|x|{dimensions}")).metric.dimensions) == 30


@given(st.text() | st.text(alphabet="|=,:. \tAWS/123eE+-MONITORING").map("MONITORING|".__add__))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever follows the mark gives good points or a count, and what gives neither is no line."""
    found = read(text)

    for point in found.points:
        assert point.metric.name.isascii()
        assert len(point.metric.dimensions) <= 30
        assert all(abs(value) <= 2.0**360 for value in point.values)
    assert bool(found.points) + bool(found.invalid) <= text.count("MONITORING|")
