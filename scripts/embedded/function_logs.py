"""What functions print, and what Lambda itself says of them, in the functions' log groups.

Each instance has a log stream; the lines of an invocation are written when it has ended, and all
bear that moment, where Lambda stamps each as it is printed. System logs are those of level INFO;
with JSON and SystemLogLevel WARN, only the report of an invocation that ended badly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import LogGroup, logs_backends

ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")

VERSION = "$LATEST"

_PYTHON = "python:3.13.v50"
_STATUS = {"": "success", "Sandbox.Timedout": "timeout"}

May = Callable[[str, str, str], bool]
"""Whether a role, by its ARN, may do an action on a resource."""


@dataclass(frozen=True, slots=True)
class Printed:
    """An invocation's part of the log."""

    function: str
    stream: str
    request: str
    cold: datetime | None
    """When the instance began to start, where this is its first invocation."""
    began: datetime
    ended: datetime
    error: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a function logs."""

    group: str
    role: str
    json: bool
    memory: int  # MB
    quiet: bool = False
    """Whether Lambda itself only tells of what ended badly."""

    @classmethod
    def read(cls, properties: Mapping[str, Any], name: str) -> Settings:
        """From an AWS::Lambda::Function's resolved properties."""
        config = properties.get("LoggingConfig") or {}
        return cls(
            group=config.get("LogGroup", default_group(name)),
            role=properties["Role"],
            json=config.get("LogFormat", "Text") == "JSON",
            memory=int(properties.get("MemorySize", 128)),
            quiet=config.get("SystemLogLevel") == "WARN",
        )


def default_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def stream_name(function: str, group: str, id: str, born: datetime) -> str:
    """The log stream of an instance; in a group of another name it begins with the function's."""
    own = "" if group == default_group(function) else function
    return f"{born.astimezone(UTC):%Y/%m/%d}/{own}[{VERSION}]{id}"


def reserved(function_arn: str, group: str, stream: str) -> Mapping[str, str]:
    """The variables by which Lambda tells a function who it is (developer guide)."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function_arn.rpartition(":")[2],
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": function_arn.split(":")[3],
    }


class FunctionLogs:
    """Writes what functions printed, as their roles let it."""

    def __init__(
        self, account: str, region: str, settings: Mapping[str, Settings], may: May
    ) -> None:
        """``settings`` are by the functions' names."""
        self._account = account
        self._region = region
        self._settings = settings
        self._may = may
        self._allowed: dict[str, bool] = {}

    def write(self, printed: Printed) -> None:
        """Put the lines; without the group, or without leave, they are lost as on AWS."""
        settings = self._settings[printed.function]
        backend = logs_backends[self._account][self._region]
        group: LogGroup | None = backend.groups.get(settings.group)
        if group is None or not self._lets(printed.function, settings, group):
            return
        if printed.stream not in group.streams:
            group.create_log_stream(printed.stream)
        group.put_log_events(printed.stream, [*_events(printed, settings)])

    def _lets(self, function: str, settings: Settings, group: LogGroup) -> bool:
        if function not in self._allowed:
            resource = f"{group.arn}:log-stream:any"
            self._allowed[function] = all(
                self._may(settings.role, action, resource) for action in ACTIONS
            )
        return self._allowed[function]


def _events(printed: Printed, settings: Settings) -> Sequence[dict[str, Any]]:
    before, after = (_documents if settings.json else _texts)(printed, settings.memory)
    if settings.quiet:  # of the levels of events (developer guide, "Log-level filtering")
        before, after = [], after if printed.error else []
    began, ended = _milliseconds(printed.began), _milliseconds(printed.ended)
    return [
        *({"timestamp": began, "message": line} for line in before),
        *({"timestamp": ended, "message": line} for line in (*printed.lines, *after)),
    ]


def _documents(printed: Printed, memory: int) -> tuple[list[str], list[str]]:
    """System logs in JSON (Telemetry API, event schema), before and after the function's lines."""
    request = {"requestId": printed.request}
    metrics = _metrics(printed, memory)
    report = {**request, "metrics": metrics, "status": _STATUS.get(printed.error, "error")}
    if printed.error:
        report["errorType"] = printed.error
    start = {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": _PYTHON,
        "functionName": printed.function,
        "functionVersion": VERSION,
    }
    cold = [_document(printed.cold, "platform.initStart", start)] if printed.cold else []
    begun = _document(printed.began, "platform.start", {**request, "version": VERSION})
    return [*cold, begun], [_document(printed.ended, "platform.report", report)]


def _texts(printed: Printed, memory: int) -> tuple[list[str], list[str]]:
    told, id = _metrics(printed, memory), f"RequestId: {printed.request}"
    cold = [f"INIT_START Runtime Version: {_PYTHON}\n"] if printed.cold else []
    init = f"Init Duration: {told['initDurationMs']:.2f} ms\t" if printed.cold else ""
    late = f"\tStatus: {_STATUS.get(printed.error, 'error')}" if printed.error else ""
    report = (
        f"REPORT {id}\tDuration: {told['durationMs']:.2f} ms\t"
        f"Billed Duration: {told['billedDurationMs']} ms\tMemory Size: {memory} MB\t"
        f"Max Memory Used: {told['maxMemoryUsedMB']} MB\t{init}{late}\n"
    )
    return [*cold, f"START {id} Version: {VERSION}\n"], [f"END {id}\n", report]


def _metrics(printed: Printed, memory: int) -> dict[str, Any]:
    duration = (printed.ended - printed.began).total_seconds() * 1000
    init = (printed.began - printed.cold).total_seconds() * 1000 if printed.cold else 0.0
    return {
        "durationMs": round(duration, 3),
        "billedDurationMs": max(math.ceil(duration + init), 1),
        "memorySizeMB": memory,
        "maxMemoryUsedMB": min(memory, 96),
        **({"initDurationMs": round(init, 3)} if printed.cold else {}),
    }


def _document(at: datetime, kind: str, record: Mapping[str, Any]) -> str:
    moment = at.astimezone(UTC)
    time = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
    return json.dumps({"time": time, "type": kind, "record": record})


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
