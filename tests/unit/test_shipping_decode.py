"""What a record of the stream holds, whatever somebody has put into it."""

from __future__ import annotations

import gzip
import json
import time
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.accel import Codec, Inflater, standard
from steward.shipping.decode import (
    LARGEST,
    MEMBERS,
    YEAR_10000,
    Events,
    Poison,
    Reader,
    Record,
    Skipped,
    records,
)
from tests.blocks import CODECS
from tests.fakes import ACCOUNT
from tests.shipping import OWN_GROUP, document, packed, record

BOTH = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
READERS = {name: Reader(codec, ACCOUNT, (OWN_GROUP,)) for name, codec in CODECS.items()}
ALL = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
ONE = document(["1"])
EVENT = {"id": "1", "timestamp": 1, "message": "m"}


def with_event(**changes: Any) -> dict[str, Any]:
    return {**ONE, "logEvents": [{**EVENT, **changes}]}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ONE.items() if key != name}


NESTED = b'{"messageType":"DATA_MESSAGE","logEvents":' + b"[" * 100_000

POISON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not gzip"),
    "text": (b"hello", "not gzip"),
    "KPL": (b"\xf3\x89\x9a\xc2" + packed(ONE), "Kinesis Producer Library"),
    "metric line of no UTF-8": (b"MONITORING|1|\xff", "not UTF-8"),
    "cut off": (packed(ONE)[:-1], "truncated"),
    "header alone": (packed(ONE)[:10], "truncated"),
    "broken": (b"\x1f\x8b\x08\x00" + b"?" * 50, "broken gzip"),
    "wrong checksum": (packed(ONE)[:-8] + bytes(8), "broken gzip"),
    "garbage behind": (packed(ONE) + b"garbage", "broken gzip"),
    "second member cut off": (packed(ONE) + packed(ONE)[:-4], "truncated"),
    "too many members": (gzip.compress(b"") * (MEMBERS + 1), "members"),
    "no JSON": (gzip.compress(b"hello"), "not JSON"),
    "two JSON texts": (packed(ONE) + packed(ONE), "not JSON"),
    "UTF-16": (gzip.compress(json.dumps(ONE).encode("utf-16")), "not JSON"),
    "nested too deep": (gzip.compress(NESTED), "not JSON"),
    **{
        name: (packed(value), "not of CloudWatch Logs")
        for name, value in {
            "null": None,
            "a number": 7,
            "a list": [ONE],
            "a text": "DATA_MESSAGE",
            "foreign": {"order": 7},
            "another type": {**ONE, "messageType": "OTHER"},
            "a type that is a list": {**ONE, "messageType": ["DATA_MESSAGE"]},
            "no owner": without("owner"),
            "no events": without("logEvents"),
            "events of null": {**ONE, "logEvents": None},
            "events of text": {**ONE, "logEvents": "abc"},
            "an event of text": {**ONE, "logEvents": ["abc"]},
            "an event without message": {**ONE, "logEvents": [{"id": "1", "timestamp": 1}]},
            "an owner that is a number": {**ONE, "owner": 111122223333},
            "a group of null": {**ONE, "logGroup": None},
            "a message that is an object": with_event(message={}),
            "an id that is a number": with_event(id=1),
            "an empty id": with_event(id=""),
            "an id with a quote": with_event(id='1","x":"'),
            "an id with a backslash": with_event(id="1\\"),
            "an id with a line feed": with_event(id="1\n2"),
            "an id beyond ASCII": with_event(id="é"),
            "an id of a lone surrogate": with_event(id="\ud800"),
            "an id without an end": with_event(id="1" * 1000),
            "a group without an end": {**ONE, "logGroup": "g" * 1000},
            "a stream without an end": {**ONE, "logStream": "s" * 1000},
            "a time that is a text": with_event(timestamp="1"),
            "a time that is true": with_event(timestamp=True),
            "a time with a fraction": with_event(timestamp=1.5),
            "a time before 1970": with_event(timestamp=-1),
            "a time after 9999": with_event(timestamp=YEAR_10000),
            "a time of many digits": with_event(timestamp=10**30),
        }.items()
    },
}


@ALL
@pytest.mark.parametrize(("data", "reason"), POISON.values(), ids=POISON)
def test_what_nobody_can_read_is_poison(reader: Reader, data: bytes, reason: str) -> None:
    """It is told why; the record is set aside, and keeps no other waiting."""
    found = reader.read(record(7, data))
    assert isinstance(found, Poison)
    assert reason in found.reason


@ALL
@pytest.mark.parametrize("data", ["?", "AAA", "é", "AA==AA==", "A A A A"])
def test_what_is_not_base64_is_poison(reader: Reader, data: str) -> None:
    """Nothing is left out of it to make it fit."""
    assert reader.read(Record("7", data)) == Poison("not base64")


@ALL
def test_log_events_come_in_columns(reader: Reader) -> None:
    """With the bytes as they came, and as they inflate."""
    data = packed(document(["1", "2"]))
    found = reader.read(record(7, data))
    assert isinstance(found, Events)
    assert (found.owner, found.group, found.stream) == (ACCOUNT, "/app", "stream")
    assert (found.ids, [*found.messages]) == (["1", "2"], ["line 1", "line 2"])
    assert found.times == [1794470400063] * 2
    assert (found.packed, found.raw) == (data, gzip.decompress(data))


@ALL
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"extractedFields": {"@aws.account": "1", "level": None}}, id="in an object"),
        pytest.param({"@aws.account": "111122223333", "@source.log": "/a"}, id="beside the others"),
    ],
)
def test_what_else_an_event_tells_is_passed_over(reader: Reader, more: dict[str, Any]) -> None:
    """System fields make no difference but to the bytes, which an archive gets as they came."""
    data = packed(with_event(**more))
    found, plain = reader.read(record(7, data)), reader.read(record(7, packed(with_event())))
    assert isinstance(found, Events)
    assert isinstance(plain, Events)
    assert replace(found, raw=plain.raw, packed=plain.packed) == plain
    assert found.packed == data


@ALL
@pytest.mark.parametrize("place", ["message", "logGroup"])
def test_a_lone_surrogate_is_replaced(reader: Reader, place: str) -> None:
    """No UTF-8 can carry one; what stands beside it stays."""
    text = "é \ud800 \U0001f600"
    changed = with_event(message=text) if place == "message" else {**ONE, "logGroup": text}
    found = reader.read(record(7, gzip.compress(json.dumps(changed).encode())))
    assert isinstance(found, Events)
    told = found.messages[0] if place == "message" else found.group
    assert told == "é \ufffd \U0001f600"


@ALL
def test_a_record_of_several_members_is_read_whole(reader: Reader) -> None:
    """As gzip tools read it; ``zlib.decompress`` would stop after the first."""
    text = json.dumps(document(["1"])).encode()
    found = reader.read(record(7, gzip.compress(text[:40]) + gzip.compress(text[40:])))
    assert isinstance(found, Events)
    assert found.ids == ["1"]


@ALL
@pytest.mark.parametrize(
    ("document", "skipped"),
    [
        ({"messageType": "CONTROL_MESSAGE"}, Skipped("control")),
        (document([]), Skipped("empty")),
        (document(["1", "2"], OWN_GROUP + "shipper"), Skipped("own", 2)),
    ],
    ids=["control", "empty", "own"],
)
def test_some_records_have_nothing_to_ship(reader: Reader, document: Any, skipped: Skipped) -> None:
    """Control messages have not, and what we wrote ourselves would go in a circle."""
    assert reader.read(record(7, document)) == skipped


@ALL
@pytest.mark.parametrize(
    "changes",
    [{"owner": "999999999999"}, {"logGroup": "/aws/lambda/stewards"}],
    ids=["another account's", "another name"],
)
def test_what_only_looks_like_ours_is_shipped(reader: Reader, changes: dict[str, str]) -> None:
    """Another account may have a group of the same name."""
    found = reader.read(record(7, {**document(["1"], OWN_GROUP + "shipper"), **changes}))
    assert isinstance(found, Events)


@BOTH
def test_without_groups_of_our_own_nothing_is_left_out(codec: Codec) -> None:
    """No prefix is not the empty prefix."""
    assert isinstance(Reader(codec, ACCOUNT).read(record(7, document(["1"]))), Events)


@ALL
def test_a_bare_metric_line_is_an_event(reader: Reader) -> None:
    """Its id is the record's position, its time the record's arrival; an archive gets it packed."""
    line = b"MONITORING|42.0|Milliseconds|latency|theburningmonk.com|service=content-item"
    found = reader.read(record(7, line))
    assert isinstance(found, Events)
    assert (found.ids, found.times) == (["7"], [1794470400120])
    assert ([*found.messages], found.group) == ([line.decode()], "")
    assert gzip.decompress(found.packed) == line == found.raw


class Counted:
    """An inflater that keeps how much came out of it."""

    def __init__(self, inner: Inflater, out: list[int]) -> None:
        self._inner = inner
        self._out = out

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        found = self._inner.decompress(data, max_length)
        self._out.append(len(found))
        return found


@BOTH
@pytest.mark.parametrize(("members", "each"), [(1, 50_000), (5, 700), (50, 30)])
def test_no_more_is_inflated_than_allowed(codec: Codec, members: int, each: int) -> None:
    """A bomb costs the memory that a record may cost, in however many members it comes."""
    out: list[int] = []
    counting = replace(codec, inflater=lambda: Counted(codec.inflater(), out))
    bomb = gzip.compress(bytes(each)) * members
    found = Reader(counting, ACCOUNT, largest=1000).read(record(7, bomb))
    assert isinstance(found, Poison)
    assert "more than 1000 bytes" in found.reason
    assert sum(out) <= 1001


@BOTH
def test_a_record_may_be_as_large_as_allowed(codec: Codec) -> None:
    """The last byte that is allowed is no bomb."""
    text = json.dumps(ONE).encode()
    fits = Reader(codec, ACCOUNT, largest=len(text)).read(record(7, gzip.compress(text)))
    bomb = Reader(codec, ACCOUNT, largest=len(text) - 1).read(record(7, gzip.compress(text)))
    assert isinstance(fits, Events)
    assert isinstance(bomb, Poison)


@pytest.mark.parametrize(
    "values",
    [b"{}," * 2**21, b'"",' * 2**22, (b"[" * 500 + b"0" + b"]" * 500 + b",") * 2**13],
    ids=["objects", "texts", "nested lists"],
)
def test_a_record_of_too_many_values_is_not_even_parsed(values: bytes) -> None:
    """A GB of memory is compressed to some KB: the function would end, and its shard be blocked."""

    def parse(_: bytes) -> Any:
        raise AssertionError

    data = gzip.compress(b"[%b0]" % values, 1)
    found = Reader(replace(standard(), loads_as_is=parse), ACCOUNT).read(record(7, data))
    assert found == Poison("may have more than 2500000 values")


@ALL
def test_a_long_message_has_no_values_in_it(reader: Reader) -> None:
    """However many commas and brackets a program logs, of what CloudWatch Logs takes at once."""
    value = document(["1", "2", "3", "4"])
    for event in value["logEvents"]:
        event["message"] = "[{x:1},{y:2}] " * 74_000
    assert isinstance(reader.read(record(7, value)), Events)


@ALL
def test_small_members_cost_no_time(reader: Reader) -> None:
    """A record of a hundred thousand empty members is not read to its end."""
    data = record(7, gzip.compress(b"") * 100_000)
    before = time.thread_time()
    assert isinstance(reader.read(data), Poison)
    assert time.thread_time() - before < 0.5


def test_the_cap_is_far_above_what_a_log_event_can_be() -> None:
    """An event of CloudWatch Logs has a MB at most."""
    assert LARGEST >= 16 * 1_048_576


@ALL
@given(data=st.binary(max_size=200) | st.binary(max_size=99).map(gzip.compress))
def test_reading_is_total(reader: Reader, data: bytes) -> None:
    """Whatever the bytes are, there is an answer."""
    assert isinstance(reader.read(record(7, data)), Events | Skipped | Poison)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ODD = st.fixed_dictionaries(
    {"messageType": st.sampled_from(["DATA_MESSAGE", "CONTROL_MESSAGE"])},
    optional={
        "owner": st.just(ACCOUNT) | JUNK,
        "logGroup": st.just("/app") | JUNK,
        "logStream": st.just("s") | JUNK,
        "logEvents": JUNK
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": st.just("1") | JUNK,
                    "timestamp": st.just(1) | JUNK,
                    "message": st.just("m") | JUNK,
                },
            ),
            max_size=3,
        ),
    },
)


@given(value=ODD | JUNK)
def test_both_codecs_read_the_same(value: Any) -> None:
    """Whatever is in the record, the accelerated reader says what the standard one says."""
    of = record(7, value)
    assert READERS["standard"].read(of) == READERS["accelerated"].read(of)


KINESIS = {
    "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
    "eventSourceARN": "arn:aws:kinesis:eu-west-1:111122223333:stream/logs",
    "kinesis": {
        "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "approximateArrivalTimestamp": 1568069911.564,
        "data": "SGVsbG8=",
    },
}


def test_records_of_a_stream() -> None:
    """They keep their order, shard, stream and the moment of their arrival."""
    found = records({"Records": [KINESIS, KINESIS]})
    position = "49590338271490256608559692538361571095921575989136588898"
    expected = Record(position, "SGVsbG8=", "shardId-000000000006", "logs", 1568069911564)
    assert found == [expected, expected]


def test_a_direct_subscription_is_one_record() -> None:
    """It has no position: Lambda repeats the invocation as a whole."""
    assert records({"awslogs": {"data": "H4sI"}}) == [Record("", "H4sI")]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"records": [], "deliveryStreamArn": "arn"},
        {"Records": [{"body": "x"}]},
        {"awslogs": {}},
    ],
    ids=["nothing", "of Firehose", "of SQS", "without data"],
)
def test_other_events_are_refused(event: dict[str, Any]) -> None:
    """Nothing is shipped of what another service sends."""
    with pytest.raises(KeyError) as raised:
        records(event)
    assert raised.value.args


def test_padding_may_not_be_missing() -> None:
    """Strict, because a record that lost its end is not the record that was sent."""
    data = b64encode(b"MONITORING|1|Count|n|toys").decode().rstrip("=")
    assert Reader(standard(), ACCOUNT).read(Record("7", data)) == Poison("not base64")
