"""Of verbose log groups a share of the events is shipped, and everything that matters."""

from __future__ import annotations

import json
from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping import accel
from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.lines import Lines
from steward.shipping.sampling import Rate, Sampler

ORIGIN = Origin("111122223333", "eu-west-1", "/aws/lambda/shop-api", "2026/11/20/[1]ab")
REQUEST = "6406f458-327b-cda3-a4fc-86215d20c6a6"
TIME = "2026-11-12T08:00:00.094Z"

CODECS = pytest.mark.parametrize(
    "codec", [accel.standard(), accel.accelerated()], ids=lambda codec: codec.name
)


def read(*messages: str) -> Block:
    """The messages as they are shipped, each with an id."""
    ids = [str(10**20 + number) for number in range(len(messages))]
    block = Lines(accel.standard()).block(ORIGIN, ids, list(range(len(messages))), list(messages))
    assert block is not None
    return block


def kept(block: Block, rate: float, codec: Codec | None = None) -> list[int]:
    """The indexes of what is kept, and the rest counted."""
    found, dropped = Sampler([Rate("*", rate)], codec or accel.standard()).kept(block)
    assert dropped == len(block) - len(found)
    return list(found)


DROPPED = {
    "python": f"[INFO]\t{TIME}\t{REQUEST}\thello",
    "node": f"{TIME}\t{REQUEST}\tDEBUG\thello ERROR",
    "node with an array of braces": f"{TIME}\t{REQUEST}\tINFO\ta {{b}}",
    "node with JSON": f'{TIME}\t{REQUEST}\tINFO\t{{"sLevel":"x"}}\n',
    "JSON": '{"level":"INFO","message":"ERROR"}',
    "pino": '{"level":30,"msg":"x"}',
    "nested, but told": '{"level":"INFO","user":{"severity":7}}',
    "START": f"START RequestId: {REQUEST} Version: $LATEST\n",
    "platform.start": f'{{"time":"{TIME}","type":"platform.start","record":{{}}}}',
}
KEPT = {
    "WARN": f"[WARNING]\t{TIME}\t{REQUEST}\thello",
    "ERROR": '{"level":"ERROR"}',
    "unknown word": '{"level":"LOUD"}',
    "nothing told": '{"a":1}',
    "no format": "anything",
    "REPORT": f"REPORT RequestId: {REQUEST}\tDuration: 2.42 ms\t",
    "platform.report": f'{{"time":"{TIME}","type":"platform.report","record":{{}}}}',
    "INIT_REPORT": "INIT_REPORT Init Duration: 9 ms\tPhase: init",
    "metric": "MONITORING|1|Count|x|y|",
    "metric, Node.js": f"{TIME}\t{REQUEST}\tINFO\tMONITORING|1|Count|x|y|",
    "body of ERROR": f'{TIME}\t{REQUEST}\tINFO\t{{"level":"ERROR"}}',
    "two names": '{"level":"INFO","severity":"ERROR"}',
    "twice": '{"level":"INFO","level":"ERROR"}',
    "twice, the other way": '{"level":"ERROR","level":"INFO"}',
    "ECS": '{"level":"INFO","log":{"level":"error"}}',
    "unknown beside": '{"level":"INFO","severity":{"x":1}}',
    "cut": '{"level":"INFO","message":"abc',
    "body cut": f'{TIME}\t{REQUEST}\tINFO\t{{"severity":"ERR',
    "nested told first": '{"a":{"level":"INFO"},"level":"ERROR"}',
}


@CODECS
@pytest.mark.parametrize("text", DROPPED.values(), ids=DROPPED)
def test_what_is_certainly_verbose_is_left_out(codec: Codec, text: str) -> None:
    """With a rate of 0, all of it."""
    assert kept(read(text), 0, codec) == []


@CODECS
@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_matters_or_may_matter_is_always_kept(codec: Codec, text: str) -> None:
    """Also where what was read of the line at a glance says that it does not."""
    assert kept(read(text), 0, codec) == [0]


@pytest.mark.parametrize(
    "name", ["ERROR", "unknown word", "twice", "twice, the other way", "cut", "ECS"]
)
def test_a_line_of_json_is_read_before_it_is_left_out(name: str) -> None:
    """What was read of it at a glance does not decide."""
    block = replace(read(KEPT[name]), levels=[9])
    assert kept(block, 0) == [0]


@given(
    st.dictionaries(
        st.sampled_from(["level", "severity", "log.level", "levelname", "log", "x"]),
        st.recursive(
            st.sampled_from(["INFO", "ERROR", "debug", "fatal", 30, 50, None, "x"]),
            lambda inner: (
                st.dictionaries(st.sampled_from(["level", "severity"]), inner)
                | st.lists(inner, max_size=2)
            ),
            max_leaves=4,
        ),
    )
)
def test_no_error_vanishes(document: dict[str, object]) -> None:
    """A JSON line that calls itself an error by any name is kept, whatever it nests and where."""
    words = [document.get(key) for key in ("level", "severity", "log.level", "levelname")]
    if any(word in ("ERROR", "fatal", 50) for word in words if not isinstance(word, dict | list)):
        assert kept(read(json.dumps(document)), 0) == [0]
    else:
        assert len(kept(read(json.dumps(document)), 1)) == 1


def test_an_invocation_is_kept_or_left_out_as_a_whole() -> None:
    """By its request id; a line without one by its event id; always the same."""
    requests = [f"{number:08x}-327b-cda3-a4fc-86215d20c6a6" for number in range(200)]
    lines = [f"[INFO]\t{TIME}\t{one}\t{text}" for one in requests for text in "ab"]
    block = read(*lines, *["[INFO] no id"] * 200)
    found = kept(block, 0.3)
    names = [block.requests[index] or block.ids[index] for index in range(len(block))]
    assert found == [at for at, one in enumerate(names) if crc32(one.encode()) < 0.3 * 2**32]
    assert 0.2 * len(block) < len(found) < 0.4 * len(block)
    assert set(found) <= set(kept(block, 0.5))


@pytest.mark.parametrize(
    ("rates", "share"),
    [
        ([], 1),
        ([Rate("/aws/lambda/other", 0)], 1),
        ([Rate("/aws/lambda/*", 0)], 0),
        ([Rate("/AWS/*", 0)], 1),
        ([Rate("*-api", 1), Rate("*", 0)], 1),
        ([Rate("*-web", 1), Rate("*", 0)], 0),
    ],
)
def test_the_first_rate_whose_groups_match_counts(rates: list[Rate], share: int) -> None:
    """And without any, everything is shipped."""
    block = read(DROPPED["python"], DROPPED["JSON"])
    found, dropped = Sampler(rates, accel.standard()).kept(block)
    assert len(found) == 2 * share
    assert dropped == 2 - len(found)
