"""Sweeps over the versions of functions: in steps, within budgets, whatever AWS refuses."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.sqlite_ledger import SQLiteLedger
from embedded.template import load as template
from steward.account import Account, shares_of
from steward.aws.quotas import RATES
from steward.controls.function_versions import CONTROL
from steward.controls.function_versions.course import Count, Course
from steward.controls.function_versions.evidence import Evidence
from steward.controls.function_versions.readers import ANSWERS, discover
from steward.errors import Denied, Gone, InUse, Invalid, Moved, OutOfTime, TryAgain
from steward.ledger import Change, Status, Sweep
from steward.look import look
from steward.model import Deadline, Ref, Sight, Trigger
from steward.policy import load
from steward.run import Outcome
from steward.runtime import STEP_SECONDS, sheltered
from steward.sweep import advance, begin, mark
from tests.fakes import START, FakeClock, NothingKnown
from tests.toy import Telling
from tests.versions import Lambda

ENFORCED: dict[str, Any] = {
    "mode": "enforce",
    "keep": 3,
    "min_age_days": 0,
    "max_changes_per_run": None,
    "max_changes_per_hour": None,
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


@dataclass
class Stage:
    """The control, its ledger and a clock, over an account."""

    aws: Lambda
    book: SQLiteLedger
    clock: FakeClock = field(default_factory=FakeClock)
    steps: int = 0
    share: float = 1.0
    """Of Lambda's quota, at whose pace a request takes its time."""

    def sweep(self, *, seconds: float | None = None, **policy: Any) -> list[Outcome]:
        """A whole sweep, in steps of so many seconds; what came of each function."""
        told: list[Outcome] = []
        while True:
            self.steps += 1
            for step in self._advanced(seconds, policy):
                told += step.outcomes
                if step.sweep.finished:
                    return told
                if step.paused:
                    break

    def last(self) -> Sweep:
        return next(self.book.sweeps(CONTROL.id))

    def changes(self) -> list[Change]:
        return list(self.book.changes(CONTROL.id))

    def look(self, *names: str, **policy: Any) -> list[Outcome]:
        run = self._run({**ENFORCED, **policy}, None, "look")
        return list(look(run, [Ref(CONTROL.kinds[0], name) for name in names]).outcomes)

    def _advanced(self, seconds: float | None, policy: Mapping[str, Any]) -> Iterator[Any]:
        asked = {**ENFORCED, **policy}
        bound_to = mark(load(CONTROL, asked).hash, plan_only=False)
        sweep = begin(self.book, CONTROL.id, bound_to, self.clock.now())
        run = self._run(asked, seconds, sweep.id)
        for step in advance(run, sweep):
            yield step
            if step.sweep.error:
                raise AssertionError(step.sweep.error)
            if run.deadline.left() <= 0:
                return

    def _run(self, policy: Mapping[str, Any], seconds: float | None, run_id: str) -> Any:
        deadline, shelter = Deadline(self.clock, seconds), sheltered(Telling())
        if seconds is not None:
            self.aws.before = lambda _: self._spend(deadline)
        account = Account(
            self.aws,  # type: ignore[arg-type]  # a stand-in for Api
            self.book,
            self.clock,
            Telling(),
            lambda control: load(control, policy),
        )
        return account.run(CONTROL, Trigger.SWEEP, run_id, deadline=deadline, shelter=shelter)

    def _spend(self, deadline: Deadline) -> None:
        """Each request takes its time; none is sent after the deadline."""
        if deadline.left() <= 0:
            raise OutOfTime("no request is left before the deadline")
        self.clock.advance(1 / (RATES["lambda"] * self.share))


def workload(functions: int, versions: int) -> Lambda:
    """Every function has an alias live, every fifth one a canary by weight."""
    aws = Lambda()
    for number in range(functions):
        name = f"fn-{number:04}"
        aws.publish(name, *[9] * versions)
        aws.alias(name, "live", versions - 1)
        if number % 5 == 0:
            aws.alias(name, "canary", versions // 6, **{f"v{versions // 4}": 0.1})
    return aws


def targets(aws: Lambda) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, aliases in aws.aliases.items():
        for alias in aliases:
            weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            found.setdefault(name, set()).update(map(int, (alias["FunctionVersion"], *weights)))
    return found


def writes(aws: Lambda) -> int:
    return aws.calls["DeleteFunction"]


def test_a_sweep_deletes_what_nobody_uses_and_the_next_writes_nothing(book: SQLiteLedger) -> None:
    """VER-2, VER-7 on 100 functions of 20 versions; each request has its reason."""
    aws = workload(100, 20)
    stage = Stage(aws, book)
    told = stage.sweep()
    assert {outcome.fate.value for outcome in told} == {"remediated"}
    assert all(used <= set(aws.left(name)) for name, used in targets(aws).items())
    assert {len(aws.left(name)) for name in aws.functions} == {4, 6}
    gone = 100 * 20 - sum(len(aws.left(name)) for name in aws.functions)
    assert gone == 1560
    assert aws.calls == {
        "DeleteFunction": gone,
        "ListFunctions": 42,  # the index, which also tells whose destinations to ask for
        "ListVersionsByFunction": 2 * 100,  # when planned, and right before
        "ListAliases": 2 * 100,
        "GetPolicy": gone + 3 * 100,  # of each that goes, and of the newest that do not
        "ListProvisionedConcurrencyConfigs": 100,
        "ListFunctionEventInvokeConfigs": 100,
        "GetResources": 2 * 100,
        **dict.fromkeys(ACCOUNT_WIDE, 1),
    }
    aws.calls.clear()
    before = list(book.all_items(CONTROL.id))
    stage.sweep()
    assert writes(aws) == 0
    assert aws.calls["GetPolicy"] == 0
    assert list(book.all_items(CONTROL.id)) == before
    assert {item.code for item in before} == {"NOTHING_TO_DELETE"}


GAUGE = "LambdaCodeStorageBytes"

ACCOUNT_WIDE = (
    *(
        "GetAccountSettings",
        "ListEventSourceMappings",
        "ListSubscriptions",
        "ListSchedules",
        "ListPipes",
    ),
    *("ListEventBuses", "ListBuckets", "ListStateMachines", "GetRestApis", "GetApis"),
)
"""What is asked once, in an account that has none of it."""


def test_two_thousand_functions_are_assessed_in_steps(book: SQLiteLedger) -> None:
    """60,000 versions: no step is lost, and no function is judged twice or left out."""
    aws = workload(2000, 30)
    stage = Stage(aws, book)
    told = stage.sweep(seconds=STEP_SECONDS, mode="audit", evidence={"resource_policies": False})
    assert stage.last().complete
    assert stage.steps > 5
    assert sorted(one.finding.ref.id for one in told) == sorted(aws.functions)
    assert {outcome.fate.value for outcome in told} == {"planned"}
    assert stage.last().resources == 2000
    pages, functions = 62_000 // 50, 2000 // 50
    listed = aws.calls["ListFunctions"]
    assert pages <= listed <= pages + (ANSWERS + functions) * stage.steps
    assert aws.calls["ListAliases"] <= 2000 + 4 * stage.steps
    assert writes(aws) == 0


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_a_sweep_ends_whose_search_takes_longer_than_evidence_is_believed(
    book: SQLiteLedger, mode: str
) -> None:
    """At the pace of a deployed function destinations of 2,000 functions take more than an hour."""
    aws = workload(2000, 1)
    for name in ("fn-0000", "fn-0700", "fn-1400", "fn-1999"):
        aws.publish(name, *[9] * 5)
    stage = Stage(aws, book, share=deployed()["lambda"])
    told = stage.sweep(seconds=STEP_SECONDS, mode=mode, evidence={"resource_policies": False})
    assert (stage.last().complete, len(told)) == (True, 2000)
    assert stage.clock.now() - START > timedelta(hours=1)
    assert aws.calls["ListFunctionEventInvokeConfigs"] < 2000 + 20 * stage.steps
    assert (writes(aws) > 0) == (mode == "enforce")


def deployed() -> Mapping[str, float]:
    """The shares of quotas that the template gives a function."""
    variables = template().written["Globals"]["Function"]["Environment"]["Variables"]
    return shares_of(variables["STEWARD_PACE"])[1]


def test_the_index_of_two_thousand_functions_is_small(book: SQLiteLedger) -> None:
    """A function of 512 MB holds it many times over, as a page and as a cursor."""
    aws = workload(2000, 30)
    pages = discover(Sight(aws, load(CONTROL, ENFORCED).policy, NothingKnown(), START), None)
    aws.ask("lambda", "ListFunctions", FunctionVersion="ALL")  # its own memory is not ours
    tracemalloc.start()
    cursors = [next(pages).cursor for _ in range(62_000 // 50 // ANSWERS)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert max(len(cursor or "") for cursor in cursors) < 100_000


def test_a_step_that_ends_between_two_deletions_goes_on_in_the_next(book: SQLiteLedger) -> None:
    """What is done is written down as done; nothing is deleted twice or left out."""
    aws = workload(6, 40)
    stage = Stage(aws, book)
    told = stage.sweep(seconds=6)
    assert stage.steps > 3
    assert {len(aws.left(name)) for name in aws.functions} == {4, 6}
    assert stage.last().complete
    assert stage.last().resources == 6
    assert sorted(one.finding.ref.id for one in told if not one.is_open) == sorted(aws.functions)
    assert {change.status for change in stage.changes()} == {Status.DONE}
    assert sum(change.sent for change in stage.changes()) == writes(aws)
    assert any("time is up" in one.reason for one in told)


def test_a_budget_counts_versions_and_takes_a_part(book: SQLiteLedger) -> None:
    """VER-36: 50 a run and 200 an hour by default; what is not spent is not lost."""
    aws = workload(10, 20)
    stage = Stage(aws, book)
    default = {"max_changes_per_run": 50, "max_changes_per_hour": 70}
    told = stage.sweep(**default)
    assert writes(aws) == 50
    assert [one.fate.value for one in told].count("held") == 7
    assert sum(one.budget_spent for one in told) == 7
    stage.sweep(**default)
    assert writes(aws) == 70
    stage.clock.advance(3600)
    stage.sweep()
    assert {len(aws.left(name)) for name in aws.functions} == {4, 6}


@pytest.mark.parametrize(
    ("error", "fate", "code"),
    [
        pytest.param(InUse("replicated function"), "reported", "REPLICATED", id="VER-26 edge"),
        pytest.param(Moved("an alias references it"), "held", "UNUSED_VERSIONS", id="VER-38 409"),
        pytest.param(Invalid("some other 400"), "failed", "UNUSED_VERSIONS", id="VER-13 400"),
    ],
)
def test_a_version_that_lambda_refuses_to_delete_stops_no_other(
    book: SQLiteLedger, error: Exception, fate: str, code: str
) -> None:
    """VER-3: neither of its own function nor of others; the next run goes on with what is left."""
    aws = workload(3, 10)
    aws.errors["DeleteFunction 3"] = error
    stage = Stage(aws, book)
    told = stage.sweep()
    assert {one.fate.value for one in told} == {fate}
    assert {one.finding.code for one in told} == {code}
    assert all(str(error) in one.reason for one in told)
    assert [3 in aws.left(name) for name in sorted(aws.functions)] == [True] * 3
    assert {len(aws.left(name)) for name in aws.functions} == {5, 7}
    assert {(one.status, one.sent) for one in stage.changes()} == {
        (Status.FAILED, 5),
        (Status.FAILED, 3),
    }
    del aws.errors["DeleteFunction 3"]
    stage.clock.advance(13 * 3600)
    assert {one.fate.value for one in stage.sweep()} == {"remediated"}


def test_what_lambda_keeps_for_edge_is_tried_again_after_hours(book: SQLiteLedger) -> None:
    """Not with every sweep; and what joins it is deleted all the same."""
    aws = Lambda(errors={"DeleteFunction 1": InUse("replicated function")})
    aws.publish("edge", *[9] * 5)
    stage = Stage(aws, book)
    stage.sweep()
    stage.sweep()
    tried = writes(aws)
    assert {one.code for one in book.all_items(CONTROL.id)} == {"REPLICATED"}
    stage.sweep()
    assert writes(aws) == tried
    aws.publish("edge", 9)
    stage.sweep()
    assert aws.left("edge") == [1, 4, 5, 6]


def test_a_version_that_is_gone_already_is_no_failure(book: SQLiteLedger) -> None:
    """VER-28."""
    aws = workload(2, 10)
    aws.errors["DeleteFunction 3"] = Gone("Function not found")
    told = Stage(aws, book).sweep()
    assert {one.fate.value for one in told} == {"remediated"}


def test_a_permission_that_is_missing_is_asked_for_once(book: SQLiteLedger) -> None:
    """All further calls of the function would be denied as well."""
    aws = workload(1, 10)
    aws.errors["DeleteFunction"] = Denied("AccessDenied")
    told = Stage(aws, book).sweep()
    assert [one.fate.value for one in told] == ["failed"]
    assert writes(aws) == 1


def test_an_answer_that_never_came_is_settled_by_the_next_look(book: SQLiteLedger) -> None:
    """What is gone by then was deleted; the rest is planned anew."""
    aws = workload(1, 10)
    aws.errors["DeleteFunction 4"] = TryAgain("time-out")
    stage = Stage(aws, book)
    stage.sweep()
    [open_one] = stage.changes()
    assert (open_one.status, open_one.sent) == (Status.INTENT, 1)
    del aws.errors["DeleteFunction 4"]
    del aws.functions["fn-0000"][4]  # it had arrived
    stage.clock.advance(1)
    stage.sweep()
    newest, settled = stage.changes()
    assert settled.status is Status.FAILED
    assert [call.params["Qualifier"] for call in settled.calls[: settled.sent]] == ["3", "4"]
    assert newest.status is Status.DONE


def test_an_alias_that_moves_between_plan_and_deletion_is_seen(book: SQLiteLedger) -> None:
    """VER-32: state and aliases are read again right before; nothing of the plan is sent then."""
    aws = workload(1, 10)

    def moves(operation: str) -> None:
        if operation == "ListAliases" and aws.calls[operation] == 1:
            aws.alias("fn-0000", "rollback", 4)

    aws.before = moves
    stage = Stage(aws, book)
    [told] = stage.sweep()
    assert (told.fate.value, writes(aws)) == ("held", 0)
    [again] = stage.sweep()
    assert again.fate.value == "remediated"
    assert 4 in aws.left("fn-0000")


def test_an_event_deletes_what_a_new_version_pushed_out(book: SQLiteLedger) -> None:
    """One function, with its own evidence and the account's."""
    aws = workload(2, 4)
    stage = Stage(aws, book)
    assert [one.fate.value for one in stage.look("fn-0001")] == ["none"]
    aws.publish("fn-0001", 0)
    [told] = stage.look("fn-0001")
    assert told.fate.value == "remediated"
    assert aws.left("fn-0001") == [2, 3, 4, 5]
    assert aws.left("fn-0000") == [1, 2, 3, 4]


@pytest.mark.parametrize("error", [Denied("no"), OutOfTime("late")], ids=["denied", "late"])
def test_what_the_account_stores_is_asked_once_and_stops_nothing(
    book: SQLiteLedger, error: Exception
) -> None:
    """Lambda's own sum, with layers; where it does not tell it, nothing but the gauge is lost."""
    aws = workload(9, 3)
    stage = Stage(aws, book)
    stage.sweep()
    assert (stage.last().gauges, aws.calls["GetAccountSettings"]) == ({GAUGE: 30 * 1024**3}, 1)
    aws.errors["GetAccountSettings"] = error
    stage.clock.advance(3600)
    stage.sweep()
    last = stage.last()
    assert (last.complete, last.resources, last.gauges) == (True, 9, {GAUGE: None})


def test_an_account_without_candidates_is_searched_for_nothing(book: SQLiteLedger) -> None:
    """VER-1, VER-14: neither for who names versions nor function by function."""
    aws = workload(5, 3)
    Stage(aws, book).sweep()
    assert dict(aws.calls) == {"ListFunctions": 1, "GetAccountSettings": 1}
    empty = Lambda()
    assert Stage(empty, book).sweep()[0].fate.value == "gone"
    assert empty.calls["DeleteFunction"] == 0


def test_tags_exempt_where_the_policy_honors_them(book: SQLiteLedger) -> None:
    """VER-35, by tag and by name; also where a function was only counted."""
    aws = workload(3, 10)
    aws.publish("new", 1)
    aws.tags = {"fn-0000": {"steward:exempt/function-versions": "2099-01-01"}}
    told = Stage(aws, book).sweep(honor_tags=True, exclude=["fn-0001"])
    verdicts = {one.finding.ref.id: one.finding.verdict.value for one in told}
    assert verdicts == {
        "fn-0000": "EXEMPT",
        "fn-0001": "NOT_APPLICABLE",
        "fn-0002": "NON_COMPLIANT",
        "new": "COMPLIANT",
    }
    assert len(aws.left("fn-0000")) == len(aws.left("fn-0001")) == 10
    aws.errors["GetResources"] = Denied("no tags")
    codes = {one.finding.code for one in Stage(aws, book).sweep(honor_tags=True)}
    assert codes == {"TAGS_UNREADABLE"}


def test_evidence_that_is_hours_old_is_read_again(book: SQLiteLedger) -> None:
    """A sweep that was interrupted goes on with what it has listed, and searches anew."""
    aws = workload(30, 10)
    stage = Stage(aws, book)
    list(stage._advanced(7, {}))
    assert not stage.last().finished
    searched = aws.calls["ListSubscriptions"]
    assert (aws.calls["ListFunctions"] > 6, searched) == (True, 1)
    listed = aws.calls["ListFunctions"]
    stage.clock.advance(2 * 3600)
    aws.before = lambda _: None
    stage.sweep()
    assert aws.calls["ListSubscriptions"] == 2
    assert aws.calls["ListFunctions"] == listed


def test_a_cursor_holds_the_course_and_nothing_else_is_one() -> None:
    """Also of thousands of functions it stays small."""
    evidence = Evidence(found={"a:1": "aliases"}, at="2026-11-20T10:00:00+00:00", source=3)
    course = Course({"a": Count(3, 1), "b": Count()}, "marker", listed=True, evidence=evidence)
    assert Course.read(course.text()) == course
    for text in ("", "not ours", Course().text()[:-4]):
        with pytest.raises(Invalid, match="cursor"):
            Course.read(text)
    many = Course({f"prod-service-{n}-handler": Count(n % 40, n % 7) for n in range(5000)})
    assert len(many.text()) < 60_000


def test_a_function_too_large_for_a_step_keeps_no_other_from_its_turn(book: SQLiteLedger) -> None:
    """It can be read, but not once more before its deletions: it is told, and the sweep goes on."""
    aws = Lambda()
    aws.publish("large", *[99] * 1_000)
    aws.publish("small", *[99] * 5)
    stage = Stage(aws, book)
    told = {one.finding.ref.id: one for one in stage.sweep(seconds=6)}
    assert (told["large"].finding.code, told["large"].fate.value) == ("BUSY", "unknown")
    assert told["small"].fate.value == "remediated"
    assert (len(aws.left("large")), stage.last().complete) == (1_000, False)
