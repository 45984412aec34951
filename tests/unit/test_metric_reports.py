"""What Lambda reports of invocations becomes metrics of the function, costs included."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.metrics import (
    ALWAYS,
    REPORTS,
    Choices,
    Extracted,
    cost,
    points,
)
from steward.shipping.metrics.prices import _table, price

NOW = 1_795_219_200_000  # 2026-11-21T00:00:00Z
MINUTE = 60_000
WEEKS = 14 * 24 * 60 * MINUTE

REQUEST = "8d7037c2-6a53-4aee-9b2f-1b3c5d7e9f10"
OLD = (  # of a time when 100 ms were the least that was billed
    f"REPORT RequestId:\t{REQUEST}\tDuration: 10.74 ms\tBilled Duration: 100 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 56 MB\tInit Duration: 118.64 ms\n"
)
WARM = (
    f"REPORT RequestId: {REQUEST}\tDuration: 203.42 ms\tBilled Duration: 204 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 72 MB\t\n"
    "XRAY TraceId: 1-5f0e\tSegmentId: 2f45\tSampled: true\t\n"
)
RESTORED = (
    f"REPORT RequestId: {REQUEST}\tDuration: 127.10 ms\tBilled Duration: 154 ms\t"
    "Memory Size: 2048 MB\tMax Memory Used: 212 MB\t"
    "Restore Duration: 325.93 ms\tBilled Restore Duration: 26 ms\t\n"
)
TIMED_OUT = (
    f"REPORT RequestId: {REQUEST}\tDuration: 3000.00 ms\tBilled Duration: 3068 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 35 MB\tInit Duration: 67.49 ms\tStatus: timeout\n"
)
FAILED = (
    f"REPORT RequestId: {REQUEST}\tDuration: 812.40 ms\tBilled Duration: 813 ms\t"
    "Memory Size: 256 MB\tMax Memory Used: 256 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n"
)
TIMEOUT_LINE = f"2026-11-20T23:59:58.161Z {REQUEST} Task timed out after 3.00 seconds\n\n"
OLD_TIMED_OUT = (
    f"REPORT RequestId: {REQUEST}\tDuration: 3003.12 ms\tBilled Duration: 3000 ms \t"
    "Memory Size: 128 MB\tMax Memory Used: 20 MB\t\n"
)


def document(status: str = "success", kind: str = "platform.report", **metrics: Any) -> str:
    record = {"requestId": REQUEST, "metrics": metrics, "status": status}
    return json.dumps({"time": "2026-11-21T00:00:00.000Z", "type": kind, "record": record})


def read(
    *messages: str,
    times: list[int] | None = None,
    wanted: frozenset[str] = REPORTS,
    function: str = "f",
    by_version: bool = False,
    architecture: str | None = "x86_64",
    region: str = "eu-west-1",
) -> Extracted:
    choices = Choices(
        NOW,
        json.loads,
        wanted=wanted,
        by_version=by_version,
        architecture_of=lambda _function: architecture,
    )
    raw = json.dumps({"logEvents": [{"message": message} for message in messages]}).encode()
    at = times or [NOW] * len(messages)
    return points(choices, raw, messages, at, function=function, version="7", region=region)


def values(found: Extracted) -> dict[str, list[float]]:
    """The values by the metric's name, over all minutes."""
    named: dict[str, list[float]] = {}
    for point in found.points:
        named.setdefault(point.metric.name, []).extend(point.values)
    return named


MEASURED = {
    "Duration": [203.42],
    "BilledDuration": [204],
    "MemorySize": [512],
    "MaxMemoryUsed": [72],
}
RESTORE = {
    "Duration": [127.1],
    "BilledDuration": [154],
    "MemorySize": [2048],
    "MaxMemoryUsed": [212],
    "RestoreDuration": [325.93],
    "BilledRestoreDuration": [26],
}
TIMEOUT = {
    "Duration": [3000.0],
    "BilledDuration": [3068],
    "MemorySize": [128],
    "MaxMemoryUsed": [35],
    "InitDuration": [67.49],
    "Timeouts": [1.0],
}
ERROR = {
    "Duration": [812.4],
    "BilledDuration": [813],
    "MemorySize": [256],
    "MaxMemoryUsed": [256],
    "Errors": [1.0],
}
WARM_METRICS: dict[str, Any] = {
    "durationMs": 203.42,
    "billedDurationMs": 204,
    "memorySizeMB": 512,
    "maxMemoryUsedMB": 72,
}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        pytest.param(WARM, MEASURED, id="text"),
        pytest.param(RESTORED, RESTORE, id="text of SnapStart"),
        pytest.param(TIMED_OUT, TIMEOUT, id="text of a timeout"),
        pytest.param(FAILED, ERROR, id="text of an error"),
        pytest.param(document(**WARM_METRICS), MEASURED, id="JSON"),
        pytest.param(
            document(
                durationMs=127.1,
                billedDurationMs=154,
                memorySizeMB=2048,
                maxMemoryUsedMB=212,
                restoreDurationMs=325.93,
                billedRestoreDurationMs=26,
            ),
            RESTORE,
            id="JSON of SnapStart",
        ),
        pytest.param(
            document("timeout", initDurationMs=67.49, **WARM_METRICS),
            {**MEASURED, "InitDuration": [67.49], "Timeouts": [1.0]},
            id="JSON of a timeout",
        ),
        pytest.param(
            document("error", **WARM_METRICS), {**MEASURED, "Errors": [1.0]}, id="JSON of an error"
        ),
        pytest.param(
            document("failure", **WARM_METRICS), {**MEASURED, "Errors": [1.0]}, id="of a failure"
        ),
        pytest.param(
            WARM.replace("Billed Duration: 204 ms\t", ""),
            {name: found for name, found in MEASURED.items() if name != "BilledDuration"},
            id="text of a managed instance",
        ),
        pytest.param(document(durationMs=5.5), {"Duration": [5.5]}, id="JSON of one"),
        pytest.param(
            document(memorySizeMB=True, maxMemoryUsedMB="9", other=1, durationMs=5.5),
            {"Duration": [5.5]},
            id="JSON with what is no number",
        ),
    ],
)
def test_a_report_is_read_in_both_formats(message: str, wanted: dict[str, list[float]]) -> None:
    """With the fields that it has, by the names that CloudWatch's own metrics could have."""
    found = read(message, wanted=REPORTS - {"EstimatedCost"})

    assert (values(found), found.invalid) == (wanted, Counter())


@pytest.mark.parametrize(
    ("message", "reasons"),
    [
        pytest.param("REPORT RequestId: x\tnothing else\n", {"malformed": 1}, id="text"),
        pytest.param("REPORT RequestId:", {"malformed": 1}, id="text that ends"),
        pytest.param(
            WARM.replace("203.42", "2.0.3"), {"malformed": 1}, id="text with what is no number"
        ),
        pytest.param(WARM.replace("203.42", "9" * 400), {"malformed": 1}, id="text with too much"),
        pytest.param(document(), {"malformed": 1}, id="JSON without metrics"),
        pytest.param(document(durationMs=1e300), {"malformed": 1}, id="JSON with too much"),
        pytest.param(
            json.dumps({"type": "platform.report", "record": 5}), {"malformed": 1}, id="no record"
        ),
        pytest.param(document(kind="platform.start", durationMs=1), {}, id="another kind"),
        pytest.param("{platform.report", {}, id="no JSON"),
        pytest.param('["platform.report"]', {}, id="a list"),
        pytest.param(json.dumps({"message": "a platform.report"}), {}, id="a message about one"),
        pytest.param(f"INIT_{WARM}", {}, id="a report of an initialization"),
        pytest.param(f"see {WARM}", {}, id="a text about one"),
    ],
)
def test_what_is_no_report_gives_no_point(message: str, reasons: dict[str, int]) -> None:
    """Counted where it claims to be one."""
    found = read(message)

    assert (found.points, found.invalid) == ([], Counter(reasons))


def test_a_broken_report_spares_those_beside_it() -> None:
    """The others of the same minute are read one by one."""
    found = read(WARM, "REPORT RequestId: x", RESTORED, wanted=frozenset({"Duration"}))

    assert (values(found), found.invalid["malformed"]) == ({"Duration": [203.42, 127.1]}, 1)


@pytest.mark.parametrize(
    ("message", "wanted", "name", "found"),
    [
        pytest.param(OLD, REPORTS, "EstimatedCost", [4.0833375e-07], id="MET-11 cost on"),
        pytest.param(OLD, REPORTS - {"EstimatedCost"}, "EstimatedCost", None, id="MET-12 cost off"),
        pytest.param(OLD, ALWAYS, "EstimatedCost", None, id="MET-13 cost unset"),
        pytest.param(OLD, REPORTS, "InitDuration", [118.64], id="MET-14 cold start on"),
        pytest.param(WARM, REPORTS, "InitDuration", None, id="MET-15 no cold start"),
        pytest.param(OLD, REPORTS - {"InitDuration"}, "InitDuration", None, id="MET-16 off"),
        pytest.param(OLD, ALWAYS, "InitDuration", None, id="MET-17 unset"),
        pytest.param(OLD, frozenset(), "Duration", None, id="nothing wanted"),
    ],
)
def test_only_what_is_wanted_is_published(
    message: str, wanted: frozenset[str], name: str, found: list[float] | None
) -> None:
    """Costs and cold starts only by request."""
    got = values(read(message, wanted=wanted))

    assert got.get(name) == (None if found is None else pytest.approx(found))


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Duration", "Milliseconds"),
        ("InitDuration", "Milliseconds"),
        ("MemorySize", "Megabytes"),
        ("EstimatedCost", "None"),
    ],
)
def test_metrics_are_of_the_function(name: str, unit: str) -> None:
    """MET-11, MET-14: in our namespace, by the function's name, and by its version if asked."""
    plain = read(OLD, wanted=frozenset({name}))
    by_version = read(OLD, wanted=frozenset({name}), by_version=True)

    of_function = ("Steward/Lambda", name, unit, (("FunctionName", "f"),))
    assert [point.metric for point in plain.points] == [of_function]
    assert [point.metric.dimensions for point in by_version.points] == [
        (("FunctionName", "f"), ("FunctionVersion", "7"))
    ]


def test_a_report_of_no_function_is_nobodys() -> None:
    """As some other group may hold the copy of a log."""
    assert read(WARM, document(**WARM_METRICS), function="") == ([], Counter())


@pytest.mark.parametrize(
    ("messages", "timeouts"),
    [
        pytest.param([TIMED_OUT], 1, id="status"),
        pytest.param([OLD_TIMED_OUT, TIMEOUT_LINE], 1, id="line of its own"),
        pytest.param([TIMEOUT_LINE, TIMED_OUT], 1, id="both"),
        pytest.param([TIMEOUT_LINE], 1, id="line cut off from its report"),
        pytest.param([WARM, "Task timed out after 3 seconds, the docs say"], 0, id="a text of it"),
        pytest.param([WARM, f"it is said: {TIMEOUT_LINE}", TIMED_OUT], 1, id="a quoted one"),
        pytest.param(
            [TIMED_OUT, TIMED_OUT.replace("8d70", "9e81"), TIMEOUT_LINE], 2, id="two invocations"
        ),
        pytest.param([document("timeout", durationMs=3000), TIMEOUT_LINE], 1, id="JSON"),
        pytest.param([WARM], 0, id="none"),
    ],
)
def test_a_timeout_is_counted_once(messages: list[str], timeouts: int) -> None:
    """By its request id, whichever lines tell it."""
    found = read(*messages, wanted=frozenset({"Timeouts", "Duration"}))

    assert sum(values(found).get("Timeouts", [])) == timeouts


def test_a_timeout_told_in_two_minutes_is_one() -> None:
    """As the line and the report may stand on both sides of a full minute."""
    times = [NOW - 1, NOW]
    found = read(TIMEOUT_LINE, TIMED_OUT, times=times, wanted=frozenset({"Timeouts"}))

    assert values(found) == {"Timeouts": [1.0]}


def test_points_are_of_their_reports_minute() -> None:
    """With the earliest time of it, in whichever order the reports stand."""
    times = [NOW + MINUTE, NOW + 5, NOW + 2, NOW + MINUTE + 9]
    found = read(WARM, RESTORED, OLD, WARM, times=times, wanted=frozenset({"Duration"}))

    assert [(point.time_ms, sorted(point.values)) for point in found.points] == [
        (NOW + 2, [10.74, 127.1]),
        (NOW + MINUTE, [203.42, 203.42]),
    ]


def test_reports_that_cloudwatch_would_refuse_are_counted() -> None:
    """Those of more than two weeks ago; the others of the record are published."""
    times = [NOW - WEEKS - 1, NOW, NOW - WEEKS]
    found = read(WARM, RESTORED, OLD, times=times, wanted=frozenset({"Duration"}))

    assert values(found) == {"Duration": [10.74, 127.1]}
    assert found.invalid == Counter({"bad time": 1})


def test_an_old_timeout_line_is_left_out() -> None:
    """CloudWatch would refuse its point."""
    found = read(TIMEOUT_LINE, times=[NOW - WEEKS - 1], wanted=frozenset({"Timeouts"}))

    assert found.points == []


@pytest.mark.parametrize(
    ("architecture", "region", "usd"),
    [
        pytest.param("x86_64", "us-east-1", 0.0000166667 + 2e-7, id="x86_64"),
        pytest.param("arm64", "us-east-1", 0.0000133334 + 2e-7, id="arm64"),
        pytest.param("x86_64", "ap-east-1", 0.00002292 + 2.8e-7, id="a dearer Region"),
        pytest.param("arm64", "af-south-1", 0.00001768 + 2.7e-7, id="a dearer Region, arm64"),
        pytest.param("x86_64", "xx-north-9", None, id="unknown Region"),
        pytest.param("riscv", "us-east-1", None, id="unknown architecture"),
        pytest.param(None, "us-east-1", None, id="architecture not known"),
    ],
)
def test_an_invocation_costs_its_memory_and_time_and_a_request(
    architecture: str | None, region: str, usd: float | None
) -> None:
    """One second of one GB by the published price, and nothing by guess."""
    found = cost(1000, 1024, architecture, region)

    assert found == (None if usd is None else pytest.approx(usd))


def test_what_has_no_price_is_counted() -> None:
    """Each report of it, but for those that have no billed duration."""
    free = document(durationMs=5.5, memorySizeMB=128)
    found = read(OLD, WARM, region="xx-north-9", wanted=frozenset({"EstimatedCost"}))
    unbilled = read(free, region="xx-north-9", wanted=frozenset({"EstimatedCost"}))

    assert found == ([], Counter({"no price": 2}))
    assert unbilled == ([], Counter())


def test_nothing_is_guessed_where_nobody_tells_the_architecture() -> None:
    """Which no log does."""
    choices = Choices(NOW, json.loads, wanted=frozenset({"EstimatedCost"}))
    found = points(choices, OLD.encode(), [OLD], [NOW], function="f", region="eu-west-1")

    assert found == ([], Counter({"no price": 1}))


def test_a_restore_is_billed_within_the_billed_duration() -> None:
    """127.10 ms and a billed restore of 26 ms are the 154 ms that the cost is of."""
    found = read(RESTORED, wanted=frozenset({"EstimatedCost"}))

    assert values(found)["EstimatedCost"] == [cost(154, 2048, "x86_64", "eu-west-1")]


def test_the_prices_are_dated_and_whole() -> None:
    """Every Region has both architectures; Arm is cheaper, and requests cost the same."""
    table = _table()

    assert table["as_of"] == "2026-09-19"
    assert table["source"]
    for region in table["regions"]:
        x86, arm = price("x86_64", region), price("arm64", region)
        assert x86 is not None
        assert arm is not None
        assert 0 < arm.gb_second < x86.gb_second < 1e-4
        assert 0 < arm.request == x86.request < 1e-6


@given(st.text() | st.text(alphabet="DurationBilled: 0123456789.ms\t\nMBStatus"))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Whatever follows the mark gives points that CloudWatch takes, or a count."""
    found = read(WARM, f"REPORT RequestId: {text}")

    assert all(abs(value) < 1e18 for point in found.points for value in point.values)
    assert values(found)["Duration"][0] == 203.42


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "record", "metrics", "status", "durationMs"]), inner
        )
    ),
)


@given(JSON)
def test_no_document_breaks_the_reading(record: Any) -> None:
    """Whatever a forged report holds gives points that CloudWatch takes, or a count."""
    found = read(json.dumps({"type": "platform.report", "record": record}))

    assert all(0 <= value < 1e15 for point in found.points for value in point.values)
    assert len(found.points) > 0 or found.invalid["malformed"] == 1
