"""Every fault on the way of log events, against a log service on this machine.

One row for each fault. A batch of ten records with fifty events each is shipped while the fault
lasts, once more in a new container, and again once it is over, as a shard's records would be.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from steward.aws import metric_data
from steward.errors import Denied
from steward.shipping import sending
from steward.shipping.accel import accelerated
from steward.shipping.decode import LARGEST, Record
from steward.shipping.encoders.base import Encoder, Limits, Options
from steward.shipping.encoders.es_bulk import EsBulk
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.encoders.otlp import Otlp
from steward.shipping.http import HttpDestination
from steward.shipping.metrics import calls
from steward.shipping.shipper import Publish
from tests.fakes import FakeAws, FakeClock
from tests.log_service import Fault, LogService, Post, Reply, bulk_results, otlp_id
from tests.shipping import Metrics, RealClock, Rig, Shelf, document, record

SIZE = 50
MARKED = "4-25"
"""An event of the third request."""
FROM = 4
"""The place of the first record of that request."""

CODEC = accelerated()
LIMITS = Limits(1_000_000, 2 * SIZE, 100_000)


class SmallNdjson(Ndjson):
    limits: ClassVar[Limits] = LIMITS


class SmallBulk(EsBulk):
    limits: ClassVar[Limits] = LIMITS


class SmallOtlp(Otlp):
    limits: ClassVar[Limits] = LIMITS


FORMS: Mapping[str, Encoder] = {
    "ndjson": SmallNdjson(CODEC),
    "es_bulk": SmallBulk(CODEC, Options(index="logs")),
    "otlp": SmallOtlp(CODEC),
}


def batch() -> list[Record]:
    return [
        record(place, document([f"{place}-{number}" for number in range(SIZE)]))
        for place in range(10)
    ]


EVERYTHING = {f"{place}-{number}" for place in range(10) for number in range(SIZE)}


Play = Callable[[], Fault]
"""Begins a fault anew."""


@dataclass(frozen=True)
class Row:
    """A fault, and what has to come of it while it lasts. Afterwards, nothing may be missing."""

    name: str
    fault: Play | None = None
    data: bytes = b""
    """In place of the data of record 4."""
    only: tuple[str, ...] = tuple(FORMS)
    parked_events: int = 0
    parked_records: int = 0
    again: int | None = None
    """The place from which records come again, while it lasts."""
    cause: str = ""
    """What stands in the reason for that."""
    shelf: Sequence[bool] = ()
    publish: Publish | None = None
    parked_metrics: int = 0
    limit: float = 4.0
    is_slow: bool = False


def at_mark(reply: Reply) -> Play:
    """The requests with the marked event are answered so."""
    return lambda: lambda post: reply if MARKED in post.ids else None


def always(reply: Reply) -> Play:
    return lambda: lambda post: reply


def once(reply: Callable[[Post], Reply]) -> Play:
    """The first request with the marked event is answered so, though the fault lasts."""

    def play() -> Fault:
        left = [reply]
        return lambda post: left.pop()(post) if MARKED in post.ids and left else None

    return play


def told(status: int) -> Callable[[Post], Reply]:
    return lambda post: Reply(status)


def larger_than(size: int) -> Play:
    return lambda: lambda post: Reply(413) if len(post.body) > size else None


def item(status: int) -> Callable[[Post], Reply]:
    """A bulk request's marked event has this status, and the others are taken."""

    def reply(post: Post) -> Reply:
        statuses = [status if uid == MARKED else 201 for uid in post.ids]
        taken = tuple(uid for uid in post.ids if uid != MARKED or status == 409)
        return Reply(body=bulk_results(statuses), takes=taken)

    return reply


def each(reply: Callable[[Post], Reply]) -> Play:
    """Every request with the marked event is answered so."""
    return lambda: lambda post: reply(post) if MARKED in post.ids else None


def partial(post: Post) -> Reply:
    body = b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}'
    return Reply(body=body, takes=tuple(uid for uid in post.ids if uid != MARKED))


def refused_metrics() -> Publish:
    aws = FakeAws({("cloudwatch", "PutMetricData"): Denied("PutMetricData: AccessDenied")})
    return lambda points: metric_data.publish(aws, calls(points))


JSON_FORMS = ("ndjson", "es_bulk")
ONE = (document(["x"]), document(["y"]))
GOOD = gzip.compress(b"{}")
LONG = document([f"4-{number}" for number in range(SIZE)])
LONG["logEvents"][25]["message"] = "x" * 90_000

ROWS = [
    Row("nothing"),
    # records that hold no log events
    Row("not base64", data=b"?", parked_records=1),
    Row("corrupt gzip", data=b64encode(GOOD[:-6] + b"??" + GOOD[-4:]), parked_records=1),
    Row("truncated gzip", data=b64encode(GOOD[:-9]), parked_records=1),
    Row("gzip bomb", data=b64encode(gzip.compress(bytes(LARGEST + 1), 1)), parked_records=1),
    Row(
        "JSON bomb", data=b64encode(gzip.compress(b"[%b0]" % (b"{}," * 2**21), 1)), parked_records=1
    ),
    Row("foreign JSON", data=b64encode(gzip.compress(b'{"order": 7}')), parked_records=1),
    Row("foreign bytes", data=b64encode(b"hello"), parked_records=1),
    Row("aggregated (KPL)", data=b64encode(b"\xf3\x89\x9a\xc2..."), parked_records=1),
    Row(
        "control message",
        data=b64encode(gzip.compress(b'{"messageType":"CONTROL_MESSAGE","logEvents":[]}')),
    ),
    # answers that end a request
    Row("400 for one event", at_mark(Reply(400)), parked_events=1),
    Row("400 for everything", always(Reply(400)), parked_events=500),
    Row("one event too large", larger_than(30_000), data=b64encode(b"LONG")),
    Row("413 above 9 kB", larger_than(9_000)),
    Row("400 of an item", each(item(400)), only=("es_bulk",), parked_events=1),
    Row("409 of an item", each(item(409)), only=("es_bulk",)),
    Row("partialSuccess", each(partial), only=("otlp",), parked_events=2 * SIZE),
    # answers after which it is tried again
    *(Row(f"{status} once", once(told(status))) for status in (429, 503)),
    Row("429 with Retry-After once", once(lambda _: Reply(429, headers={"Retry-After": "2"}))),
    Row("429 of an item once", once(item(429)), only=("es_bulk",)),
    Row("429 of an item", each(item(429)), only=("es_bulk",), again=FROM, cause="429"),
    Row("429", at_mark(Reply(429, headers={"Retry-After": "1"})), again=FROM, cause="429"),
    Row("503", at_mark(Reply(503)), again=FROM, cause="503"),
    Row("503 for everything", always(Reply(503)), again=0, cause="503"),
    *(
        Row(f"{status}", at_mark(Reply(status)), only=JSON_FORMS, again=FROM, cause=f"{status}")
        for status in (408, 500)
    ),
    *(  # the specification forbids to repeat them
        Row(f"{status} of OTLP", at_mark(Reply(status)), only=("otlp",), parked_events=1)
        for status in (408, 500)
    ),
    Row("reset once", once(lambda _: Reply(manner="reset"))),
    Row("reset", at_mark(Reply(manner="reset")), again=FROM, cause="ProtocolError"),
    Row("reset after taking", once(lambda post: Reply(manner="reset", takes=tuple(post.ids)))),
    Row("answer cut off", at_mark(Reply(manner="cut")), again=FROM, cause="ProtocolError"),
    Row(
        *("slow", at_mark(Reply(manner="slow"))),
        only=("ndjson",),
        again=FROM,
        cause="ReadTimeout",
        is_slow=True,
    ),
    Row(
        *("answer in drops", at_mark(Reply(body=b"{" * 999, manner="drop-body"))),
        only=("ndjson",),
        again=FROM,
        cause="Timeout",
        is_slow=True,
    ),
    Row(
        *("headers in drops", at_mark(Reply(headers={"X": "x" * 999}, manner="drop-headers"))),
        only=("ndjson",),
        again=FROM,
        cause="ReadTimeout",
        is_slow=True,
    ),
    # what somebody has to mend: it waits
    *(
        Row(f"{status}", always(Reply(status)), again=0, cause=f"{status}")
        for status in (401, 403, 404)
    ),
    Row("redirect", always(Reply(302, headers={"Location": "/"})), again=0, cause="302"),
    Row("413 for everything", always(Reply(413)), again=0, cause="413"),
    Row("page of a proxy", always(Reply(200, b"<html>")), again=0, cause=""),
    # what fails here
    Row("out of time", limit=0.5, again=0, cause="out of time"),
    Row("parking fails", data=b64encode(b"hello"), shelf=(True, True), again=FROM, cause="parking"),
    Row("metrics refused", publish=refused_metrics(), parked_metrics=1),
]
CASES = [(row, form) for row in ROWS for form in row.only]


@dataclass
class Seen:
    """What came of a batch while the fault lasted, and when all was over."""

    arrived: int = 0
    again: int | None = None
    cause: str = ""
    parked_events: int = 0
    parked_records: int = 0
    metrics: int = 0
    come_again: int = 0
    twice: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    rounds: int = 0
    rig: Rig | None = None


def seen(row: Row, form: str, service: LogService) -> Seen:
    """Play a row."""
    records, missing = batch(), set[str]()
    if row.data == b64encode(b"LONG"):
        records[FROM] = record(FROM, LONG)
    elif row.data:
        records[FROM] = replace(records[FROM], data=row.data.decode())
        missing = {uid for uid in EVERYTHING if uid.startswith(f"{FROM}-")}
    if row.fault:
        service.fault = row.fault()
    with ThreadPoolExecutor(8) as pool:
        rig = rig_of(row, form, service, pool)
        found, left = during(rig, row, records, service)
        service.fault = lambda post: None
        rig.limit = 60.0
        for found.rounds in range(4):
            rig.shipper = rig.fresh()
            again = rig.ship(left).again if left else None
            left = [] if again is None else left[again:]
            if not left:
                break
    parked = {_id(line["item"], form) for line in rig.shelf.lines("event")}
    found.lost = (EVERYTHING - missing) - service.arrived.keys() - parked
    found.twice = [uid for uid, count in service.arrived.items() if count > 1]
    found.rig = rig
    return found


def during(
    rig: Rig, row: Row, records: list[Record], service: LogService
) -> tuple[Seen, list[Record]]:
    """Two invocations while the fault lasts; what of the records comes again afterwards."""
    shipped = rig.ship(records)
    found = Seen(len(service.arrived), shipped.again, shipped.cause)
    left = [] if shipped.again is None else records[shipped.again :]
    found.come_again = len(left)
    if left:
        rig.shipper = rig.fresh()
        again = rig.ship(left).again
        left = [] if again is None else left[again:]
    found.parked_events = len(rig.shelf.lines("event"))
    found.parked_records = len(rig.shelf.lines("record"))
    found.metrics = len(rig.shelf.lines("metrics"))
    return found, left


def rig_of(row: Row, form: str, service: LogService, pool: ThreadPoolExecutor) -> Rig:
    clock, encoder = FakeClock(), FORMS[form]
    metrics: Any = row.publish or Metrics()
    destination = HttpDestination(service.url, encoder, RealClock())  # sockets live by it
    return Rig(destination, Shelf(row.shelf), metrics, clock, pool, CODEC, encoder, limit=row.limit)


def _id(item: Any, form: str) -> str:
    if form == "ndjson":
        return str(item["id"])
    return str(item["action"]["create"]["_id"]) if form == "es_bulk" else otlp_id(item["logRecord"])


@pytest.fixture(autouse=True)
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts are short where the service is slow, so that waiting for them is, too."""
    row = request.node.callspec.params["row"]
    if row.is_slow:
        monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 0.3)
        monkeypatch.setattr(sending, "SHORTEST_ATTEMPT", 0.01)
        monkeypatch.setattr(sending, "FIRST_BACKOFF", 4.0)


@pytest.mark.parametrize(("row", "form"), CASES, ids=[f"{row.name}-{form}" for row, form in CASES])
def test_no_fault_loses_anything(row: Row, form: str) -> None:
    """Nothing is lost; what can wait waits and is never parked; what never will be taken is parked
    and keeps nobody waiting; twice is only what stands behind the first failed request."""
    with LogService(form) as service:
        found = seen(row, form, service)
    assert bool(row.fault) == bool(service.played)
    assert found.lost == set()
    assert (found.again, found.parked_events) == (row.again, row.parked_events)
    assert row.cause in found.cause
    assert found.metrics == row.parked_metrics
    places = [int(uid.partition("-")[0]) for uid in found.twice]
    assert min(places, default=FROM) >= (0 if row.again == 0 else FROM)
    if row.again is None:
        assert row.name == "reset after taking" or not found.twice
    assert found.rig is not None
    assert len(found.rig.shelf.lines("record")) == (row.parked_records or bool(row.shelf))
