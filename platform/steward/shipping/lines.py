r"""What log lines tell about themselves: severity, request id, trace id, and if they are Lambda's.

Nothing is lost: a message is never rewritten. What a line tells is added beside it, and the line is
shipped as it was written, with its tabs, its time, its JSON. Only Lambda's own lines are left out,
and only where a team asks for it.

======================================  =======================================================
``{...}``                               level and ids under their usual names, at the top only
``[LEVEL]\tTIME\tREQUEST\tTEXT``        Python; without the rest, an error that nobody caught
``TIME\tREQUEST\tLEVEL\tTEXT``          Node.js, .NET; a JSON text's own level goes before theirs
``TIME\tREQUEST\tTEXT``                 Node.js before 10: no level
``START``, ``REPORT``, ...              Lambda's own as text
``{"time":..,"type":"platform.X",..}``  Lambda's own as JSON
======================================  =======================================================
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from steward.shipping import platform_lines
from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.encoders.base import MARK
from steward.shipping.fields import Fields
from steward.shipping.platform_lines import BOUNDARY, NOTHING, PLATFORM, SILENT, Told
from steward.shipping.severity import NUMBERS, WARN

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_SAFE = re.compile(r"[ !#-\[\]-~]+")  # printable ASCII without quote and backslash


class Platform(StrEnum):
    """Which of Lambda's own lines are shipped. Those of WARN and worse always are: time-outs,
    failed reports, dropped logs."""

    KEEP = "keep"
    DROP_START_END = "drop-start-end"
    """All but START and END, and in JSON platform.start and the RuntimeDone of a phase, whose
    report tells the same. INIT_START stays: only it tells the runtime's version."""
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Lines:
    """Reads the messages of records."""

    codec: Codec
    """For JSON lines whose text does not tell at once what stands at their top."""
    platform: Platform = Platform.KEEP

    def block(
        self, origin: Origin, ids: list[str], times: list[int], messages: list[str]
    ) -> Block | None:
        """One record's log events and what they tell; None where all of them are left out.

        The columns are as decode.Events has them: of one length, times are ints.
        """
        if not messages:
            return None
        levels, requests, traces, kinds = zip(*_read(self.codec, messages), strict=True)
        block = Block(
            origin,
            safe_ids(ids, times, messages),
            times,
            messages,
            list(levels),
            _only(_UUID, requests, dashes=4),
            _only(_TRACE, traces, dashes=0),
        )
        least = PLATFORM if self.platform is Platform.DROP else BOUNDARY
        if self.platform is Platform.KEEP or not any(kinds):
            return block
        told = enumerate(zip(kinds, levels, strict=True))
        return picked(block, [at for at, (kind, level) in told if kind < least or level >= WARN])


def picked(block: Block, places: Sequence[int]) -> Block | None:
    """The block's events at these places, in ascending order; None where there are none."""
    if len(places) == len(block):
        return block
    if not places:
        return None
    return Block(
        block.origin,
        [block.ids[at] for at in places],
        [block.times[at] for at in places],
        [block.messages[at] for at in places],
        [block.levels[at] for at in places],
        [block.requests[at] for at in places],
        [block.traces[at] for at in places],
        frozenset(new for new, old in enumerate(places) if old in block.cut),
    )


def _read(codec: Codec, messages: Sequence[str]) -> list[Told]:
    """What each message tells, by the reader of its first character."""
    fields = Fields(codec, messages)
    readers: dict[str, Callable[[str], Told]] = {
        "{": fields.told,
        "2": _Dated(fields).read,
        "[": _bracketed,
        "S": platform_lines.started,
        "E": platform_lines.ended,
        "R": platform_lines.reported,
        "I": platform_lines.initialized,
    }
    return [readers.get(text[:1], _silent)(text) for text in messages]


def _silent(_text: str) -> Told:
    return SILENT


@dataclass(frozen=True, slots=True)
class _Dated:
    """Reads a time, and after it request id and level, or Lambda's word that the time is over."""

    fields: Fields

    def read(self, text: str) -> Told:
        if text[23:25] != "Z\t":
            return platform_lines.timed_out(text)
        level, body = _SLOTS.get(text[61:67], _NO_SLOT)
        end = 61
        if text[body - 1 : body] != "\t":
            level, body, end = _columns(text)
        if text[body : body + 1] == "{":
            level = self.fields.level(text, body) or level
        return level, text[25:end], "", NOTHING


_SLOTS = {
    f"\t{word}\t"[:6]: (number, 63 + len(word))
    for word, number in NUMBERS.items()
    if word in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "trce", "dbug", "info", "warn")
}
"""Severity number and place of the text where request ids have the length of a UUID."""

_NO_SLOT = (0, 0)


def _columns(text: str) -> tuple[int, int, int]:
    """Severity number, place of the text, and end of the request id, whatever length that has."""
    end = text.find("\t", 25)
    if end < 0:
        return 0, len(text), 25
    word = text.find("\t", end + 1, end + 14)
    level = NUMBERS.get(text[end + 1 : word], 0) if word > 0 else 0
    return level, (word if level else end) + 1, end


def _bracketed(text: str) -> Told:
    """``[LEVEL]``, and after it time and request id. Its time has 1 to 3 digits of milliseconds."""
    end = text.find("]", 2, 16)
    level = NUMBERS.get(text[1:end], 0)
    if not level:
        return SILENT
    at = end + 26
    if text[at : at + 1] != "\t":
        at = text.find("\t", end + 2, at) if text[end + 1 : end + 2] == "\t" else -1
    request = text[at + 1 : at + 37] if at > 0 and text[at + 37 : at + 38] == "\t" else ""
    return level, request, "", NOTHING


def _only(form: re.Pattern[str], column: Sequence[str], dashes: int) -> list[str]:
    """The column without what has not that form, a form of 32 hexadecimal digits and dashes.

    A record has few ids, and hardly ever a wrong one: they are tried together.
    """
    told = set(column)
    told.discard("")
    digits = "".join(told).replace("-", "")
    try:
        exact = len(bytes.fromhex(digits)) * 2 == len(digits) == 32 * len(told)
    except ValueError:
        exact = False
    if exact and set(map(len, told)) <= {32 + dashes}:
        return list(column)
    return [value if form.fullmatch(value) else "" for value in column]


def safe_ids(ids: list[str], times: Sequence[int], messages: Sequence[str]) -> list[str]:
    """The ids, those that JSON would have to escape replaced by a digest that is always the same.

    CloudWatch Logs writes decimal digits; an id that is empty is made of the event and its place.
    """
    if "".join(ids).encode("utf-8", "replace").isdigit() and all(ids):
        return ids
    return [
        told if _SAFE.fullmatch(told) else _digest(told or f"{at} {time} {text}")
        for at, (told, time, text) in enumerate(zip(ids, times, messages, strict=True))
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def cut(messages: list[str], limit: int) -> tuple[list[str], frozenset[int]]:
    """The messages, none longer than ``limit`` bytes of UTF-8, and the indexes of those cut.

    The list itself where none is too long.
    """
    if max(map(len, messages), default=0) * 4 <= limit:  # a character has 4 bytes at most
        return messages, frozenset()
    shorter = [shortened(text, limit) for text in messages]
    pairs = enumerate(zip(messages, shorter, strict=True))
    found = frozenset(index for index, (old, new) in pairs if old is not new)
    return (shorter if found else messages), found


def shortened(text: str, limit: int) -> str:
    """The text in at most ``limit`` bytes of UTF-8: itself, or its beginning and MARK, of whose
    room only a limit of a few bytes takes something."""
    if len(text) * 4 <= limit or (text.isascii() and len(text) <= limit):
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    room = limit - len(MARK.format(len(data)))
    if room < 0:
        return data[:limit].decode("utf-8", "ignore")
    kept = data[:room].decode("utf-8", "ignore")
    return kept + MARK.format(len(data) - len(kept.encode()))
