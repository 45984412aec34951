"""Log events on the embedded account: from a function's line to the log service, each once."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from embedded.course import UnsettledError
from steward import processor
from steward.controls import CONTROLS, function_of
from tests.scenarios.embedding import put_parameter, put_policy, retention
from tests.scenarios.shipping import SHIPPER, STREAM, Pipeline, shipping

REQUEST = "8f5b0d6e-1111-4222-8333-444455556666"
SOON = timedelta(hours=1)
"""Longer than anything takes that ends."""

MONITORING = "MONITORING|42.0|Milliseconds|latency|shop|service=content-item,region=eu-west-1"


@pytest.fixture(scope="module")
def shared() -> Iterator[Pipeline]:
    """Opening takes most of a test's time. All functions are there, because all of them log."""
    with shipping(controls=()) as pipeline:
        yield pipeline


@pytest.fixture
def pipe(shared: Pipeline) -> Pipeline:
    """The shared pipeline, with nothing on its way."""
    shared.anew()
    return shared


def test_a_line_of_a_new_function_arrives(pipe: Pipeline) -> None:
    """SHIP-4, SHIP-5, SHIP-8, SHIP-14: kept and subscribed by events alone, redacted, with
    severity and request; the control message that came first is nothing to ship."""
    group = pipe.subscribed()
    assert retention(pipe.account)[group] == 30
    told = {"level": "ERROR", "message": "AKIAIOSFODNN7EXAMPLE is refused", "requestId": REQUEST}
    pipe.log(group, f"2026-11-20T10:00:00.000Z\t{REQUEST}\tWARN\thello", json.dumps(told))
    pipe.account.settle()
    first, second = pipe.service.taken
    assert (first["message"].rpartition("\t")[2], first["level"]) == ("hello", "WARN")
    assert (first["function"], first["function_version"]) == (
        group.removeprefix("/aws/lambda/"),
        "$LATEST",
    )
    assert {first["request_id"], second["request_id"]} == {REQUEST}
    assert second["level"] == "ERROR"
    assert "[REDACTED:aws-access-key] is refused" in second["message"]
    assert (pipe.total("Events"), pipe.total("Skipped.control")) == (2, 1)


def test_a_metric_line_is_a_metric(pipe: Pipeline) -> None:
    """MET-2: its dimensions are the line's, and the function's."""
    group = pipe.subscribed()
    pipe.log(group, f"2026-11-20T10:00:00.000Z\t{REQUEST}\tINFO\t{MONITORING}")
    pipe.account.settle()
    cloudwatch = pipe.account.client("cloudwatch")
    [metric] = cloudwatch.list_metrics(Namespace="shop", MetricName="latency")["Metrics"]
    told = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    assert told == {
        "FunctionName": group.removeprefix("/aws/lambda/"),
        "FunctionVersion": "$LATEST",
        "service": "content-item",
        "region": "eu-west-1",
    }
    now = pipe.account.clock.now()
    [point] = cloudwatch.get_metric_statistics(
        Namespace="shop",
        MetricName="latency",
        Dimensions=metric["Dimensions"],
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert (point["Sum"], point["Unit"]) == (42.0, "Milliseconds")


def test_a_record_that_comes_twice_has_the_same_ids(pipe: Pipeline) -> None:
    """SHIP-17: also in a new container, so that the service recognises it."""
    group = pipe.subscribed()
    pipe.log(group, "one", "two")
    pipe.account.settle()
    pipe.account.host.restart()
    pipe.put(*pipe.held(group))
    pipe.account.settle()
    assert sorted(pipe.service.times.values()) == [2, 2]


def test_a_subscription_of_the_function_itself_ships_the_same(pipe: Pipeline) -> None:
    """MET-1: past the stream; the events have the ids that they have there."""
    group = pipe.subscribed()
    function = pipe.ours("LogShipper")
    pipe.account.client("lambda").add_permission(
        FunctionName=function,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )
    pipe.subscribe(group, function)
    pipe.log(group, "one")
    pipe.account.settle()
    assert list(pipe.service.times.values()) == [2]
    data = base64.b64encode(gzip.compress(b"{}")).decode()
    assert pipe.account.invoke("log-shipper", {"awslogs": {"data": data}})
    assert [one["reason"] for one in pipe.parked()] == ["not of CloudWatch Logs"]


# -------------------------------------------------------------------------------- no loop exists


def told_by(pipe: Pipeline, group: str) -> int:
    """How many lines are in a log group."""
    logs = pipe.account.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return sum(len(page["events"]) for page in pages)


def test_what_functions_of_ours_log_is_never_shipped(pipe: Pipeline) -> None:
    """SUB-71: one line is one record and one invocation, however much our functions have to say."""
    group = pipe.subscribed()
    held, ran = len(pipe.account.streams.records(STREAM)), len(pipe.invocations())
    said = told_by(pipe, SHIPPER)
    pipe.log(group, "one")
    pipe.account.settle()
    pipe.account.sweep()
    pipe.account.advance(hours=11)
    assert told_by(pipe, SHIPPER) > said
    assert all(told_by(pipe, f"/aws/lambda/steward-{one}") for one in map(function_of, CONTROLS))
    assert len(pipe.account.streams.records(STREAM)) - held == 1
    assert len(pipe.invocations()) - ran == 1


OURS = (SHIPPER, "/aws/lambda/steward-log-subscription")


@pytest.fixture
def crossed(pipe: Pipeline) -> Iterator[Pipeline]:
    """Somebody has subscribed groups of our own to our stream; none of us undoes that."""
    logs = pipe.account.client("logs")
    for group in OURS:
        pipe.subscribe(group)
    pipe.account.settle()
    yield pipe
    for group in OURS:
        logs.delete_subscription_filter(logGroupName=group, filterName="theirs")


def test_our_own_log_dies_out_in_our_own_stream(crossed: Pipeline) -> None:
    """What tells of the line comes in once more, is left out, and is not told of."""
    group = crossed.subscribed()
    ran = len(crossed.invocations())
    crossed.log(group, "one")
    crossed.account.settle(SOON)
    assert crossed.service.messages == ["one"]
    assert crossed.carried(SHIPPER) != []
    assert len(crossed.invocations()) - ran == 2


def test_of_a_mixed_batch_what_is_ours_is_counted(crossed: Pipeline) -> None:
    """Skipped.own, beside what is shipped."""
    group = crossed.subscribed()
    crossed.log(group, "one")
    crossed.account.settle()
    before = crossed.total("Skipped.own")
    for data in (crossed.held(SHIPPER)[-1], crossed.held(group)[-1]):
        crossed.account.streams.put(STREAM, "of one shard", data)
    crossed.account.settle()
    assert crossed.total("Skipped.own") > before
    assert list(crossed.service.times.values()) == [2]
    assert crossed.service.messages == ["one"]


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        pytest.param(
            processor.Processor, "_own_groups", lambda _: (), id="what is ours is shipped"
        ),
        pytest.param(processor, "OWN", frozenset(), id="what is left out is told of"),
    ],
)
def test_without_either_guard_it_would_go_on_for_ever(
    crossed: Pipeline, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, value: object
) -> None:
    """The test above can fail."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, value)
        crossed.account.host.restart()
        crossed.log(crossed.group(), "one")
        with pytest.raises(UnsettledError):
            crossed.account.settle(timedelta(minutes=10))
        ran = len(crossed.invocations())
    crossed.account.host.restart()
    crossed.account.settle()
    assert ran > 50


def test_an_account_policy_of_somebody_dies_out(pipe: Pipeline) -> None:
    """It ships all groups of the account to our stream, our own among them."""
    group, logs = pipe.subscribed(), pipe.account.client("logs")
    kind = {"policyName": "everything", "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    document = {
        "DestinationArn": STREAM,
        "RoleArn": pipe.ours("LogDeliveryRole"),
        "FilterPattern": "",
    }
    logs.put_account_policy(**kind, policyDocument=json.dumps(document))
    pipe.account.settle(SOON)
    pipe.log(group, "one")
    pipe.account.settle(SOON)
    pipe.account.sweep()
    pipe.account.settle(SOON)
    assert pipe.carried("/aws/lambda/steward-log-retention") != []
    assert set(pipe.service.messages) == {"one"}
    logs.delete_account_policy(**kind)
    pipe.account.settle(SOON)


# ------------------------------------------------------------------------------- what is not ours


def test_what_nobody_can_read_is_set_aside_and_its_neighbours_arrive(pipe: Pipeline) -> None:
    """SHIP-15, MET-7: with the reason, and an alarm; a bare metric line is no such thing."""
    group = pipe.subscribed()
    pipe.log(group, "one")
    pipe.put(b"garbage", b"\xf3\x89\x9a\xc2aggregated", gzip.compress(b"{"), gzip.compress(b"[]"))
    pipe.put(b"MONITORING|1|Count|bare|shop|service=a")
    pipe.log(group, "two")
    pipe.account.settle()
    assert sorted(pipe.service.messages)[-2:] == ["one", "two"]
    assert sorted(one["reason"] for one in pipe.parked()) == [
        "aggregated by the Kinesis Producer Library",
        "not JSON",
        "not gzip",
        "not of CloudWatch Logs",
    ]
    assert "log-shipper-parked" in pipe.account.alarms()
    [metric] = pipe.account.client("cloudwatch").list_metrics(MetricName="bare")["Metrics"]
    assert metric["Dimensions"] == [{"Name": "service", "Value": "a"}]
    pipe.account.advance(minutes=6)
    assert "log-shipper-parked" not in pipe.account.alarms()


def test_under_a_bad_policy_records_wait(pipe: Pipeline) -> None:
    """Nothing is shipped by guesswork, nothing set aside; mended, everything arrives."""
    group = pipe.subscribed()
    put_policy(pipe.account, "log-shipper", redact=["everything"])
    pipe.account.advance(minutes=2)
    pipe.log(group, "one")
    pipe.account.advance(minutes=5)
    assert (pipe.service.messages, "bad-policy" in pipe.account.alarms()) == ([], True)
    assert pipe.parked() == []
    put_parameter(pipe.account, "policy/log-shipper", "{}")
    pipe.account.advance(minutes=7)
    assert (pipe.service.messages, "bad-policy" in pipe.account.alarms()) == (["one"], False)
