"""How functions log: the judgement, and how their groups are read with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.function_logging import CONTROL
from steward.controls.function_logging.assess import CODES, assess
from steward.controls.function_logging.readers import discover, observe
from steward.controls.function_logging.state import KIND, Function, Group, Policy
from steward.errors import Denied, Invalid
from steward.model import Ref, Sight, Unread, Verdict
from steward.policy import load
from steward.run import REASON
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock, NothingKnown

LIST, ONE = ("lambda", "ListFunctions"), ("lambda", "GetFunctionConfiguration")
GROUPS = ("logs", "DescribeLogGroups")


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def function(group: Group = Group.EXPIRING, levels: str = "INFO INFO", **fields: Any) -> Function:
    application, system = levels.split() if levels else ("", "")
    told = {"format": "JSON", "log_group": "/aws/lambda/orders", "group": group, **fields}
    return Function("orders", application_level=application, system_level=system, **told)


TEXT = function(format="Text", levels="")


@pytest.mark.parametrize(
    ("state", "asked", "code"),
    [
        pytest.param(function(), {}, "LOGS_AS_ASKED", id="JSON to a group that expires"),
        pytest.param(TEXT, {}, "PLAIN_TEXT", id="text"),
        pytest.param(TEXT, {"require_json": False}, "LOGS_AS_ASKED", id="text that may be"),
        pytest.param(function(levels="DEBUG INFO"), {}, "LEVEL_NOT_ALLOWED", id="debugging"),
        pytest.param(function(levels="INFO DEBUG"), {}, "LEVEL_NOT_ALLOWED", id="of the system"),
        pytest.param(
            function(levels="DEBUG WARN"),
            {"application_levels": ["DEBUG"]},
            "LOGS_AS_ASKED",
            id="debugging that may be",
        ),
        pytest.param(
            function(levels="FATAL INFO"),
            {"application_levels": ["INFO"]},
            "LEVEL_NOT_ALLOWED",
            id="too little",
        ),
        pytest.param(function(Group.MISSING), {}, "NO_LOG_GROUP", id="no group"),
        pytest.param(function(Group.KEPT_FOR_EVER), {}, "NO_RETENTION", id="kept for ever"),
        pytest.param(
            function(Group.MISSING), {"require_retention": False}, "LOGS_AS_ASKED", id="no matter"
        ),
        pytest.param(function(Group.NOT_ASKED), {}, "LOGS_AS_ASKED", id="not asked for"),
    ],
)
def test_judgement(state: Function, asked: Any, code: str) -> None:
    """A code; there is never anything to call."""
    finding = assess(state, policy(**asked))
    good = code == "LOGS_AS_ASKED"
    assert finding.code == code
    assert finding.verdict is (Verdict.COMPLIANT if good else Verdict.NON_COMPLIANT)
    assert finding.remediation == ()


def test_the_reason_tells_all_that_is_wrong() -> None:
    """The first gives the code."""
    finding = assess(function(Group.KEPT_FOR_EVER, "TRACE DEBUG"), policy())
    assert finding.code == "LEVEL_NOT_ALLOWED"
    assert finding.reason == (
        "application level is TRACE, allowed: INFO, WARN, ERROR, FATAL; "
        "system level is DEBUG, allowed: INFO, WARN; "
        "log group /aws/lambda/orders has no retention"
    )


def described(name: str, **config: str) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    told = {"FunctionName": name, "FunctionArn": arn}
    return {**told, "LoggingConfig": config} if config else told


def groups(**known: int | None) -> Any:
    """Answers with those of the groups that are asked for, by the last part of their names."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        names = asked["logGroupIdentifiers"]
        found = [(name, name.rpartition("/")[2]) for name in names]
        return {
            "logGroups": [
                {"logGroupName": name} | ({"retentionInDays": known[tail]} if known[tail] else {})
                for name, tail in found
                if tail in known
            ]
        }

    return answer


def sight(aws: FakeAws, **asked: Any) -> Sight[Any]:
    return Sight(aws, policy(**asked), NothingKnown(), FakeClock().now())


def test_fifty_functions_and_their_groups_are_two_requests() -> None:
    """A shared group is asked for once; a function that does not say logs text by its name."""
    shared = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "LogGroup": "/shop/all"}
    told = [described("a", **shared), described("b", **shared), described("c"), described("d")]
    aws = FakeAws({LIST: {"Functions": told}, GROUPS: groups(all=30, c=None)})
    [page] = discover(sight(aws), None)
    assert page.states == [
        Function("a", "JSON", "WARN", "INFO", "/shop/all", Group.EXPIRING),
        Function("b", "JSON", "WARN", "INFO", "/shop/all", Group.EXPIRING),
        Function("c", "Text", "", "", "/aws/lambda/c", Group.KEPT_FOR_EVER),
        Function("d", "Text", "", "", "/aws/lambda/d", Group.MISSING),
    ]
    [asked] = aws.asked(*GROUPS)
    assert asked == {"logGroupIdentifiers": ["/aws/lambda/c", "/aws/lambda/d", "/shop/all"]}


def test_groups_that_no_policy_asks_about_are_not_read() -> None:
    """Nobody prepared an answer."""
    aws = FakeAws({ONE: described("a")})
    [found] = observe(sight(aws, require_retention=False), [Ref(KIND, "a")])
    assert isinstance(found, Function)
    assert found.group is Group.NOT_ASKED


def test_a_group_of_class_delivery_does_not_keep_events_for_ever() -> None:
    """Its retention is AWS's, and not told."""
    group = {"logGroupName": "/aws/lambda/a", "logGroupClass": "DELIVERY"}
    aws = FakeAws({ONE: described("a"), GROUPS: {"logGroups": [group]}})
    [found] = observe(sight(aws), [Ref(KIND, "a")])
    assert isinstance(found, Function)
    assert found.group is Group.EXPIRING


def test_one_illegal_name_of_a_group_spoils_no_other() -> None:
    """The batch is halved until it is alone; whether its group is there, nobody said."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if "bad" in str(asked):
            raise Invalid("no")
        found: Mapping[str, Any] = groups(a=7, c=7)(asked)
        return found

    told = [described(name) for name in ("a", "bad", "c")]
    aws = FakeAws({LIST: {"Functions": told}, GROUPS: answer})
    [page] = discover(sight(aws), None)
    assert [one.code if isinstance(one, Unread) else one.group for one in page.states] == [
        Group.EXPIRING,
        "UNREADABLE",
        Group.EXPIRING,
    ]


def test_an_answer_without_a_list_of_groups_does_not_say_that_there_are_none() -> None:
    """Its functions are not judged."""
    aws = FakeAws({LIST: {"Functions": [described("a")]}, GROUPS: {}})
    [page] = discover(sight(aws), None)
    reason = "log group /aws/lambda/a: the answer has no logGroups"
    assert page.states == [Unread(Ref(KIND, "a"), "UNREADABLE", reason)]


@pytest.mark.parametrize("config", ["JSON", ["JSON"], {"LogFormat": None}, {"LogGroup": 1}])
def test_one_config_that_cannot_be_understood_spoils_no_other(config: Any) -> None:
    """It is told why not."""
    told = [{**described("bad"), "LoggingConfig": config}, described("good")]
    aws = FakeAws({LIST: {"Functions": told}, GROUPS: groups(good=7)})
    [page] = discover(sight(aws), None)
    assert [getattr(one, "code", "") for one in page.states] == ["UNREADABLE", ""]


def test_functions_whose_groups_cannot_be_read_are_not_judged() -> None:
    """Not even those that log plain text: what was read of them is half."""
    aws = FakeAws({LIST: {"Functions": [described("a")]}, GROUPS: Denied("no")})
    [page] = discover(sight(aws), None)
    assert page.states == [Unread(Ref(KIND, "a"), "ACCESS_DENIED", "no")]


STATES = st.builds(
    Function,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.sampled_from(["JSON", "Text", "Other"]),
    st.sampled_from(["", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "X"]),
    st.sampled_from(["", "DEBUG", "INFO", "WARN"]),
    st.text(max_size=512),
    st.sampled_from(Group),
)
POLICIES = st.builds(
    policy,
    require_json=st.booleans(),
    require_retention=st.booleans(),
    application_levels=st.lists(
        st.sampled_from(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
        min_size=1,
        unique=True,
    ),
)


@given(STATES, POLICIES)
def test_the_judgement_is_total_and_deterministic(state: Function, asked: Policy) -> None:
    """Any function gets a documented code and a short reason, and nothing to call."""
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert finding.remediation == ()
