"""Whether a stream has the shards that its load takes: the judgement.

Of the scenarios of an autoscaler that alarms drive, these have nothing here to be true of:

- KIN-1: no alarm's message names a stream; a look is told the stream's name.
- KIN-2: thresholds need not be moved with the shards; the load is judged anew at each look. What
  becomes of the shards, doubled or halved, is among the cases of KIN-10 and KIN-13.
- KIN-3: there are no alarms, up and down, whose tags say which is which.
- KIN-4: no tag says when a stream was last scaled; the ledger remembers. That a change waits for
  the time after another is among the cases.
- KIN-5, KIN-6: no alarm's state is set, and none is updated.
- KIN-7: no alarm is tagged with the time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.stream_capacity import CONTROL
from steward.controls.stream_capacity.assess import assess
from steward.controls.stream_capacity.codes import CODES
from steward.controls.stream_capacity.load import (
    BYTES,
    LAG,
    READS_REFUSED,
    RECORDS,
    REJECTED,
    SHARD_BYTES,
    Load,
    Points,
    load,
)
from steward.controls.stream_capacity.memory import Memory
from steward.controls.stream_capacity.state import Policy, Stream
from steward.errors import BadPolicy
from steward.evaluate import foretold
from steward.model import Verdict
from steward.policy import load as load_policy
from steward.run import REASON
from tests.fakes import START

SCALING: dict[str, Any] = {"managed": ["orders"], "scale_down": True, "max_shards": None}


def policy(**fields: Any) -> Policy:
    loaded: Policy = load_policy(CONTROL, fields).policy
    return loaded


def stream(shards: int, needed: float = 1.0, **fields: Any) -> Stream:
    """A stream whose load fills so many shards as far as the default policy wants them filled."""
    told = Load(bytes=int(needed * SHARD_BYTES * 0.7), **fields.pop("told", {}))
    usual = {"name": "orders", "counted": shards, "load": told, "age_hours": 48}
    return Stream(**{**usual, **fields}, shards=shards)


def target(found: Stream, **asked: Any) -> int | None:
    """How many shards the stream would be given; None where nothing is called for."""
    calls = assess(found, policy(**{**SCALING, **asked})).remediation
    return calls[0].params["TargetShardCount"] if calls else None


def settled(found: Stream, **asked: Any) -> int:
    """How many shards a stream ends with whose load stays as it is."""
    while (wanted := target(found, **asked)) is not None:
        found = replace(found, shards=wanted, counted=wanted)
    return found.shards


REJECTS: dict[str, Any] = {"told": {"rejected": True, "rejects": True}}
LAGS: dict[str, Any] = {"told": {"lag_minutes": 6}}
READS: dict[str, Any] = {"told": {"lag_minutes": 6, "reads_refused": True}}
JUST_NOW: dict[str, Any] = {"settled_minutes": 59}


@pytest.mark.parametrize(
    ("state", "asked", "code", "shards"),
    [
        pytest.param(stream(2, 2.0), {}, "FITS", None, id="just enough"),
        pytest.param(stream(2, 2.1), {}, "TOO_FEW_SHARDS", 3, id="one more"),
        pytest.param(stream(2, 9.0), {}, "TOO_FEW_SHARDS", 4, id="KIN-13 no more than twice"),
        pytest.param(
            stream(1, load=Load(records=1401)), {}, "TOO_FEW_SHARDS", 2, id="by records, twice"
        ),
        pytest.param(stream(2, load=Load(records=1400)), {}, "FITS", None, id="by records, enough"),
        pytest.param(
            stream(8, 3.0, mode="ON_DEMAND", load=None), {}, "ON_DEMAND", None, id="KIN-11"
        ),
        pytest.param(
            stream(2, 9.0, status="UPDATING"), {}, "BEING_CHANGED", None, id="KIN-12 updating"
        ),
        pytest.param(
            stream(0, status="CREATING"), {}, "BEING_CHANGED", None, id="KIN-12 being created"
        ),
        pytest.param(stream(9), {"streams": ["other"]}, "NOT_SELECTED", None, id="not selected"),
        pytest.param(stream(2), {"streams": ["ord"]}, "NOT_SELECTED", None, id="anchored"),
        pytest.param(
            stream(1, 2.0), {"managed": []}, "TOO_FEW_SHARDS", None, id="not ours to change"
        ),
        pytest.param(
            stream(8), {"managed": ["order"]}, "TOO_MANY_SHARDS", None, id="managed is anchored"
        ),
        pytest.param(stream(2), {"min_shards": 3}, "TOO_FEW_SHARDS", 3, id="at least min_shards"),
        pytest.param(
            stream(2, load=None), {"min_shards": 3}, "TOO_FEW_SHARDS", 3, id="also with no metrics"
        ),
        pytest.param(
            stream(3, 5.0), {"max_shards": 4}, "TOO_FEW_SHARDS", 4, id="no more than max_shards"
        ),
        pytest.param(
            stream(4, 5.0), {"max_shards": 4}, "AT_MAX_SHARDS", None, id="has max_shards already"
        ),
        pytest.param(
            stream(5, 6.0), {"max_shards": 4}, "AT_MAX_SHARDS", None, id="has more than max_shards"
        ),
        pytest.param(
            stream(10_000, 20_000), {}, "AT_MAX_SHARDS", None, id="no more than Kinesis gives"
        ),
        pytest.param(stream(4, load=None), {}, "NO_METRICS", None, id="no evidence of no load"),
        pytest.param(stream(4, 4.0, **REJECTS), {}, "TOO_FEW_SHARDS", 5, id="records are rejected"),
        pytest.param(
            stream(5, 4.0, **REJECTS), {}, "TOO_FEW_SHARDS", 7, id="a quarter more, rounded up"
        ),
        pytest.param(
            stream(1, **REJECTS), {}, "TOO_FEW_SHARDS", 2, id="rejected by the only shard"
        ),
        pytest.param(stream(2, **REJECTS), {}, "UNEVEN_LOAD", None, id="half would take the load"),
        pytest.param(
            stream(2, **REJECTS),
            {"min_shards": 2},
            "UNEVEN_LOAD",
            None,
            id="half would take the load, whatever min_shards",
        ),
        pytest.param(
            stream(4, 4.0, **REJECTS),
            {"max_shards": 4},
            "AT_MAX_SHARDS",
            None,
            id="rejected by max_shards",
        ),
        pytest.param(stream(4, 4.0, **READS), {}, "TOO_FEW_SHARDS", 5, id="reads are refused"),
        pytest.param(
            stream(4, 4.0, told={"reads_refused": True}),
            {},
            "FITS",
            None,
            id="reads are refused, and nobody lags",
        ),
        pytest.param(
            stream(4, 4.0, **LAGS), {}, "FITS", None, id="a lag that is not the stream's doing"
        ),
        pytest.param(stream(4, 2.0), {}, "TOO_MANY_SHARDS", 3, id="fewer, with some to spare"),
        pytest.param(stream(3, 2.4), {}, "FITS", None, id="not enough to spare for fewer"),
        pytest.param(stream(9, 2.0), {}, "TOO_MANY_SHARDS", 5, id="KIN-13 no less than half"),
        pytest.param(
            stream(9, 5.0), {"max_shards": 4}, "TOO_MANY_SHARDS", 6, id="above max_shards"
        ),
        pytest.param(
            stream(4), {"min_shards": 3}, "TOO_MANY_SHARDS", 3, id="no fewer than min_shards"
        ),
        pytest.param(stream(8), {"scale_down": False}, "TOO_MANY_SHARDS", None, id="reported only"),
        pytest.param(stream(8, **LAGS), {}, "TOO_MANY_SHARDS", None, id="KIN-15 a consumer lags"),
        pytest.param(
            stream(8, **LAGS), {"lag_minutes": 6}, "TOO_MANY_SHARDS", 4, id="KIN-15 within bounds"
        ),
        pytest.param(
            stream(8, told={"rejected": True}), {}, "FITS", None, id="rejected not long ago"
        ),
        pytest.param(stream(8, age_hours=23), {}, "FITS", None, id="no whole look-back yet"),
        pytest.param(stream(8, age_hours=24), {}, "TOO_MANY_SHARDS", 4, id="a whole look-back"),
        pytest.param(
            stream(8, **JUST_NOW), {}, "TOO_MANY_SHARDS", None, id="KIN-4 too soon for fewer"
        ),
        pytest.param(
            stream(8, settled_minutes=60), {}, "TOO_MANY_SHARDS", 4, id="KIN-4 late enough"
        ),
        pytest.param(
            stream(4, 5.0, **JUST_NOW), {}, "TOO_FEW_SHARDS", None, id="KIN-4 too soon for more"
        ),
        pytest.param(
            stream(4, 5.0, settled_minutes=60), {}, "TOO_FEW_SHARDS", 5, id="late enough for more"
        ),
        pytest.param(
            stream(4, 5.8, **JUST_NOW), {}, "TOO_FEW_SHARDS", 6, id="more than they can take"
        ),
        pytest.param(
            stream(4, 4.0, **REJECTS, **JUST_NOW), {}, "TOO_FEW_SHARDS", 5, id="rejected: at once"
        ),
        pytest.param(
            stream(8, settled_minutes=0),
            {"cooldown_minutes": 0},
            "TOO_MANY_SHARDS",
            4,
            id="no waiting",
        ),
    ],
)
def test_judgement(state: Stream, asked: dict[str, Any], code: str, shards: int | None) -> None:
    """A code, and the shards that the stream would be given, if any."""
    assert assess(state, policy(**{**SCALING, **asked})).code == code
    assert target(state, **asked) == shards


@pytest.mark.parametrize(
    ("shards", "needed", "asked", "after"),
    [
        pytest.param(1, 1.15, {}, 2, id="1 and 15 %"),
        pytest.param(1, 1.7, {}, 2, id="1 and 70 %"),
        pytest.param(10, 17.0, {}, 17, id="10 and 70 %"),
        pytest.param(5, 5.5, {}, 6, id="5 by 110 %"),
        pytest.param(7, 14.0, {}, 14, id="7 by 200 %"),
        pytest.param(2, 6.0, {}, 6, id="2 by 300 %, in two steps"),
        pytest.param(8, 88.0, {}, 88, id="8 by 1100 %, in four steps"),
        pytest.param(10, 17.0, {"max_shards": 15}, 15, id="10 and 70 %, 15 at most"),
        pytest.param(3, 3 * 0.85 / 1.2, {}, 3, id="3 less 15 %"),
        pytest.param(1, 1 / 5, {}, 1, id="1 by 500 %"),
        pytest.param(10, 10 / 12, {}, 1, id="10 by 1200 %, in four steps"),
        pytest.param(1, 0.8, {}, 1, id="1 less 20 %"),
        pytest.param(10, 8 / 1.2, {}, 8, id="10 less 20 %"),
        pytest.param(6, 3 / 1.2, {}, 3, id="6 less 50 %"),
        pytest.param(6, 3 / 1.2, {}, 3, id="6 by 200 %"),
        pytest.param(5, 5 / 1.1 / 1.2, {}, 5, id="5 by 110 %: 4 would not do"),
        pytest.param(10, 10 / 3 / 1.2, {}, 4, id="10 by 300 %: 3 would not do"),
        pytest.param(10, 10 / 12, {"min_shards": 3}, 3, id="10 by 1200 %, 3 at least"),
    ],
)
def test_a_stream_ends_with_the_shards_its_load_needs(
    shards: int, needed: float, asked: dict[str, Any], after: int
) -> None:
    """KIN-10, of which the percentages are taken for a change of the load.

    By doubling and halving where one step may not do it; always rounded up, where the source
    rounds down and would reject records; for fewer there must be a fifth to spare.
    """
    assert settled(stream(shards, needed), **asked) == after


@pytest.mark.parametrize(
    ("by_bytes", "by_records", "after"),
    [
        pytest.param(6, 1, 6, id="more if the bytes need it"),
        pytest.param(1, 6, 6, id="more if the records need it"),
        pytest.param(2, 3.4, 4, id="fewer only if neither needs them"),
        pytest.param(3.4, 3.2, 4, id="neither more nor fewer"),
    ],
)
def test_the_nearer_limit_decides(by_bytes: float, by_records: float, after: int) -> None:
    """KIN-10: a shard takes 1 MB a second and 1,000 records, whichever comes first."""
    told = Load(bytes=round(by_bytes * 700_000), records=round(by_records * 700))
    assert settled(stream(4, load=told)) == after


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        pytest.param(stream(2, 2.0), Verdict.COMPLIANT, id="FITS"),
        pytest.param(stream(2, load=None), Verdict.COMPLIANT, id="NO_METRICS"),
        pytest.param(stream(2, 3.0), Verdict.NON_COMPLIANT, id="TOO_FEW_SHARDS"),
        pytest.param(stream(9, 3.0), Verdict.NON_COMPLIANT, id="TOO_MANY_SHARDS"),
        pytest.param(stream(16, 17.0), Verdict.NON_COMPLIANT, id="AT_MAX_SHARDS"),
        pytest.param(stream(2, **REJECTS), Verdict.NON_COMPLIANT, id="UNEVEN_LOAD"),
        pytest.param(stream(2, mode="ON_DEMAND"), Verdict.NOT_APPLICABLE, id="ON_DEMAND"),
        pytest.param(stream(2, status="UPDATING"), Verdict.NOT_APPLICABLE, id="BEING_CHANGED"),
        pytest.param(stream(2, name="other"), Verdict.NOT_APPLICABLE, id="NOT_SELECTED"),
    ],
)
def test_a_code_has_one_verdict(
    state: Stream, verdict: Verdict, request: pytest.FixtureRequest
) -> None:
    """A stream that is being changed is no failure of the sweep that comes by."""
    finding = assess(state, policy(streams=["orders"]))
    assert (finding.code, finding.verdict) == (request.node.callspec.id, verdict)


@pytest.mark.parametrize(
    ("state", "asked", "told"),
    [
        pytest.param(stream(1, 2.0), {"managed": []}, "not among managed streams", id="managed"),
        pytest.param(stream(8), {"scale_down": False}, "needs scale_down: true", id="scale_down"),
        pytest.param(stream(8, **LAGS), {}, "a consumer lags", id="lag"),
        pytest.param(stream(8, **JUST_NOW), {}, "waits for 60 minutes", id="cooldown"),
        pytest.param(stream(4, 5.0), {"max_shards": 4}, "max_shards is 4", id="max_shards"),
        pytest.param(stream(1, 2.0), {}, "1 shard: 2 are needed", id="the load"),
        pytest.param(
            stream(4, 4.0, **REJECTS), {}, "0.1% of the records are rejected", id="writes"
        ),
        pytest.param(stream(4, 4.0, **READS), {}, "reads are refused", id="reads"),
    ],
)
def test_the_reason_says_what_stands_against_a_change(
    state: Stream, asked: dict[str, Any], told: str
) -> None:
    """Or what speaks for it."""
    assert told in assess(state, policy(**{**SCALING, **asked})).reason


def test_a_change_is_taken_back_by_its_inverse() -> None:
    """One call, spread evenly; back again is no more than twice or half of it either."""
    [call] = assess(stream(4, 6.0), policy(**SCALING)).remediation
    assert (call.service, call.operation) == ("kinesis", "UpdateShardCount")
    assert call.params == {
        "StreamName": "orders",
        "TargetShardCount": 6,
        "ScalingType": "UNIFORM_SCALING",
    }
    assert call.undo is not None
    assert call.undo.params == {**call.params, "TargetShardCount": 4}
    assert (call.effect, call.undo.effect) == ({"shards": 6}, {"shards": 4})
    assert not call.irreversible


def test_a_bound_above_the_other_is_refused() -> None:
    """min_shards is no more than max_shards; null is no bound."""
    assert policy(min_shards=99, max_shards=None).min_shards == 99
    with pytest.raises(BadPolicy, match="min_shards: is 17, must not exceed max_shards 16"):
        policy(min_shards=17)


LOADS = st.builds(
    Load,
    bytes=st.integers(0, 40_000_000),
    records=st.integers(0, 40_000),
    rejected=st.just(value=True),
    rejects=st.booleans(),
    reads_refused=st.booleans(),
    lag_minutes=st.integers(0, 20),
) | st.builds(
    Load, bytes=st.integers(0, 40_000_000), records=st.integers(0, 40_000), lag_minutes=st.just(9)
)


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    shards = draw(st.integers(1, 64))
    return Stream(
        name=draw(st.sampled_from(["orders", "other", "x" * 128])),
        mode=draw(st.sampled_from(["PROVISIONED", "PROVISIONED", "ON_DEMAND"])),
        status=draw(st.sampled_from(["ACTIVE", "ACTIVE", "UPDATING", "DELETING", "NEW" * 99])),
        shards=shards,
        counted=shards,
        load=draw(st.none() | LOADS),
        age_hours=draw(st.integers(0, 72)),
        settled_minutes=draw(st.none() | st.integers(0, 120)),
        read_at=START.isoformat(),
        memory=f"{shards} -",
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    low, high = sorted(draw(st.tuples(st.integers(1, 70), st.integers(1, 70))))
    return policy(
        streams=draw(st.sampled_from([["*"], ["orders"]])),
        managed=draw(st.sampled_from([["*"], ["x*"]])),
        min_shards=low,
        max_shards=draw(st.sampled_from([high, None])),
        target_utilization=draw(st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.9])),
        scale_down=draw(st.booleans()),
        cooldown_minutes=draw(st.sampled_from([0, 60])),
        lag_minutes=draw(st.sampled_from([5, 10])),
    )


@given(streams(), policies())
def test_the_judgement_is_total_and_never_swings(state: Stream, asked: Policy) -> None:
    """Any stream gets a documented code and a short reason; what is planned never overshoots.

    Either it settles the matter, or one call may not go so far and the next goes the same way.
    """
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    if finding.remediation:
        [call] = finding.remediation
        after = call.params["TargetShardCount"]
        assert -(-state.shards // 2) <= after <= 2 * state.shards
        assert after != state.shards
        again = assess(foretold(state, finding.remediation), asked)
        if again.verdict is not Verdict.COMPLIANT:
            assert after in (-(-state.shards // 2), 2 * state.shards, asked.max_shards)
            assert again.code in (finding.code, "AT_MAX_SHARDS")
            [further] = again.remediation or [call]
            more = further.params["TargetShardCount"]
            assert (more > after) == (after > state.shards) or more == after


@given(streams(), policies())
def test_shards_stay_between_the_bounds(state: Stream, asked: Policy) -> None:
    """More never exceed max_shards, and fewer never fall below min_shards or below the load."""
    for call in assess(state, asked).remediation:
        after = call.params["TargetShardCount"]
        if after > state.shards:
            assert after <= (asked.max_shards or after)
        else:
            assert asked.scale_down
            assert after >= asked.shards(state.load)
            assert state.load is not None
            assert state.load.lag_minutes <= asked.lag_minutes


@pytest.mark.parametrize(
    ("before", "shards", "after"),
    [
        pytest.param("", 4, "4 -", id="nothing remembered"),
        pytest.param("nonsense", 4, "4 -", id="nothing of ours"),
        pytest.param("4 -", 4, "4 -", id="as before"),
        pytest.param("2 -", 4, f"4 {START.isoformat()}", id="somebody changed it"),
        pytest.param(
            "4 2026-11-01T00:00:00+00:00", 4, "4 2026-11-01T00:00:00+00:00", id="changed long ago"
        ),
    ],
)
def test_the_ledger_remembers_since_when_there_are_so_many_shards(
    before: str, shards: int, after: str
) -> None:
    """No API tells; a change is known to have happened by when it is first seen."""
    assert Memory.at(before, shards, START).text() == after


def test_after_a_change_the_ledger_remembers_it_at_once() -> None:
    """What was measured before it is no evidence against the new shards."""
    before = stream(4, 4.0, **REJECTS, read_at=START.isoformat(), memory="4 -")
    finding = assess(before, policy(**SCALING))
    again = assess(foretold(before, finding.remediation), policy(**SCALING))
    assert (finding.code, finding.memory) == ("TOO_FEW_SHARDS", "4 -")
    assert (again.code, again.memory) == ("FITS", f"5 {START.isoformat()}")


def points(*values: tuple[float, float]) -> Points:
    """Values by the minutes before now at which their periods began."""
    return [(START - timedelta(minutes=ago), value) for ago, value in values]


@pytest.mark.parametrize(
    ("series", "changed", "told"),
    [
        pytest.param({BYTES: [], RECORDS: []}, None, None, id="no metrics"),
        pytest.param({LAG: points((5, 0.0))}, None, Load(), id="a consumer waits, nobody writes"),
        pytest.param(
            {BYTES: points((600, 300.0), (5, 600.5)), RECORDS: points((600, 3000), (5, 0))},
            None,
            Load(bytes=3, records=10),
            id="the busiest period of each, rounded up",
        ),
        pytest.param(
            {LAG: points((35, 900_000.0), (30, 359_999.0))}, None, Load(lag_minutes=5), id="lately"
        ),
        pytest.param(
            {REJECTED: points((90, 1)), RECORDS: points((90, 999))},
            None,
            Load(records=4),
            id="one in a thousand is tolerated",
        ),
        pytest.param(
            {REJECTED: points((90, 1)), RECORDS: points((90, 998))},
            None,
            Load(records=4, rejected=True, rejects=True),
            id="more than one in a thousand",
        ),
        pytest.param(
            {REJECTED: points((90, 5)), READS_REFUSED: points((90, 5))},
            80,
            Load(rejected=True),
            id="before the last change",
        ),
        pytest.param(
            {REJECTED: points((66, 5)), READS_REFUSED: points((66, 5))},
            80,
            Load(rejected=True),
            id="while it took effect",
        ),
        pytest.param(
            {REJECTED: points((65, 5)), READS_REFUSED: points((65, 5))},
            80,
            Load(rejected=True, rejects=True, reads_refused=True),
            id="after it took effect",
        ),
    ],
)
def test_the_load_is_what_the_metrics_tell(
    series: dict[str, Points], changed: int | None, told: Load | None
) -> None:
    """The last number of shards may have come so many minutes ago."""
    since = None if changed is None else START - timedelta(minutes=changed)
    assert load(series, since, START) == told
