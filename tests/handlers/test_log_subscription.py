"""How log groups are read with their filters, and subscribed, on a faithful moto."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from embedded.seeding import Seed, seed_delivery_role, seed_filters, seed_log_groups
from embedded.stamping import logs_stamped_by
from steward import sweep as sweeps
from steward.account import Account
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.log_subscription import CONTROL
from steward.controls.log_subscription.readers import BATCH
from steward.errors import Denied, Invalid, OutOfTime, Refused, TryAgain
from steward.events import LOG_GROUP
from steward.ledger import Status, Sweep
from steward.look import look
from steward.model import Deadline, Fate, Ref, Trigger
from steward.policy import load
from steward.run import Outcome, Run
from steward.runtime import sheltered
from steward.undo import undo
from tests.fakes import REGION, FakeAws, FakeClock
from tests.toy import Telling

HERE = f"{REGION}:123456789012"
STREAM = f"arn:aws:kinesis:{HERE}:stream/events"
ROLE = "arn:aws:iam::123456789012:role/ships"
SHIPS = {"mode": "enforce", "destination_arn": STREAM, "role_arn": ROLE}


class Place:
    """An account with a stream, a ledger and a clock."""

    def __init__(self, api: Any, book: SQLiteLedger, clock: FakeClock) -> None:
        self.api, self.book, self.clock = api, book, clock

    def run(self, trigger: Trigger, **policy: Any) -> Run[Any, Any]:
        account = Account(
            self.api,
            self.book,
            self.clock,
            Telling(),
            lambda control: load(control, {**SHIPS, **policy}),
        )
        return account.run(
            CONTROL, trigger, "run", deadline=Deadline(self.clock), shelter=sheltered(Telling())
        )

    def looked(self, *names: str, **policy: Any) -> list[Outcome]:
        run = self.run(Trigger.EVENT, **policy)
        return list(look(run, [Ref(LOG_GROUP, name) for name in names]).outcomes)

    def swept(self, **policy: Any) -> Sweep:
        run = self.run(Trigger.SWEEP, **policy)
        at = sweeps.begin(self.book, CONTROL.id, run.loaded.hash, self.clock.now())
        self.api.calls.clear()
        for step in sweeps.advance(run, at):
            at = step.sweep
        return at

    def create(self, *names: str, **fields: Any) -> None:
        for name in names:
            self.api.ask("logs", "CreateLogGroup", logGroupName=name, **fields)

    def put(self, group: str, name: str, **fields: Any) -> None:
        told = {"destinationArn": STREAM, "roleArn": ROLE, "filterPattern": "", **fields}
        self.api.ask("logs", "PutSubscriptionFilter", logGroupName=group, filterName=name, **told)

    def filters(self, group: str) -> dict[str, str]:
        answer = self.api.ask("logs", "DescribeSubscriptionFilters", logGroupName=group)
        return {one["filterName"]: one["filterPattern"] for one in answer["subscriptionFilters"]}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    clock = FakeClock()
    with faithful(), mock_aws(), logs_stamped_by(clock):
        where = Identity("123456789012", REGION, "aws")
        api = Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)
        api.ask("kinesis", "CreateStream", StreamName="events", ShardCount=1)
        seed_delivery_role("ships")
        ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
        yield Place(api, ledger, clock)
        api.close()
        ledger.close()


def codes(outcomes: list[Outcome]) -> dict[str, tuple[str, str]]:
    return {one.finding.ref.id: (one.finding.code, one.fate.value) for one in outcomes}


def test_a_group_is_subscribed_once_and_then_left_alone(here: Place) -> None:
    """SUB-35, SUB-37, SUB-78: beside what is not ours; the second look writes nothing."""
    here.create("/a", "/a/b")
    here.put("/a", "theirs", filterPattern="ERROR", destinationArn=other(here))
    for fate in ("remediated", "none"):
        [one] = here.looked("/a")
        assert one.fate == fate
    assert (here.filters("/a"), here.filters("/a/b")) == (
        {"steward-logs": "", "theirs": "ERROR"},
        {},
    )


def other(here: Place) -> str:
    here.api.ask("kinesis", "CreateStream", StreamName="theirs", ShardCount=1)
    return STREAM.replace("events", "theirs")


def test_a_sweep_goes_over_all_pages(here: Place) -> None:
    """SUB-16, SUB-17, SUB-19: what lacks the filter, has another, and is not selected."""
    names = [f"/g/{number:03}" for number in range(60)]
    here.create(*names, "/other")
    here.put("/g/000", "steward-logs", filterPattern="[event]")
    here.put("/other", "steward-logs")
    done = here.swept(include={"prefixes": ["/g/"]})
    assert (done.complete, done.resources) == (True, 61)
    assert {name for name in names if here.filters(name) != {"steward-logs": ""}} == set()
    assert here.filters("/other") == {}


def test_what_the_ledger_remembers_is_not_read_again(here: Place) -> None:
    """Sixty-two groups: their pages, and nothing else; until somebody changes one, or a week."""
    here.create(*(f"/g/{number:03}" for number in range(60)), "/other")
    here.create("/cheap", logGroupClass="INFREQUENT_ACCESS")
    narrow = {"include": {"prefixes": ["/g/"]}}
    here.swept(**narrow)
    assert here.swept(**narrow).complete
    assert dict(here.api.calls) == {"logs.DescribeLogGroups": 2, "logs.DescribeAccountPolicies": 1}
    here.create("/g/new")
    here.swept(**narrow)
    assert here.api.calls["logs.DescribeSubscriptionFilters"] == 1
    read = 0
    for _ in range(8):
        here.clock.advance(timedelta(days=1).total_seconds())
        here.swept(**narrow)
        read += here.api.calls["logs.DescribeSubscriptionFilters"]
    assert 62 <= read < 2 * 62


def test_a_converged_sweep_over_2000_groups_takes_60_calls_at_most(here: Place) -> None:
    """Forty pages of groups, and what the account's own policy is."""
    seed_log_groups((Seed(name=f"/g/{number:04}") for number in range(2000)), region=REGION)
    seed_filters("steward-logs", STREAM, ROLE, region=REGION)
    first = here.swept()
    assert here.api.calls["logs.DescribeSubscriptionFilters"] == 2000
    again = here.swept()
    assert first.verdicts == again.verdicts == {"COMPLIANT": 2000}
    assert sum(here.api.calls.values()) <= 60, here.api.calls


def test_a_memory_is_of_one_policy(here: Place) -> None:
    """Another pattern, then the first again: nothing is taken for done that is not."""
    here.create("/a", "/b")
    for pattern in ("", "ERROR", "", "ERROR"):
        here.swept(filter_pattern=pattern)
        assert here.filters("/a") == here.filters("/b") == {"steward-logs": pattern}


def test_an_unsubscribed_group_that_is_selected_again_is_read_first(here: Place) -> None:
    """SUB-20: tags are read in each sweep, filters where the tags decide otherwise than before."""
    here.create("/a", tags={"ship": "yes"})
    by_tag = {"include": {"tags": ["ship=yes"]}}
    here.swept(**by_tag)
    assert here.filters("/a") == {"steward-logs": ""}
    arn = f"arn:aws:logs:{HERE}:log-group:/a"
    here.api.ask("logs", "UntagResource", resourceArn=arn, tagKeys=["ship"])
    here.swept(**by_tag)
    assert (here.filters("/a"), here.api.calls["logs.DescribeSubscriptionFilters"]) == ({}, 2)
    here.api.ask("logs", "TagResource", resourceArn=arn, tags={"ship": "yes"})
    here.swept(**by_tag)
    assert here.filters("/a") == {"steward-logs": ""}


def test_tags_are_read_only_where_they_decide(here: Place) -> None:
    """SUB-1, SUB-3, SUB-8: not without conditions, and not where the name has decided."""
    here.create("/api/a", "/lambda/a", tags={"tag2": "b"})
    here.looked("/api/a", "/lambda/a", mode="audit")
    narrow = {"prefixes": ["/lambda/"], "tags": ["tag2"]}
    here.looked("/api/a", mode="audit", include=narrow)
    assert "resourcegroupstaggingapi.GetResources" not in here.api.calls
    assert codes(here.looked("/api/a", "/lambda/a", mode="audit", include=narrow)) == {
        "/api/a": ("NOT_SELECTED", "none"),
        "/lambda/a": ("NOT_SUBSCRIBED", "planned"),
    }


def test_a_group_that_is_made_anew_is_read_anew(here: Place) -> None:
    """Also where no event told of it: its filters went with the one before."""
    seed_log_groups([Seed(name="/a", age_days=9)], region=REGION)
    here.swept()
    here.api.ask("logs", "DeleteLogGroup", logGroupName="/a")
    seed_log_groups([Seed(name="/a", age_days=1)], region=REGION)
    assert here.swept().fates == {"remediated": 1}
    assert here.filters("/a") == {"steward-logs": ""}


def test_an_account_policy_to_the_destination_is_respected(here: Place) -> None:
    """SUB-83: what it covers is in order, what it leaves out is subscribed."""
    here.create("/a", "/b")
    here.api.ask(
        "logs",
        "PutAccountPolicy",
        policyName="all",
        policyType="SUBSCRIPTION_FILTER_POLICY",
        policyDocument=json.dumps({"DestinationArn": STREAM, "RoleArn": ROLE, "FilterPattern": ""}),
        selectionCriteria='LogGroupName NOT IN ["/b"]',
    )
    here.swept()
    assert (here.filters("/a"), here.filters("/b")) == ({}, {"steward-logs": ""})
    [item] = here.book.items(CONTROL.id, [Ref(LOG_GROUP, "/a")]).values()
    assert item.code == "ACCOUNT_POLICY_COVERS"


def test_a_full_group_is_reported(here: Place) -> None:
    """SUB-80: five filters are enough; no failure, no second try until one is deleted."""
    here.create("/a")
    aside = other(here)
    for name in "abcde":
        here.put("/a", name, destinationArn=aside)
    for _ in range(2):
        done = here.swept()
        assert (done.complete, done.fates) == (True, {"reported": 1})
    assert here.api.calls["logs.PutSubscriptionFilter"] == 0
    assert codes(here.looked("/a")) == {"/a": ("NO_FILTER_SLOT", "reported")}
    here.api.ask("logs", "DeleteSubscriptionFilter", logGroupName="/a", filterName="c")
    assert codes(here.looked("/a")) == {"/a": ("NOT_SUBSCRIBED", "remediated")}


def test_a_renamed_filter_of_a_full_group_makes_room_for_itself(here: Place) -> None:
    """SUB-33, SUB-80: deleted first where there was no room for both, and brought back by undo."""
    here.create("/a")
    aside = other(here)
    for name in "abcd":
        here.put("/a", name, destinationArn=aside)
    here.put("/a", "old-logs")
    former = filters_in_full(here, "/a")
    assert here.swept(former_prefixes=["old"]).fates == {"reported": 1}
    assert filters_in_full(here, "/a") == former
    assert here.swept(former_prefixes=["old"]).fates == {"remediated": 1}
    assert here.filters("/a").keys() == {*"abcd", "steward-logs"}
    assert here.swept(former_prefixes=["old"]).fates == {"none": 1}
    [change] = [one for one in here.book.changes(CONTROL.id) if one.status is Status.DONE]
    undo(here.run(Trigger.DIRECT, former_prefixes=["old"]), change.id, "alice")
    assert filters_in_full(here, "/a") == former


def test_undo_brings_back_the_filters_that_were(here: Place) -> None:
    """Of another pattern and of another name; a filter that was put is gone."""
    here.create("/a", "/b", "/c")
    here.put("/a", "steward-logs", filterPattern="ERROR", distribution="ByLogStream")
    here.put("/b", "old-logs", filterPattern="WARN")
    names = ("/a", "/b", "/c")
    before = [filters_in_full(here, name) for name in names]
    here.swept(former_prefixes=["old"])
    assert {str(here.filters(name)) for name in names} == {"{'steward-logs': ''}"}
    run = here.run(Trigger.DIRECT, former_prefixes=["old"])
    for change in list(here.book.changes(CONTROL.id)):
        undo(run, change.id, "alice")
    assert [filters_in_full(here, name) for name in names] == before


def filters_in_full(here: Place, group: str) -> list[dict[str, Any]]:
    answer = here.api.ask("logs", "DescribeSubscriptionFilters", logGroupName=group)
    told = [dict(one) for one in answer["subscriptionFilters"]]
    return [{key: one[key] for key in one if key != "creationTime"} for one in told]


def groups(*names: str) -> Mapping[str, Any]:
    return {"logGroups": [{"logGroupName": name, "arn": f"x:{name}"} for name in names]}


def fake(describe: Any, *names: str) -> FakeAws:
    """An account of these groups, where filters are described as ``describe`` says."""
    answers: dict[Any, Any] = {
        ("logs", "DescribeLogGroups"): groups(*names),
        ("logs", "DescribeAccountPolicies"): {"accountPolicies": []},
        ("logs", "DescribeSubscriptionFilters"): describe,
        ("logs", "PutSubscriptionFilter"): {},
    }
    return FakeAws(answers)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
        pytest.param(TryAgain("busy"), "BUSY", id="SUB-82 busy"),
        pytest.param(Refused("odd"), "UNREADABLE", id="SUB-27 refused"),
    ],
)
def test_a_group_that_cannot_be_read_is_unknown_and_stops_no_other(
    here: Place, error: Exception, code: str
) -> None:
    """SUB-81, SUB-42: a sweep that could not read all is not complete."""

    def describe(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if params["logGroupName"] == "/b":
            raise error
        return {"subscriptionFilters": []}

    aws = fake(describe, "/a", "/b", "/c")
    place = Place(CountedFake(aws), here.book, here.clock)
    done = place.swept()
    assert (done.complete, done.verdicts["UNKNOWN"], done.fates["remediated"]) == (False, 1, 2)
    [item] = here.book.items(CONTROL.id, [Ref(LOG_GROUP, "/b")]).values()
    assert item.code == code


class CountedFake:
    """A FakeAws with counters, as the sweeps here look at them."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws, self.calls = aws, dict[str, int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._aws, name)


def test_a_filter_that_is_refused_is_told_as_failed(here: Place) -> None:
    """SUB-10, SUB-27: sent once, neither raised nor given back, and the sweep is not complete."""
    aws = fake({"subscriptionFilters": []}, "/a")
    aws._answers[("logs", "PutSubscriptionFilter")] = Invalid("Could not deliver test message")
    place = Place(CountedFake(aws), here.book, here.clock)
    run = place.run(Trigger.EVENT)
    looked = look(run, [Ref(LOG_GROUP, "/a")])
    [one] = looked.outcomes
    assert (one.fate, looked.retry()) == (Fate.FAILED, set())
    assert "Could not deliver" in one.reason
    assert len(aws.asked("logs", "PutSubscriptionFilter")) == 1
    done = place.swept()
    assert (done.complete, done.fates) == (False, {"failed": 1})


def test_a_sweep_out_of_time_goes_on_where_it_was(here: Place) -> None:
    """SUB-52: what was read before the deadline is done; the next step begins behind it."""
    names = [f"/g/{number:02}" for number in range(25)]
    read: list[str] = []
    late = {"after": 13}

    def describe(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if len(read) == late["after"]:
            raise OutOfTime("too late")
        read.append(params["logGroupName"])
        return {"subscriptionFilters": []}

    place = Place(CountedFake(fake(describe, *names)), here.book, here.clock)
    first = place.swept(mode="audit")
    assert (first.finished, first.error, first.last_id, first.resources) == ("", "", "/g/12", 13)
    late["after"] = 99
    done = place.swept(mode="audit")
    assert (done.complete, done.resources, read) == (True, 25, names)
    assert len(names) > 2 * BATCH


def test_tags_that_cannot_be_read_subscribe_nothing(here: Place) -> None:
    """SUB-25: an exclusion may be among them; it is reported as unknown."""
    no_tags = {("resourcegroupstaggingapi", "GetResources"): Denied("no")}
    aws = fake({"subscriptionFilters": []}, "/a")
    aws._answers.update(no_tags)
    place = Place(CountedFake(aws), here.book, here.clock)
    done = place.swept(exclude_tags=["private"])
    assert (done.complete, done.verdicts) == (False, {"UNKNOWN": 1})
    assert aws.asked("logs", "PutSubscriptionFilter") == []


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({"policyDocument": "{"}, id="no JSON"),
        pytest.param({"selectionCriteria": "LogGroupName IN [1]"}, id="other criteria"),
    ],
)
def test_an_account_policy_that_is_not_understood_stops_the_control(
    here: Place, policy: dict[str, str]
) -> None:
    """Events might be shipped twice: nothing is done, and the sweep is not complete."""
    told = {"policyName": "all", "policyDocument": json.dumps({"DestinationArn": STREAM}), **policy}
    aws = fake({"subscriptionFilters": []}, "/a")
    aws._answers[("logs", "DescribeAccountPolicies")] = {"accountPolicies": [told]}
    done = Place(CountedFake(aws), here.book, here.clock).swept()
    assert (done.complete, "is not understood" in done.error) == (False, True)


def test_all_pages_of_account_policies_are_read(here: Place) -> None:
    """Botocore has no paginator of them."""
    mine = {"policyName": "all", "policyDocument": json.dumps({"DestinationArn": STREAM})}
    theirs = {"policyName": "b", "policyDocument": json.dumps({"DestinationArn": "elsewhere"})}
    aws = fake({"subscriptionFilters": []}, "/a")
    pages: list[dict[str, Any]] = [
        {"accountPolicies": [theirs], "nextToken": "2"},
        {"accountPolicies": [mine]},
    ]

    def policies(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return pages[int(params.get("nextToken", "1")) - 1]

    aws._answers[("logs", "DescribeAccountPolicies")] = policies
    done = Place(CountedFake(aws), here.book, here.clock).swept()
    assert (done.complete, done.verdicts) == (True, {"COMPLIANT": 1})


def test_what_a_destination_has_no_use_for_makes_no_difference(here: Place) -> None:
    """CloudWatch Logs tells a distribution of every filter, also of one to a function."""
    arn = f"arn:aws:lambda:{HERE}:function:ship"
    told = {"filterName": "steward-logs", "filterPattern": "", "destinationArn": arn}
    aws = fake({"subscriptionFilters": [{**told, "distribution": "ByLogStream"}]}, "/a")
    done = Place(CountedFake(aws), here.book, here.clock).swept(destination_arn=arn, role_arn="")
    assert (done.complete, done.verdicts) == (True, {"COMPLIANT": 1})
    assert aws.asked("logs", "PutSubscriptionFilter") == []


def test_system_fields_are_put_and_may_be_told_in_any_order(here: Place) -> None:
    """The second look writes nothing, and a policy without them takes them away."""
    fields = ["@source.log", "@aws.region"]
    here.create("/a", "/b")
    here.put("/b", "steward-logs", emitSystemFields=fields, distribution="Random")
    asked = {"emit_system_fields": fields}
    assert codes(here.looked("/a", "/b", **asked)) == {
        "/a": ("NOT_SUBSCRIBED", "remediated"),
        "/b": ("SUBSCRIBED", "none"),
    }
    assert codes(here.looked("/a", **asked)) == {"/a": ("SUBSCRIBED", "none")}
    assert (told(here, "/a"), told(here, "/b")) == (sorted(fields), fields)
    assert codes(here.looked("/b")) == {"/b": ("WRONG_FILTER", "remediated")}
    assert told(here, "/b") is None


def told(here: Place, group: str) -> list[str] | None:
    """The system fields of a group's only filter."""
    answer = here.api.ask("logs", "DescribeSubscriptionFilters", logGroupName=group)
    [one] = answer["subscriptionFilters"]
    fields: list[str] | None = one.get("emitSystemFields")
    return fields


def test_a_group_that_vanishes_while_it_is_read_is_gone(here: Place) -> None:
    """Neither unknown nor in order."""
    here.create("/a")
    here.swept()
    here.api.ask("logs", "DeleteLogGroup", logGroupName="/a")
    assert codes(here.looked("/a")) == {"/a": ("GONE", "gone")}


def test_an_excluded_group_is_not_even_read(here: Place) -> None:
    """SUB-11: it is none of our business, also where a filter of ours is left."""
    here.create("/aws/lambda/exclude-me")
    here.put("/aws/lambda/exclude-me", "steward-logs")
    here.swept(exclude=["/aws/lambda/exclude*"])
    assert "logs.DescribeSubscriptionFilters" not in here.api.calls
    assert here.filters("/aws/lambda/exclude-me") == {"steward-logs": ""}


def test_a_burst_is_looked_at_in_parts(here: Place) -> None:
    """So that what was read can be put right before the time is over."""
    names = [f"/g/{number:02}" for number in range(25)]
    here.create(*names)
    run = here.run(Trigger.EVENT)
    order: list[str] = []
    ask = here.api.ask

    def watched(service: str, operation: str, /, **params: Any) -> Any:
        order.append(operation)
        return ask(service, operation, **params)

    here.api.ask = watched
    looked = look(run, [Ref(LOG_GROUP, name) for name in names])
    assert {one.fate.value for one in looked.outcomes} == {"remediated"}
    assert order.index("PutSubscriptionFilter") < order.index("DescribeSubscriptionFilters") + 12
    assert order.count("PutSubscriptionFilter") == 25


ACCOUNT_POLICY = "AWS::Logs::AccountPolicy"
BY_ACCOUNT = {"strategy": "account"}


def shipped(here: Place) -> dict[str, tuple[dict[str, str], list[str]]]:
    """The account's subscription policies by name: document, and names left out."""
    told = here.api.ask("logs", "DescribeAccountPolicies", policyType="SUBSCRIPTION_FILTER_POLICY")
    return {
        one["policyName"]: (
            json.loads(one["policyDocument"]),
            json.loads(one.get("selectionCriteria", "[]").removeprefix("LogGroupName NOT IN ")),
        )
        for one in told["accountPolicies"]
    }


def put_account(here: Place, name: str, *left_out: str, **fields: str) -> None:
    document = {"DestinationArn": STREAM, "RoleArn": ROLE, "FilterPattern": "", **fields}
    criteria = f"LogGroupName NOT IN {json.dumps(left_out)}"
    here.api.ask(
        "logs",
        "PutAccountPolicy",
        policyName=name,
        policyType="SUBSCRIPTION_FILTER_POLICY",
        policyDocument=json.dumps(document),
        selectionCriteria=criteria,
    )


WANTED = {
    "DestinationArn": STREAM,
    "RoleArn": ROLE,
    "FilterPattern": "",
    "Distribution": "Random",
}


def test_one_policy_ships_the_whole_account(here: Place) -> None:
    """All but the path of delivery and what exclude names; the second sweep writes nothing."""
    here.create("/a", "/aws/lambda/own-a", "/aws/lambda/own-b", "/private/x", "/b/private/x")
    here.create("/not/private")
    asked = {
        **BY_ACCOUNT,
        "own_prefixes": ["/aws/lambda/own-"],
        "exclude": ["/private/*", "*/private/?", "/named"],
    }
    done = here.swept(**asked)
    assert (done.complete, done.verdicts) == (
        True,
        {"NON_COMPLIANT": 1, "COMPLIANT": 2, "NOT_APPLICABLE": 4},
    )
    left_out = ["/aws/lambda/own-a", "/aws/lambda/own-b", "/b/private/x", "/named", "/private/x"]
    assert shipped(here) == {"steward-logs": (WANTED, left_out)}
    assert {name for name in ("/a", "/not/private") if here.filters(name)} == set()
    again = here.swept(**asked)
    assert (again.complete, again.fates, again.resources) == (True, {"none": 7}, 7)
    assert here.api.calls["logs.PutAccountPolicy"] == 0


def test_a_group_to_leave_out_leads_to_the_policy(here: Place) -> None:
    """An event names the new group only; a group made anew was left out all the time."""
    asked = {**BY_ACCOUNT, "stack_prefixes": ["/own/"], "exclude": ["/private/*"]}
    here.swept(**asked)
    here.create("/own/a", "/a", "/private/a")
    found = codes(here.looked("/a", **asked))
    assert found == {"/a": ("ACCOUNT_POLICY_COVERS", "none")}
    found = codes(here.looked("/own/a", "/private/a", **asked))
    assert found["steward-logs"] == ("WRONG_ACCOUNT_POLICY", "remediated")
    assert shipped(here)["steward-logs"][1] == ["/own/a", "/private/a"]
    here.api.ask("logs", "DeleteLogGroup", logGroupName="/own/a")
    assert here.swept(**asked).fates == {"none": 3, "gone": 1}
    here.create("/own/a")
    assert codes(here.looked("/own/a", **asked))["steward-logs"][1] == "none"
    assert shipped(here)["steward-logs"][1] == ["/own/a", "/private/a"]


def test_an_account_policy_of_others_is_left_alone(here: Place) -> None:
    """AWS has one place in a Region: nothing is called, and each group says so, too."""
    here.create("/a")
    put_account(here, "theirs", "/b", DestinationArn=other(here))
    before = shipped(here)
    done = here.swept(**BY_ACCOUNT)
    assert (done.complete, done.fates) == (True, {"none": 1, "reported": 2})
    items = {item.ref.id: item.code for item in here.book.all_items(CONTROL.id)}
    assert items == {
        "/a": "NOT_COVERED",
        "steward-logs": "FOREIGN_ACCOUNT_POLICY",
        "theirs": "NOT_OURS",
    }
    assert shipped(here) == before
    assert "logs.PutAccountPolicy" not in here.api.calls
    asked = {"policyName": "theirs", "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    here.api.ask("logs", "DeleteAccountPolicy", **asked)
    run = here.run(Trigger.EVENT, **BY_ACCOUNT)
    told = look(run, [Ref(ACCOUNT_POLICY, "theirs")])
    assert codes(list(told.outcomes)) == {
        "steward-logs": ("NO_ACCOUNT_POLICY", "remediated"),
        "theirs": ("GONE", "gone"),
    }


def test_a_foreign_policy_to_the_destination_is_respected_by_this_strategy_too(here: Place) -> None:
    """SUB-83: what it covers is shipped once; that ours cannot be put is reported."""
    here.create("/a", "/b")
    put_account(here, "theirs", "/b")
    here.swept(**BY_ACCOUNT)
    items = {item.ref.id: item.code for item in here.book.all_items(CONTROL.id)}
    assert (items["/a"], items["/b"]) == ("ACCOUNT_POLICY_COVERS", "NOT_COVERED")
    assert items["steward-logs"] == "FOREIGN_ACCOUNT_POLICY"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("DestinationArn", "theirs", id="destination"),
        pytest.param("FilterPattern", "ERROR", id="pattern"),
        pytest.param("Distribution", "ByLogStream", id="distribution"),
    ],
)
def test_an_account_policy_of_ours_that_differs_is_put_right_and_back(
    here: Place, field: str, value: str
) -> None:
    """Undo puts what it was, and leaves it for a while."""
    here.create("/a")
    aside = other(here)
    put_account(
        here, "steward-logs", **{"Distribution": "Random", field: value.replace("theirs", aside)}
    )
    before = shipped(here)
    assert here.swept(**BY_ACCOUNT).fates["remediated"] == 1
    assert shipped(here) == {"steward-logs": (WANTED, [])}
    [change] = here.book.changes(CONTROL.id)
    undo(here.run(Trigger.DIRECT, **BY_ACCOUNT), change.id, "alice")
    assert shipped(here) == before
    here.swept(**BY_ACCOUNT)
    assert shipped(here) == before


def test_an_account_policy_that_was_put_can_be_taken_away(here: Place) -> None:
    """And is not put again, for its name is exempt."""
    here.create("/a")
    here.swept(**BY_ACCOUNT)
    [change] = here.book.changes(CONTROL.id)
    assert undo(here.run(Trigger.DIRECT, **BY_ACCOUNT), change.id, "alice").fate == "remediated"
    here.swept(**BY_ACCOUNT)
    assert shipped(here) == {}


def test_names_that_do_not_fit_are_reported(here: Place) -> None:
    """25 KB of selection criteria: nothing is put that would ship what must be left out."""
    names = [f"/own/{'x' * 400}/{number:03}" for number in range(70)]
    seed_log_groups((Seed(name=name) for name in [*names, "/a"]), region=REGION)
    done = here.swept(**BY_ACCOUNT, own_prefixes=["/own/"])
    assert (done.complete, done.fates["reported"], shipped(here)) == (True, 2, {})
    items = {item.ref.id: item.code for item in here.book.all_items(CONTROL.id)}
    assert items["steward-logs"] == "CRITERIA_TOO_LONG"


def minutes(here: Place, number: int) -> None:
    here.clock.advance(number * 60)


def test_filters_make_room_for_the_account_policy(here: Place) -> None:
    """It is put first; filters of ours go when it has been there for a while, others never."""
    here.create("/a", "/b")
    here.put("/b", "theirs", destinationArn=other(here))
    here.swept()
    here.swept(**BY_ACCOUNT)
    assert list(shipped(here)) == ["steward-logs"]
    assert (set(here.filters("/a")), set(here.filters("/b"))) == (
        {"steward-logs"},
        {"steward-logs", "theirs"},
    )
    items = {item.ref.id: (item.code, item.fate) for item in here.book.all_items(CONTROL.id)}
    assert items["/a"] == ("EXTRA_FILTER", Fate.REPORTED)
    minutes(here, 15)
    done = here.swept(**BY_ACCOUNT)
    assert (done.complete, done.fates) == (True, {"none": 1, "remediated": 2})
    assert (here.filters("/a"), here.filters("/b")) == ({}, {"theirs": ""})
    assert here.swept(**BY_ACCOUNT).fates == {"none": 3}


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({"DestinationArn": "theirs"}, id="to somewhere else"),
        pytest.param({"FilterPattern": "ERROR"}, id="some of it"),
        pytest.param({"left_out": "/a"}, id="without the group"),
    ],
)
def test_a_filter_stays_while_the_account_policy_ships_otherwise(
    here: Place, policy: dict[str, str]
) -> None:
    """However old that policy is: in audit nobody puts it right."""
    here.create("/a")
    here.swept()
    fields = {"Distribution": "Random", **policy}
    if fields.get("DestinationArn"):
        fields["DestinationArn"] = other(here)
    left_out = [fields.pop("left_out")] if "left_out" in fields else []
    put_account(here, "steward-logs", *left_out, **fields)
    minutes(here, 60)
    run = here.run(Trigger.EVENT, **BY_ACCOUNT)
    told = look(run, [Ref(LOG_GROUP, "/a")])
    assert codes(list(told.outcomes)) == {"/a": ("NOT_COVERED", "reported")}
    assert set(here.filters("/a")) == {"steward-logs"}


def test_the_account_policy_makes_room_for_filters(here: Place) -> None:
    """Every group gets its filter first; the policy goes once all have been there for a while."""
    names = [f"/g/{number:03}" for number in range(60)]
    here.create(*names)
    here.swept(**BY_ACCOUNT)
    minutes(here, 60)
    done = here.swept()
    assert (done.complete, done.fates) == (True, {"remediated": 60, "reported": 1})
    assert list(shipped(here)) == ["steward-logs"]
    minutes(here, 15)
    assert here.swept().fates == {"none": 60, "remediated": 1}
    assert shipped(here) == {}
    assert {name for name in names if set(here.filters(name)) != {"steward-logs"}} == set()
    again = here.swept()
    assert (again.complete, again.verdicts) == (True, {"COMPLIANT": 60})
    assert "logs.DeleteAccountPolicy" not in here.api.calls


def test_the_account_policy_stays_for_a_group_without_a_filter(here: Place) -> None:
    """Of a full group events would be lost; somebody may answer for that."""
    here.create("/a", "/full", "/out")
    aside = other(here)
    for name in "abcde":
        here.put("/full", name, destinationArn=aside)
    here.swept(**BY_ACCOUNT)
    for _ in range(3):
        minutes(here, 60)
        here.swept(exclude=["/out"])
    assert list(shipped(here)) == ["steward-logs"]
    item = here.book.items(CONTROL.id, [Ref(ACCOUNT_POLICY, "steward-logs")])
    [told] = [one.reason for one in item.values()]
    assert told.startswith("needed by /full until")
    exempt = {"resource": "/full", "reason": "r", "owner": "o", "expires": "2030-01-01"}
    for _ in range(2):
        minutes(here, 60)
        here.swept(exclude=["/out"], exemptions=[exempt])
    assert shipped(here) == {}


def test_an_account_policy_is_not_deleted_by_an_event(here: Place) -> None:
    """Only a sweep sees every group; what it deletes can be brought back."""
    here.create("/a")
    here.swept(**BY_ACCOUNT)
    minutes(here, 60)
    here.swept()
    minutes(here, 60)
    ref = Ref(ACCOUNT_POLICY, "steward-logs")
    told = look(here.run(Trigger.EVENT), [ref])
    assert codes(list(told.outcomes)) == {"steward-logs": ("ACCOUNT_POLICY_LEFT", "reported")}
    here.swept()
    assert shipped(here) == {}
    change = next(one for one in here.book.changes(CONTROL.id) if one.ref == ref)
    undo(here.run(Trigger.DIRECT), change.id, "alice")
    assert shipped(here) == {"steward-logs": (WANTED, [])}


def test_a_former_prefix_of_an_account_policy_is_kept(here: Place) -> None:
    """Renaming would leave events out in between, as there is room for one."""
    here.create("/a")
    here.swept(**BY_ACCOUNT, filter_prefix="old")
    done = here.swept(**BY_ACCOUNT, former_prefixes=["old"], filter_pattern="ERROR")
    assert (done.complete, done.fates) == (True, {"remediated": 1, "none": 1})
    assert shipped(here) == {"old-logs": ({**WANTED, "FilterPattern": "ERROR"}, [])}


def test_a_sweep_by_account_policy_over_2000_groups_takes_60_calls_at_most(here: Place) -> None:
    """Pages of groups, the account's policies twice, a search for what is left out."""
    seed_log_groups((Seed(name=f"/g/{number:04}") for number in range(2000)), region=REGION)
    seed_log_groups([Seed(name="/aws/lambda/steward-a")], region=REGION)
    asked = {
        **BY_ACCOUNT,
        "stack_prefixes": ["/aws/lambda/steward-"],
        "exclude": ["*-private"],
    }
    here.swept(**asked)
    again = here.swept(**asked)
    assert again.verdicts == {"COMPLIANT": 2001, "NOT_APPLICABLE": 1}
    assert "logs.DescribeSubscriptionFilters" not in here.api.calls
    assert here.api.calls["logs.DescribeAccountPolicies"] == 2
    assert sum(here.api.calls.values()) <= 60, here.api.calls


def test_a_handover_goes_on_in_another_step(here: Place) -> None:
    """Its empty pages say how far it has come; each resource is counted once."""
    here.create(*(f"/g/{number:03}" for number in range(120)))
    here.swept(**BY_ACCOUNT)
    minutes(here, 60)
    here.swept()
    minutes(here, 60)
    run = here.run(Trigger.SWEEP)
    at = sweeps.begin(here.book, CONTROL.id, run.loaded.hash, here.clock.now())
    while not at.finished:
        at = next(sweeps.advance(here.run(Trigger.SWEEP), at)).sweep
    assert (at.complete, at.resources, at.pages) == (True, 121, 6)
    assert shipped(here) == {}


def test_a_sweep_in_steps_counts_the_account_policy_once(here: Place) -> None:
    """It is met in the first step, and asked after in the last; gone it is told as gone."""
    here.create(*(f"/g/{number:03}" for number in range(60)))
    for verdicts in ({"COMPLIANT": 60, "NON_COMPLIANT": 1}, {"COMPLIANT": 61}):
        run = here.run(Trigger.SWEEP, **BY_ACCOUNT)
        at = sweeps.begin(here.book, CONTROL.id, run.loaded.hash, here.clock.now())
        while not at.finished:
            at = next(sweeps.advance(here.run(Trigger.SWEEP, **BY_ACCOUNT), at)).sweep
        assert (at.complete, at.verdicts) == (True, verdicts)


def test_an_undo_that_the_template_no_longer_allows_is_refused(here: Place) -> None:
    """Neither a filter nor an account policy comes back that ships to elsewhere."""
    here.create("/a")
    here.put("/a", "steward-logs", destinationArn=other(here))
    here.swept()
    [change] = here.book.changes(CONTROL.id)
    run = here.run(Trigger.DIRECT)
    for allowed in ({"destination_arn": [STREAM]}, {"role_arn": [""]}):
        bound = replace(run, loaded=replace(run.loaded, allowed=allowed))
        with pytest.raises(Refused, match="the template allows"):
            undo(bound, change.id, "alice")
    assert here.filters("/a") == {"steward-logs": ""}


def test_a_filter_that_is_gone_already_does_not_make_the_group_gone(here: Place) -> None:
    """Somebody was quicker: the group is looked at again, and is in order."""
    here.create("/a")
    here.put("/a", "steward-logs")
    narrow = {"include": {"names": ["/none"]}}
    ask = here.api.ask

    def quicker(service: str, operation: str, /, **params: Any) -> Any:
        if operation == "DeleteSubscriptionFilter":
            ask(service, operation, **params)
        return ask(service, operation, **params)

    here.api.ask = quicker
    run = here.run(Trigger.EVENT, **narrow)
    looked = look(run, [Ref(LOG_GROUP, "/a")])
    here.api.ask = ask
    assert codes(list(looked.outcomes)) == {"/a": ("EXTRA_FILTER", "held")}
    assert looked.retry() == {Ref(LOG_GROUP, "/a")}
    assert codes(here.looked("/a", **narrow)) == {"/a": ("NOT_SELECTED", "none")}


def test_what_was_looked_at_besides_gives_the_message_back(here: Place) -> None:
    """The policy could not be put: the group's event comes again, and with it the policy."""
    here.swept(**BY_ACCOUNT, own_prefixes=["/own/"])
    here.create("/own/a", "/a")
    ask = here.api.ask

    def busy(service: str, operation: str, /, **params: Any) -> Any:
        if operation == "PutAccountPolicy":
            raise TryAgain("busy")
        return ask(service, operation, **params)

    here.api.ask = busy
    run = here.run(Trigger.EVENT, **BY_ACCOUNT, own_prefixes=["/own/"])
    looked = look(run, [Ref(LOG_GROUP, "/own/a"), Ref(LOG_GROUP, "/a")])
    here.api.ask = ask
    assert looked.retry() == {Ref(ACCOUNT_POLICY, "steward-logs"), Ref(LOG_GROUP, "/own/a")}
