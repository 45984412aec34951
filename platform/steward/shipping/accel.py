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

from steward.shipping.texts import each

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
    loads_as_is: Callable[[bytes], Any]
    """The same, but lone surrogates may be left, which only ``mended`` replaces: to look for them
    in what was read costs less than in the JSON text."""
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
        loads_as_is=_loads_as_is,
        strings=lambda texts: each(texts, _compact),
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

    return Codec(
        name="accelerated",
        loads=loads,
        loads_as_is=loads,
        strings=lambda texts: each(texts, lambda text: orjson.dumps(text).decode()),
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
_SURROGATE = re.compile(rb"\\u[dD]")  # twice as fast as to look for the two literals


def _loads(data: bytes) -> Any:
    value = _loads_as_is(data)
    return mended(value) if _SURROGATE.search(data) else value


def _loads_as_is(data: bytes) -> Any:
    return json.loads(data.decode())  # of bytes, json takes UTF-16 and surrogates, too


def mended(value: Any) -> Any:
    """The value with every lone surrogate replaced, which no UTF-8 can carry."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mended(entry) for entry in value]
    if isinstance(value, dict):
        return {mended(key): mended(entry) for key, entry in value.items()}
    return value
