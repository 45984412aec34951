"""Elasticsearch's and OpenSearch's bulk API, fields of the Elastic Common Schema 8.

Documents are created under their event ids: one that is there already is a 409, and arrived.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders.answers import by_status, parsed, retry_after, unclear
from steward.shipping.encoders.base import Answer, Frame, Limits, Options
from steward.shipping.encoders.columns import by_mark, known, lines, members, rows
from steward.shipping.encoders.cutting import shorter
from steward.shipping.encoders.es_answers import bulk_answer, cause

# What neither product allows in the name of an index, and what a path would need escaped.
_INDEX = re.compile(r"(?![-_+.])[a-z0-9._+-]{1,255}")
_ASKED = "errors,items.*.status,items.*.error.type,items.*.error.reason"
_TRACE = '"},"trace":{"id":"'  # begins with what ends the event's id
_END = '"}'


def _log(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    told = f'"level":"{LEVELS[level].lower()}"' if level else ""
    mark = '"truncated":true' if cut else ""
    return f',"log":{{{",".join(filter(None, (told, mark)))}}}' if told or mark else ""


_LOG = by_mark(_log)


@dataclass(frozen=True, slots=True)
class EsBulk:
    """Documents for the index or data stream that the options name. Raises BadPolicy without."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "es_bulk"
    # The smallest instances of Amazon OpenSearch Service take 10 MiB, and all others 100 MiB.
    limits: ClassVar[Limits] = Limits(8_000_000, 100_000, 1_048_576)
    frame: ClassVar[Frame] = Frame(b"", b"\n", b"\n")
    content_type: ClassVar[str] = "application/x-ndjson"

    def __post_init__(self) -> None:
        index = self.options.index
        if not _INDEX.fullmatch(index):
            allowed = "a-z, 0-9, '.', '_', '-' and '+', the latter four not first, 1 to 255 in all"
            raise BadPolicy(f"index: {index!r} names no index; allowed: {allowed}")

    @property
    def path(self) -> str:
        return f"/{self.options.index}/_bulk?filter_path={_ASKED}"

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"ApiKey {secret}"}

    def encode(self, block: Block) -> bytes:
        origin = members(self.codec, self._origin(block.origin))
        without, requested = self._function(block.origin)
        return "\n".join(
            [
                f'{{"create":{{"_id":"{uid}"}}}}\n'
                f'{{"@timestamp":{time},"message":"{text}","event":{{"id":"{uid}'
                f'{_TRACE if trace else ""}{trace}"}}{_LOG[mark]}'
                f"{requested if request else without}{request}{_END if request else ''}"
                f"{origin}}}"
                for uid, time, text, mark, request, trace in rows(self.codec, block)
            ]
        ).encode()

    def _function(self, origin: Origin) -> tuple[str, str]:
        """The member "faas" of an event without a request, and its beginning for one with it."""
        told = known({"name": origin.function, "version": origin.version})
        without = members(self.codec, {"faas": told} if told else {})
        return without, members(self.codec, {"faas": {**told, "execution": ""}})[: -len(_END)]

    def _origin(self, origin: Origin) -> Mapping[str, Any]:
        where = known({"log_group": origin.group, "log_stream": origin.stream})
        cloud: dict[str, Any] = {"provider": "aws", **known({"region": origin.region})}
        labels = {n.replace(".", "_"): text for n, text in self.options.attributes.items()}
        service = self.options.service or origin.function
        return {
            "cloud": {**cloud, **({"account": {"id": origin.owner}} if origin.owner else {})},
            "aws": {"cloudwatch": where},
            **({"service": {"name": service}} if service else {}),
            **({"labels": labels} if labels else {}),
            "ecs": {"version": "8.11.0"},
        }

    def items(self, body: bytes) -> list[Any]:
        told = lines(self.codec, body)
        pairs = zip(told[::2], told[1::2], strict=True)
        return [{"action": action, "source": source} for action, source in pairs]

    def body(self, items: Sequence[Any]) -> bytes:
        told = [item[part] for item in items for part in ("action", "source")]
        return b"\n".join([*map(self.codec.dumps, told), b""])

    def shortened(self, item: Any, message_bytes: int) -> Any:
        source = item["source"]
        text = shorter(source["message"], message_bytes)
        if text == source["message"]:
            return item
        log = {**source.get("log", {}), "truncated": True}
        return {**item, "source": {**source, "message": text, "log": log}}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """A success has to tell the result of every event, or all are sent again."""
        value = parsed(self.codec, body)
        if not 200 <= status < 300:
            return by_status(status, headers, cause(status, value))
        answer = bulk_answer(value, count, retry_after(headers))
        return answer or unclear(status, headers, "no result of every event")
