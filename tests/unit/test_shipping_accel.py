"""orjson and isal, or the standard library: the values are the same."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from steward.shipping import accel
from steward.shipping.accel import SWITCH, Codec, accelerated, best, standard
from tests.blocks import CODECS, MESSAGES

BOTH = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
LONE = re.compile("[\ud800-\udfff]")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def whole(value: Any) -> Any:
    """The value with U+FFFD for each surrogate that is alone."""
    if isinstance(value, str):
        return LONE.sub(
            "\ufffd", value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        )
    if isinstance(value, list):
        return [whole(entry) for entry in value]
    if isinstance(value, dict):
        return {whole(key): whole(entry) for key, entry in value.items()}
    return value


@BOTH
@given(texts=st.lists(MESSAGES | st.text(st.characters(codec="utf-8")), max_size=6))
@example(texts=['a",', "b"])
@example(texts=["", "", '","', "\\", '\\",', ',"', '",\n  "', '"\n"', "\n"])
def test_strings_are_json_without_quotes(codec: Codec, texts: list[str]) -> None:
    """Each text is one string, wherever quotes, commas and line feeds stand in it."""
    parts = codec.strings(texts)
    assert [json.loads(f'"{part}"') for part in parts] == texts
    assert parts == standard().strings(texts)


@BOTH
@given(value=VALUES)
@example(value="\ud83d\ude00 \ud800")
@example(value={"\udfff": ["\ud800x", "\ufeff\ud800"]})
def test_a_lone_surrogate_is_replaced(codec: Codec, value: Any) -> None:
    """What is read can be written as UTF-8, and is all else that was there."""
    found = codec.loads(json.dumps(value).encode())
    assert found == whole(value)
    assert codec.loads(codec.dumps(found)) == found


@pytest.mark.parametrize(
    "text",
    [b'{"a": NaN}', b"[Infinity, -Infinity]", b'["\\ud800"]', b'["\\uD83D\\uDE00"]', b"-0", b"1e5"],
)
def test_both_read_what_json_reads(text: bytes) -> None:
    """What orjson is too strict for is read as well."""
    assert repr(standard().loads(text)) == repr(accelerated().loads(text))


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"{",
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf{}",
            b'"\xed\xa0\x80"',
            b'"\xff"',
            b"{}x",
        ),
        *(b"[" * 200_000, b'{"a":' * 200_000),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_json_in_utf_8_is_an_error(codec: Codec, text: bytes) -> None:
    """UTF-16, a byte order mark and encoded surrogates are none; nor is what is nested too deep."""
    with pytest.raises((ValueError, RecursionError)) as raised:
        codec.loads(text)
    assert raised.type is not MemoryError


@BOTH
def test_times_are_written(codec: Codec) -> None:
    """The parameters of a PutMetricData that is parked have one."""
    at = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert codec.dumps({"Timestamp": at}) == b'{"Timestamp":"2026-11-21T07:00:00+00:00"}'


@given(value=VALUES.map(whole))
def test_both_write_the_same(value: Any) -> None:
    """Compact JSON, in which only what has to be is escaped."""
    assert standard().dumps(value) == accelerated().dumps(value)


@pytest.mark.parametrize("writer", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("reader", CODECS.values(), ids=CODECS)
@given(data=st.binary(max_size=5000))
def test_a_member_is_a_gzip_file(writer: Codec, reader: Codec, data: bytes) -> None:
    """What one writes the other reads, and so does every tool."""
    deflater = writer.deflater()
    member = deflater.compress(data) + deflater.flush()
    inflater = reader.inflater()
    assert inflater.decompress(member + b"rest") == data == gzip.decompress(member)
    assert (inflater.eof, inflater.unused_data) == (True, b"rest")


@BOTH
@pytest.mark.parametrize(
    "place", [0, 2, 12, -6, -2], ids=["magic", "method", "data", "crc", "size"]
)
def test_a_broken_member_is_an_error(codec: Codec, place: int) -> None:
    """Wherever it is broken: the error is one of the codec's."""
    member = bytearray(gzip.compress(b"some text " * 20))
    member[place] ^= 0xFF
    with pytest.raises(codec.broken) as raised:
        codec.inflater().decompress(bytes(member))
    assert issubclass(raised.type, (zlib.error, *codec.broken))


@pytest.mark.parametrize(
    ("environment", "name"),
    [({}, "accelerated"), ({SWITCH: "off"}, "standard"), ({SWITCH: "OFF"}, "standard")],
)
def test_the_best_is_chosen(environment: dict[str, str], name: str) -> None:
    """Accelerators are used where they are, unless they are switched off."""
    assert best(environment).name == name


@pytest.mark.parametrize("missing", ["orjson", "isal"])
def test_without_accelerators_the_standard_library_serves(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them alone is not used."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert accel.best({}).name == "standard"
