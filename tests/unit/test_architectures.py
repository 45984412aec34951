"""Which architecture a function has, read seldom, and never in the way of shipping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from steward.aws.architectures import AGAIN, FRESH, LONGEST, SOONEST, Architectures
from steward.errors import Denied, StewardError, Throttled
from tests.fakes import FakeAws, FakeClock, Request

LIST = ("lambda", "ListFunctions")
FIRST: dict[str, Any] = {
    "Functions": [
        {"FunctionName": "old"},
        {"FunctionName": "arm", "Architectures": ["arm64"]},
    ],
    "NextMarker": "2",
}
SECOND = {"Functions": [{"FunctionName": "intel", "Architectures": ["x86_64"]}]}


def test_all_functions_are_read_once() -> None:
    """Page by page; one that names none is of x86_64."""
    aws = FakeAws({LIST: [FIRST, SECOND]})
    architecture = Architectures(aws, FakeClock())
    found = [architecture(name) for name in ("old", "arm", "intel", "gone")]
    assert found == ["x86_64", "arm64", "x86_64", None]
    assert len(aws.requests) == 2


def test_a_new_function_is_looked_for_but_not_often() -> None:
    """Five minutes after the last reading at the soonest, whatever is missing."""
    clock = FakeClock()
    aws = FakeAws({LIST: [SECOND, {"Functions": [{"FunctionName": "new"}]}]})
    architecture = Architectures(aws, clock)
    assert architecture("new") is None
    clock.advance(SOONEST - 1)
    assert architecture("new") is None
    clock.advance(2)
    assert architecture("new") == "x86_64"
    assert len(aws.requests) == 2


def test_a_list_grows_old() -> None:
    """After an hour a function may have been made anew, for another architecture."""
    clock = FakeClock()
    aws = FakeAws(
        {LIST: [SECOND, {"Functions": [{**FIRST["Functions"][1], "FunctionName": "intel"}]}]}
    )
    architecture = Architectures(aws, clock)
    assert architecture("intel") == "x86_64"
    clock.advance(FRESH + 1)
    assert architecture("intel") == "arm64"


@pytest.mark.parametrize("error", [Denied("no"), Throttled("slow")])
def test_what_cannot_be_read_is_not_known(error: StewardError) -> None:
    """Costs are then not told; what was read before the error, and before, is known."""
    clock = FakeClock()
    aws = FakeAws({LIST: [SECOND, FIRST, error]})
    architecture = Architectures(aws, clock)
    assert architecture("intel") == "x86_64"
    clock.advance(FRESH + 1)
    assert [architecture("arm"), architecture("intel"), architecture("gone")] == [
        *("arm64", "x86_64"),
        None,
    ]
    assert len(aws.requests) == 3


class Slow(FakeAws):
    """Each request waits for its turn for six seconds."""

    def __init__(self, clock: FakeClock, pages: int) -> None:
        told = [
            {"Functions": [{"FunctionName": str(n)}], "NextMarker": f"{n}"} for n in range(pages)
        ]
        super().__init__({LIST: [*told, {"Functions": [{"FunctionName": "last"}]}]})
        self.clock = clock

    def _answer(self, request: Request) -> Mapping[str, Any]:
        self.clock.advance(6.0)
        return super()._answer(request)


def test_a_long_list_is_read_bit_by_bit() -> None:
    """So that no invocation is over before it has shipped anything; no page is read twice."""
    clock = FakeClock()
    aws = Slow(clock, 5)
    architecture = Architectures(aws, clock)
    assert (architecture("0"), architecture("1"), architecture("last")) == (
        "x86_64",
        "x86_64",
        None,
    )
    assert clock.monotonic() < LONGEST + 6
    for _ in range(2):
        clock.advance(AGAIN + 1)
        before = clock.monotonic()
        architecture("last")
        assert clock.monotonic() - before < LONGEST + 6
    assert (architecture("last"), len(aws.requests)) == ("x86_64", 6)
    assert [one.start for one in aws.requests] == [None, "0", "1", "2", "3", "4"]
