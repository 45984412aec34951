"""Grafana Loki's push API: grafana.com/docs/loki/latest/reference/loki-http-api.

What many events share is a label, as few as identify where they come from: each set of values is
a stream of its own. All else is structured metadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, ClassVar

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders.answers import plain
from steward.shipping.encoders.base import Answer, Frame, Limits, Options
from steward.shipping.encoders.columns import by_mark, known, members, rows
from steward.shipping.encoders.cutting import shorter

MOST_ATTRIBUTES = 11
"""Loki takes 15 labels; four are ours."""

_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
# Each begins with the quote that ends what stands before it.
_REQUEST = '","request_id":"'
_TRACE = '","trace_id":"'


def _mark(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    told = f',"level":"{LEVELS[level].lower()}"' if level else ""
    return told + (',"log_truncated":"true"' if cut else "")


_MARK = by_mark(_mark)


@dataclass(frozen=True, slots=True)
class Loki:
    """Streams of lines. Raises BadPolicy for attributes that cannot be labels."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "loki"
    # Below the 4 MiB that a gRPC message between Loki's parts has at most, in which the same is
    # shorter than in JSON, and the burst of 6 MB; lines have 256 KB at most.
    limits: ClassVar[Limits] = Limits(4_000_000, 100_000, 256_000)
    frame: ClassVar[Frame] = Frame(b'{"streams":[', b",", b"]}")
    content_type: ClassVar[str] = "application/json"
    path: ClassVar[str] = "/loki/api/v1/push"

    def __post_init__(self) -> None:
        attributes = self.options.attributes
        if len(attributes) > MOST_ATTRIBUTES:
            raise BadPolicy(f"attributes: {len(attributes)}; allowed: {MOST_ATTRIBUTES}")
        for name in attributes:
            if not _LABEL.fullmatch(name):
                raise BadPolicy(
                    f"attributes: {name!r} is no label; allowed: letters, digits, '_', "
                    "no digit and no '__' first"
                )

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    def encode(self, block: Block) -> bytes:
        labels = self.codec.dumps(self._labels(block.origin)).decode()
        metadata = members(self.codec, self._metadata(block.origin))
        values = ",".join(
            [
                f'["{time}000000","{text}",{{"id":"{uid}{_REQUEST if request else ""}{request}'
                f'{_TRACE if trace else ""}{trace}"{_MARK[mark]}{metadata}}}]'
                for uid, time, text, mark, request, trace in rows(self.codec, block)
            ]
        )
        return f'{{"stream":{labels},"values":[{values}]}}'.encode()

    def _labels(self, origin: Origin) -> Mapping[str, str]:
        told = {
            "log_group": origin.group,
            "owner": origin.owner,
            "region": origin.region,
            "service_name": self.options.service,
        }
        return {**known(self.options.attributes), **known(told)}

    def _metadata(self, origin: Origin) -> Mapping[str, str]:
        told = {
            "log_stream": origin.stream,
            "function": origin.function,
            "function_version": origin.version,
        }
        return known(told)

    def items(self, body: bytes) -> list[Any]:
        return [
            {"stream": stream["stream"], "value": value}
            for stream in self.codec.loads(body)["streams"]
            for value in stream["values"]
        ]

    def body(self, items: Sequence[Any]) -> bytes:
        streams = [
            {"stream": labels, "values": [item["value"] for item in of]}
            for labels, of in groupby(items, itemgetter("stream"))
        ]
        return self.codec.dumps({"streams": streams})

    def shortened(self, item: Any, message_bytes: int) -> Any:
        time, message, metadata = item["value"]
        text = shorter(message, message_bytes)
        if text == message:
            return item
        return {**item, "value": [time, text, {**metadata, "log_truncated": "true"}]}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """Loki answers 204; any 2xx is a success, but a page. A 400 comes when some lines were
        refused, too old or too many labels, though it took the others: all are set aside."""
        return plain(self.codec, status, headers, body)
