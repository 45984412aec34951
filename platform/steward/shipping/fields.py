"""What JSON lines tell in their fields, found without reading the JSON where that is certain.

Within a JSON string no quotation mark stands unescaped, so ``"level":`` in a line is a key; and if
no brace opens before it, it is a key at the top of the line. Any other line is read as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from steward.shipping import platform_lines, severity
from steward.shipping.accel import Codec
from steward.shipping.platform_lines import NOTHING, Told

REQUESTS = ("function_request_id", "requestId", "awsRequestId", "aws_request_id", "AWSRequestId")
"""Of Powertools; Lambda's own JSON format; pino-lambda; JSON formatters of Python; Log4j2's."""

TRACES = ("xray_trace_id", "xrayTraceId", "trace_id", "traceId")

# What the keys have in common: less to look for in a record than keys.
_LEVEL_PARTS = ("level", "severity")
_REQUEST_PARTS = ("equestId", "request_id")
_TRACE_PARTS = ("race",)

_FIRST = 24  # characters: the longest key of a level, the longest word, and what ends it

_NEVER = "\0"  # stands in no JSON text

T = TypeVar("T")


class _Family(Generic[T]):
    """Keys that mean the same, the one that counts first in front; and what it told last."""

    __slots__ = ("_made", "_parts", "_whole", "at", "key", "keys", "last", "value")

    def __init__(
        self, names: Sequence[str], parts: Sequence[str], made: Callable[[str], T]
    ) -> None:
        self.keys = [f'"{name}":' for name in names]
        self._parts = parts
        self._made = made
        self._whole = True
        self.key = self.keys[0]
        """The first of them; where the record has none, "", which is found everywhere."""
        self.at = 0
        """Where that stood last."""
        self.last = _NEVER
        """It with its last value and the character after that."""
        self.value = made("")

    def seek(self, text: str, start: int, messages: Sequence[str]) -> T | None:
        """The value of the first of the keys that a JSON object has, None if that is uncertain."""
        for key in self.keys:
            at = text.find(key, start)
            if at >= 0:
                if text.find("{", start + 1, at) >= 0:
                    return None
                return self.take(text, at, key)
            if self._whole:
                self._narrow(messages)
                return self.seek(text, start, messages)
        return self._made("")

    def _narrow(self, messages: Sequence[str]) -> None:
        """Forget the keys that certainly stand nowhere in the record."""
        joined = "\n".join(messages)
        parts = [part for part in self._parts if part in joined]
        self.keys = [key for key in self.keys if any(part in key for part in parts)]
        self._whole = False
        if self.keys:
            self.key = self.keys[0]
        else:
            self.key = self.last = ""

    def take(self, text: str, at: int, key: str) -> T:
        """The value after the key at ``at``: a string without its quotes, digits of a number."""
        start = at + len(key)
        start += text[start : start + 1] == " "
        if text[start : start + 1] == '"':
            start += 1
            end = text.find('"', start)
        else:
            end = start
            while text[end : end + 1].isdecimal():
                end += 1
        value = self._made(text[start:end])
        if key is self.key and end > 0:
            self.at, self.value, self.last = at, value, text[at : end + 1]
        return value


class Fields:
    """Finds the fields of one record's lines, whose keys usually stand in the same order."""

    __slots__ = ("_codec", "_distance", "_families", "_known", "_messages")

    def __init__(self, codec: Codec, messages: Sequence[str]) -> None:
        self._codec = codec
        self._messages = messages
        self._families = (
            _Family[int](severity.KEYS, _LEVEL_PARTS, severity.number),
            _Family[str](REQUESTS, _REQUEST_PARTS, str),
            _Family[str](TRACES, _TRACE_PARTS, unified),
        )
        self._distance = 0  # from the key of a request id to that of a trace id
        self._known: dict[str, int] = {}  # severity numbers by their key and what follows it

    def level(self, text: str, start: int) -> int:
        """The severity number of the JSON object that begins at ``start``."""
        levels = self._families[0]
        if not levels.keys:
            return 0
        found = levels.seek(text, start, self._messages)
        return self._parsed(text, start)[0] if found is None else found

    def told(self, text: str) -> Told:  # noqa: C901  # of all code of the shipper it runs most
        """What a line tells that is a JSON object: Lambda's own, or a logger's, of which most have
        the first of the keys where the line before had them."""
        if text[2:6] == "time" and (platform := platform_lines.told(text)):
            return platform
        levels, requests, traces = self._families
        first, level = levels.at, 0
        if levels.key:
            if not text.startswith(levels.key, first) and (first := text.find(levels.key)) < 0:
                return self._sought(text)
            told = text[first : first + _FIRST]
            level = self._known.get(told, -1)
            if level < 0:
                level = self._known[told] = levels.take(text, first, levels.key)
        at = text.find(requests.key)
        if not text.startswith(requests.last, at):
            if at < 0:
                return self._sought(text)
            requests.take(text, at, requests.key)
        end = at + self._distance
        if not text.startswith(traces.last, end):
            if (end := text.find(traces.key)) < 0:
                return self._sought(text)
            self._distance = end - at
            traces.take(text, end, traces.key)
        if text.find("{", 1, end if first < at < end else max(first, at, end)) >= 0:
            return self._parsed(text, 0)
        return level, requests.value, traces.value, NOTHING

    def _sought(self, text: str) -> Told:
        """The same for any JSON object."""
        levels, requests, traces = self._families
        level = levels.seek(text, 0, self._messages)
        request = requests.seek(text, 0, self._messages)
        trace = traces.seek(text, 0, self._messages)
        if level is None or request is None or trace is None:
            return self._parsed(text, 0)
        return level, request, trace, NOTHING

    def _parsed(self, text: str, start: int) -> Told:
        """The same from the JSON; what is no JSON, cut for instance, tells nothing."""
        document = parsed(self._codec, text, start)
        levels = severity.tellings(document)
        request, trace = _first(document, REQUESTS), _first(document, TRACES)
        level = severity.number(levels[0]) if levels else 0
        return level, request, unified(trace), NOTHING


def parsed(codec: Codec, text: str, start: int = 0) -> dict[str, Any]:
    """The JSON object that a text is from ``start`` on; empty if it is none."""
    try:
        found = codec.loads(text[start:].encode())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def unified(trace: str) -> str:
    """An X-Ray trace id as 32 hexadecimal digits; others as they are."""
    return trace[2:10] + trace[11:] if trace[:2] == "1-" and trace[10:11] == "-" else trace


def _first(document: dict[str, Any], names: Sequence[str]) -> str:
    found = next((document[name] for name in names if name in document), "")
    return found if isinstance(found, str) else ""
