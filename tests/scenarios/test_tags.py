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
from embedded.seeding import FunctionSeed, seed_delivery_role, seed_functions, seed_layer
from embedded.stacks import seed_stack
from steward.events import STACK, Skip
from steward.model import Ref
from tests.scenarios.embedding import installed, logged, metrics, put_policy

TAGS, SUBSCRIPTION, LAYERS = "stack-tags", "log-subscription", "function-layers"
PROBE = "arn:aws:lambda:eu-west-1:123456789012:layer:probe:1"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
INDEX = "resourcegroupstaggingapi"
TRAIL = Path(__file__).parent.parent / "events/trail"


def before(here: EmbeddedAccount) -> None:
    """A stream to ship to and a layer; functions that have logged, whose groups no stack made."""
    here.client("kinesis").create_stream(StreamName="events", ShardCount=1)
    seed_delivery_role("ships")
    seed_layer("probe", 1, region=here.region)
    for name in ("orders", "pay"):
        seed_functions([FunctionSeed(name=name)], region=here.region)
        here.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    """Tags are written; log groups of the team are subscribed, its functions get a layer."""
    destination = {
        "LogDestinationArn": STREAM,
        "LogDestinationRoleArn": "arn:aws:iam::123456789012:role/ships",
    }
    parameters = {**destination, "FunctionLayerArns": PROBE}
    with installed(before, controls=(TAGS, SUBSCRIPTION, LAYERS), **parameters) as account:
        put_policy(account, TAGS, mode="enforce", allow_keys=["team", "cost"])
        put_policy(account, SUBSCRIPTION, mode="enforce", include={"tags": ["team=shop"]})
        put_policy(
            account, LAYERS, rules=[{"layer_arn": PROBE, "include": {"tags": ["team=shop"]}}]
        )
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


WRITES = (
    f"{INDEX}.TagResources",
    "lambda.UpdateFunctionConfiguration",
    "logs.PutSubscriptionFilter",
)


def written(here: EmbeddedAccount) -> Mapping[str, int]:
    return {name: here.server.calls[name] for name in WRITES if here.server.calls[name]}


def status_change(here: EmbeddedAccount, stack: str) -> dict[str, Any]:
    """As CloudFormation tells that an update is complete."""
    text = (TRAIL / "cloudformation.StackStatusChange.update.json").read_text()
    event: dict[str, Any] = json.loads(text)
    place = {"account": here.account, "region": here.region, "resources": [stack]}
    return {**event, **place, "detail": {**event["detail"], "stack-id": stack}}


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


def test_a_stacks_tags_bring_a_layer_and_a_subscription_and_then_all_is_quiet(
    here: EmbeddedAccount,
) -> None:
    """TAG-24: three automations meet. A function and its log group get their tags by one call,
    and by those one its layer, the other its subscription. Each writes once, and no more."""
    here.server.clear()
    here.host.invocations.clear()
    told = {"pay": "AWS::Lambda::Function"}
    stack = seed_stack("pay", {"team": "shop"}, told, account=here.account, region=here.region)
    here.put_event(status_change(here, stack))
    here.settle()
    assert tags(here, arn(here, "lambda", "function:pay")) == {"team": "shop"}
    assert tags(here, arn(here, "logs", "log-group:/aws/lambda/pay")) == {"team": "shop"}
    function = here.client("lambda", "auditor").get_function_configuration(FunctionName="pay")
    assert [one["Arn"] for one in function["Layers"]] == [PROBE]
    filters = here.client("logs").describe_subscription_filters(logGroupName="/aws/lambda/pay")
    assert [one["destinationArn"] for one in filters["subscriptionFilters"]] == [STREAM]
    assert written(here) == dict.fromkeys(WRITES, 1)
    assert (looks(here, TAGS), looks(here, LAYERS), looks(here, SUBSCRIPTION)) == (1, 2, 2)
    here.server.clear()
    here.host.invocations.clear()
    here.settle()
    assert here.host.invocations == []
    here.put_event(status_change(here, stack))
    here.sweep()
    here.settle()
    assert written(here) == {}


def test_a_sweep_finds_what_no_event_told_and_the_next_one_nothing(here: EmbeddedAccount) -> None:
    """TAG-17, TAG-27: the log group of a function gets its tags, though the list of stacks is
    throttled; what cannot be tagged stops nothing."""
    resources = {"orders": "AWS::Lambda::Function", "/none": "AWS::Logs::LogGroup"}
    seed_stack("old", {"team": "shop"}, resources, account=here.account, region=here.region)
    throttled = "cloudformation.DescribeStacks"
    here.server.faults = [Fault(operation=throttled, code="Throttling", nth=0, times=2)]
    here.sweep()
    here.settle()
    here.server.faults = []
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
    names = [f"cloudformation.StackStatusChange.{what}.json" for what in ("create", "delete")]
    events = [json.loads((TRAIL / name).read_text()) for name in names]
    place = {"account": "111122223333", "region": "eu-west-1"}
    found = route(events[0], known, **place)
    assert not isinstance(found, Skip)
    told = [(control.id, ref) for control, ref in found]
    assert told == [(TAGS, Ref(STACK, events[0]["detail"]["stack-id"]))]
    assert route(events[1], known, **place) == Skip.NO_NAME
