"""Moto's server on the loopback interface, counting, slowing, throttling and failing requests.

In a process of its own: ``python -m embedded.counting --port 0`` prints its URL as the first line
and ends when its standard input does; see ``embedded.process`` and ``embedded.control``.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from embedded.control import PATH, control
from embedded.faults import Bucket, Fault
from embedded.overlays import faithful
from embedded.wire import Asked, Environ, read

StartResponse = Callable[..., Any]
Refusal = tuple[int, str, str]  # HTTP status, code, message


class _Silent(MotoRequestHandler):
    """Says nothing of requests; what moto did not expect still goes to werkzeug's log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class _Dispatcher(DomainDispatcherApplication):
    """Looks a host's backend up once; moto's own lists a folder at each request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._known: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


class CountingServer:
    """A faithful moto behind an HTTP endpoint, for as long as it is entered.

    Every request counts in ``calls``, also one that is answered with an error; requests under
    ``/_control/`` and ``/moto-api/`` do not. The account is moto's, or ``MOTO_ACCOUNT_ID``.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.latency = 0.0
        """Seconds that every request takes longer."""
        self.quotas: Mapping[str, float] = {}
        """Requests per second by ``service.Operation``; above it: ThrottlingException."""
        self.faults: Sequence[Fault] = ()
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.in_flight_max = 0
        self._in_flight = 0
        self._struck: Counter[int] = Counter()
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._moto = _Dispatcher()
        self._server = make_server("127.0.0.1", port, self, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._open.enter_context(faithful())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._open.close()

    def clear(self) -> None:
        """Forget what was counted; faults and quotas start anew, the account stays as it is."""
        with self._lock:
            self.calls.clear()
            self.throttled.clear()
            self._struck.clear()
            self._buckets.clear()
            self.in_flight_max = self._in_flight

    def stats(self) -> Mapping[str, Any]:
        """What was counted since the last clear."""
        with self._lock:
            return {
                "calls": dict(self.calls),
                "throttled": dict(self.throttled),
                "in_flight_max": self.in_flight_max,
            }

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        path = environ["PATH_INFO"]
        if path.startswith(PATH):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            asked = f"{environ['REQUEST_METHOD']} {path.removeprefix(PATH)}"
            status, answer = control(self, asked, json.loads(body or b"{}"))
            return _send(start, status, {"Content-Type": "application/json"}, answer)
        if path.startswith("/moto-api"):
            return self._moto(environ, start)  # type: ignore[no-any-return]  # moto leaves it open
        request = read(environ)
        with self._counted(request) as refusal:
            if self.latency:
                time.sleep(self.latency)
            if refusal is None:
                return self._passed_on(request, environ, start)
            status, code, message = refusal
            return _send(start, status, *request.error(code, message))

    @contextmanager
    def _counted(self, asked: Asked) -> Iterator[Refusal | None]:
        """Count a request for as long as it is in flight; yields how it is to be refused."""
        with self._lock:
            self.calls[asked.name] += 1
            self._in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self._in_flight)
            refusal = self._throttled(asked) or self._struck_by(asked)
        try:
            yield refusal
        finally:
            with self._lock:
                self._in_flight -= 1

    def _throttled(self, asked: Asked) -> Refusal | None:
        rate = self.quotas.get(asked.name)
        if rate is None:
            return None
        bucket = self._buckets.get(asked.name)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[asked.name] = Bucket(rate)
        if bucket.take():
            return None
        self.throttled[asked.name] += 1
        return 400, "ThrottlingException", "Rate exceeded"

    def _struck_by(self, asked: Asked) -> Refusal | None:
        count = self.calls[asked.name]
        for index, fault in enumerate(self.faults):
            if fault.operation == asked.name and fault.strikes(
                count, self._struck[index], asked.params
            ):
                self._struck[index] += 1
                return fault.status, fault.code, fault.message
        return None

    def _passed_on(self, asked: Asked, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        try:
            return self._moto(environ, start)  # type: ignore[no-any-return]  # moto leaves it open
        except NotImplementedError as gap:
            return _send(start, 400, *asked.error("UnknownOperationException", str(gap)))


def _send(
    start: StartResponse, status: int, headers: Mapping[str, str], body: bytes
) -> Iterable[bytes]:
    length = {"Content-Length": str(len(body))}
    start(f"{status} {'OK' if status < 400 else 'Error'}", [*({**headers, **length}).items()])
    return [body]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until standard input ends, so that no server outlives who started it."""
    parser = argparse.ArgumentParser(prog="embedded.counting", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    with CountingServer(port=parser.parse_args(arguments).port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
