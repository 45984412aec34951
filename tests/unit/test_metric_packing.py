"""Points reach CloudWatch in few calls, none of which it would refuse, and none of them is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.metrics import (
    ALWAYS,
    Choices,
    Metric,
    Points,
    calls,
    points,
)

NOW = 1_795_219_200_000
MINUTE = 60_000

METRICS = st.builds(
    Metric,
    st.sampled_from(["A", "B"]),
    st.sampled_from(["n", "m"]),
    st.sampled_from(["Count", "None"]),
    st.sampled_from([(), (("a", "b"),), (("a", "c"), ("d", "e"))]),
)
POINTS = st.builds(
    Points,
    METRICS,
    st.integers(NOW, NOW + 3 * MINUTE),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8)
    | st.integers(1, 400).map(lambda count: [float(number) for number in range(count)]),
)


def sent(packed: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """How often each value was sent, by the metric, the minute and the value."""
    found: Counter[tuple[Any, ...]] = Counter()
    for call in packed:
        for datum in call["MetricData"]:
            pairs = tuple((pair["Name"], pair["Value"]) for pair in datum["Dimensions"])
            metric = Metric(call["Namespace"], datum["MetricName"], datum["Unit"], pairs)
            minute = datum["Timestamp"].timestamp() // 60
            for value, count in zip(datum["Values"], datum["Counts"], strict=True):
                found[metric, minute, value] += count
    return found


def wire(call: dict[str, Any]) -> int:
    """The bytes of the call's body before compression, as boto3 writes it."""
    model = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))
    serializer = create_serializer("smithy-rpc-v2-cbor")
    request = serializer.serialize_to_request(call, model.operation_model("PutMetricData"))
    return len(request["body"])


@given(st.lists(POINTS, max_size=30))
def test_no_value_is_lost_or_changed(given_points: list[Points]) -> None:
    """Every value of every metric and minute is sent as often as it was found, within limits."""
    packed = calls(given_points)

    wanted: Counter[tuple[Any, ...]] = Counter()
    for metric, time_ms, values in given_points:
        wanted.update((metric, time_ms // MINUTE, value) for value in values)
    assert sent(packed) == wanted
    for call in packed:
        assert 1 <= len(call["MetricData"]) <= 1000
        assert all(1 <= len(set(datum["Values"])) <= 150 for datum in call["MetricData"])
        assert all(
            len(set(datum["Values"])) == len(datum["Values"]) for datum in call["MetricData"]
        )
    assert calls(given_points) == packed


@given(st.lists(st.integers(NOW, NOW + 3 * MINUTE), min_size=1))
def test_a_datum_is_of_the_earliest_time_of_its_minute(times: list[int]) -> None:
    """Which lies in that minute, so that CloudWatch counts it there."""
    metric = Metric("A", "n", "Count")
    (call,) = calls([Points(metric, time_ms, [1.0]) for time_ms in times])

    found = [round(datum["Timestamp"].timestamp() * 1000) for datum in call["MetricData"]]
    earliest = {
        minute: min(t for t in times if t // MINUTE == minute)
        for minute in {t // MINUTE for t in times}
    }
    assert sorted(found) == sorted(earliest.values())


def test_nothing_needs_no_call() -> None:
    """Where no line gave a point."""
    assert calls([]) == []


def test_a_call_has_one_namespace() -> None:
    """Two of them are two calls."""
    packed = calls([Points(Metric(name, "n", "Count"), NOW, [1.0]) for name in "ABA"])

    assert [(call["Namespace"], call["MetricData"][0]["Counts"]) for call in packed] == [
        ("A", [2]),
        ("B", [1]),
    ]


def test_data_beyond_a_thousand_go_into_a_further_call() -> None:
    """As PutMetricData takes no more."""
    metrics = [Metric("A", f"n{number}", "Count") for number in range(2001)]
    packed = calls([Points(metric, NOW, [1.0]) for metric in metrics])

    assert [len(call["MetricData"]) for call in packed] == [1000, 1000, 1]


def wide(number: int) -> Points:
    """A point of about 38 KB, the most that one can have: 30 of the longest dimensions."""
    pairs = tuple((f"{number:03}{index:02}".ljust(255, "d"), "v" * 1024) for index in range(30))
    return Points(Metric("A", "n" * 255, "Kilobytes/Second", pairs), NOW, [float(number)])


def full(number: int) -> Points:
    """A datum of as many values as one can have."""
    pairs = (("FunctionName", "f"),)
    return Points(Metric("A", f"n{number}", "None", pairs), NOW, [n * 1.1 for n in range(150)])


@pytest.mark.parametrize("make", [wide, full])
def test_no_call_is_longer_than_cloudwatch_takes(make: Any) -> None:
    """1 MB before compression, of which the estimate leaves little unused where texts are long."""
    packed = calls([make(number) for number in range(300)])

    assert len(packed) > 1
    assert all(wire(call) <= 1_000_000 for call in packed)
    assert all(len(json.dumps(call, default=str)) <= 1_048_576 for call in packed)
    assert wire(packed[0]) > 300_000


WORDS = 46
FUNCTIONS = 25
MEMORY = (128, 256, 512, 1024, 1769)


def record(chance: random.Random, start: int) -> tuple[list[str], list[int], str]:
    """Messages and times of some invocations of one function."""
    messages, times = [], []
    function, at = f"shop-prod-{chance.randrange(FUNCTIONS)}", start
    for _ in range(8):
        took, memory = chance.lognormvariate(4, 1.1), chance.choice(MEMORY)
        if chance.random() < 0.26:
            fields = f"latency{chance.randrange(WORDS)}|shop.example|service={function},region=r"
            messages.append(f"MONITORING|{chance.randint(1, 5000) / 10}|Milliseconds|{fields}\n")
            times.append(at)
        used = int(memory * chance.uniform(0.3, 0.95))
        messages.append(
            f"REPORT RequestId: {at}\tDuration: {took:.2f} ms\tBilled Duration: {int(took) + 1} ms"
            f"\tMemory Size: {memory} MB\tMax Memory Used: {used} MB\t\n"
        )
        times.append(at)
        at += chance.randint(50, 4000)
    return messages, times, function


def test_sixteen_thousand_points_need_no_more_than_three_calls() -> None:
    """Of 500 records that arrive together, which one datum for each point would make 17 calls."""
    chance = random.Random(7)  # noqa: S311  # the same on every run, no secret
    choices = Choices(NOW, json.loads, wanted=ALWAYS)
    found: list[Points] = []
    for number in range(480):
        messages, times, function = record(chance, NOW + number * 15)
        raw = json.dumps(messages).encode()
        found += points(choices, raw, messages, times, function=function, version="1").points
    packed = calls(found)

    assert sum(len(point.values) for point in found) > 16_110
    assert len(packed) <= 3
    assert sum(sent(packed).values()) == sum(len(point.values) for point in found)
    assert all(wire(call) <= 1_000_000 for call in packed)
