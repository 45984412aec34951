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

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from steward.shipping import platform_lines
from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.encoders.base import MARK
from steward.shipping.fields import Fields
from steward.shipping.platform_lines import BOUNDARY, NOTHING, PLATFORM, SILENT, Told
from steward.shipping.severity import INFO, NUMBERS, WARN
from steward.shipping.texts import Texts

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TRACE = re.compile(r"[0-9a-f]{32}")


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
        self, origin: Origin, ids: list[str], times: list[int], messages: Sequence[str]
    ) -> Block | None:
        """One record's log events and what they tell; None where all of them are left out.

        The columns are as decode.Events has them: of one length, times are ints.
        """
        if not messages:
            return None
        texts = Texts.of(messages)
        levels, requests, traces, kinds = _read(self.codec, texts)
        block = Block(
            origin,
            ids,
            times,
            texts,
            levels,
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


_Columns = tuple[list[int], list[str], list[str], list[int]]
"""Of lines told: severity numbers, request ids, trace ids, kinds."""


def _read(codec: Codec, messages: Texts) -> _Columns:  # noqa: C901  # see below
    """What each message tells, as its first character and what stands at certain places say; what
    is not quite so is left to slower readers.

    Of all code of the shipper this runs most, and a call would cost as much as reading a line does:
    so the common lines are read within one loop.
    """
    fields = Fields(codec, messages)
    known, number, bracketed = fields.levels.get, NUMBERS.get, _BRACKETED.get
    begin, end, least, lead, follower, ids = fields.layout
    told: _Columns = ([], [], [], [])
    levels, requests, traces, kinds = told
    for text in messages:
        first, trace, kind = text[:1], "", NOTHING
        if first == "{":
            level = known(text[begin:end], -1)
            if (
                level < 0
                or not text.endswith(fields.tail)
                or (at := text.find(lead.prefix, least)) < 0
                or not (
                    text.startswith(lead.written, at)
                    or (not follower.prefix and lead.read(text, at))
                )
                or text.find("{", 1, at if at > begin else begin) >= 0
            ):
                level, request, trace, kind = fields.told(text)
                begin, end, least, lead, follower, ids = fields.layout
            else:
                request, trace = ids[0].value, ids[1].value
        elif first == "[":
            columns = text.split("\t", 3)
            level = bracketed(columns[0], 0)
            if level and len(columns) == 4:
                request = columns[2]
            else:
                level, request, trace, kind = _uncaught(text)
        elif first == "2" and text[23:25] == "Z\t":
            columns = text[25:_HEAD].split("\t", 2)
            level = number(columns[1], 0) if len(columns) == 3 else 0
            request = columns[0] if len(columns) > 1 else ""
            body = 26 + len(request) + (len(columns[1]) + 1 if level else 0)
            if text[body : body + 1] == "{":
                level = fields.level(text, body) or level
        elif first == "S" and text[:17] == "START RequestId: " and text[53:63] == " Version: ":
            level, request, kind = INFO, text[17:53], BOUNDARY
        elif first == "E" and text[:15] == "END RequestId: " and len(text) < 53:
            level, request, kind = INFO, text[15:51], BOUNDARY
        else:
            level, request, trace, kind = _READERS.get(first, _silent)(text)
        levels.append(level)
        requests.append(request)
        traces.append(trace)
        kinds.append(kind)
    return told


def _silent(_text: str) -> Told:
    return SILENT


_READERS: Mapping[str, Callable[[str], Told]] = {
    "S": platform_lines.started,
    "E": platform_lines.ended,
    "R": platform_lines.reported,
    "I": platform_lines.initialized,
    "2": platform_lines.timed_out,
}
"""Of Lambda's own lines, by their first character."""

_HEAD = 120  # characters in which time, request id and level stand

_BRACKETED = {f"[{word}]": number for word, number in NUMBERS.items()}


def _uncaught(text: str) -> Told:
    """``[LEVEL]`` and no more columns: an error that nobody caught."""
    return _BRACKETED.get(text[: text.find("]", 2, 16) + 1], 0), "", "", NOTHING


def _only(form: re.Pattern[str], column: list[str], dashes: int) -> list[str]:
    """The column without what has not that form, a form of 32 hexadecimal digits and dashes.

    A record has few ids, and hardly ever a wrong one: they are tried together.
    """
    if not any(column):
        return column
    told = set(column)
    told.discard("")
    digits = "".join(told).replace("-", "")
    try:
        exact = len(bytes.fromhex(digits)) * 2 == len(digits) == 32 * len(told)
    except ValueError:
        exact = False
    if exact and set(map(len, told)) <= {32 + dashes}:
        return column
    return [value if form.fullmatch(value) else "" for value in column]


def cut(messages: Sequence[str], limit: int) -> tuple[Sequence[str], frozenset[int]]:
    """The messages, none longer than ``limit`` bytes of UTF-8, and the indexes of those cut.

    The very same where none is too long.
    """
    texts = Texts.of(messages)
    if len(texts.whole) * 4 <= limit:  # a character has 4 bytes at most
        return messages, frozenset()
    if max(map(len, texts), default=0) * 4 <= limit:
        return messages, frozenset()
    shorter = [shortened(text, limit) for text in texts]
    pairs = enumerate(zip(texts, shorter, strict=True))
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
