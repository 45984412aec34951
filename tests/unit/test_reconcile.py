"""What becomes of findings: fates, intents, budgets, attempts, exemptions, isolation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.sqlite_ledger import SQLiteLedger
from steward.errors import (
    Denied,
    Gone,
    Limit,
    NotConnected,
    OutOfTime,
    Protected,
    Refused,
    StewardError,
    Throttled,
    TryAgain,
)
from steward.gate import MAX_ATTEMPTS, PROTECTED
from steward.ledger import Change, Status, stamp
from steward.look import look
from steward.model import Deadline, Fate, Finding, Mode, Trigger, Unread, Verdict
from steward.run import REASON, Outcome
from tests import toy
from tests.fakes import FakeClock
from tests.toy import CONTROL, RIGHT, Killed, World


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = toy.ledger(tmp_path)
    yield ledger
    ledger.close()


def fates(outcomes: list[Outcome]) -> dict[str, str]:
    return {one.finding.ref.id: one.fate.value for one in outcomes}


def looked(world: World, book: SQLiteLedger, *names: str, **settings: object) -> list[Outcome]:
    run = toy.run(world, book, **settings)  # type: ignore[arg-type]  # each test knows its own
    return list(look(run, toy.refs(*(names or sorted(world.sizes)))).outcomes)


def only(outcomes: list[Outcome]) -> Outcome:
    [one] = outcomes
    return one


def test_what_is_wrong_is_put_right_and_the_second_look_does_nothing(book: SQLiteLedger) -> None:
    """Right ones are left alone, the second run makes no call that writes, the ledger rests."""
    world = World({"a": 1, "b": RIGHT})
    assert fates(looked(world, book)) == {"a": "remediated", "b": "none"}
    assert world.sizes == {"a": RIGHT, "b": RIGHT}
    before = list(book.all_items(CONTROL.id))
    assert fates(looked(world, book)) == {"a": "none", "b": "none"}
    assert world.resized == [("a", RIGHT)]
    assert list(book.all_items(CONTROL.id)) == before


@pytest.mark.parametrize(
    ("settings", "fate"),
    [
        pytest.param({"loaded": toy.policy(mode=Mode.AUDIT)}, "planned", id="audit"),
        pytest.param({"plan_only": True}, "planned", id="plan only"),
        pytest.param({"stopped": True}, "held", id="stop switch"),
        pytest.param({"loaded": toy.policy(max_changes_per_run=0)}, "held", id="no budget a run"),
        pytest.param({"loaded": toy.policy(max_changes_per_hour=0)}, "held", id="none an hour"),
    ],
)
def test_nothing_is_sent_where_the_gate_is_closed(
    book: SQLiteLedger, settings: dict[str, object], fate: str
) -> None:
    """RET-33: the same findings, no call, no change in the ledger."""
    world = World({"a": 1})
    one = only(looked(world, book, **settings))
    assert (one.fate.value, one.finding.verdict) == (fate, Verdict.NON_COMPLIANT)
    assert one.finding.remediation
    assert world.sizes == {"a": 1}
    assert list(book.changes(CONTROL.id)) == []


def test_a_violation_without_a_call_is_reported(book: SQLiteLedger) -> None:
    """NON_COMPLIANT with nothing to call is open, not planned."""
    one = only(looked(World({"glued": 1}), book))
    assert one.fate is Fate.REPORTED
    assert one.is_open


def test_an_intent_is_on_disk_before_the_call_is_sent(book: SQLiteLedger, tmp_path: Path) -> None:
    """At the moment of the call another process reads the change, with what was before."""
    world = World({"a": 1})
    seen: list[Change] = []

    def look_into_the_file(operation: str) -> None:
        if operation == "Resize":
            other = toy.ledger(tmp_path)
            seen.extend(other.changes(CONTROL.id))
            other.close()

    world.before_call = look_into_the_file
    looked(world, book)
    [intent] = seen
    assert intent.status is Status.INTENT
    assert intent.before["size"] == 1
    [done] = book.changes(CONTROL.id)
    assert (done.id, done.status, done.sent) == (intent.id, Status.DONE, 1)


def test_without_a_written_intent_no_call_is_sent(book: SQLiteLedger) -> None:
    """A ledger that cannot be written stops the change, not only its record."""
    world = World({"a": 1})

    class Broken:
        def __getattr__(self, name: str) -> object:
            if name == "intend":
                raise Refused("the ledger is full")
            return getattr(book, name)

    with pytest.raises(Refused):
        look(toy.run(world, Broken()), toy.refs("a"))  # type: ignore[arg-type]  # a broken one
    assert world.sizes == {"a": 1}


@pytest.mark.parametrize("killed_after", [0, 1], ids=["before the call", "after the call"])
def test_a_run_killed_between_intent_and_result_is_settled_by_the_next(
    book: SQLiteLedger, killed_after: int
) -> None:
    """The next look tells whether the call took effect, and never sends it twice."""
    world = World({"a": 1})

    def kill(operation: str) -> None:
        if operation == "Resize":
            if killed_after:
                world.sizes["a"] = RIGHT
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        looked(world, book)
    [left] = book.changes(CONTROL.id)
    assert left.status is Status.INTENT
    world.before_call = lambda operation: None
    looked(world, book)
    settled = book.change(left.id)
    assert settled is not None
    assert settled.status is (Status.DONE if killed_after else Status.FAILED)
    assert world.sizes == {"a": RIGHT}
    assert len(world.resized) == 1 - killed_after
    assert all(item.intent == "" for item in book.all_items(CONTROL.id))


def test_an_open_intent_survives_a_look_that_could_not_read(book: SQLiteLedger) -> None:
    """UNKNOWN settles nothing; the look after it does."""
    world = World({"a": 1})

    def kill(operation: str) -> None:
        if operation == "Resize":
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        looked(world, book)
    world.before_call = lambda operation: None
    world.errors["Get", ""] = [Denied("Get: no")]
    assert only(looked(world, book)).fate is Fate.UNKNOWN
    [change] = book.changes(CONTROL.id)
    assert change.status is Status.INTENT
    looked(world, book)
    assert sorted(c.status for c in book.changes(CONTROL.id)) == [Status.DONE, Status.FAILED]


@pytest.mark.parametrize(
    ("error", "fate", "retry"),
    [
        pytest.param(Denied("no"), Fate.FAILED, False, id="denied"),
        pytest.param(Refused("no"), Fate.FAILED, False, id="refused"),
        pytest.param(Limit("full"), Fate.FAILED, False, id="limit"),
        pytest.param(TryAgain("busy"), Fate.FAILED, True, id="busy for too long"),
        pytest.param(Throttled("slow"), Fate.FAILED, True, id="throttled for too long"),
        pytest.param(NotConnected("line cut"), Fate.FAILED, True, id="not connected"),
        pytest.param(Gone("a part"), Fate.HELD, True, id="a part of it is gone"),
        pytest.param(Protected("by SCP"), Fate.REPORTED, False, id="organization"),
        pytest.param(ZeroDivisionError("bug"), Fate.FAILED, True, id="a bug"),
    ],
)
def test_one_failing_resource_never_stops_the_others(
    book: SQLiteLedger, error: Exception, fate: Fate, *, retry: bool
) -> None:
    """RET-6, RET-18: the others are done, the failure is told with what AWS said."""
    world = World({"a": 1, "b": 2, "c": 3})
    world.errors["Resize", "b"] = [error]
    outcomes = looked(world, book)
    assert fates(outcomes) == {"a": "remediated", "b": fate.value, "c": "remediated"}
    assert world.sizes["a"] == world.sizes["c"] == RIGHT
    one = next(one for one in outcomes if one.finding.ref.id == "b")
    assert one.retry is retry
    assert str(error) in one.reason or fate is Fate.HELD
    [failed] = [c for c in book.changes(CONTROL.id) if c.ref.id == "b"]
    in_doubt = type(error) is TryAgain
    assert (failed.status, failed.sent) == (Status.INTENT if in_doubt else Status.FAILED, 0)


def test_a_resource_that_is_gone_when_its_call_is_sent_is_forgotten(book: SQLiteLedger) -> None:
    """RET-29: it is looked for once more, as the call may be about a part of it only."""
    world = World({"a": 1, "b": 2})

    def deleted_meanwhile(operation: str) -> None:
        if operation == "Resize":
            world.sizes.pop("b", None)

    world.before_call = deleted_meanwhile
    outcomes = looked(world, book)
    assert fates(outcomes) == {"a": "remediated", "b": "gone"}
    assert [one.retry for one in outcomes] == [False, False]
    assert world.calls["Get"] == 2
    assert [*book.items(CONTROL.id, toy.refs("a", "b"))] == toy.refs("a")


@pytest.mark.parametrize("took_effect", [True, False], ids=["in effect", "not in effect"])
def test_a_call_that_was_not_answered_is_settled_by_the_next_look(
    book: SQLiteLedger, *, took_effect: bool
) -> None:
    """A time-out says nothing of whether AWS did it; what it did can still be undone."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [TryAgain("timed out")]
    looked(world, book)
    [open_one] = book.changes(CONTROL.id)
    assert open_one.status is Status.INTENT
    if took_effect:
        world.sizes["a"] = RIGHT
    looked(world, book)
    settled = book.change(open_one.id)
    assert settled is not None
    assert (settled.status, settled.sent) == (
        (Status.DONE, 1) if took_effect else (Status.FAILED, 0)
    )
    assert world.sizes == {"a": RIGHT}


def test_an_intent_is_settled_by_its_effect_and_not_by_what_the_policy_wants_now(
    book: SQLiteLedger,
) -> None:
    """Exempt meanwhile is not done; another policy does not make what was done undone."""
    world = World({"never-sent": 1, "sent": 1})

    def kill(operation: str) -> None:
        if operation == "Resize":
            world.sizes["sent"] = RIGHT
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        looked(world, book)
    world.before_call = lambda operation: None
    book.exempt(CONTROL.id, toy.exemption("never-sent"))
    looked(world, book, loaded=toy.policy(size=77))
    by_calls = {(c.ref.id, c.calls[0].params["Size"]): c.status for c in book.changes(CONTROL.id)}
    assert by_calls["never-sent", RIGHT] is Status.FAILED
    assert by_calls["sent", RIGHT] is Status.DONE


@pytest.mark.parametrize("settings", [{"plan_only": True}, {"stopped": True}], ids=str)
def test_a_run_that_may_not_write_settles_nothing(
    book: SQLiteLedger, settings: dict[str, object]
) -> None:
    """The change may be another run's, under way; nobody forgets it."""
    world = World({"a": 1})

    def kill(operation: str) -> None:
        if operation == "Resize":
            raise Killed

    world.before_call = kill
    with pytest.raises(Killed):
        looked(world, book)
    world.before_call = lambda operation: None
    world.sizes["a"] = RIGHT
    looked(world, book, **settings)
    [change] = book.changes(CONTROL.id)
    assert change.status is Status.INTENT
    looked(world, book)
    settled = book.change(change.id)
    assert settled is not None
    assert settled.status is Status.DONE


def test_where_aws_is_too_busy_for_everything_the_page_ends(book: SQLiteLedger) -> None:
    """After eight in a row the rest is left untouched, and comes in another run."""
    world = World({f"toy-{n:02}": 1 for n in range(20)})
    world.errors = {("Resize", name): [Throttled("slow")] for name in world.sizes}
    run = toy.run(world, book)
    result = look(run, toy.refs(*sorted(world.sizes)))
    assert len(result.untouched) == 12
    assert len([one for one in result.outcomes if one.fate is Fate.FAILED]) == 8


def test_a_bug_in_judging_costs_one_resource(book: SQLiteLedger) -> None:
    """UNKNOWN with INTERNAL_ERROR, its message to be given back; the neighbours are done."""
    outcomes = looked(World({"a": 1, "cursed": 1}), book)
    assert fates(outcomes) == {"a": "remediated", "cursed": "unknown"}
    cursed = next(one for one in outcomes if one.finding.ref.id == "cursed")
    assert (cursed.finding.code, cursed.retry) == ("INTERNAL_ERROR", True)


def test_a_bug_in_reading_costs_only_the_culprit(book: SQLiteLedger) -> None:
    """A batch that a bug spoils is read one by one."""
    world = World({"a": 1, "b": 1})

    def observe(sight: object, refs: list[object]) -> object:
        if any(ref.id == "b" for ref in refs):  # type: ignore[attr-defined]  # they are Refs
            raise KeyError("size")
        return toy.observe(sight, refs)  # type: ignore[arg-type]  # as above

    broken = replace(CONTROL, observe=observe)  # type: ignore[arg-type]  # as above
    outcomes = looked(world, book, control=broken)
    assert fates(outcomes) == {"a": "remediated", "b": "unknown"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Denied("no"), "ACCESS_DENIED"),
        (Refused("odd"), "UNREADABLE"),
        (TryAgain("busy"), "BUSY"),
    ],
    ids=["denied", "refused", "busy"],
)
def test_what_cannot_be_read_is_unknown_and_never_acted_on(
    book: SQLiteLedger, error: StewardError, code: str
) -> None:
    """Silence is never a verdict."""
    world = World({"a": 1})
    world.errors["Get", ""] = [error]
    one = only(looked(world, book))
    assert (one.finding.verdict, one.finding.code, one.fate) == (
        Verdict.UNKNOWN,
        code,
        Fate.UNKNOWN,
    )
    assert world.sizes == {"a": 1}


def test_without_a_connection_the_run_ends(book: SQLiteLedger) -> None:
    """Nobody is told UNKNOWN of everything because a key has expired."""
    world = World({"a": 1})
    world.errors["Get", ""] = [NotConnected("expired")]
    with pytest.raises(NotConnected):
        looked(world, book)


def test_a_resource_that_is_gone_is_forgotten(book: SQLiteLedger) -> None:
    """RET-14: gone is an outcome, no error, and leaves the ledger."""
    world = World({"a": RIGHT})
    looked(world, book)
    del world.sizes["a"]
    assert fates(looked(world, book, "a", "never-there")) == {"a": "gone", "never-there": "gone"}
    assert list(book.all_items(CONTROL.id)) == []
    assert list(book.gone(CONTROL.id)) == []


def test_a_violation_that_is_gone_is_told_from_a_resolved_one(book: SQLiteLedger) -> None:
    """The one leaves a record of when it vanished, the other stays with what was wrong."""
    world, clock = World({"a": 1, "b": 1}), FakeClock()
    looked(world, book, plan_only=True, clock=clock)
    first = stamp(clock.now())
    clock.advance(3600)
    del world.sizes["a"]
    world.sizes["b"] = RIGHT
    looked(world, book, "a", "b", clock=clock)
    last = stamp(clock.now())
    [b] = book.all_items(CONTROL.id)
    [a] = book.gone(CONTROL.id)
    assert (a.ref.id, a.code, a.first_seen, a.changed_at) == ("a", b.violation, first, last)
    assert (b.ref.id, b.violated_since, b.resolved_at) == ("b", first, last)


def test_a_budget_is_shared_by_the_runs_of_an_hour(book: SQLiteLedger) -> None:
    """Held ones stay open and are done when the next hour begins."""
    world, clock = World({"a": 1, "b": 1, "c": 1}), FakeClock()
    hourly = toy.policy(max_changes_per_hour=2)
    first = fates(looked(world, book, loaded=hourly, clock=clock, run_id="1"))
    assert sorted(first.values()) == ["held", "remediated", "remediated"]
    assert "held" in fates(looked(world, book, loaded=hourly, clock=clock, run_id="2")).values()
    clock.advance(3600)
    looked(world, book, loaded=hourly, clock=clock, run_id="3")
    assert set(world.sizes.values()) == {RIGHT}


def test_what_one_budget_grants_and_the_other_does_not_is_given_back(book: SQLiteLedger) -> None:
    """The run's budget of 3 is not used up by 2 changes that the hour refused."""
    world = World({"a": 1, "b": 1, "c": 1})
    both = toy.policy(max_changes_per_run=3, max_changes_per_hour=1)
    looked(world, book, loaded=both, run_id="one")
    assert len(world.resized) == 1
    assert book.take(CONTROL.id, "one", 3, 3) == 2


def test_after_five_failures_it_is_tried_once_a_week(book: SQLiteLedger) -> None:
    """Exhausted: no more calls, told as held; a week later one more attempt."""
    world, clock = World({"a": 1}), FakeClock()
    world.errors["Resize", "a"] = [Refused("no") for _ in range(MAX_ATTEMPTS)]
    failures = [only(looked(world, book, clock=clock)) for _ in range(MAX_ATTEMPTS)]
    assert {failure.fate for failure in failures} == {Fate.FAILED}
    assert [failure.exhausted for failure in failures] == [False, False, False, False, True]
    one = only(looked(world, book, clock=clock))
    assert (one.fate, world.calls["Resize"]) == (Fate.HELD, MAX_ATTEMPTS)
    assert "exhausted" in one.reason
    clock.advance(timedelta(days=7).total_seconds())
    assert only(looked(world, book, clock=clock)).fate is Fate.REMEDIATED


def test_another_policy_is_another_attempt(book: SQLiteLedger) -> None:
    """Attempts count for one plan under one policy."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [Refused("no") for _ in range(MAX_ATTEMPTS)]
    for _ in range(MAX_ATTEMPTS):
        looked(world, book)
    assert only(looked(world, book, loaded=toy.policy(size=11))).fate is Fate.REMEDIATED


def test_what_the_organization_forbids_is_reported_and_not_tried_again(book: SQLiteLedger) -> None:
    """PROTECTED_BY_ORGANIZATION: an open violation, no error, no second call for a week."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [Protected("explicit deny in a service control policy")]
    for _ in range(3):
        one = only(looked(world, book))
        assert (one.fate, one.finding.code, one.is_open) == (Fate.REPORTED, PROTECTED, True)
        assert "service control policy" in one.reason
    assert world.calls["Resize"] == 1


def test_an_item_forgets_the_intent_of_a_change_that_is_over(book: SQLiteLedger) -> None:
    """Also where it ended as the one before it, in the same second: nothing else changes then."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [Protected("no"), Protected("no")]
    for _ in range(2):
        looked(world, book, clock=FakeClock(), retry=True)
    [item] = book.items(CONTROL.id, toy.refs("a")).values()
    assert (item.code, item.intent, world.calls["Resize"]) == (PROTECTED, "", 2)


def test_a_used_up_quota_is_what_the_control_says_it_is(book: SQLiteLedger) -> None:
    """SUB-80: reported with its own code, not failed; tried again at an event or after a week."""
    control = replace(CONTROL, limit_code="NO_ROOM")
    world, clock = World({"a": 1}), FakeClock()
    world.errors["Resize", "a"] = [Limit("full"), Limit("still full")]
    for trigger, calls in [("direct", 1), ("sweep", 1), ("event", 2), ("sweep", 2)]:
        settings = {"control": control, "trigger": Trigger(trigger), "clock": clock}
        one = only(looked(world, book, **settings))
        assert (one.fate, one.finding.code, one.retry) == (Fate.REPORTED, "NO_ROOM", False)
        assert "full" in one.reason
        assert world.calls["Resize"] == calls
    clock.advance(timedelta(days=7).total_seconds())
    assert fates(looked(world, book, control=control, clock=clock)) == {"a": "remediated"}


def test_a_quota_may_be_used_up_for_a_shorter_time_than_a_week(book: SQLiteLedger) -> None:
    """KIN-14: so long as the control says, from the last attempt on."""
    control = replace(CONTROL, limit_code="NO_ROOM", limit_lasts=timedelta(hours=1))
    world, clock = World({"a": 1}), FakeClock()
    world.errors["Resize", "a"] = [Limit("full")]
    for minutes, fate, calls in [(0, "reported", 1), (59, "reported", 1), (1, "remediated", 2)]:
        clock.advance(minutes * 60)
        assert fates(looked(world, book, control=control, clock=clock)) == {"a": fate}
        assert world.calls["Resize"] == calls


def test_what_a_control_wants_to_remember_is_kept_with_its_finding(book: SQLiteLedger) -> None:
    """Also with what a change has brought about; a new memory alone changes nothing else."""
    world, clock, told, kept = World({"a": 1}), FakeClock(), {"memory": ""}, []

    def assess(toy_: toy.Toy, policy: toy.Policy) -> Finding:
        return replace(toy.assess(toy_, policy), memory=told["memory"])

    control = replace(CONTROL, assess=assess)
    for memory in ("one", "one", "one", "two"):
        told["memory"] = memory
        looked(world, book, control=control, clock=clock)
        clock.advance(60)
        kept.append(book.items(CONTROL.id, toy.refs("a"))[toy.refs("a")[0]])
    assert [item.memory for item in kept] == ["one", "one", "one", "two"]
    assert {item.changed_at for item in kept} == {kept[0].changed_at}
    assert {item.verdict for item in kept} == {Verdict.COMPLIANT}


def test_what_is_remembered_outlives_a_look_that_did_not_assess(book: SQLiteLedger) -> None:
    """While it cannot be read, is excluded or exempt; the control has said nothing else."""
    world, known, hidden = World({"a": 1}), [], [False]

    def assess(toy_: toy.Toy, policy: toy.Policy) -> Finding:
        return replace(toy.assess(toy_, policy), memory="kept")

    def observe(*asked: Any) -> Iterator[toy.Toy | Unread]:
        locked = (Unread(ref, "ACCESS_DENIED", "locked away") for ref in asked[1])
        yield from locked if hidden[0] else toy.observe(*asked)

    control = replace(CONTROL, assess=assess, observe=observe)
    exempt = toy.policy(exemptions=(toy.exemption("a"),))
    for locked, loaded in (
        (False, toy.policy()),
        (True, toy.policy()),
        (False, toy.policy(exclude=("a",))),
        (False, replace(exempt, policy=replace(exempt.policy, size=RIGHT + 1))),
    ):
        hidden[0] = locked
        looked(world, book, "a", control=control, loaded=loaded)
        known.append(book.items(CONTROL.id, toy.refs("a"))[toy.refs("a")[0]])
    told = [item.verdict for item in known]
    assert told == [Verdict.COMPLIANT, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE, Verdict.EXEMPT]
    assert {item.memory for item in known} == {"kept"}


@pytest.mark.parametrize(
    ("waits", "settings", "fate", "retried"),
    [
        pytest.param(True, {}, Fate.HELD, True, id="it waits"),
        pytest.param(False, {}, Fate.REMEDIATED, False, id="it does not"),
        pytest.param(True, {"plan_only": True}, Fate.PLANNED, False, id="nothing may be written"),
        pytest.param(True, {"stopped": True}, Fate.HELD, False, id="the stop switch is set"),
    ],
)
def test_a_call_waits_for_what_is_under_way(
    book: SQLiteLedger, settings: dict[str, Any], fate: Fate, *, waits: bool, retried: bool
) -> None:
    """The resource is looked at again soon, and nothing is sent before; no attempt is counted."""
    world = World({"a": 1})

    def assess(toy_: toy.Toy, policy: toy.Policy) -> Finding:
        return replace(toy.assess(toy_, policy), waits=waits)

    one = only(looked(world, book, control=replace(CONTROL, assess=assess), **settings))
    assert (one.fate, one.retry) == (fate, retried)
    assert bool(world.resized) is (fate is Fate.REMEDIATED)
    assert book.items(CONTROL.id, toy.refs("a"))[toy.refs("a")[0]].attempts == 0


def test_what_does_not_apply_yet_is_looked_at_again_soon(book: SQLiteLedger) -> None:
    """Such as a function that AWS is still making."""

    def assess(toy_: toy.Toy, _: toy.Policy) -> Finding:
        return Finding(toy_.ref, Verdict.NOT_APPLICABLE, "PENDING", "being made", waits=True)

    one = only(looked(World({"a": 1}), book, control=replace(CONTROL, assess=assess)))
    assert (one.fate, one.retry) == (Fate.NONE, True)


def test_exemptions_of_the_ledger_and_the_policy_hold_until_their_last_day(
    book: SQLiteLedger,
) -> None:
    """EXEMPT, not acted on; the day after it is a violation again."""
    clock = FakeClock()
    today = clock.now().date()
    world = World({"a-1": 1, "b": 1})
    book.exempt(CONTROL.id, toy.exemption("a-*", today))
    by_policy = toy.policy(exemptions=(toy.exemption("b", today),))
    outcomes = looked(world, book, loaded=by_policy, clock=clock)
    assert {one.finding.verdict for one in outcomes} == {Verdict.EXEMPT}
    assert all("somebody" in one.reason and str(today) in one.reason for one in outcomes)
    assert not world.resized
    clock.advance(24 * 3600)
    assert set(fates(looked(world, book, loaded=by_policy, clock=clock)).values()) == {"remediated"}


@pytest.mark.parametrize(
    ("value", "honored", "verdict"),
    [
        pytest.param("2099-01-01", True, Verdict.EXEMPT, id="honored"),
        pytest.param("2099-01-01", False, Verdict.NON_COMPLIANT, id="tags are not honored"),
        pytest.param("2020-01-01", True, Verdict.NON_COMPLIANT, id="expired"),
        pytest.param("for ever", True, Verdict.NON_COMPLIANT, id="no date"),
    ],
)
def test_a_tag_exempts_where_the_policy_honors_tags(
    book: SQLiteLedger, value: str, verdict: Verdict, *, honored: bool
) -> None:
    """steward:exempt/<control>=<date>."""
    world = World({"a": 1})
    world.tags["a"] = {"steward:exempt/toy-size": value}
    one = only(looked(world, book, loaded=toy.policy(honor_tags=honored), plan_only=True))
    assert one.finding.verdict is verdict
    assert bool(one.finding.remediation) is (verdict is not Verdict.EXEMPT and value != "for ever")


def test_an_excluded_resource_is_not_applicable_even_if_it_is_wrong(book: SQLiteLedger) -> None:
    """RET-32: exclude is an anchored glob."""
    world = World({"tmp-a": 1, "a-tmp-": 1})
    outcomes = looked(world, book, loaded=toy.policy(exclude=("tmp-*",)))
    assert fates(outcomes) == {"tmp-a": "none", "a-tmp-": "remediated"}


def test_what_harms_for_good_is_read_again_right_before(book: SQLiteLedger) -> None:
    """Between judging and sending it was put right, deleted, or changed in another way."""
    world = World({"precious-a": 1, "precious-b": 1, "precious-c": 1, "precious-d": 1})

    def change_meanwhile(operation: str) -> None:
        if operation == "Get" and world.calls["Get"] == 1:
            world.sizes |= {"precious-a": RIGHT, "precious-b": 7}
            del world.sizes["precious-c"]

    world.before_call = change_meanwhile
    assert fates(looked(world, book)) == {
        "precious-a": "none",
        "precious-b": "remediated",
        "precious-c": "gone",
        "precious-d": "remediated",
    }
    assert [name for name, _ in world.resized] == ["precious-b", "precious-d"]
    [b] = [c for c in book.changes(CONTROL.id) if c.ref.id == "precious-b"]
    assert b.before["size"] == 7


def test_the_deadline_leaves_the_rest_untouched(book: SQLiteLedger) -> None:
    """What was not sent is no change, costs no budget and comes back as untouched."""
    world, clock = World({"a": 1, "b": 1, "c": 1}), FakeClock()
    world.before_call = lambda operation: clock.advance(6) if operation == "Resize" else None
    budget = toy.policy(max_changes_per_run=3)
    run = toy.run(world, book, loaded=budget, clock=clock, deadline=Deadline(clock, 10))
    result = look(run, toy.refs("a", "b", "c"))
    assert [ref.id for ref in result.untouched] == ["c"]
    assert {ref.id for ref in result.retry()} == {"c"}
    assert sorted(c.ref.id for c in book.changes(CONTROL.id)) == ["a", "b"]
    assert book.take(CONTROL.id, run.id, 3, 3) == 1


def test_a_request_that_would_come_too_late_is_untouched(book: SQLiteLedger) -> None:
    """OutOfTime says that nothing was sent."""
    world = World({"a": 1})
    world.errors["Resize", "a"] = [OutOfTime("too late")]
    result = look(toy.run(world, book), toy.refs("a"))
    assert [ref.id for ref in result.untouched] == ["a"]
    assert list(book.changes(CONTROL.id)) == []
    looked(world, book)
    assert world.sizes == {"a": RIGHT}


def test_since_when_survives_a_time_of_not_knowing(book: SQLiteLedger) -> None:
    """first_seen is of the violation, not of the last look."""
    world, clock = World({"glued": 1}), FakeClock()
    looked(world, book, clock=clock)
    [first] = book.all_items(CONTROL.id)
    clock.advance(60)
    world.errors["Get", ""] = [Denied("no")]
    looked(world, book, clock=clock)
    clock.advance(60)
    looked(world, book, clock=clock)
    [item] = book.all_items(CONTROL.id)
    assert (item.verdict, item.first_seen) == (Verdict.NON_COMPLIANT, first.first_seen)


def test_a_reason_fits_an_annotation_of_config(book: SQLiteLedger) -> None:
    """256 characters, also with an endless error or an endless exemption."""
    world = World({"a": 1, "b": 1})
    world.errors["Resize", "a"] = [Refused("x" * 1000)]
    long = replace(toy.exemption("b", date(2099, 1, 1)), reason="y" * 1000)
    outcomes = looked(world, book, loaded=toy.policy(exemptions=(long,)))
    assert max(len(one.reason) for one in outcomes) == REASON
