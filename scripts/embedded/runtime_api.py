"""Lambda's Runtime API on the loopback interface, and a built function as a child process of it.

The function runs as on AWS: under Lambda's own runtime client, from its own folder, with its layers
beside it and nothing of this project's environment. Paths, headers and variables are those of the
Lambda developer guide ("Using the Lambda runtime API", "Defined runtime environment variables").
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Self

PYTHON = Path(__file__).parents[2] / ".tools/lambda/bin/python3.13"
"""A Python 3.13 with the runtime client (awslambdaric) and nothing else; scripts/build makes it."""

_API = "/2018-06-01/runtime"
_START_FAILED = f"{_API}/init/error"
_GRACE = 5.0
"""Seconds in which a child is to notice that its server is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as its template describes it."""

    name: str
    code: Path
    layers: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    handler: str = "handler.handler"
    timeout: float = 120.0
    """Seconds."""
    memory: int = 512
    region: str = "eu-west-1"
    account: str = "123456789012"

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an invocation: a value, or an error, or nothing in time."""

    value: Any = None
    error: Mapping[str, Any] | None = None
    """errorType and errorMessage, with stackTrace where the handler raised it."""
    timed_out: bool = False


class _Invocation:
    """One event on its way through the function."""

    def __init__(self, event: Any, function: Function) -> None:
        self.id = str(uuid.uuid4())
        self.body = json.dumps(event).encode()
        self.answered = threading.Event()
        self.answer = Answer()
        self._function = function
        self._ends = time.monotonic() + function.timeout

    @property
    def late(self) -> bool:
        return time.monotonic() > self._ends

    def begin(self) -> Mapping[str, str]:
        """The headers it is handed out with; its time begins now."""
        self._ends = time.monotonic() + self._function.timeout
        trace = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": f"{trace};Parent={uuid.uuid4().hex[:16]};Sampled=1",
        }

    def end(self, answer: Answer) -> None:
        self.answer = answer
        self.answered.set()


class _Server(ThreadingHTTPServer):
    """The Runtime API of one execution environment, which has one invocation at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self._waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._invocation: _Invocation | None = None
        self.start_failed = False
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def offer(self, invocation: _Invocation) -> None:
        self._invocation = invocation
        self._waiting.put(invocation)

    def next(self) -> _Invocation | None:
        """Waits for an invocation; None when the server is closed."""
        return self._waiting.get()

    def told(self, path: str, body: bytes) -> int:
        """Take what the function says of its invocation or of its start; an HTTP status."""
        here = self._invocation
        mine = "" if here is None else f"{_API}/invocation/{here.id}"
        if here is None or path not in (f"{mine}/response", f"{mine}/error", _START_FAILED):
            return 404
        self.start_failed = path == _START_FAILED
        told = json.loads(body)
        here.end(Answer(told) if path == f"{mine}/response" else Answer(error=told))
        return 202

    def close(self) -> None:
        """Let go of the child that waits; no other connection can be made by then."""
        self.shutdown()
        self.server_close()
        self._waiting.put(None)


class _Request(BaseHTTPRequestHandler):
    """One connection of the runtime client."""

    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece; in two, the second waits 40 ms for the first

    def do_GET(self) -> None:
        if self.path != f"{_API}/invocation/next":
            self._say(404, {}, b"")
            return
        invocation = self.server.next()
        if invocation is None:
            self.close_connection = True
            return
        self._say(200, invocation.begin(), invocation.body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(self.server.told(self.path, body), {}, b'{"status":"OK"}')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Say nothing of requests."""

    def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Environment:
    """An execution environment: one child and its Runtime API."""

    def __init__(
        self, function: Function, python: Path, log: IO[bytes], first: _Invocation
    ) -> None:
        self._server = _Server()
        self.offer(first)  # whatever the child says is said of an invocation, also of its start
        self._child = subprocess.Popen(
            [python, "-m", "awslambdaric", function.handler],
            cwd=function.code,
            env=_variables(function, self._server.address),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    @property
    def over(self) -> bool:
        """Whether it takes no further invocation."""
        return self._server.start_failed or self._child.poll() is not None

    def offer(self, invocation: _Invocation) -> None:
        self._server.offer(invocation)

    def awaited(self, invocation: _Invocation) -> Answer:
        while not invocation.answered.wait(0.05):
            if invocation.late:
                self._child.kill()
                self._child.wait()
                return Answer(timed_out=True)
            if self._child.poll() is not None and not invocation.answered.is_set():
                return Answer(error=_died(invocation, self._child.returncode))
        return invocation.answer

    def stop(self) -> None:
        """Close the server, upon which the child ends by itself; one that is busy is killed."""
        self._server.close()
        try:
            self._child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


class RuntimeProcess:
    """A built function, for as long as it is entered; no process of it outlives that, or us.

    The child starts with the first invocation, serves one at a time, and is started anew after a
    time-out, a failed start or a crash.
    """

    def __init__(self, function: Function, python: Path = PYTHON) -> None:
        self._function = function
        self._python = python
        self._environment: _Environment | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile("a+b")  # appended to, wherever it is being read
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._log.close()

    def invoke(self, event: Any) -> Answer:
        """What the function answers to an event, which is to be JSON."""
        if self._environment is not None and self._environment.over:
            self._stop()
        invocation = _Invocation(event, self._function)
        if self._environment is None:
            self._environment = _Environment(self._function, self._python, self._log, invocation)
        else:
            self._environment.offer(invocation)
        return self._environment.awaited(invocation)

    def lines(self) -> Sequence[str]:
        """What it has written to its log so far, whichever child wrote it."""
        self._log.seek(0)
        return self._log.read().decode().splitlines()

    def _stop(self) -> None:
        if self._environment is not None:
            self._environment.stop()
        self._environment = None


def _died(invocation: _Invocation, status: int) -> Mapping[str, str]:
    """How Lambda tells that the runtime's process is gone."""
    how = f"exit status {status}" if status >= 0 else f"signal {-status}"
    message = f"RequestId: {invocation.id} Error: Runtime exited with error: {how}"
    return {"errorType": "Runtime.ExitError", "errorMessage": message}


def _variables(function: Function, api: str) -> Mapping[str, str]:
    """The variables that Lambda defines, and the function's own, which go before them."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(str(layer / "python") for layer in function.layers),
        "PYTHONDONTWRITEBYTECODE": "1",  # as /opt and /var/task are read-only
        "LAMBDA_TASK_ROOT": str(function.code),
        "_HANDLER": function.handler,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/01/01/[$LATEST]{uuid.uuid4().hex}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **function.environment,
    }
