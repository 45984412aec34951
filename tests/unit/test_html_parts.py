"""The parts of the HTML report: words, differences, curves, colours."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import steward.reports.html as package
from benchmark.compliance import report
from console.cli import cli
from steward.ledger import Change, Status
from steward.model import Call, Fate, Ref, Trigger
from steward.reports import wording
from steward.reports.dataset import Figure, Point
from steward.reports.html import charts
from steward.reports.html.batches import MOST, batches
from steward.reports.html.differences import CALLS, SHOWN, Difference, told
from steward.reports.html.freshness import coverage
from steward.reports.html.savings import Savings, savings
from steward.reports.html.spoken import ABSENT, DELETED, THERE, UNSET, WHOLE, words
from steward.reports.html.troubles import Failing, check
from tests.contrast import contrast

NOW = "2026-11-30T06:30:00Z"
REPORT = report(20)


@pytest.mark.parametrize(
    ("since", "age"),
    [
        (NOW, "0 minutes"),
        ("2026-11-30T06:29:00Z", "1 minute"),
        ("2026-11-30T05:30:01Z", "59 minutes"),
        ("2026-11-30T05:30:00Z", "1 hour"),
        ("2026-11-28T06:30:01Z", "47 hours"),
        ("2026-11-28T06:30:00Z", "2 days"),
        ("2023-11-30T06:30:00Z", "1,096 days"),
        ("2026-12-01T00:00:00Z", "0 minutes"),  # a clock that is ahead
        ("", "unknown"),
    ],
)
def test_an_age_is_told_in_one_unit_rounded_down(since: str, age: str) -> None:
    """Hours up to two days; nothing is younger than nothing."""
    assert wording.age(since, NOW) == age


@pytest.mark.parametrize(
    ("expires", "words"),
    [
        (date(2026, 11, 30), "today"),
        (date(2026, 12, 1), "in 1 day"),
        (date(2027, 3, 1), "in 91 days"),
        (date(2026, 11, 29), "expired 1 day ago"),
    ],
)
def test_an_exemption_holds_through_its_last_day(expires: date, words: str) -> None:
    """On that day it still does."""
    assert wording.ends(expires, NOW) == words


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [
        (None, "USD a month", ("not known", "")),
        (0, "USD a month", ("0", "USD a month")),
        (-21.4, "USD a month", ("-21.40", "USD a month")),
        (1234567.0, "versions", ("1,234,567", "versions")),
        (1, "versions", ("1", "version")),
        (1, "USD a month", ("1", "USD a month")),
        (999, "bytes", ("999", "B")),
        (1000, "bytes", ("1.0", "kB")),
        (6_140_000_000_000, "bytes", ("6.1", "TB")),
        (2.5e18, "bytes", ("2,500.0", "PB")),
        (1500, "bytes a day", ("1.5", "kB a day")),
    ],
)
def test_an_amount_is_told_with_its_unit(
    amount: float | None, unit: str, words: tuple[str, str]
) -> None:
    """Bytes get a prefix of thousands, as AWS bills them."""
    assert wording.amount(Figure("a", amount, unit, "b")) == words


def test_moments_are_in_utc_whatever_they_were_written_in() -> None:
    """A time zone changes no day."""
    assert wording.moment("2026-12-01T01:15:00+02:00") == "30 Nov 2026, 23:15"
    assert wording.day_of("2026-12-01T01:15:00+02:00") == "30 Nov 2026"


def test_a_command_is_quoted_for_a_shell() -> None:
    """Whatever a resource is called, the command has one meaning, or there is none."""
    line = wording.command(REPORT, "exempt", "it's $(rm -rf /)", "x")
    assert line == """steward --stack steward exempt 'it'"'"'s $(rm -rf /)' x"""
    assert wording.command(REPORT, "exempt", "a\nb") == ""


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [
        ("exempt", ["-rf", "log-retention"], ["--remove"]),
        ("exempt", ["--remove", "log-retention"], ["--until", "2027-01-01"]),
        ("explain", ["--help"], []),
        ("exempt", ["/aws/lambda/x", "log-retention"], ["--remove"]),
    ],
)
def test_a_name_that_begins_with_a_dash_is_no_option(
    name: str, words: list[str], options: list[str]
) -> None:
    """The console's own parser reads the command as it was meant."""
    line = wording.command(REPORT, name, *words, options=options)
    program, stack, which, *rest = shlex.split(line)
    assert (program, stack, which) == ("steward", "--stack", "steward")
    found = cli.commands[rest[0]].make_context(rest[0], rest[1:]).params
    places = [found[one] for one in ("resource", "subject", "control") if one in found]
    assert places == words
    assert bool(found.get("remove")) is ("--remove" in options)


def change(*calls: Call, before: dict[str, Any] | None = None, **fields: Any) -> Change:
    values: dict[str, Any] = {"status": Status.DONE, "sent": len(calls), **fields}
    return Change(
        id="log-retention-20261121T101500123456-3f9a2c",
        control="log-retention",
        ref=Ref("AWS::Logs::LogGroup", "/orders"),
        at=NOW,
        trigger=Trigger.EVENT,
        run="r",
        code="C",
        reason="why",
        before=before or {},
        calls=calls,
        **values,
    )


UNDO = Call("logs", "DeleteThing", {"name": "a"})

DIFFERENCES = {
    "a field of the state": (
        change(Call("s", "PutX", {}, UNDO, {"days": 30}), before={"days": None}),
        [Difference("retention in days", UNSET, "30")],
    ),
    "only what differs inside of a field": (
        change(
            Call("s", "PutX", {}, UNDO, {"limits": {"a": {"rate": 1, "burst": 2}, "b": 3}}),
            before={"limits": {"a": {"rate": 9, "burst": 2}, "c": [1]}},
        ),
        [
            Difference("limits a rate", "9", "1"),
            Difference("limits b", UNSET, "3"),
            Difference("limits c", "[1]", UNSET),
        ],
    ),
    "lists of texts": (
        change(Call("s", "PutX", {}, UNDO, {"layers": ["a:2"]}), before={"layers": ["a:1", "b:1"]}),
        [Difference("layers", "a:1, b:1", "a:2")],
    ),
    "yes and no": (
        change(Call("s", "PutX", {}, UNDO, {"on": True}), before={"on": False}),
        [Difference("on", "no", "yes")],
    ),
    "what was empty and is, by the call": (
        change(Call("s", "PutX", {"name": "a"}, UNDO, {"owned": {}}), before={"owned": None}),
        [Difference("x a", ABSENT, THERE)],
    ),
    "what a person cannot tell apart": (
        change(
            Call("s", "PutX", {}, UNDO, {"owned": {"a": {"pattern": "", "to": "b"}}}),
            before={"owned": {}},
        ),
        [Difference("owned a to", UNSET, "b")],
    ),
    "methods of an API": (
        change(
            Call("s", "PutX", {}, UNDO, {"limits": {"~1/POST": {"rate": 1}, "~1a~1b/GET": 2}}),
            before={"limits": {}},
        ),
        [Difference("limits / POST rate", UNSET, "1"), Difference("limits /a/b GET", UNSET, "2")],
    ),
    "the last of several effects": (
        change(
            Call("s", "PutX", {}, UNDO, {"owned": {"a": 1}}),
            Call("s", "PutX", {}, UNDO, {"owned": {"a": 1, "b": 2}}),
            before={"owned": {}},
        ),
        [Difference("owned a", UNSET, "1"), Difference("owned b", UNSET, "2")],
    ),
    "a call that the effect of another includes": (
        change(
            Call("s", "PutX", {}, UNDO),
            Call("s", "PutY", {}, UNDO, {"n": 2}),
            before={"n": 1},
        ),
        [Difference("n", "1", "2")],
    ),
    "a fingerprint is not shown, its call is": (
        change(
            Call(
                "cloudwatch",
                "PutMetricAlarm",
                {"AlarmName": "a"},
                UNDO,
                {"alarmed": "1 " + "0f" * 16},
            ),
            before={"alarmed": "0 " + "0" * 32},
        ),
        [Difference("alarm a", ABSENT, THERE)],
    ),
    "a call by its undo of the same name": (
        change(
            Call(
                "x",
                "UpdateStage",
                {"id": "a", "rate": 1},
                Call("x", "UpdateStage", {"id": "a", "rate": 9}),
            )
        ),
        [Difference("stage a", "rate: 9", "rate: 1")],
    ),
    "what is deleted for good": (
        change(Call("lambda", "DeleteFunction", {"FunctionName": "f", "Qualifier": "7"})),
        [Difference("version 7", THERE, DELETED)],
    ),
    "an alarm in its own words": (
        change(
            Call(
                "cloudwatch",
                "PutMetricAlarm",
                {"AlarmName": "a", "AlarmDescription": "More than 5 % fail. [steward:x y]"},
                Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["a"]}),
            )
        ),
        [Difference("alarm a", ABSENT, "More than 5 % fail.")],
    ),
    "an alarm that is deleted": (
        change(Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["a"]}, UNDO)),
        [Difference("alarm a", THERE, DELETED)],
    ),
    "tags that were not there": (
        change(
            Call(
                "tag",
                "TagResources",
                {"ResourceARNList": ["arn:1", "arn:2"], "Tags": {"team": "a", "cost": "1"}},
                Call("tag", "UntagResources", {"ResourceARNList": ["arn:1", "arn:2"]}),
            )
        ),
        [Difference("tags of 2 resources", UNSET, "team=a, cost=1")],
    ),
    "tags that were others": (
        change(
            Call(
                "tag",
                "TagResources",
                {"ResourceARNList": ["arn:1"], "Tags": {"team": "a"}},
                Call("tag", "TagResources", {"ResourceARNList": ["arn:1"], "Tags": {"team": "b"}}),
            )
        ),
        [Difference("tags of arn:1", "team=b", "team=a")],
    ),
    "what an unusual call does": (
        change(Call("x", "Attach", {"id": "a"}, Call("x", "Detach", {"id": "b"}))),
        [Difference("attach a", THERE, THERE)],
    ),
    "only calls that succeeded": (
        change(
            Call("s", "PutX", {}, UNDO, {"a": 2}),
            Call("s", "PutX", {}, UNDO, {"b": 2}),
            before={"a": 1, "b": 1},
            sent=1,
            status=Status.FAILED,
        ),
        [Difference("a", "1", "2")],
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_change_tells_what_is_different(name: str) -> None:
    """By the fields that its calls set, otherwise by what their undo would do."""
    given_change, expected = DIFFERENCES[name]
    assert list(told(given_change).differences) == expected


def test_a_change_of_hundreds_of_calls_is_cut_and_counted() -> None:
    """A stack's tags may take so many; what is not shown is told."""
    calls = [
        Call("tag", "TagResources", {"ResourceARNList": [f"arn:{n}"]}, UNDO) for n in range(90)
    ]
    shown = told(change(*calls))
    assert (len(shown.differences), shown.more) == (SHOWN, 90 - SHOWN)
    assert (len(shown.calls), shown.more_calls) == (CALLS, 90 - CALLS)
    assert shown.calls[0] == "tag TagResources ResourceARNList=arn:0"


def test_what_a_row_cuts_is_below_in_full() -> None:
    """Up to a bound, at which a sign says that it goes on."""
    long = change(Call("s", "PutX", {"a": "x" * 500}, UNDO, {"name": "y" * 500}))
    shown = told(long)
    assert shown.calls == ("s PutX a=" + "x" * 500,)
    assert [one.after for one in shown.cut] == ["y" * 500]
    assert told(change(Call("s", "PutX", {"a": "x" * 9000}, UNDO))).calls[0][-1] == "\u2026"
    assert len(told(change(Call("s", "PutX", {"a": "x" * 9000}, UNDO))).calls[0]) == WHOLE


@pytest.mark.parametrize(
    ("name", "spoken"),
    [("shardCount", "shard count"), ("ARNList", "arn list"), ("p99_ms", "p99 ms"), ("a-b", "a-b"),
     ("~1", "/"), ("~1a~0b/GET", "/a~b GET")],
)  # fmt: skip
def test_names_of_fields_are_words(name: str, spoken: str) -> None:
    """API Gateway's own escapes, those of JSON pointers, are read."""
    assert words(name) == spoken


def test_alarms_that_notify_nobody_are_remarked_on() -> None:
    """Whether one of them or all."""
    params = {"AlarmName": "a", "AlarmActions": []}
    silent = Call("cloudwatch", "PutMetricAlarm", params, UNDO)
    loud = replace(silent, params={**params, "AlarmActions": ["arn:topic"]})
    assert told(change(silent, loud)).remarks == ("nobody is notified: alarms without actions",)
    assert told(change(loud)).remarks == ()


def test_what_is_alike_within_a_minute_is_together_where_the_first_is() -> None:
    """Whatever is between; a row has a bound, and what is later than a minute is another."""
    rows = [("a", "10:30"), ("b", "10:30"), ("a", "10:29"), ("a", "10:28"), ("b", "10:30")]
    found = batches(rows, lambda one: one[0], lambda one: f"2026-11-30T{one[1]}:00Z")
    assert [[*map(rows.index, batch)] for batch in found] == [[0, 2], [1, 1], [3]]
    many = batches([NOW] * (MOST + 1), lambda _: 0, str)
    assert [len(batch) for batch in many] == [MOST, 1]
    assert [len(one) for one in batches(["", NOW, ""], lambda _: 0, str)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("since", "short", "full"),
    [
        ("", "so far: there are no records yet", "no records yet; the window is 30 days"),
        ("2026-10-31T06:30:00Z", "in 30 days", "history of 30 days"),
        ("2026-11-29T22:00:00Z", "in 8 hours, since records began",
         "records since 29 Nov 2026, 22:00 (8 hours; the window is 30 days)"),
    ],
)  # fmt: skip
def test_a_window_that_is_longer_than_the_records_says_so(
    since: str, short: str, full: str
) -> None:
    """Thirty days of nothing is not thirty days without anything."""
    found = coverage(replace(REPORT, records_since=since))
    assert (found.short, found.full) == (short, full)


def figure(amount: float | None, kind: str, at_most: float | None = None) -> Figure:
    return Figure("a", amount, "USD a month", "b", kind, at_most)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        pytest.param([], Savings(0, 0, 0), id="none"),
        pytest.param([figure(None, "saving", 0.1), figure(0.6, "cost"), figure(None, "cost")],
                     Savings(0.1, 0.6, 2), id="what is unknown has a bound, or is left out"),
        pytest.param([figure(None, "saving"), figure(2, "saving")], Savings(None, 0, 1),
                     id="a saving without a bound"),
        pytest.param([figure(-3, "cost"), figure(1, "cost"), Figure("a", 9, "bytes", "b")],
                     Savings(3, 1, 0), id="a cost below zero; bytes are no money"),
    ],
)  # fmt: skip
def test_the_sum_of_figures_is_never_one_of_unknowns(
    figures: list[Figure], expected: Savings
) -> None:
    """At most so much is saved, at least so much is paid."""
    assert savings(figures) == expected


@pytest.mark.parametrize(
    ("error", "place"),
    [("AccessDeniedException: no", "permissions"), ("LimitExceededException: 5", "quota"),
     ("ThrottlingException", "nothing yet"), ("ResourceNotFoundException", "still there"),
     ("InvalidParameterException: days", "setting"), ("boom", "by hand")],
)  # fmt: skip
def test_an_error_says_what_a_person_should_check(error: str, place: str) -> None:
    """By AWS's own words."""
    assert place in check(error)


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("not before 2026-12-07T06:30:00Z: failed",
         "not before 7 Dec 2026, 06:30 (in 7 days): failed"),
        ("not before 2026-11-30T06:00:00Z", "not before 30 Nov 2026, 06:00 (due)"),
        ("until 2027-01-31", "until 31 Jan 2027"),
        ("2026-02-30 or 12026-01-01 or 2026-01-01-x", "2026-02-30 or 12026-01-01 or 2026-01-01-x"),
    ],
)  # fmt: skip
def test_moments_in_sentences_are_written_as_everywhere_else(sentence: str, written: str) -> None:
    """What is no date is left as it is."""
    assert wording.dated(sentence, NOW) == written


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"status": Status.UNDONE}, "undone already"),
        ({"undoes": "x"}, "it is an undo itself: remove its exemption and sweep"),
        ({"status": Status.INTENT}, "its outcome is open: steward sweep log-retention"),
        (
            {"status": Status.INTENT, "undoes": "x"},
            "its outcome is open: steward sweep log-retention",
        ),
        ({"status": Status.FAILED, "sent": 0}, "no call of it succeeded"),
        ({"status": Status.FAILED}, ""),
    ],
)
def test_an_undo_is_offered_where_undo_would_do_it(fields: dict[str, Any], why: str) -> None:
    """For the same reasons, in the same order, as ``steward undo``."""
    assert told(change(Call("s", "PutX", {}, UNDO), **fields)).final == why
    lost = Call("s", "DeleteX", {}, irreversible="the data")
    assert told(change(lost)).final == "cannot be undone"
    assert told(change(lost, lost)).irreversible == ("the data",)


def test_a_change_that_stopped_half_way_says_how_far_it_came() -> None:
    """It is neither done nor without a trace."""
    half = change(*[Call("s", "PutX", {}, UNDO)] * 3, status=Status.FAILED, sent=2)
    assert wording.outcome(half) == "done in part: 2 of 3 calls"
    assert wording.outcome(replace(half, sent=0)) == "failed"
    assert wording.outcome(replace(half, status=Status.INTENT)) == "outcome open"


@pytest.mark.parametrize(
    ("fields", "error", "fate", "advice"),
    [
        ({"fate": Fate.FAILED, "attempts": 1}, "", "failed", "the error;"),
        ({"fate": Fate.HELD, "attempts": 5}, "Throttling", "given up for now", "nothing yet"),
        ({"fate": Fate.HELD, "attempts": 0}, "", "held back", "what holds it"),
        ({"fate": Fate.HELD, "attempts": 0}, "Throttling", "held back", "nothing yet"),
    ],
)
def test_what_failed_is_told_from_what_is_held(
    fields: dict[str, Any], error: str, fate: str, advice: str
) -> None:
    """By fate and attempts together; what to check is the error's, where there is one."""
    entry = replace(REPORT.entries[0], last_change=None, **fields)
    tried = change(Call("s", "PutX", {}, UNDO), status=Status.FAILED, error=error)
    assert wording.fate(entry) == fate
    assert Failing(entry, (tried,) if error else ()).check.startswith(advice)


def points(**controls: list[tuple[int, int]]) -> tuple[Point, ...]:
    return tuple(
        Point(control, f"2026-11-{day:02}T12:00:00Z", number)
        for control, own in controls.items()
        for day, number in own
    )


def test_a_curve_keeps_a_number_until_the_next_sweep() -> None:
    """Before the first one nobody knows; all together is what is known."""
    told_points = points(a=[(27, 4), (29, 1)], b=[(28, 2), (28, 3)], c=[(26, 0)])
    shown = charts.trend(replace(REPORT, trend=told_points, window_days=4))
    assert shown is not None
    assert shown.days == tuple(f"{day} Nov 2026" for day in range(26, 31))
    assert {one.control: one.values for one in shown.controls} == {
        "a": (None, 4, 4, 1, 1),
        "b": (None, None, 3, 3, 3),
    }
    assert shown.total.values == (0, 4, 7, 4, 4)
    assert (shown.total.first, shown.total.highest, shown.total.last) == (0, 7, 4)
    assert shown.clean == ("c",)
    assert {one.control: (one.first, one.last) for one in shown.controls} == {
        "a": (4, 1),
        "b": (3, 3),
    }
    [b] = [one for one in shown.controls if one.control == "b"]
    assert b.line == "300.0,0.0 450.0,0.0 600.0,0.0"
    assert b.area == "300.0,100 300.0,0.0 450.0,0.0 600.0,0.0 600,100"


@pytest.mark.parametrize("told_points", [(), points(a=[(29, 1)]), points(a=[(29, 1)], b=[(28, 2)])])
def test_one_sweep_is_no_history(told_points: tuple[Point, ...]) -> None:
    """A line takes two points of one control."""
    assert charts.trend(replace(REPORT, trend=told_points)) is None


def test_one_day_is_shown_by_sweep() -> None:
    """At most so many as a table holds, the last among them."""
    hours = [Point("a", f"2026-11-30T{hour:02}:00:00Z", hour) for hour in range(4)]
    shown = charts.trend(replace(REPORT, trend=(*hours, Point("b", hours[1].at, 5))))
    assert shown is not None
    assert (shown.by_day, shown.days[0], shown.days[-1]) == (
        False,
        "30 Nov 2026, 00:00",
        "30 Nov 2026, 03:00",
    )
    assert shown.total.values == (0, 6, 7, 8)
    many = [Point("a", f"2026-11-30T{n // 60:02}:{n % 60:02}:00Z", n) for n in range(100)]
    long = charts.trend(replace(REPORT, trend=tuple(many)))
    assert long is not None
    assert len(long.days) <= charts.COLUMNS
    assert long.total.last == 99


@given(st.integers(min_value=1, max_value=400))
def test_a_long_window_has_steps_of_days(window: int) -> None:
    """No table of curves is longer than a month's."""
    shown = charts.trend(replace(REPORT, window_days=window))
    assert shown is not None
    assert 2 <= len(shown.days) <= charts.COLUMNS
    assert shown.days[-1] == "30 Nov 2026"


def test_every_open_finding_is_in_the_column_of_its_age() -> None:
    """Bounds belong to the older column; what has no date is young."""
    ages = ("", NOW, "2026-11-29T06:30:00Z", "2026-11-23T06:30:00Z", "2020-01-01T00:00:00Z")
    entries = [replace(REPORT.entries[0], first_seen=one) for one in ages]
    columns = charts.ages(entries, NOW)
    assert [one.total for one in columns] == [2, 1, 1, 0, 1]
    assert [[bar.height for bar in one.bars] for one in columns] == [[100], [50], [50], [], [50]]


STYLE = (Path(package.__file__).parent / "templates" / "page.css").read_text()
ON = {
    "page": ("ink", "soft", "link"),
    "card": ("ink", "soft", "link", "high", "medium", "low", "good", "aside"),
    "code": ("ink", "soft", "link"),
    "band": ("band-ink", "band-soft"),
    **{f"{name}-back": (name,) for name in ("high", "medium", "low", "good", "aside")},
}
"""What text stands on which ground."""


def palettes() -> dict[str, dict[str, str]]:
    """The colours by name: light, then dark and print, which change some."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]
    return {
        name: {**found[0], **one}
        for name, one in zip(("light", "dark", "print"), found, strict=True)
    }


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_has_contrast_enough_in_every_theme(theme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1, for every colour of text on every ground that it stands on."""
    colours = palettes()[theme]
    low = {
        (text, ground): round(contrast(colours[text], colours[ground]), 2)
        for ground, texts in ON.items()
        for text in texts
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert low == {}
    assert set(colours) == {*ON, *(text for texts in ON.values() for text in texts), "line"}


def test_colours_are_named_in_one_place() -> None:
    """No colour but those of the palettes, so that the test above sees them all."""
    rest = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert not re.findall(
        r"#[0-9a-f]{3,8}\b(?=[;, )])|rgb|hsl|(?<=: )(?:white|black|red|gray)", rest
    )


def test_motion_is_for_those_who_want_it() -> None:
    """And the page has no animation at all."""
    assert "@media (prefers-reduced-motion: no-preference)" in STYLE
    assert "animation" not in STYLE
    assert "transition" not in STYLE
