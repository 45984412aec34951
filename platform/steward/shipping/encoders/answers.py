"""What answers of log services have in common: their statuses, Retry-After, and what they say."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Set
from email.utils import parsedate_to_datetime
from typing import Any

from steward.shipping.accel import Codec
from steward.shipping.encoders.base import Answer, Kind

LONGEST_REASON = 256

TRANSIENT = frozenset({408, 425, 429, *range(500, 600)})
"""The statuses after which the same request may succeed."""

MISCONFIGURED = frozenset({401, 402, 403, 404, 405, 407, 410, 415, 421, *range(300, 400)})
"""The statuses that tell of credentials, of the account there, or of the address or the format that
was chosen for it; a redirect is not followed."""

_TOLD = ("type", "title", "error", "errors", "errorMessage", "message", "text", "detail")
_DEEPEST = 4
_LONGEST_TEXT = 4096
_QUOTED = re.compile(r"""(?<!\w)(["'`])(?:\\.|(?!\1(?!\w)).)*(?:\1|\Z)""", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def plain(codec: Codec, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """The answer of a service of which only the status counts.

    A page is not what a log service answers, but what a proxy or a login does: nobody took the
    events, whatever the status.
    """
    if not 200 <= status < 300:
        return by_status(status, headers, said(codec, status, body))
    kind = next((headers[name] for name in headers if name.lower() == "content-type"), "")
    strange = page(body) or kind.strip().lower().startswith("text/html")
    return unclear(status, headers, "a page in place of an answer") if strange else OK


def by_status(
    status: int, headers: Mapping[str, str], reason: str, transient: Set[int] = TRANSIENT
) -> Answer:
    """What a status outside of 2xx means, whatever the body."""
    if status in transient or not 300 <= status < 600:
        return Answer(Kind.RETRY, reason, retry_after(headers))
    if status == 413:
        return Answer(Kind.SPLIT, reason)
    return Answer(Kind.CONFIGURE if status in MISCONFIGURED else Kind.REJECT, reason)


def unclear(status: int, headers: Mapping[str, str], what: str) -> Answer:
    """A success that does not show that the events were taken: they are sent again."""
    return Answer(Kind.RETRY, f"HTTP {status} with {what}", retry_after(headers))


def said(codec: Codec, status: int, body: bytes) -> str:
    """The status and what the service said, without what it quotes: that may be our events."""
    if page(body):
        return f"HTTP {status}"
    value = parsed(codec, body)
    text = body.decode(errors="replace") if value is None else _told(value, _DEEPEST)
    return clean(f"HTTP {status}: {text}").rstrip(": ")


def clean(text: str) -> str:
    """The text on one line, quotations left out, of 256 characters at most."""
    short = _QUOTED.sub(r"\1...\1", text[:_LONGEST_TEXT])
    return _UNPRINTABLE.sub(" ", short).strip()[:LONGEST_REASON]


def page(body: bytes) -> bool:
    """Whether it is HTML or XML."""
    return body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<"


def parsed(codec: Codec, body: bytes) -> Any:
    """The body's JSON value; None where it is none, or cut off."""
    try:
        return codec.loads(body)
    except (ValueError, RecursionError):  # the latter: deeper than the interpreter reads
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After. A date counts from the answer's own Date, as clocks differ."""
    named = {name.lower(): value.strip() for name, value in headers.items()}
    asked = named.get("retry-after", "")
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until, since = _moment(asked), _moment(named.get("date", ""))
    return None if until is None or since is None else max(0.0, until - since)


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _told(value: Any, depth: int) -> str:
    """The texts under the names that services use for what they have to say."""
    if isinstance(value, str) or depth == 0:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_told(entry, depth - 1) for entry in value[:3])))
    named = [_told(value[name], depth - 1) for name in _TOLD if name in _names(value)]
    return ": ".join(filter(None, named))


def _names(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


OK = Answer(Kind.OK)
