"""A resource's state as steward explain shows it: facts, and nothing of Python."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from console.explaining import as_lines, plain
from steward.controls.log_retention.state import LogGroup
from steward.model import Ref


class Kind(StrEnum):
    STREAM = "Kinesis stream"


@dataclass(frozen=True)
class Part:
    kind: Kind = Kind.STREAM
    sizes: tuple[int | None, ...] = (3, None)


@dataclass(frozen=True)
class State:
    name: str
    parts: tuple[Part, ...] = (Part(),)
    exists: bool = True
    tags: Any = field(default_factory=lambda: MappingProxyType({"Größe": "L"}))


def test_each_field_of_a_state_is_a_line() -> None:
    """As JSON writes it; what is not ASCII stays readable."""
    assert as_lines(State("orders")) == (
        'name: "orders"\n'
        'parts: [{"kind": "Kinesis stream", "sizes": [3, null]}]\n'
        "exists: true\n"
        'tags: {"Größe": "L"}'
    )
    lines = dict(line.split(": ", 1) for line in as_lines(LogGroup("/a", days=30)).splitlines())
    assert (lines["name"], lines["days"], lines["tags"]) == ('"/a"', "30", "{}")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (frozenset({"b", "a", "c"}), ["a", "b", "c"]),
        ({("a", 1): 2.5}, {'["a", 1]': 2.5}),
        (
            {Ref("K", "x"): [Ref("K", "y")]},
            {'{"kind": "K", "id": "x"}': [{"kind": "K", "id": "y"}]},
        ),
        (datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21 00:00:00+00:00"),
    ],
    ids=["a set", "a key of two", "a key of several fields", "a time"],
)
def test_what_json_lacks_is_told_in_its_terms(value: Any, told: Any) -> None:
    """The same on every machine, whatever the order of hashes."""
    assert plain(value) == told
    json.dumps(plain(value))
