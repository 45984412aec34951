"""Every change that any control can make, through run, ledger and undo: what was is there again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from console.sqlite_ledger import SQLiteLedger
from steward.controls import CONTROLS
from steward.errors import Invalid, Refused
from steward.evaluate import left_by
from steward.ledger import Change, Status
from steward.look import look
from steward.model import Call, Control, Fate, Finding, Mode, Ref, Verdict
from steward.policy import Loaded, load
from steward.run import Run
from steward.undo import undo
from tests import toy
from tests.conformance.test_controls import EXAMPLES
from tests.fakes import FakeClock

T = TypeVar("T")
R = TypeVar("R")


def enforced(control: Control[Any, Any], asked: Mapping[str, Any]) -> Loaded[Any]:
    loaded = load(control, asked)
    return replace(loaded, policy=replace(loaded.policy, mode=Mode.ENFORCE))


def cases(pick: Callable[[Finding], bool]) -> list[Any]:
    """The examples of all controls whose finding is picked, with their policies."""
    return [
        pytest.param(control, state, enforced(control, asked), id=f"{control.id}-{number}")
        for control in CONTROLS
        for number, (state, asked) in enumerate(EXAMPLES[control.id])
        if pick(control.assess(state, load(control, asked).policy))
    ]


def is_sent(finding: Finding) -> bool:
    return bool(finding.remediation) and not finding.waits


def is_reversible(finding: Finding) -> bool:
    return is_sent(finding) and all(call.undo for call in finding.remediation)


names = ("control", "state", "loaded")
reversible = pytest.mark.parametrize(names, cases(is_reversible))
of_several_calls = pytest.mark.parametrize(
    names, cases(lambda finding: is_reversible(finding) and len(finding.remediation) > 1)
)
irreversible = pytest.mark.parametrize(
    names, cases(lambda finding: is_sent(finding) and not is_reversible(finding))
)


class World:
    """One resource, on which each call has the effect that it says it has; see ``model.Aws``."""

    account, region, partition = "111122223333", "eu-west-1", "aws"

    def __init__(self, control: Control[Any, Any], state: Any) -> None:
        self.state = state
        self.sent: list[str] = []
        self.refused: set[int] = set()
        """Numbers of requests, from 0, that AWS refuses."""
        self.known: list[Call] = []
        self._control = control

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        asked = (service, operation, params)
        self.sent.append(operation)
        if len(self.sent) - 1 in self.refused:
            raise Refused(f"{operation}: not now")
        [call, *_] = [
            one for one in self.known if asked == (one.service, one.operation, one.params)
        ]
        self.state = left_by(self._control, self.state, [call])
        return {}

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [act(item) for item in items]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


def run(world: World, book: SQLiteLedger, control: Control[Any, Any], loaded: Any) -> Run[Any, Any]:
    """A run of the control that reads what is in the world, and is told of nothing else."""

    def observe(_: Any, refs: Sequence[Ref]) -> Iterator[Any]:
        yield from [world.state] if world.state.ref in refs else []

    reading = replace(control, observe=observe, besides=lambda *_: ())
    return toy.run(world, book, control=reading, loaded=loaded, clock=FakeClock())


def changed(told: Run[Any, Any], world: World) -> Change:
    """The change that puts the resource right."""
    calls = told.control.assess(world.state, told.loaded.policy).remediation
    world.known = [*calls, *(call.undo for call in calls if call.undo)]
    look(told, [world.state.ref])
    [change] = told.ledger.changes(told.control.id)
    return change


def told_of(state: Any) -> Mapping[str, Any]:
    """What is compared of a state, its memory of what is ours left out."""
    compared = [one.name for one in fields(state) if one.compare and one.name != "ours"]
    return {name: getattr(state, name) for name in compared}


@reversible
def test_undo_restores_what_was_there_exactly(
    book: SQLiteLedger, control: Control[Any, Any], state: Any, loaded: Loaded[Any]
) -> None:
    """As far as the calls themselves say; and the next look leaves the resource alone."""
    world = World(control, state)
    change = changed(run(world, book, control, loaded), world)
    assert told_of(world.state) != told_of(state)
    outcome = undo(run(world, book, control, loaded), change.id, "ada")
    assert (outcome.fate, told_of(world.state)) == (Fate.REMEDIATED, told_of(state))
    [again] = look(run(world, book, control, loaded), [state.ref]).outcomes
    assert again.finding.verdict is not Verdict.NON_COMPLIANT
    assert told_of(world.state) == told_of(state)


@of_several_calls
def test_an_undo_that_was_cut_short_is_completed_by_the_next(
    book: SQLiteLedger, control: Control[Any, Any], state: Any, loaded: Loaded[Any]
) -> None:
    """AWS refuses its second call: what is left can be undone, and what is back stays back."""
    world = World(control, state)
    change = changed(run(world, book, control, loaded), world)
    world.refused = {len(world.sent) + 1}
    outcome = undo(run(world, book, control, loaded), change.id, "ada")
    assert outcome.fate is Fate.FAILED
    assert "the same again takes back the rest" in outcome.note
    sent = len(world.sent)
    look(run(world, book, control, loaded), [state.ref])
    assert len(world.sent) == sent
    outcome = undo(run(world, book, control, loaded), change.id, "ada")
    assert (outcome.fate, told_of(world.state)) == (Fate.REMEDIATED, told_of(state))
    undone = book.change(change.id)
    assert undone is not None
    assert undone.status is Status.UNDONE


@irreversible
def test_what_cannot_be_brought_back_is_not_undone(
    book: SQLiteLedger, control: Control[Any, Any], state: Any, loaded: Loaded[Any]
) -> None:
    """Nothing is sent, and the error says what is lost."""
    world = World(control, state)
    change = changed(run(world, book, control, loaded), world)
    sent = len(world.sent)
    with pytest.raises(Invalid, match="cannot be undone: "):
        undo(run(world, book, control, loaded), change.id, "ada")
    assert len(world.sent) == sent
