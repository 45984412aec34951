"""Undo restores what a change found, and refuses where that would harm somebody's work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.sqlite_ledger import SQLiteLedger
from steward.controls import CONTROLS
from steward.errors import Denied, Gone, Invalid, OutOfTime, Refused, TryAgain
from steward.ledger import Change, Status
from steward.look import look
from steward.model import Control, Fate, Mode, Verdict
from steward.policy import LONGEST_OWNER, schema
from steward.undo import inverse, undo
from tests import toy
from tests.fakes import FakeClock
from tests.toy import CONTROL, RIGHT, Killed, World


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = toy.ledger(tmp_path)
    yield ledger
    ledger.close()


def changed(world: World, book: SQLiteLedger, seconds: float = 0) -> Change:
    """The change that put the only toy right, or tried to."""
    clock = FakeClock()
    clock.advance(seconds)
    look(toy.run(world, book, clock=clock), toy.refs(*world.sizes))
    return next(book.changes(CONTROL.id))


def test_undo_restores_the_resource_and_exempts_it(book: SQLiteLedger) -> None:
    """Exactly as before; the next look leaves it alone until the exemption ends."""
    world = World({"a": 1})
    change = changed(world, book)
    run = toy.run(world, book)
    outcome = undo(run, change.id, "alice", timedelta(days=3))
    assert (outcome.fate, world.sizes) == (Fate.REMEDIATED, {"a": 1})
    [exemption] = book.exemptions(CONTROL.id)
    assert (exemption.owner, exemption.resource) == ("alice", "a")
    assert exemption.expires == (run.clock.now() + timedelta(days=3)).date()
    [again] = look(toy.run(world, book), toy.refs("a")).outcomes
    assert (again.finding.verdict, world.sizes) == (Verdict.EXEMPT, {"a": 1})
    undone = book.change(change.id)
    assert undone is not None
    assert undone.status is Status.UNDONE


@pytest.mark.parametrize("plan_only", [False, True])
@pytest.mark.parametrize("owner", ["", "x" * 129, "a\x1b[2J"], ids=["none", "long", "steers"])
def test_nobody_answers_for_an_undo_whom_no_policy_could_name(
    book: SQLiteLedger, owner: str, *, plan_only: bool
) -> None:
    """Whoever asks the function is held to it, too, before anything is written or sent."""
    world = World({"a": 1})
    change = changed(world, book)
    with pytest.raises(Invalid, match=r"^owner: is '.*', allowed: 1 to 128 characters, and no"):
        undo(toy.run(world, book, plan_only=plan_only), change.id, owner)
    assert (world.sizes, list(book.exemptions(CONTROL.id))) == ({"a": RIGHT}, [])
    assert list(book.changes(CONTROL.id)) == [change]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.id)
def test_an_owner_is_as_long_as_every_schema_has_it(control: Control[Any, Any]) -> None:
    """What an undo takes, a policy takes."""
    entry = schema(control.id)["properties"]["exemptions"]["items"]
    assert entry["properties"]["owner"]["maxLength"] == LONGEST_OWNER


def test_an_undo_is_a_change_and_is_not_undone_itself(book: SQLiteLedger) -> None:
    """It names what it undoes; a sweep without the exemption judges the resource anew."""
    world = World({"a": 1})
    first = changed(world, book)
    second = book.change(undo(toy.run(world, book), first.id, "alice").change)
    assert second is not None
    assert (second.undoes, second.status) == (first.id, Status.DONE)
    with pytest.raises(Invalid, match="it is an undo"):
        undo(toy.run(world, book), second.id, "alice")
    assert world.sizes == {"a": 1}


@pytest.mark.parametrize("fails", [True, False], ids=["it fails", "it succeeds"])
def test_an_undo_leaves_a_longer_exemption_as_it_is(book: SQLiteLedger, *, fails: bool) -> None:
    """What somebody else answers for until later is not shortened, let alone removed."""
    world = World({"a": 1})
    change = changed(world, book)
    held = toy.exemption("a")
    book.exempt(CONTROL.id, held)
    world.errors["Resize", "a"] = [Refused("no")] if fails else []
    undo(toy.run(world, book), change.id, "alice")
    assert book.exemptions(CONTROL.id) == [held]


def test_undo_waits_until_another_open_change_is_settled(book: SQLiteLedger) -> None:
    """An item names one intent; the other would never be found again."""
    world = World({"a": 1})
    done = changed(world, book)
    world.sizes["a"] = 2
    world.errors["Resize", "a"] = [TryAgain("timed out")]
    looked_at_again = toy.run(world, book)
    look(looked_at_again, toy.refs("a"))
    world.sizes["a"] = RIGHT
    with pytest.raises(Refused, match="outcome is open; sweep first"):
        undo(toy.run(world, book), done.id, "alice")
    assert book.exemptions(CONTROL.id) == []


def test_an_undo_for_which_there_was_no_time_gives_no_budget_back(book: SQLiteLedger) -> None:
    """It took none."""
    world = World({"a": 1})
    change = changed(world, book)
    run = toy.run(world, book, loaded=toy.policy(max_changes_per_run=5))
    assert book.take(CONTROL.id, run.id, 3, 5) == 3
    world.errors["Resize", "a"] = [OutOfTime("too late")]
    assert undo(run, change.id, "alice").fate is Fate.FAILED
    assert book.take(CONTROL.id, run.id, 5, 5) == 2


def test_an_undo_that_was_not_answered_keeps_its_exemption(book: SQLiteLedger) -> None:
    """It may be in effect; a sweep must not put it right again."""
    world = World({"a": 1})
    change = changed(world, book)
    world.errors["Resize", "a"] = [TryAgain("timed out")]
    assert undo(toy.run(world, book), change.id, "alice").fate is Fate.FAILED
    assert [one.resource for one in book.exemptions(CONTROL.id)] == ["a"]


@pytest.mark.parametrize(
    ("settings", "fate"), [({"plan_only": True}, Fate.PLANNED), ({"stopped": True}, Fate.HELD)]
)
def test_undo_sends_nothing_where_nothing_may_be_written(
    book: SQLiteLedger, settings: dict[str, Any], fate: Fate
) -> None:
    """Plan-only and the stop switch; no exemption is made either."""
    world = World({"a": 1})
    change = changed(world, book)
    outcome = undo(toy.run(world, book, **settings), change.id, "alice")
    assert (outcome.fate, world.sizes, book.exemptions(CONTROL.id)) == (fate, {"a": RIGHT}, [])
    assert [call.params for call in outcome.finding.remediation] == [{"Name": "a", "Size": 1}]


def test_a_control_in_audit_can_still_be_undone(book: SQLiteLedger) -> None:
    """Turning a control down and taking back what it did belong together."""
    world = World({"a": 1})
    change = changed(world, book)
    undo(toy.run(world, book, loaded=toy.policy(mode=Mode.AUDIT)), change.id, "alice")
    assert world.sizes == {"a": 1}


def test_undo_is_refused_where_somebody_has_changed_it_since(book: SQLiteLedger) -> None:
    """The message says from what to what."""
    world = World({"a": 1})
    change = changed(world, book)
    world.sizes["a"] = 77
    with pytest.raises(Refused, match="size was 10 after the change and is 77 now"):
        undo(toy.run(world, book), change.id, "alice")
    assert world.sizes == {"a": 77}


def test_undo_of_what_is_gone_or_unreadable_is_refused(book: SQLiteLedger) -> None:
    """What cannot be read is never acted on."""
    world = World({"a": 1})
    change = changed(world, book)
    world.errors["Get", ""] = [Denied("Get: no")]
    with pytest.raises(Refused, match="could not be read"):
        undo(toy.run(world, book), change.id, "alice")
    world.sizes.clear()
    with pytest.raises(Gone):
        undo(toy.run(world, book), change.id, "alice")


def test_only_a_change_that_took_effect_can_be_undone(book: SQLiteLedger) -> None:
    """Unknown ids, open intents, failed changes and undone ones each say why not."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [Refused("no")]
    failed = changed(world, book)
    done = changed(world, book, seconds=60)
    open_one = replace(done, id="toy-size-20261120T100000000000-abcdef", status=Status.INTENT)
    book.commit(changes=[open_one])
    undo(toy.run(world, book), done.id, "alice")
    reasons = {
        "toy-size-x-y": "no such change",
        failed.id: "no call of it succeeded",
        open_one.id: "outcome is open",
        done.id: "undone already",
    }
    for change_id, reason in reasons.items():
        with pytest.raises(Invalid, match=reason):
            undo(toy.run(world, book), change_id, "alice")


def test_an_undo_that_fails_leaves_no_exemption(book: SQLiteLedger) -> None:
    """The resource is as it was, told as failed, and can be tried again."""
    world = World({"a": 1})
    change = changed(world, book)
    world.errors["Resize", "a"] = [Refused("not now")]
    outcome = undo(toy.run(world, book), change.id, "alice")
    assert (outcome.fate, world.sizes) == (Fate.FAILED, {"a": RIGHT})
    assert "not now" in outcome.reason
    assert book.exemptions(CONTROL.id) == []
    undo(toy.run(world, book), change.id, "alice")
    assert world.sizes == {"a": 1}


def test_an_undo_killed_before_its_call_is_not_fought_by_the_next_look(book: SQLiteLedger) -> None:
    """The exemption is written first, so that no event puts it right again in between."""
    world = World({"a": 1})
    change = changed(world, book)

    def kill(operation: str) -> None:
        if operation == "Resize":
            world.sizes["a"] = 1
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        undo(toy.run(world, book), change.id, "alice")
    world.before_call = lambda operation: None
    [again] = look(toy.run(world, book), toy.refs("a")).outcomes
    assert again.finding.verdict is Verdict.EXEMPT
    assert world.sizes == {"a": 1}


@pytest.mark.parametrize(
    ("took_effect", "status"), [(True, Status.UNDONE), (False, Status.DONE)], ids=["did", "did not"]
)
def test_an_undo_that_nobody_answered_counts_once_it_is_seen(
    book: SQLiteLedger, *, took_effect: bool, status: Status
) -> None:
    """The next look settles it: the change was taken back, or it stands."""
    world = World({"a": 1})
    change = changed(world, book)

    def kill(operation: str) -> None:
        if operation == "Resize":
            world.sizes["a"] = 1 if took_effect else world.sizes["a"]
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        undo(toy.run(world, book), change.id, "alice")
    world.before_call = lambda operation: None
    look(toy.run(world, book), toy.refs("a"))
    settled = book.change(change.id)
    assert settled is not None
    assert settled.status is status


@pytest.mark.parametrize("took_effect", [True, False], ids=["did", "did not"])
def test_an_undo_that_came_to_nothing_leaves_no_exemption(
    book: SQLiteLedger, *, took_effect: bool
) -> None:
    """Once the next look has seen that it is not in effect, the resource is judged again."""
    world = World({"a": 1})
    change = changed(world, book)
    world.errors["Resize", "a"] = [TryAgain("timed out")]
    undo(toy.run(world, book), change.id, "alice")
    if took_effect:
        world.sizes["a"] = 1
    look(toy.run(world, book), toy.refs("a"))
    assert [one.resource for one in book.exemptions(CONTROL.id)] == (["a"] if took_effect else [])


def test_an_undo_that_cannot_be_written_down_leaves_no_exemption(book: SQLiteLedger) -> None:
    """Without a written intent nothing is sent, and the resource stays as it is judged."""
    world = World({"a": 1})
    change = changed(world, book)

    def refuse(*_: object) -> None:
        raise Denied("no")

    run = toy.run(world, book)
    vars(book)["intend"] = refuse
    with pytest.raises(Denied):
        undo(run, change.id, "alice")
    assert (book.exemptions(CONTROL.id), world.sizes) == ([], {"a": RIGHT})


FORGED = {
    "another resource": {"params": {"name": "b", "size": 1}},
    "another operation": {"operation": "Delete"},
    "another service": {"service": "plays"},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=list(FORGED))
def test_an_undo_does_only_what_the_control_may_do_to_that_resource(
    book: SQLiteLedger, forged: dict[str, Any]
) -> None:
    """Whoever can write to the ledger cannot make a function call something else by it."""
    world = World({"a": 1, "b": 1})
    look(toy.run(world, book), toy.refs("a"))
    change = next(book.changes(CONTROL.id))
    assert change.calls[0].undo is not None
    call = replace(change.calls[0], undo=replace(change.calls[0].undo, **forged))
    book.commit(changes=[replace(change, calls=(call,))])
    with pytest.raises(Refused, match="is not one of a"):
        undo(toy.run(world, book), change.id, "mallory")
    assert world.sizes == {"a": RIGHT, "b": 1}


def test_what_has_no_inverse_cannot_be_undone(book: SQLiteLedger) -> None:
    """The error says what cannot be brought back."""
    world = World({"a": 1})
    change = changed(world, book)
    [call] = change.calls
    lost = replace(change, calls=(replace(call, undo=None, irreversible="it is gone"),))
    with pytest.raises(Invalid, match="it is gone"):
        inverse(lost)
