"""Objects of the bucket once more: what is shipped, what stays, and that nothing is lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.errors import Denied, Gone, Invalid, Refused, StewardError, TryAgain
from steward.model import Deadline
from steward.shipping import contents, parking, redriving
from steward.shipping.accel import Codec, accelerated, standard
from steward.shipping.contents import DamagedError, Portion, portions
from steward.shipping.encoders.base import Limits
from steward.shipping.pieces import Pieces
from steward.shipping.redriving import NOTHING_SHIPPED, Order, Redrive, Redriven, fitting
from tests.shipping import Forgetful, Metrics, Rig, Service, Shelf, Small, document, record

CODEC = accelerated()
PARKED = "parked/2026/11/19/"
CALL = {"Namespace": "toys", "MetricData": [{"MetricName": "n", "Value": 1.0}]}


@dataclass
class Box(Shelf):
    """A bucket that can be read, too; ``refused`` are the keys that may not be deleted."""

    refused: frozenset[str] = frozenset()
    vanishing: frozenset[str] = frozenset()
    """Listed, and gone when they are read."""
    read: list[str] = field(default_factory=list)
    silent: bool = False

    def get(self, key: str, most: int) -> bytes:
        self.read.append(key)
        if key in self.vanishing:
            raise Gone("GetObject: NoSuchKey")
        if len(self.objects[key]) > most:
            raise Refused(f"has more than {most} bytes")
        return self.objects[key]

    def delete(self, key: str) -> None:
        if key in self.refused:
            raise Denied("DeleteObject: AccessDenied")
        del self.objects[key]

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        if self.silent:
            raise TryAgain("ListObjectsV2: no answer")
        while more := [key for key in self.objects if key.startswith(prefix) and key > after]:
            after = min(more)  # also of what was written meanwhile, as in later pages
            yield after


def sheltered(_key: str, act: Callable[[], None], otherwise: Callable[[str], None]) -> None:
    """As in a Lambda function, a bug costs one object."""
    try:
        act()
    except StewardError:
        raise
    except Exception as bug:  # noqa: BLE001  # as in the runtime
        otherwise(f"internal error: {type(bug).__name__}")


@dataclass
class Stage:
    """A bucket, a log service, and a redrive between them."""

    service: Service = field(default_factory=Service)
    box: Box = field(default_factory=Box)
    publishing: Iterable[bool] = ()
    encoder: Small | None = None
    calls: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = iter(self.publishing)
        self.metrics = Metrics()
        self.rig = Rig(
            self.service, self.box, self.metrics, self.service.clock, encoder=self.encoder
        )

    def put(self, name: str, *lines: Mapping[str, Any], prefix: str = PARKED) -> str:
        text = b"".join(CODEC.dumps(line) + b"\n" for line in lines)
        self.box.objects[f"{prefix}{name}"] = gzip.compress(text)
        return f"{prefix}{name}"

    def publish(
        self, calls: Sequence[Mapping[str, Any]]
    ) -> Sequence[tuple[Mapping[str, Any], str]]:
        left = [(call, "Denied") for call in calls if next(self.steps, False)]
        self.calls += [call for call in calls if call not in [one for one, _ in left]]
        return left

    def run(self, cursor: str = "", seconds: float = 60.0, **order: Any) -> Redriven:
        redrive = Redrive(self.box, CODEC, self.rig.fresh, self.publish, sheltered)
        deadline = Deadline(self.service.clock, seconds)
        return redrive.run(Order(**{"prefix": "parked/", "cursor": cursor, **order}), deadline)


def of_record(uid: str = "a", data: bytes | None = None) -> dict[str, Any]:
    """The line of a parked record."""
    return parking.record(record(uid, document([uid]) if data is None else data), "a bug")


def of_event(uid: str = "a", form: str = "ndjson", **more: Any) -> dict[str, Any]:
    """The line of a parked event."""
    return parking.event({"id": uid, "message": f"line {uid}", **more}, "mapping", form)


def given_up(*ids: str, as_text: bool = True) -> bytes:
    """What Lambda writes of records that are too old."""
    found = [
        {
            "kinesis": {
                "sequenceNumber": uid,
                "data": record(uid, document([uid])).data,
                "approximateArrivalTimestamp": 1794470400.12,
            },
            "eventID": f"shardId-000000000000:{uid}",
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:111122223333:stream/steward-logs",
        }
        for uid in ids
    ]
    payload: Any = {"Records": found}
    told = {
        "requestContext": {"condition": "RecordAgeExceeded", "approximateInvokeCount": 9},
        "version": "1.0",
        "KinesisBatchInfo": {"batchSize": len(ids)},
        "payload": json.dumps(payload) if as_text else payload,
    }
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("line", "arrived"),
    [
        pytest.param(of_record("a"), ["a"], id="a record"),
        pytest.param(of_event("a"), ["a"], id="an event"),
        pytest.param(parking.metrics(CALL, "Throttled"), [], id="metrics"),
    ],
)
def test_what_was_parked_is_shipped_and_its_object_deleted(
    line: Mapping[str, Any], arrived: list[str]
) -> None:
    """Each kind to where it was meant for."""
    stage = Stage()
    stage.put("1.ndjson.gz", line)
    done = stage.run()
    assert (done.looked, done.shipped, done.left, done.cursor) == (1, 1, {}, "")
    assert list(stage.service.taken) == arrived
    assert stage.calls == ([CALL] if line["kind"] == "metrics" else [])
    assert stage.box.objects == {}


def test_an_event_goes_out_as_it_stood_in_its_request() -> None:
    """It was redacted and sampled before; nothing is done to it again."""
    stage = Stage()
    item = of_event("a", odd=[1, {"b": None}], timestamp=7)["item"]
    stage.put("1.ndjson.gz", of_event("a", odd=[1, {"b": None}], timestamp=7))
    seen: list[bytes] = []
    taking = stage.service.attempt

    def attempt(request: Any, seconds: float) -> Any:
        seen.append(gzip.decompress(request.body))
        return taking(request, seconds)

    stage.service.attempt = attempt  # type: ignore[method-assign]  # looks on
    assert stage.run().shipped == 1
    assert [json.loads(line) for body in seen for line in body.splitlines()] == [item]


@pytest.mark.parametrize("as_text", [True, False], ids=["a text", "an object"])
def test_what_the_mapping_gave_up_is_shipped(as_text: bool) -> None:  # noqa: FBT001  # a case
    """The developer guide shows ``payload`` as a text; both are read."""
    stage = Stage()
    stage.box.objects["aws/lambda/id/shard/x"] = given_up("1", "2", as_text=as_text)
    done = stage.run(prefix="aws/lambda/")
    assert (done.shipped, sorted(stage.service.taken), stage.box.objects) == (1, ["1", "2"], {})


def test_metrics_of_a_records_lines_are_published_with_it() -> None:
    """They were not when it was set aside."""
    stage = Stage()
    stage.put("1.ndjson.gz", of_record("a"))
    stage.run()
    assert dict(stage.metrics.published) == {"a": 1}


TEXT = gzip.compress(json.dumps(of_record()).encode() + b"\n")

DAMAGED = {
    "nothing": b"",
    "an empty gzip": gzip.compress(b""),
    "half a gzip": TEXT[:-9],
    "broken gzip": TEXT[:20] + b"????" + TEXT[24:],
    "something after it": TEXT + b"more",
    "no JSON": gzip.compress(b"{]\n"),
    "deep JSON": gzip.compress(b"[" * 200_000 + b"\n"),
    "no object": gzip.compress(b"[]\n"),
    "another kind": gzip.compress(b'{"kind":"order"}\n'),
    "a record without data": gzip.compress(b'{"kind":"record","position":"1"}\n'),
    "a record whose data is no text": gzip.compress(
        json.dumps({**of_record(), "data": 7}).encode() + b"\n"
    ),
    "an event without a format": gzip.compress(b'{"kind":"event","item":{}}\n'),
    "an event that is no line": gzip.compress(b'{"kind":"event","format":"ndjson"}\n'),
    "metrics that are none": gzip.compress(b'{"kind":"metrics","call":[]}\n'),
    "a good line and a bad one": gzip.compress(json.dumps(of_record()).encode() + b"\n?\n"),
    "text": b"hello",
    "other JSON": b'{"a": 1}',
    "a list": b"[1]",
    "Lambda's without a payload": b'{"requestContext": {}}',
    "a payload that is no JSON": b'{"payload": "{"}',
    "a payload that is no event": b'{"payload": {"Records": [{}]}}',
    "a payload without records": b'{"payload": {"Records": []}}',
    "records whose data is no text": given_up("1").replace(b'\\"data\\": \\"', b'\\"x\\": \\"'),
    "deep JSON of Lambda's": b'{"payload": ' + b"[" * 200_000,
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_object_stays_and_others_go_on(body: bytes) -> None:
    """Nothing of it is sent, not even of its first lines; the reason is told."""
    stage = Stage()
    stage.box.objects[f"{PARKED}1"] = body
    stage.put("2", of_record("b"))
    done = stage.run()
    assert (done.looked, done.shipped, list(stage.box.objects)) == (2, 1, [f"{PARKED}1"])
    assert done.left[f"{PARKED}1"].startswith("damaged: ")
    assert (list(stage.service.taken), done.cursor, done.error) == (["b"], "", "")


class Strict(Small):
    """A format that sees whether an event is one of it."""

    def body(self, items: Sequence[Any]) -> bytes:
        return super().body([{**item, "message": item["message"]} for item in items])


@pytest.mark.parametrize("item", [{"id": "a"}, 7, None], ids=str)
def test_an_event_that_is_none_of_its_format_stays(item: Any) -> None:
    """The others of its object with it."""
    stage = Stage(encoder=Strict(CODEC))
    key = stage.put("1", of_event("b"), parking.event(item, "mapping", "ndjson"))
    done = stage.run()
    assert done.left == {key: "damaged: has an event that is none of ndjson"}
    assert not stage.service.taken


def test_events_of_another_format_stay() -> None:
    """The destination was changed: those of the former one are nothing to the new one."""
    stage = Stage()
    key = stage.put("1", of_record("a"), of_event("b", "otlp"))
    done = stage.run()
    assert done.left == {key: "events of the format otlp, and ndjson is used"}
    assert not stage.service.taken
    assert list(stage.box.objects) == [key]


def test_events_that_the_service_would_drop_for_their_age_stay() -> None:
    """It would say that it took them, and their object would be deleted."""
    stage = Stage(encoder=Forgetful(CODEC))
    now = int(stage.service.clock.now().timestamp() * 1000)
    old = stage.put("1", of_event("a", timestamp=now), of_event("b", timestamp=now - 3_600_001))
    stage.put("2", of_event("c", timestamp=now - 3_500_000))
    done = stage.run()
    assert (done.left, done.shipped) == ({old: "events that are older than ndjson keeps"}, 1)
    assert stage.service.taken == {"c": 1}
    assert list(stage.box.objects) == [old]


def test_an_object_that_is_too_large_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read as a whole to find out."""
    monkeypatch.setattr(redriving, "LARGEST", 10)
    stage = Stage()
    key = stage.put("1", of_record("a"))
    assert stage.run().left == {key: "has more than 10 bytes"}


def test_what_vanished_meanwhile_is_no_error() -> None:
    """Somebody else redrives, or deleted it."""
    stage = Stage(box=Box(vanishing=frozenset({f"{PARKED}1"})))
    stage.put("1", of_record("a"))
    stage.put("2", of_record("b"))
    done = stage.run()
    assert (done.looked, done.shipped, done.left, done.error) == (2, 1, {}, "")


def test_what_is_refused_again_is_parked_anew() -> None:
    """And the rest of its object is shipped; the new object is not tried in the same run."""
    stage = Stage(Service(bad=frozenset({"b"})))
    key = stage.put("1", of_event("a"), of_event("b"), of_record("c"))
    done = stage.run()
    [new] = stage.box.objects
    assert (done.shipped, done.parked, new != key) == (1, [new], True)
    assert [line["item"]["id"] for line in stage.box.lines("event")] == ["b"]
    assert sorted(stage.service.taken) == ["a", "c"]
    assert stage.box.read == [key]


def test_what_is_parked_anew_under_its_own_key_stays() -> None:
    """The second run parks the same again, and must not delete it then."""
    stage = Stage()
    stage.put("1", of_record("a", b"hello"))
    [new] = stage.run().parked
    before = dict(stage.box.objects)
    done = stage.run()
    assert (done.left, done.shipped, done.parked) == ({new: NOTHING_SHIPPED}, 0, [])
    assert stage.box.objects == before
    assert list(before) == [new]


def test_the_second_run_does_nothing() -> None:
    """Nothing is there any more."""
    stage = Stage()
    stage.put("1", of_record("a"))
    stage.run()
    done = stage.run()
    assert (done.looked, done.shipped, done.cursor, stage.service.taken["a"]) == (0, 0, "", 1)


def test_metrics_that_are_refused_again_are_parked_anew() -> None:
    """Those beside them are published, once."""
    stage = Stage(publishing=[True, False])
    other = {**CALL, "Namespace": "others"}
    stage.put("1", parking.metrics(CALL, "Throttled"), parking.metrics(other, "Throttled"))
    done = stage.run()
    assert (done.shipped, stage.calls) == (1, [other])
    assert [line["call"] for line in stage.box.lines("metrics")] == [CALL]


@pytest.mark.parametrize("line", [of_record("b"), of_event("b")], ids=["record", "event"])
@pytest.mark.parametrize("step", ["configure", "retry"])
def test_a_destination_that_takes_nothing_ends_the_run(line: Mapping[str, Any], step: str) -> None:
    """Nothing is deleted, the reason is told, and the cursor allows to go on."""
    stage = Stage(Service(["ok", *[step] * 99]))
    first = stage.put("1", of_record("a"))
    second, third = stage.put("2", line), stage.put("3", of_record("c"))
    done = stage.run(seconds=30.0)
    assert done.error in {"who are you", "busy"}
    assert (done.cursor, sorted(stage.box.objects)) == (first, [second, third])
    stage.service = stage.rig.destination = Service()
    stage.rig = Rig(stage.service, stage.box)
    again = stage.run(done.cursor)
    assert (again.shipped, again.cursor, again.error, stage.box.objects) == (2, "", "", {})


def test_metrics_are_not_published_while_their_records_are_not_taken() -> None:
    """They would count twice."""
    stage = Stage(Service(["configure"] * 9))
    stage.put("1", of_record("a"), parking.metrics(CALL, "Throttled"))
    assert stage.run().error == "who are you"
    assert stage.calls == []


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([of_event("bad"), of_record("a")], id="an event"),
        pytest.param([of_record("b", b"hello"), of_record("a")], id="a record"),
        pytest.param([parking.metrics(CALL, "Denied"), of_record("a")], id="metrics"),
    ],
)
def test_an_object_stays_where_parking_anew_fails(lines: Sequence[Mapping[str, Any]]) -> None:
    """It is the only copy of what could not be shipped."""
    stage = Stage(Service(bad=frozenset({"bad"})), Box([True] * 9), publishing=[True])
    key = stage.put("1", *lines)
    done = stage.run()
    assert "SlowDown" in done.error
    assert list(stage.box.objects) == [key]


def test_an_object_that_may_not_be_deleted_is_told() -> None:
    """It was shipped, and will be again."""
    stage = Stage(box=Box(refused=frozenset({f"{PARKED}1"})))
    key = stage.put("1", of_record("a"))
    done = stage.run()
    assert done.left == {key: "shipped, but not deleted: DeleteObject: AccessDenied"}
    assert (done.shipped, done.error) == (0, "")


def test_a_bucket_that_does_not_answer_is_an_error() -> None:
    """And not the end of the objects."""
    stage = Stage(box=Box(silent=True))
    assert (stage.run().error, stage.run().looked) == ("ListObjectsV2: no answer", 0)


def test_a_bug_costs_one_object() -> None:
    """It stays, and the others go on."""
    stage = Stage()
    first, _ = stage.put("1", of_event("a")), stage.put("2", of_record("b"))
    attempts = stage.service.attempt

    def attempt(request: Any, seconds: float) -> Any:
        if b'"a"' in gzip.decompress(request.body):
            raise ZeroDivisionError
        return attempts(request, seconds)

    stage.service.attempt = attempt  # type: ignore[method-assign]  # has a bug
    done = stage.run()
    assert (done.left, done.shipped) == ({first: "internal error: ZeroDivisionError"}, 1)


def test_a_run_that_is_out_of_time_goes_on_after_its_cursor() -> None:
    """Until the cursor is empty; no object is looked at twice."""
    stage = Stage()
    for number in range(5):
        stage.put(str(number), of_record(str(number)))
    clock, taking = stage.service.clock, stage.service.attempt

    def attempt(request: Any, seconds: float) -> Any:
        clock.advance(4.0)
        return taking(request, seconds)

    stage.service.attempt = attempt  # type: ignore[method-assign]  # takes its time
    cursors, cursor = [], ""
    for _ in range(9):
        done = stage.run(cursor, seconds=10.0)
        cursor = done.cursor
        cursors.append((cursor.rpartition("/")[2], done.looked, done.error))
        if not cursor:
            break
    assert cursors == [("1", 2, ""), ("3", 2, ""), ("", 1, "")]
    assert set(stage.service.taken.values()) == {1}
    assert stage.box.objects == {}


def test_an_object_that_time_cut_off_is_begun_anew() -> None:
    """It is no fault of the destination, and the next step has more time for it."""
    stage = Stage(Service(["ok", "slow"]))
    first, second = stage.put("1", of_record("a")), stage.put("2", of_record("b"))
    done = stage.run(seconds=20.0)
    assert (done.looked, done.shipped, done.cursor, done.error) == (1, 1, first, "")
    assert list(stage.box.objects) == [second]
    assert stage.run(done.cursor).cursor == ""
    assert stage.box.objects == {}


@pytest.mark.parametrize("line", [of_record("a"), of_event("a")], ids=["record", "event"])
def test_a_first_object_without_time_is_an_error(line: Mapping[str, Any]) -> None:
    """An empty cursor would say that all is done."""
    stage = Stage()
    key = stage.put("1", line)
    done = stage.run(seconds=0.0)
    assert (done.error, done.cursor, list(stage.box.objects)) == ("out of time", "", [key])


def test_an_answer_tells_of_so_many_objects_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda takes no answer above 6 MB; the next step tells the others."""
    monkeypatch.setattr(redriving, "MOST_TOLD", 2)
    stage = Stage()
    for number in range(5):
        stage.box.objects[f"{PARKED}{number}"] = b"hello"
    told, cursor = [], ""
    for _ in range(3):
        done = stage.run(cursor)
        told.append(len(done.left))
        cursor = done.cursor
    assert (told, cursor) == ([2, 2, 1], "")


def test_a_plan_tells_and_changes_nothing() -> None:
    """What each object holds and why, and what stays anyway."""
    stage = Stage()
    one = stage.put("1", of_record("a"), of_event("b"), parking.metrics(CALL, "Throttled"))
    two = stage.put("2", of_event("c", "otlp"))
    before = dict(stage.box.objects)
    done = stage.run(plan=True)
    counts = {"records": 1, "events": 1, "metrics": 1}
    assert done.planned == {one: {**counts, "reasons": {"a bug": 1, "mapping": 1, "Throttled": 1}}}
    assert list(done.left) == [two]
    assert (stage.box.objects, list(stage.service.taken), stage.calls) == (before, [], [])


def test_a_plan_of_what_the_mapping_gave_up_tells_lambdas_reason() -> None:
    """The condition of its invocation record."""
    stage = Stage()
    stage.box.objects["aws/lambda/x"] = given_up("1", "2")
    [told] = stage.run(prefix="aws/lambda/", plan=True).planned.values()
    assert (told["records"], told["reasons"]) == (2, {"RecordAgeExceeded": 2})


def test_an_archive_takes_records_and_no_events() -> None:
    """Events of a service's format are none that it has."""
    stage = Stage()
    built = stage.rig.fresh

    def archive() -> Any:
        shipper = built()
        shipper.sender.pieces = None
        return shipper

    key = stage.put("1", of_event("a"))
    redrive = Redrive(stage.box, CODEC, archive, stage.publish, sheltered)
    done = redrive.run(Order("parked/"), Deadline(stage.service.clock, 60.0))
    assert (list(done.left), list(stage.box.objects)) == ([key], [key])


def test_requests_obey_the_services_limits() -> None:
    """By events and by bytes; what is too large alone is sent alone, and all of it arrives."""
    stage = Stage()
    sizes = [*[0] * 20, 700, 700, 700, 10, 10, 10, 10, 10, 10, 10, 10, 2000]
    lines = [of_event(str(number), text="x" * size) for number, size in enumerate(sizes)]
    stage.put("1", *lines)
    assert stage.run().shipped == 1
    limits: Limits = Small.limits
    for attempt in stage.service.attempts:
        size = sum(len(CODEC.dumps(lines[int(uid)]["item"])) + 1 for uid in attempt.ids)
        assert len(attempt.ids) <= limits.events
        assert size <= limits.body_bytes or len(attempt.ids) == 1
    assert sorted(stage.service.taken, key=int) == [str(number) for number in range(len(sizes))]


@given(st.lists(st.integers(0, 2500), min_size=1, max_size=40))
def test_parts_are_all_items_in_order(sizes: list[int]) -> None:
    """None is lost or told twice, and each part fits or is one item."""
    pieces = Pieces(Small(CODEC), CODEC)
    items = [{"id": str(place), "message": "x" * size} for place, size in enumerate(sizes)]
    parts = list(fitting(pieces, items))
    assert [item for part in parts for item in part] == items
    for part in parts:
        size = len(pieces.encoder.body(part))
        assert len(part) == 1 or (len(part) <= 8 and size <= Small.limits.body_bytes)


def test_an_object_is_held_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much it inflates to; all of it is shipped before it is deleted."""
    monkeypatch.setattr(redriving, "portions", lambda body, codec: portions(body, codec, 400))
    stage = Stage(Service(bad=frozenset({"3", "8"})))
    stage.put("1", *(of_event(str(number)) for number in range(12)))
    body = stage.box.objects[f"{PARKED}1"]
    sizes = [len(one.events) for one in portions(body, CODEC, 400)]
    assert (sum(sizes), max(sizes) < 12) == (12, True)
    done = stage.run()
    assert (done.shipped, len(stage.service.taken), len(done.parked)) == (1, 10, 2)
    assert {line["item"]["id"] for line in stage.box.lines("event")} == {"3", "8"}


def test_a_later_portion_that_is_not_taken_keeps_the_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was shipped of it is shipped twice, and nothing is lost."""
    monkeypatch.setattr(redriving, "portions", lambda body, codec: portions(body, codec, 100))
    stage = Stage(Service(["ok", "configure"], renews=False))
    key = stage.put("1", *(of_event(str(number)) for number in range(3)))
    assert (stage.run().error, list(stage.box.objects)) == ("who are you", [key])
    assert stage.run().shipped == 1
    assert {uid: count > 0 for uid, count in stage.service.taken.items()} == dict.fromkeys(
        "012", True
    )


def test_a_line_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small gzip may inflate to more than there is memory."""
    monkeypatch.setattr(contents, "LONGEST_LINE", 1000)
    with pytest.raises(DamagedError, match="more than 1000 bytes"):
        list(portions(gzip.compress(b"x" * 5000), CODEC))


@pytest.mark.parametrize("codec", [standard(), accelerated()], ids=lambda codec: str(codec.name))
def test_what_parking_writes_is_read_back(codec: Codec) -> None:
    """By either codec."""
    shelf, clock = Shelf(), Service().clock
    told = record("7", b"hello")
    lines = [parking.record(told, "r"), of_event("e"), parking.metrics(CALL, "m")]
    key = parking.Parking(shelf, codec).park(lines, clock.now())
    [found] = portions(shelf.objects[key], codec)
    assert found == Portion(
        records=[told],
        events=[lines[1]["item"]],
        calls=[CALL],
        forms={"ndjson"},
        reasons=found.reasons,
    )
    assert dict(found.reasons) == {"r": 1, "mapping": 1, "m": 1}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param("all", "redrive: is 'all'", id="no object"),
        pytest.param({}, "redrive: is {}", id="no prefix"),
        pytest.param({"prefix": "raw/"}, "redrive.prefix: is 'raw/', allowed: parked/", id="raw"),
        pytest.param({"prefix": 7}, "redrive.prefix: is 7", id="no text"),
        pytest.param({"prefix": "parked/", "cursor": None}, "redrive.cursor", id="no cursor"),
        pytest.param({"prefix": "parked/", "plan": "yes"}, "redrive.plan", id="no truth"),
        pytest.param({"prefix": "parked/", "seconds": "9"}, "redrive.seconds", id="no number"),
        pytest.param({"prefix": "parked/", "all": True}, "allowed: prefix, cursor", id="more"),
    ],
)
def test_an_order_that_is_none_is_refused(asked: Any, told: str) -> None:
    """Nothing outside the two prefixes is ever touched."""
    with pytest.raises(Invalid, match=told.replace("{", "\\{")):
        Order.read(asked)


def test_an_order_may_be_short() -> None:
    """From the beginning, with what a caller waits for."""
    assert Order.read({"prefix": "parked/"}) == Order("parked/", "", False, 20.0)  # noqa: FBT003


LINES = st.one_of(
    st.builds(of_record, st.sampled_from("abc")),
    st.builds(of_event, st.sampled_from(["d", "e", "bad"])),
    st.builds(lambda: of_record("z", b"hello")),
    st.builds(lambda number: parking.metrics({**CALL, "n": number}, "m"), st.integers(0, 3)),
)


@settings(max_examples=150)
@given(
    st.lists(st.lists(LINES, min_size=1, max_size=6), max_size=5),
    st.lists(st.sampled_from(["ok", "retry", "lost", "slow", "configure", "reject", "some"])),
    st.lists(st.booleans(), max_size=6),
    st.lists(st.booleans(), max_size=6),
)
def test_whatever_fails_nothing_is_lost(
    objects: list[list[Mapping[str, Any]]],
    script: list[str],
    parking_fails: list[bool],
    publishing: list[bool],
) -> None:
    """After each run, every line is shipped, published or still in the bucket."""
    stage = Stage(Service(script, bad=frozenset({"bad"})), Box(parking_fails), publishing)
    for number, lines in enumerate(objects):
        stage.put(str(number), *lines)
    for _ in range(3):
        stage.run(seconds=8.0)
        kept = [*stage.box.lines("record"), *stage.box.lines("event"), *stage.box.lines("metrics")]
        there = {_name(line) for line in kept}
        there |= set(stage.service.taken) | {str(call.get("n")) for call in stage.calls}
        assert {_name(line) for lines in objects for line in lines} <= there


def _name(line: Mapping[str, Any]) -> str:
    if line["kind"] == "record":
        return str(line["position"])
    return str(line["item"]["id"] if line["kind"] == "event" else line["call"].get("n"))
