"""What JSON lines tell in their fields, found without reading the JSON where that is certain.

Within a JSON string no quotation mark stands unescaped, so ``"level":`` in a line is a key; and if
no brace opens before it, or but one closes behind it, it is a key at the top of the line. Any other
line is read as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from steward.shipping import platform_lines, severity
from steward.shipping.accel import Codec
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

_NEVER = "\0"  # stands in no JSON text


class _Place(NamedTuple):
    """Where a key stands in a line, and its value: a string without quotes, a number's digits."""

    key: str = ""
    at: int = -1
    end: int = -1
    """The place after the character that ends the value, -1 if there is none."""
    value: str = ""


_NOWHERE = _Place()
_at = attrgetter("at")


class _Family:
    """Keys that mean the same, the one that counts first in front."""

    __slots__ = ("_parts", "_whole", "keys")

    def __init__(self, keys: Sequence[str], parts: Sequence[str]) -> None:
        self.keys = keys
        self._parts = parts
        self._whole = True

    def seek(self, text: str, start: int, messages: Texts) -> _Place | None:
        """The first of the keys that the JSON object from ``start`` on has, with its value;
        _NOWHERE if it has none, None if that is uncertain."""
        for key in self.keys:
            at = text.find(key, start)
            if at >= 0:
                return None if _nested(text, start, at) else _taken(text, at, key)
            if self._whole:
                self._narrow(messages)
                return self.seek(text, start, messages)
        return _NOWHERE

    def _narrow(self, messages: Texts) -> None:
        """Forget the keys that certainly stand nowhere in the record."""
        parts = [part for part in self._parts if part in messages.whole]
        self.keys = [key for key in self.keys if any(part in key for part in parts)]
        self._whole = False


def _nested(text: str, start: int, at: int) -> bool:
    """Whether what stands at ``at`` may be deeper than the top of the object from ``start`` on: a
    brace opens before it, and more than the last one closes behind it."""
    opened = text.find("{", start + 1, at) >= 0
    return opened and text.find("}", at) != text.rfind("}")


def _nested_one(text: str, level: int, lead: int, follower: int) -> bool:
    """Whether one of three keys may be deeper than the top, by the same certainties."""
    brace = text.find("{", 1)
    return brace < level or brace < lead or text.find("}", follower) != text.rfind("}")


def _taken(text: str, at: int, key: str) -> _Place:
    """The key at ``at`` and its value, "" if that has no end."""
    start = at + len(key)
    if text[start : start + 1] == " ":
        start += 1
    if text[start : start + 1] == '"':
        start += 1
        end = text.find('"', start)
        return _Place(key, at, end + 1, text[start:end]) if end > 0 else _Place(key, at)
    end = start
    while text[end : end + 1].isdecimal():
        end += 1
    return _Place(key, at, end + 1, text[start:end]) if end < len(text) else _Place(key, at)


class _Id:
    """An id where a line before had one: behind the same text, and as long. If it is one of X-Ray,
    ``1-5759e988-bd862e3fe1be46a994272793``, its value is the 32 digits."""

    __slots__ = ("_dash", "_size", "prefix", "value", "written")

    def __init__(self, prefix: str = "", size: int = 0, dash: int = 0) -> None:
        self.prefix = prefix
        """What stands before the id: its key, a quotation mark, the version of an X-Ray id."""
        self.written = _NEVER if prefix else ""
        """Prefix, id and quotation mark, as they stood in the last line."""
        self.value = ""
        self._size = size
        self._dash = dash

    def read(self, text: str, at: int) -> bool:
        """Whether behind the prefix at ``at`` an id stands as before; then it is the last one.
        True for no id."""
        if not self.prefix:
            return True
        start = at + len(self.prefix)
        end = start + self._size
        value = text[start:end]
        if self._dash:
            if value[self._dash : self._dash + 1] != "-":
                return False
            value = value[: self._dash] + value[self._dash + 1 :]
        if text[end : end + 1] != '"':
            return False
        self.value, self.written = value, text[at : end + 1]
        return True


def _id(text: str, place: _Place) -> _Id:
    """What finds ids like that in other lines."""
    prefix = text[place.at : place.end - 1 - len(place.value)] if place.key else ""
    if place.key in _TRACE_KEYS and unified(place.value) != place.value:
        return _Id(prefix + "1-", len(place.value) - 2, 8)
    return _Id(prefix, len(place.value))


class Layout(NamedTuple):
    """Where most JSON lines of a record have what they tell."""

    begin: int = 0
    end: int = 0
    """Between them stands the level, or what lines begin with."""
    least: int = 0
    """Where to begin to look for an id."""
    lead: _Id = _Id()
    follower: _Id = _Id()
    """The ids in the order in which they stand; a second one is looked for from the end."""
    ids: tuple[_Id, _Id] = (_Id(), _Id())
    """The same two: request and trace."""


CHANCES = 4
"""Layouts that are remembered of one record: after so many its lines are not like each other, and
remembering costs more than it saves."""


class Fields:
    """Finds the fields of one record's JSON lines.

    Most lines are like one before them: their level stands at the same place, request and trace
    behind the same keys. ``layout`` and ``levels`` tell by what such a
    line is known; ``told`` reads any line, and remembers its layout if others may have it.
    """

    __slots__ = ("_chances", "_codec", "_families", "_messages", "layout", "levels", "tail")

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
        if found := self._like_others(text):
            return found
        level, request, trace = (family.seek(text, 0, self._messages) for family in self._families)
        if level is None or request is None or trace is None:
            return self.parsed(text)
        number = severity.number(level.value)
        if self._chances and self._ids_remembered(text, request, trace):
            self._chances -= 1
            self._remember_level(text, level, number)
        return number, request.value, unified(trace.value), NOTHING

    def _like_others(self, text: str) -> Told | None:
        """What a line tells that is laid out like one before; None if it is not."""
        begin, end, least, lead, follower, ids = self.layout
        level = self.levels.get(text[begin:end], -1)
        if level < 0:
            level = self._other_level(text)
        at = text.find(lead.prefix, least) if level >= 0 else -1
        after = text.rfind(follower.prefix) if follower.prefix else at
        if at < 0 or after < at or not (lead.read(text, at) and follower.read(text, after)):
            return None
        if text.find("{", 1, max(begin, after)) >= 0 and _nested_one(text, begin, at, after):
            return self.parsed(text)
        if follower.prefix:
            self.tail = text[after:] if text.find("}", after) == text.rfind("}") else _NEVER
        return level, ids[0].value, ids[1].value, NOTHING

    def _other_level(self, text: str) -> int:
        """The severity number where the layout says that the level stands, -1 if it does not."""
        begin, end = self.layout[:2]
        keys = self._families[0].keys
        if not keys or not text.startswith(keys[0], begin):
            return -1
        place = _taken(text, begin, keys[0])
        if not 0 < place.end <= end:
            return -1
        level = self.levels[text[begin:end]] = severity.number(place.value)
        return level

    def _remember_level(self, text: str, place: _Place, number: int) -> None:
        keys = self._families[0].keys
        begin, end = place.at, place.at + len(place.key) + _WORD
        if not keys and text[2:6] != "time":  # with which Lambda's own lines begin
            begin, end = 0, _BEGINNING
        elif not keys or place.key != keys[0] or not 0 < place.end <= end:
            return
        self.layout = self.layout._replace(begin=begin, end=end)
        self.levels[text[begin:end]] = number

    def _ids_remembered(self, text: str, request: _Place, trace: _Place) -> bool:
        """Whether a line has all the ids that lines of the record may have, and whole; then it is
        remembered where."""
        told = [place for place in (request, trace) if place.key]
        wanted = [family.keys[0] for family in self._families[1:] if family.keys]
        if [place.key for place in told] != wanted or any(place.end < 0 for place in told):
            return False
        ids = _id(text, request), _id(text, trace)
        if not (ids[0].read(text, request.at) and ids[1].read(text, trace.at)):
            return False
        first = min(told, default=_NOWHERE, key=_at)
        lead, follower = ids if first is request or not told else ids[::-1]
        self.layout = self.layout._replace(
            least=max(0, first.at) * 3 // 4,  # messages before it are of different lengths
            lead=lead,
            follower=follower,
            ids=ids,
        )
        self.tail = _NEVER if follower.prefix else ""
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


def unified(trace: str) -> str:
    """An X-Ray trace id as 32 hexadecimal digits; others as they are."""
    return trace[2:10] + trace[11:] if trace[:2] == "1-" and trace[10:11] == "-" else trace


def _first(document: dict[str, Any], names: Sequence[str]) -> str:
    found = next((document[name] for name in names if name in document), "")
    return found if isinstance(found, str) else ""
