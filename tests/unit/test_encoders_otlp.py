"""OTLP's JSON as the protocol's own messages read it."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # has no stubs here
from hypothesis import given
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from steward.shipping.block import LEVELS, Block
from steward.shipping.encoders.base import Options
from tests.blocks import BLOCKS, ORIGIN, PAIR, REQUEST, TRACE, UID, encoder, framed

OTLP = encoder("otlp", options=Options(service="shop", attributes={"team": "payments"}))


def read(body: bytes) -> ExportLogsServiceRequest:
    """The body as a request. Protobuf's JSON has bytes in base64, OTLP's has ids of traces in
    hexadecimal (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding")."""
    value = json.loads(body)
    for record in records(value):
        if "traceId" in record:
            record["traceId"] = base64.b64encode(bytes.fromhex(record["traceId"])).decode()
    return json_format.Parse(json.dumps(value), ExportLogsServiceRequest())  # type: ignore[no-any-return]  # has no stubs here


def records(value: Any) -> list[Any]:
    """The records of a body's JSON."""
    return [
        record
        for resource in value["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def texts(attributes: Any) -> dict[str, Any]:
    """Attributes by their keys, each at most once."""
    found = {entry.key: _value(entry) for entry in attributes}
    assert len(found) == len(attributes)
    return found


def _value(entry: KeyValue) -> Any:
    kind = entry.value.WhichOneof("value")
    if kind == "array_value":
        return [value.string_value for value in entry.value.array_value.values]
    return getattr(entry.value, str(kind))


def test_an_event_becomes_a_record() -> None:
    """Time, severity, body, ids of request and trace stand where OTLP has them."""
    first, second = read(framed(OTLP, PAIR)).resource_logs[0].scope_logs[0].log_records
    assert first.time_unix_nano == 1794470400063000000
    assert (first.severity_number, first.severity_text) == (17, "ERROR")
    assert first.body.string_value == PAIR.messages[0]
    assert first.trace_id.hex() == TRACE
    assert texts(first.attributes) == {"log.record.uid": UID, "faas.invocation_id": REQUEST}
    assert (second.severity_number, second.severity_text, second.trace_id) == (0, "", b"")
    assert texts(second.attributes) == {"log.record.uid": "e2", "log.truncated": True}


def test_ids_of_traces_are_hexadecimal() -> None:
    """Not base64, which protobuf's JSON would have."""
    assert records(json.loads(framed(OTLP, PAIR)))[0]["traceId"] == TRACE


def test_the_origin_becomes_the_resource() -> None:
    """Under the names of the semantic conventions, told once for a block."""
    groups = read(framed(OTLP, PAIR, PAIR)).resource_logs
    assert len(groups) == 2
    assert texts(groups[0].resource.attributes) == {
        "team": "payments",
        "cloud.provider": "aws",
        "cloud.platform": "aws_lambda",
        "cloud.account.id": "111122223333",
        "cloud.region": "eu-west-1",
        "faas.name": "checkout",
        "faas.version": "$LATEST",
        "service.name": "shop",
        "aws.log.group.names": [ORIGIN.group],
        "aws.log.stream.names": [ORIGIN.stream],
    }


def test_what_is_known_is_not_overwritten() -> None:
    """An attribute of a team does not hide where events come from."""
    forged = encoder("otlp", options=Options(attributes={"cloud.account.id": "1", "x": "y"}))
    attributes = texts(read(framed(forged, PAIR)).resource_logs[0].resource.attributes)
    assert (attributes["cloud.account.id"], attributes["x"]) == ("111122223333", "y")


@given(block=BLOCKS)
def test_protobuf_reads_every_block(block: Block) -> None:
    """Whatever the messages and names are."""
    (group,) = read(framed(OTLP, block)).resource_logs
    found = group.scope_logs[0].log_records
    assert [record.body.string_value for record in found] == block.messages
    assert [record.time_unix_nano for record in found] == [t * 10**6 for t in block.times]
    assert [record.severity_number for record in found] == block.levels
    assert [record.severity_text for record in found] == [LEVELS.get(n, "") for n in block.levels]
    assert [record.trace_id.hex() for record in found] == block.traces
    attributes = [texts(record.attributes) for record in found]
    assert [each["log.record.uid"] for each in attributes] == block.ids
    assert [each.get("faas.invocation_id", "") for each in attributes] == block.requests
    assert {n for n, each in enumerate(attributes) if "log.truncated" in each} == block.cut


def test_records_of_one_resource_are_put_together_again() -> None:
    """A body that is made of records tells a resource once, as long as they are neighbours."""
    items = OTLP.items(framed(OTLP, PAIR, PAIR))
    assert len(items) == 4
    again = read(OTLP.body(items)).resource_logs
    assert [len(group.scope_logs[0].log_records) for group in again] == [4]
