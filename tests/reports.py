"""Reports of any content: what people and AWS may write into names, reasons and tags."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from steward.ledger import Change, Status, stamp
from steward.model import Call, Exemption, Fate, Mode, Ref, Severity, Trigger, Verdict
from steward.reports.dataset import (
    ControlLine,
    Entry,
    ExemptionLine,
    Figure,
    Point,
    Report,
    Standing,
)

NASTY = st.sampled_from(
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        'a "quoted", text',
        "two\r\nlines",
        "\x00\x0b\x1b[31m\x7f\x85",
        "\ufffe\uffff",
        "\ud800 alone",
        "</script><script>alert(1)</script>",
        "]]>&amp;<!--",
        "\u202egnp.exe",
        "a\u0301 ä 😀",
        " ",
        "'",
    ]
)
TEXTS = NASTY | st.text(st.characters(), max_size=12)
NAMES = TEXTS.filter(bool)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is added
STAMPS = MOMENTS.map(stamp)
MAYBE = st.just("") | STAMPS
REFS = st.builds(Ref, NAMES, NAMES)
CONTROLS = st.sampled_from(["log-retention", "api-alarms", "function-versions"])
SEVERITIES = st.sampled_from(Severity)
EXEMPTIONS = st.builds(Exemption, NAMES, TEXTS, TEXTS, st.dates(date(2000, 1, 1), date(2100, 1, 1)))
DOCUMENTS = st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=2)
CALLS = st.builds(Call, NAMES, NAMES, DOCUMENTS)
CHANGES = st.builds(
    Change,
    id=NAMES,
    control=CONTROLS,
    ref=REFS,
    status=st.sampled_from(Status),
    at=STAMPS,
    trigger=st.sampled_from(Trigger),
    run=NAMES,
    code=NAMES,
    reason=TEXTS,
    before=DOCUMENTS,
    calls=st.lists(CALLS, max_size=1).map(tuple),
    sent=st.integers(0, 2),
    error=TEXTS,
    settled_at=MAYBE,
    undoes=TEXTS,
)
ENTRIES = st.builds(
    Entry,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    control=CONTROLS,
    ref=REFS,
    standing=st.sampled_from(Standing),
    verdict=st.sampled_from(Verdict),
    code=NAMES,
    reason=TEXTS,
    severity=SEVERITIES,
    fate=st.sampled_from(Fate),
    first_seen=MAYBE,
    last_seen=MAYBE,
    closed_at=MAYBE,
    owner=TEXTS,
    attempts=st.integers(0, 5),
    next_attempt=TEXTS,
    exemption=st.none() | EXEMPTIONS,
    last_change=st.none() | CHANGES,
    wrong=TEXTS,
    owner_of=TEXTS,
)
LINES = st.builds(
    ControlLine,
    id=CONTROLS,
    title=NAMES,
    severity=SEVERITIES,
    mode=st.sampled_from(Mode),
    counts=st.fixed_dictionaries({standing: st.integers(0) for standing in Standing}),
    compliant=st.integers(0),
    swept_at=MAYBE,
    last_sweep=MAYBE,
    last_sweep_error=TEXTS,
    stale=st.booleans(),
    not_applicable=st.integers(0),
    watched_since=MAYBE,
    policy_hash=TEXTS,
)
REPORTS = st.builds(
    Report,
    account=st.just("111122223333"),
    region=st.just("eu-west-1"),
    partition=st.just("aws"),
    stack=TEXTS,
    generated_at=STAMPS,
    version=st.just("1"),
    controls=st.lists(LINES, max_size=2, unique_by=lambda line: line.id).map(tuple),
    entries=st.lists(ENTRIES, max_size=3).map(tuple),
    changes=st.lists(CHANGES, max_size=1).map(tuple),
    exemptions=st.lists(
        st.builds(
            ExemptionLine,
            CONTROLS,
            EXEMPTIONS,
            st.sampled_from(["ledger", "policy", "tag"]),
            st.integers(0),
            st.lists(TEXTS, max_size=1).map(tuple),
        ),
        max_size=1,
    ).map(tuple),
    trend=st.lists(st.builds(Point, CONTROLS, STAMPS, st.integers()), max_size=1).map(tuple),
    figures=st.lists(
        st.builds(
            Figure,
            TEXTS,
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(["USD a month", "bytes"]) | TEXTS,
            TEXTS,
            st.sampled_from(["saving", "cost", ""]),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=1,
    ).map(tuple),
    window_days=st.just(30),
    notes=st.lists(TEXTS, max_size=1).map(tuple),
    records_since=MAYBE,
    owner_keys=st.lists(TEXTS, max_size=2).map(tuple),
)
