"""Events from files: CloudTrail records and EventBridge events, however they were kept.

What is in a file may be compressed, wrapped, listed, cut off or something else altogether. All
that can be read is read, and what is no event is told with its place.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from steward.errors import Invalid
from steward.events import CLOUDTRAIL

MAX_DEPTH = 100  # of objects and lists in each other; whoever writes the event again recurses

# By a record's eventType; EventBridge's user guide, "AWS service events delivered via CloudTrail",
# but for the "Signin" of the guide, which arrives as "Sign In".
_DETAIL_TYPES = {
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsVpceEvent": "AWS Network Activity Event via CloudTrail",
}
_SERVICE = ".amazonaws.com"
_NAMES = {str: "a string", bool: "true or false", int: "a number", float: "a number"}

_CHUNK = 1 << 16  # bytes
_NEAR = 16  # characters; longer than any token of JSON but strings and numbers
_GZIP = b"\x1f\x8b"
_BLANK = re.compile(r"[\s\ufeff]*")  # with byte order marks
_PUNCTUATION = re.compile(r"[\s\ufeff,\]}]*")
_LIST = re.compile(r'(?:\{\s*"Records"\s*:\s*)?\[')
_NEXT = re.compile(r"\n(?=[{\[])")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class NotAnEvent:
    """Something in a file that no rule could be asked about."""

    source: str  # the file's path with a line, or an index in its list: a.json:12, a.json[3]
    reason: str
    damaged: bool = False
    """Whether it could not be read, and may have been an event once; an empty file is such, too."""


class _Unreadable(Exception):
    """Says why a value, or the rest of a file, cannot be read."""


def read(path: Path) -> Iterator[Mapping[str, Any] | NotAnEvent]:
    """EventBridge events of a file, in its order, of which no more is held than one JSON value.

    The file is plain or gzip, and holds JSON values one after the other, on lines or not:
    CloudTrail log files or records, EventBridge events, ``{"event": ...}`` or lists of these.
    Raises Invalid, naming the file, where there is none or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from _events(str(path), _Text(_decoded(_inflated(file))))
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror or error}") from error


def envelope(record: Mapping[str, Any]) -> dict[str, Any]:
    """The event that EventBridge makes of a CloudTrail record; what the record lacks is ''."""
    identity = record.get("userIdentity")
    caller = identity.get("accountId") if isinstance(identity, Mapping) else None
    return {
        "version": "0",
        "id": record.get("eventID") or "",
        "detail-type": _DETAIL_TYPES.get(str(record.get("eventType")), CLOUDTRAIL),
        "source": "aws." + str(record.get("eventSource")).partition(_SERVICE)[0],
        "account": record.get("recipientAccountId") or caller or "",
        "time": record.get("eventTime") or "",
        "region": record.get("awsRegion") or "",
        "resources": [],
        "detail": record,
    }


class _Text:
    """The text of a file: as much of it as the next value needs."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.broken = ""  # why the file could be read no further
        self._chunks = chunks
        self._text = ""
        self._at = 0
        self._line = 1
        self._counted = 0

    def line(self) -> int:
        """The number of the line here, from 1."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def skip(self, what: re.Pattern[str]) -> bool:
        """Go past what is between values; whether there is one more."""
        while True:
            skipped = what.match(self._text, self._at)
            self._at = skipped.end() if skipped else self._at
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def value(self) -> Any:
        """The value here, and go past it; raises _Unreadable and stays."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise _Unreadable("is nested too deeply") from None
            except ValueError as error:
                if self._cut(error) and self._more():
                    continue
                raise _Unreadable(self._reason(error)) from error
            else:
                # What ends here may go on in what was not read yet.
                if end > len(self._text) - _NEAR and self._more():
                    continue
                self._at = end
                return value

    def enter(self) -> bool:
        """Go to the first member of a list, or of a log file's records; whether there is a list."""
        opened = _LIST.match(self._text, self._at)
        self._at = opened.end() if opened else self._at
        return opened is not None

    def next_line(self) -> bool:
        """Go to the next line that starts with an object or a list; whether there is one."""
        while not (found := _NEXT.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - 1)
            if not self._more():
                return False
        self._at = found.end()
        return True

    def _cut(self, error: ValueError) -> bool:
        """Whether more text could make a value of what is none yet."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated") or error.pos > len(self._text) - _NEAR

    def _reason(self, error: ValueError) -> str:
        if not isinstance(error, json.JSONDecodeError):
            return f"is not JSON: {error}"
        torn = error.msg.startswith(("Unterminated", "Invalid \\"))  # a string, or an escape in it
        at_end = torn or error.pos >= len(self._text.rstrip())
        if self._cut(error) and (self.broken or at_end):
            return self.broken or "ends in the middle of a value"
        return f"is not JSON: {error.msg}"

    def _more(self) -> bool:
        """Read at least as much again as is left, lest a long value be decoded many times.

        Whether there was more; if not, everything stays where it is.
        """
        left = self._text[self._at :]
        parts, wanted = [left], max(_CHUNK, len(left))
        try:
            while wanted > 0 and (chunk := next(self._chunks, None)) is not None:
                parts.append(chunk)
                wanted -= len(chunk)
        except _Unreadable as problem:
            self.broken = str(problem)
        text = "".join(parts)
        if len(text) == len(left):
            return False
        self.line()  # counts what is let go
        self._text, self._at, self._counted = text, 0, 0
        return True


def _inflated(file: BufferedReader) -> Iterator[bytes]:
    if not file.peek(len(_GZIP)).startswith(_GZIP):
        yield from iter(lambda: file.read1(_CHUNK), b"")
        return
    with gzip.GzipFile(fileobj=file) as inflating:
        try:
            yield from iter(lambda: inflating.read1(_CHUNK), b"")
        except EOFError:
            raise _Unreadable("the gzip data are cut off") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise _Unreadable(f"the gzip data are damaged: {error}") from error


def _decoded(blocks: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            yield decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield error.object[: error.start].decode()
        raise _Unreadable("is not UTF-8 from here on") from error


def _events(name: str, text: _Text) -> Iterator[Mapping[str, Any] | NotAnEvent]:
    """What is damaged is told once, and what follows it is read as far as it can be."""
    between, seen, owed = _BLANK, False, ""
    listed, index = "", 0  # the place of a damaged list whose members are read one by one
    while text.skip(between):
        line = text.line()
        base = listed or (f"{name}:{line}" if seen else name)
        place = f"{listed}[{index}]" if listed else f"{name}:{line}"
        try:
            value = text.value()
        except _Unreadable as problem:
            between = _PUNCTUATION
            if not listed and text.enter():
                listed, index, owed = base, 0, str(problem)
                continue
            yield NotAnEvent(place, str(problem), damaged=True)
            listed, seen, owed = "", True, ""
            if not text.next_line():
                return
            continue
        yield from _unwrapped(place, place if listed else base, value)
        seen, index = True, index + 1
    if text.broken or owed:
        yield NotAnEvent(f"{name}:{text.line()}", text.broken or owed, damaged=True)
    elif not seen:
        yield NotAnEvent(name, "is empty", damaged=True)


def _unwrapped(place: str, base: str, value: Any) -> Iterator[Mapping[str, Any] | NotAnEvent]:
    """The events in a value; ``base`` is the place that indexes of its list are added to."""
    waiting = [(place, base, value)]
    while waiting:
        place, base, value = waiting.pop()
        wrapped = isinstance(value, dict) and not (_is_record(value) or _is_event(value))
        members = value.get("Records") if wrapped else value
        if isinstance(members, list):
            places = (f"{base}[{index}]" for index in range(len(members)))
            inner = [(at, at, member) for at, member in zip(places, members, strict=True)]
            waiting.extend(reversed(inner))
        elif wrapped and "event" in value:
            waiting.append((place, base, value["event"]))
        else:
            yield _event(place, value)


def _event(place: str, value: Any) -> Mapping[str, Any] | NotAnEvent:
    if not isinstance(value, dict):
        return NotAnEvent(place, f"is {_NAMES.get(type(value), 'null')}")
    if "digestS3Object" in value:
        return NotAnEvent(place, "is a CloudTrail digest")
    if "insightDetails" in value:
        return NotAnEvent(place, "is a CloudTrail insight")
    record = _is_record(value)
    if not record and not _is_event(value):
        return NotAnEvent(
            place,
            "is neither a CloudTrail record (eventSource, eventName) "
            "nor an EventBridge event (detail-type, source, detail)",
        )
    if _is_deep(value):
        return NotAnEvent(place, "is nested too deeply", damaged=True)
    return envelope(value) if record else value


def _is_record(value: Mapping[str, Any]) -> bool:
    """Records of other makers, such as S3's notifications, have sources such as ``aws:s3``."""
    source = value.get("eventSource")
    return (
        isinstance(value.get("eventName"), str) and isinstance(source, str) and _SERVICE in source
    )


def _is_event(value: Mapping[str, Any]) -> bool:
    texts = (value.get("detail-type"), value.get("source"))
    return all(isinstance(text, str) for text in texts) and isinstance(value.get("detail"), dict)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)
