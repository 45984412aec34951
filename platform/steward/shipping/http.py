"""The only code that knows urllib3: one request to a log service, and every way it may fail."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    Timeout,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from steward.errors import StewardError
from steward.model import Clock
from steward.shipping.batch import Request
from steward.shipping.encoders.base import Answer, Encoder, Kind
from steward.shipping.encoders.credentials import headers_of
from steward.shipping.sending import MOST_IN_FLIGHT

CONNECT_SECONDS = 5.0

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings show URLs, tokens and all

SENDING = 3
"""How many times what connecting may take, sending a body may take."""

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer that are read: 100,000 items of a bulk answer."""

Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Method, URL, headers and body to the headers that AWS's signature adds."""


class Secret(Protocol):
    """Credentials that may be read anew."""

    def value(self) -> str:
        """The text. Raises StewardError."""
        ...

    def forget(self) -> None:
        """Read it anew before it is next told."""
        ...


class HttpDestination:
    """A log service at a URL."""

    def __init__(
        self,
        url: str,
        encoder: Encoder,
        clock: Clock,
        secret: Secret | None = None,
        sign: Sign | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._url = url if parts.path.strip("/") or parts.query else url.rstrip("/") + encoder.path
        self._encoder = encoder
        self._clock = clock
        self._secret = secret
        self._sign = sign
        self._pool = PoolManager(maxsize=MOST_IN_FLIGHT, retries=False)
        self._pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        self._headers = {"Content-Type": encoder.content_type, "Content-Encoding": "gzip"}

    def attempt(self, request: Request, seconds: float) -> Answer:
        try:
            headers = self._signed(request)
        except StewardError as error:
            return Answer(Kind.CONFIGURE, f"credentials: {error}"[:256])
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=request.body,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
            )
            answer = self._read(response, seconds)
        except LocationValueError:
            return Answer(Kind.CONFIGURE, "the URL names no host")
        except (HTTPError, OSError) as error:  # its text has the URL, and with it perhaps a token
            return Answer(Kind.RETRY, type(error).__name__)
        return self._encoder.judge(response.status, response.headers, answer, request.events)

    def _read(self, response: BaseHTTPResponse, seconds: float) -> bytes:
        """The answer's body. One that comes in drops is a time-out, as is one without an end."""
        until, found = self._clock.monotonic() + seconds, bytearray()
        while piece := response.read1(65536, decode_content=True):
            found += piece
            if len(found) > LARGEST_ANSWER or self._clock.monotonic() > until:
                response.close()
                raise HTTPTimeoutError("the answer has no end")
        response.release_conn()
        return bytes(found)

    def refresh(self) -> bool:
        if self._secret is None:
            return False
        self._secret.forget()
        return True

    def _signed(self, request: Request) -> Mapping[str, str]:
        headers = dict(self._headers)
        if self._secret is not None:
            headers.update(headers_of(self._secret.value(), self._encoder))
        if self._sign is not None:
            headers.update(self._sign("POST", self._url, headers, request.body))
        return headers


class _InTime(HTTPConnection):
    """A connection on which no step takes for ever, however slowly its bytes come or go.

    A socket's time-out is one of each read: headers that come in drops would never meet it.
    """

    def request(self, *args: Any, **more: Any) -> None:
        if self.sock is None:
            self.connect()
        if self.timeout is not None:  # what connecting may take
            self.timeout *= SENDING
        super().request(*args, **more)

    def getresponse(self) -> Any:
        with _ended(self.sock, self.timeout):
            return super().getresponse()


class _InTimeSecurely(_InTime, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _InTime


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _InTimeSecurely


@contextmanager
def _ended(sock: socket.socket, seconds: float | None) -> Iterator[None]:
    """End the connection after so many seconds, unless the block is over by then."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # TLS's own disturbs the reader

    timer = threading.Timer(seconds or 0, end)
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
