"""Runs the stack's functions in this process: instances, context, log, metrics.

Each concurrent invocation has an instance of its own, which stays warm for the next, as in Lambda.
"""

from __future__ import annotations

import io
import json
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
from moto.awslambda.models import LambdaFunction

from embedded.clock import EmbeddedClock, InstanceClock
from embedded.function_logs import Printed, reserved, stream_name
from embedded.handlers import handler_in
from embedded.overlays import MotoChangedError
from embedded.poller import InvocationError
from steward.account import World
from steward.model import Clock
from steward.runtime import Handler

_SEAM = "_invoke_lambda"


class FunctionError(InvocationError):
    """A function ended with an error; ``type`` is its name, as Step Functions sees it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.type = error_type
        self.message = message


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the stack."""

    name: str
    arn: str
    role: str
    """Its role's ARN."""
    folder: Path
    timeout: float  # seconds
    environment: Mapping[str, str]
    access_key: str
    log_group: str


@dataclass(frozen=True, slots=True)
class Datum:
    """A metric that a function emitted, under one of its dimension sets."""

    name: str
    dimensions: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Invoked:
    """One invocation, and how it ended."""

    function: str
    event: Mapping[str, Any]
    answer: Mapping[str, Any] | None
    error: str
    """'' where it ended well, else the error's type."""
    began: datetime
    ended: datetime
    lines: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """What it logged, metrics left out."""


@dataclass(frozen=True, slots=True)
class _Context:
    """What Lambda hands to a handler beside the event."""

    clock: Clock
    invoked_function_arn: str
    until: float  # on the clock's monotonic
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return int((self.until - self.clock.monotonic()) * 1000)


@dataclass(slots=True)
class _Instance:
    handler: Handler
    clock: InstanceClock
    out: io.StringIO
    log_stream: str
    cold: datetime | None
    """When it began to start; None once it has served an invocation."""


class Host:
    """Invokes functions by name or ARN; may be called from several threads."""

    def __init__(
        self, functions: Sequence[Function], clock: EmbeddedClock, endpoint_url: str
    ) -> None:
        self.functions = {function.name: function for function in functions}
        self.invocations: list[Invoked] = []
        self.metrics: list[Datum] = []
        self.before: Callable[[str, Mapping[str, Any]], None] = lambda _name, _event: None
        """Called with each function's name and event; what it raises is the function's error."""
        self.wrote: Callable[[Printed], None] = lambda _: None
        """Told what each invocation printed, when it has ended."""
        self.others: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
        """What functions that are none of the stack's do with an event, by name."""
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._idle: dict[str, list[_Instance]] = {}
        self._lock = threading.Lock()
        self._running = 0
        self._here = threading.local()

    def sleep(self, seconds: float) -> None:
        """Let time pass in the invocation that calls this, by way of ``before``."""
        self._here.clock.sleep(seconds)

    @property
    def is_idle(self) -> bool:
        """Whether no function is running."""
        return not self._running

    def invoke(self, asked: str, event: Mapping[str, Any]) -> Any:
        """A function's answer. Raises FunctionError, KeyError for a function that is not there."""
        name = asked.rpartition(":")[2]
        if name in self.others:
            return self.others[name](event)
        function = self.functions[name]
        with self._lock:
            self._running += 1
        try:
            return self._invoked(function, event)
        finally:
            with self._lock:
                self._running -= 1

    def _invoked(self, function: Function, event: Mapping[str, Any]) -> Any:
        instance = self._take(function, event)
        clock = instance.clock
        clock.begin()
        self._here.clock = clock
        began = clock.now()
        context = _Context(clock, function.arn, clock.monotonic() + function.timeout)
        answer: Any = None
        error: FunctionError | None = None
        try:
            answer = self._answer(function, instance, event, context)
        except FunctionError as raised:
            error = raised
        lines = _taken(instance.out)
        kind = error.type if error else ""
        ended = clock.now()
        id, cold = context.aws_request_id, instance.cold
        instance.cold = None
        logged = self._measured(lines, clock)
        with self._lock:
            self.invocations.append(
                Invoked(function.name, event, answer, kind, began, ended, logged)
            )
            self._idle.setdefault(function.name, []).append(instance)
        self.wrote(Printed(function.name, instance.log_stream, id, cold, began, ended, kind, lines))
        if error is not None:
            raise error
        return answer

    def restart(self) -> None:
        """Let the next invocations be cold starts."""
        with self._lock:
            self._idle.clear()

    def _answer(
        self, function: Function, instance: _Instance, event: Mapping[str, Any], context: _Context
    ) -> Any:
        """Whatever a handler raises is the invocation's error, as for Lambda."""
        try:
            self.before(function.name, event)
            answer = instance.handler(json.loads(json.dumps(event)), context)
        except Exception as error:  # Lambda's own part: it answers for any error
            _in_time(function, context)
            instance.out.write(json.dumps(_traced()) + "\n")
            raise FunctionError(type(error).__name__, str(error)) from error
        _in_time(function, context)
        return json.loads(json.dumps(answer))

    def _take(self, function: Function, event: Mapping[str, Any]) -> _Instance:
        """A new instance where none is idle. Raises FunctionError where it does not start."""
        with self._lock:
            idle = self._idle.setdefault(function.name, [])
            if idle:
                return idle.pop()
        began = self._clock.now()
        try:
            return self._cold(function)
        except Exception as error:  # as for what a handler raises
            kind, ended = type(error).__name__, self._clock.now()
            traced = _traced()
            invoked = Invoked(function.name, event, None, kind, began, ended, [traced])
            with self._lock:
                self.invocations.append(invoked)
            stream = stream_name(function.name, function.log_group, uuid.uuid4().hex, began)
            id, lines = str(uuid.uuid4()), [json.dumps(traced)]
            self.wrote(Printed(function.name, stream, id, began, began, ended, kind, lines))
            raise FunctionError(kind, str(error)) from error

    def _cold(self, function: Function) -> _Instance:
        session = botocore.session.Session()
        session.set_credentials(function.access_key, "secret")
        out, clock, born = io.StringIO(), InstanceClock(self._clock), self._clock.now()
        world = World(clock, self._endpoint_url, session, out)
        stream = stream_name(function.name, function.log_group, uuid.uuid4().hex, born)
        own = reserved(function.arn, function.log_group, stream)
        handler = handler_in(function.folder, {**own, **function.environment}, world)
        return _Instance(handler, clock, out, stream, born)

    def _measured(self, lines: Sequence[str], clock: Clock) -> list[Mapping[str, Any]]:
        """The log's lines without those that are metrics, which are kept."""
        told = [_read(line) for line in lines]
        data = [datum for line in told if "_aws" in line for datum in _data(line, clock)]
        with self._lock:
            self.metrics += data
        return [line for line in told if "_aws" not in line]


def _taken(out: io.StringIO) -> list[str]:
    """Take the lines that an instance printed."""
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.splitlines()


def _traced() -> Mapping[str, Any]:
    """The log line of the error that is being handled."""
    return {"level": "ERROR", "message": traceback.format_exc()}


def _read(line: str) -> Mapping[str, Any]:
    """A log line; one that is no JSON object, such as what a library prints, is its message."""
    try:
        document = json.loads(line)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"message": line}


def _in_time(function: Function, context: _Context) -> None:
    """Raises FunctionError for a function that was killed before it could answer or err."""
    if context.get_remaining_time_in_millis() < 0:
        raise FunctionError("Sandbox.Timedout", f"timed out after {function.timeout} s")


def _data(line: Mapping[str, Any], clock: Clock) -> list[Datum]:
    """The metrics of a line in embedded metric format, each value once for each dimension set."""
    return [
        Datum(metric["Name"], {n: line[n] for n in names}, value, clock.now())
        for directive in line["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for metric in directive["Metrics"]
        for value in _values(line[metric["Name"]])
    ]


def _values(told: Any) -> Sequence[float]:
    """A metric's value, or its values."""
    return told if isinstance(told, list) else [told]


@contextmanager
def lambda_runs_on(host: Host) -> Iterator[None]:
    """Within, moto's Lambda invokes the host's functions, where it would start a container."""
    if _SEAM not in vars(LambdaFunction):
        raise MotoChangedError(f"moto's LambdaFunction has no more {_SEAM}")
    before = vars(LambdaFunction)[_SEAM]

    def invoke(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        document = json.loads(event) if isinstance(event, str) else event
        try:
            answer = host.invoke(str(function.function_name), document or {})
        except FunctionError as error:
            told = {"errorType": error.type, "errorMessage": error.message, "stackTrace": []}
            return json.dumps(told), True, ""
        return json.dumps(answer), False, ""

    setattr(LambdaFunction, _SEAM, invoke)
    try:
        yield
    finally:
        setattr(LambdaFunction, _SEAM, before)
