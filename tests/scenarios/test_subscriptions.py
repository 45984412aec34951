"""Subscribing on the embedded account: the template, its events, sweeps and roles."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from embedded.seeding import (
    FunctionSeed,
    Seed,
    seed_delivery_role,
    seed_functions,
    seed_log_groups,
)
from tests.scenarios.embedding import (
    LOGS,
    create,
    installed,
    logged,
    metrics,
    put_policy,
    retention,
    sweeps,
)

CONTROL = "log-subscription"
BOTH = (LOGS, CONTROL)
PLACE = "eu-west-1:123456789012"
STREAM = f"arn:aws:kinesis:{PLACE}:stream/events"
ASIDE = f"arn:aws:kinesis:{PLACE}:stream/aside"
ROLE = "arn:aws:iam::123456789012:role/ships"
PARAMETERS = {
    "LogSubscriptionMode": "enforce",
    "LogDestinationArn": STREAM,
    "LogDestinationRoleArn": ROLE,
}


@pytest.fixture
def here() -> Iterator[EmbeddedAccount]:
    with installed(controls=BOTH, **PARAMETERS) as account:
        seed_delivery_role("ships")
        for name in ("events", "aside"):
            account.client("kinesis").create_stream(StreamName=name, ShardCount=1)
        yield account


def put(here: EmbeddedAccount, group: str, name: str, **fields: Any) -> None:
    told = {"destinationArn": ASIDE, "roleArn": ROLE, "filterPattern": "", **fields}
    here.client("logs").put_subscription_filter(logGroupName=group, filterName=name, **told)


def filters(here: EmbeddedAccount) -> dict[str, list[str]]:
    """The names of each group's filters; groups without any left out."""
    logs = here.client("logs", user="auditor")
    pages = logs.get_paginator("describe_log_groups").paginate()
    names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    found = {
        name: [
            one["filterName"]
            for one in logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]
        ]
        for name in names
    }
    return {name: told for name, told in found.items() if told}


def writes(here: EmbeddedAccount) -> int:
    """Calls that changed filters, also those of people."""
    calls = here.server.calls
    return calls["logs.PutSubscriptionFilter"] + calls["logs.DeleteSubscriptionFilter"]


def seed(here: EmbeddedAccount, *names: str) -> None:
    seed_log_groups((Seed(name=name, days=30) for name in names), region=here.region)


def test_an_event_subscribes_a_group_and_sets_its_retention(here: EmbeddedAccount) -> None:
    """SUB-1: two automations by one event; each sees its own work come back, and stops."""
    create(here, "/a")
    here.settle()
    assert (filters(here), retention(here)) == ({"/a": ["steward-logs"]}, {"/a": 30})
    [made] = here.client("logs").describe_subscription_filters(logGroupName="/a")[
        "subscriptionFilters"
    ]
    told = (made["destinationArn"], made["roleArn"], made["distribution"], made["filterPattern"])
    assert told == (STREAM, ROLE, "Random", "")
    events = [one.event for one in here.journal.events if one.event["source"] == "aws.logs"]
    names = {one["detail"]["eventName"] for one in events} - {"CreateLogStream"}  # the audit log's
    assert names == {"CreateLogGroup", "PutRetentionPolicy", "PutSubscriptionFilter"}
    assert len(events) == len(names) + 2  # each of the two made one stream
    by = {who for who, _, operation in here.watch.seen if operation == "PutSubscriptionFilter"}
    assert [one.startswith("steward-LogSubscriptionRole-") for one in by] == [True]


def test_a_filter_of_ours_that_somebody_deletes_or_changes_is_put_again(
    here: EmbeddedAccount,
) -> None:
    """SUB-17 by events; then nothing more happens, and what is not ours stays."""
    create(here, "/a")
    put(here, "/a", "theirs")
    here.settle()
    here.client("logs").delete_subscription_filter(logGroupName="/a", filterName="steward-logs")
    here.settle()
    put(here, "/a", "steward-logs", destinationArn=STREAM, filterPattern="[event]")
    here.settle()
    assert filters(here) == {"/a": ["steward-logs", "theirs"]}
    done = writes(here)
    assert done == 6  # three by people, three by us
    here.sweep()
    here.settle()
    assert writes(here) == done


def test_tags_decide_by_events(here: EmbeddedAccount) -> None:
    """SUB-12, SUB-70: a tag subscribes, and its end unsubscribes."""
    put_policy(here, CONTROL, include={"tags": ["ship=yes"]})
    here.settle()
    create(here, "/a", "/b")
    here.settle()
    logs, arn = here.client("logs"), f"arn:aws:logs:{PLACE}:log-group:/a"
    logs.tag_resource(resourceArn=arn, tags={"ship": "yes"})
    here.settle()
    assert filters(here) == {"/a": ["steward-logs"]}
    logs.untag_log_group(logGroupName="/a", tags=["ship"])
    here.settle()
    assert filters(here) == {}


def test_a_narrowed_policy_unsubscribes_only_what_is_ours(here: EmbeddedAccount) -> None:
    """SUB-28, SUB-39, SUB-51, SUB-55, SUB-59: the sweep that the policy starts does it, in one
    step as it is little."""
    create(here, "/a", "/b")
    put(here, "/a", "theirs")
    here.settle()
    here.host.invocations.clear()
    put_policy(here, CONTROL, include={"prefixes": ["/b"]})
    here.settle()
    assert filters(here) == {"/a": ["theirs"], "/b": ["steward-logs"]}
    assert len(steps(here)) == 1


def test_a_policy_that_includes_nothing_takes_every_filter_of_ours_away(
    here: EmbeddedAccount,
) -> None:
    """SUB-54, SUB-60: what is done before the stack is removed; in as many steps as it takes."""
    seed(here, *(f"/g/{number:02}" for number in range(60)))
    here.sweep()
    here.settle()
    put(here, "/g/07", "theirs")
    here.host.invocations.clear()
    put_policy(here, CONTROL, include={"names": ["/none"]})
    here.settle()
    assert filters(here) == {"/g/07": ["theirs"]}
    assert len(steps(here)) > 1


def steps(here: EmbeddedAccount) -> list[Any]:
    """The invocations that were steps of this control's sweeps."""
    events = [one.event for one in here.host.invocations]
    return [one for one in events if one.get("sweep", {}).get("control") == CONTROL]


def test_a_burst_is_subscribed_and_nothing_is_given_back(here: EmbeddedAccount) -> None:
    """A batch is as large as one invocation has time for, so that no alarm tells of a backlog."""
    create(here, *(f"/g/{number:02}" for number in range(60)))
    here.settle()
    assert len(filters(here)) == 60
    assert sum(metrics(here, "GivenBack")) == 0


def test_a_message_without_an_event_is_given_back(here: EmbeddedAccount) -> None:
    """SUB-43: by itself; it ends in the dead-letter queue, where somebody sees it."""
    arn = here.queue(CONTROL).arn
    record = {"messageId": "1", "body": "", "eventSourceARN": arn, "receiptHandle": "none"}
    answer = here.invoke(CONTROL, {"Records": [record]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_an_operator_may_ask_for_a_group(here: EmbeddedAccount) -> None:
    """SUB-44: one that no event named, such as one that is older than the stack."""
    seed(here, "/aws/hello")
    answer = here.invoke(CONTROL, {"look": {"control": CONTROL, "resources": ["/aws/hello"]}})
    assert (answer["fates"], filters(here)) == ({"remediated": 1}, {"/aws/hello": ["steward-logs"]})


def test_a_destination_of_another_account_may_be_subscribed_to() -> None:
    """A destination of CloudWatch Logs asks for a grant on itself, which the role has."""
    arn = f"arn:aws:logs:{PLACE}:destination:central"
    with installed(controls=BOTH, LogSubscriptionMode="enforce", LogDestinationArn=arn) as here:
        logs, stream = here.client("logs"), {"StreamName": "events", "ShardCount": 1}
        here.client("kinesis").create_stream(**stream)
        logs.put_destination(destinationName="central", targetArn=STREAM, roleArn=ROLE)
        create(here, "/a")
        here.settle()
        [made] = logs.describe_subscription_filters(logGroupName="/a")["subscriptionFilters"]
        assert (made["destinationArn"], made.get("roleArn")) == (arn, None)


FUNCTION = f"arn:aws:lambda:{PLACE}:function:ship"


def with_function(account: EmbeddedAccount) -> None:
    """A function that lets nobody in, as whoever wants lines there makes it."""
    seed_functions([FunctionSeed(name="ship")], region=account.region)


def statements(here: EmbeddedAccount) -> list[dict[str, Any]]:
    """Who is let into that function."""
    policy = here.client("lambda").get_policy(FunctionName="ship")["Policy"]
    return list(json.loads(policy)["Statement"])


def lines(event: Mapping[str, Any]) -> list[str]:
    """What a function is told of a log group."""
    message = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    return [f"{message['logGroup']} {one['message']}" for one in message["logEvents"]]


def test_a_function_gets_the_lines_of_groups_that_events_have_subscribed() -> None:
    """SUB-79: the stack lets CloudWatch Logs in, by one statement for all groups."""
    told: list[str] = []
    with installed(with_function, controls=BOTH, LogDestinationArn=FUNCTION) as here:
        here.host.others["ship"] = lambda event: told.extend(lines(event))
        create(here, "/a", "/b")
        here.settle()
        logs, now = here.client("logs"), int(here.clock.now().timestamp() * 1000)
        for group in ("/a", "/b"):
            logs.create_log_stream(logGroupName=group, logStreamName="s")
            events = [{"timestamp": now, "message": "hello"}]
            logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        here.settle()
        assert (sorted(told), here.delivery.lost) == (["/a hello", "/b hello"], [])
        assert len(statements(here)) == 1


def test_a_function_that_lets_nobody_in_is_no_destination() -> None:
    """What CloudWatch Logs says of it is logged; nothing is subscribed."""
    with installed(with_function, controls=BOTH, LogDestinationArn=FUNCTION) as here:
        [statement] = statements(here)
        told = {"FunctionName": "ship", "StatementId": statement["Sid"]}
        here.client("lambda").remove_permission(**told)
        create(here, "/a")
        here.settle()
        assert filters(here) == {}
        said = json.dumps([line for one in here.host.invocations for line in one.lines])
        assert "given CloudWatch Logs permission" in said


def test_a_renamed_prefix_replaces_the_filters(here: EmbeddedAccount) -> None:
    """SUB-61, SUB-84: without the former prefix the old ones are not ours, are left, and that is
    reported."""
    create(here, "/a", "/b")
    here.settle()
    put_policy(here, CONTROL, filter_prefix="acme")
    here.settle()
    assert filters(here) == {"/a": ["steward-logs"], "/b": ["steward-logs"]}
    assert {one["code"] for one in logged(here, "reported")} == {"FOREIGN_DUPLICATE"}
    put_policy(here, CONTROL, filter_prefix="acme", former_prefixes=["steward"])
    here.settle()
    assert filters(here) == {"/a": ["acme-logs"], "/b": ["acme-logs"]}


def test_a_full_group_is_reported_and_not_retried(here: EmbeddedAccount) -> None:
    """SUB-80: no failure, no dead letter; a filter that is deleted makes room at once."""
    create(here, "/a")
    for name in "abcde":
        put(here, "/a", name)
    here.settle()
    here.sweep()
    assert {one["code"] for one in logged(here, "reported")} == {"NO_FILTER_SLOT"}
    assert (sweeps(here), logged(here, "failed")) == (["SUCCEEDED"], [])
    here.client("logs").delete_subscription_filter(logGroupName="/a", filterName="c")
    here.settle()
    assert filters(here) == {"/a": ["a", "b", "d", "e", "steward-logs"]}
    assert here.queue("log-subscription-dead-letters").visible == 0


def test_the_delivery_path_is_never_subscribed(here: EmbeddedAccount) -> None:
    """SUB-58, SUB-64, SUB-71: neither by event nor by sweep."""
    create(here, "/aws/lambda/steward-log-shipper", "/aws/lambda/other")
    here.settle()
    here.sweep()
    assert filters(here) == {"/aws/lambda/other": ["steward-logs"]}


def test_undo_takes_the_filter_away_and_nobody_puts_it_again(here: EmbeddedAccount) -> None:
    """The function undoes it, by its own role, and exempts the group."""
    create(here, "/a")
    here.settle()
    [change] = {one["change"] for one in logged(here, "remediated") if one["control"] == CONTROL}
    here.invoke(CONTROL, {"undo": change})
    here.settle()
    here.sweep()
    here.settle()
    assert filters(here) == {}


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "OperationAbortedException", "ServiceUnavailableException"]
)
def test_a_busy_service_is_asked_again(here: EmbeddedAccount, code: str) -> None:
    """SUB-24, SUB-26, SUB-82: within the same look."""
    here.server.faults = [
        Fault(operation="logs.PutSubscriptionFilter", code=code, times=1),
        Fault(operation="logs.DescribeSubscriptionFilters", code=code, times=1),
    ]
    create(here, "/a")
    here.settle()
    assert (filters(here), metrics(here, "BrokenBatches")) == ({"/a": ["steward-logs"]}, [])


def test_a_page_that_cannot_be_read_makes_the_sweep_incomplete(here: EmbeddedAccount) -> None:
    """SUB-81: it never looks like success."""
    seed(here, *(f"/g/{number:02}" for number in range(60)))
    here.server.faults = [
        Fault(
            operation="logs.DescribeSubscriptionFilters", code="AccessDeniedException", times=None
        )
    ]
    assert (here.sweep().status, sum(metrics(here, "IncompleteSweeps"))) == ("FAILED", 1)


def test_a_destination_that_the_template_does_not_allow_stops_the_control(
    here: EmbeddedAccount,
) -> None:
    """Whoever may write a parameter cannot ship an account's logs to elsewhere."""
    create(here, "/a")
    here.settle()
    put_policy(here, CONTROL, destination_arn=ASIDE)
    here.settle()
    assert sum(metrics(here, "BadPolicies")) > 0
    assert "bad-policy" in here.alarms()
    [made] = here.client("logs").describe_subscription_filters(logGroupName="/a")[
        "subscriptionFilters"
    ]
    assert made["destinationArn"] == STREAM


def test_without_writes_the_same_is_planned_and_nothing_is_put() -> None:
    """SUB-85: also the role grants nothing."""
    with installed(controls=BOTH, **PARAMETERS, AllowWrites="false") as here:
        here.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        create(here, "/a")
        here.settle()
        planned = [one for one in logged(here, "planned") if one["control"] == CONTROL]
        assert ([one["code"] for one in planned], writes(here)) == (["NOT_SUBSCRIBED"], 0)


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"errorCode": "LimitExceededException"}, id="SUB-72 a failed call"),
        pytest.param({"requestParameters": None}, id="SUB-73 no parameters"),
        pytest.param({"requestParameters": {"resourceArn": "arn:aws:s3:::a"}}, id="SUB-62 other"),
    ],
)
def test_an_event_that_names_no_group_calls_nothing(
    here: EmbeddedAccount, detail: dict[str, Any]
) -> None:
    """It is skipped, and told."""
    record = {"eventName": "TagResource", "requestParameters": {"logGroupName": "/a"}, **detail}
    event = {
        "source": "aws.logs",
        "detail-type": "AWS API Call via CloudTrail",
        "account": here.account,
        "region": here.region,
        "detail": record,
    }
    before = here.server.calls["logs.DescribeLogGroups"]
    here.queue(CONTROL).send(json.dumps(event))
    here.settle()
    assert here.server.calls["logs.DescribeLogGroups"] == before
    assert len(logged(here, "skipped")) == 1


def test_a_converged_sweep_reads_the_pages_of_groups_and_no_filters(here: EmbeddedAccount) -> None:
    """SUB-53: the ledger remembers them, and is written only for the sweep itself; in one step."""
    seed(here, *(f"/g/{number:03}" for number in range(100)))
    for _ in range(2):  # what the first one put is load for the stream, which the second one sees
        here.sweep()
        here.settle()
    assert len(filters(here)) == 100
    here.server.calls.clear()
    here.host.invocations.clear()
    assert here.sweep().status == "SUCCEEDED"
    assert len(steps(here)) == 1
    calls = here.server.calls
    assert calls["logs.DescribeSubscriptionFilters"] == 0
    assert calls["logs.DescribeLogGroups"] == 2 * 3  # by two controls
    assert (calls["logs.DescribeAccountPolicies"], writes(here)) == (1, 0)
    assert calls["dynamodb.BatchWriteItem"] == 0


@pytest.fixture
def allowing() -> Iterator[EmbeddedAccount]:
    """A stack whose policies may ask for an account policy."""
    with installed(controls=BOTH, **PARAMETERS, LogSubscriptionAccountPolicy="allowed") as account:
        seed_delivery_role("ships")
        account.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        yield account


def account_policies(here: EmbeddedAccount) -> dict[str, list[str]]:
    """The names that each account policy leaves out."""
    told = here.client("logs", user="auditor").describe_account_policies(
        policyType="SUBSCRIPTION_FILTER_POLICY"
    )["accountPolicies"]
    return {
        one["policyName"]: json.loads(one["selectionCriteria"].partition("NOT IN ")[2])
        for one in told
    }


NUMBERS = count()
"""So that no line is like another."""


def arrived(here: EmbeddedAccount, group: str) -> int:
    """How often a line that is logged now comes to the stream."""
    logs, line = here.client("logs"), f"line {next(NUMBERS)}"
    now = int(here.clock.now().timestamp() * 1000)
    logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[{"timestamp": now, "message": line}]
    )
    held = [json.loads(gzip.decompress(one.data)) for one in here.streams.records(STREAM)]
    events = [event for one in held for event in one["logEvents"]]
    return sum(event["message"] == line for event in events)


def test_an_account_policy_ships_each_line_once(allowing: EmbeddedAccount) -> None:
    """Of old groups and of new ones, without a call for each; the stack's own are left out."""
    here = allowing
    seed(here, *(f"/g/{number:02}" for number in range(30)))
    put_policy(here, CONTROL, strategy="account")
    here.settle()
    create(here, "/new")
    here.client("logs").create_log_stream(logGroupName="/new", logStreamName="s")
    assert arrived(here, "/new") == 1
    here.settle()
    assert (filters(here), list(account_policies(here))) == ({}, ["steward-logs"])
    left_out = account_policies(here)["steward-logs"]
    assert "/aws/lambda/steward-log-subscription" in left_out
    ours = ("/aws/lambda/steward-", "/steward/steward/audit")
    assert all(name.startswith(ours) for name in left_out)
    before = here.server.calls["logs.PutAccountPolicy"]
    here.advance(hours=12)
    here.settle()
    assert here.server.calls["logs.PutAccountPolicy"] == before == 1


def test_a_new_group_of_the_stack_is_left_out_at_once(allowing: EmbeddedAccount) -> None:
    """Its event leads to the account policy; what comes back as an event writes no more."""
    here = allowing
    put_policy(here, CONTROL, strategy="account")
    here.settle()
    create(here, "/aws/lambda/steward-log-shipper", "/a")
    here.settle()
    assert "/aws/lambda/steward-log-shipper" in account_policies(here)["steward-logs"]
    done = here.server.calls["logs.PutAccountPolicy"]
    here.settle()
    here.sweep()
    assert here.server.calls["logs.PutAccountPolicy"] == done == 2


def test_an_account_policy_that_somebody_deletes_or_changes_is_put_again(
    allowing: EmbeddedAccount,
) -> None:
    """By events of their own."""
    here = allowing
    kind = {"policyName": "steward-logs", "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    put_policy(here, CONTROL, strategy="account")
    here.settle()
    before, logs = account_policies(here), here.client("logs")
    logs.delete_account_policy(**kind)
    here.settle()
    assert account_policies(here) == before
    document = {"DestinationArn": STREAM, "RoleArn": ROLE, "FilterPattern": "ERROR"}
    logs.put_account_policy(**kind, policyDocument=json.dumps(document))
    here.settle()
    assert account_policies(here) == before


def test_strategies_are_switched_without_a_line_lost(allowing: EmbeddedAccount) -> None:
    """Both ways: twice for a while, never not at all, and in the end once, by the other alone."""
    here = allowing
    create(here, "/a")
    here.client("logs").create_log_stream(logGroupName="/a", logStreamName="s")
    here.settle()
    assert (arrived(here, "/a"), account_policies(here)) == (1, {})
    for strategy, group_filters in (("account", {}), ("group", {"/a": ["steward-logs"]})):
        seen = []
        put_policy(here, CONTROL, strategy=strategy)
        for _ in range(8):
            here.advance(hours=3)
            seen.append(arrived(here, "/a"))
            here.settle()
            seen.append(arrived(here, "/a"))
        assert (min(seen), max(seen), seen[-1]) == (1, 2, 1)
        assert filters(here) == group_filters
        assert bool(account_policies(here)) is (strategy == "account")


def test_undo_brings_an_account_policy_back_by_the_functions_role(
    allowing: EmbeddedAccount,
) -> None:
    """A change of pattern; the role may do what that takes, and the policy stays exempt."""
    here = allowing
    put_policy(here, CONTROL, strategy="account", filter_pattern="ERROR")
    here.settle()
    put_policy(here, CONTROL, strategy="account")
    here.settle()
    changes = [one["change"] for one in logged(here, "remediated") if one["control"] == CONTROL]
    here.invoke(CONTROL, {"undo": changes[-1]})
    here.settle()
    here.sweep()
    logs = here.client("logs")
    [told] = logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")[
        "accountPolicies"
    ]
    assert json.loads(told["policyDocument"])["FilterPattern"] == "ERROR"


def test_a_stack_that_refuses_account_policies_has_none(here: EmbeddedAccount) -> None:
    """As it is installed: the policy does not fit, nothing is granted, the filters stay."""
    create(here, "/a")
    here.settle()
    put_policy(here, CONTROL, strategy="account")
    here.settle()
    assert "bad-policy" in here.alarms()
    assert (filters(here), account_policies(here)) == ({"/a": ["steward-logs"]}, {})
