"""The parts of the HTML report: words, differences, curves, colours."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import steward.reports.html as package
from benchmark.compliance import report
from steward.ledger import Change, Status
from steward.model import Call, Ref, Trigger
from steward.reports.dataset import Figure, Point
from steward.reports.html import charts, wording
from steward.reports.html.differences import ABSENT, CALLS, SHOWN, UNSET, Difference, told

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
        (999, "bytes", ("999", "B")),
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
        [Difference("days", UNSET, "30")],
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
    "what was empty and is": (
        change(Call("s", "PutX", {}, UNDO, {"owned": {}}), before={"owned": None}),
        [Difference("owned", UNSET, UNSET)],
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
        [Difference("PutMetricAlarm", ABSENT, "AlarmName=a")],
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
        [Difference("UpdateStage a", "rate=9", "rate=1")],
    ),
    "what is deleted for good": (
        change(Call("lambda", "DeleteFunction", {"FunctionName": "f", "Qualifier": "7"})),
        [Difference("DeleteFunction", "FunctionName=f, Qualifier=7", "deleted")],
    ),
    "what an unusual call does": (
        change(Call("x", "Attach", {"id": "a"}, Call("x", "Detach", {"id": "b"}))),
        [Difference("Attach", "id=b", "id=a")],
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


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"status": Status.UNDONE}, "undone already"),
        ({"undoes": "x"}, "it is an undo itself: remove its exemption and sweep"),
        ({"status": Status.INTENT}, "its outcome is open: steward sweep log-retention"),
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
    [b] = [one for one in shown.controls if one.control == "b"]
    assert b.line == "300.0,0.0 450.0,0.0 600.0,0.0"
    assert b.area == "300.0,100 300.0,0.0 450.0,0.0 600.0,0.0 600,100"


@pytest.mark.parametrize("told_points", [(), points(a=[(29, 1)]), points(a=[(29, 1)], b=[(29, 2)])])
def test_one_day_is_no_history(told_points: tuple[Point, ...]) -> None:
    """A line takes two points."""
    assert charts.trend(replace(REPORT, trend=told_points)) is None


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


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


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
