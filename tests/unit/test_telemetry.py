"""What a run tells about itself: log lines in JSON, metrics in CloudWatch's embedded format."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from itertools import count
from typing import Any

import jsonschema
import pytest

from steward.telemetry import (
    COUNTER,
    FATES,
    FATES_IN_FULL,
    STATE,
    Dimensions,
    Discreet,
    LambdaTelemetry,
    Values,
)
from tests.fakes import START, FakeClock

# The rules of "Specification: Embedded metric format" (Amazon CloudWatch user guide) as a schema;
# what no schema can say, that a dimension's name is a member of the line, is asserted below.
NAME = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^(.*)$"}
METRIC = {
    "type": "object",
    "required": ["Name"],
    "properties": {
        "Name": NAME,
        "Unit": {"enum": ["Seconds", "Milliseconds", "Bytes", "Percent", "Count", "None"]},
        "StorageResolution": {"enum": [1, 60]},
    },
    "additionalProperties": False,
}
DIMENSIONS = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "array", "maxItems": 30, "items": {**NAME, "maxLength": 250}},
}
DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": NAME,
        "Dimensions": DIMENSIONS,
        "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": METRIC},
    },
}
EMBEDDED = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": DIRECTIVE},
            },
        }
    },
}

LINES = [
    pytest.param({"InternalErrors": 1}, [[]], {}, id="a counter of the whole"),
    pytest.param({"Sweeps": 1}, COUNTER, {"Control": "log-retention"}, id="a counter"),
    pytest.param(
        {"Violations": 2, "CompliantResources": 7, "OldestViolationAgeHours": 0.25},
        STATE,
        {"Control": "log-retention"},
        id="gauges of a sweep",
    ),
    pytest.param(
        {"Outcomes": 3},
        FATES,
        {"Control": "log-retention", "Fate": "remediated"},
        id="a counter by fate",
    ),
    pytest.param({"EventLagSeconds": [31.5, 40]}, [[]], {}, id="several values"),
]

_numbers = count()


class Told:
    """A telemetry of its own and what it has written."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.out = io.StringIO()
        self.service = f"steward-{next(_numbers)}"
        self.telemetry = LambdaTelemetry(self.clock, self.service, self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.mark.parametrize(("values", "dimensions", "names"), LINES)
def test_a_metric_is_a_line_of_the_embedded_metric_format(
    told: Told,
    values: Values,
    dimensions: Dimensions,
    names: Mapping[str, str],
) -> None:
    """CloudWatch drops a line that breaks a rule of its format without a word."""
    told.telemetry.metric(values, dimensions, **names)
    [line] = told.lines
    jsonschema.validate(line, EMBEDDED)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Steward"
    assert directive["Dimensions"] == [list(one) for one in dimensions]
    for dimension in {name for one in dimensions for name in one}:
        assert isinstance(line[dimension], str)
        assert line[dimension]
    for metric in directive["Metrics"]:
        value = line[metric["Name"]]
        assert all(type(one) in (int, float) for one in (value if type(value) is list else [value]))


def test_a_metric_carries_its_values_names_and_time(told: Told) -> None:
    """The time is in milliseconds and comes from the clock."""
    told.clock.sleep(1.5)
    told.telemetry.metric({"Outcomes": 3}, FATES, Control="log-retention", Fate="held")
    [line] = told.lines
    assert line.pop("_aws")["Timestamp"] == int(START.timestamp()) * 1000 + 1500
    assert line == {"Outcomes": 3, "Control": "log-retention", "Fate": "held"}


def test_no_metric_has_a_resource_as_dimension() -> None:
    """A metric per resource would cost a fortune; there are two names, control and fate."""
    assert {name for one in [*STATE, *COUNTER, *FATES_IN_FULL] for name in one} == {
        "Control",
        "Fate",
    }


@pytest.mark.parametrize(("level", "name"), [("info", "INFO"), ("error", "ERROR")])
def test_a_log_line_is_json_with_a_constant_message_and_facts_as_keys(
    told: Told, level: str, name: str
) -> None:
    """One line for each thing told, so that a query finds it by its keys."""
    getattr(told.telemetry, level)("remediated", control="log-retention", resource="/a", sent=1)
    [line] = told.lines
    wanted = {
        "level": name,
        "message": "remediated",
        "service": told.service,
        "control": "log-retention",
        "resource": "/a",
        "sent": 1,
    }
    assert wanted.items() <= line.items()


def test_a_traceback_tells_the_exception_in_one_line(told: Told) -> None:
    """Where the bug is, beside which resource met it."""
    try:
        _ = dict[str, str]()["missing"]
    except KeyError:
        told.telemetry.traceback("internal error", resource="/a")
    [line] = told.lines
    assert (line["level"], line["message"]) == ("ERROR", "internal error")
    assert (line["resource"], line["exception_name"]) == ("/a", "KeyError")
    assert "test_telemetry.py" in line["exception"]


def test_a_fact_that_json_does_not_know_is_told_as_text(told: Told) -> None:
    """No fact makes a line fail."""
    told.telemetry.info("read", at=START, error=ValueError("no"))
    [line] = told.lines
    assert (line["at"], line["error"]) == (str(START), "no")


def test_a_fact_of_one_line_is_not_told_in_the_next(told: Told) -> None:
    """Facts belong to what they were told with."""
    told.telemetry.info("first", resource="/a")
    told.telemetry.info("second")
    assert "resource" not in told.lines[1]


def test_logs_and_metrics_go_to_the_same_stream_in_order(told: Told) -> None:
    """Lambda sends one stream to one log group."""
    told.telemetry.info("before")
    told.telemetry.metric({"Outcomes": 1}, [[]])
    told.telemetry.info("after")
    assert [line.get("message", "metric") for line in told.lines] == ["before", "metric", "after"]


def test_each_telemetry_writes_to_its_own_stream() -> None:
    """Functions of one stack run in one process in a replay; none writes to another's stream."""
    first, second = io.StringIO(), io.StringIO()
    service = f"steward-{next(_numbers)}"
    LambdaTelemetry(FakeClock(), service, first).info("to the first")
    LambdaTelemetry(FakeClock(), service, second).info("to the second")
    assert "to the second" not in first.getvalue()
    assert "to the second" in second.getvalue()


def test_without_a_stream_everything_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which is what Lambda collects."""
    telemetry = LambdaTelemetry(FakeClock(), f"steward-{next(_numbers)}")
    telemetry.info("told")
    telemetry.metric({"Outcomes": 1}, [[]])
    log, metric = map(json.loads, capsys.readouterr().out.splitlines())
    assert log["message"] == "told"
    assert metric["Outcomes"] == 1


def test_a_discreet_telemetry_tells_where_and_not_what(told: Told) -> None:
    """The text of an exception may be a customer's."""
    try:
        raise KeyError("s3cr3t")
    except KeyError:
        Discreet(told.telemetry).traceback("internal error", resource="one")
    [line] = told.lines
    assert (line["message"], line["resource"], line["exception_name"]) == (
        "internal error",
        "one",
        "KeyError",
    )
    assert line["places"][0].startswith("test_telemetry.py:")
    assert "s3cr3t" not in told.out.getvalue()
