"""JSON and gzip: by orjson and isal where they are installed, otherwise by the standard library.

Both ways give the same values; gzip members differ in their bytes, not in what they inflate to.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

GZIP = 31
"""zlib's wbits for one gzip member."""

SWITCH = "STEWARD_ACCELERATORS"
"""The environment variable that is "off" where only the standard library is to be used."""


class Inflater(Protocol):
    """What zlib.decompressobj gives."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class Deflater(Protocol):
    """What zlib.compressobj gives."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to read and write JSON and gzip."""

    name: str
    loads: Callable[[bytes], Any]
    """A JSON text's value, lone surrogates replaced by U+FFFD. Raises ValueError."""
    strings: Callable[[Sequence[str]], list[str]]
    """The texts as JSON strings without their quotes."""
    dumps: Callable[[Any], bytes]
    """A value's compact JSON text; a datetime in ISO 8601."""
    inflater: Callable[[], Inflater]
    """A fresh reader of one gzip member. It raises ``broken`` at what is no gzip."""
    deflater: Callable[[], Deflater]
    """A fresh writer of one gzip member, of the level that is worth its time."""
    broken: tuple[type[Exception], ...]


def standard() -> Codec:
    """The standard library's."""
    return Codec(
        name="standard",
        loads=_loads,
        strings=_strings,
        dumps=lambda value: _compact(value).encode(),
        inflater=lambda: zlib.decompressobj(GZIP),
        deflater=lambda: zlib.compressobj(1, wbits=GZIP),
        broken=(zlib.error,),
    )


def accelerated() -> Codec:
    """orjson's and isal's. Raises ImportError where one of them is missing."""
    import orjson  # noqa: PLC0415  # optional
    from isal import isal_zlib  # noqa: PLC0415  # optional

    def loads(data: bytes) -> Any:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:  # it is stricter about surrogates and NaN
            return _loads(data)

    def strings(texts: Sequence[str]) -> list[str]:
        joined = orjson.dumps(_DELETE.join(texts)).decode()[1:-1].split(_DELETE)
        if len(joined) == len(texts):
            return joined
        return [orjson.dumps(text).decode()[1:-1] for text in texts]

    return Codec(
        name="accelerated",
        loads=loads,
        strings=strings,
        dumps=orjson.dumps,
        inflater=lambda: isal_zlib.decompressobj(GZIP),
        deflater=lambda: isal_zlib.compressobj(2, wbits=GZIP),
        broken=(zlib.error, cast(type[Exception], isal_zlib.error)),
    )


def best(environment: Mapping[str, str]) -> Codec:
    """The accelerated codec where it is installed and not switched off."""
    if environment.get(SWITCH, "").lower() == "off":
        return standard()
    try:
        return accelerated()
    except ImportError:
        return standard()


_compact = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat
).encode

_DELETE = "\x7f"
"""Hardly any text has it and JSON does not escape it: texts that it joins are escaped as one, and
parted again at a single character, for half of the time that it takes to escape each."""


def _strings(texts: Sequence[str]) -> list[str]:
    joined = _compact(_DELETE.join(texts))[1:-1].split(_DELETE)
    if len(joined) == len(texts):
        return joined
    return [_compact(text)[1:-1] for text in texts]


_SURROGATE = re.compile(rb"\\u[dD]")  # twice as fast as to look for the two literals


def _loads(data: bytes) -> Any:
    value = json.loads(data.decode())  # of bytes, json takes UTF-16 and surrogates, too
    return _whole(value) if _SURROGATE.search(data) else value


def _whole(value: Any) -> Any:
    """The value with every lone surrogate replaced, which no UTF-8 can carry."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    return value
