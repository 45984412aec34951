"""Blocks of events become requests that the service can take, in order and as whole as may be."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.accel import accelerated
from steward.shipping.archive import name
from steward.shipping.batch import EncodedBatch, RawBatch, Request
from steward.shipping.block import Block
from steward.shipping.decode import Events, Reader
from steward.shipping.encoders.base import Encoder, Frame, Limits
from steward.shipping.encoders.es_bulk import EsBulk
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.encoders.otlp import Otlp
from tests.blocks import OPTIONS
from tests.fakes import ACCOUNT
from tests.log_service import IDS
from tests.shipping import document, prepared, record

CODEC = accelerated()
READER = Reader(CODEC, ACCOUNT)


def events_of(ids: list[str]) -> Events:
    found = READER.read(record(7, document(ids)))
    assert isinstance(found, Events)
    return found


def limited(form: str, limits: Limits) -> Encoder:
    """The encoder of a format with other limits."""
    base = {"ndjson": Ndjson, "es_bulk": EsBulk, "otlp": Otlp}[form]
    made: Encoder = type("Limited", (base,), {"limits": limits})(CODEC, OPTIONS)
    return made


def requests_of(encoder: Encoder, sizes: list[int]) -> list[Request]:
    """The requests of records with so many events each."""

    def run() -> Iterator[Request]:
        batch = EncodedBatch(encoder, CODEC)
        for place, size in enumerate(sizes):
            events = events_of([f"{place}-{number}" for number in range(size)])
            yield from batch.add(place, events, prepared(events).block if size > 1 else None)
        yield from batch.close()

    return list(run())


SIZES = st.lists(st.integers(1, 30), max_size=8)
LIMITS = st.builds(
    Limits,
    body_bytes=st.integers(300, 12_000),
    events=st.integers(1, 40),
    message_bytes=st.just(1000),
)


@pytest.mark.parametrize("form", IDS)
@given(sizes=SIZES, limits=LIMITS)
def test_requests_keep_limits_and_order(form: str, sizes: list[int], limits: Limits) -> None:
    """Each event is in one request, in order; a request is within the limits, or has one event."""
    requests = requests_of(limited(form, limits), sizes)
    bodies = [gzip.decompress(request.body) for request in requests]
    found = [IDS[form](body) for body in bodies]
    expected = [f"{p}-{n}" for p, size in enumerate(sizes) if size > 1 for n in range(size)]
    assert [uid for ids in found for uid in ids] == expected
    for request, body, ids in zip(requests, bodies, found, strict=True):
        assert request.events == len(ids) <= limits.events
        assert len(body) <= limits.body_bytes or len(ids) == 1
        places = [int(uid.partition("-")[0]) for uid in ids]
        assert (request.first, request.last) == (min(places), max(places))


@pytest.mark.parametrize("form", IDS)
@given(sizes=SIZES, limits=LIMITS)
def test_a_record_is_in_one_request(form: str, sizes: list[int], limits: Limits) -> None:
    """Unless no request could take it: so that sending from a record on repeats none before it."""
    encoder = limited(form, limits)
    requests = requests_of(encoder, sizes)
    for place in range(len(sizes)):
        holding = [request for request in requests if request.first <= place <= request.last]
        alone = requests_of(encoder, [1] * place + [sizes[place]])
        assert len(holding) <= 1 or len(alone) > 1


def test_nothing_of_a_block_is_written_that_cannot_be_encoded() -> None:
    """An encoder that fails in the middle of a record costs that record, not its neighbours."""

    class Failing(Ndjson):
        limits = Limits(10_000, 10, 1000)

        def encode(self, block: Block) -> bytes:
            if "1-15" in block.ids and len(block) <= 10:
                raise ZeroDivisionError
            return super().encode(block)

    batch = EncodedBatch(Failing(CODEC), CODEC)
    blocks = [prepared(events_of([f"{p}-{n}" for n in range(20 if p == 1 else 9)])) for p in (0, 1)]
    events = events_of(["x"])
    assert list(batch.add(0, events, blocks[0].block)) == []
    with pytest.raises(ZeroDivisionError):
        list(batch.add(1, events, blocks[1].block))
    (request,) = batch.close()
    assert IDS["ndjson"](gzip.decompress(request.body)) == [f"0-{n}" for n in range(9)]


def test_frame_and_separators_count() -> None:
    """A body of exactly the limit is one request, one byte less makes two."""
    ids = [["0-0", "0-1"], ["1-0", "1-1"]]
    block = [prepared(events_of(one)).block for one in ids]
    assert block[0] is not None
    assert block[1] is not None
    whole = Ndjson(CODEC)
    size = len(whole.encode(block[0])) + len(whole.encode(block[1]))
    frame = Frame(b"[", b",,", b"]")
    exact = size + 4
    for limit, expected in ((exact + 1, 1), (exact - 1, 2)):
        made = {"limits": Limits(limit, 100, 1000), "frame": frame}
        encoder = type("Framed", (Ndjson,), made)(CODEC)
        assert len(requests_of(encoder, [2, 2])) == expected


def test_a_raw_archive_is_one_gzip_file() -> None:
    """Records one after another, as CloudWatch Logs compressed them, a bare metric line too."""
    of = [
        record(1, document(["1"])),
        record(2, b"MONITORING|1|Count|n|t"),
        record(3, document(["3"])),
    ]
    batch = RawBatch(10_000, lambda first, last: name(of[first], of[last]))
    for place, one in enumerate(of):
        found = READER.read(one)
        assert isinstance(found, Events)
        assert list(batch.add(place, found, None)) == []
    (request,) = batch.close()
    first, _, last = gzip.decompress(request.body).partition(b"MONITORING|1|Count|n|t")
    assert [json.loads(first)["logEvents"][0]["id"], json.loads(last)["logEvents"][0]["id"]] == [
        "1",
        "3",
    ]
    assert (request.first, request.last, request.events) == (0, 2, 3)
    assert request.name == "raw/logs/shardId-000000000000/2026/11/12/1-3.gz"
    assert list(batch.close()) == []


def test_a_raw_archive_that_is_full_begins_a_new_object() -> None:
    """No record is in two objects."""
    events = events_of(["1"])
    batch = RawBatch(2 * len(events.packed), lambda first, last: f"{first}-{last}")
    found = [request for place in range(5) for request in batch.add(place, events, None)]
    found += batch.close()
    assert [request.name for request in found] == ["0-1", "2-3", "4-4"]


def test_objects_of_direct_subscriptions_do_not_replace_each_other() -> None:
    """They have no positions, so that what they hold names them."""
    one, other = (replace(record("", document([uid])), arrived=0, shard="") for uid in "12")
    assert name(one, one) != name(other, other)
    assert name(one, one) == name(one, one)
