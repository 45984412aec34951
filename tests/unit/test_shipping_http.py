"""One request to a log service, and every way it may fail."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from steward.errors import BadPolicy, NotConnected, StewardError
from steward.shipping import http
from steward.shipping.accel import accelerated
from steward.shipping.batch import Request
from steward.shipping.encoders.base import Kind, Options
from steward.shipping.encoders.es_bulk import EsBulk
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.http import HttpDestination, Secret, Sign
from tests.log_service import LogService, Reply
from tests.shipping import RealClock

CODEC = accelerated()
REQUEST = Request(gzip.compress(b'{"id":"1"}\n'), 1, 0, 0)
TOKEN = "s3cr3t-t0k3n"  # noqa: S105  # made up


class Held:
    """A secret that is at hand, or cannot be read."""

    def __init__(self, text: str = TOKEN, error: StewardError | None = None) -> None:
        self.text = text
        self.error = error
        self.forgotten = 0

    def value(self) -> str:
        if self.error:
            raise self.error
        return self.text

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def service() -> Iterator[LogService]:
    with LogService("ndjson") as running:
        yield running


def destination(
    url: str, secret: Secret | None = None, sign: Sign | None = None
) -> HttpDestination:
    return HttpDestination(url, Ndjson(CODEC), RealClock(), secret, sign)


def test_a_request_is_sent(service: LogService) -> None:
    """Compressed, with the format's type and our credentials, over one connection."""
    sender = destination(service.url, Held())
    assert [sender.attempt(REQUEST, 5.0).kind for _ in range(3)] == [Kind.OK] * 3
    post = service.posts[0]
    assert (post.ids, post.path) == (["1"], "/in")
    told = {name.lower(): value for name, value in post.headers.items()}
    assert told["content-encoding"] == "gzip"
    assert told["content-type"] == "application/x-ndjson"
    assert told["authorization"] == f"Bearer {TOKEN}"
    assert len({post.headers["Host"] for post in service.posts}) == 1


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", "/logs/_bulk?filter_path="),
        ("/", "/logs/_bulk?filter_path="),
        ("/proxy/x", "/proxy/x"),
        ("?token=1", "/?token=1"),
        ("/?token=1", "/?token=1"),
    ],
)
def test_a_path_of_its_own_is_kept(suffix: str, path: str) -> None:
    """The format's path is added to a bare address only."""
    with LogService("es_bulk") as service:
        encoder = EsBulk(CODEC, Options(index="logs"))
        sender = HttpDestination(service.url.removesuffix("/in") + suffix, encoder, RealClock())
        body = gzip.compress(b'{"create":{"_id":"1"}}\n{}\n')
        assert sender.attempt(Request(body, 1, 0, 0), 5.0).kind is Kind.OK
    assert service.posts[0].path.startswith(path)


def test_a_signature_is_added(service: LogService) -> None:
    """It is made of what is sent."""
    asked: list[tuple[str, str, bytes]] = []

    def sign(method: str, url: str, headers: object, body: bytes) -> dict[str, str]:
        asked.append((method, url, body))
        return {"X-Signature": "mine"}

    assert destination(service.url, sign=sign).attempt(REQUEST, 5.0).kind is Kind.OK
    assert asked == [("POST", service.url, REQUEST.body)]
    assert service.posts[0].headers["X-Signature"] == "mine"


@pytest.mark.parametrize(
    "error", [BadPolicy("secret: no"), NotConnected("GetSecretValue: nobody answers")]
)
def test_without_credentials_nothing_is_sent(service: LogService, error: StewardError) -> None:
    """It waits for somebody to mend them."""
    answer = destination(service.url, Held(error=error)).attempt(REQUEST, 5.0)
    assert answer.kind is Kind.CONFIGURE
    assert str(error) in answer.reason
    assert service.posts == []


def test_credentials_are_renewed() -> None:
    """Where there are any."""
    held = Held()
    assert destination("http://127.0.0.1:1/in", held).refresh()
    assert held.forgotten == 1
    assert not destination("http://127.0.0.1:1/in").refresh()


def closed() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


UNREACHABLE = [
    pytest.param(f"{closed()}/in?token={TOKEN}", Kind.RETRY, id="refused"),
    pytest.param(f"http://{TOKEN}.invalid/in", Kind.RETRY, id="no host"),
    pytest.param(f"http://127.0.0.1:99999/in?token={TOKEN}", Kind.CONFIGURE, id="no port"),
    pytest.param(f"ftp://127.0.0.1/in?token={TOKEN}", Kind.CONFIGURE, id="scheme"),
]


@pytest.mark.parametrize(("url", "kind"), UNREACHABLE)
def test_what_is_not_reached_is_tried_again_or_mended(url: str, kind: Kind) -> None:
    """And neither address nor token is told."""
    answer = destination(url).attempt(REQUEST, 1.0)
    assert answer.kind is kind
    assert TOKEN not in answer.reason
    assert "127" not in answer.reason


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(manner="reset"), Kind.RETRY),
        (Reply(manner="cut"), Kind.RETRY),
        (Reply(manner="slow"), Kind.RETRY),
        (Reply(body=b"x" * 9999, manner="drop-body"), Kind.RETRY),
        (Reply(headers={"X": "x" * 9999}, manner="drop-headers"), Kind.RETRY),
        (Reply(body=b"x" * 5000), Kind.RETRY),
        (Reply(302, headers={"Location": "/elsewhere"}), Kind.CONFIGURE),
        (Reply(200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}), Kind.OK),
        (Reply(200, gzip.compress(bytes(10**6)), {"Content-Encoding": "gzip"}), Kind.RETRY),
        (Reply(200, b"no gzip", {"Content-Encoding": "gzip"}), Kind.RETRY),
    ],
    ids=lambda value: getattr(value, "manner", "") or getattr(value, "status", value),
)
def test_an_answer_takes_no_longer_and_no_more_than_it_may(
    service: LogService, reply: Reply, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it comes: in drops, without an end, compressed, or not at all."""
    monkeypatch.setattr(http, "LARGEST_ANSWER", 4000)
    service.fault = lambda post: reply
    sender = destination(service.url + f"?token={TOKEN}", Held())
    before = time.monotonic()
    answer = sender.attempt(REQUEST, 0.3)
    assert answer.kind is kind
    assert time.monotonic() - before < 5.0
    assert TOKEN not in answer.reason
    service.fault = lambda post: None
    assert sender.attempt(REQUEST, 5.0).kind is Kind.OK


def test_a_service_that_does_not_read_is_given_up() -> None:
    """Sending a body takes no longer than it may."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = destination(f"http://127.0.0.1:{server.getsockname()[1]}/in")
        before = time.monotonic()
        answer = sender.attempt(Request(bytes(30_000_000), 1, 0, 0), 0.1)
    assert answer.kind is Kind.RETRY
    assert time.monotonic() - before < 5.0


def test_a_connection_that_died_while_we_slept_is_replaced(service: LogService) -> None:
    """A frozen container wakes up with dead ones."""
    sender = destination(service.url)
    assert sender.attempt(REQUEST, 5.0).kind is Kind.OK
    service.fault = lambda post: Reply(headers={"Connection": "close"})
    assert sender.attempt(REQUEST, 5.0).kind is Kind.OK
    service.fault = lambda post: None
    assert sender.attempt(REQUEST, 5.0).kind is Kind.OK


def test_many_requests_at_once(service: LogService) -> None:
    """Threads do not disturb each other, and leave none behind."""
    sender = destination(service.url)
    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(lambda _: sender.attempt(REQUEST, 5.0).kind, range(80)))
    assert kinds == [Kind.OK] * 80
    assert service.arrived == {"1": 80}
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_logs_tell_no_token(service: LogService, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where an answer's headers make no sense, of which urllib3 warns with the URL."""
    caplog.set_level(logging.INFO)
    service.fault = lambda post: Reply(headers={"no header\r\nat all": "x"})
    destination(f"{service.url}?token={TOKEN}").attempt(REQUEST, 1.0)
    assert TOKEN not in caplog.text
