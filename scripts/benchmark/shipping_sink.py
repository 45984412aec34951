"""A log service on loopback, in a process of its own: takes everything, and says so.

``python -m benchmark.shipping_sink``, spoken to with ``shipping_talking``.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmark.shipping_talking import answering

_ACCEPTED: Mapping[str, tuple[int, bytes]] = {
    "/services/collector/event": (200, b'{"text":"Success","code":0}'),
    "/api/v2/logs": (202, b"{}"),
    "/loki/api/v1/push": (204, b""),
}
"""What services say of a request that they took, by the end of its path; the others say 200."""

_BULK = "/_bulk"
_CREATED = b'{"create":{"status":201}}'
_GZIP = 31  # zlib's wbits for a gzip member
_TRAILER = 8  # bytes at a gzip member's end: the checksum and the length of what it inflates to


class Sink(ThreadingHTTPServer):
    """Counts what it is sent; after ``delay`` seconds it answers."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self.delay = 0.0
        self._folder: Path | None = None
        self._requests = self._size = 0
        self._documents: dict[bytes, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, body: bytes) -> None:
        with self._lock:
            self._requests += 1
            self._size += len(body)
            number, folder = self._requests, self._folder
        if folder:
            (folder / f"{number:05}").write_bytes(body)

    def documents(self, body: bytes) -> int:
        """How many a bulk request has. A body is looked into at its first time, when nothing is
        measured."""
        trailer = body[-_TRAILER:]
        if trailer not in self._documents:
            self._documents[trailer] = zlib.decompress(body, _GZIP).count(b'{"create":')
        return self._documents[trailer]

    def configure(self, delay: float, folder: str) -> dict[str, int]:
        """What came since the last time; from now on, bodies are kept in the folder, if any."""
        with self._lock:
            came = {"requests": self._requests, "bytes": self._size}
            self._requests = self._size = 0
            self.delay, self._folder = delay, Path(folder) if folder else None
        return came


class _Handler(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer in one packet

    def do_POST(self) -> None:  # the base class's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.delay)
        self.server.take(body)
        status, answer = self._answer(self.path.partition("?")[0], body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith(_BULK):
            items = b",".join([_CREATED] * self.server.documents(body))
            return 200, b'{"errors":false,"items":[' + items + b"]}"
        return next((said for end, said in _ACCEPTED.items() if path.endswith(end)), (200, b"{}"))

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


def main() -> None:
    """Serve until there are no more questions."""
    sink = Sink()
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    answering({"url": sink.url}, lambda question: sink.configure(**question))


if __name__ == "__main__":
    main()
