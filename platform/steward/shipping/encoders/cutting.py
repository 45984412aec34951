"""Messages that are longer than a service takes."""

from __future__ import annotations

import re

from steward.shipping.encoders.base import MARK

_MARKED = re.compile(re.escape(MARK).replace(re.escape("{}"), r"(\d{1,12})") + r"\Z")


def shorter(message: str, message_bytes: int) -> str:
    """The message, with its mark, in at most so many bytes of UTF-8, or the mark alone.

    A message that was cut before keeps one mark, which counts all bytes that it lacks.
    """
    data = message.encode()
    if len(data) <= message_bytes:
        return message
    before = _MARKED.search(message)
    missing = int(before[1]) if before else 0
    if before:
        data = message[: before.start()].encode()
    room = max(0, message_bytes - len(MARK.format(missing + len(data))))
    kept = data[:room].decode(errors="ignore")  # no half of a character
    return kept + MARK.format(missing + len(data) - len(kept.encode()))
