"""Datadog's logs intake, version 2: docs.datadoghq.com/api/latest/logs/send-logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.encoders.answers import plain
from steward.shipping.encoders.base import Answer, Frame, Limits, Oldest, Options
from steward.shipping.encoders.columns import by_mark, known, members, rows
from steward.shipping.encoders.cutting import shorter

STATUSES = {1: "debug", 5: "debug", 9: "info", 13: "warn", 17: "error", 21: "emergency"}
"""Datadog's names of severities, as its status remapper reads TRACE and FATAL."""

OLDEST = Oldest(17 * 3_600_000, itemgetter("timestamp"))
"""An hour less than the 18 after which a log is dropped at the intake ("Logs Troubleshooting")."""

_REQUEST = ',"lambda":{"request_id":"'
_END = '"}'
_TRACE = '","trace_id":"'  # begins with the quote that ends the id
_IN_A_TAG = str.maketrans(", ", "__")  # a comma would end the tag


def _mark(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    told = f',"status":"{STATUSES[level]}"' if level else ""
    return told + (',"log":{"truncated":true}' if cut else "")


_MARK = by_mark(_mark)


@dataclass(frozen=True, slots=True)
class Datadog:
    """An array of logs; what a team adds are tags."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "datadog"
    # A log of more than 1 MB, attributes included, would be cut without a mark.
    limits: ClassVar[Limits] = Limits(5_000_000, 1000, 980_000, OLDEST)
    frame: ClassVar[Frame] = Frame(b"[", b",", b"]")
    content_type: ClassVar[str] = "application/json"
    path: ClassVar[str] = "/api/v2/logs"

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"DD-API-KEY": secret}

    def encode(self, block: Block) -> bytes:
        origin = members(self.codec, self._origin(block.origin))
        return ",".join(
            [
                f'{{"timestamp":{time},"message":"{text}"'
                f',"id":"{uid}{_TRACE if trace else ""}{trace}"'
                f"{_MARK[mark]}{_REQUEST if request else ''}{request}{_END if request else ''}"
                f"{origin}}}"
                for uid, time, text, mark, request, trace in rows(self.codec, block)
            ]
        ).encode()

    def _origin(self, origin: Origin) -> Mapping[str, Any]:
        where = {"logGroup": origin.group, "logStream": origin.stream, "owner": origin.owner}
        return {
            "ddsource": self.options.source or ("lambda" if origin.function else "cloudwatch"),
            "service": self.options.service or origin.function or origin.group,
            "hostname": origin.group,
            "ddtags": self._tags(origin),
            "aws": {"awslogs": known(where)},
        }

    def _tags(self, origin: Origin) -> str:
        told = {
            "aws_account": origin.owner,
            "region": origin.region,
            "functionname": origin.function,
            "executedversion": origin.version,
        }
        tags = {**self.options.attributes, **known(told)}
        return ",".join(f"{name}:{text}".translate(_IN_A_TAG) for name, text in tags.items())

    def items(self, body: bytes) -> list[Any]:
        return list(self.codec.loads(body))

    def body(self, items: Sequence[Any]) -> bytes:
        return self.codec.dumps(list(items))

    def shortened(self, item: Any, message_bytes: int) -> Any:
        text = shorter(item["message"], message_bytes)
        same = text == item["message"]
        return item if same else {**item, "message": text, "log": {"truncated": True}}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """The intake answers 202 and nothing of single logs; any 2xx is a success, but a page."""
        return plain(self.codec, status, headers, body)
