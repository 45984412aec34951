"""The bodies of the services that take JSON, read as their documentation describes them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from steward.shipping.block import Block
from steward.shipping.encoders import ENCODERS
from steward.shipping.encoders.base import Encoder, Options
from tests.blocks import BLOCKS, ORIGIN, PAIR, REQUEST, TRACE, UID, encoder, framed

SCHEMAS = Path(__file__).parent / "schemas"
CHOSEN = Options(index="logs-app", service="shop", attributes={"team": "payments", "env": "prod"})


def schema(name: str) -> Draft202012Validator:
    """What a service's documentation says of its format."""
    document = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


VALIDATORS = {name: schema(name) for name in ("datadog", "loki", "splunk_hec")}


def stacked(body: bytes) -> list[Any]:
    """JSON values one after another, whatever stands between them."""
    decoder, text, found, place = json.JSONDecoder(), body.decode().strip(), [], 0
    while place < len(text):
        value, end = decoder.raw_decode(text, place)
        found.append(value)
        place = end + len(text[end:]) - len(text[end:].lstrip())
    return found


def by_line(body: bytes) -> list[Any]:
    """The values of a body that ends with a line's end, one on each line."""
    assert body.endswith(b"\n")
    return [json.loads(line) for line in body[:-1].split(b"\n")]


def chosen(name: str) -> Encoder:
    """A format with all that a team may choose."""
    return encoder(name, options=CHOSEN)


def test_documents_for_elasticsearch() -> None:
    """Each event is created under its id; fields have their names of the common schema."""
    action, document, second_action, second = by_line(framed(chosen("es_bulk"), PAIR))
    constant = {
        "cloud": {
            "provider": "aws",
            "region": "eu-west-1",
            "account": {"id": "111122223333"},
        },
        "aws": {"cloudwatch": {"log_group": ORIGIN.group, "log_stream": ORIGIN.stream}},
        "service": {"name": "shop"},
        "labels": {"team": "payments", "env": "prod"},
        "ecs": {"version": "8.11.0"},
    }
    function = {"name": "checkout", "version": "$LATEST"}
    assert action == {"create": {"_id": UID}}
    assert document == constant | {
        "@timestamp": 1794470400063,
        "message": PAIR.messages[0],
        "event": {"id": UID},
        "log": {"level": "error"},
        "trace": {"id": TRACE},
        "faas": {**function, "execution": REQUEST},
    }
    assert second_action == {"create": {"_id": "e2"}}
    assert second == constant | {
        "@timestamp": 1794470401000,
        "message": "second",
        "event": {"id": "e2"},
        "log": {"truncated": True},
        "faas": function,
    }


def test_a_request_without_a_function_is_told() -> None:
    """Where the log group does not tell the function, its request stands alone."""
    alone = replace(PAIR, origin=replace(ORIGIN, function="", version=""))
    _, document, _, second = by_line(framed(chosen("es_bulk"), alone))
    assert document["faas"] == {"execution": REQUEST}
    assert "faas" not in second


def test_labels_have_no_dots() -> None:
    """The common schema has no objects among them."""
    by = encoder("es_bulk", options=Options(index="logs", attributes={"cost.center": "7"}))
    assert by_line(framed(by, PAIR))[1]["labels"] == {"cost_center": "7"}


def test_the_index_stands_in_the_path() -> None:
    """And only what is judged is asked for."""
    assert chosen("es_bulk").path == (
        "/logs-app/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
    )


def test_lines_of_json() -> None:
    """Plain names, one level deep."""
    first, second = by_line(framed(chosen("ndjson"), PAIR))
    constant = {
        "account": "111122223333",
        "region": "eu-west-1",
        "log_group": ORIGIN.group,
        "log_stream": ORIGIN.stream,
        "function": "checkout",
        "function_version": "$LATEST",
        "service": "shop",
        "team": "payments",
        "env": "prod",
    }
    assert first == constant | {
        "timestamp": 1794470400063,
        "id": UID,
        "message": PAIR.messages[0],
        "level": "ERROR",
        "request_id": REQUEST,
        "trace_id": TRACE,
    }
    assert second == constant | {
        "timestamp": 1794470401000,
        "id": "e2",
        "message": "second",
        "log_truncated": True,
    }


def test_logs_for_datadog() -> None:
    """What a team adds are tags; what CloudWatch tells are the attributes of Datadog's own."""
    first, second = json.loads(framed(chosen("datadog"), PAIR))
    constant = {
        "ddsource": "lambda",
        "service": "shop",
        "hostname": ORIGIN.group,
        "ddtags": "team:payments,env:prod,aws_account:111122223333,region:eu-west-1,"
        "functionname:checkout,executedversion:$LATEST",
        "aws": {
            "awslogs": {
                "logGroup": ORIGIN.group,
                "logStream": ORIGIN.stream,
                "owner": "111122223333",
            }
        },
    }
    assert first == constant | {
        "timestamp": 1794470400063,
        "message": PAIR.messages[0],
        "id": UID,
        "status": "error",
        "trace_id": TRACE,
        "lambda": {"request_id": REQUEST},
    }
    assert second == constant | {
        "timestamp": 1794470401000,
        "message": "second",
        "id": "e2",
        "log": {"truncated": True},
    }


@pytest.mark.parametrize(
    ("options", "function", "told"),
    [
        pytest.param(Options(), "checkout", ("lambda", "checkout"), id="a function"),
        pytest.param(Options(), "", ("cloudwatch", ORIGIN.group), id="no function"),
        pytest.param(Options(source="go", service="s"), "f", ("go", "s"), id="as chosen"),
    ],
)
def test_source_and_service_for_datadog(
    options: Options, function: str, told: tuple[str, str]
) -> None:
    """What a team chooses, else what the log group tells."""
    block = replace(PAIR, origin=replace(ORIGIN, function=function))
    (first, _) = json.loads(framed(encoder("datadog", options=options), block))
    assert (first["ddsource"], first["service"]) == told


def test_datadog_drops_what_is_older_than_18_hours() -> None:
    """Though it answers 202: an hour is left for what is on its way. No other service does so."""
    kinds = [chosen(name) for name in ENCODERS]
    [(name, oldest)] = [(k.name, k.limits.oldest) for k in kinds if k.limits.oldest]
    assert (name, oldest.ms) == ("datadog", 17 * 3_600_000)
    told = chosen("datadog").items(framed(chosen("datadog"), PAIR))
    assert [oldest.time_of(item) for item in told] == PAIR.times


def test_a_tag_has_no_comma() -> None:
    """It would end the tag."""
    by = encoder("datadog", options=Options(attributes={"teams": "a, b"}))
    assert json.loads(framed(by, PAIR))[0]["ddtags"].startswith("teams:a__b,aws_account:")


def test_events_for_splunk() -> None:
    """The time has three decimals, and fields are texts."""
    body = framed(chosen("splunk_hec"), PAIR)
    first, second = stacked(body)
    fields = {
        "account": "111122223333",
        "region": "eu-west-1",
        "log_group": ORIGIN.group,
        "log_stream": ORIGIN.stream,
        "function": "checkout",
        "function_version": "$LATEST",
        "service": "shop",
        "team": "payments",
        "env": "prod",
    }
    constant = {
        "host": "111122223333",
        "source": ORIGIN.group,
        "sourcetype": "aws:cloudwatchlogs",
        "index": "logs-app",
    }
    told = {"id": UID, "request_id": REQUEST, "trace_id": TRACE, "severity": "ERROR"}
    assert first == constant | {
        "time": 1794470400.063,
        "event": PAIR.messages[0],
        "fields": {**fields, **told},
    }
    assert second == constant | {
        "time": 1794470401.0,
        "event": "second",
        "fields": {**fields, "id": "e2", "log_truncated": "true"},
    }
    assert b'"time":1794470400.063,' in body
    assert b'"time":1794470401.000,' in body


def test_what_splunk_is_told_to_be() -> None:
    """Source and source type as chosen; without an index the token's own."""
    by = encoder("splunk_hec", options=Options(source="shop", sourcetype="json"))
    first, _ = stacked(framed(by, PAIR))
    assert (first["source"], first["sourcetype"], "index" in first) == ("shop", "json", False)


@pytest.mark.parametrize("blank", ["", "\n", " ", "\t \r\n"])
def test_a_blank_message_does_not_make_splunk_refuse_all(blank: str) -> None:
    """It refuses events of nothing but white space, with all that stand beside them."""
    block = replace(PAIR, messages=[blank, " x\n"])
    told = [event["event"] for event in stacked(framed(chosen("splunk_hec"), block))]
    assert told == ["-", " x\n"]


def test_streams_for_loki() -> None:
    """Labels are few; what differs between events is structured metadata."""
    (stream,) = json.loads(framed(chosen("loki"), PAIR))["streams"]
    assert stream["stream"] == {
        "log_group": ORIGIN.group,
        "owner": "111122223333",
        "region": "eu-west-1",
        "service_name": "shop",
        "team": "payments",
        "env": "prod",
    }
    constant = {
        "log_stream": ORIGIN.stream,
        "function": "checkout",
        "function_version": "$LATEST",
    }
    told = {"id": UID, "level": "error", "request_id": REQUEST, "trace_id": TRACE}
    assert stream["values"] == [
        ["1794470400063000000", PAIR.messages[0], {**constant, **told}],
        ["1794470401000000000", "second", {**constant, "id": "e2", "log_truncated": "true"}],
    ]


def test_a_label_is_not_empty() -> None:
    """To Loki that would be none."""
    by = encoder("loki", options=Options(attributes={"team": ""}))
    (stream,) = json.loads(framed(by, PAIR))["streams"]
    assert set(stream["stream"]) == {"log_group", "owner", "region"}


@pytest.mark.parametrize("name", ["es_bulk", "ndjson"])
def test_the_last_line_has_an_end(name: str) -> None:
    """Without it the bulk API refuses all."""
    by = chosen(name)
    body = framed(by, PAIR)
    assert by.body(by.items(body)).splitlines(keepends=True)[-1].endswith(b"}\n")
    assert body.endswith(b"}\n")


def test_neighbours_of_one_stream_are_put_together_again() -> None:
    """A body that is made of items tells the labels of neighbours once."""
    loki, other = chosen("loki"), replace(PAIR, origin=replace(ORIGIN, group="/other"))
    items = loki.items(framed(loki, PAIR, other, PAIR))
    streams = json.loads(loki.body([*items[:2], *items[4:], *items[2:4]]))["streams"]
    assert [len(stream["values"]) for stream in streams] == [4, 2]


@given(block=BLOCKS)
def test_elasticsearch_gets_a_pair_of_lines_for_each_event(block: Block) -> None:
    """Whatever the messages and names are."""
    lines = by_line(framed(chosen("es_bulk"), block))
    assert [action["create"]["_id"] for action in lines[::2]] == block.ids
    assert [document["message"] for document in lines[1::2]] == block.messages
    assert [document["@timestamp"] for document in lines[1::2]] == block.times
    requests = [document.get("faas", {}).get("execution", "") for document in lines[1::2]]
    assert requests == block.requests
    assert [d.get("trace", {}).get("id", "") for d in lines[1::2]] == block.traces


@given(block=BLOCKS)
def test_a_line_for_each_event(block: Block) -> None:
    """Whatever the messages and names are."""
    lines = by_line(framed(chosen("ndjson"), block))
    assert [line["message"] for line in lines] == block.messages
    assert [line.get("request_id", "") for line in lines] == block.requests
    assert [line.get("trace_id", "") for line in lines] == block.traces
    assert {n for n, line in enumerate(lines) if "log_truncated" in line} == block.cut


@given(block=BLOCKS)
def test_datadog_reads_every_block(block: Block) -> None:
    """Whatever the messages and names are."""
    logs = json.loads(framed(chosen("datadog"), block))
    assert list(VALIDATORS["datadog"].iter_errors(logs)) == []
    assert [log["message"] for log in logs] == block.messages
    assert [log.get("lambda", {}).get("request_id", "") for log in logs] == block.requests
    assert [log.get("trace_id", "") for log in logs] == block.traces


@given(block=BLOCKS)
def test_splunk_reads_every_block(block: Block) -> None:
    """Whatever the messages and names are; the time is exact."""
    body = framed(chosen("splunk_hec"), block)
    events = stacked(body)
    errors = [error for event in events for error in VALIDATORS["splunk_hec"].iter_errors(event)]
    assert errors == []
    assert [event["event"] for event in events] == [m if m.strip() else "-" for m in block.messages]
    times = [json.loads(line, parse_float=Decimal)["time"] for line in body.split(b"\n")]
    assert times == [Decimal(time) / 1000 for time in block.times]
    assert [event["fields"].get("trace_id", "") for event in events] == block.traces


@given(block=BLOCKS)
def test_loki_reads_every_block(block: Block) -> None:
    """Whatever the messages and names are; the time is in nanoseconds."""
    value = json.loads(framed(chosen("loki"), block))
    assert list(VALIDATORS["loki"].iter_errors(value)) == []
    values = value["streams"][0]["values"]
    assert [line for _, line, _ in values] == block.messages
    assert [int(nanoseconds) for nanoseconds, _, _ in values] == [t * 10**6 for t in block.times]
    assert [metadata.get("request_id", "") for _, _, metadata in values] == block.requests
