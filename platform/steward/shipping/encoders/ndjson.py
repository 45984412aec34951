"""One JSON object on each line, under plain names: what most services take that index JSON.

Among them are Logz.io, Axiom, Better Stack, Sumo Logic, OpenObserve, VictoriaLogs, ClickHouse's
JSONEachRow and CloudWatch Logs' /ingest/bulk, which reads ``timestamp`` as we write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders.answers import plain
from steward.shipping.encoders.base import Answer, Frame, Limits, Options
from steward.shipping.encoders.columns import by_mark, known, lines, members, rows
from steward.shipping.encoders.cutting import shorter

OWN = frozenset(
    {"timestamp", "id", "message", "level", "log_truncated", "request_id", "trace_id"}
    | {"account", "region", "log_group", "log_stream", "function", "function_version", "service"}
)
"""The names under which every line tells what it knows."""

# Each begins with the quote that ends what stands before it.
_REQUEST = '","request_id":"'
_TRACE = '","trace_id":"'


def _mark(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    told = f',"level":"{LEVELS[level]}"' if level else ""
    return told + (',"log_truncated":true' if cut else "")


_MARK = by_mark(_mark)


@dataclass(frozen=True, slots=True)
class Ndjson:
    """Lines of JSON. The URL has its own path, and often what else the service wants to know."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "ndjson"
    # Half of the 10 MB that Logz.io takes, the least of the services above.
    limits: ClassVar[Limits] = Limits(5_000_000, 100_000, 1_048_576)
    frame: ClassVar[Frame] = Frame(b"", b"\n", b"\n")
    content_type: ClassVar[str] = "application/x-ndjson"
    path: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if taken := sorted(OWN & self.options.attributes.keys()):
            raise BadPolicy(f"attributes: {taken[0]!r} is told anyway; allowed: any other name")

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    def encode(self, block: Block) -> bytes:
        origin = members(self.codec, self._origin(block.origin))
        return "\n".join(
            [
                f'{{"timestamp":{time},"message":"{text}"'
                f',"id":"{uid}{_REQUEST if request else ""}{request}'
                f'{_TRACE if trace else ""}{trace}"{_MARK[mark]}{origin}}}'
                for uid, time, text, mark, request, trace in rows(self.codec, block)
            ]
        ).encode()

    def _origin(self, origin: Origin) -> Mapping[str, str]:
        told = {
            "account": origin.owner,
            "region": origin.region,
            "log_group": origin.group,
            "log_stream": origin.stream,
            "function": origin.function,
            "function_version": origin.version,
            "service": self.options.service,
        }
        return {**known(told), **self.options.attributes}

    def items(self, body: bytes) -> list[Any]:
        return lines(self.codec, body)

    def body(self, items: Sequence[Any]) -> bytes:
        return b"\n".join([*map(self.codec.dumps, items), b""])

    def shortened(self, item: Any, message_bytes: int) -> Any:
        text = shorter(item["message"], message_bytes)
        same = text == item["message"]
        return item if same else {**item, "message": text, "log_truncated": True}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """Any 2xx is a success, but for a page: what else is in it is each service's own."""
        return plain(self.codec, status, headers, body)
