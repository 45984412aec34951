"""A sweep visits everything once, is resumable at any point, and never lies about it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sqlite_ledger import SQLiteLedger
from steward.errors import Denied, Invalid, NotConnected, Refused, TryAgain
from steward.ledger import Status, Sweep
from steward.model import Deadline, Fate, Page, Ref, Trigger
from steward.sweep import RESUMABLE, Step, advance, begin, cursor, holder, mark, resumed
from tests import toy
from tests.fakes import FakeClock
from tests.toy import CONTROL, RIGHT, Killed, World

UNORDERED = replace(CONTROL, ordered=False)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = toy.ledger(tmp_path)
    yield ledger
    ledger.close()


def twelve() -> World:
    return World({f"toy-{n:02}": n for n in range(12)})


def swept(world: World, book: SQLiteLedger, **settings: object) -> list[Step]:
    """The steps of a sweep that goes on where the last one stopped."""
    clock = settings.setdefault("clock", FakeClock())
    at = begin(book, CONTROL.id, "bound", clock.now())  # type: ignore[attr-defined]  # a FakeClock
    run = toy.run(world, book, run_id=at.id, trigger=Trigger.SWEEP, **settings)  # type: ignore[arg-type]  # each test knows its own
    return list(advance(run, at))


def test_a_sweep_visits_every_page_and_says_that_it_is_complete(book: SQLiteLedger) -> None:
    """RET-2, RET-21: pages of five; one of twelve has the right size already."""
    world = twelve()
    steps = swept(world, book)
    last = steps[-1].sweep
    assert (last.complete, last.pages, last.resources) == (True, 3, 12)
    assert last.fates == {"remediated": 11, "none": 1}
    assert set(world.sizes.values()) == {RIGHT}


def test_a_second_sweep_writes_nothing_but_its_own_record(book: SQLiteLedger) -> None:
    """Neither to AWS nor, of resources, to the ledger."""
    world = twelve()
    swept(world, book)
    before = list(book.all_items(CONTROL.id))
    written: list[str] = []
    book._db.set_trace_callback(written.append)
    last = swept(world, book)[-1].sweep
    book._db.set_trace_callback(None)
    assert (last.fates, len(world.resized)) == ({"none": 12}, 11)
    tables = {line.split(" (")[0].split()[-1] for line in written if "INTO" in line}
    assert tables == {"sweeps"}
    assert list(book.all_items(CONTROL.id)) == before


@given(
    sizes=st.lists(st.sampled_from([1, 2, RIGHT]), min_size=1, max_size=17),
    kills=st.lists(st.integers(min_value=1, max_value=12), max_size=4),
)
def test_killed_at_any_request_and_run_again_it_leaves_nothing_out(
    sizes: list[int], kills: list[int]
) -> None:
    """No toy is left out, none is written twice, each kill costs at most one page more."""
    folder = Path(tempfile.mkdtemp())
    book = toy.ledger(folder)
    world = World({f"toy-{n:02}": size for n, size in enumerate(sizes)}, page=4)
    wrong = [name for name, size in sorted(world.sizes.items()) if size != RIGHT]
    for kill_at in kills:
        left = [kill_at]

        def kill(operation: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        world.before_call = kill
        try:
            swept(world, book)
        except Killed:
            continue
        break
    world.before_call = lambda operation: None
    finished = next(book.sweeps(CONTROL.id), None)
    last = finished if finished and finished.finished else swept(world, book)[-1].sweep
    assert last.complete
    assert last.resources == len(sizes)
    assert [name for name, _ in world.resized] == wrong
    pages = -(-len(sizes) // 4)
    assert len(world.listed) <= pages + len(kills)
    assert all(c.status is not Status.INTENT for c in book.changes(CONTROL.id))
    book.close()
    shutil.rmtree(folder)


def test_a_sweep_stopped_between_pages_goes_on_with_the_next(book: SQLiteLedger) -> None:
    """RET-34: the union of both runs covers all once, and counts add up."""
    world, clock = twelve(), FakeClock()
    at = begin(book, CONTROL.id, "bound", clock.now())
    first = next(advance(toy.run(world, book, run_id=at.id), at))
    again = begin(book, CONTROL.id, "bound", clock.now())
    assert again == first.sweep
    last = swept(world, book)[-1].sweep
    assert (last.id, last.resources, last.complete) == (at.id, 12, True)
    assert world.listed == [None, "after:toy-04", "after:toy-09"]


def test_a_deadline_within_a_page_pauses_after_what_was_done(book: SQLiteLedger) -> None:
    """RET-34: every outcome is told once, the rest of the page comes in the next step."""
    world, clock = twelve(), FakeClock()
    world.before_call = lambda operation: clock.advance(3) if operation == "Resize" else None
    at = begin(book, CONTROL.id, "bound", clock.now())
    told: list[str] = []
    for _ in range(20):
        run = toy.run(world, book, run_id=at.id, clock=clock, deadline=Deadline(clock, 7))
        for step in advance(run, at):
            at = step.sweep
            told += [one.finding.ref.id for one in step.outcomes]
        if at.finished:
            break
    assert sorted(told) == sorted(world.sizes)
    assert (at.complete, at.resources, at.fates["remediated"]) == (True, 12, 11)
    assert len(world.resized) == 11


def test_an_unordered_sweep_paused_within_a_page_loses_nothing(book: SQLiteLedger) -> None:
    """Without an order the page is looked at again as a whole."""
    world, clock = twelve(), FakeClock()
    world.before_call = lambda operation: clock.advance(3) if operation == "Resize" else None
    for _ in range(20):
        steps = swept(world, book, control=UNORDERED, clock=clock, deadline=Deadline(clock, 7))
        if steps[-1].sweep.finished:
            break
    assert set(world.sizes.values()) == {RIGHT}
    assert len(world.resized) == 11


def test_another_policy_or_permission_starts_anew(book: SQLiteLedger) -> None:
    """A plan that was interrupted is not continued as an enforcing sweep."""
    world, clock = twelve(), FakeClock()
    at = begin(book, CONTROL.id, mark("policy", plan_only=True), clock.now())
    next(advance(toy.run(world, book, run_id=at.id, plan_only=True), at))
    for other in (mark("policy", plan_only=False), mark("other", plan_only=True)):
        assert begin(book, CONTROL.id, other, clock.now()).pages == 0
    assert begin(book, CONTROL.id, at.policy_hash, clock.now(), restart=True).pages == 0
    assert begin(book, CONTROL.id, at.policy_hash, clock.now()).pages == 1


def test_an_old_unfinished_sweep_is_not_continued(book: SQLiteLedger) -> None:
    """After a day its first half would be a day old."""
    world, clock = twelve(), FakeClock()
    at = begin(book, CONTROL.id, "bound", clock.now())
    next(advance(toy.run(world, book, run_id=at.id), at))
    clock.advance(RESUMABLE.total_seconds())
    assert begin(book, CONTROL.id, "bound", clock.now()).id != at.id


def test_a_token_that_is_no_longer_taken_starts_over_and_skips_what_was_done(
    book: SQLiteLedger,
) -> None:
    """The documented order tells what was looked at; nobody is counted twice."""
    world, clock = twelve(), FakeClock()
    at = begin(book, CONTROL.id, "bound", clock.now())
    first = next(advance(toy.run(world, book, run_id=at.id), at)).sweep
    assert first.gauges == {"Toys": 5}
    book.commit(sweep=replace(first, token="worn out"))
    last = swept(world, book)[-1].sweep
    assert (last.resources, last.complete, len(world.resized)) == (12, True, 11)
    assert last.gauges == {"Toys": 12}  # what is read again counts once


def test_resources_that_a_sweep_does_not_meet_are_looked_at_by_name(book: SQLiteLedger) -> None:
    """Deleted ones are gone from the ledger; one made again meanwhile is judged."""
    world = twelve()
    swept(world, book)
    for name in ("toy-00", "toy-07", "toy-11"):
        del world.sizes[name]

    def make_again(operation: str) -> None:
        if operation == "Get":
            world.sizes["toy-07"] = 3

    world.before_call = make_again
    last = swept(world, book)[-1].sweep
    assert last.fates == {"none": 9, "gone": 2, "remediated": 1}
    assert {item.ref.id for item in book.all_items(CONTROL.id)} == set(world.sizes)


def test_an_unordered_sweep_finds_what_is_gone_at_its_end(book: SQLiteLedger) -> None:
    """All items of the ledger are compared with all that was met."""
    world = twelve()
    swept(world, book, control=UNORDERED)
    del world.sizes["toy-03"]
    last = swept(world, book, control=UNORDERED)[-1].sweep
    assert last.fates == {"none": 11, "gone": 1}


def test_an_unordered_sweep_knows_in_each_step_what_those_before_have_met(
    book: SQLiteLedger,
) -> None:
    """Nothing is read again by its name because another process met it."""
    world, clock = twelve(), FakeClock()
    swept(world, book, control=UNORDERED)
    del world.sizes["toy-03"]
    world.calls.clear()
    while True:
        at = begin(book, CONTROL.id, "bound", clock.now())
        at = next(advance(toy.run(world, book, control=UNORDERED, run_id=at.id), at)).sweep
        if at.finished:
            break
    assert (at.fates, at.resources, at.met) == ({"none": 11, "gone": 1}, 11, "")
    assert world.calls["Get"] == 1


@pytest.mark.parametrize(
    "error", [Denied("List: no"), TryAgain("List: busy"), Refused("List: odd")], ids=str
)
def test_a_page_that_cannot_be_read_makes_the_sweep_incomplete(
    book: SQLiteLedger, error: Exception
) -> None:
    """SUB-81 for any control: what came before is committed, the next run goes on there."""
    world = twelve()
    seen = []

    def fail_on_the_second(operation: str) -> None:
        if operation == "List":
            seen.append(operation)
            if len(seen) == 2:
                raise error

    world.before_call = fail_on_the_second
    last = swept(world, book)[-1].sweep
    assert (last.finished, last.complete, last.error) == ("", False, str(error))
    done = swept(world, book)[-1].sweep
    assert (done.id, done.complete, done.resources, done.error) == (last.id, True, 12, "")


def test_a_lost_connection_ends_the_sweep_where_it_stands(book: SQLiteLedger) -> None:
    """It is raised, because no other page could be read either."""
    world = twelve()
    world.errors["List", ""] = [NotConnected("expired")]
    with pytest.raises(NotConnected):
        swept(world, book)


@pytest.mark.parametrize(
    ("name", "fate"), [("unread", Fate.UNKNOWN), ("failing", Fate.FAILED)], ids=str
)
def test_a_sweep_with_trouble_is_finished_and_not_complete(
    book: SQLiteLedger, name: str, fate: Fate
) -> None:
    """RET-18: every page is visited, and the end says that not all is known or done."""
    world = World({**twelve().sizes, name: 1})
    world.errors["Resize", "failing"] = [Refused("no")]
    last = swept(world, book)[-1].sweep
    assert (bool(last.finished), last.complete, last.fates[fate]) == (True, False, 1)


def test_pages_out_of_order_are_not_believed(book: SQLiteLedger) -> None:
    """A sweep that relies on an order it does not get is incomplete."""
    world = twelve()

    def shuffled(sight: object, token: str | None) -> Iterator[object]:
        for page in toy.discover(sight, token):  # type: ignore[arg-type]  # a Sight
            yield replace(page, states=list(reversed(page.states)))

    broken = replace(CONTROL, discover=shuffled)  # type: ignore[arg-type]  # as above
    last = swept(world, book, control=broken)[-1].sweep
    assert not last.complete
    assert "order" in last.error


def test_an_empty_account_is_complete(book: SQLiteLedger) -> None:
    """Nothing is something a sweep can be sure of."""
    last = swept(World({}), book)[-1].sweep
    assert (last.complete, last.resources, last.pages) == (True, 0, 1)


def test_a_cursor_names_its_sweep_and_holder(book: SQLiteLedger) -> None:
    """A step continues the sweep that its cursor names, from the ledger's record."""
    world, clock = twelve(), FakeClock()
    at = begin(book, CONTROL.id, "bound", clock.now())
    step = next(advance(toy.run(world, book, run_id=at.id), at)).sweep
    text = cursor(step, "me")
    assert holder(text) == "me"
    assert set(json.loads(text)) == {"v", "sweep", "holder", "policy_hash", "token", "last_id"}
    assert resumed(book, CONTROL.id, "bound", clock.now(), text) == step
    assert resumed(book, CONTROL.id, "other", clock.now(), text).id != step.id
    unknown = cursor(replace(step, id="toy-size-x-y"), "me")
    assert isinstance(resumed(book, CONTROL.id, "bound", clock.now(), unknown), Sweep)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"v": 1}'])
def test_what_is_no_cursor_is_invalid(book: SQLiteLedger, text: str) -> None:
    """The message shows what was given."""
    with pytest.raises(Invalid, match="cursor"):
        resumed(book, CONTROL.id, "bound", FakeClock().now(), text)


def two_kinds(world: World) -> Any:
    """Toys in their order, and a page before them of what has none."""

    def discover(sight: Any, cursor: str | None) -> Iterator[Page[Any]]:
        if cursor is None:
            yield Page([Boss("m", world.sizes["m"])] if "m" in world.sizes else [], "after:")
        for page in toy.discover(sight, cursor or "after:"):
            yield Page([one for one in page.states if one.ref.id != "m"], page.cursor)

    def observe(sight: Any, refs: Sequence[Ref]) -> Iterator[Any]:
        for one in toy.observe(sight, refs):
            yield Boss(one.ref.id, world.sizes[one.ref.id]) if one.ref.id == "m" else one

    return replace(CONTROL, kinds=(toy.KIND, "Boss"), discover=discover, observe=observe)


@dataclass(frozen=True, slots=True)
class Boss(toy.Toy):
    """Another kind, whose name stands in the midst of those of toys."""

    @property
    def ref(self) -> Ref:
        return Ref("Boss", self.name)


def test_a_second_kind_has_no_part_in_the_order(book: SQLiteLedger) -> None:
    """Step by step: each is met once, put right, and found to be gone."""
    world = World(dict.fromkeys("abcmxyz", 1), page=2)
    for fates, verdicts in (({"remediated": 7}, 7), ({"none": 7}, 7)):
        at = stepwise(world, book)
        assert (at.complete, at.fates, sum(at.verdicts.values())) == (True, fates, verdicts)
    del world.sizes["m"]
    assert stepwise(world, book).fates == {"none": 6, "gone": 1}
    assert stepwise(world, book).fates == {"none": 6}


def stepwise(world: World, book: SQLiteLedger) -> Sweep:
    """A sweep of which each step does one page."""
    control = two_kinds(world)
    at = begin(book, CONTROL.id, "bound", FakeClock().now(), restart=True)
    while not at.finished:
        run = toy.run(world, book, control=control, trigger=Trigger.SWEEP)
        at = next(advance(run, at)).sweep
    return at
