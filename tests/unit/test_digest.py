"""The digest: what is new since the last one, what still fails, and when it is worth a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.ledger import Status
from steward.model import Exemption, Fate, Mode, Ref, Severity
from steward.publishing import STATE_BYTES
from steward.reports.dataset import Entry, ExemptionLine, Report, Standing
from steward.reports.digest import (
    DIGITS,
    LONGEST,
    MOST_TOLD,
    SHOWN,
    Digest,
    Told,
    digest_of,
    subject,
    text,
    told_by,
)
from tests.fakes import ACCOUNT, REGION
from tests.reporting import bare, change, entry, line

SINCE, NOW = "2026-11-23T06:00:00Z", "2026-11-24T06:00:00Z"
TOLD = Told(SINCE, frozenset({"0" * 12}))
OLD, FRESH = "2026-11-01T00:00:00Z", "2026-11-23T12:00:00Z"
LINE = line(swept_at=NOW, last_sweep=NOW)
ENTRY = entry(
    "/aws/lambda/orders",
    id="0" * 32,
    reason="never expires",
    severity=Severity.MEDIUM,
    first_seen=OLD,
    last_seen=NOW,
    next_attempt="",
)
FAILED = change(ENTRY.ref.id, 0, status=Status.FAILED, at=FRESH)


def report(*entries: Entry, **fields: Any) -> Report:
    """Of this morning."""
    return bare(*entries, **{"generated_at": NOW, "controls": (LINE,), **fields})


def exemption(expires: str) -> ExemptionLine:
    told = Exemption("/audit/*", "legal hold", "legal", date.fromisoformat(expires))
    return ExemptionLine("log-retention", told, "ledger", 1)


@pytest.mark.parametrize(
    ("entry", "new", "failing", "news"),
    [
        (ENTRY, 0, 0, False),
        (replace(ENTRY, first_seen=FRESH), 1, 0, True),
        (replace(ENTRY, first_seen=SINCE), 0, 0, False),
        (replace(ENTRY, standing=Standing.EXEMPT, first_seen=FRESH), 0, 0, False),
        (replace(ENTRY, standing=Standing.RESOLVED, first_seen=FRESH), 0, 0, False),
        (replace(ENTRY, standing=Standing.GONE, fate=Fate.FAILED), 0, 0, False),
        (replace(ENTRY, fate=Fate.FAILED, attempts=2), 0, 1, False),
        (replace(ENTRY, fate=Fate.HELD, attempts=5), 0, 1, False),
        (replace(ENTRY, fate=Fate.FAILED, attempts=1, last_change=FAILED), 0, 1, True),
        (replace(ENTRY, standing=Standing.UNKNOWN), 0, 1, False),
        (replace(ENTRY, standing=Standing.UNKNOWN, first_seen=FRESH), 0, 1, True),
    ],
)
def test_a_finding_is_told_where_it_is_new_or_fails(
    entry: Entry, *, new: int, failing: int, news: bool
) -> None:
    """What fails is listed each time, and is worth a message when that is new."""
    found = digest_of(report(entry), TOLD)
    assert (len(found.new), len(found.failing), found.news) == (new, failing, news)


@pytest.mark.parametrize("first_seen", [OLD, SINCE])
def test_what_was_not_open_is_new_whatever_its_time(first_seen: str) -> None:
    """An exemption was removed; or it was committed just after the last report was made."""
    late = replace(ENTRY, id="1" * 32, first_seen=first_seen)
    assert digest_of(report(ENTRY, late), TOLD).new == (late,)
    was_exempt = told_by(report(replace(ENTRY, standing=Standing.EXEMPT), generated_at=SINCE))
    assert digest_of(report(ENTRY), was_exempt).new == (ENTRY,)


def test_what_was_told_is_remembered() -> None:
    """By what its id begins with, for as many as one object is to hold; else by time."""
    told = told_by(report(ENTRY, replace(ENTRY, id="1" * 32, standing=Standing.GONE)))
    assert told == Told(NOW, frozenset({ENTRY.id[:DIGITS]}))
    assert Told.read(told.written()) == told
    assert Told.read(Told(SINCE).written()) == Told(SINCE)
    assert not digest_of(report(ENTRY), Told(SINCE)).new
    most = [replace(ENTRY, id=f"{n:012}" + "0" * 20) for n in range(MOST_TOLD + 1)]
    assert told_by(report(*most)) == Told(NOW)
    assert len(told_by(report(*most[1:])).written()) < STATE_BYTES


@pytest.mark.parametrize(
    "state",
    ["", "[]", "{}", '{"until": 5}', '{"until": "None"}', f'{{"until": "{SINCE}", "open": 5}}'],
)
def test_a_state_that_is_none_is_not_taken_for_one(state: str) -> None:
    """Else every digest from then on would fail by it, and no other state be written."""
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Told.read(state.encode())


def test_a_message_fits_into_what_sns_takes() -> None:
    """262,144 bytes, whatever people write."""
    long = "\N{PILE OF POO}" * 20_000
    entries = [
        replace(ENTRY, id=f"{n:032}", fate=Fate.FAILED, reason=long, next_attempt=long)
        for n in range(SHOWN)
    ]
    line = exemption("2026-11-30")
    ends = (replace(line, exemption=replace(line.exemption, reason=long)),) * SHOWN
    stale = (replace(LINE, stale=True, last_sweep_error=long),) * SHOWN
    told = text(digest_of(report(*entries, exemptions=ends, controls=stale), Told()))
    assert len(told.encode()) < 262_144
    assert max(map(len, told.splitlines())) == len("- ") + LONGEST


@pytest.mark.parametrize(
    ("expires", "told", "news"),
    [
        ("2026-11-22", 0, False),  # ended before the last digest, which told of it
        ("2026-11-23", 1, True),
        ("2026-11-24", 1, True),
        ("2026-11-25", 1, True),
        ("2026-11-26", 1, False),
        ("2026-12-07", 1, False),
        ("2026-12-08", 1, True),  # fourteen days from now, fifteen from the last digest
        ("2026-12-09", 0, False),
    ],
)
def test_an_exemption_is_told_of_two_weeks_before_its_last_day(
    expires: str, *, told: int, news: bool
) -> None:
    """It is news as it comes within reach, and on its last days."""
    found = digest_of(report(exemptions=(exemption(expires),)), TOLD)
    assert (len(found.expiring), found.news) == (told, news)


def test_a_control_of_which_nothing_is_known_is_always_news() -> None:
    """Text and subject say so, with why."""
    line = replace(LINE, stale=True, swept_at="", last_sweep_error="denied.")
    found = digest_of(report(controls=(line,)), TOLD)
    assert found.news
    assert "- log-retention: no sweep was ever complete: denied.\n" in text(found)
    assert "1 control not wholly known" in subject(found)


def test_a_last_sweep_that_was_not_complete_is_news() -> None:
    """Though one before it was, lately: what it did not read may be out of order."""
    found = digest_of(report(controls=(replace(LINE, last_sweep_error="3 failed"),)), TOLD)
    assert (found.news, "3 failed" in text(found)) == (True, True)


def test_a_message_says_what_whose_and_why_and_where_the_rest_is() -> None:
    """In plain lines, a part for each sort of news."""
    entry = replace(ENTRY, first_seen=FRESH, owner="payments")
    failing = replace(ENTRY, fate=Fate.FAILED, attempts=1, next_attempt="with the next sweep")
    told = text(digest_of(report(entry, failing), TOLD), "s3://bucket/report.html")
    assert told.splitlines() == [
        f"Account {ACCOUNT}, Region {REGION}, 2026-11-24T06:00:00Z.",
        "2 violations are open, 1 of them new since 2026-11-23T06:00:00Z.",
        "Compliance score 100.0 %: 1 of 1 compliant.",
        "",
        "New violations:",
        "- [MEDIUM] log-retention /aws/lambda/orders (owner payments): never expires",
        "",
        "Could not be put right or read:",
        "- log-retention /aws/lambda/orders: never expires; tried again with the next sweep",
        "",
        "The whole report: s3://bucket/report.html",
    ]


def test_a_message_is_bounded_and_says_what_it_leaves_out() -> None:
    """Twenty of each sort."""
    entries = [replace(ENTRY, first_seen=FRESH, ref=Ref("K", f"{n}")) for n in range(SHOWN + 7)]
    lines = text(digest_of(report(*entries), TOLD)).splitlines()
    assert "- and 7 more" in lines
    assert len(lines) == SHOWN + 6
    assert "more" not in text(digest_of(report(*entries[:SHOWN]), TOLD))


def test_a_control_that_is_off_is_not_missed() -> None:
    """Somebody decided so."""
    line = replace(LINE, stale=True, swept_at="", mode=Mode.OFF)
    assert not digest_of(report(controls=(line,)), TOLD).news


def test_the_first_digest_tells_of_everything() -> None:
    """What is open, and what ends soon or has ended; nothing is new since anything."""
    lines = (exemption("2026-11-20"), exemption("2026-11-30"), exemption("2027-11-30"))
    found = digest_of(report(ENTRY, exemptions=lines), Told())
    assert (found.new, found.expiring, found.news) == ((ENTRY,), lines[:2], True)
    assert text(found).splitlines()[1] == "1 violation is open."


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_subject_is_what_sns_takes_and_names_add_no_lines(name: str, reason: str) -> None:
    """ASCII, a hundred characters, whatever a stack and a resource are called."""
    entry = replace(ENTRY, first_seen=FRESH, ref=Ref("K", name), reason=reason)
    found: Digest = digest_of(report(entry, stack=name[:128]), TOLD)
    told = subject(found)
    assert len(told) <= 100
    assert told.isascii()
    assert len(text(found).splitlines()) == 6


def test_the_gravest_are_told_first() -> None:
    """Of twenty that are shown none is left out for a lesser one."""
    lesser = [replace(ENTRY, id=f"{n:032}", ref=Ref("K", f"{n}")) for n in range(SHOWN)]
    grave = replace(ENTRY, severity=Severity.HIGH, fate=Fate.FAILED)
    found = digest_of(report(*lesser, grave), Told())
    assert found.new == (grave, *lesser)
    assert "- [HIGH] log-retention /aws/lambda/orders" in text(found)
