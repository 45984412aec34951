"""What a sweep counts is what it left, whatever came between."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sqlite_ledger import SQLiteLedger
from steward.counting import account, detail, state, summed
from steward.errors import Denied
from steward.ledger import Sweep, stamp
from steward.model import Deadline, Page, Trigger, Verdict
from steward.sweep import advance, begin
from tests import toy
from tests.fakes import START, FakeClock
from tests.toy import CONTROL, RIGHT, World


def swept(
    world: World, book: SQLiteLedger, clock: FakeClock, *, plan_only: bool, ordered: bool
) -> Sweep:
    """A sweep in steps of seven seconds, of which a change takes three."""
    control = replace(CONTROL, ordered=ordered)
    at = begin(book, CONTROL.id, "bound", clock.now())
    for _ in range(200):
        deadline = Deadline(clock, 7)
        run = toy.run(
            *(world, book),
            control=control,
            run_id=at.id,
            clock=clock,
            deadline=deadline,
            trigger=Trigger.SWEEP,
            plan_only=plan_only,
        )
        for step in advance(run, at):
            at = step.sweep
        if at.finished:
            return at
    raise AssertionError("it does not come to an end")


def open_since(book: SQLiteLedger) -> list[str]:
    """Since when each violation of the ledger is open."""
    items = book.all_items(CONTROL.id)
    return sorted(one.first_seen for one in items if one.verdict is Verdict.NON_COMPLIANT)


@given(
    days=st.lists(
        st.lists(st.sampled_from(["toy", "glued", "unread"]), max_size=4), min_size=1, max_size=4
    ),
    mended=st.sets(st.integers(min_value=0, max_value=15)),
    plan_only=st.booleans(),
    ordered=st.booleans(),
)
def test_the_oldest_violation_is_the_ledgers(
    *, days: list[list[str]], mended: set[int], plan_only: bool, ordered: bool
) -> None:
    """Toys appear day by day, some are mended by hand; those that are glued nobody can resize."""
    folder = Path(tempfile.mkdtemp())
    book, clock = toy.ledger(folder), FakeClock()
    world = World({}, page=3)
    world.before_call = lambda operation: clock.advance(3) if operation == "Resize" else None
    number = 0
    for some in days:
        clock.advance(86400)
        for name in some:
            world.sizes[f"{name}-{number:02}"] = 1
            number += 1
        for name in sorted(world.sizes):
            if int(name[-2:]) in mended:
                world.sizes[name] = RIGHT
        at = swept(world, book, clock, plan_only=plan_only, ordered=ordered)
        left = open_since(book)
        told = state(at, clock.now())
        assert at.oldest == next(iter(left), "")
        assert at.gauges == {"Toys": len(world.sizes)}
        assert told["Violations"] == len(left)
        assert (told["OldestViolationAgeHours"] >= 24) == bool(left and left[0] < some_hours(clock))
    book.close()
    shutil.rmtree(folder)


def some_hours(clock: FakeClock) -> str:
    """What was seen before this was not seen for the first time in the last sweep."""
    return stamp(clock.now() - timedelta(hours=23, minutes=59))


def test_a_change_that_fails_leaves_the_violation_as_old_as_it_is(tmp_path: Path) -> None:
    """A later look does not make it younger."""
    book, clock = toy.ledger(tmp_path), FakeClock()
    world = World({"toy-0": 1})
    for _ in range(3):
        world.errors = toy.denied("toy-0", Denied)
        at = swept(world, book, clock, plan_only=False, ordered=True)
        clock.advance(3600)
    assert at.oldest == stamp(START)
    told = state(at, clock.now())
    assert (told["Violations"], told["OldestViolationAgeHours"]) == (1, 3)
    book.close()


BEGUN = Sweep("id", "toy-size", stamp(START), "bound", oldest=stamp(START - timedelta(hours=36)))
ENDED = replace(
    BEGUN,
    finished=stamp(START + timedelta(minutes=5)),
    resources=15,
    verdicts={"COMPLIANT": 4, "NON_COMPLIANT": 5, "EXEMPT": 1, "UNKNOWN": 2, "NOT_APPLICABLE": 3},
    fates={"remediated": 2},
)


def test_a_sweep_tells_how_resources_stand_now_that_it_has_ended() -> None:
    """What was put right counts as it is now, not as it was found."""
    assert state(ENDED, START) == {
        "Violations": 3,
        "CompliantResources": 6,
        "ExemptResources": 1,
        "UnknownResources": 2,
        "OldestViolationAgeHours": 36.0,
    }
    told = detail(ENDED, START + timedelta(minutes=5))
    assert told == {"Resources": 15, "NotApplicableResources": 3, "SweepSeconds": 300.0}


def test_a_sweep_that_came_to_no_end_tells_nothing_of_how_resources_stand() -> None:
    """It met some of them: half the violations would look like half the trouble."""
    stopped = replace(ENDED, finished="", error="throttled")
    assert (state(stopped, START), detail(stopped, START)) == ({}, {})


@pytest.mark.parametrize("oldest", ["", stamp(START + timedelta(hours=1))], ids=["none", "skew"])
def test_no_violation_has_no_age(oldest: str) -> None:
    """Neither has one of which a faster clock has told."""
    assert state(replace(ENDED, oldest=oldest), START)["OldestViolationAgeHours"] == 0


def after(*told: int | None) -> Sweep:
    """A complete sweep whose pages tell so many bytes."""
    at = replace(ENDED, complete=True)
    for stored in told:
        page: Page[toy.Toy] = Page([], None, {"LogStoredBytes": stored})
        at = summed(at, page)
    return at


@pytest.mark.parametrize(
    ("at", "sums"),
    [
        pytest.param(after(3, 0, 4), {"LogStoredBytes": 7}, id="every page"),
        pytest.param(after(0), {"LogStoredBytes": 0}, id="nothing is stored"),
        pytest.param(after(3, None, 4), {}, id="a page that could not tell"),
        pytest.param(replace(after(3, 4), complete=False), {}, id="not complete"),
        pytest.param(after(), {}, id="a control that has none"),
    ],
)
def test_a_sum_is_of_everything_or_not_told(at: Sweep, sums: dict[str, float]) -> None:
    """A part of what the account stores would look like less. The age does not depend on it."""
    assert account(at, START) == {"OldestViolationAgeHours": 36.0, **sums}


def test_a_sweep_that_came_to_no_end_tells_nothing_of_the_account() -> None:
    """Neither an age nor a sum."""
    assert account(replace(after(3), finished="", complete=False), START) == {}
