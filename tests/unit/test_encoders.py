"""What holds of every log service's format: whole events in, the same out, both codecs alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.block import Block
from steward.shipping.encoders import ENCODERS, build
from steward.shipping.encoders.base import Encoder, Options
from steward.shipping.encoders.cutting import shorter
from tests.blocks import BLOCKS, CODECS, MESSAGES, NOWHERE, OPTIONS, PAIR, encoders, framed

EVERY = pytest.mark.parametrize("by", encoders(), ids=list(ENCODERS))
BOTH = pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
MARKS = {
    "datadog": b'"log":{"truncated":true}',
    "es_bulk": b'"truncated":true',
    "loki": b'"log_truncated":"true"',
    "ndjson": b'"log_truncated":true',
    "otlp": b'{"key":"log.truncated","value":{"boolValue":true}}',
    "splunk_hec": b'"log_truncated":"true"',
}
"""How an event tells that its message was cut."""
BLANKS = {"splunk_hec": "-"}
"""What stands for a message of nothing but white space."""


def message(by: Encoder, item: Any) -> str:
    """The message of an event of a body."""
    where = {
        "datadog": lambda: item["message"],
        "es_bulk": lambda: item["source"]["message"],
        "loki": lambda: item["value"][1],
        "ndjson": lambda: item["message"],
        "otlp": lambda: item["logRecord"]["body"]["stringValue"],
        "splunk_hec": lambda: item["event"],
    }
    return str(where[by.name]())


@EVERY
@given(blocks=st.lists(BLOCKS, min_size=1, max_size=3))
def test_every_message_comes_out_as_it_went_in(by: Encoder, blocks: list[Block]) -> None:
    """A body's items are the events of its blocks, in order, whatever the messages are."""
    items = by.items(framed(by, *blocks))
    texts = [text for block in blocks for text in block.messages]
    sent = [text if text.strip() else BLANKS.get(by.name, text) for text in texts]
    assert [message(by, item) for item in items] == sent


@EVERY
@given(blocks=st.lists(BLOCKS, min_size=1, max_size=3))
def test_items_and_body_are_inverse(by: Encoder, blocks: list[Block]) -> None:
    """A body that is made of items has just these, also of a part of them."""
    items = by.items(framed(by, *blocks))
    assert by.items(by.body(items)) == items
    assert by.items(by.body(items[1:])) == items[1:]


@EVERY
@given(block=BLOCKS)
def test_both_codecs_write_the_same_bytes(by: Encoder, block: Block) -> None:
    """It does not show in a body whether accelerators are installed."""
    bodies = {build(by.name, codec, OPTIONS).encode(block) for codec in CODECS.values()}
    assert len(bodies) == 1


@BOTH
@given(texts=st.lists(MESSAGES, min_size=1, max_size=6))
def test_texts_are_escaped_each_for_itself(codec: Codec, texts: list[str]) -> None:
    """No text is taken apart or run together, whatever it ends with."""
    assert [json.loads(f'"{part}"') for part in codec.strings(texts)] == texts


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(['"name": "x",', "}"], id="a line of indented JSON"),
        pytest.param(["a\\", '",', "\x7f"], id="control characters"),
        pytest.param(["", '",', ""], id="between empty ones"),
        pytest.param(["\\", "\\\\"], id="backslashes at the end"),
    ],
)
@BOTH
def test_a_text_may_end_with_quote_and_comma(codec: Codec, texts: list[str]) -> None:
    """Quote, comma, quote in the JSON of a list stands not only between two of its texts."""
    assert [json.loads(f'"{part}"') for part in codec.strings(texts)] == texts


@EVERY
def test_what_is_not_known_is_left_out(by: Encoder) -> None:
    """An origin of which nothing is known leaves neither nulls nor empty texts for a name."""
    plain = replace(PAIR, origin=NOWHERE, levels=[0, 0], requests=["", ""], traces=["", ""])
    body = framed(build(by.name, by.codec, Options(index="logs")), plain)  # type: ignore[attr-defined]  # each has it
    assert b"null" not in body
    assert b"faas" not in body
    assert b"request" not in body


@EVERY
@pytest.mark.parametrize("limit", [200, 40, 0])
def test_a_message_that_is_too_long_is_cut_and_marked(by: Encoder, limit: int) -> None:
    """The mark tells how much is missing, stands for all of it, and is told as a field, too."""
    long = replace(PAIR, messages=["é" * 500, "short"], cut=frozenset())
    item = by.items(framed(by, long))[0]
    once = by.shortened(item, 600)
    twice = by.shortened(once, limit)
    text = message(by, twice)
    assert len(text.encode()) <= max(limit, len("...[truncated 1000 bytes]"))
    kept = text.count("é")
    assert text == "é" * kept + f"...[truncated {1000 - 2 * kept} bytes]"
    assert MARKS[by.name] in by.body([twice])
    assert MARKS[by.name] not in by.body([item])
    assert by.items(by.body([twice])) == [twice]
    assert by.body([by.shortened(item, 5000)]) == by.body([item])


@given(text=MESSAGES, limit=st.integers(0, 60))
def test_cutting_leaves_whole_characters(text: str, limit: int) -> None:
    """What is left is a beginning of the text, within the limit unless the mark alone is longer."""
    cut = shorter(text, limit)
    assert cut == text or text.startswith(cut[: cut.index("...[truncated ")])
    assert len(cut.encode()) <= max(limit, len("...[truncated 999 bytes]"), len(text.encode()))


@EVERY
def test_limits_leave_room_for_a_message(by: Encoder) -> None:
    """One message of the longest kind fits into a body, and no body is above 10 MB."""
    assert by.limits.message_bytes < by.limits.body_bytes <= 10_000_000
    assert by.limits.events >= 1000


def test_a_format_that_is_not_there_is_named() -> None:
    """The error names the setting, what it is, and what it may be."""
    with pytest.raises(BadPolicy) as error:
        build("syslog", CODECS["standard"], OPTIONS)
    assert str(error.value) == (
        "format: 'syslog'; allowed: datadog, es_bulk, loki, ndjson, otlp, splunk_hec"
    )


@pytest.mark.parametrize("name", ENCODERS)
def test_a_format_is_built_under_its_name(name: str) -> None:
    """The registry's names are the encoders' own."""
    assert build(name, CODECS["standard"], OPTIONS).name == name


UNFIT = [
    pytest.param("es_bulk", Options(), "index: ''", id="no index"),
    pytest.param("es_bulk", Options(index="Logs"), "index: 'Logs'", id="upper case"),
    pytest.param("es_bulk", Options(index="a/../_all"), "index: 'a/", id="a path"),
    pytest.param("es_bulk", Options(index="_all"), "index: '_all'", id="a reserved name"),
    pytest.param("es_bulk", Options(index="a\n"), "index: 'a\\n'", id="a line's end"),
    pytest.param("es_bulk", Options(index="a" * 256), "index: 'aaa", id="too long"),
    pytest.param("ndjson", Options(attributes={"id": ""}), "attributes: 'id'", id="a line's own"),
    pytest.param(
        "splunk_hec",
        Options(attributes={"region": ""}),
        "attributes: 'region'",
        id="a field of ours",
    ),
    pytest.param("loki", Options(attributes={"a.b": ""}), "attributes: 'a.b'", id="no label"),
    pytest.param("loki", Options(attributes={"__a": ""}), "attributes: '__a'", id="Loki's own"),
    pytest.param(
        "loki",
        Options(attributes={f"l{n}": "" for n in range(12)}),
        "attributes: 12; allowed: 11",
        id="too many labels",
    ),
]


@pytest.mark.parametrize(("name", "options", "told"), UNFIT)
def test_unfit_options_are_refused(name: str, options: Options, told: str) -> None:
    """The error names the field, its value and what is allowed."""
    with pytest.raises(BadPolicy) as error:
        build(name, CODECS["standard"], options)
    assert told in str(error.value)
    assert "allowed: " in str(error.value)
