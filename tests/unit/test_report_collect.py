"""What a report says of a ledger: standings, history, freshness, exemptions, trend, owners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.sqlite_ledger import SQLiteLedger
from steward.errors import BadPolicy
from steward.history import departed, successor
from steward.ledger import Item, Status, stamp
from steward.model import Call, Control, Fate, Mode, Ref, Verdict
from steward.policy import Loaded
from steward.reports.attempting import next_attempt
from steward.reports.collect import Scope, collect
from steward.reports.dataset import Entry, ExemptionLine, Report, Standing, entry_id
from steward.reports.gaps import gaps
from tests.fakes import ACCOUNT, REGION, START, FakeClock
from tests.reporting import (
    GROUP,
    LOGS,
    VERSIONS,
    at,
    change,
    control,
    exemption,
    item,
    owned,
    policies,
    report,
    right,
    sweep,
)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.db", "here")
    yield ledger
    ledger.close()


def standings(told: Report) -> dict[str, str]:
    return {entry.ref.id: entry.standing.value for entry in told.entries}


def only(told: Report) -> Entry:
    [entry] = told.entries
    return entry


def report_by_no_policy(book: SQLiteLedger) -> Report:
    """A report while the policy does not fit."""

    def broken(_: Control[Any, Any]) -> Loaded[Any]:
        raise BadPolicy("days: is 31")

    scope = Scope(ACCOUNT, REGION, controls=[control()])
    return collect(scope, book, broken, owned({}), FakeClock())


UNREAD = {"verdict": Verdict.UNKNOWN, "code": "ACCESS_DENIED", "fate": Fate.UNKNOWN}
EXEMPT = {
    "verdict": Verdict.EXEMPT,
    "fate": Fate.NONE,
    "reason": "exempt until 2027-02-28 (legal: legal hold); kept for ever",
}
TAGGED = {**EXEMPT, "reason": "exempt until 2027-02-28 (tag: tagged); kept for ever"}
EXCLUDED = {"verdict": Verdict.NOT_APPLICABLE, "code": "EXCLUDED", "reason": "excluded"}
OVER = {"violation": "NEVER_EXPIRES", "violated_since": at(9)}


# Where findings stand


def test_each_finding_stands_where_it_stands(book: SQLiteLedger) -> None:
    """What was never wrong, and what was put right before the window, has no entry."""
    book.exempt(LOGS, exemption("/exempt"))
    book.commit(
        items=[
            right("/right"),
            right("/resolved", **OVER, resolved_at=at(3)),
            right("/excluded", **OVER, resolved_at=at(2), **EXCLUDED),
            right("/long ago", **OVER, resolved_at=at(31)),
            item("/exempt", **EXEMPT),
            item("/unread", **UNREAD),
            item("/open", first_seen=at(1)),
            item("/older", first_seen=at(50)),
        ],
        gone=[
            departed(item("/gone"), at(30)),
            departed(item("/gone long ago"), at(30.01)),
        ],
        sweep=sweep(0.1),
    )
    told = report(book)
    assert [(entry.ref.id, entry.standing.value) for entry in told.entries] == [
        ("/older", "open"),
        ("/open", "open"),
        ("/unread", "unknown"),
        ("/exempt", "exempt"),
        ("/resolved", "resolved"),
        ("/excluded", "out-of-scope"),
        ("/gone", "gone"),
    ]
    [line] = told.controls
    counts = {"open": 2, "unknown": 1, "exempt": 1, "resolved": 1, "out-of-scope": 1, "gone": 1}
    assert {standing.value: count for standing, count in line.counts.items()} == counts
    assert line.in_order == 4


def test_history_is_that_of_the_ledger(book: SQLiteLedger) -> None:
    """Since when, last known when, closed when; a finding's id says nothing else."""
    book.commit(
        items=[item("/open", first_seen=at(50)), right("/b", **OVER, resolved_at=at(3))],
        gone=[departed(item("/c", first_seen=at(40), code="TOO_SHORT"), at(5))],
        sweep=sweep(0.1),
    )
    entries = report(book).entries
    told = {one.ref.id: (one.code, one.first_seen, one.last_seen, one.closed_at) for one in entries}
    assert told == {
        "/open": ("NEVER_EXPIRES", at(50), at(0.1), ""),
        "/b": ("NEVER_EXPIRES", at(9), at(3), at(3)),
        "/c": ("TOO_SHORT", at(40), at(5), at(5)),
    }
    ids = [entry_id(ACCOUNT, REGION, LOGS, one.ref) for one in entries]
    assert [one.id for one in entries] == ids


def test_no_secret_leaves_the_ledger_by_a_report(book: SQLiteLedger) -> None:
    """Neither by what was before, nor calls, reasons and errors; all else stays as it was."""
    tags = [{"Key": "db_password", "Value": "hunter2"}, {"Key": "team", "Value": "shop"}]
    call = Call("logs", "Tag", {"tags": tags}, Call("logs", "Untag", {"secret": "hunter2"}))
    wrong = "tag note: password=hunter2"
    made = change("/a", 1, before={"tags": {"token": "hunter2"}}, calls=(call,), error=wrong)
    book.exempt(LOGS, exemption("/b", reason=wrong))
    book.commit(
        items=[item("/a", reason=wrong), item("/b", reason=wrong)],
        changes=[made],
        sweep=sweep(0.1, complete=False, error=wrong),
    )
    told = report(book)
    assert "hunter2" not in repr(told)
    assert told.entries[0].last_change == told.changes[0]
    assert told.changes[0].calls[0].params["tags"][1] == tags[1]
    assert told.entries[0].reason == "tag note: password=[REDACTED:secret]"


def test_a_look_after_the_sweep_is_the_last(book: SQLiteLedger) -> None:
    """An event may tell later than the sweep did."""
    book.commit(items=[item("/a", changed_at=at(0.01))], sweep=sweep(0.1))
    assert only(report(book)).last_seen == at(0.01)


def test_what_is_there_again_is_not_gone(book: SQLiteLedger) -> None:
    """There is one entry for a resource."""
    book.commit(gone=[departed(item("/a"), at(5))])
    book.commit(items=[item("/a")])
    assert standings(report(book)) == {"/a": "open"}


def test_what_was_put_right_in_the_look_that_found_it_is_resolved(book: SQLiteLedger) -> None:
    """No item ever said that it was wrong; the change does."""
    made = change("/new", 1)
    book.commit(items=[right("/new")], changes=[made])
    entry = only(report(book))
    assert (entry.standing, entry.fate) == (Standing.RESOLVED, Fate.REMEDIATED)
    assert (entry.first_seen, entry.closed_at) == (made.at, made.settled_at)
    assert entry.last_change == made


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"status": Status.FAILED}, id="it failed"),
        pytest.param({"status": Status.UNDONE}, id="it was undone"),
        pytest.param({"undoes": "log-retention-x"}, id="it is an undo"),
    ],
)
def test_a_change_that_put_nothing_right_resolves_nothing(
    book: SQLiteLedger, fields: dict[str, Any]
) -> None:
    """What it was about was in order when it was last looked at, for other reasons."""
    book.commit(items=[right("/a")], changes=[change("/a", 1, **fields)])
    assert report(book).entries == ()


def test_who_put_it_right_is_told_by_the_change(book: SQLiteLedger) -> None:
    """A person, where no change of ours lies within the violation's time."""
    done = {**OVER, "resolved_at": at(3)}
    book.commit(
        items=[right("/ours", **done), right("/theirs", **done)],
        changes=[change("/ours", 3.00002, settled_at=at(3)), change("/theirs", 20)],
    )
    told = {one.ref.id: (one.fate, one.first_seen) for one in report(book).entries}
    assert told == {"/ours": (Fate.REMEDIATED, at(9)), "/theirs": (Fate.NONE, at(9))}


def test_what_was_wrong_is_told_of_everything(book: SQLiteLedger) -> None:
    """In a sentence without who exempts it or what holds it; of what is over, by its code."""
    held = "kept for ever; exhausted: failed 5 times, tried again weekly"
    done = {**OVER, "resolved_at": at(3)}
    lost = departed(item("/lost", **UNREAD, **OVER), at(1))
    book.commit(
        items=[
            item("/exempt", **EXEMPT),
            item("/held", fate=Fate.HELD, reason=held),
            right("/ours", **done),
            right("/theirs", **done),
        ],
        gone=[departed(item("/gone"), at(1)), lost],
        changes=[change("/ours", 3.00002, settled_at=at(3)), change("/theirs", 20)],
    )
    meaning = control().codes["NEVER_EXPIRES"]
    assert {one.ref.id: one.wrong for one in report(book).entries} == {
        "/exempt": "kept for ever",
        "/held": "kept for ever",
        "/ours": "kept for ever",
        "/theirs": meaning,
        "/gone": "kept for ever, should be 30 days",
        "/lost": meaning,
    }


@pytest.mark.parametrize(
    "why",
    [
        pytest.param("legal hold (LEG-12)", id="brackets at its end"),
        pytest.param("hold (LEG-12); extended (LEG-30); final", id="brackets and more"),
        pytest.param("hold :)", id="brackets that nothing opens"),
        pytest.param("hold (LEG-12", id="brackets that nothing closes"),
    ],
)
def test_brackets_in_the_reason_of_an_exemption_are_not_where_it_ends(
    book: SQLiteLedger, why: str
) -> None:
    """Neither who answers, nor why, nor what is wrong is cut there."""
    told = f"exempt until 2027-02-28 (legal: {why}); kept for ever"
    book.commit(items=[item("/a", **{**EXEMPT, "reason": told})])
    entry = only(report_by_no_policy(book))
    assert entry.wrong == "kept for ever"
    assert entry.exemption == exemption("/a", 100, reason=why)


def test_what_was_put_right_and_has_vanished_is_resolved(book: SQLiteLedger) -> None:
    """ALM-13: a stage that left alarms behind: they were deleted, and nothing names it any more."""
    book.commit(
        gone=[departed(item("/gone"), at(1))],
        changes=[change("/stage", 2), change("/gone", 3), change("/f", 4, status=Status.FAILED)],
    )
    told = {one.ref.id: (one.standing.value, one.fate, one.reason) for one in report(book).entries}
    assert told["/stage"] == ("resolved", Fate.REMEDIATED, "no longer there")
    assert {name: standing for name, (standing, _, _) in told.items()} == {
        "/stage": "resolved",
        "/gone": "gone",
    }


def test_a_report_says_how_far_back_its_records_reach(book: SQLiteLedger) -> None:
    """By the first sweep or change that is known; before the window, it is covered, and nobody
    reads on to the sweep that was the first of all."""
    assert report(book).records_since == report(book).controls[0].watched_since == ""
    book.commit(sweep=sweep(0.1), changes=[change("/a", 2)])
    book.commit(sweep=sweep(0.5))
    assert (report(book).records_since, report(book).controls[0].watched_since) == (at(2), at(0.5))
    book.commit(sweep=sweep(31))
    book.commit(sweep=sweep(40))
    assert (report(book).records_since, report(book).controls[0].watched_since) == (at(31), "")


def test_a_control_says_how_much_it_looked_at_and_by_which_policy(book: SQLiteLedger) -> None:
    """What it does not apply to is in order, and counted apart."""
    apart = right("/apart", verdict=Verdict.NOT_APPLICABLE)
    book.commit(items=[item("/a"), right("/b"), apart], sweep=sweep(0.1))
    [line] = report(book).controls
    assert (line.in_order, line.not_applicable, line.judged) == (2, 1, 3)
    assert line.policy_hash == policies()(control()).hash


def test_changes_are_those_of_the_window_newest_first(book: SQLiteLedger) -> None:
    """And an entry has its resource's last."""
    old, first, last = change("/a", 31), change("/a", 2), change("/a", 1, status=Status.FAILED)
    book.commit(items=[item("/a"), item("/b")], changes=[old, first, last])
    told = report(book)
    assert told.changes == (last, first)
    assert {one.ref.id: one.last_change for one in told.entries} == {"/a": last, "/b": None}


# Exemptions


@pytest.mark.parametrize(
    ("fields", "days", "expected"),
    [
        pytest.param({}, 100, "exempt", id="exempt since the last look"),
        pytest.param(EXEMPT, 100, "exempt", id="still exempt"),
        pytest.param(EXEMPT, 0, "exempt", id="on the last day"),
        pytest.param(EXEMPT, -1, "open", id="expired since the last look"),
        pytest.param(EXEMPT, None, "open", id="removed since the last look"),
        pytest.param({"code": "INVALID_EXEMPTION_TAG"}, 100, "open", id="its tag is no date"),
    ],
)
def test_exemptions_are_read_as_they_are_now(
    book: SQLiteLedger, fields: dict[str, Any], days: int | None, expected: str
) -> None:
    """Whatever was so when the resource was last looked at."""
    if days is not None:
        book.exempt(LOGS, exemption("/a", days))
    book.commit(items=[item("/a", **fields)], sweep=sweep(0.1))
    entry = only(report(book))
    assert entry.standing.value == expected
    assert (entry.exemption is not None) is (expected == "exempt")
    assert entry.first_seen == at(2)
    assert entry.standing is Standing.EXEMPT or "exempt" not in entry.reason


@pytest.mark.parametrize(
    ("fields", "honored", "expected"),
    [
        pytest.param(TAGGED, True, "exempt", id="the policy honors tags"),
        pytest.param(TAGGED, False, "open", id="it does not any more"),
        pytest.param({**TAGGED, "reason": TAGGED["reason"].replace("2027-02-28", "2026-11-19")},
                     True, "open", id="its day is over"),
    ],
)  # fmt: skip
def test_an_exemption_by_tag_is_known_by_its_finding(
    book: SQLiteLedger,
    fields: dict[str, Any],
    honored: bool,  # noqa: FBT001  # a case
    expected: str,
) -> None:
    """No tags are read for it."""
    book.commit(items=[item("/a", **fields)], sweep=sweep(0.1))
    assert only(report(book, honor_tags=honored)).standing.value == expected


def lines(told: Report) -> list[tuple[str, str, int, tuple[str, ...]]]:
    return [
        (one.exemption.resource, one.source, one.covers, one.remarks) for one in told.exemptions
    ]


def test_exemptions_say_what_they_cover_and_what_is_to_be_said(book: SQLiteLedger) -> None:
    """From the ledger, the policy and tags; soonest to expire first."""
    book.exempt(LOGS, exemption("/old", -1))
    book.exempt(LOGS, exemption("/a", 0))
    book.exempt(LOGS, exemption("/b*", 1))
    book.exempt(LOGS, exemption("/none", 0))
    book.exempt(LOGS, exemption("/c", 14))
    book.exempt(LOGS, exemption("/unused", 15))
    in_policy = {"resource": "/*", "reason": "it is", "owner": "us", "expires": "2027-12-31"}
    everything = [item(name) for name in ("/old", "/a", "/b1", "/b2", "/c")]
    book.commit(items=[*everything, item("/t", **TAGGED), right("/r")], sweep=sweep(0.1))
    told = report(book, exemptions=[in_policy], honor_tags=True)
    assert lines(told) == [
        ("/old", "ledger", 0, ("expired",)),
        ("/a", "ledger", 1, ("expires today",)),
        ("/none", "ledger", 0, ("expires today", "exempts nothing")),
        ("/b*", "ledger", 2, ("expires in 1 day",)),
        ("/c", "ledger", 1, ("expires in 14 days",)),
        ("/unused", "ledger", 0, ("exempts nothing",)),
        ("/t", "tag", 1, ("names nobody and gives no reason",)),
        ("/*", "policy", 6, ("exempts every resource",)),
    ]


def test_a_bare_star_is_too_much_whatever_there_is(book: SQLiteLedger) -> None:
    """Where no sweep was complete, nobody knows what it exempts."""
    book.exempt(LOGS, exemption("*"))
    assert lines(report(book)) == [("*", "ledger", 0, ("exempts every resource",))]


def test_one_resource_of_one_is_not_too_much(book: SQLiteLedger) -> None:
    """A name that happens to be the only one is still a name."""
    book.exempt(LOGS, exemption("/a"))
    book.commit(items=[item("/a")], sweep=sweep(0.1))
    [line] = report(book).exemptions
    assert line == ExemptionLine(LOGS, exemption("/a"), "ledger", 1, ())


# Controls


@pytest.mark.parametrize(
    ("days", "stale"),
    [
        pytest.param([], True, id="never swept"),
        pytest.param([26 / 24 - 1 / 288], False, id="complete 26 hours ago"),
        pytest.param([26 / 24], False, id="begun 26 hours ago"),
        pytest.param([26 / 24 + 1 / 288], False, id="ended 26 hours ago"),
        pytest.param([27 / 24], True, id="ended more than 26 hours ago"),
    ],
)
def test_findings_are_stale_when_no_sweep_was_complete_lately(
    book: SQLiteLedger,
    days: list[float],
    stale: bool,  # noqa: FBT001  # a case
) -> None:
    """26 hours, where a sweep runs each day."""
    for one in days:
        book.commit(sweep=sweep(one))
    told = report(book)
    assert (told.controls[0].stale, told.complete) == (stale, not stale)


def test_only_complete_sweeps_make_findings_fresh(book: SQLiteLedger) -> None:
    """The last one tells what is wrong with it."""
    book.commit(sweep=sweep(2))
    failed = sweep(0.5, complete=False, fates={"failed": 2, "unknown": 1})
    book.commit(sweep=failed)
    [line] = report(book).controls
    assert (line.swept_at, line.last_sweep, line.stale) == (at(2), failed.started, True)
    assert line.last_sweep_error == "2 failed, 1 could not be read"


def test_a_sweep_that_goes_on_is_no_trouble(book: SQLiteLedger) -> None:
    """Nor does it end what the one before it is worth; one that was stopped says why."""
    book.commit(sweep=sweep(0.5))
    book.commit(sweep=sweep(0.01, complete=False, finished=""))
    [line] = report(book).controls
    assert (line.stale, line.last_sweep, line.last_sweep_error) == (False, at(0.01), "")
    book.commit(sweep=sweep(0.005, complete=False, finished="", error="Denied"))
    assert report(book).controls[0].last_sweep_error == "Denied"


def test_the_last_complete_sweep_is_found_beyond_the_window(book: SQLiteLedger) -> None:
    """However many were not complete since."""
    book.commit(sweep=sweep(60))
    book.commit(sweep=sweep(50))
    for days in (40, 20, 1):
        book.commit(sweep=sweep(days, complete=False))
    assert report(book).controls[0].swept_at == at(50)


def test_a_control_that_is_off_is_told_as_such(book: SQLiteLedger) -> None:
    """What it found when it was on is no finding any more, and no silence either."""
    book.commit(items=[item("/a"), right("/b")], sweep=sweep(3))
    assert report(book).trend
    told = report(book, mode="off")
    [line] = told.controls
    assert (line.mode, line.in_order, told.entries, told.trend) == (Mode.OFF, 1, (), ())
    assert told.notes == (f"{LOGS} is off: what it found while it was on is left out, 1 violation",)
    assert told.complete


def test_a_policy_that_does_not_fit_leaves_the_report_incomplete(book: SQLiteLedger) -> None:
    """Its findings are told with what was exempt when they were made; the sweep was complete."""
    book.commit(items=[item("/a"), item("/b", **EXEMPT)], sweep=sweep(0.1))
    told = report_by_no_policy(book)
    assert standings(told) == {"/a": "open", "/b": "exempt"}
    assert told.entries[1].exemption == exemption("/b", 100)
    assert not told.complete
    [gap] = gaps(told)
    known = f"not wholly known, the last complete sweep is of {at(0.1)}"
    assert gap.sentence == f"{known}: its policy does not fit: days: is 31"
    assert "days: is 31" in told.notes[0]


def test_controls_come_by_id_and_each_has_its_own(book: SQLiteLedger) -> None:
    """Whichever order they are asked for in."""
    book.commit(items=[item("/a"), item("f", control=VERSIONS)], sweep=sweep(0.1))
    scope = Scope(ACCOUNT, REGION, controls=[control(LOGS), control(VERSIONS)])
    told = report(book, scope=scope)
    assert [(line.id, line.stale) for line in told.controls] == [(VERSIONS, True), (LOGS, False)]
    assert [(one.control, one.ref.id) for one in told.entries] == [(VERSIONS, "f"), (LOGS, "/a")]


# Trend


def test_the_trend_is_what_sweeps_left_open(book: SQLiteLedger) -> None:
    """Without what they put right; a sweep that could not read everything tells no number."""
    counted = {"verdicts": {"NON_COMPLIANT": 5, "EXEMPT": 3}, "fates": {"remediated": 2}}
    book.commit(sweep=sweep(31, **counted))
    book.commit(sweep=sweep(3, **counted))
    book.commit(sweep=sweep(2, verdicts={"NON_COMPLIANT": 1, "UNKNOWN": 1}, complete=False))
    book.commit(sweep=sweep(1, verdicts={"COMPLIANT": 9}))
    book.commit(sweep=sweep(0.5, finished="", complete=False, verdicts={"NON_COMPLIANT": 1}))
    ended = [stamp(START - timedelta(days=days) + timedelta(minutes=5)) for days in (3, 1)]
    points = [(one.control, one.at, one.violations) for one in report(book).trend]
    assert points == [(LOGS, ended[0], 3), (LOGS, ended[1], 0)]


# Owners


def test_owners_are_asked_for_once_and_for_what_is_wrong_now(book: SQLiteLedger) -> None:
    """A resource of two controls is one resource; what is in order needs no owner."""
    asked: list[list[Ref]] = []

    def owners(refs: Any) -> Any:
        asked.append(list(refs))
        return owned({"/a": "team-a"})(refs)

    book.commit(
        items=[
            item("/a"),
            item("/a", control="log-subscription"),
            item("/b", **UNREAD),
            right("/c", **OVER, resolved_at=at(1)),
            right("/d"),
        ],
        gone=[departed(item("/e"), at(1))],
    )
    scope = Scope(ACCOUNT, REGION, controls=[control(), control("log-subscription")])
    told = collect(scope, book, policies(), owners, FakeClock())
    assert asked == [[Ref(GROUP, "/a"), Ref(GROUP, "/b")]]
    assert {one.ref.id: one.owner for one in told.entries}["/a"] == "team-a"
    assert {one.owner for one in told.entries if one.ref.id != "/a"} == {""}


# The next attempt

LATE = {"attempts": 5, "last_attempt": "2026-11-19T10:00:00Z"}
NEXT = [
    pytest.param({}, "audit", "not in audit mode", id="audit"),
    pytest.param({}, "enforce", "with the next sweep that may write", id="planned"),
    pytest.param({"fate": Fate.FAILED, "attempts": 2}, "enforce",
                 "with the next sweep, attempt 3 of 5", id="failed twice"),
    pytest.param({"fate": Fate.FAILED, **LATE}, "enforce",
                 "not before 2026-11-26T10:00:00Z: exhausted, failed 5 times, tried again weekly",
                 id="failed for the last time"),
    pytest.param({"fate": Fate.HELD, **LATE}, "enforce",
                 "not before 2026-11-26T10:00:00Z: exhausted, failed 5 times, tried again weekly",
                 id="exhausted"),
    pytest.param({"fate": Fate.REPORTED, **LATE}, "enforce",
                 "not before 2026-11-26T10:00:00Z: AWS will not do it for now, tried again weekly",
                 id="a quota is used up"),
    pytest.param({"fate": Fate.PLANNED, **LATE}, "audit", "not in audit mode", id="audit now"),
    pytest.param({"fate": Fate.HELD}, "enforce",
                 "with the next sweep, if nothing holds it any more", id="held"),
    pytest.param({"fate": Fate.REPORTED}, "enforce",
                 "not by Steward: it has no call for this; somebody has to put it right",
                 id="reported"),
    pytest.param({"fate": Fate.REMEDIATED}, "enforce", "with the next sweep", id="not yet seen"),
    pytest.param({"intent": "x"}, "enforce",
                 "the next look settles whether its calls were carried out", id="open intent"),
    pytest.param(UNREAD, "enforce", "read again with the next sweep", id="unread"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "mode", "sentence"), NEXT)
def test_the_next_attempt_is_a_sentence(fields: dict[str, Any], mode: str, sentence: str) -> None:
    """Whether, and when, by what was last done about it."""
    assert next_attempt(item("/a", **fields), Mode(mode), control()) == sentence


WHY_NOT = [
    pytest.param(LOGS, "TOO_LONG", "kept 3653 days, should be 731 days; needs shorten: true, as",
                 "the policy does not allow it (shorten)", id="its policy"),
    pytest.param("stream-capacity", "AT_MAX_SHARDS", "4 shards: load; max_shards is 4",
                 "the policy does not allow it (max_shards)", id="its policy's bound"),
    pytest.param("stream-capacity", "UNEVEN_LOAD", "the load needs 5, and days of it",
                 "it has no call for this; somebody has to put it right", id="nothing"),
    pytest.param(LOGS, "INVALID_TAG", "tag steward:log-retention/days is 'a year'",
                 "whoever owns the resource has to mend its tag", id="a tag of the control"),
    pytest.param("required-tags", "INVALID_EXEMPTION_TAG", "tag is 'soon'",
                 "whoever owns the resource has to mend its tag", id="an exemption's tag"),
    pytest.param("function-runtime", "DEPRECATED", "python3.8 is deprecated",
                 "this control only reports", id="a control without calls"),
    pytest.param(LOGS, "PROTECTED_BY_ORGANIZATION", "explicit deny",
                 "an organization's policy or a permissions boundary forbids it", id="forbidden"),
]  # fmt: skip


def test_a_control_without_calls_only_reports_also_what_was_exempt_until_now() -> None:
    """Such an item has no fate yet that says so, and no mode of its control would change that."""
    told = next_attempt(item("f", **EXEMPT), Mode.AUDIT, control("function-runtime"))
    assert told == "not by Steward: this control only reports"


@pytest.mark.parametrize(("control_id", "code", "reason", "why"), WHY_NOT)
@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_what_has_no_call_says_who_or_what_would_have_to_change(
    control_id: str, code: str, reason: str, why: str, mode: str
) -> None:
    """The policy's field that the finding's own reason names, its owner, or nobody at Steward."""
    told = item("/a", fate=Fate.REPORTED, code=code, reason=reason)
    assert next_attempt(told, Mode(mode), control(control_id)) == f"not by Steward: {why}"


def test_what_is_closed_is_not_tried_again_and_what_is_exempt_not_yet(book: SQLiteLedger) -> None:
    """The one has no next attempt, the other waits for the day."""
    book.exempt(LOGS, exemption("/a", 100))
    book.commit(items=[item("/a"), right("/b", **OVER, resolved_at=at(1))])
    told = {one.ref.id: one.next_attempt for one in report(book).entries}
    assert told == {"/a": "not while it is exempt, until 2027-02-28", "/b": ""}


# Reading


def test_a_ledger_is_read_in_one_pass_for_each_sort_of_record(book: SQLiteLedger) -> None:
    """Ten thousand items take as many queries as ten."""
    asked: list[str] = []
    book._db.set_trace_callback(asked.append)
    for count in (10, 300):
        many: list[Item] = [item(f"/{number}") for number in range(count)]
        book.commit(items=many, changes=[change(f"/{n}", 1) for n in range(count)])
        asked.clear()
        assert len(report(book).entries) == count
        selects = [text for text in asked if text.startswith("SELECT")]
        assert len(selects) == 6  # items, gone, changes and that there are no more, sweeps, exempt


def test_a_second_report_is_the_same(book: SQLiteLedger) -> None:
    """Nothing in it depends on the order in which a store has its records."""
    written = [successor(None, item(f"/{n}", first_seen=""), at(n % 3)) for n in range(20)]
    book.commit(items=[one for one in written if one], sweep=sweep(0.1))
    assert report(book) == report(book)
    seen = [(one.first_seen, one.ref.id) for one in report(book).entries]
    assert seen == sorted(seen)
