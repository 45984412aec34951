"""A log service on this machine, for whatever ships log events to a URL as lines of JSON.

It keeps what it takes, and refuses as it is told to; what it was asked, it remembers.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """A request, and how it was answered."""

    status: int
    events: Sequence[Event]


class LogService:
    """Listens on a port of loopback from its making on, until it is left or stopped."""

    status: int = 200
    """What it answers; above 299 it takes nothing."""
    token: str = ""
    """Who brings another one than this is answered 401; '': everybody is welcome."""

    def __init__(self) -> None:
        self.posts: list[Posted] = []
        """Every request, oldest first."""
        self.taken: list[Event] = []
        """The events that it took, in the order in which they came."""
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/in"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Listen no more; what was taken stays."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def times(self) -> Counter[str]:
        """How often each event was taken, by its id."""
        return Counter(str(event["id"]) for event in self.taken)

    @property
    def messages(self) -> list[str]:
        """What the events say; one that was taken twice says it once."""
        return [str(event["message"]) for event in {one["id"]: one for one in self.taken}.values()]

    def answer(self, authorization: str, body: bytes) -> int:
        """The status of a request, whose events are taken if that is good."""
        events = [json.loads(line) for line in gzip.decompress(body).splitlines()]
        with self._lock:
            known = not self.token or authorization == f"Bearer {self.token}"
            status = self.status if known else 401
            self.posts.append(Posted(status, events))
            if status < 300:
                self.taken += events
        return status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: LogService


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.service.answer(self.headers.get("Authorization", ""), body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""
