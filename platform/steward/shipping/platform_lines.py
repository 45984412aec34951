"""Lambda's own lines in a log stream: which they are, and what they say about an invocation.

Text: "Viewing logs for Lambda functions"; JSON: "Lambda Telemetry API Event schema reference" and
"System log event schema for Lambda Web Functions" (Lambda Developer Guide).
"""

from __future__ import annotations

from steward.shipping.severity import ERROR, INFO, WARN

Told = tuple[int, str, str, int]
"""A line's severity number, request id, trace id, and NOTHING, PLATFORM or BOUNDARY."""

NOTHING, PLATFORM, BOUNDARY = 0, 1, 2
"""Not Lambda's; Lambda's; Lambda's, and the invocation's report tells the same."""

SILENT: Told = (0, "", "", NOTHING)
_PLAIN: Told = (INFO, "", "", PLATFORM)

_BOUNDARIES = ("start", "runtimeDone", "initRuntimeDone", "restoreRuntimeDone")
_ALARMING = {"fault": ERROR, "logsDropped": WARN}
_LEVELS = {"": INFO, "success": INFO}  # of a status

TIMED_OUT = "Task timed out after"


def started(text: str) -> Told:
    """``START RequestId: ID Version: V``."""
    if text[:17] == "START RequestId: " and text[53:63] == " Version: ":
        return INFO, text[17:53], "", BOUNDARY
    return SILENT


def ended(text: str) -> Told:
    """``END RequestId: ID`` or ``EXTENSION\\tName: N\\tState: S\\tEvents: [E]``."""
    if text[:15] == "END RequestId: " and len(text) < 53:
        return INFO, text[15:51], "", BOUNDARY
    return _PLAIN if text[:16] == "EXTENSION\tName: " else SILENT


def reported(text: str) -> Told:
    """``REPORT RequestId: ID\\tDuration: ...``, ``RequestId: ID Error: ...``, ``RESTORE_...``."""
    if text[:18] == "REPORT RequestId: " and text[54:55] == "\t":
        at = text.find("XRAY TraceId: 1-", 55)
        trace = text[at + 16 : at + 24] + text[at + 25 : at + 49] if at > 0 else ""
        return _status(text), text[18:54], trace, PLATFORM
    if text[:11] == "RequestId: " and (" Error: " in text or " exited " in text):
        return ERROR, text[11:47], "", PLATFORM
    return _phase(text, "RESTORE_")


def initialized(text: str) -> Told:
    """``INIT_START Runtime Version: ...``, ``INIT_REPORT Init Duration: ...``."""
    return _phase(text, "INIT_")


def timed_out(text: str) -> Told:
    """``TIME ID Task timed out after 3.00 seconds``."""
    if text.startswith(TIMED_OUT, 62):
        return ERROR, text[25:61], "", PLATFORM
    return SILENT


def _phase(text: str, name: str) -> Told:
    if text.startswith(("START ", "REPORT "), len(name)) and text.startswith(name):
        return _status(text), "", "", PLATFORM
    return SILENT


def _status(text: str) -> int:
    """By ``Status: timeout`` or ``Status: error``, which a report has where all was not well."""
    at = text.find("\tStatus: ")
    return INFO if at < 0 or text.startswith("success", at + 9) else ERROR


def told(text: str) -> Told | None:
    """What ``{"time": T, "type": "platform.X", "record": {...}}`` says; None if it is not that.

    The prefix is Lambda's own: ``type`` follows ``time`` immediately.
    """
    start = text.find('"platform.', 8, 60)
    if start < 0 or '"type":' not in text[30:start]:
        return None
    start += 10
    end = text.find('"', start)
    kind = text[start:end]
    status = _value(text, '"status":', end)
    level = _LEVELS.get(status, ERROR)
    at = text.find("Root=1-", end)
    trace = text[at + 7 : at + 15] + text[at + 16 : at + 40] if at > 0 else ""
    request = _value(text, '"requestId":', end)
    return _ALARMING.get(kind, level), request, trace, BOUNDARY if kind in _BOUNDARIES else PLATFORM


def _value(text: str, key: str, start: int) -> str:
    """The string after a key, "" where there is none."""
    at = text.find(key, start)
    if at < 0:
        return ""
    start = text.find('"', at + len(key)) + 1
    return text[start : text.find('"', start)]
