"""Schedules fire when EventBridge would fire them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.schedules import next_after

AFTER = datetime(2026, 11, 20, 10, 7, 30, tzinfo=UTC)  # a Friday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", "2026-11-20T10:08:30"),
        ("rate(12 hours)", "2026-11-20T22:07:30"),
        ("rate(2 days)", "2026-11-22T10:07:30"),
        ("at(2026-11-20T10:07:31)", "2026-11-20T10:07:31"),
        ("cron(* * * * ? *)", "2026-11-20T10:08:00"),
        ("cron(0 */12 * * ? *)", "2026-11-20T12:00:00"),
        ("cron(0/15 * * * ? *)", "2026-11-20T10:15:00"),
        ("cron(5/10 * * * ? *)", "2026-11-20T10:15:00"),
        ("cron(0-9/4,30 10 * * ? *)", "2026-11-20T10:08:00"),
        ("cron(0 2 * * ? *)", "2026-11-21T02:00:00"),
        ("cron(0 0 1 * ? *)", "2026-12-01T00:00:00"),
        ("cron(0 0 1 JAN,jul ? *)", "2027-01-01T00:00:00"),
        ("cron(0 0 31 * ? *)", "2026-12-31T00:00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00"),
        ("cron(0 9 ? * MON-FRI *)", "2026-11-23T09:00:00"),
        ("cron(0 12 ? * 6 *)", "2026-11-20T12:00:00"),
        ("cron(0 9 ? * SUN,TUE *)", "2026-11-22T09:00:00"),
        ("cron(0 9 ? * * *)", "2026-11-21T09:00:00"),
        ("cron(0 9 ? * L *)", "2026-11-21T09:00:00"),
        ("cron(15 10 ? * 6L 2026-2027)", "2026-11-27T10:15:00"),
        ("cron(0 9 ? * FRI#3 *)", "2026-12-18T09:00:00"),
        ("cron(0 9 ? * 1#5 *)", "2026-11-29T09:00:00"),
        ("cron(0 9 ? 12 1#5 *)", "2028-12-31T09:00:00"),
        ("cron(0 9 L * ? *)", "2026-11-30T09:00:00"),
        ("cron(0 9 L 2 ? *)", "2027-02-28T09:00:00"),
        ("cron(0 9 LW 1 ? *)", "2027-01-29T09:00:00"),
        ("cron(0 9 21W * ? *)", "2026-12-21T09:00:00"),
        ("cron(0 11 21W 11 ? *)", "2026-11-20T11:00:00"),
        ("cron(0 9 22W * ? *)", "2026-11-23T09:00:00"),
        ("cron(0 9 1W 5 ? *)", "2027-05-03T09:00:00"),
        ("cron(0 9 31W 1 ? 2027)", "2027-01-29T09:00:00"),
        ("cron(0 9 30W 2-3 ? *)", "2027-03-30T09:00:00"),
        ("cron(0 0 1 1 ? 2030)", "2030-01-01T00:00:00"),
        ("cron(0 0 1 1 ? 2025/10)", "2035-01-01T00:00:00"),
    ],
)
def test_the_next_firing_is_the_first_after_a_moment(expression: str, expected: str) -> None:
    """By rate, once, or by every kind of cron field."""
    assert next_after(expression, AFTER) == moment(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "at(2026-11-20T10:07:30)",
        "cron(0 0 1 1 ? 2026)",
        "cron(0 0 31 2 ? *)",
        "cron(0 0 30W 2 ? *)",
        "cron(0 0 ? 2 1#5 2027)",
    ],
    ids=["past", "past year", "no such day", "no such workday", "no fifth one"],
)
def test_some_schedules_never_fire_again(expression: str) -> None:
    """What lies in the past, or on days that do not exist."""
    assert next_after(expression, AFTER) is None


@pytest.mark.parametrize(
    ("expression", "start", "after", "expected"),
    [
        ("rate(12 hours)", "2026-11-20T03:00:00", "2026-11-20T10:07:30", "2026-11-20T15:00:00"),
        ("rate(12 hours)", "2026-11-20T03:00:00", "2026-11-20T15:00:00", "2026-11-21T03:00:00"),
        ("rate(12 hours)", "2026-11-25T03:00:00", "2026-11-20T15:00:00", "2026-11-25T03:00:00"),
        ("cron(0 0 * * ? *)", "2026-11-21T00:00:00", "2026-11-20T15:00:00", "2026-11-21T00:00:00"),
        ("cron(0 0 * * ? *)", "2026-11-21T00:00:01", "2026-11-20T15:00:00", "2026-11-22T00:00:00"),
        ("cron(0 0 * * ? *)", "2026-11-01T00:00:00", "2026-11-20T15:00:00", "2026-11-21T00:00:00"),
    ],
    ids=["counted", "exactly", "not yet", "cron at it", "cron after it", "cron long after"],
)
def test_a_schedule_begins_with_its_start(
    expression: str, start: str, after: str, expected: str
) -> None:
    """A rate is counted from there; nothing fires before."""
    assert next_after(expression, moment(after), start=moment(start)) == moment(expected)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(30 3 * * ? *)", "2026-11-20T10:00:00", "2026-11-21T02:30:00"),
        ("cron(30 3 * * ? *)", "2026-07-01T10:00:00", "2026-07-02T01:30:00"),
        ("at(2026-07-01T12:00:00)", "2026-07-01T09:59:00", "2026-07-01T10:00:00"),
        ("cron(30 2 * * ? *)", "2026-03-28T12:00:00", "2026-03-30T00:30:00"),
        ("cron(30 2 * * ? *)", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("cron(30 2 * * ? *)", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        ("cron(*/30 2-3 * * ? *)", "2026-10-25T00:30:00", "2026-10-25T02:00:00"),
    ],
    ids=["winter", "summer", "once", "skipped", "twice: first", "twice: not again", "next hour"],
)
def test_local_times_follow_the_clocks(expression: str, after: str, expected: str) -> None:
    """Summer time is an hour ahead; a skipped time does not fire, a repeated one fires once."""
    assert next_after(expression, moment(after), "Europe/Berlin") == moment(expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("every day", "is no schedule"),
        ("rate(5 minute)", "is '5 minute', allowed: 1 minute, 2 minutes"),
        ("rate(1 hours)", "is '1 hours'"),
        ("rate(0 minutes)", "is '0 minutes'"),
        ("rate(1 week)", "is '1 week'"),
        ("at(2026-11-20)", "allowed: yyyy-mm-ddThh:mm:ss"),
        ("cron(0 0 * * *)", "has 5 fields, allowed: 6"),
        ("cron(0 0 * * * *)", r"allowed: \? in exactly one"),
        ("cron(0 0 ? * ? *)", r"allowed: \? in exactly one"),
        ("cron(60 0 * * ? *)", "minutes: is '60', allowed: 0 to 59"),
        ("cron(0 24 * * ? *)", "hours: is '24'"),
        ("cron(0 0 0 * ? *)", "day-of-month: is '0'"),
        ("cron(0 0 1,32 * ? *)", "day-of-month: is '32'"),
        ("cron(0 0 XW * ? *)", "day-of-month: is 'X'"),
        ("cron(0 0 L-3 * ? *)", "day-of-month: is 'L'"),
        ("cron(0 0 1 JANUARY ? *)", "month: is 'JANUARY', allowed: 1 to 12 or JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "day-of-week: is '0', allowed: 1 to 7 or SUN to SAT"),
        ("cron(0 0 ? * FRI-MON *)", "day-of-week: is 'FRI-MON'"),
        ("cron(0 0 ? * 2/2 *)", "day-of-week: is '2/2'"),
        ("cron(0 0 ? * 3#6 *)", "day-of-week: is '3#6', allowed: # and 1 to 5"),
        ("cron(0 0 ? * 3#1,6#3 *)", "day-of-week: is '3#1,6#3'"),
        ("cron(0/0 0 * * ? *)", "minutes: is '0/0'"),
        ("cron(*-5 0 * * ? *)", r"minutes: is '\*-5'"),
        ("cron(1, 0 * * ? *)", "minutes: is ''"),
        ("cron(0 0 1 1 ? 1969)", "year: is '1969', allowed: 1970 to 2199"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str, message: str) -> None:
    """With the expression, the field, and what would do."""
    with pytest.raises(ValueError, match=message) as refused:
        next_after(expression, AFTER)
    assert str(refused.value).startswith(f"{expression}: ")


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "", "../UTC"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    """Also a folder of the database."""
    with pytest.raises(ValueError, match=r"cron\(0 0 \* \* \? \*\): "):
        next_after("cron(0 0 * * ? *)", AFTER, name)


@given(
    after=st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001  # the zone is the next argument
        datetime(2028, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_firing_is_the_first_minute_that_fits(
    after: datetime, minutes: set[int], hours: set[int], zone: str
) -> None:
    """As found by looking at every minute until then; a repeated one counts the first time."""
    listed = (",".join(map(str, sorted(numbers))) for numbers in (minutes, hours))
    found = next_after("cron({} {} * * ? *)".format(*listed), after, zone)
    assert found is not None

    def fits(minute: datetime) -> bool:
        local = minute.astimezone(ZoneInfo(zone))
        return local.minute in minutes and local.hour in hours and not local.fold

    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while not fits(minute):
        minute += timedelta(minutes=1)
    assert found == minute
