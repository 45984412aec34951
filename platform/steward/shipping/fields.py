"""What JSON lines tell in their fields, found without reading the JSON where that is certain.

Within a JSON string no quotation mark stands unescaped, so ``"level":`` in a line is a key; and if
no brace opens before it, or but one closes behind it and ends the line, it is a key at the top. Any
other line is read as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steward.shipping import platform_lines, severity
from steward.shipping.accel import Codec
from steward.shipping.layouts import NEVER, NOWHERE, Id, Layout, Place, id_in, taken, unified
from steward.shipping.platform_lines import NOTHING, Told
from steward.shipping.texts import Texts

REQUESTS = ("function_request_id", "requestId", "awsRequestId", "aws_request_id", "AWSRequestId")
"""Of Powertools; Lambda's own JSON format; pino-lambda; JSON formatters of Python; Log4j2's."""

TRACES = ("xray_trace_id", "xrayTraceId", "trace_id", "traceId")

_LEVEL_KEYS, _REQUEST_KEYS, _TRACE_KEYS = (
    tuple(f'"{name}":' for name in names) for names in (severity.KEYS, REQUESTS, TRACES)
)

# What the keys have in common: less to look for in a record than keys.
_LEVEL_PARTS = ("level", "severity")
_REQUEST_PARTS = ("equestId", "request_id")
_TRACE_PARTS = ("race",)

_WORD = 11  # characters: of the words for a level nearly the longest, and what stands around it
_BEGINNING = 6  # characters that tell Lambda's own lines, which begin with a time, from others


class _Family:
    """Keys that mean the same, the one that counts first in front."""

    __slots__ = ("_parts", "_whole", "keys")

    def __init__(self, keys: Sequence[str], parts: Sequence[str]) -> None:
        self.keys = keys
        self._parts = parts
        self._whole = True

    def seek(self, text: str, start: int, messages: Texts) -> Place | None:
        """The first of the keys that the JSON object from ``start`` on has, with its value;
        NOWHERE if it has none, None if that is uncertain."""
        for key in self.keys:
            at = text.find(key, start)
            if at >= 0:
                return None if _nested(text, start, at) else taken(text, at, key)
            if self._whole:
                self._narrow(messages)
                return self.seek(text, start, messages)
        return NOWHERE

    def _narrow(self, messages: Texts) -> None:
        """Forget the keys that certainly stand nowhere in the record."""
        parts = [part for part in self._parts if part in messages.whole]
        self.keys = [key for key in self.keys if any(part in key for part in parts)]
        self._whole = False


def _nested(text: str, start: int, at: int) -> bool:
    """Whether what stands at ``at`` may be deeper than the top of the object from ``start`` on."""
    return text.find("{", start + 1, at) >= 0 and not _closed_once(text, at)


def _any_nested(text: str, *places: int) -> bool:
    return any(_nested(text, 0, place) for place in places)


def _closed_once(text: str, at: int) -> bool:
    """Whether but one brace closes behind what stands at ``at``, and ends the line."""
    return text.find("}", at) == len(text.rstrip()) - 1


CHANCES = 4
"""Layouts that are remembered of one record: after so many its lines are not like each other, and
remembering costs more than it saves."""


class Fields:
    """Finds the fields of one record's JSON lines.

    Most lines are like one before them: their level stands at the same place, request and trace
    behind the same keys, and mostly they are the same. ``layout``, ``levels`` and ``tail`` tell by
    what such a line is known; ``told`` reads any line, and remembers its layout if others may have
    it.
    """

    __slots__ = (
        "_chances",
        "_codec",
        "_end",
        "_families",
        "_messages",
        "_rest",
        "layout",
        "levels",
        "tail",
    )

    def __init__(self, codec: Codec, messages: Texts) -> None:
        self._chances = CHANCES
        self._codec = codec
        self._messages = messages
        self._families = (
            _Family(_LEVEL_KEYS, _LEVEL_PARTS),
            _Family(_REQUEST_KEYS, _REQUEST_PARTS),
            _Family(_TRACE_KEYS, _TRACE_PARTS),
        )
        self.layout = Layout()
        self.levels: dict[str, int] = {}
        """Severity numbers by what stands where the layout says."""
        self.tail = ""
        """With which a line ends whose second id is that of the line before."""
        self._end = NEVER
        """What of it stands behind the id."""
        self._rest = 0
        """Its characters."""

    def level(self, text: str, start: int) -> int:
        """The severity number of the JSON object that begins at ``start``."""
        levels = self._families[0]
        if not levels.keys:
            return 0
        found = levels.seek(text, start, self._messages)
        return self.parsed(text, start)[0] if found is None else severity.number(found.value)

    def told(self, text: str) -> Told:
        """What a line tells that is a JSON object: Lambda's own, or a logger's."""
        if text[2:6] == "time" and (platform := platform_lines.told(text)):
            return platform
        if found := self._like_the_last(text) or self._like_others(text):
            return found
        level, request, trace = (family.seek(text, 0, self._messages) for family in self._families)
        if level is None or request is None or trace is None:
            return self.parsed(text)
        number = severity.number(level.value)
        if self._chances and self._ids_remembered(text, request, trace):
            self._chances -= 1
            self._remember_level(text, level, number)
        return number, request.value, unified(trace.value), NOTHING

    def _like_the_last(self, text: str) -> Told | None:
        """What a line tells of another invocation than the last one like it; None if there is more
        about it that is new."""
        begin, end, least, lead, follower, ids = self.layout
        level = self.levels.get(text[begin:end], -1)
        if level < 0:
            level = self._other_level(text)
        at = text.find(lead.prefix, least)
        after = len(text) - self._rest
        if (
            level < 0
            or at < 0
            or not text.endswith(self._end)
            or not text.startswith(follower.prefix, after)
            or text.find("{", 1, at if at > begin else begin) >= 0
            or not (lead.read(text, at) and follower.read(text, after))
        ):
            return None
        self.tail = text[after:]
        return level, ids[0].value, ids[1].value, NOTHING

    def _like_others(self, text: str) -> Told | None:
        """What a line tells that is laid out like one before; None if it is not."""
        begin, end, least, lead, follower, ids = self.layout
        level = self.levels.get(text[begin:end], -1)
        if level < 0:
            level = self._other_level(text)
        at = text.find(lead.prefix, least) if level >= 0 else -1
        if at < 0 or not lead.read(text, at):
            return None
        after, closed = self._followed(text, follower) if follower.prefix else (at, False)
        if after < at:
            return None
        brace = text.find("{", 1, max(begin, at if closed else after))
        if brace >= 0 and _any_nested(text, begin, at, after):
            return self.parsed(text)
        return level, ids[0].value, ids[1].value, NOTHING

    def _followed(self, text: str, follower: Id) -> tuple[int, bool]:
        """Where the second id stands, -1 if it does not, and whether but one brace closes behind
        it and ends the line: then others may end so."""
        after = text.rfind(follower.prefix)
        if after < 0 or not follower.read(text, after):
            return -1, False
        closed = _closed_once(text, after)
        self.tail = text[after:] if closed else NEVER
        self._rest = len(text) - after
        self._end = text[after + len(follower.written) :] if closed else NEVER
        return after, closed

    def _other_level(self, text: str) -> int:
        """The severity number where the layout says that the level stands, -1 if it does not."""
        begin, end = self.layout[:2]
        keys = self._families[0].keys
        if not keys or not text.startswith(keys[0], begin):
            return -1
        place = taken(text, begin, keys[0])
        if not 0 < place.end <= end:
            return -1
        level = self.levels[text[begin:end]] = severity.number(place.value)
        return level

    def _remember_level(self, text: str, place: Place, number: int) -> None:
        keys = self._families[0].keys
        begin, end = place.at, place.at + len(place.key) + _WORD
        if not keys and text[2:6] != "time":  # with which Lambda's own lines begin
            begin, end = 0, _BEGINNING
        elif not keys or place.key != keys[0] or not 0 < place.end <= end:
            return
        self.layout = Layout(begin, end, *self.layout[2:])
        self.levels[text[begin:end]] = number

    def _ids_remembered(self, text: str, request: Place, trace: Place) -> bool:
        """Whether a line has all the ids that lines of the record may have, and whole; then it is
        remembered where."""
        told = [place for place in (request, trace) if place.key]
        wanted = [family.keys[0] for family in self._families[1:] if family.keys]
        if [place.key for place in told] != wanted or any(place.end < 0 for place in told):
            return False
        ids = id_in(text, request), id_in(text, trace)
        if not (ids[0].read(text, request.at) and ids[1].read(text, trace.at)):
            return False
        trace_leads = trace.at >= 0 and not 0 <= request.at < trace.at
        first = trace if trace_leads else request
        lead, follower = ids[::-1] if trace_leads else ids
        least = max(0, first.at) * 3 // 4  # messages before it are of different lengths
        self.layout = Layout(*self.layout[:2], least, lead, follower, ids)
        self.tail, self._end, self._rest = "", "", 0
        if follower.prefix:
            self._followed(text, follower)
        return True

    def parsed(self, text: str, start: int = 0) -> Told:
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


def _first(document: dict[str, Any], names: Sequence[str]) -> str:
    found = next((document[name] for name in names if name in document), "")
    return found if isinstance(found, str) else ""
