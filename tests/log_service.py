"""A log service on this machine that keeps what it takes, and misbehaves as it is told to."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAUSE = 0.01
"""Seconds between the drops of an answer in drops."""


@dataclass(frozen=True, slots=True)
class Post:
    """A request: the ids of its events, and its body before compression."""

    ids: list[str]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``manner`` is "" for at once, "reset", "cut" (in the middle of its body), "slow"
    (never), "drop-headers", "drop-body"; ``takes`` are the ids that are kept."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: str = ""
    takes: tuple[str, ...] = ()


def ndjson_ids(body: bytes) -> list[str]:
    return [json.loads(line)["id"] for line in body.splitlines()]


def bulk_ids(body: bytes) -> list[str]:
    return [json.loads(line)["create"]["_id"] for line in body.splitlines()[::2]]


def otlp_ids(body: bytes) -> list[str]:
    return [
        otlp_id(log)
        for group in json.loads(body)["resourceLogs"]
        for scope in group["scopeLogs"]
        for log in scope["logRecords"]
    ]


def otlp_id(log: Mapping[str, Any]) -> str:
    named = {entry["key"]: entry["value"] for entry in log["attributes"]}
    return str(named["log.record.uid"]["stringValue"])


def bulk_results(statuses: list[int]) -> bytes:
    """Elasticsearch's answer with these results."""
    items = [
        {"create": {"status": status, "error": {"type": "mapper_parsing_exception"}}}
        if status == 400
        else {"create": {"status": status}}
        for status in statuses
    ]
    return json.dumps({"errors": True, "items": items}).encode()


def well(post: Post, form: str) -> Reply:
    """The answer of a service that takes everything."""
    body = bulk_results([201] * len(post.ids)) if form == "es_bulk" else b"{}"
    return Reply(body=body, takes=tuple(post.ids))


IDS: Mapping[str, Callable[[bytes], list[str]]] = {
    "ndjson": ndjson_ids,
    "es_bulk": bulk_ids,
    "otlp": otlp_ids,
}

Fault = Callable[[Post], Reply | None]


class LogService:
    """Takes logs in one format; ``fault`` gives another answer, or None."""

    def __init__(self, form: str) -> None:
        self.arrived: Counter[str] = Counter()
        self.posts: list[Post] = []
        self.played = 0
        """How often there was a fault."""
        self.fault: Fault = lambda post: None
        self._form = form
        self._lock = threading.Lock()
        self._over = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                service._serve(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """A client that hung up is part of the play."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/in"

    def __enter__(self) -> LogService:
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        packed = handler.rfile.read(int(handler.headers["Content-Length"]))
        body = gzip.decompress(packed)
        post = Post(IDS[self._form](body), body, dict(handler.headers.items()), handler.path)
        with self._lock:
            self.posts.append(post)
            fault = self.fault(post)
            self.played += fault is not None
            reply = fault or well(post, self._form)
            self.arrived.update(reply.takes)
        self._answer(handler, reply)

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        length = str(len(reply.body) + (reply.manner == "cut"))
        told = {"Content-Length": length, **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} What", *(f"{n}: {v}" for n, v in told.items())]
        head = "\r\n".join([*lines, "", ""]).encode()
        if reply.manner in {"reset", "cut"}:
            handler.wfile.write(b"" if reply.manner == "reset" else head + reply.body)
            linger = struct.pack("ii", 1, 0)  # a reset in place of an end
            if reply.manner == "reset":
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
        elif reply.manner == "slow":
            self._over.wait(10)
        else:
            dropped = {"drop-headers": head, "drop-body": reply.body}.get(reply.manner, b"")
            handler.wfile.write(b"" if dropped is head else head)
            for place in range(len(dropped)):
                self._over.wait(PAUSE)
                handler.wfile.write(dropped[place : place + 1])
            handler.wfile.write(b"" if reply.manner == "drop-body" else reply.body)
