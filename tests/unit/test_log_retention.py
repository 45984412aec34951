"""Whether a log group keeps its events as long as it should: the judgement."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.log_retention import CONTROL
from steward.controls.log_retention.assess import CODES, assess
from steward.controls.log_retention.state import DAYS_TAG, LEGAL_DAYS, LogGroup, Policy
from steward.errors import Denied
from steward.evaluate import foretold
from steward.model import Sight, Verdict
from steward.policy import load
from steward.run import REASON
from tests.fakes import START, Answer, FakeAws, NothingKnown


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def group(days: int | None = None, **fields: Any) -> LogGroup:
    return LogGroup(
        **{"name": "/aws/lambda/orders", "stored_bytes": 0, "age_days": 0, **fields}, days=days
    )


OLD = {"age_days": 400, "stored_bytes": 10}
TAGGED = {"honor_tags": True}


@pytest.mark.parametrize(
    ("state", "asked", "code", "days"),
    [
        pytest.param(group(), {"days": 7}, "NEVER_EXPIRES", 7, id="RET-1 new group"),
        pytest.param(group(7), {"days": 7}, "WITHIN_POLICY", None, id="RET-2 as asked"),
        pytest.param(group(5), {"days": 7}, "WITHIN_POLICY", None, id="RET-2 set, no band"),
        pytest.param(group(30), {"days": 7}, "WITHIN_POLICY", None, id="RET-7 set already"),
        pytest.param(group(3653), {"days": 7}, "WITHIN_POLICY", None, id="RET-24 longer, no band"),
        pytest.param(
            group(3653), {"days": 7, "max_days": 90}, "TOO_LONG", None, id="RET-24 not shortened"
        ),
        pytest.param(
            group(3653),
            {"days": 7, "max_days": 90, "shorten": True},
            "TOO_LONG",
            90,
            id="RET-24 shortened to max_days",
        ),
        pytest.param(group(7), {"min_days": 14}, "TOO_SHORT", 30, id="too short: days"),
        pytest.param(
            group(7), {"days": 90, "min_days": 90}, "TOO_SHORT", 90, id="too short: min_days"
        ),
        pytest.param(group(14), {"min_days": 14}, "WITHIN_POLICY", None, id="just long enough"),
        pytest.param(group(90), {"max_days": 90}, "WITHIN_POLICY", None, id="just short enough"),
        pytest.param(group(**OLD), {}, "NEVER_EXPIRES_WITH_HISTORY", None, id="history is kept"),
        pytest.param(
            group(**OLD), {"shorten": True}, "NEVER_EXPIRES_WITH_HISTORY", 30, id="history given up"
        ),
        pytest.param(
            group(age_days=400), {}, "NEVER_EXPIRES", 30, id="old and empty: nothing is lost"
        ),
        pytest.param(
            group(age_days=15, stored_bytes=9), {}, "NEVER_EXPIRES", 30, id="younger than its days"
        ),
        pytest.param(
            group(age_days=16, stored_bytes=9),
            {},
            "NEVER_EXPIRES_WITH_HISTORY",
            None,
            id="events were put 14 days late; 16 whole days and some hours make more than 30",
        ),
        pytest.param(
            group(age_days=None, stored_bytes=None),
            {},
            "NEVER_EXPIRES_WITH_HISTORY",
            None,
            id="age and size not told: may hold history",
        ),
        pytest.param(
            group(None, log_class="DELIVERY"), {}, "DELIVERY_CLASS", None, id="RET-26 delivery"
        ),
        pytest.param(
            group(log_class="INFREQUENT_ACCESS"), {}, "NEVER_EXPIRES", 30, id="infrequent access"
        ),
        pytest.param(group(log_class="ESSENTIALS"), {}, "NEVER_EXPIRES", 30, id="essentials"),
        pytest.param(
            group(90, account_policy="org"),
            {"max_days": 30, "shorten": True},
            "MANAGED_BY_ACCOUNT_POLICY",
            None,
            id="RET-30 account policy",
        ),
        pytest.param(
            group(None, account_policy="org"),
            {},
            "MANAGED_BY_ACCOUNT_POLICY",
            None,
            id="RET-30 account policy says never expire",
        ),
        pytest.param(
            group(),
            {
                "rules": [
                    {"name": "/aws/rds/*", "days": 7},
                    {"name": "/aws/lambda/*", "days": 14},
                    {"name": "/aws/*", "days": 60},
                ]
            },
            "NEVER_EXPIRES",
            14,
            id="RET-32 first match wins",
        ),
        pytest.param(
            group(), {"rules": [{"name": "lambda", "days": 7}]}, "NEVER_EXPIRES", 30, id="anchored"
        ),
        pytest.param(
            group(tags={"env": "prod"}),
            {"rules": [{"tags": {"env": "pro*"}, "days": 365}]},
            "NEVER_EXPIRES",
            365,
            id="rule by tag",
        ),
        pytest.param(
            group(tags={"env": "prod"}),
            {"rules": [{"name": "/ecs/*", "tags": {"env": "prod"}, "days": 365}]},
            "NEVER_EXPIRES",
            30,
            id="a rule matches by name and tag",
        ),
        pytest.param(
            group(tags={"legal": ""}),
            {"rules": [{"tags": ["legal"], "days": 3653}]},
            "NEVER_EXPIRES",
            3653,
            id="an empty value is a value",
        ),
        pytest.param(
            group(tags={"hands": "off"}),
            {"rules": [{"tags": ["hands=off"], "days": None}]},
            "EXCLUDED_BY_RULE",
            None,
            id="RET-17, RET-32 excluded by tag",
        ),
        pytest.param(
            group(tags={DAYS_TAG: "90"}),
            {**TAGGED, "rules": [{"name": "/aws/*", "days": 7}]},
            "NEVER_EXPIRES",
            90,
            id="a tag beats the rules",
        ),
        pytest.param(group(tags={DAYS_TAG: "90"}), {}, "NEVER_EXPIRES", 30, id="tag not honored"),
        pytest.param(group(tags={DAYS_TAG: "8"}), TAGGED, "INVALID_TAG", None, id="RET-25 bad tag"),
        pytest.param(group(tags={DAYS_TAG: " 90"}), TAGGED, "INVALID_TAG", None, id="exact"),
        pytest.param(
            group(tags={DAYS_TAG: "3653"}),
            {**TAGGED, "max_days": 365},
            "NEVER_EXPIRES",
            365,
            id="a tag cannot leave the band",
        ),
    ],
)
def test_judgement(state: LogGroup, asked: dict[str, Any], code: str, days: int | None) -> None:
    """A code, and the retention that would be put, if any."""
    finding = assess(state, policy(**asked))
    assert finding.code == code
    assert [call.params["retentionInDays"] for call in finding.remediation] == (
        [] if days is None else [days]
    )


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("WITHIN_POLICY", Verdict.COMPLIANT),
        ("NEVER_EXPIRES", Verdict.NON_COMPLIANT),
        ("INVALID_TAG", Verdict.NON_COMPLIANT),
        ("DELIVERY_CLASS", Verdict.NOT_APPLICABLE),
        ("MANAGED_BY_ACCOUNT_POLICY", Verdict.NOT_APPLICABLE),
        ("EXCLUDED_BY_RULE", Verdict.NOT_APPLICABLE),
    ],
)
def test_a_code_has_one_verdict(code: str, verdict: Verdict) -> None:
    """Each code stands for a way to be in order, or not."""
    examples: dict[str, tuple[LogGroup, dict[str, Any]]] = {
        "WITHIN_POLICY": (group(7), {}),
        "NEVER_EXPIRES": (group(), {}),
        "INVALID_TAG": (group(tags={DAYS_TAG: "x"}), TAGGED),
        "DELIVERY_CLASS": (group(log_class="DELIVERY"), {}),
        "MANAGED_BY_ACCOUNT_POLICY": (group(account_policy="org"), {}),
        "EXCLUDED_BY_RULE": (group(), {"rules": [{"name": "/aws/*", "days": None}]}),
    }
    state, asked = examples[code]
    assert assess(state, policy(**asked)).verdict is verdict


def test_giving_up_history_says_what_is_lost() -> None:
    """The reason and the call both say that it cannot be restored."""
    [call] = assess(group(**OLD), policy(shorten=True)).remediation
    finding = assess(group(**OLD), policy())
    assert "cannot be restored" in call.irreversible
    assert "cannot be restored" in finding.reason
    assert "shorten: true" in finding.reason


def test_lengthening_and_setting_can_be_taken_back_whole() -> None:
    """Undo of a first retention deletes it; of another value it puts that value back."""
    [first] = assess(group(), policy()).remediation
    [longer] = assess(group(7), policy(min_days=14)).remediation
    assert first.undo is not None
    assert longer.undo is not None
    assert (first.undo.operation, first.undo.params) == (
        "DeleteRetentionPolicy",
        {"logGroupName": "/aws/lambda/orders"},
    )
    assert longer.undo.params["retentionInDays"] == 7
    assert not first.irreversible
    assert not longer.irreversible
    assert not first.undo.irreversible
    assert "older than 7 days" in longer.undo.irreversible


DAYS = st.sampled_from(LEGAL_DAYS)
TAGS = st.dictionaries(
    st.sampled_from([DAYS_TAG, "env", "team"]), st.sampled_from(["7", "90", "prod", ""]), max_size=3
)
STATES = st.builds(
    LogGroup,
    name=st.from_regex(r"[.\-_/#A-Za-z0-9]{1,512}", fullmatch=True),
    days=st.none() | DAYS,
    log_class=st.sampled_from(["STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS", "DELIVERY", "NEW"]),
    account_policy=st.just("") | st.text(min_size=1, max_size=256),
    age_days=st.none() | st.integers(0, 5000),
    stored_bytes=st.none() | st.integers(0, 9),
    tags=TAGS,
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    low, days, high = sorted(draw(st.tuples(DAYS, DAYS, DAYS)))
    rule = {
        "name": draw(st.sampled_from(["*a*", "/*"])),
        "days": draw(st.sampled_from([days, None])),
    }
    return policy(
        days=days,
        min_days=draw(st.sampled_from([low, None])),
        max_days=draw(st.sampled_from([high, None])),
        shorten=draw(st.booleans()),
        honor_tags=draw(st.booleans()),
        rules=draw(st.sampled_from([[], [rule], [{"tags": ["env=prod"], "days": days}]])),
    )


@given(STATES, policies())
def test_the_judgement_is_total_and_its_calls_settle_it(state: LogGroup, asked: Policy) -> None:
    """Any group gets a documented code and a short reason; what is planned ends in COMPLIANT."""
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    if finding.remediation:
        assert finding.verdict is Verdict.NON_COMPLIANT
        assert assess(foretold(state, finding.remediation), asked).verdict is Verdict.COMPLIANT


@given(STATES, policies())
def test_nothing_is_shortened_unless_the_policy_says_so(state: LogGroup, asked: Policy) -> None:
    """A planned call that may delete events needs shorten, and says so itself."""
    for call in assess(state, asked).remediation:
        days = call.params["retentionInDays"]
        deletes = state.days is None or days < state.days
        harmless = state.days is None and not state.has_events_older_than(days)
        if deletes and not harmless:
            assert asked.shorten
            assert call.irreversible


def described(*sizes: int | None) -> dict[str, Any]:
    """An answer of DescribeLogGroups; None: it does not tell how much the group stores."""
    groups = [
        {"logGroupName": f"/{n}", "arn": f"arn:{n}:*", "creationTime": 0, "storedBytes": size}
        for n, size in enumerate(sizes)
    ]
    told = [{k: v for k, v in one.items() if v is not None} for one in groups]
    return {"logGroups": told}


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        pytest.param([3, 0, 4], 7, id="every group"),
        pytest.param([], 0, id="no group"),
        pytest.param([3, None], None, id="a group that does not tell"),
    ],
)
def test_a_page_tells_what_its_groups_store(sizes: list[int | None], told: int | None) -> None:
    """Whether they are excluded or not, by what was read in any case."""
    aws = FakeAws({("logs", "DescribeLogGroups"): described(*sizes)})
    asked = policy(exclude=["/0"])
    [page] = CONTROL.discover(Sight(aws, asked, NothingKnown(), START), None)
    assert page.gauges == {"LogStoredBytes": told}
    assert len(aws.requests) == 1


def test_of_a_group_that_could_not_be_read_nobody_knows_what_it_stores() -> None:
    """Its tags are needed, and denied."""
    answers: dict[tuple[str, str], Answer] = {
        ("logs", "DescribeLogGroups"): described(3),
        ("resourcegroupstaggingapi", "GetResources"): Denied("no"),
    }
    asked = policy(honor_tags=True)
    [page] = CONTROL.discover(Sight(FakeAws(answers), asked, NothingKnown(), START), None)
    assert page.gauges == {"LogStoredBytes": None}
