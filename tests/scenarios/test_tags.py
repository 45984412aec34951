"""Stacks come, and their tags go where they should: event, rule, inbox, function, world."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from console.routing import route, routes
from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from embedded.seeding import FunctionSeed, seed_delivery_role, seed_functions
from embedded.stacks import seed_stack
from steward.events import STACK, Skip
from steward.model import Ref
from tests.scenarios.embedding import installed, logged, metrics, put_policy

TAGS, SUBSCRIPTION = "stack-tags", "log-subscription"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
INDEX = "resourcegroupstaggingapi"


def before(here: EmbeddedAccount) -> None:
    """A stream to ship to; a function that has logged already, whose group no stack has made."""
    here.client("kinesis").create_stream(StreamName="events", ShardCount=1)
    seed_delivery_role("ships")
    seed_functions([FunctionSeed(name="orders")], region=here.region)
    here.client("logs").create_log_group(logGroupName="/aws/lambda/orders")


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    """Tags are written, and log groups of the team are subscribed."""
    destination = {
        "LogDestinationArn": STREAM,
        "LogDestinationRoleArn": "arn:aws:iam::123456789012:role/ships",
    }
    with installed(before, controls=(TAGS, SUBSCRIPTION), **destination) as account:
        put_policy(account, TAGS, mode="enforce", allow_keys=["team", "cost"])
        put_policy(account, SUBSCRIPTION, mode="enforce", include={"tags": ["team=shop"]})
        account.settle()
        account.server.clear()
        account.host.invocations.clear()
        yield account


def tags(here: EmbeddedAccount, arn: str) -> Mapping[str, str]:
    found = here.client(INDEX).get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return {tag["Key"]: tag["Value"] for one in found for tag in one["Tags"]}


def arn(here: EmbeddedAccount, service: str, name: str) -> str:
    return f"arn:aws:{service}:{here.region}:{here.account}:{name}"


def deploy(here: EmbeddedAccount, name: str, resources: Mapping[str, Any], **told: str) -> None:
    asked = {
        "StackName": name,
        "TemplateBody": json.dumps({"Resources": resources}),
        "Tags": [{"Key": key, "Value": value} for key, value in told.items()],
    }
    here.client("cloudformation").create_stack(**asked)


GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/shop"}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "shop"}}


def looks(here: EmbeddedAccount, control: str) -> int:
    mine = [one for one in here.host.invocations if one.function.endswith(control)]
    return sum("Records" in one.event for one in mine)


def test_a_new_stack_is_tagged_and_its_log_group_shipped(here: EmbeddedAccount) -> None:
    """TAG-24: two automations meet. Our tag is an event of the log group, which has the
    subscription looked at once more; that is told, too, and after it all is quiet."""
    deploy(here, "shop", {"Group": GROUP, "Queue": QUEUE}, team="shop", cost="4711", other="x")
    here.settle()
    wanted = {"team": "shop", "cost": "4711"}
    assert tags(here, arn(here, "sqs", "shop")) == wanted
    assert tags(here, arn(here, "logs", "log-group:/shop")) == wanted
    filters = here.client("logs").describe_subscription_filters(logGroupName="/shop")
    assert [one["destinationArn"] for one in filters["subscriptionFilters"]] == [STREAM]
    assert here.server.calls[f"{INDEX}.TagResources"] == 1
    assert looks(here, TAGS) == 1
    assert looks(here, SUBSCRIPTION) <= 3
    here.server.clear()
    here.host.invocations.clear()
    here.settle()
    assert here.host.invocations == []


def test_a_sweep_finds_what_no_event_told_and_the_next_one_nothing(here: EmbeddedAccount) -> None:
    """The log group of a function gets its tags; what cannot be tagged stops nothing (TAG-27)."""
    resources = {"orders": "AWS::Lambda::Function", "/none": "AWS::Logs::LogGroup"}
    seed_stack("old", {"team": "shop"}, resources, account=here.account, region=here.region)
    here.sweep()
    here.settle()
    assert tags(here, arn(here, "lambda", "function:orders")) == {"team": "shop"}
    assert tags(here, arn(here, "logs", "log-group:/aws/lambda/orders")) == {"team": "shop"}
    [line] = [one for one in logged(here, "reported") if one.get("code") == "NOT_ALL_TAGGED"]
    assert "log-group:/none" in line["reason"]
    here.sweep()
    here.settle()
    here.server.clear()
    here.sweep()
    here.settle()
    writes = ("TagResources", "UntagResources", "PutSubscriptionFilter")
    assert [name for name in here.server.calls if name.endswith(writes)] == []
    assert metrics(here, "InternalErrors") == []


def test_an_update_moves_a_value_whatever_is_throttled(here: EmbeddedAccount) -> None:
    """TAG-14: what we wrote follows the stack; a DELETE_COMPLETE is no event of ours (TAG-18)."""
    resources = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "moved"}}}
    deploy(here, "moved", resources, team="shop")
    here.settle()
    here.server.clear()
    names = ("cloudformation.ListStackResources", f"{INDEX}.GetResources", f"{INDEX}.TagResources")
    here.server.faults = [
        Fault(operation=one, code="ThrottlingException", times=2) for one in names
    ]
    stacks = here.client("cloudformation")
    body, moved = json.dumps({"Resources": resources}), [{"Key": "team", "Value": "core"}]
    stacks.update_stack(StackName="moved", TemplateBody=body, Tags=moved)
    here.settle()
    here.server.faults = []
    assert tags(here, arn(here, "sqs", "moved")) == {"team": "core"}
    here.host.invocations.clear()
    stacks.delete_stack(StackName="moved")
    here.settle()
    assert looks(here, TAGS) == 0


def test_an_event_from_a_file_finds_its_way_to_the_control() -> None:
    """What replay does with a recorded event: by the template's own rule."""
    known = routes(lambda control: control.id == TAGS)
    path = Path(__file__).parent.parent / "events/trail/cloudformation.StackStatusChange.{}.json"
    events = [json.loads(Path(str(path).format(what)).read_text()) for what in ("create", "delete")]
    place = {"account": "111122223333", "region": "eu-west-1"}
    found = route(events[0], known, **place)
    assert not isinstance(found, Skip)
    told = [(control.id, ref) for control, ref in found]
    assert told == [(TAGS, Ref(STACK, events[0]["detail"]["stack-id"]))]
    assert route(events[1], known, **place) == Skip.NO_NAME
