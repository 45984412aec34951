"""Splunk's HTTP Event Collector: help.splunk.com, "Format events for HTTP Event Collector"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders.answers import (
    OK,
    by_status,
    clean,
    parsed,
    retry_after,
    said,
    unclear,
)
from steward.shipping.encoders.base import Answer, Frame, Kind, Limits, Options
from steward.shipping.encoders.columns import by_mark, known, lines, members, rows
from steward.shipping.encoders.cutting import shorter

# The collector's codes; 24 and 25 come with 200, when its queue is nearly full.
SUCCESS = frozenset({0, 24, 25})
BUSY = frozenset({8, 9, 18, 19, 20, 23, 26, 27})
MISCONFIGURED = frozenset({1, 2, 3, 4, 7, 10, 11, 14, 16, 21, 22})
"""Of the token; 7: of the index; 10, 11, 14: of acknowledgements, which the token must not want."""
OF_ONE_EVENT = frozenset({6, 12, 13, 15})
"""With them comes the place of the first event that is refused."""

BLANK = "-"
"""In place of a message of nothing but white space, with which the collector would refuse all of
the request (code 13)."""

OWN = frozenset(
    {"id", "severity", "log_truncated", "request_id", "trace_id", "account", "region"}
    | {"log_group", "log_stream", "function", "function_version", "service"}
)
"""The fields that tell what is known anyway."""

_MILLIS = [f".{millis:03d}" for millis in range(1000)]
# Each begins with the quote that ends what stands before it.
_REQUEST = '","request_id":"'
_TRACE = '","trace_id":"'


def _mark(level: int, cut: bool) -> str:  # noqa: FBT001  # called by by_mark only
    told = f',"severity":"{LEVELS[level]}"' if level else ""
    return told + (',"log_truncated":"true"' if cut else "")


_MARK = by_mark(_mark)


@dataclass(frozen=True, slots=True)
class SplunkHec:
    """Events with indexed fields, all of which are texts."""

    codec: Codec
    options: Options = field(default_factory=Options)

    name: ClassVar[str] = "splunk_hec"
    # Splunk Cloud Platform wants no more than 1 MB at once; Splunk Enterprise takes 800 MB.
    limits: ClassVar[Limits] = Limits(1_000_000, 100_000, 900_000)
    frame: ClassVar[Frame] = Frame(b"", b"\n", b"")
    content_type: ClassVar[str] = "application/json"
    path: ClassVar[str] = "/services/collector/event"

    def __post_init__(self) -> None:
        if taken := sorted(OWN & self.options.attributes.keys()):
            raise BadPolicy(f"attributes: {taken[0]!r} is told anyway; allowed: any other name")

    def credentials(self, secret: str) -> Mapping[str, str]:
        return {"Authorization": f"Splunk {secret}"}

    def encode(self, block: Block) -> bytes:
        metadata = members(self.codec, self._metadata(block.origin))
        fields = members(self.codec, self._fields(block.origin))
        return "\n".join(
            [
                f'{{"time":{time // 1000}{_MILLIS[time % 1000]},"event":"{text or BLANK}"{metadata}'
                f',"fields":{{"id":"{uid}{_REQUEST if request else ""}{request}'
                f'{_TRACE if trace else ""}{trace}"{_MARK[mark]}{fields}}}}}'
                for uid, time, text, mark, request, trace in rows(self.codec, _visible(block))
            ]
        ).encode()

    def _metadata(self, origin: Origin) -> Mapping[str, str]:
        told = {
            "host": origin.owner,
            "source": self.options.source or origin.group,
            "sourcetype": self.options.sourcetype or "aws:cloudwatchlogs",
            "index": self.options.index,
        }
        return known(told)

    def _fields(self, origin: Origin) -> Mapping[str, str]:
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
        return b"\n".join(map(self.codec.dumps, items))

    def shortened(self, item: Any, message_bytes: int) -> Any:
        text = shorter(item["event"], message_bytes)
        if text == item["event"]:
            return item
        return {**item, "event": text, "fields": {**item["fields"], "log_truncated": "true"}}

    def judge(self, status: int, headers: Mapping[str, str], body: bytes, count: int) -> Answer:
        """The code decides where the collector tells one, else the status; a success without its
        code comes from something else, and is none."""
        value = parsed(self.codec, body)
        code = _number(value, "code")
        reason = said(self.codec, status, body)
        reason = reason if code is None else clean(f"code {code}, {reason}")
        if 200 <= status < 300:
            return OK if code in SUCCESS else unclear(status, headers, "no code of success")
        if code in BUSY:
            return Answer(Kind.RETRY, reason, retry_after(headers))
        if code in MISCONFIGURED:
            return Answer(Kind.CONFIGURE, reason)
        place = _number(value, "invalid-event-number")
        if code in OF_ONE_EVENT and count > 1 and place is not None and 0 <= place < count:
            return Answer(Kind.REJECT, reason, rejected={place: reason})
        return by_status(status, headers, reason)


def _visible(block: Block) -> Block:
    if not any(map(str.isspace, block.messages)):
        return block
    return replace(block, messages=[BLANK if m.isspace() else m for m in block.messages])


def _number(value: Any, name: str) -> int | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if type(found) is int else None
