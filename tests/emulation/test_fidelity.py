"""The fidelity ledger: every gap of moto that the embedded account relies on is still there.

A gap that a version of moto closes or changes makes its test fail: then what closes it here can go.
"""

from __future__ import annotations

import ast
import copy
import gzip
import hashlib
import importlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import ZipFile

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.awslambda.models import LambdaFunction
from moto.cloudwatch import models as cloudwatch
from moto.config.models import ConfigBackend
from moto.core.responses import BaseResponse
from moto.dynamodb import models as dynamodb
from moto.kinesis.models import kinesis_backends
from moto.settings import moto_server_port
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

from embedded.overlays import GUARDS, OVERLAYS
from embedded.transactions import quick_transactions
from embedded.v2_apis import route_urls

Gap: TypeAlias = Mapping[str, str]
Clients: TypeAlias = Callable[[str], Any]
"""A boto3 client of a service on moto as it comes."""

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/role"
LEDGER = json.loads((ROOT / "scripts/embedded/fidelity.json").read_text("utf-8"))
ENTRIES: Sequence[Gap] = LEDGER["gaps"]
CLOSED = ("overlay", "guard", "own service")
GAPS: list[str] = []
"""The gaps that a test shows to be there still, by id."""


def gap(id: str) -> Callable[[Callable[[Clients], None]], Callable[[Clients], None]]:
    """A test that moto as it comes does what the ledger says of it; that is its docstring."""

    def register(test: Callable[[Clients], None]) -> Callable[[Clients], None]:
        GAPS.append(id)
        test.__doc__ = next((one["moto"] for one in ENTRIES if one["id"] == id), None)
        return test

    return register


@pytest.fixture(scope="module")
def session() -> Any:
    return boto3.Session(region_name=REGION)


@pytest.fixture
def bare(session: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """Clients of a fresh account on moto as it comes, whoever made it faithful before."""
    own = getattr(BaseResponse.call_action, "moto_own", BaseResponse.call_action)
    monkeypatch.setattr(BaseResponse, "call_action", own)
    with mock_aws():
        yield cache(session.client)


def test_the_ledger_is_of_the_moto_that_is_installed() -> None:
    """Another version has its gaps looked through."""
    assert LEDGER["moto"] == moto.__version__


def test_every_entry_is_told_once_and_shown_here() -> None:
    """No gap without its test, no test without its gap."""
    ids = [entry["id"] for entry in ENTRIES]
    assert sorted(ids) == sorted(GAPS)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_an_entry_says_how_its_gap_is_closed(entry: Gap) -> None:
    """By a module that exists and a test that exists; or what follows where it is not closed."""
    told = {"id", "service", "operation", "aws", "source", "moto", "closed"}
    if entry["closed"] == "not closed":
        assert set(entry) == {*told, "follows"}
        return
    assert set(entry) == {*told, "by", "test"}
    assert entry["closed"] in CLOSED
    importlib.import_module(entry["by"])
    path, _, name = entry["test"].partition("::")
    assert name in _tests(path)


def test_every_overlay_and_guard_closes_a_gap() -> None:
    """And what the ledger calls an overlay or a guard is one."""

    def told(closed: str) -> set[tuple[str, str]]:
        found = (one for one in ENTRIES if one["closed"] == closed)
        return {(one["service"], one["operation"]) for one in found}

    assert told("overlay") == set(OVERLAYS)
    assert told("guard") == set(GUARDS)


def test_a_transaction_that_fails_changes_nothing_and_copies_no_item(bare: Clients) -> None:
    """The way back shares the items."""
    table = bare("dynamodb")
    _table(table)
    table.put_item(TableName="t", Item={"k": {"S": "a"}, "n": {"N": "1"}})
    condition = {"Key": {"k": {"S": "c"}}, "ConditionExpression": "attribute_exists(k)"}
    put = {"Put": {"TableName": "t", "Item": {"k": {"S": "a"}, "n": {"N": "2"}}}}
    check = {"ConditionCheck": {"TableName": "t", **condition}}
    with quick_transactions():
        [kept] = dynamodb.dynamodb_backends[ACCOUNT][REGION].tables["t"].all_items()
        with pytest.raises(ClientError, match="TransactionCanceled"):
            table.transact_write_items(TransactItems=[put, check])
        [after] = dynamodb.dynamodb_backends[ACCOUNT][REGION].tables["t"].all_items()
    assert after is kept
    assert table.scan(TableName="t")["Items"] == [{"k": {"S": "a"}, "n": {"N": "1"}}]


@cache
def _tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(one.name for one in tree.body if isinstance(one, ast.FunctionDef))


# ------------------------------------------------------------------------------ CloudWatch Logs


def _names(answer: Mapping[str, Any]) -> list[str]:
    return [group["logGroupName"] for group in answer["logGroups"]]


@gap("log-group-pattern")
def test_log_group_pattern(bare: Clients) -> None:
    _groups(bare, "/a", "/b")
    assert len(_names(bare("logs").describe_log_groups(logGroupNamePattern="b"))) == 2


@gap("log-group-identifiers")
def test_log_group_identifiers(bare: Clients) -> None:
    _groups(bare, "/a", "/b")
    assert len(_names(bare("logs").describe_log_groups(logGroupIdentifiers=["/b"]))) == 2


@gap("log-group-class")
def test_log_group_class(bare: Clients) -> None:
    _groups(bare, "/a")
    [group] = bare("logs").describe_log_groups(logGroupClass="DELIVERY")["logGroups"]
    assert "logGroupClass" not in group


@gap("log-group-token")
def test_log_group_token(bare: Clients) -> None:
    _groups(bare, "/a")
    assert bare("logs").describe_log_groups(nextToken="made up")["logGroups"] == []


@gap("log-group-name")
def test_log_group_name(bare: Clients) -> None:
    _groups(bare, "/x a")
    assert _names(bare("logs").describe_log_groups()) == ["/x a"]


@gap("log-group-class-kept")
def test_log_group_class_kept(bare: Clients) -> None:
    bare("logs").create_log_group(logGroupName="/a", logGroupClass="DELIVERY")
    [group] = bare("logs").describe_log_groups()["logGroups"]
    assert "DELIVERY" not in group.values()


@gap("log-group-time")
def test_log_group_time(bare: Clients) -> None:
    before = int(time.time() * 1000)
    _groups(bare, "/a")
    [group] = bare("logs").describe_log_groups()["logGroups"]
    assert before <= group["creationTime"] <= time.time() * 1000


@gap("retention-values")
def test_retention_values(bare: Clients) -> None:
    _groups(bare, "/a")
    bare("logs").put_retention_policy(logGroupName="/a", retentionInDays=8)
    assert bare("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 8


@gap("retention-delivery")
def test_retention_delivery(bare: Clients) -> None:
    bare("logs").create_log_group(logGroupName="/a", logGroupClass="DELIVERY")
    bare("logs").put_retention_policy(logGroupName="/a", retentionInDays=30)
    assert bare("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 30


@gap("log-group-tags")
def test_log_group_tags(bare: Clients) -> None:
    logs = bare("logs")
    logs.create_log_group(logGroupName="/a", tags={"team": "red"})
    logs.delete_log_group(logGroupName="/a")
    logs.create_log_group(logGroupName="/a")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/a"
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "red"}


@gap("log-group-protection")
def test_log_group_protection(bare: Clients) -> None:
    logs = bare("logs")
    logs.create_log_group(logGroupName="/a", deletionProtectionEnabled=True)
    with pytest.raises(NotImplementedError):
        logs.put_log_group_deletion_protection(
            logGroupIdentifier="/a", deletionProtectionEnabled=True
        )
    logs.delete_log_group(logGroupName="/a")


@gap("account-policy-put")
def test_account_policy_put(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("logs").put_account_policy(
            policyName="p", policyType="RETENTION_POLICY", policyDocument="{}"
        )


@gap("account-policies-described")
def test_account_policies_described(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("logs").describe_account_policies(policyType="RETENTION_POLICY")


@gap("account-policy-deleted")
def test_account_policy_deleted(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("logs").delete_account_policy(policyName="p", policyType="RETENTION_POLICY")


@gap("account-subscription")
def test_account_subscription(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("logs").put_account_policy(
            policyName="p", policyType="SUBSCRIPTION_FILTER_POLICY", policyDocument="{}"
        )


def _subscribed(bare: Clients, *names: str, **more: Any) -> list[dict[str, Any]]:
    """The filters of /a after these were put, to a stream if nothing else is told."""
    bare("kinesis").create_stream(StreamName="s", ShardCount=1)
    to = {"destinationArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", **more}
    for name in names:
        bare("logs").put_subscription_filter(
            logGroupName="/a", filterName=name, filterPattern="", **to
        )
    told = bare("logs").describe_subscription_filters(
        logGroupName="/a", filterNamePrefix="b", limit=1
    )
    return list(told["subscriptionFilters"])


@gap("subscription-limit")
def test_subscription_limit(bare: Clients) -> None:
    _groups(bare, "/a")
    with pytest.raises(ClientError, match="LimitExceeded"):
        _subscribed(bare, "a", "b", "c")


@gap("subscription-update")
def test_subscription_update(bare: Clients) -> None:
    _groups(bare, "/a")
    with pytest.raises(ClientError, match="LimitExceeded"):
        _subscribed(bare, "a", "b", "a")


@gap("subscription-role")
def test_subscription_role(bare: Clients) -> None:
    _groups(bare, "/a")
    assert len(_subscribed(bare, "a")) == 1


@gap("subscription-distribution")
def test_subscription_distribution(bare: Clients) -> None:
    _groups(bare, "/a")
    [one] = _subscribed(bare, "a", distribution="Random", roleArn=ROLE)
    assert one["distribution"] == "ByLogStream"


@gap("subscription-system-fields")
def test_subscription_system_fields(bare: Clients) -> None:
    _groups(bare, "/a")
    [one] = _subscribed(bare, "a", emitSystemFields=["@aws.region"])
    assert "emitSystemFields" not in one


@gap("subscription-permission")
def test_subscription_permission(bare: Clients) -> None:
    _groups(bare, "/a")
    _functions(bare, "f")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    assert len(_subscribed(bare, "a", destinationArn=arn)) == 1


@gap("subscription-class")
def test_subscription_class(bare: Clients) -> None:
    bare("logs").create_log_group(logGroupName="/a", logGroupClass="DELIVERY")
    assert len(_subscribed(bare, "a")) == 1


@gap("subscription-paged")
def test_subscription_paged(bare: Clients) -> None:
    _groups(bare, "/a")
    assert len(_subscribed(bare, "a", "b")) == 2


def _delivered(
    bare: Clients, *messages: str, shards: int = 1, **fields: Any
) -> list[tuple[str, dict[str, Any]]]:
    """Shard and content of what a filter of /a delivers, each message by a call of its own."""
    _groups(bare, "/a")
    bare("kinesis").create_stream(StreamName="d", ShardCount=shards)
    bare("logs").create_log_stream(logGroupName="/a", logStreamName="s")
    to = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/d"
    told = {"filterName": "f", "filterPattern": "", "destinationArn": to, "roleArn": ROLE}
    bare("logs").put_subscription_filter(logGroupName="/a", **{**told, **fields})
    for message in messages:
        event = {"timestamp": int(time.time() * 1000), "message": message}
        bare("logs").put_log_events(logGroupName="/a", logStreamName="s", logEvents=[event])
    records = [(shard, record) for shard, record in _records(bare, "d")]
    return [(shard, json.loads(gzip.decompress(one["Data"]))) for shard, one in records]


def _records(bare: Clients, stream: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of a stream, shard by shard."""
    for shard in bare("kinesis").list_shards(StreamName=stream)["Shards"]:
        asked = {"StreamName": stream, "ShardId": shard["ShardId"]}
        first = bare("kinesis").get_shard_iterator(**asked, ShardIteratorType="TRIM_HORIZON")
        found = bare("kinesis").get_records(ShardIterator=first["ShardIterator"])["Records"]
        yield from ((shard["ShardId"], one) for one in found)


@gap("subscription-tested")
def test_subscription_tested(bare: Clients) -> None:
    assert _delivered(bare) == []


@gap("subscription-trust")
def test_subscription_trust(bare: Clients) -> None:
    assert len(_delivered(bare, "x", roleArn=ROLE)) == 1


@gap("delivery-ids")
def test_delivery_ids(bare: Clients) -> None:
    [(_, message)] = _delivered(bare, "x")
    assert isinstance(message["logEvents"][0]["id"], int)


@gap("delivery-pattern")
def test_delivery_pattern(bare: Clients) -> None:
    assert len(_delivered(bare, "fine", filterPattern="ERROR")) == 1


@gap("delivery-distribution")
def test_delivery_distribution(bare: Clients) -> None:
    messages = map(str, range(40))
    told = _delivered(bare, *messages, shards=4, distribution="ByLogStream")
    assert len({shard for shard, _ in told}) > 1


@gap("delivery-size")
def test_delivery_size(bare: Clients) -> None:
    noise = hashlib.shake_128(b"7").hexdigest(1_200_000)
    _delivered(bare, noise)
    [(_, record)] = _records(bare, "d")
    assert len(record["Data"]) > 1024 * 1024


@gap("delivery-json")
def test_delivery_json(bare: Clients) -> None:
    assert len(_delivered(bare, "{}", filterPattern='{ $.level = "ERROR" }')) == 1


@gap("delivery-late")
def test_delivery_late(bare: Clients) -> None:
    assert [message["logEvents"][0]["message"] for _, message in _delivered(bare, "a", "b")] == [
        "a",
        "b",
    ]


@gap("embedded-metrics")
def test_embedded_metrics(bare: Clients) -> None:
    _groups(bare, "/a")
    now = int(time.time() * 1000)
    directive = {"Namespace": "N", "Dimensions": [[]], "Metrics": [{"Name": "M"}]}
    line = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "M": 1}
    bare("logs").create_log_stream(logGroupName="/a", logStreamName="s")
    bare("logs").put_log_events(
        logGroupName="/a",
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": json.dumps(line)}],
    )
    assert bare("cloudwatch").list_metrics()["Metrics"] == []


@gap("throttling")
def test_throttling(bare: Clients) -> None:
    answers = [bare("logs").describe_log_groups() for _ in range(30)]  # ten a second is the quota
    assert {one["ResponseMetadata"]["RetryAttempts"] for one in answers} == {0}


def _groups(bare: Clients, *names: str) -> None:
    for name in names:
        bare("logs").create_log_group(logGroupName=name)


# ------------------------------------------------------------------------------------ tag index


def _tagged(bare: Clients, count: int) -> list[str]:
    for number in range(count):
        bare("logs").create_log_group(logGroupName=f"/{number}", tags={"a": "b"})
    return [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{number}" for number in range(count)]


def _found(bare: Clients, **asked: Any) -> int:
    index = bare("resourcegroupstaggingapi")
    return len(index.get_resources(**asked)["ResourceTagMappingList"])


@gap("tag-index-type")
def test_tag_index_type(bare: Clients) -> None:
    _tagged(bare, 1)
    kinds = ("logs:log-group", "logs:loggroup")
    assert [_found(bare, ResourceTypeFilters=[kind]) for kind in kinds] == [0, 1]


@gap("tag-index-alone")
def test_tag_index_alone(bare: Clients) -> None:
    assert _found(bare, ResourceARNList=_tagged(bare, 1), ResourceTypeFilters=["logs"]) == 1


@gap("tag-index-hundred")
def test_tag_index_hundred(bare: Clients) -> None:
    assert _found(bare, ResourceARNList=_tagged(bare, 51)) == 50


def _tagging(bare: Clients, operation: str, *arns: str, **tags: Any) -> Mapping[str, Any]:
    """What failed."""
    ask = getattr(bare("resourcegroupstaggingapi"), operation)
    failed: Mapping[str, Any] = ask(ResourceARNList=[*arns], **tags)["FailedResourcesMap"]
    return failed


@gap("tag-write-types")
def test_tag_write_types(bare: Clients) -> None:
    _queue(bare)
    assert [*_tagging(bare, "tag_resources", _arn(), Tags={"a": "b"})] == [_arn()]


@gap("tag-write-twenty")
def test_tag_write_twenty(bare: Clients) -> None:
    arns = _tagged(bare, 21)
    assert _tagging(bare, "tag_resources", *arns, Tags={"aws:a": "b"}) == {}


@gap("tag-write-missing")
def test_tag_write_missing(bare: Clients) -> None:
    [arn] = _tagged(bare, 1)
    bare("logs").delete_log_group(logGroupName="/0")
    assert _tagging(bare, "tag_resources", arn, Tags={"a": "c"}) == {}


@gap("tag-write-untag")
def test_tag_write_untag(bare: Clients) -> None:
    _queue(bare)
    assert [*_tagging(bare, "untag_resources", _arn(), TagKeys=["a"])] == [_arn()]


@gap("tag-write-kept")
def test_tag_write_kept(bare: Clients) -> None:
    url = _queue(bare)
    _tagging(bare, "tag_resources", _arn(), Tags={"a": "b"})
    assert bare("sqs").list_queue_tags(QueueUrl=url).get("Tags", {}) == {}


@gap("tag-write-calls")
def test_tag_write_calls(bare: Clients) -> None:
    [arn] = _tagged(bare, 1)
    asked = _asked(lambda: _tagging(bare, "tag_resources", arn, Tags={"a": "c"}))
    assert asked == ["TagResources"]


@gap("required-tags")
def test_required_tags(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("resourcegroupstaggingapi").list_required_tags()


# --------------------------------------------------------------------------------- Lambda, SQS


def _archive() -> bytes:
    text = BytesIO()
    with ZipFile(text, "w") as archive:
        archive.writestr("index.py", "")
    return text.getvalue()


def _role(bare: Clients) -> str:
    made = bare("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    return str(made["Role"]["Arn"])


def _functions(bare: Clients, *names: str) -> None:
    role = _role(bare)
    for name in names:
        bare("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": _archive()},
        )


def _queue(bare: Clients, name: str = "q", **attributes: str) -> str:
    return str(bare("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def _arn(queue: str = "q") -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def _mapped(bare: Clients, delays: Sequence[int]) -> tuple[int, int]:
    """How often a function ran while messages were sent, and how many were left."""
    ran: list[object] = []

    def invoke(_: LambdaFunction, event: object = None) -> tuple[str, bool, str]:
        ran.append(event)
        return '{"batchItemFailures": [{"itemIdentifier": ""}]}', False, ""

    _functions(bare, "f")
    url = _queue(bare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LambdaFunction, "_invoke_lambda", invoke)
        bare("lambda").create_event_source_mapping(
            FunctionName="f",
            EventSourceArn=_arn(),
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        for delay in delays:
            bare("sqs").send_message(QueueUrl=url, MessageBody="m", DelaySeconds=delay)
    told = bare("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("", "Delayed", "NotVisible")
    return len(ran), sum(int(told[f"ApproximateNumberOfMessages{name}"]) for name in names)


@gap("functions-paged")
def test_functions_paged(bare: Clients) -> None:
    _functions(bare, "f", "g")
    answer = bare("lambda").list_functions(MaxItems=1)
    assert (len(answer["Functions"]), answer.get("NextMarker")) == (2, None)


@gap("functions-listed")
def test_functions_listed(bare: Clients) -> None:
    _functions(bare, "f")
    [function] = bare("lambda").list_functions()["Functions"]
    assert {"State", "LastUpdateStatus"} <= function.keys()


def _updated(bare: Clients, **asked: Any) -> dict[str, Any]:
    """What Lambda answers to an update of a new function."""
    _functions(bare, "f")
    answer: dict[str, Any] = bare("lambda").update_function_configuration(FunctionName="f", **asked)
    return answer


def _layers(bare: Clients, *names: str, **more: Any) -> list[str]:
    publish = bare("lambda").publish_layer_version
    content = {"ZipFile": _archive()}
    return [publish(LayerName=one, Content=content, **more)["LayerVersionArn"] for one in names]


@gap("function-revision")
def test_function_revision(bare: Clients) -> None:
    _functions(bare, "f")
    assert "RevisionId" not in bare("lambda").get_function_configuration(FunctionName="f")


@gap("function-revision-checked")
def test_function_revision_checked(bare: Clients) -> None:
    assert _updated(bare, RevisionId="of long ago", Timeout=7)["Timeout"] == 7


@gap("function-updating")
def test_function_updating(bare: Clients) -> None:
    answer = _updated(bare, Timeout=7)
    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "Successful")


@gap("function-layers-many")
def test_function_layers_many(bare: Clients) -> None:
    arns = _layers(bare, *"aabcdef")
    assert len(_updated(bare, Layers=arns)["Layers"]) == 7


@gap("function-layers-size")
def test_function_layers_size(bare: Clients) -> None:
    count = LambdaFunction.update_configuration.__code__.co_names
    assert not {name for name in count if "size" in name.lower()} - {"memory_size"}


@gap("function-layers-absent")
def test_function_layers_absent(bare: Clients) -> None:
    [arn] = _layers(bare, "a")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        _updated(bare, Layers=[arn.replace(":1", ":2")])


@gap("function-code-revision")
def test_function_code_revision(bare: Clients) -> None:
    _functions(bare, "f")
    told = {"FunctionName": "f", "RevisionId": "of long ago", "ZipFile": _archive()}
    assert bare("lambda").update_function_code(**told)["FunctionName"] == "f"


@gap("function-invoked")
def test_function_invoked(bare: Clients) -> None:
    assert "docker_client" in vars(LambdaFunction)["_invoke_lambda"].__code__.co_names


@gap("mapping-batches")
def test_mapping_batches(bare: Clients) -> None:
    assert _mapped(bare, [0, 0, 0])[0] == 3


@gap("mapping-failures")
def test_mapping_failures(bare: Clients) -> None:
    assert _mapped(bare, [0, 0, 0])[1] == 0


@gap("mapping-delay")
def test_mapping_delay(bare: Clients) -> None:
    assert _mapped(bare, [1]) == (0, 1)


@gap("queue-time")
def test_queue_time(bare: Clients) -> None:
    url = _queue(bare)
    before = int(time.time() * 1000)
    bare("sqs").send_message(QueueUrl=url, MessageBody="m")
    [told] = bare("sqs").receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert before <= int(told["Attributes"]["SentTimestamp"]) <= time.time() * 1000


@gap("queue-moves")
def test_queue_moves(bare: Clients) -> None:
    _queue(bare)
    with pytest.raises((ClientError, NotImplementedError)):
        bare("sqs").start_message_move_task(SourceArn=_arn())


def _put(bare: Clients, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """What a new stream answers to a number of records."""
    bare("kinesis").create_stream(StreamName="k", ShardCount=1)
    told = {"StreamName": "k", "PartitionKey": "a", "Data": b"x", **fields}
    return [bare("kinesis").put_record(**told) for _ in range(count)]


@gap("stream-sequence")
def test_stream_sequence(bare: Clients) -> None:
    assert [one["SequenceNumber"] for one in _put(bare, 2)] == ["1", "2"]


@gap("stream-time")
def test_stream_time(bare: Clients) -> None:
    before = time.time()
    _put(bare)
    [(_, record)] = _records(bare, "k")
    assert before - 1 <= record["ApproximateArrivalTimestamp"].timestamp() <= time.time()


@gap("stream-forgets")
def test_stream_forgets(bare: Clients) -> None:
    _put(bare)
    [shard] = kinesis_backends[ACCOUNT][REGION].streams["k"].shards.values()
    [record] = shard.records.values()
    record.created_at_datetime = datetime(2020, 1, 1)  # noqa: DTZ001  # as moto keeps it
    assert len([*_records(bare, "k")]) == 1


@gap("stream-closed")
def test_stream_closed(bare: Clients) -> None:
    _put(bare)
    asked = {"StreamName": "k", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"}
    bare("kinesis").update_shard_count(**asked)
    put = bare("kinesis").put_record(StreamName="k", PartitionKey="a", Data=b"x")
    assert put["ShardId"] == "shardId-000000000000"


@gap("stream-limits")
def test_stream_limits(bare: Clients) -> None:
    told = _put(bare, 4, Data=b"x" * 1_000_000)
    assert {one["ShardId"] for one in told} == {"shardId-000000000000"}


@gap("mapping-shards")
def test_mapping_shards(bare: Clients) -> None:
    ran: list[object] = []

    def invoke(_: LambdaFunction, event: object = None) -> tuple[str, bool, str]:
        ran.append(event)
        return "{}", True, ""

    _functions(bare, "f")
    bare("kinesis").create_stream(StreamName="m", ShardCount=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LambdaFunction, "_invoke_lambda", invoke)
        bare("lambda").create_event_source_mapping(
            FunctionName="f",
            EventSourceArn=f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/m",
            StartingPosition="TRIM_HORIZON",
            BatchSize=100,
        )
        for _ in range(3):
            bare("kinesis").put_record(StreamName="m", PartitionKey="a", Data=b"x")
    assert len(ran) == 3


# --------------------------------------------------------------------------------- EventBridge


def _routed(
    bare: Clients,
    detail: Mapping[str, Any],
    pattern: Mapping[str, Any],
    state: str = "ENABLED",
    **target: Any,
) -> list[Any]:
    """What a rule's target got for an event of ours."""
    url = _queue(bare)
    bare("events").put_rule(Name="r", EventPattern=json.dumps(pattern), State=state)
    bare("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": _arn(), **target}])
    entry = {"Source": "ours", "DetailType": "t", "Detail": json.dumps(detail)}
    bare("events").put_events(Entries=[entry])
    got = bare("sqs").receive_message(QueueUrl=url).get("Messages", [])
    return [json.loads(message["Body"]) for message in got]


OURS = {"source": ["ours"]}


@gap("event-input")
def test_event_input(bare: Clients) -> None:
    [got] = _routed(bare, {}, OURS, Input='{"constant": true}')
    assert got["source"] == "ours"


@gap("event-account")
def test_event_account(bare: Clients) -> None:
    [got] = _routed(bare, {}, OURS)
    assert "account" not in got


@gap("event-disabled")
def test_event_disabled(bare: Clients) -> None:
    assert len(_routed(bare, {}, OURS, state="DISABLED")) == 1


@gap("event-undelivered")
def test_event_undelivered(bare: Clients) -> None:
    graves = {"Arn": _arn("graves")}
    _queue(bare, "graves")
    with pytest.raises(ClientError, match="queue does not exist"):
        _routed(bare, {}, OURS, Arn=_arn("gone"), DeadLetterConfig=graves)


@gap("event-queue-policy")
def test_event_queue_policy(bare: Clients) -> None:
    assert len(_routed(bare, {}, OURS)) == 1  # the queue has no policy


@gap("event-numbers")
def test_event_numbers(bare: Clients) -> None:
    assert len(_routed(bare, {"a": True}, {"detail": {"a": [1]}})) == 1


@gap("event-lists")
def test_event_lists(bare: Clients) -> None:
    assert _routed(bare, {"a": [{"b": "c"}]}, {"detail": {"a": {"b": ["c"]}}}) == []


@gap("event-pattern-checked")
def test_event_pattern_checked(bare: Clients) -> None:
    pattern = '{"source": [{"exist": false}]}'
    bare("events").put_rule(Name="r", EventPattern=pattern)
    assert bare("events").describe_rule(Name="r")["EventPattern"] == pattern


@gap("event-machine")
def test_event_machine(bare: Clients) -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    with pytest.raises(NotImplementedError):
        _routed(bare, {}, OURS, Arn=machine, RoleArn=ROLE)


@gap("trail")
def test_trail(bare: Clients) -> None:
    bare("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.logs"]}))
    bare("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": _arn()}])
    url = _queue(bare)
    _groups(bare, "/a")
    assert "Messages" not in bare("sqs").receive_message(QueueUrl=url)


@gap("parameter-changes")
def test_parameter_changes(bare: Clients) -> None:
    bare("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.ssm"]}))
    bare("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": _arn()}])
    url = _queue(bare)
    bare("ssm").put_parameter(Name="/p", Value="v", Type="String")
    assert "Messages" not in bare("sqs").receive_message(QueueUrl=url)


@gap("schedules")
def test_schedules(bare: Clients) -> None:
    url = _queue(bare)
    for name, expression in {"past": "at(2026-01-01T00:00:00)", "no": "cron(no)"}.items():
        bare("scheduler").create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": _arn(), "RoleArn": ROLE, "Input": "{}"},
        )
    assert "Messages" not in bare("sqs").receive_message(QueueUrl=url)


# ------------------------------------------------------------------------------ CloudFormation


def _stack(bare: Clients, resources: Mapping[str, Any], **more: Any) -> str:
    """The status of a new stack."""
    parameters = more.pop("parameters", [])
    text = json.dumps({"Resources": resources, **more})
    formation = bare("cloudformation")
    formation.create_stack(StackName="s", TemplateBody=text, Parameters=parameters)
    return str(formation.describe_stacks()["Stacks"][0]["StackStatus"])


QUEUE = {"Q": {"Type": "AWS::SQS::Queue"}}
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/a"}}


@gap("stack-resources-paged")
def test_stack_resources_paged(bare: Clients) -> None:
    _stack(bare, {f"Q{number}": QUEUE["Q"] for number in range(101)})
    answer = bare("cloudformation").list_stack_resources(StackName="s")
    assert len(answer["StackResourceSummaries"]) == 101


@gap("stack-status")
def test_stack_status(bare: Clients) -> None:
    bare("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.cloudformation"]}))
    bare("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": _arn()}])
    url = _queue(bare)
    _stack(bare, {"L": GROUP})
    assert "Messages" not in bare("sqs").receive_message(QueueUrl=url)


@gap("stack-alarms")
def test_stack_alarms(bare: Clients) -> None:
    with pytest.warns(UserWarning, match="AWS::CloudWatch::Alarm"):
        status = _stack(bare, {**QUEUE, "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}})
    alarms = bare("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (status, alarms) == ("CREATE_COMPLETE", [])


@gap("stack-schedules")
def test_stack_schedules(bare: Clients) -> None:
    timer = {"Type": "AWS::Scheduler::Schedule", "Properties": {}}
    with pytest.warns(UserWarning, match="AWS::Scheduler::Schedule"):
        status = _stack(bare, {**QUEUE, "T": timer})
    schedules = bare("scheduler").list_schedules()["Schedules"]
    assert (status, schedules) == ("CREATE_COMPLETE", [])


@gap("stack-functions")
def test_stack_functions(bare: Clients) -> None:
    place = {"LocationConstraint": REGION}
    bare("s3").create_bucket(Bucket="archives", CreateBucketConfiguration=place)
    bare("s3").put_object(Bucket="archives", Key="f.zip", Body=_archive())
    properties = {
        "FunctionName": "f",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": _role(bare),
        "Code": {"S3Bucket": "archives", "S3Key": "f.zip"},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/f"},
        "TracingConfig": {"Mode": "Active"},
        "Environment": {"Variables": {"DAYS": 30}},
    }
    _stack(bare, {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}})
    [function] = bare("lambda").list_functions()["Functions"]
    assert function["TracingConfig"] == {"Mode": "PassThrough"}
    assert "LoggingConfig" not in function
    assert function["Environment"]["Variables"] == {"DAYS": 30}


@gap("stack-no-value")
def test_stack_no_value(bare: Clients) -> None:
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement, {"Ref": "AWS::NoValue"}]}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        _stack(bare, {"P": policy})


@gap("stack-parameters")
def test_stack_parameters(bare: Clients) -> None:
    known = {"Mode": {"Type": "String", "AllowedValues": ["audit"]}}
    given = {"Mode": "enforce", "Unknown": "x"}
    told = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    assert _stack(bare, QUEUE, Parameters=known, parameters=told) == "CREATE_COMPLETE"


@gap("stack-rules")
def test_stack_rules(bare: Clients) -> None:
    assertion = {"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "never"}
    assert _stack(bare, QUEUE, Rules={"R": {"Assertions": [assertion]}}) == "CREATE_COMPLETE"


@gap("stack-calls")
def test_stack_calls(bare: Clients) -> None:
    asked = _asked(lambda: _stack(bare, {"L": GROUP}))
    assert asked == ["CreateStack", "DescribeStacks"]
    assert _names(bare("logs").describe_log_groups()) == ["/a"]


@gap("stack-updates")
def test_stack_updates(bare: Clients) -> None:
    _stack(bare, QUEUE)
    text = json.dumps({"Resources": {**QUEUE, "L": GROUP}})
    formation = bare("cloudformation")
    asked = _asked(lambda: formation.update_stack(StackName="s", TemplateBody=text))
    assert asked == ["UpdateStack"]
    assert _names(bare("logs").describe_log_groups()) == ["/a"]


@gap("stack-streams")
def test_stack_streams(bare: Clients) -> None:
    properties = {
        "Name": "k",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
    }
    _stack(bare, {"K": {"Type": "AWS::Kinesis::Stream", "Properties": properties}})
    told = bare("kinesis").describe_stream_summary(StreamName="k")["StreamDescriptionSummary"]
    assert told["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert (told["OpenShardCount"], told["EncryptionType"]) == (1, "NONE")


@gap("stack-group-arns")
def test_stack_group_arns(bare: Clients) -> None:
    arn = {"Fn::GetAtt": ["L", "Arn"]}
    _stack(bare, {"L": GROUP}, Outputs={"Arn": {"Value": arn}})
    [output] = bare("cloudformation").describe_stacks()["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/a"


def _bucket(bare: Clients, properties: Mapping[str, Any], **resources: Any) -> None:
    told = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kept", **properties}}
    _stack(bare, {"B": told, **resources})


@gap("stack-bucket-policies")
def test_stack_bucket_policies(bare: Clients) -> None:
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "kept"}}
    with pytest.warns(UserWarning, match="AWS::S3::BucketPolicy"):
        _bucket(bare, {}, P=policy)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        bare("s3").get_bucket_policy(Bucket="kept")


@gap("stack-lifecycles")
def test_stack_lifecycles(bare: Clients) -> None:
    rule = {"Id": "r", "Status": "Enabled", "ExpirationInDays": 1}
    _bucket(bare, {"LifecycleConfiguration": {"Rules": [rule]}})
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        bare("s3").get_bucket_lifecycle_configuration(Bucket="kept")


def _asked(act: Callable[[], object]) -> list[str]:
    """The operations that go through the seam on which the embedded account's witness hangs."""
    asked, own = [], BaseResponse.call_action

    def call_action(response: BaseResponse) -> Any:
        asked.append(response._get_action())
        return own(response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseResponse, "call_action", call_action)
        act()
    return asked


# ------------------------------------------------------------------------- versions of functions


def _published(bare: Clients, *deleted: str) -> Any:
    """A client of Lambda, with a function f of two versions, and an alias to the first."""
    functions = bare("lambda")
    _functions(bare, "f")
    functions.publish_version(FunctionName="f")
    functions.update_function_code(FunctionName="f", ZipFile=b"other", Publish=True)
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for version in deleted:
        functions.delete_function(FunctionName="f", Qualifier=version)
    return functions


def _assert_unknown(ask: Callable[..., object], **asked: Any) -> None:
    """Moto knows no such path."""
    with pytest.raises((ClientError, NotImplementedError)):
        ask(FunctionName="f", **asked)


@gap("versions-paged")
def test_versions_paged(bare: Clients) -> None:
    told = _published(bare).list_versions_by_function(FunctionName="f", MaxItems=1)
    assert ("NextMarker" in told, len(told["Versions"])) == (False, 3)
    assert bare("lambda").list_versions_by_function(FunctionName="none")["Versions"] == []


@gap("version-aliased")
def test_version_aliased(bare: Clients) -> None:
    left = _published(bare, "1").list_versions_by_function(FunctionName="f")["Versions"]
    assert [one["Version"] for one in left] == ["$LATEST", "2"]


@gap("version-numbers")
def test_version_numbers(bare: Clients) -> None:
    made = _published(bare, "1").update_function_code(
        FunctionName="f", ZipFile=b"third", Publish=True
    )
    assert made["Version"] == "2"


@gap("aliases-paged")
def test_aliases_paged(bare: Clients) -> None:
    found = _published(bare).list_aliases(FunctionName="f", FunctionVersion="2")["Aliases"]
    assert [one["Name"] for one in found] == ["live"]


@gap("version-policy")
def test_version_policy(bare: Clients) -> None:
    asked = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    functions = _published(bare)
    functions.add_permission(FunctionName="f", Qualifier="1", StatementId="s", **asked)
    assert ":f:1" in functions.get_policy(FunctionName="f", Qualifier="2")["Policy"]


@gap("mappings-paged")
def test_mappings_paged(bare: Clients) -> None:
    functions = _published(bare)
    for name in "ab":
        bare("sqs").create_queue(QueueName=name)
        source = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        functions.create_event_source_mapping(FunctionName="f", EventSourceArn=source)
    assert len(functions.list_event_source_mappings(MaxItems=1)["EventSourceMappings"]) == 2


QUEUED = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"


def _invoked(bare: Clients) -> Any:
    """A client of Lambda, with a function f whose alias has settings of its own."""
    functions = _published(bare)
    functions.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    functions.put_function_event_invoke_config(
        FunctionName="f", Qualifier="live", MaximumRetryAttempts=1
    )
    return functions


@gap("invoke-config-put")
def test_invoke_config_put(bare: Clients) -> None:
    told = _invoked(bare).get_function_event_invoke_config(FunctionName="f", Qualifier="live")
    assert told["MaximumRetryAttempts"] == 0


@gap("invoke-config-update")
def test_invoke_config_update(bare: Clients) -> None:
    functions = _invoked(bare)
    functions.update_function_event_invoke_config(
        FunctionName="f", Qualifier="live", MaximumRetryAttempts=2
    )
    told = functions.get_function_event_invoke_config(FunctionName="f", Qualifier="live")
    assert told["MaximumRetryAttempts"] == 0


@gap("invoke-config-get")
def test_invoke_config_get(bare: Clients) -> None:
    told = _invoked(bare).get_function_event_invoke_config(FunctionName="f", Qualifier="live")
    assert told["FunctionArn"].endswith(":function:f")


@gap("invoke-config-delete")
def test_invoke_config_delete(bare: Clients) -> None:
    functions = _invoked(bare)
    functions.delete_function_event_invoke_config(FunctionName="f", Qualifier="live")
    listed = functions.list_function_event_invoke_configs(FunctionName="f")
    assert listed["FunctionEventInvokeConfigs"] == []


@gap("invoke-config-list")
def test_invoke_config_list(bare: Clients) -> None:
    listed = _invoked(bare).list_function_event_invoke_configs(FunctionName="f")
    [one] = listed["FunctionEventInvokeConfigs"]
    assert one["FunctionArn"].endswith(":function:f")


@gap("mapping-alias")
def test_mapping_alias(bare: Clients) -> None:
    functions = _published(bare)
    bare("sqs").create_queue(QueueName="failed")
    made = functions.create_event_source_mapping(FunctionName="f:live", EventSourceArn=QUEUED)
    assert made["FunctionArn"].endswith(":function:f:1")


@gap("async-metric")
def test_async_metric(bare: Clients) -> None:
    _published(bare)
    assert bare("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"] == []


@gap("provisioned-put")
def test_provisioned_put(bare: Clients) -> None:
    put = bare("lambda").put_provisioned_concurrency_config
    _assert_unknown(put, Qualifier="1", ProvisionedConcurrentExecutions=1)


@gap("provisioned-list")
def test_provisioned_list(bare: Clients) -> None:
    _assert_unknown(bare("lambda").list_provisioned_concurrency_configs)


@gap("provisioned-delete")
def test_provisioned_delete(bare: Clients) -> None:
    _assert_unknown(bare("lambda").delete_provisioned_concurrency_config, Qualifier="1")


@gap("account-settings")
def test_account_settings(bare: Clients) -> None:
    with pytest.raises((ClientError, NotImplementedError)):
        bare("lambda").get_account_settings()


@gap("function-urls")
def test_function_urls(bare: Clients) -> None:
    _assert_unknown(bare("lambda").list_function_url_configs)


@gap("durable-executions")
def test_durable_executions(bare: Clients) -> None:
    _assert_unknown(bare("lambda").list_durable_executions_by_function)


# ------------------------------------------------------------------------------ Step Functions


def _machine(bare: Clients, state: Mapping[str, Any]) -> str:
    definition = {"StartAt": "S", "States": {"S": {**state, "End": True}}}
    made = bare("stepfunctions").create_state_machine(
        name="m", definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


@gap("machine-runs")
def test_machine_runs(bare: Clients) -> None:
    machine = _machine(bare, {"Type": "Pass"})
    begun = bare("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    assert bare("stepfunctions").describe_execution(executionArn=begun)["status"] == "RUNNING"


@gap("machine-waits")
def test_machine_waits(bare: Clients) -> None:
    assert {"program_state_event", "wait"} <= {*WaitFunction._wait_interval.__code__.co_names}


@gap("machine-retries")
def test_machine_retries(bare: Clients) -> None:
    assert vars(retrier_decl)["time"] is time


@gap("machine-functions")
def test_machine_functions(bare: Clients) -> None:
    assert "moto_server_port" in boto_client_for.__code__.co_names
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MOTO_PORT", raising=False)
        assert moto_server_port() == "5000"


@gap("machine-paths")
def test_machine_paths(bare: Clients) -> None:
    called = "States.ArrayContains($[*][*].ended, 'incomplete')"
    with (
        mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
        pytest.raises(ClientError, match="Expected 2 arguments"),
    ):
        _machine(bare, {"Type": "Pass", "Parameters": {"found.$": called}})


@gap("api-authorizers")
def test_api_authorizers(bare: Clients) -> None:
    apis = bare("apigatewayv2")
    api = apis.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    with pytest.raises((ClientError, NotImplementedError)):
        apis.get_authorizers(ApiId=api)


@gap("machine-versions")
def test_machine_versions(bare: Clients) -> None:
    with pytest.raises((ClientError, NotImplementedError)):
        bare("stepfunctions").list_state_machine_versions(stateMachineArn=ROLE)


# ---------------------------------------------------------- IAM, DynamoDB, CloudWatch, quotas


@gap("roles")
def test_roles(bare: Clients) -> None:
    asked = {"RoleArn": _role(bare), "RoleSessionName": "session"}
    keys = bare("sts").assume_role(**asked)["Credentials"]
    logs = boto3.client(
        "logs",
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    logs.create_log_group(logGroupName="/a")
    assert [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]] == ["/a"]


def _table(client: Any) -> None:
    client.create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


@gap("items-expire")
def test_items_expire(bare: Clients) -> None:
    table = bare("dynamodb")
    _table(table)
    expiry = {"Enabled": True, "AttributeName": "ttl"}
    table.update_time_to_live(TableName="t", TimeToLiveSpecification=expiry)
    table.put_item(TableName="t", Item={"k": {"S": "a"}, "ttl": {"N": "1"}})
    assert table.scan(TableName="t")["Count"] == 1


@gap("transactions")
def test_transactions(bare: Clients) -> None:
    assert vars(dynamodb)["copy"] is copy
    assert "deepcopy" in dynamodb.DynamoDBBackend.transact_write_items.__code__.co_names


@gap("alarms")
def test_alarms(bare: Clients) -> None:
    watch = bare("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="a",
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    watch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "M", "Value": 1}])
    assert watch.describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"


@gap("metric-time")
def test_metric_time(bare: Clients) -> None:
    watch, now = bare("cloudwatch"), datetime.now(UTC)
    watch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "M", "Value": 1}])
    asked = {"Namespace": "N", "MetricName": "M", "Period": 60, "Statistics": ["Sum"]}
    hour = timedelta(hours=1)
    told = watch.get_metric_statistics(**asked, StartTime=now - hour, EndTime=now + hour)
    assert len(told["Datapoints"]) == 1


@gap("quotas")
def test_quotas(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("service-quotas").list_service_quotas(ServiceCode="logs")


def _rest_stage(bare: Clients) -> dict[str, str]:
    """The stage prod of a REST API with GET /, as parameters name it."""
    rest = bare("apigateway")
    api = rest.create_rest_api(name="a")["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    rest.put_method(**method, authorizationType="NONE")
    rest.put_integration(**method, type="MOCK")
    rest.create_deployment(restApiId=api, stageName="prod")
    return {"restApiId": api, "stageName": "prod"}


def _patched(bare: Clients, *operations: Mapping[str, str]) -> Mapping[str, Any]:
    """The settings of methods once these operations are done on a new stage."""
    answer = bare("apigateway").update_stage(**_rest_stage(bare), patchOperations=[*operations])
    settings: Mapping[str, Any] = answer["methodSettings"]
    return settings


_SET = {"op": "replace", "path": "/~1/GET/metrics/enabled", "value": "true"}


@gap("rest-api-pages")
def test_rest_api_pages(bare: Clients) -> None:
    for name in "ab":
        bare("apigateway").create_rest_api(name=name)
    assert len(bare("apigateway").get_rest_apis(limit=1)["items"]) == 2


@gap("deployment-summary")
def test_deployment_summary(bare: Clients) -> None:
    api = _rest_stage(bare)["restApiId"]
    [one] = bare("apigateway").get_deployments(restApiId=api)["items"]
    asked = {"restApiId": api, "deploymentId": one["id"], "embed": ["apisummary"]}
    assert "apiSummary" not in bare("apigateway").get_deployment(**asked)


@gap("deployment-keeps-settings")
def test_deployment_keeps_settings(bare: Clients) -> None:
    rest, stage = bare("apigateway"), _rest_stage(bare)
    rest.update_stage(**stage, patchOperations=[_SET])
    rest.create_deployment(**stage)
    assert rest.get_stage(**stage)["methodSettings"] == {}


@gap("stage-settings-removed")
def test_stage_settings_removed(bare: Clients) -> None:
    assert "~1/GET" in _patched(bare, _SET, {"op": "remove", "path": "/~1/GET"})


@gap("stage-settings-materialised")
def test_stage_settings_materialised(bare: Clients) -> None:
    settings = _patched(bare, _SET)["~1/GET"]
    limits = settings["throttlingRateLimit"], settings["throttlingBurstLimit"]
    assert limits == (1000.0, 2000)


@gap("stage-patch-checked")
def test_stage_patch_checked(bare: Clients) -> None:
    unknown = {"op": "replace", "path": "/~1/GET/none/such", "value": "1"}
    assert [*_patched(bare, unknown, _SET)] == ["~1/GET"]


@gap("v2-api-pages")
def test_v2_api_pages(bare: Clients) -> None:
    for name in "ab":
        bare("apigatewayv2").create_api(Name=name, ProtocolType="HTTP")
    assert len(bare("apigatewayv2").get_apis(MaxResults="1")["Items"]) == 2


@gap("v2-stage-updated")
def test_v2_stage_updated(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("apigatewayv2").update_stage(ApiId="a", StageName="s")


@gap("v2-route-settings-deleted")
def test_v2_route_settings_deleted(bare: Clients) -> None:
    route_urls()
    with pytest.raises(NotImplementedError):
        bare("apigatewayv2").delete_route_settings(ApiId="a", StageName="s", RouteKey="GET /")


@gap("v2-deployment")
def test_v2_deployment(bare: Clients) -> None:
    route_urls()
    with pytest.raises(NotImplementedError):
        bare("apigatewayv2").create_deployment(ApiId="a")


EVALUATED = {"ComplianceResourceId": "a", "ComplianceType": "COMPLIANT"}


@gap("config-evaluations")
def test_config_evaluations(bare: Clients) -> None:
    kind = {"ComplianceResourceType": "AWS::Made::Up", "OrderingTimestamp": datetime.now(UTC)}
    rows = [{**EVALUATED, **kind}] * 101
    put = bare("config").put_evaluations
    assert put(Evaluations=rows, ResultToken="a", TestMode=True)["FailedEvaluations"] == []
    with pytest.raises(NotImplementedError):
        put(Evaluations=rows[:1], ResultToken="a")


@gap("config-results")
def test_config_results(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("config").get_compliance_details_by_config_rule(ConfigRuleName="a")


@gap("config-start")
def test_config_start(bare: Clients) -> None:
    with pytest.raises(NotImplementedError):
        bare("config").start_config_rules_evaluation(ConfigRuleNames=["a"])


@gap("config-history")
def test_config_history(bare: Clients) -> None:
    asked = {"resourceType": "AWS::Lambda::Function", "resourceId": "a"}
    with pytest.raises(ClientError, match="ResourceNotDiscovered"):
        bare("config").get_resource_config_history(**asked)


@gap("config-exceptions")
def test_config_exceptions(bare: Clients) -> None:
    key = {"ResourceType": "AWS::Lambda::Function", "ResourceId": "a"}
    asked = {"ConfigRuleName": "a", "ResourceKeys": [key]}
    for call in ("put", "delete", "describe"):
        with pytest.raises(NotImplementedError):
            getattr(bare("config"), f"{call}_remediation_exceptions")(**asked)


@gap("config-invocations")
def test_config_invocations(bare: Clients) -> None:
    names = {name for name in dir(ConfigBackend) if "evaluat" in name or "invoke" in name}
    assert names == {"put_evaluations"}


@gap("stack-config-rules")
def test_stack_config_rules(bare: Clients) -> None:
    source = {"Owner": "AWS", "SourceIdentifier": "LAMBDA_FUNCTION_XRAY_ENABLED"}
    rule = {"Type": "AWS::Config::ConfigRule", "Properties": {"Source": source}}
    body = json.dumps({"Resources": {"R": rule}})
    with pytest.warns(UserWarning, match="not supported"):
        bare("cloudformation").create_stack(StackName="s", TemplateBody=body)
    assert bare("config").describe_config_rules()["ConfigRules"] == []


_ALARM: Mapping[str, Any] = {
    "AlarmName": "a",
    "Namespace": "N",
    "MetricName": "M",
    "Period": 45,
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5},
    "Tags": [{"Key": "a", "Value": "b"}],
}


@gap("alarm-validated")
def test_alarm_validated(bare: Clients) -> None:
    bare("cloudwatch").put_metric_alarm(**_ALARM)
    assert bare("cloudwatch").describe_alarms()["MetricAlarms"][0]["Period"] == 45


@gap("alarm-warm-up")
def test_alarm_warm_up(bare: Clients) -> None:
    bare("cloudwatch").put_metric_alarm(**_ALARM)
    assert "WarmUpConfiguration" not in bare("cloudwatch").describe_alarms()["MetricAlarms"][0]


@gap("alarm-updated")
def test_alarm_updated(bare: Clients) -> None:
    watch = bare("cloudwatch")
    watch.put_metric_alarm(**_ALARM)
    watch.put_metric_alarm(**{**_ALARM, "Tags": [{"Key": "a", "Value": "c"}]})
    arn = watch.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    assert watch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "c"}]


@gap("alarm-state")
def test_alarm_state(bare: Clients) -> None:
    bare("cloudwatch").put_metric_alarm(**_ALARM)
    assert bare("cloudwatch").describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"


@gap("alarms-paged")
def test_alarms_paged(bare: Clients) -> None:
    for name in "ab":
        bare("cloudwatch").put_metric_alarm(**{**_ALARM, "AlarmName": name})
    assert len(bare("cloudwatch").describe_alarms(MaxRecords=1)["MetricAlarms"]) == 2


@gap("alarms-deleted")
def test_alarms_deleted(bare: Clients) -> None:
    answer = bare("cloudwatch").delete_alarms(AlarmNames=["nobody"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@gap("dashboard-validated")
def test_dashboard_validated(bare: Clients) -> None:
    bare("cloudwatch").put_dashboard(DashboardName="a", DashboardBody="[]")
    assert bare("cloudwatch").get_dashboard(DashboardName="a")["DashboardBody"] == "[]"


@gap("dashboard-time")
def test_dashboard_time(bare: Clients) -> None:
    dashboard = cloudwatch.Dashboard
    assert "utcnow" not in dashboard.__init__.__code__.co_names
    assert "utcnow" in vars(cloudwatch)


@gap("rest-export")
def test_rest_export(bare: Clients) -> None:
    asked = {"exportType": "oas30", "parameters": {"extensions": "integrations"}}
    body = bare("apigateway").get_export(**_rest_stage(bare), **asked)["body"].read()
    assert set(json.loads(body)["paths"]["/"]["GET"]) == {"produces", "responses"}


# ------------------------------------------------------------------------------------------ IAM

_NOTHING = {"Version": "2012-10-17", "Statement": []}
_READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
_SOME = {"Version": "2012-10-17", "Statement": [_READS]}


def _stacks_role(bare: Clients) -> Any:
    """A client of IAM where CloudFormation made a role with an inline and a managed policy."""
    inline = {"PolicyName": "main", "PolicyDocument": _SOME}
    attached = {"ManagedPolicyArns": [{"Ref": "Managed"}], "Policies": [inline]}
    resources = {
        "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": _SOME}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": _NOTHING, **attached},
        },
    }
    body = json.dumps({"Resources": resources})
    bare("cloudformation").create_stack(
        StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return bare("iam")


@gap("role-details")
def test_role_details(bare: Clients) -> None:
    for name in "ab":
        bare("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_NOTHING))
    told = bare("iam").get_account_authorization_details(Filter=["Role"], MaxItems=1)
    assert len(told["RoleDetailList"]) == 2
    with pytest.raises(TypeError):
        _stacks_role(bare).get_account_authorization_details(Filter=["Role"])


@gap("role-policy-encoded")
def test_role_policy_encoded(bare: Clients) -> None:
    told = _stacks_role(bare).get_role_policy(RoleName="r", PolicyName="main")
    assert told["PolicyDocument"] == str(_SOME)


@gap("stack-roles")
def test_stack_roles(bare: Clients) -> None:
    assert _stacks_role(bare).list_attached_role_policies(RoleName="r")["AttachedPolicies"] == []


@gap("logging-config")
def test_logging_config(bare: Clients) -> None:
    _functions(bare, "a")
    assert "LoggingConfig" not in bare("lambda").get_function_configuration(FunctionName="a")
