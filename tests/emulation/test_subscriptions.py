"""Subscription filters of the embedded account are as AWS has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, seed_delivery_role, seed_functions

ACCOUNT, REGION = "123456789012", "eu-west-1"
HERE = f"{REGION}:{ACCOUNT}"
STREAM = f"arn:aws:kinesis:{HERE}:stream/events"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ships"


@pytest.fixture
def logs() -> Iterator[Any]:
    """A client of CloudWatch Logs, with the group /a and the stream events."""
    session = boto3.Session(region_name=REGION)
    with mock_aws(), faithful():
        session.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        seed_delivery_role("ships")
        client = session.client("logs")
        client.create_log_group(logGroupName="/a")
        yield client


def put(logs: Any, *names: str, **fields: Any) -> None:
    to = {"destinationArn": STREAM, "roleArn": ROLE, "filterPattern": "", "logGroupName": "/a"}
    for name in names:
        asked = {**to, **fields}
        logs.put_subscription_filter(
            filterName=name, **{key: value for key, value in asked.items() if value is not None}
        )


def filters(logs: Any, **asked: Any) -> list[dict[str, Any]]:
    answer = logs.describe_subscription_filters(logGroupName="/a", **asked)
    return list(answer["subscriptionFilters"])


def names(told: list[dict[str, Any]]) -> list[str]:
    return [one["filterName"] for one in told]


def test_a_group_has_five_filters_and_a_sixth_is_refused(logs: Any) -> None:
    """Not two, as it once was."""
    put(logs, *"abcde")
    with pytest.raises(logs.exceptions.LimitExceededException):
        put(logs, "f")
    assert names(filters(logs)) == [*"abcde"]


def test_a_full_groups_filter_can_be_replaced(logs: Any) -> None:
    """SUB-40: the name decides; it keeps the time of its creation."""
    put(logs, *"abcde")
    [before] = filters(logs, filterNamePrefix="c")
    put(logs, "c", filterPattern="ERROR")
    [after] = filters(logs, filterNamePrefix="c")
    assert after == {**before, "filterPattern": "ERROR"}


def test_a_stream_needs_a_role(logs: Any) -> None:
    """A function has none: its own policy lets CloudWatch Logs in."""
    with pytest.raises(logs.exceptions.InvalidParameterException, match="without roleArn"):
        put(logs, "a", roleArn=None)


def test_the_distribution_is_kept(logs: Any) -> None:
    """By log stream where nothing is told."""
    put(logs, "a", distribution="Random")
    put(logs, "b")
    assert [one["distribution"] for one in filters(logs)] == ["Random", "ByLogStream"]


def test_system_fields_are_kept(logs: Any) -> None:
    """Of three that there are; none are told where there are none."""
    put(logs, "a", emitSystemFields=["@source.log", "@aws.account"])
    put(logs, "b", emitSystemFields=[])
    told = [one.get("emitSystemFields") for one in filters(logs)]
    assert told == [["@source.log", "@aws.account"], None]
    with pytest.raises(logs.exceptions.InvalidParameterException, match="system fields"):
        put(logs, "a", emitSystemFields=["@message"])


GROUPS = f"arn:aws:logs:{HERE}:log-group"


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        pytest.param(None, False, id="nothing"),
        pytest.param({}, True, id="any group of any account"),
        pytest.param({"SourceArn": f"{GROUPS}:*", "SourceAccount": ACCOUNT}, True, id="any"),
        pytest.param({"SourceArn": f"{GROUPS}:/a:*"}, True, id="the group"),
        pytest.param({"SourceArn": f"{GROUPS}:/b:*"}, False, id="another group"),
        pytest.param({"SourceAccount": "111122223333"}, False, id="of another account"),
        pytest.param({"Principal": "events.amazonaws.com"}, False, id="another service"),
        pytest.param({"Principal": f"logs.{REGION}.amazonaws.com"}, True, id="of the Region"),
        pytest.param({"Action": "lambda:GetFunction"}, False, id="another action"),
    ],
)
def test_a_function_must_let_cloudwatch_logs_in(
    logs: Any, told: dict[str, str] | None, *, taken: bool
) -> None:
    """It is invoked in the name of the log group, before the filter is taken."""
    seed_functions([FunctionSeed(name="ship")], region=REGION)
    arn = f"arn:aws:lambda:{HERE}:function:ship"
    if told is not None:
        asked = {"Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com", **told}
        client = boto3.client("lambda", region_name=REGION)
        client.add_permission(FunctionName="ship", StatementId="logs", **asked)
    refused = ""
    try:
        put(logs, "a", destinationArn=arn, roleArn=None)
    except logs.exceptions.InvalidParameterException as error:
        refused = str(error)
    assert names(filters(logs)) == (["a"] if taken else [])
    assert ("given CloudWatch Logs permission to execute" in refused) is not taken


def test_only_the_standard_class_takes_filters(logs: Any) -> None:
    """The class is for ever."""
    logs.create_log_group(logGroupName="/cheap", logGroupClass="INFREQUENT_ACCESS")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        put(logs, "a", logGroupName="/cheap")


def test_filters_are_described_by_prefix_and_in_pages(logs: Any) -> None:
    """Sorted by name, whatever came first; a made-up token is refused."""
    put(logs, "b2", "a", "b1")
    assert names(filters(logs, filterNamePrefix="b")) == ["b1", "b2"]
    first = logs.describe_subscription_filters(logGroupName="/a", limit=2)
    rest = filters(logs, limit=2, nextToken=first["nextToken"])
    assert (names(first["subscriptionFilters"]), names(rest)) == (["a", "b1"], ["b2"])
    with pytest.raises(logs.exceptions.InvalidParameterException):
        filters(logs, nextToken="made up")


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param(f"arn:aws:kinesis:{HERE}:stream/none", id="stream"),
        pytest.param(f"arn:aws:firehose:{HERE}:deliverystream/none", id="firehose"),
        pytest.param(f"arn:aws:lambda:{HERE}:function:none", id="function"),
        pytest.param(f"arn:aws:logs:{HERE}:destination:none", id="destination"),
        pytest.param(f"arn:aws:sqs:{HERE}:none", id="no destination"),
    ],
)
def test_what_is_not_there_is_no_destination(logs: Any, arn: str) -> None:
    """CloudWatch Logs tries it before it takes the filter."""
    with pytest.raises(logs.exceptions.InvalidParameterException):
        put(logs, "a", destinationArn=arn)
    assert filters(logs) == []


def test_a_group_that_is_not_there_has_no_filters(logs: Any) -> None:
    """Neither to put nor to describe."""
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        put(logs, "a", logGroupName="/none")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_subscription_filters(logGroupName="/none")


def put_for_account(logs: Any, name: str = "all", **fields: Any) -> None:
    criteria = {key: fields.pop(key) for key in ("selectionCriteria",) if key in fields}
    document = {"DestinationArn": STREAM, "RoleArn": ROLE, "FilterPattern": "", **fields}
    kind = {"policyName": name, "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    logs.put_account_policy(policyDocument=json.dumps(document), **kind, **criteria)


def for_account(logs: Any) -> list[tuple[str, str]]:
    """The names and criteria of the account's subscription filters."""
    told = logs.describe_account_policies(policyType="SUBSCRIPTION_FILTER_POLICY")
    return [
        (one["policyName"], one.get("selectionCriteria", "")) for one in told["accountPolicies"]
    ]


def test_an_account_has_one_subscription_filter(logs: Any) -> None:
    """It can be replaced under its name; another has room once it is deleted."""
    put_for_account(logs)
    put_for_account(logs, selectionCriteria='LogGroupName NOT IN ["/a", "/b"]')
    with pytest.raises(logs.exceptions.LimitExceededException):
        put_for_account(logs, "more")
    assert for_account(logs) == [("all", 'LogGroupName NOT IN ["/a", "/b"]')]
    logs.delete_account_policy(policyName="all", policyType="SUBSCRIPTION_FILTER_POLICY")
    put_for_account(logs, "more")
    assert for_account(logs) == [("more", "")]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_account_policy(policyName="all", policyType="SUBSCRIPTION_FILTER_POLICY")


@pytest.mark.parametrize(
    "criteria",
    [
        pytest.param('LogGroupName IN ["/a"]', id="another operator"),
        pytest.param('LogGroupNamePrefix NOT IN ["/a"]', id="another field"),
        pytest.param("LogGroupName NOT IN [/a]", id="no JSON"),
        pytest.param(f'LogGroupName NOT IN ["{"a" * 25_600}"]', id="more than 25 KB"),
    ],
)
def test_criteria_only_leave_names_out(logs: Any, criteria: str) -> None:
    """Nothing else is taken, and nothing is put."""
    with pytest.raises(logs.exceptions.InvalidParameterException):
        put_for_account(logs, selectionCriteria=criteria)
    assert for_account(logs) == []
