"""OTLP over HTTP in JSON: opentelemetry.io/docs/specs/otlp, names of the semantic conventions.

Event ids are ``log.record.uid``: records of the same uid may be removed as duplicates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders.answers import OK, by_status, clean, parsed, said, unclear
from steward.shipping.encoders.base import Answer, Frame, Kind, Limits, Options
from steward.shipping.encoders.columns import by_mark, known, rows
from steward.shipping.encoders.cutting import shorter

TRANSIENT = frozenset({429, 502, 503, 504})
"""The only statuses that the specification allows to be retried."""

_SCOPE = b'"scope":{"name":"steward.log_shipper"}'
_TRUNCATED = {"key": "log.truncated", "value": {"boolValue": True}}
# Each begins with what ends the value before it.
_REQUEST = '"}},{"key":"faas.invocation_id","value":{"stringValue":"'
_TRACE = '","traceId":"'


def _severity(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    severity = f'"severityNumber":{level},"severityText":"{LEVELS[level]}",' if level else ""
    mark = '{"key":"log.truncated","value":{"boolValue":true}},' if cut else ""
    return f'{severity}"attributes":[{mark}'


_SEVERITY = by_mark(_severity)


@dataclass(frozen=True, slots=True)
class Otlp:
    """Logs of the OpenTelemetry protocol. Ids of traces are hexadecimal, as its JSON wants them."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "otlp"
    # 4 MiB is what gRPC servers take, which many HTTP ones stand before.
    limits: ClassVar[Limits] = Limits(4_000_000, 100_000, 1_048_576)
    frame: ClassVar[Frame] = Frame(b'{"resourceLogs":[', b",", b"]}")
    content_type: ClassVar[str] = "application/json"
    path: ClassVar[str] = "/v1/logs"

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    def encode(self, block: Block) -> bytes:
        records = ",".join(
            [
                f'{{"timeUnixNano":"{time}000000{_TRACE if trace else ""}{trace}",{_SEVERITY[mark]}'
                f'{{"key":"log.record.uid","value":{{"stringValue":"{uid}'
                f'{_REQUEST if request else ""}{request}"}}}}],'
                f'"body":{{"stringValue":"{text}"}}}}'
                for uid, time, text, mark, request, trace in rows(self.codec, block)
            ]
        )
        resource = self.codec.dumps(self._resource(block.origin))
        return b'{"resource":%b,"scopeLogs":[{%b,"logRecords":[%b]}]}' % (
            resource,
            _SCOPE,
            records.encode(),
        )

    def _resource(self, origin: Origin) -> Mapping[str, Any]:
        told = {
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda" if origin.function else "",
            "cloud.account.id": origin.owner,
            "cloud.region": origin.region,
            "faas.name": origin.function,
            "faas.version": origin.version,
            "service.name": self.options.service or origin.function,
        }
        values: dict[str, Any] = {
            name: {"stringValue": text}
            for name, text in {**self.options.attributes, **known(told)}.items()
        }
        values["aws.log.group.names"] = _one(origin.group)
        values["aws.log.stream.names"] = _one(origin.stream)
        return {"attributes": [{"key": name, "value": value} for name, value in values.items()]}

    def items(self, body: bytes) -> list[Any]:
        return [
            {"resource": group["resource"], "scope": scope["scope"], "logRecord": record}
            for group in self.codec.loads(body)["resourceLogs"]
            for scope in group["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def body(self, items: Sequence[Any]) -> bytes:
        def source(item: Any) -> Any:
            return item["resource"], item["scope"]

        groups = [
            {
                "resource": resource,
                "scopeLogs": [{"scope": scope, "logRecords": [i["logRecord"] for i in of]}],
            }
            for (resource, scope), of in groupby(items, source)
        ]
        return self.codec.dumps({"resourceLogs": groups})

    def shortened(self, item: Any, message_bytes: int) -> Any:
        record = item["logRecord"]
        message = record["body"]["stringValue"]
        text = shorter(message, message_bytes)
        if text == message:
            return item
        others = [entry for entry in record["attributes"] if entry != _TRUNCATED]
        changed = {"body": {"stringValue": text}, "attributes": [_TRUNCATED, *others]}
        return {**item, "logRecord": {**record, **changed}}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """An empty 2xx is a success; else it has to be a JSON object. Partial success does not
        tell which records were refused, and must not be repeated: all are set aside, and their
        uids tell which of them arrived."""
        if not 200 <= status < 300:
            return by_status(status, headers, said(self.codec, status, body), TRANSIENT)
        value = parsed(self.codec, body) if body.strip() else {}
        refused = _refused(value)
        if refused is None:
            return unclear(status, headers, "no answer of OTLP")
        if refused == 0:
            return OK
        reason = clean(
            f"{refused} of {count} refused: {value['partialSuccess'].get('errorMessage')}"
        )
        return Answer(Kind.OK, reason, rejected=dict.fromkeys(range(count), reason))


def _one(text: str) -> Mapping[str, Any]:
    return {"arrayValue": {"values": [{"stringValue": text}]}}


def _refused(value: Any) -> int | None:
    """How many records were not taken; None where the answer does not tell."""
    partial = (value.get("partialSuccess") or {}) if isinstance(value, dict) else None
    if not isinstance(partial, dict):
        return None
    try:
        refused = int(partial.get("rejectedLogRecords") or 0)
    except (TypeError, ValueError, OverflowError):
        return None
    return refused if refused >= 0 else None
