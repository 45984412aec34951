"""Whether a log group is subscribed as it should be: selection, judgement, calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.log_subscription import CONTROL
from steward.controls.log_subscription.account_policy import AccountPolicy, Cover, shipped
from steward.controls.log_subscription.assess import CODES, assess
from steward.controls.log_subscription.changes import changes_to
from steward.controls.log_subscription.log_group import LogGroup
from steward.controls.log_subscription.selection import literals
from steward.controls.log_subscription.state import RECHECK_DAYS, Policy
from steward.errors import BadPolicy
from steward.evaluate import foretold
from steward.events import ACCOUNT_POLICY, LOG_GROUP
from steward.model import Call, Finding, Ref, Verdict
from steward.policy import load
from steward.run import REASON
from tests.fakes import START

HERE = "eu-west-1:111122223333"
STREAM = f"arn:aws:kinesis:{HERE}:stream/events"
FIREHOSE = f"arn:aws:firehose:{HERE}:deliverystream/events"
FUNCTION = f"arn:aws:lambda:{HERE}:function:ship-logs"
LOGS = f"arn:aws:logs:{HERE}:destination:central"
ROLE = "arn:aws:iam::111122223333:role/ships"

OURS = {"destinationArn": FUNCTION, "filterPattern": ""}
TO_STREAM = {"destination_arn": STREAM, "role_arn": ROLE}
BY_STREAM = {
    "destinationArn": STREAM,
    "filterPattern": "",
    "roleArn": ROLE,
    "distribution": "Random",
}
FIELDS = ["@aws.account", "@source.log"]
TAGS = {"tag1": "value1", "tag2": "value2"}


def policy(**fields: Any) -> Policy:
    asked = {"mode": "enforce", "destination_arn": FUNCTION, **fields}
    loaded: Policy = load(CONTROL, asked).policy
    return loaded


def group(name: str = "/aws/lambda/test-me", **fields: Any) -> LogGroup:
    return LogGroup(name, **fields)


def sent(planned: Finding | Sequence[Call]) -> list[tuple[str, str]]:
    """What is called, in short: put or delete, and the filter's name."""
    return [
        (call.operation.removesuffix("SubscriptionFilter"), call.params["filterName"])
        for call in (planned.remediation if isinstance(planned, Finding) else planned)
    ]


PREFIX = {"include": {"prefixes": ["/aws/lambda/"]}}


@pytest.mark.parametrize(
    ("name", "tags", "asked", "selected"),
    [
        pytest.param("/aws/lambda/test-me", {}, PREFIX, True, id="SUB-1 prefix"),
        pytest.param("/api/gateway/test-me", {}, PREFIX, False, id="SUB-2 SUB-19 other prefix"),
        pytest.param("/api/gateway/test-me", {}, {}, True, id="SUB-3 SUB-21 nothing told"),
        pytest.param("/a", TAGS, {"tags": "AND tag2,tag3"}, False, id="SUB-5 one is missing"),
        pytest.param("/a", TAGS, {"tags": "AND tag2=value2,tag3"}, False, id="SUB-5 by value"),
        pytest.param("/a", TAGS, {"tags": "AND tag1=value1,tag2=value2"}, True, id="SUB-5 all"),
        pytest.param("/a", TAGS, {"tags": "OR tag3,tag4"}, False, id="SUB-6 none"),
        pytest.param("/a", TAGS, {"tags": "OR tag1=value2"}, False, id="SUB-7 another value"),
        pytest.param(
            "/api/x", TAGS, {**PREFIX, "tags": "OR tag2,tag3"}, False, id="SUB-8 prefix and tags"
        ),
        pytest.param("/a", {"tag2": ""}, {"tags": "OR tag2,tag3"}, True, id="SUB-20 one of two"),
        pytest.param("/a", TAGS, {"out": "OR tag2,tag3"}, False, id="SUB-12 excluded by one"),
        pytest.param("/a", TAGS, {"out": "OR tag2=value2,tag3"}, False, id="SUB-12 by value"),
        pytest.param("/a", TAGS, {"out": "OR tag1=value1,tag2"}, False, id="SUB-12 by both"),
        pytest.param("/a", TAGS, {"out": "AND tag2,tag3"}, True, id="excluded by all only"),
        pytest.param("/a", TAGS, {"out": "OR tag3,tag4"}, True, id="SUB-14 by none"),
        pytest.param("/a", TAGS, {"out": "OR tag1=value2"}, True, id="SUB-15 by another value"),
        pytest.param("/a", {"k": "a=b"}, {"tags": "AND k=a=b"}, True, id="SUB-75 = in a value"),
        pytest.param("/a", TAGS, {"tags": "AND tag1 , tag2"}, True, id="SUB-76 trimmed"),
        pytest.param("/a", {"k": ""}, {"tags": "AND k"}, True, id="SUB-77 an empty value"),
        pytest.param("/a", {"k": "v"}, {"tags": "AND k="}, False, id="another than the empty one"),
        pytest.param(
            "/x/a", {"team": "apps"}, {"tags": "OR team=apps"}, True, id="SUB-70 by tag alone"
        ),
        pytest.param("/a/test/b", {}, {"include": {"regex": [".*test.*"]}}, True, id="SUB-70"),
        pytest.param("/a/test/b", {}, {"include": {"regex": ["test"]}}, False, id="whole name"),
        pytest.param("/log/g1", {}, {"include": {"names": ["/log/g*"]}}, True, id="SUB-65 glob"),
        pytest.param("/x/log/g1", {}, {"include": {"names": ["/log/g*"]}}, False, id="anchored"),
        pytest.param("/a", {}, {"include": {"prefixes": ["*"]}}, True, id="SUB-56 any prefix"),
        pytest.param(
            "/b", {}, {"include": {"prefixes": ["/a"], "names": ["/b"]}}, True, id="one of the ways"
        ),
    ],
)
def test_selection(
    name: str, tags: dict[str, str], asked: dict[str, Any], *, selected: bool
) -> None:
    """Names by any of the ways that are told, and tags."""
    fields: dict[str, Any] = {"include": dict(asked.get("include", {}))}
    if "tags" in asked:
        mode, _, listed = asked["tags"].partition(" ")
        fields["include"] |= {"tags": listed.split(","), "tags_mode": mode}
    if "out" in asked:
        mode, _, listed = asked["out"].partition(" ")
        fields |= {"exclude_tags": listed.split(","), "exclude_tags_mode": mode}
    finding = assess(group(name, tags=tags), policy(**fields))
    assert finding.code == ("NOT_SUBSCRIBED" if selected else "NOT_SELECTED")


OLD = {**OURS, "filterPattern": "[event]"}
ELSEWHERE = {**OURS, "destinationArn": LOGS}
OWN = ["/aws/lambda/ship-logs", "/aws/lambda/us-east-1.ship-logs"]
PUT, DELETE = ("Put", "steward-logs"), ("Delete", "steward-old")
NARROW = {"include": {"names": ["/none"]}}
COVERING = {"name": "all", "destinationArn": FUNCTION, "filterPattern": ""}


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param(group(), {}, "NOT_SUBSCRIBED", [PUT], id="SUB-35 nothing there"),
        pytest.param(
            group(owned={"steward-logs": OURS}), {}, "SUBSCRIBED", [], id="SUB-78 as it should be"
        ),
        pytest.param(
            group(owned={"steward-logs": OURS}, foreign={"foo": LOGS}),
            {},
            "SUBSCRIBED",
            [],
            id="SUB-37 beside a foreign one",
        ),
        pytest.param(
            group(owned={"steward-logs": OLD}), {}, "WRONG_FILTER", [PUT], id="SUB-17 pattern"
        ),
        pytest.param(
            group(owned={"steward-logs": ELSEWHERE}), {}, "WRONG_FILTER", [PUT], id="SUB-17 arn"
        ),
        pytest.param(
            group(owned={"steward-logs": {**BY_STREAM, "distribution": "ByLogStream"}}),
            TO_STREAM,
            "WRONG_FILTER",
            [PUT],
            id="distribution",
        ),
        pytest.param(
            group(owned={"steward-logs": {**BY_STREAM, "roleArn": f"{ROLE}-2"}}),
            TO_STREAM,
            "WRONG_FILTER",
            [PUT],
            id="role",
        ),
        pytest.param(
            group(owned={"steward-logs": {**OURS, "emitSystemFields": ["@aws.region"]}}),
            {},
            "WRONG_FILTER",
            [PUT],
            id="a field that is not ours",
        ),
        pytest.param(
            group(owned={"steward-logs": {**OURS, "emitSystemFields": FIELDS}}),
            {"emit_system_fields": FIELDS[::-1]},
            "SUBSCRIBED",
            [],
            id="fields in another order",
        ),
        pytest.param(
            group(owned={"steward-logs": {**OURS, "emitSystemFields": FIELDS}}),
            {"emit_system_fields": FIELDS[:1]},
            "WRONG_FILTER",
            [PUT],
            id="a field too many",
        ),
        pytest.param(
            group(owned={"steward-old": OURS}, foreign={"foo": LOGS}),
            {},
            "NOT_SUBSCRIBED",
            [PUT, DELETE],
            id="SUB-33 SUB-84 another name",
        ),
        pytest.param(
            group(owned={"observe-logs": BY_STREAM}),
            {**TO_STREAM, "former_prefixes": ["observe"]},
            "NOT_SUBSCRIBED",
            [PUT, ("Delete", "observe-logs")],
            id="SUB-34 SUB-84 the prefix of before",
        ),
        pytest.param(
            group(owned={"observe-logs": BY_STREAM, "observe-x": BY_STREAM}, full=True),
            {**TO_STREAM, "former_prefixes": ["observe"]},
            "NOT_SUBSCRIBED",
            [("Delete", "observe-logs"), ("Delete", "observe-x"), PUT],
            id="SUB-33 SUB-34 no room for both",
        ),
        pytest.param(
            group(owned={"steward-logs": OURS, "steward-old": OURS}),
            {},
            "EXTRA_FILTER",
            [DELETE],
            id="one too many",
        ),
        pytest.param(group(), NARROW, "NOT_SELECTED", [], id="SUB-38 nothing to take away"),
        pytest.param(
            group(owned={"steward-logs": OURS, "steward-old": OLD}, foreign={"foo": FUNCTION}),
            NARROW,
            "EXTRA_FILTER",
            [("Delete", "steward-logs"), DELETE],
            id="SUB-28 SUB-29 SUB-30 SUB-31 SUB-39 SUB-51 only ours",
        ),
        pytest.param(
            group(foreign={"theirs": FUNCTION}), {}, "FOREIGN_DUPLICATE", [], id="shipped already"
        ),
        pytest.param(
            group(owned={"steward-logs": OURS}, foreign={"theirs": FUNCTION}),
            {},
            "FOREIGN_DUPLICATE",
            [],
            id="shipped twice",
        ),
        pytest.param(
            group(account_filter=COVERING), {}, "ACCOUNT_POLICY_COVERS", [], id="SUB-83 covered"
        ),
        pytest.param(
            group(account_filter={**COVERING, "destinationArn": LOGS}),
            {},
            "NOT_SUBSCRIBED",
            [PUT],
            id="SUB-83 to somewhere else",
        ),
        pytest.param(
            group(account_filter={**COVERING, "filterPattern": "ERROR"}),
            {},
            "FOREIGN_DUPLICATE",
            [],
            id="SUB-83 some of it",
        ),
        pytest.param(
            group(account_filter=COVERING, owned={"steward-logs": OURS}),
            {},
            "FOREIGN_DUPLICATE",
            [],
            id="SUB-83 both",
        ),
        *(
            pytest.param(
                group(log_class=name), {}, "CLASS_WITHOUT_SUBSCRIPTIONS", [], id=f"SUB-78 {name}"
            )
            for name in ("DELIVERY", "INFREQUENT_ACCESS", "ESSENTIALS")
        ),
        pytest.param(
            group("/aws/lambda/ship-logs"), {}, "DELIVERY_PATH", [], id="SUB-71 the destination"
        ),
        pytest.param(
            group("/aws/lambda/ship-logs"),
            {"destination_arn": f"{FUNCTION}:live"},
            "DELIVERY_PATH",
            [],
            id="SUB-71 an alias of it",
        ),
        pytest.param(
            group("/aws/lambda/us-east-1.ship-logs"), {}, "DELIVERY_PATH", [], id="at the edge"
        ),
        pytest.param(
            group("/aws/lambda/ship-logs-2"), {}, "NOT_SUBSCRIBED", [PUT], id="a longer name"
        ),
        pytest.param(
            group("/aws/kinesisfirehose/events"),
            {"destination_arn": FIREHOSE, "role_arn": ROLE},
            "DELIVERY_PATH",
            [],
            id="SUB-71 of Firehose",
        ),
        pytest.param(
            group("/aws/lambda/stack-shipper", owned={"steward-logs": OURS}),
            {"own_prefixes": ["/aws/lambda/stack-"]},
            "EXTRA_FILTER",
            [("Delete", "steward-logs")],
            id="SUB-58 SUB-64 SUB-71 our own functions",
        ),
        pytest.param(
            group("/aws/lambda/steward-assessor"),
            {"stack_prefixes": ["/aws/lambda/steward-"], "own_prefixes": ["/aws/lambda/ships"]},
            "DELIVERY_PATH",
            [],
            id="SUB-71 the stack's, whatever else is named",
        ),
        pytest.param(
            group(),
            {"filter_prefix": "observe"},
            "NOT_SUBSCRIBED",
            [("Put", "observe-logs")],
            id="our own name",
        ),
    ],
)
def test_judgement(
    state: LogGroup, asked: dict[str, Any], code: str, calls: list[tuple[str, str]]
) -> None:
    """A code, and what would be called in this order."""
    finding = assess(state, policy(**asked))
    assert (finding.code, sent(finding)) == (code, calls)


ACCOUNT = {"strategy": "account"}
BOTH = {"steward-logs": OURS, "steward-old": OLD}


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param(
            group(covered=Cover.SURE), ACCOUNT, "ACCOUNT_POLICY_COVERS", [], id="covered by ours"
        ),
        pytest.param(
            group(covered=Cover.YOUNG), ACCOUNT, "ACCOUNT_POLICY_COVERS", [], id="since a moment"
        ),
        pytest.param(group(), ACCOUNT, "NOT_COVERED", [], id="not covered"),
        pytest.param(
            group(owned={"steward-logs": OURS}), ACCOUNT, "NOT_COVERED", [], id="its filter stays"
        ),
        pytest.param(
            group(covered=Cover.YOUNG, owned=BOTH), ACCOUNT, "EXTRA_FILTER", [], id="stays a while"
        ),
        pytest.param(
            group(covered=Cover.SURE, owned=BOTH, foreign={"foo": LOGS}),
            ACCOUNT,
            "EXTRA_FILTER",
            [("Delete", "steward-logs"), DELETE],
            id="only ours goes",
        ),
        pytest.param(
            group(covered=Cover.SURE, foreign={"foo": FUNCTION}),
            ACCOUNT,
            "FOREIGN_DUPLICATE",
            [],
            id="shipped twice",
        ),
        pytest.param(
            group(account_filter=COVERING), ACCOUNT, "ACCOUNT_POLICY_COVERS", [], id="by another"
        ),
        pytest.param(
            group(covered=Cover.SURE), {}, "NOT_SUBSCRIBED", [PUT], id="ours is to be removed"
        ),
        pytest.param(
            group("/aws/lambda/ship-logs", covered=Cover.SURE),
            ACCOUNT,
            "DELIVERY_PATH",
            [],
            id="SUB-71 the destination",
        ),
    ],
)
def test_judgement_of_groups_beside_an_account_policy(
    state: LogGroup, asked: dict[str, Any], code: str, calls: list[tuple[str, str]]
) -> None:
    """A filter and an account policy of ours never both, and never neither."""
    finding = assess(state, policy(**asked))
    assert (finding.code, sent(finding)) == (code, calls)


SHIPPED = {"DestinationArn": FUNCTION, "FilterPattern": "", "LeftOut": OWN}
ALL_PUT, ALL_DELETE = "PutAccountPolicy", "DeleteAccountPolicy"


def ours(**fields: Any) -> AccountPolicy:
    told = {"name": "steward-logs", "shipped": SHIPPED, "apart": tuple(OWN)}
    return AccountPolicy(**{**told, **fields})


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param(ours(), ACCOUNT, "ACCOUNT_POLICY_SHIPS", [], id="as it should be"),
        pytest.param(ours(shipped={}), ACCOUNT, "NO_ACCOUNT_POLICY", [ALL_PUT], id="none"),
        pytest.param(
            ours(shipped={**SHIPPED, "FilterPattern": "ERROR"}),
            ACCOUNT,
            "WRONG_ACCOUNT_POLICY",
            [ALL_PUT],
            id="pattern",
        ),
        pytest.param(
            ours(shipped={**SHIPPED, "DestinationArn": LOGS}),
            ACCOUNT,
            "WRONG_ACCOUNT_POLICY",
            [ALL_PUT],
            id="destination",
        ),
        pytest.param(
            ours(shipped={**SHIPPED, "Surprise": True}),
            ACCOUNT,
            "WRONG_ACCOUNT_POLICY",
            [ALL_PUT],
            id="a field that is not ours",
        ),
        pytest.param(
            ours(apart=(*OWN, "/own")),
            {**ACCOUNT, "own_prefixes": ["/own"]},
            "WRONG_ACCOUNT_POLICY",
            [ALL_PUT],
            id="a group more to leave out",
        ),
        pytest.param(
            ours(shipped={**SHIPPED, "LeftOut": sorted([*OWN, "/was/own"])}),
            {**ACCOUNT, "own_prefixes": ["/was/own"]},
            "ACCOUNT_POLICY_SHIPS",
            [],
            id="a group that is gone stays out",
        ),
        pytest.param(
            ours(shipped={**SHIPPED, "LeftOut": sorted([*OWN, "/a"])}),
            ACCOUNT,
            "WRONG_ACCOUNT_POLICY",
            [ALL_PUT],
            id="left out without need",
        ),
        pytest.param(
            ours(shipped={}, holder="theirs"), ACCOUNT, "FOREIGN_ACCOUNT_POLICY", [], id="no place"
        ),
        pytest.param(
            ours(shipped={}, holder="steward-other"),
            ACCOUNT,
            "NOT_NEEDED",
            [],
            id="another of ours",
        ),
        pytest.param(ours(name="theirs"), ACCOUNT, "NOT_OURS", [], id="theirs"),
        pytest.param(
            ours(apart=tuple(f"/own/{number:0500}" for number in range(50))),
            {**ACCOUNT, "own_prefixes": ["/own"]},
            "CRITERIA_TOO_LONG",
            [],
            id="too many to leave out",
        ),
        pytest.param(ours(name="theirs"), {}, "NOT_OURS", [], id="group: theirs"),
        pytest.param(ours(shipped={}), {}, "NOT_NEEDED", [], id="group: none"),
        pytest.param(ours(), {}, "ACCOUNT_POLICY_LEFT", [], id="group: nobody has looked"),
        pytest.param(ours(waiting="/a"), {}, "ACCOUNT_POLICY_LEFT", [], id="group: /a needs it"),
        pytest.param(
            ours(waiting=""), {}, "ACCOUNT_POLICY_LEFT", [ALL_DELETE], id="group: nobody needs it"
        ),
        pytest.param(
            ours(name="observe-logs", waiting=""),
            {"former_prefixes": ["observe"]},
            "ACCOUNT_POLICY_LEFT",
            [ALL_DELETE],
            id="group: of a former prefix",
        ),
    ],
)
def test_judgement_of_an_account_policy(
    state: AccountPolicy, asked: dict[str, Any], code: str, calls: list[str]
) -> None:
    """A code and the calls; what was done is in order, and undone it is as before."""
    asked_for = policy(**asked)
    finding = assess(state, asked_for)
    assert (finding.code, [call.operation for call in finding.remediation]) == (code, calls)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    for call in finding.remediation:
        after = assess(foretold(state, [call]), asked_for)
        assert (after.remediation, after.verdict is Verdict.NON_COMPLIANT) == ((), False)
        assert call.undo is not None
        assert foretold(state, [call, call.undo]) == state
        assert call.undo.params["policyName"] == state.name


def test_names_of_groups_that_are_gone_make_room() -> None:
    """They stay left out only as long as there is room for all."""
    gone = [f"/own/gone/{number:0450}" for number in range(40)]
    there = [f"/own/there/{number:0450}" for number in range(30)]
    state = ours(shipped={**SHIPPED, "LeftOut": gone}, apart=tuple(there))
    [call] = assess(state, policy(**ACCOUNT, own_prefixes=["/own"])).remediation
    assert call.effect["shipped"]["LeftOut"] == there


@given(
    st.lists(st.from_regex(r"[.\-_/#A-Za-z0-9]{1,512}", fullmatch=True), unique=True),
    st.sampled_from([{}, {**SHIPPED, "Distribution": "Random", "DestinationArn": STREAM}, SHIPPED]),
)
def test_what_is_put_is_read_as_it_was_meant(apart: list[str], ships: dict[str, Any]) -> None:
    """Whatever the names: the parameters are described, and then are what was wanted."""
    state = AccountPolicy("steward-logs", ships, tuple(sorted(apart)))
    asked = policy(**ACCOUNT, **TO_STREAM)
    for call in assess(state, asked).remediation:
        described = dict(call.params)
        assert shipped(described) == call.effect["shipped"]
        after = AccountPolicy("steward-logs", shipped(described), state.apart)
        assert assess(after, asked).code == "ACCOUNT_POLICY_SHIPS"


@pytest.mark.parametrize(
    ("glob", "parts"),
    [
        pytest.param("/a/b", ["/a/b"], id="a name"),
        pytest.param("/a/*", ["/a/"], id="prefix"),
        pytest.param("*-private?", ["-private"], id="part"),
        pytest.param("/a[!]x]b[c", ["/a", "b[c"], id="brackets"),
        pytest.param("*?[a-z]", [], id="nothing"),
    ],
)
def test_what_of_a_glob_stands_for_itself(glob: str, parts: list[str]) -> None:
    """By this the groups that it means are searched for."""
    assert literals(glob) == parts


def test_exclude_is_about_groups_only() -> None:
    """A glob that would fit an account policy's name does not leave it alone."""
    asked = policy(**ACCOUNT, exclude=["steward*"])
    refs = [Ref(LOG_GROUP, "steward-logs"), Ref(ACCOUNT_POLICY, "steward-logs")]
    assert [asked.excludes(ref) for ref in refs] == [True, False]


def test_a_filter_has_what_its_destination_takes() -> None:
    """Role and distribution for a stream, a role for Firehose, for Logs where there is one."""
    told: list[dict[str, str]] = [
        BY_STREAM,
        {"destinationArn": FIREHOSE, "filterPattern": "", "roleArn": ROLE},
        OURS,
        {"destinationArn": LOGS, "filterPattern": ""},
        {"destinationArn": LOGS, "filterPattern": "", "roleArn": ROLE},
    ]
    for wanted in told:
        to = {"destination_arn": wanted["destinationArn"], "role_arn": wanted.get("roleArn", "")}
        [call] = assess(group(), policy(**to)).remediation
        assert call.params == {
            "logGroupName": "/aws/lambda/test-me",
            "filterName": "steward-logs",
            **wanted,
        }


def test_system_fields_are_put_where_there_are_some() -> None:
    """What the filter had before is in the undo."""
    [call] = assess(group(), policy(emit_system_fields=FIELDS[::-1])).remediation
    assert call.params["emitSystemFields"] == FIELDS
    before = group(owned={"steward-logs": {**OURS, "emitSystemFields": FIELDS}})
    [call] = assess(before, policy()).remediation
    assert call.undo is not None
    assert "emitSystemFields" not in call.params
    assert call.undo.params["emitSystemFields"] == FIELDS


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        pytest.param({"destination_arn": ""}, "destination_arn: is missing", id="SUB-56 none"),
        pytest.param({"destination_arn": "hello"}, "destination_arn: is 'hello'", id="SUB-56"),
        pytest.param(
            {"destination_arn": "", "mode": "off", "role_arn": ROLE},
            "role_arn: is of no use",
            id="SUB-56 a role without destination",
        ),
        pytest.param({"destination_arn": STREAM}, "role_arn: is ''", id="no role for a stream"),
        pytest.param(
            {"destination_arn": FIREHOSE, "role_arn": "ships"}, "role_arn: is 'ships'", id="no ARN"
        ),
        pytest.param({"role_arn": ROLE}, "role_arn: a function takes none", id="role, function"),
        pytest.param(
            {"destination_arn": LOGS, "role_arn": "ships"},
            "role_arn: is 'ships'",
            id="no ARN, destination",
        ),
        pytest.param({"strategy": "both"}, "strategy: is", id="no strategy"),
        pytest.param(
            {"strategy": "account", "include": {"prefixes": ["/a"], "tags": ["a"]}},
            "include.prefixes: is of no use with strategy 'account', which knows exclude only; "
            "include.tags: is of no use",
            id="an account policy knows no selection",
        ),
        pytest.param(
            {"strategy": "account", "exclude_tags": ["private"]},
            "exclude_tags: is of no use with strategy 'account'",
            id="nor tags",
        ),
        pytest.param(
            {"strategy": "account", "exclude": ["/a", "?*[ab]"]},
            "exclude[1]: is '?*[ab]', which strategy 'account' cannot search",
            id="nothing to search by",
        ),
        pytest.param(
            {"strategy": "account", "emit_system_fields": FIELDS},
            "emit_system_fields: strategy 'account' has no place for them",
            id="nor system fields",
        ),
        pytest.param(
            {"emit_system_fields": ["@message"]}, "emit_system_fields[0]: is", id="no such field"
        ),
        pytest.param(
            {"emit_system_fields": [FIELDS[0]] * 2}, "emit_system_fields: ", id="a field twice"
        ),
        pytest.param({"filter_prefix": ""}, "filter_prefix: is", id="SUB-56 no name"),
        pytest.param({"filter_prefix": "a:b"}, "filter_prefix: is", id="a name that none is"),
        pytest.param({"include": {"prefixes": ["\\"]}}, "include.prefixes[0]: is", id="SUB-56"),
        pytest.param({"include": {"prefixes": ["!!"]}}, "include.prefixes[0]: is", id="SUB-56 !!"),
        pytest.param({"include": {"regex": ["\\"]}}, "include.regex[0]: is", id="SUB-56 regex"),
        pytest.param({"include": {"regex": ["(a"]}}, "no regular expression", id="open group"),
        pytest.param({"include": {"tags": [" =a"]}}, "include.tags[0]: names no key", id="no key"),
        pytest.param({"exclude_tags": [" "]}, "exclude_tags[0]: names no key", id="no key, out"),
        pytest.param({"filter_pattern": "[a"}, "']' is missing", id="SUB-68 bracket"),
        pytest.param({"filter_pattern": "a)"}, "')' closes nothing", id="SUB-68 closed"),
        pytest.param({"filter_pattern": "{ ($.a = 1] }"}, "']' closes nothing", id="SUB-68 order"),
        pytest.param({"filter_pattern": '"a'}, "quotation mark", id="SUB-68 quote"),
        pytest.param({"filter_pattern": '"a\\"'}, "quotation mark", id="SUB-68 escaped quote"),
        pytest.param({"filter_pattern": "a" * 1025}, "has 1025 characters", id="SUB-68 length"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(asked: dict[str, Any], problem: str) -> None:
    """The field, what it is and what is allowed."""
    with pytest.raises(BadPolicy) as caught:
        policy(**asked)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"destination_arn": "", "mode": "off"}, id="off"),
        pytest.param({"destination_arn": FUNCTION.replace("aws", "aws-cn", 1)}, id="SUB-74 China"),
        pytest.param(
            {"destination_arn": FUNCTION.replace("aws", "aws-us-gov", 1)}, id="SUB-74 GovCloud"
        ),
        pytest.param({"destination_arn": FIREHOSE, "role_arn": ROLE}, id="SUB-56 Firehose"),
        pytest.param({"destination_arn": LOGS, "role_arn": ROLE}, id="of an organization"),
        *(
            pytest.param({"filter_pattern": pattern}, id=f"SUB-68 {pattern}")
            for pattern in (
                *("", "ERROR", "*", '"a ( b"', "?ERROR ?WARN", "-a b", "%^[a-z{]+%"),
                *("[ip, user, ..., status = 4*]", '{ ($.a = "x}") && ($.b[0] > 1) }', "it's"),
            )
        ),
    ],
)
def test_a_policy_that_may_be_right_is_taken(asked: dict[str, Any]) -> None:
    """CloudWatch Logs may yet refuse a pattern, and says so."""
    assert policy(**asked).owns("steward-logs")


def test_blanks_around_a_pattern_make_no_difference() -> None:
    """Were they left out of what is described, the filter would be put again for ever."""
    asked = policy(filter_pattern=" ERROR\n")
    assert asked.wanted()["filterPattern"] == "ERROR"
    assert asked.memory("/a", 1, START) == policy(filter_pattern="ERROR").memory("/a", 1, START)


def test_the_template_limits_destination_and_role() -> None:
    """A policy may leave them empty, and may not name others."""
    allowed = {"destination_arn": [FUNCTION], "role_arn": [""]}
    load(CONTROL, {"destination_arn": FUNCTION}, allowed=allowed)
    load(CONTROL, {}, allowed=allowed)
    with pytest.raises(BadPolicy, match=r"destination_arn: .* the template allows"):
        load(CONTROL, {"destination_arn": LOGS}, allowed=allowed)


def test_a_memory_is_of_a_filter_and_of_a_week() -> None:
    """It holds for RECHECK_DAYS days, and not under a policy that wants another filter."""
    days = [policy().memory("/a", 1, START + timedelta(days=day)) for day in range(30)]
    lasting = [days.count(one) for one in dict.fromkeys(days)]
    assert set(lasting[1:-1]) == {RECHECK_DAYS}
    assert policy(exclude=["/b"], **NARROW).memory("/a", 1, START) == days[0]
    assert days[0] not in (policy().memory("/a", 2, START), policy().memory("/a", None, START))
    others: list[dict[str, Any]] = [
        {"filter_pattern": "ERROR"},
        {"filter_prefix": "a"},
        {"former_prefixes": ["a"]},
        {"emit_system_fields": FIELDS},
    ]
    assert days[0] not in [policy(**one).memory("/a", 1, START) for one in others]
    begun = {policy().memory(f"/{n}", 1, START).rpartition("/")[2] for n in range(50)}
    assert len(begun) == 2  # of some the week began before that of others


TOLD = {**OURS, "emitSystemFields": FIELDS}
FILTERS = st.sampled_from(
    [OURS, OLD, ELSEWHERE, TOLD, {**BY_STREAM, "distribution": "ByLogStream"}]
)
NAMES = st.sampled_from(["steward-logs", "steward-old", "observe-logs"])
STATES = st.builds(
    LogGroup,
    name=st.from_regex(r"[.\-_/#A-Za-z0-9]{1,512}", fullmatch=True)
    | st.sampled_from(["/aws/lambda/ship-logs", "/a/b"]),
    log_class=st.sampled_from(["STANDARD", "STANDARD", "DELIVERY", "NEW"]),
    tags=st.dictionaries(st.sampled_from(["team", "env"]), st.sampled_from(["", "a"])),
    owned=st.dictionaries(NAMES, FILTERS),
    full=st.booleans(),
    foreign=st.dictionaries(st.text(min_size=1, max_size=512), st.sampled_from([FUNCTION, LOGS])),
    account_filter=st.sampled_from([{}, COVERING, {**COVERING, "destinationArn": LOGS}]),
    covered=st.sampled_from(Cover),
    memory=st.just("mark"),
)
POLICIES = st.builds(
    policy,
    filter_pattern=st.sampled_from(["", "ERROR"]),
    emit_system_fields=st.sampled_from([[], FIELDS]),
    former_prefixes=st.just(["observe"]),
    include=st.fixed_dictionaries(
        {
            "prefixes": st.sampled_from([[], ["/a"]]),
            "tags": st.sampled_from([[], ["team"], ["team=a"]]),
        }
    ),
    exclude_tags=st.sampled_from([[], ["env"]]),
)
DONE = {"SUBSCRIBED", "NOT_SELECTED", "DELIVERY_PATH", "CLASS_WITHOUT_SUBSCRIPTIONS"}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("steward-logs", True),
        ("steward-old", True),
        ("observe-logs", True),
        ("a--logs", True),
        ("steward-dev-logs", False),
        ("steward-", False),
        ("steward", False),
        ("stewardship", False),
        ("logs", False),
        ("my-steward-logs", False),
    ],
)
def test_what_is_ours_goes_by_its_name(name: str, ours: bool) -> None:  # noqa: FBT001  # a case
    """Also beside a stack whose name begins with ours, whose filters are not ours to delete."""
    assert policy(former_prefixes=["observe", "a-"]).owns(name) is ours


@pytest.mark.parametrize(
    ("owned", "wanted", "calls"),
    [
        pytest.param("ab", "ab", [], id="the same"),
        pytest.param("ab", "", ["Delete a", "Delete b"], id="all go"),
        pytest.param("", "ab", ["Put a", "Put b"], id="all come"),
        pytest.param("ab", "bc", ["Put c", "Delete a"], id="both"),
        pytest.param("", "", [], id="SUB-67 nothing of nothing"),
    ],
)
def test_the_calls_between_two_sets_of_filters(owned: str, wanted: str, calls: list[str]) -> None:
    """SUB-66: what stays is not put again."""
    planned = changes_to(group(owned=dict.fromkeys(owned, OURS)), dict.fromkeys(wanted, OURS))
    assert [" ".join(one) for one in sent(planned)] == calls


@given(STATES, POLICIES)
def test_the_judgement_is_total_and_its_calls_settle_it(state: LogGroup, asked: Policy) -> None:
    """Any group gets a documented code and a short reason; what is planned leaves nothing to do."""
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert (finding.memory == "mark") is (finding.verdict is not Verdict.NON_COMPLIANT)
    after = assess(foretold(state, finding.remediation), asked)
    assert after.remediation == ()
    if finding.remediation:
        assert finding.verdict is Verdict.NON_COMPLIANT
        assert after.code in DONE or after.code == "ACCOUNT_POLICY_COVERS"


@given(STATES, POLICIES)
def test_calls_do_what_they_say_and_can_be_taken_back(state: LogGroup, asked: Policy) -> None:
    """Only filters of ours are named; done in turn and taken back in turn, all is as before."""
    calls = assess(state, asked).remediation
    filters = dict(state.owned)
    seen = [filters]
    for call in calls:
        filters = carried_out(call, filters)
        assert filters == call.effect["owned"]
        seen.append(filters)
    for call, before in zip(reversed(calls), reversed(seen[:-1]), strict=True):
        assert call.undo is not None
        filters = carried_out(call.undo, filters)
        assert filters == before == call.undo.effect["owned"]


def carried_out(call: Call, filters: dict[str, Any]) -> dict[str, Any]:
    """What CloudWatch Logs makes of a call."""
    params = dict(call.params)
    name, _ = params.pop("filterName"), params.pop("logGroupName")
    assert name.startswith(("steward-", "observe-"))
    rest = {one: told for one, told in filters.items() if one != name}
    return {**rest, name: params} if call.operation.startswith("Put") else rest


def test_nobody_is_let_into_a_function_by_us() -> None:
    """SUB-79: the template does that once for all groups; the control has no right to."""
    actions = CONTROL.reads | CONTROL.writes
    assert {action.partition(":")[0] for action in actions} == {"logs", "iam", "tag"}


def test_what_is_put_comes_before_what_is_deleted() -> None:
    """No event is left out in between."""
    finding = assess(group(owned={"steward-a": OURS, "steward-z": OURS}), policy())
    assert sent(finding) == [PUT, ("Delete", "steward-a"), ("Delete", "steward-z")]
