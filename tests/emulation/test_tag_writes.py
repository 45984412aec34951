"""The tagging API and stacks of the embedded account, as AWS has them: a contract for each gap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.overlays import faithful
from embedded.stacks import identified, seed_stack
from embedded.tag_calls import PRINCIPAL, calls_by_tagging
from embedded.tag_writes import require
from embedded.trail import Caller, Made
from tests.fakes import START

ACCOUNT, REGION = "123456789012", "eu-west-1"
HERE = f"{REGION}:{ACCOUNT}"
QUEUE = f"arn:aws:sqs:{HERE}:q"
GROUP = f"arn:aws:logs:{HERE}:log-group:/a"
FUNCTION = f"arn:aws:lambda:{HERE}:function:f"


@pytest.fixture(scope="module")
def session() -> Any:
    return boto3.Session(region_name=REGION)


@pytest.fixture
def index(session: Any) -> Iterator[Any]:
    """A client of the tagging API in a fresh, faithful account."""
    with mock_aws(), faithful():
        yield session.client("resourcegroupstaggingapi")


def tags(index: Any, arn: str) -> dict[str, str]:
    answer = index.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return {tag["Key"]: tag["Value"] for one in answer for tag in one["Tags"]}


def test_what_is_tagged_is_in_the_index(session: Any, index: Any) -> None:
    """Of services that moto cannot tag, too; tags that were there before stay."""
    session.client("sqs").create_queue(QueueName="q", tags={"own": "1"})
    session.client("logs").create_log_group(logGroupName="/a", tags={"own": "1"})
    arns = [QUEUE, GROUP, f"arn:aws:ec2:{HERE}:instance/i-1"]
    assert index.tag_resources(ResourceARNList=arns, Tags={"a": "b"})["FailedResourcesMap"] == {}
    assert [tags(index, arn) for arn in arns] == [{"own": "1", "a": "b"}] * 2 + [{"a": "b"}]
    index.untag_resources(ResourceARNList=arns, TagKeys=["own", "none"])
    assert [tags(index, arn) for arn in arns] == [{"a": "b"}] * 3
    assert session.client("logs").list_tags_for_resource(resourceArn=GROUP)["tags"] == {"a": "b"}
    found = index.get_resources(ResourceTypeFilters=["ec2:instance"])["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in found] == arns[2:]


def test_what_fails_for_one_resource_is_told_and_stops_nothing(index: Any) -> None:
    """A group and a function that are not there, and a resource that would have too many tags."""
    index.tag_resources(ResourceARNList=[QUEUE], Tags={f"k{n}": "" for n in range(50)})
    arns = [GROUP, FUNCTION, QUEUE, "arn:aws:s3:::b"]
    failed = index.tag_resources(ResourceARNList=arns, Tags={"a": "b"})["FailedResourcesMap"]
    assert {arn: one["ErrorCode"] for arn, one in failed.items()} == {
        GROUP: "ResourceNotFoundException",
        FUNCTION: "ResourceNotFoundException",
        QUEUE: "TooManyTagsException",
    }
    assert tags(index, "arn:aws:s3:::b") == {"a": "b"}


@pytest.mark.parametrize(
    ("arns", "told"),
    [([QUEUE] * 21, {"a": "b"}), ([QUEUE], {"AWS:a": "b"}), (["no ARN at all"], {"a": "b"})],
    ids=["too many", "reserved", "no ARN"],
)
def test_a_request_that_does_not_fit_is_refused(
    index: Any, arns: list[str], told: dict[str, str]
) -> None:
    """As a whole: nothing of it is done."""
    with pytest.raises(ClientError, match="InvalidParameterException"):
        index.tag_resources(ResourceARNList=arns, Tags=told)
    assert tags(index, QUEUE) == {}


def test_required_tags_are_those_of_the_organization(index: Any) -> None:
    """None, where there is no organization."""
    assert index.list_required_tags()["RequiredTags"] == []
    require("AWS::SQS::Queue", "team", account=ACCOUNT, region=REGION)
    [told] = index.list_required_tags()["RequiredTags"]
    assert told["CloudFormationResourceTypes"] == ["AWS::SQS::Queue"]
    assert (told["ResourceType"], told["ReportingTagKeys"]) == ("sqs:queue", ["team"])


def test_the_resources_of_a_stack_come_in_pages(session: Any, index: Any) -> None:
    """Of a hundred, sorted; a token of another stack is none."""
    resources = {f"b{number:03}": "AWS::S3::Bucket" for number in range(101)}
    seed_stack("s", {}, resources, account=ACCOUNT, region=REGION)
    stacks = session.client("cloudformation")
    first = stacks.list_stack_resources(StackName="s")
    second = stacks.list_stack_resources(StackName="s", NextToken=first["NextToken"])
    pages = [first["StackResourceSummaries"], second["StackResourceSummaries"]]
    assert [len(page) for page in pages] == [100, 1]
    assert "NextToken" not in second
    seed_stack("t", {}, {}, account=ACCOUNT, region=REGION)
    for name, token in (("t", first["NextToken"]), ("none", "")):
        with pytest.raises(ClientError, match="ValidationError"):
            stacks.list_stack_resources(StackName=name, **({"NextToken": token} if token else {}))


def made(service: str, operation: str, **more: Any) -> Made:
    fields = {"account": ACCOUNT, "region": REGION, "time": START, "params": {}, **more}
    return Made(service=service, operation=operation, caller=Caller(account=ACCOUNT), **fields)


def test_the_services_own_calls_are_told_too(index: Any) -> None:
    """In the name of whoever tags, by the tagging API; not of what failed."""
    call = made(
        "resourcegroupstaggingapi",
        "TagResources",
        params={"ResourceARNList": [GROUP, FUNCTION, QUEUE], "Tags": {"a": "b"}},
        answer={"FailedResourcesMap": {FUNCTION: {}}},
    )
    [told] = calls_by_tagging(call)
    assert (told.service, told.operation) == ("logs", "TagResource")
    assert told.params == {"resourceArn": GROUP, "tags": {"a": "b"}}
    assert told.caller.invoked_by == PRINCIPAL
    assert list(calls_by_tagging(made("resourcegroupstaggingapi", "GetResources"))) == []
    assert list(calls_by_tagging(made("logs", "TagResource"))) == []


def test_a_deletion_is_told_with_the_stacks_id(session: Any, index: Any) -> None:
    """Which a call by name does not say."""
    arn = seed_stack("s", {}, {}, account=ACCOUNT, region=REGION)
    session.client("cloudformation").delete_stack(StackName="s")
    told = identified(made("cloudformation", "DeleteStack", params={"StackName": "s"}))
    assert told.before == {"StackId": {"StackId": arn}}
    other = made("cloudformation", "DeleteStack", params={"StackName": "none"})
    assert identified(other) == other
