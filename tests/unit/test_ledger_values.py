"""The ledger's values: what is worth writing, how ids are made, and that records lose nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.history import departed, is_unresolved, successor
from steward.ledger import (
    Change,
    Item,
    Status,
    Sweep,
    change_from_record,
    control_of,
    item_from_record,
    item_of,
    least_id,
    new_id,
    stamp,
    sweep_from_record,
    to_record,
)
from steward.model import Call, Fate, Finding, Ref, Trigger, Verdict

T1, T2, T3 = "2026-11-20T10:00:00Z", "2026-11-20T22:00:00Z", "2026-11-21T10:00:00Z"

REF = Ref("AWS::Logs::LogGroup", "/a")
WRONG = Item("log-retention", REF, Verdict.NON_COMPLIANT, "NEVER_EXPIRES", "why", Fate.PLANNED)
RIGHT = Item("log-retention", REF, Verdict.COMPLIANT, "WITHIN_POLICY", "30 days", Fate.NONE)
EXCLUDED = replace(RIGHT, verdict=Verdict.NOT_APPLICABLE, code="EXCLUDED")
UNREAD = replace(WRONG, verdict=Verdict.UNKNOWN, code="ACCESS_DENIED", fate=Fate.UNKNOWN)
EXEMPT = replace(WRONG, verdict=Verdict.EXEMPT, fate=Fate.NONE)

CONTROLS = st.sampled_from(["log-retention", "api-alarms", "function-versions", "queue", "a-b-c-d"])
MOMENTS = st.integers(0, 2 * 10**17).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.text(), JSON, max_size=3)
REFS = st.builds(Ref, st.text(), st.text())
CALLS = st.recursive(
    st.builds(Call, st.text(), st.text(), DOCUMENTS, st.none(), DOCUMENTS, st.text()),
    lambda inner: st.builds(Call, st.text(), st.text(), DOCUMENTS, inner, DOCUMENTS, st.text()),
    max_leaves=4,
)
TEXTS = st.text(max_size=8)
ITEMS = st.builds(
    Item,
    CONTROLS,
    REFS,
    fingerprint=TEXTS,
    first_seen=TEXTS,
    changed_at=TEXTS,
    attempts=st.integers(0),
    last_attempt=TEXTS,
    intent=TEXTS,
    memory=TEXTS,
    violation=TEXTS,
    violated_since=TEXTS,
    resolved_at=TEXTS,
)
CHANGES = st.builds(
    Change,
    ref=REFS,
    before=DOCUMENTS,
    calls=st.lists(CALLS, max_size=3).map(tuple),
    sent=st.integers(0),
    error=TEXTS,
    settled_at=TEXTS,
    undoes=TEXTS,
)
COUNTS = st.dictionaries(TEXTS, st.integers(0), max_size=3)
SWEEPS = st.builds(
    Sweep,
    finished=TEXTS,
    complete=st.booleans(),
    token=st.none() | TEXTS,
    last_id=TEXTS,
    pages=st.integers(0),
    resources=st.integers(0),
    verdicts=COUNTS,
    fates=COUNTS,
    gauges=st.dictionaries(TEXTS, st.none() | st.integers(0), max_size=2),
    error=TEXTS,
)

PUT = Call("logs", "PutRetentionPolicy", {"retentionInDays": 30}, effect={"days": 30})
DELETE = Call("logs", "DeleteRetentionPolicy", {"logGroupName": "/a"}, PUT, {"days": None})
CHANGE = Change(
    id="log-retention-20261120T100000000000-abcdef",
    control="log-retention",
    ref=REF,
    status=Status.DONE,
    at=T1,
    trigger=Trigger.EVENT,
    run="r",
    code="NEVER_EXPIRES",
    reason="why",
    before={"days": None, "tags": {"team": "a"}},
    calls=(replace(PUT, undo=DELETE, irreversible="old events"),),
    sent=1,
)


def history(*looks: Item) -> list[Item | None]:
    """What is written at each look, 12 hours apart."""
    found: list[Item | None] = []
    last: Item | None = None
    for new, now in zip(looks, (T1, T2, T3), strict=False):
        found.append(successor(last, new, now))
        last = found[-1] or last
    return found


# What is worth writing


def test_the_first_look_is_written() -> None:
    """Whatever it found, it has been so since now, for all we know."""
    assert history(WRONG) == [replace(WRONG, first_seen=T1, changed_at=T1)]


@pytest.mark.parametrize("item", [WRONG, RIGHT, EXCLUDED, UNREAD, EXEMPT])
def test_nothing_is_written_while_nothing_changes(item: Item) -> None:
    """A sweep over an account in order writes nothing but its own record."""
    assert history(item, item, item)[1:] == [None, None]


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": Verdict.EXEMPT},
        {"code": "TOO_LONG"},
        {"reason": "another"},
        {"fate": Fate.HELD},
        {"fingerprint": "0123456789abcdef"},
        {"attempts": 1},
        {"last_attempt": T2},
        {"intent": "log-retention-20261120T220000000000-abcdef"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_differs_is_a_change(change: dict[str, Any]) -> None:
    """Also an intent that was settled, or not yet: the next look needs to know."""
    _, second = history(WRONG, replace(WRONG, **change))
    assert second == replace(WRONG, **change, first_seen=T1, changed_at=T2)
    settled = successor(second, WRONG, T3)
    assert settled == replace(WRONG, first_seen=T1, changed_at=T3)


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        pytest.param(WRONG, UNREAD, T1, id="what is wrong stays so while it cannot be read"),
        pytest.param(UNREAD, WRONG, T1, id="what could not be read was not in order"),
        pytest.param(WRONG, EXEMPT, T1, id="an exemption puts nothing right"),
        pytest.param(EXEMPT, WRONG, T1, id="nor does its end make it newly wrong"),
        pytest.param(WRONG, RIGHT, T2, id="put right"),
        pytest.param(RIGHT, WRONG, T2, id="gone wrong"),
        pytest.param(RIGHT, UNREAD, T2, id="no longer known to be right"),
        pytest.param(RIGHT, EXCLUDED, T1, id="both are in order"),
        pytest.param(WRONG, EXCLUDED, T2, id="excluded"),
    ],
)
def test_first_seen_tells_since_when_it_is_out_of_order(
    before: Item, after: Item, since: str
) -> None:
    """It changes when the resource comes into order or leaves it, not with every reason."""
    last = history(before, after)[-1]
    assert last is not None
    bare = replace(last, violation="", violated_since="", resolved_at="")
    assert bare == replace(after, first_seen=since, changed_at=T2)


def test_first_seen_survives_a_time_in_which_nothing_could_be_read() -> None:
    """A lost permission does not make an old violation a new one."""
    assert history(WRONG, UNREAD, WRONG)[-1] == replace(WRONG, first_seen=T1, changed_at=T3)


OVER = {"violation": "NEVER_EXPIRES", "violated_since": T1}


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        pytest.param([WRONG, RIGHT], {**OVER, "resolved_at": T2}, id="put right"),
        pytest.param([EXEMPT, EXCLUDED], {**OVER, "resolved_at": T2}, id="no longer applicable"),
        pytest.param([WRONG, RIGHT, EXCLUDED], {**OVER, "resolved_at": T2}, id="still so"),
        pytest.param([WRONG, RIGHT, UNREAD], {**OVER, "resolved_at": T2}, id="unreadable later"),
        pytest.param([WRONG, UNREAD], OVER, id="nobody knows whether it is over"),
        pytest.param([WRONG, UNREAD, RIGHT], {**OVER, "resolved_at": T3}, id="now it is known"),
        pytest.param([WRONG, RIGHT, WRONG], {}, id="open again"),
        pytest.param([RIGHT, UNREAD, RIGHT], {}, id="never wrong"),
        pytest.param([UNREAD, RIGHT], {}, id="what was unreadable was no violation"),
        pytest.param([RIGHT, EXCLUDED], {}, id="always in order"),
    ],
)
def test_what_comes_into_order_tells_what_was_wrong(
    looks: list[Item], told: dict[str, str]
) -> None:
    """Which violation, since when and until when; an open one is told by the item itself."""
    last = next(one for one in reversed(history(*looks)) if one is not None)
    found = {"violation": last.violation, "violated_since": last.violated_since}
    found |= {"resolved_at": last.resolved_at}
    assert {name: text for name, text in found.items() if text} == told


def test_what_was_resolved_is_not_written_again() -> None:
    """A sweep over what is in order again writes nothing but its own record."""
    assert history(WRONG, RIGHT, RIGHT)[-1] is None


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        pytest.param([WRONG], True, id="open"),
        pytest.param([EXEMPT], True, id="exempt"),
        pytest.param([WRONG, UNREAD], True, id="open when it could last be read"),
        pytest.param([RIGHT], False, id="in order"),
        pytest.param([UNREAD], False, id="never read"),
        pytest.param([WRONG, RIGHT], False, id="resolved"),
        pytest.param([WRONG, RIGHT, UNREAD], False, id="resolved, then unreadable"),
    ],
)
def test_what_vanishes_out_of_order_is_told_from_what_was_put_right(
    looks: list[Item],
    kept: bool,  # noqa: FBT001  # a case
) -> None:
    """A deleted resource has not been put right."""
    last = next(one for one in reversed(history(*looks)) if one is not None)
    assert is_unresolved(last) is kept


def test_what_has_vanished_says_since_when_it_was_wrong_and_when_it_went() -> None:
    """Also where it vanished between the look and the call, and no item tells."""
    known = successor(None, replace(WRONG, intent="x"), T1)
    assert known is not None
    assert departed(known, T2) == replace(WRONG, fate=Fate.GONE, first_seen=T1, changed_at=T2)
    assert departed(WRONG, T2) == replace(WRONG, fate=Fate.GONE, first_seen=T2, changed_at=T2)


def test_a_finding_becomes_an_item_without_history() -> None:
    """What has been is the successor's business."""
    finding = Finding(REF, Verdict.NON_COMPLIANT, "NEVER_EXPIRES", "why", (Call("a", "B", {}),))
    assert item_of("log-retention", finding, Fate.PLANNED) == WRONG


# Ids and times


@given(CONTROLS, st.lists(MOMENTS, min_size=2, max_size=2, unique=True))
def test_ids_sort_by_time(control: str, moments: list[datetime]) -> None:
    """To the microsecond, so that the newest change is the last key of its control."""
    early, late = sorted(moments)
    assert new_id(control, early) < new_id(control, late)


@given(CONTROLS, st.lists(MOMENTS, min_size=2, max_size=2))
def test_ids_are_cut_at_a_stamp(control: str, moments: list[datetime]) -> None:
    """What a store leaves unread is what was made in an earlier second."""
    made, since = moments
    earlier = stamp(made) < stamp(since)
    assert (new_id(control, made) < least_id(control, stamp(since))) is earlier


def test_ids_of_the_same_moment_differ() -> None:
    """Eight changes may be written within a microsecond."""
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert len({new_id("log-retention", now) for _ in range(50)}) > 45


@given(CONTROLS, MOMENTS)
def test_an_id_names_its_control(control: str, moment: datetime) -> None:
    """Undo finds the control by the change's id alone."""
    assert control_of(new_id(control, moment)) == control


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "log-retention", "-", "--", "function-role-not-shared", "2026-11-20"],
)
def test_what_is_no_id_names_no_control(text: str) -> None:
    """A control's own name has dashes, too, and is no id of a change."""
    assert control_of(text) == ""


def test_a_moment_is_stamped_in_utc_to_the_second() -> None:
    """Stamps sort as text wherever they were made."""
    east = datetime(2026, 11, 20, 12, 30, 59, 999999, timezone(timedelta(hours=2)))
    assert stamp(east) == "2026-11-20T10:30:59Z"
    assert datetime.fromisoformat(stamp(east)) == datetime(2026, 11, 20, 10, 30, 59, tzinfo=UTC)


# Records


@given(ITEMS)
def test_an_item_survives_its_record(item: Item) -> None:
    """Nothing is lost on the way to a store and back."""
    assert item_from_record(to_record(item)) == item


@given(CHANGES)
def test_a_change_survives_its_record(change: Change) -> None:
    """Its calls with their undo, however deep, among it."""
    assert change_from_record(to_record(change)) == change


@given(SWEEPS)
def test_a_sweep_survives_its_record(sweep: Sweep) -> None:
    """Its counts and its token, which may be none, among it."""
    assert sweep_from_record(to_record(sweep)) == sweep


def test_a_sweep_of_before_has_no_gauges() -> None:
    """Its record was written by a version that knew of none."""
    sweep = Sweep("id", "log-retention", T1, "hash")
    record = to_record(sweep)
    del record["gauges"]
    assert sweep_from_record(record) == sweep


def test_an_undo_of_an_undo_survives_its_record() -> None:
    """An undo can be undone, so a call's undo knows its own."""
    [call] = change_from_record(to_record(CHANGE)).calls
    assert call.undo == DELETE
    assert call.undo.undo == PUT


@given(st.one_of(ITEMS, CHANGES, SWEEPS))
def test_a_record_is_flat(value: Item | Change | Sweep) -> None:
    """Each field is a text, a number, a truth or nothing, which both stores can keep."""
    record = to_record(value)
    assert all(inner is None or isinstance(inner, str | int) for inner in record.values())
    assert json.loads(json.dumps(record)) == record


def test_a_time_in_the_state_before_is_recorded_as_text() -> None:
    """A state may hold what JSON does not know; the record is for people to read."""
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    record = to_record(replace(CHANGE, before={"created": moment}))
    assert change_from_record(record).before == {"created": str(moment)}


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_and_a_fate_come_back_as_what_they_are(verdict: Verdict, fate: Fate) -> None:
    """A store keeps plain texts; what is read is no text that only looks alike."""
    record = json.loads(json.dumps(to_record(replace(WRONG, verdict=verdict, fate=fate))))
    item = item_from_record(record)
    assert (item.verdict, item.fate) == (verdict, fate)
    assert (type(item.verdict), type(item.fate)) == (Verdict, Fate)
