"""What Lambda's own reports say: the text ``REPORT RequestId: ...`` and JSON ``platform.report``.

A function's log format decides which of the two it writes. The fields are those of Lambda's
telemetry schema reference; a report may lack any of them but the duration.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNITS = {
    "Duration": "Milliseconds",
    "BilledDuration": "Milliseconds",
    "MemorySize": "Megabytes",
    "MaxMemoryUsed": "Megabytes",
    "InitDuration": "Milliseconds",
    "RestoreDuration": "Milliseconds",
    "BilledRestoreDuration": "Milliseconds",
}
"""The units of what a report measures, by the metric's name."""

_COMMON_FIELDS = ("Duration", "BilledDuration", "MemorySize", "MaxMemoryUsed")
_MEASURES = {
    "durationMs": "Duration",
    "billedDurationMs": "BilledDuration",
    "memorySizeMB": "MemorySize",
    "maxMemoryUsedMB": "MaxMemoryUsed",
    "initDurationMs": "InitDuration",
    "restoreDurationMs": "RestoreDuration",
    "billedRestoreDurationMs": "BilledRestoreDuration",
}

_NUMBERS = (float, int)
_TOO_MUCH = 1e15  # of anything measured here, in a document; in a text it is 15 digits

# Nearly all reports, with what may follow the common fields on their line: Init, Restore.
_COMMON = re.compile(
    r"\tDuration: ([0-9.]{1,18}) ms\tBilled Duration: ([0-9.]{1,18}) ms ?"
    r"\tMemory Size: ([0-9]{1,18}) MB\tMax Memory Used: ([0-9]{1,18}) MB\t?([IR][^\n]*)?",
)
_REQUEST = re.compile(r"REPORT RequestId:\s*(\S+)")
_FIELD = re.compile(r"\b([A-Z][A-Za-z ]*): (\d{1,15}(?:\.\d{0,15})?) (?:ms|MB)\b", re.ASCII)
_STATUS = re.compile(r"\bStatus: (\w+)")


@dataclass(slots=True)
class Said:
    """What some reports say together."""

    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By the metric, one of UNITS."""
    billed: list[tuple[float, float]] = field(default_factory=list)
    """Milliseconds and MB of memory, of reports that have both."""
    timed_out: list[str] = field(default_factory=list)
    """Request ids."""
    failed: int = 0
    """How many ended otherwise than in success, and not by running out of time."""
    malformed: int = 0

    def add(self, measures: Mapping[str, float]) -> None:
        """A whole report's measures."""
        for name, value in measures.items():
            self.values[name].append(value)
        if "BilledDuration" in measures and "MemorySize" in measures:
            self.billed.append((measures["BilledDuration"], measures["MemorySize"]))

    def ended(self, request: str, status: str) -> None:
        """How an invocation ended; formerly, and in success still, a text does not tell."""
        if status == "timeout":
            self.timed_out.append(request)
        elif status not in {"", "success"}:
            self.failed += 1


def said_in_text(lines: Sequence[str], loads: Callable[[bytes], Any]) -> Said:
    """What lines say that start with ``REPORT RequestId:``.

    Mostly all of them have the common fields and ended well: then one look at all of them takes a
    third of the time that a look at each does.
    """
    said = Said()
    together = "\n".join(lines)
    common = [] if "Status: " in together else _COMMON.findall(together)
    if len(common) != len(lines) or not _common(said, common, loads):
        for line in lines:
            _line(said, line)
    return said


def said_in_documents(lines: Iterable[str], loads: Callable[[bytes], Any]) -> Said:
    """What those of the lines say that are such documents; the others are nobody's report."""
    said = Said()
    for line in lines:
        try:
            document = loads(line.encode(errors="replace"))
        except ValueError:
            continue
        if isinstance(document, dict) and document.get("type") == "platform.report":
            _record(said, document.get("record"))
    return said


def _common(said: Said, reports: Sequence[tuple[str, ...]], loads: Callable[[bytes], Any]) -> bool:
    """Whether all numbers are such; a JSON parser reads them all in the time of one float()."""
    *texts, rests = zip(*reports, strict=True)
    written = "],[".join([",".join(column) for column in texts])
    try:
        columns = loads(f"[[{written}]]".encode())
    except ValueError:
        return False
    said.values.update(zip(_COMMON_FIELDS, columns, strict=True))
    said.billed += zip(columns[1], columns[2], strict=True)
    for rest in filter(None, rests):
        for name, value in _measures(rest).items():
            said.values[name].append(value)
    return True


def _line(said: Said, line: str) -> None:
    """One report, whichever fields it has and in whichever order."""
    request, measures = _REQUEST.match(line), _measures(line)
    if request is None or "Duration" not in measures:
        said.malformed += 1
        return
    said.add(measures)
    status = _STATUS.search(line)
    said.ended(request[1], status[1] if status else "")


def _measures(text: str) -> dict[str, float]:
    found = ((name.replace(" ", ""), value) for name, value in _FIELD.findall(text))
    return {name: float(value) for name, value in found if name in UNITS}


def _record(said: Said, record: Any) -> None:
    metrics = record.get("metrics") if isinstance(record, dict) else None
    measures = {
        _MEASURES[key]: float(value)
        for key, value in (metrics.items() if isinstance(metrics, dict) else ())
        if key in _MEASURES and type(value) in _NUMBERS and 0 <= value < _TOO_MUCH
    }
    if "Duration" not in measures:
        said.malformed += 1
        return
    said.add(measures)
    said.ended(str(record.get("requestId", "")), str(record.get("status", "")))
