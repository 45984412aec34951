"""A call that was answered becomes the events that AWS would deliver, or none."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.core.utils import get_service_model

from embedded.trail import (
    LARGEST,
    Caller,
    Identity,
    Made,
    event_of,
    events_of,
    is_faithful,
    native_events,
)
from embedded.trail_members import HIDDEN
from embedded.trail_rules import delivered, event_name, event_source
from embedded.trail_shapes import SHAPES, Known
from functions.log_retention.handler import AUTOMATION
from steward.events import LOG_GROUP, Skip, named
from steward.model import Ref
from tests.fakes import ACCOUNT, REGION, START

RECORDS = Path(__file__).parent.parent / "events"
CALLS: Mapping[str, Mapping[str, Any]] = json.loads((RECORDS / "trail/calls.json").read_text())
"""By the name of the record that a call leads to: the call, as boto3 would make it."""

MAY_BE_ABSENT = (
    ".tlsDetails",  # what a proxy passes on
    ".sessionCredentialFromConsole",
    ".userIdentity.sessionContext.webIdFederationData",  # to version 1.08, and then empty
)
"""What the records of other tests do not tell, or alone tell: it depends on version and way."""

ALICE = Caller(account=ACCOUNT, name="alice")
SERVICES = [
    *("logs", "lambda", "apigateway", "apigatewayv2", "cloudformation"),
    *("ssm", "sqs", "kinesis", "cloudwatch"),
]
STAGE = {"ApiId": "f6g7h8i9j0", "StageName": "$default"}


def ids() -> Callable[[], str]:
    """Ids that count up."""
    numbers = count(1)
    return lambda: f"{next(numbers):08}-0000-4000-8000-000000000000"


def made(service: str, operation: str, params: Mapping[str, Any], **more: Any) -> Made:
    fields = {"account": ACCOUNT, "region": REGION, "time": START, "caller": ALICE, **more}
    return Made(service=service, operation=operation, params=params, **fields)


def called(name: str) -> Made:
    """The call that led to a record, made when the record says."""
    call = dict(CALLS[name])
    told = call.pop("caller")
    caller = Caller(**{**told, "account": ACCOUNT, "type": Identity(told["type"])})
    at = datetime.fromisoformat(detail(record(name)).get("eventTime", "2026-11-19T09:00:00Z"))
    return made(**call, caller=caller, time=at)


def own(name: str) -> Path:
    """Where a record lies that was written for these tests."""
    return RECORDS / "trail" / f"{name}.json"


def record(name: str) -> dict[str, Any]:
    """A record, or an event, from tests/events."""
    path = own(name) if own(name).exists() else RECORDS / f"{name}.json"
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def detail(event: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = event.get("detail", event)
    return told


def synthesised(call: Made) -> dict[str, Any]:
    """CloudTrail's event for a call that has one."""
    event = event_of(call, ids())
    assert event is not None
    return event


def told(service: str, operation: str, params: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return detail(synthesised(made(service, operation, params, **more)))


def shape(
    value: object, without: tuple[str, ...] = (), path: str = ""
) -> Iterator[tuple[str, str]]:
    """Every path to a leaf and the leaf's type in JSON; not below the paths in ``without``."""
    if without and path.startswith(without):
        return
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from shape(inner, without, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from shape(inner, without, f"{path}[]")
    else:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        yield path, "number" if numeric else type(value).__name__


NATIVE_TYPES = {
    "ParameterStoreChange": "Parameter Store Change",
    "StackStatusChange": "CloudFormation Stack Status Change",
}
FROM_CLOUDTRAIL = sorted(name for name in CALLS if name.split(".")[1] not in NATIVE_TYPES)
NATIVE = sorted(CALLS.keys() - FROM_CLOUDTRAIL)
ALIKE = ("eventSource", "eventName", "awsRegion", "requestParameters", "responseElements")
ALIKE_IF_TOLD = ("errorCode", "errorMessage", "resources", "apiVersion", "eventTime")


@pytest.mark.parametrize("name", FROM_CLOUDTRAIL)
def test_a_call_leads_to_the_recorded_event(name: str) -> None:
    """Parameters and answer value by value, all else of the record by keys and types."""
    wanted, event = record(name), detail(synthesised(called(name)))
    wanted = detail(wanted)
    assert {key: event[key] for key in ALIKE} == {key: wanted[key] for key in ALIKE}
    for key in ALIKE_IF_TOLD:
        assert event.get(key) == wanted.get(key)
    without = () if own(name).exists() else MAY_BE_ABSENT
    assert set(shape(event, without)) == set(shape(wanted, without))


@pytest.mark.parametrize("name", FROM_CLOUDTRAIL)
def test_the_envelope_is_the_recorded_one(name: str) -> None:
    """Of whatever service: no resources, and the record's time, account and Region."""
    event, wanted = synthesised(called(name)), record("apigateway.TagResource")
    assert list(event) == list(wanted)
    assert event | {"detail": 0} == wanted | {
        "id": event["id"],
        "source": f"aws.{event['detail']['eventSource'].removesuffix('.amazonaws.com')}",
        "time": event["detail"]["eventTime"],
        "detail": 0,
    }


@pytest.mark.parametrize("name", NATIVE)
def test_a_change_is_told_by_the_service_itself(name: str) -> None:
    """The events of the user guides: of a parameter the name as it is, of a stack its status."""
    call = called(name)
    [event], wanted = native_events(call, ids()), record(name)
    assert event == wanted | {"id": event["id"], "time": event["time"]}
    assert [one["detail-type"] for one in events_of(call, ids())] == [
        "AWS API Call via CloudTrail",
        NATIVE_TYPES[name.split(".")[1]],
    ]


def test_every_fixture_has_its_call_and_every_call_its_entry() -> None:
    """A file nobody reads would be no test, nor would an entry whose shape nobody checks."""
    files = {path.stem for path in (RECORDS / "trail").glob("*.json")} - {"calls"}
    assert files <= set(CALLS)
    checked = {(CALLS[name]["service"], CALLS[name]["operation"]) for name in FROM_CLOUDTRAIL}
    assert checked == set(SHAPES)


@pytest.mark.parametrize(
    ("service", "operation", "faithful"),
    [
        ("logs", "CreateLogGroup", True),
        ("cloudformation", "CreateStack", True),
        ("logs", "PutRetentionPolicy", False),
        ("logs", "CreateExportTask", False),
        ("nothing", "Known", False),
    ],
    ids=["recorded", "documented", "reconstructed", "by rules", "unknown"],
)
def test_only_what_aws_showed_is_faithful(service: str, operation: str, *, faithful: bool) -> None:
    """What is put together from models and rules is not."""
    assert is_faithful(service, operation) is faithful
    assert SHAPES["kinesis", "UpdateShardCount"].known is Known.RECONSTRUCTED


QUIET = {
    "logs": "DescribeLogGroups ListTagsForResource GetLogEvents FilterLogEvents PutLogEvents",
    "lambda": "GetFunction ListVersionsByFunction Invoke InvokeWithResponseStream",
    "apigateway": "GetRestApi GetStages",
    "apigatewayv2": "GetApis ExportApi",
    "kinesis": "PutRecord PutRecords GetRecords GetShardIterator SubscribeToShard DescribeStream",
    "sqs": "SendMessage SendMessageBatch ReceiveMessage DeleteMessage ChangeMessageVisibility",
    "dynamodb": "GetItem PutItem UpdateItem DeleteItem Query Scan BatchWriteItem",
    "cloudwatch": "PutMetricData GetMetricData DescribeAlarms",
    "cloudformation": "DescribeStacks ValidateTemplate DetectStackDrift",
    "config": "SelectResourceConfig BatchGetResourceConfig",
    "ssm": "GetParameter GetParametersByPath",
    "sts": "AssumeRole GetCallerIdentity",
    "sns": "Publish",
    "events": "PutEvents TestEventPattern",
    "s3": "PutObject GetObject HeadObject",
}
LOUD = {
    "logs": "CreateLogStream StartQuery TestMetricFilter PutMetricFilter",
    "dynamodb": "CreateTable UpdateTimeToLive",
    "s3": "CreateBucket PutBucketPolicy",
    "stepfunctions": "StartExecution",
    "config": "PutEvaluations",
    "sqs": "PurgeQueue SetQueueAttributes",
    "lambda": "PutFunctionRecursionConfig",
}


def each(table: Mapping[str, str]) -> list[Any]:
    return [
        pytest.param(service, operation, id=f"{service}.{operation}")
        for service, operations in table.items()
        for operation in operations.split()
    ]


@pytest.mark.parametrize(("service", "operation"), each(QUIET))
def test_reading_and_data_are_not_delivered(service: str, operation: str) -> None:
    """Neither read-only management events nor calls that no management event tells of."""
    assert operation in get_service_model(service).operation_names
    assert events_of(made(service, operation, {}), ids()) == []


@pytest.mark.parametrize(("service", "operation"), each(LOUD))
def test_what_changes_something_is_delivered(service: str, operation: str) -> None:
    """And so is what AWS does not count among the read-only events, whatever it is called."""
    assert operation in get_service_model(service).operation_names
    assert event_of(made(service, operation, {}), ids()) is not None


def test_a_failed_call_is_delivered_with_its_error() -> None:
    """Its parameters are told, its answer is null, its message is cut after 1024 characters."""
    failed = told(
        "lambda",
        "DeleteFunction",
        {"FunctionName": "orders"},
        error_code="ResourceConflictException",
        error_message="x" * 2000,
    )
    assert failed["errorCode"] == "ResourceConflictException"
    assert failed["errorMessage"] == "x" * 1024
    assert failed["requestParameters"] == {"functionName": "orders"}
    assert failed["responseElements"] is None


def test_api_gateway_v2_tells_the_message_of_an_error_in_the_answer() -> None:
    """There is an errorCode and no errorMessage."""
    refused = {"error_code": "BadRequestException", "error_message": "Invalid route key"}
    failed = told("apigatewayv2", "CreateRoute", {"ApiId": "f6g7h8i9j0"}, **refused)
    assert failed["errorCode"] == "BadRequestException"
    assert "errorMessage" not in failed
    assert failed["responseElements"] == {"message": "Invalid route key"}


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_denied_call_tells_no_parameters(code: str) -> None:
    """They are null, as nobody looked at them; nor does a failed call name resources."""
    denied = told("ssm", "DeleteParameter", {"Name": "/a"}, error_code=code)
    assert denied["requestParameters"] is None
    assert "resources" not in denied


def test_a_failed_call_changes_no_parameter() -> None:
    """Only what happened is told by the service itself."""
    call = made("ssm", "DeleteParameter", {"Name": "/a"}, error_code="ParameterNotFound")
    assert native_events(call, ids()) == []


def test_a_stack_that_nobody_knew_is_not_told_deleted() -> None:
    """A deletion by name of what is not there succeeds, and changes nothing."""
    assert native_events(made("cloudformation", "DeleteStack", {"StackName": "no"}), ids()) == []


def test_each_parameter_that_was_there_is_told_deleted() -> None:
    """DeleteParameters answers which were not."""
    answer = {"DeletedParameters": ["/a", "/c"], "InvalidParameters": ["/b"]}
    call = made("ssm", "DeleteParameters", {"Names": ["/a", "/b", "/c"]}, answer=answer)
    assert [event["detail"]["name"] for event in native_events(call, ids())] == ["/a", "/c"]


@pytest.mark.parametrize(
    ("operation", "params", "asked"),
    [
        ("UpdateStage", STAGE, {"apiId": "f6g7h8i9j0", "stageName": "%24default"}),
        ("CreateStage", STAGE, {"apiId": "f6g7h8i9j0", "stageName": "$default"}),
        (
            "UpdateStage",
            {**STAGE, "StageVariables": {"Key": "secret"}},
            {"apiId": "f6g7h8i9j0", "stageName": "%24default", "stageVariables": "***"},
        ),
    ],
    ids=["in the URL", "in the body", "variables"],
)
def test_api_gateway_v2_tells_the_url_as_it_was(
    operation: str, params: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """What stands in it is percent-encoded, the same member in a body is not."""
    assert told("apigatewayv2", operation, params)["requestParameters"] == asked


@pytest.mark.parametrize(
    ("service", "operation", "params", "asked"),
    [
        pytest.param(
            "lambda",
            "CreateFunction",
            {"Code": {"ZipFile": b"PK"}, "KMSKeyArn": "arn:k", "Environment": {"Variables": {}}},
            {"publish": False, "environment": {}, "code": {}, "kMSKeyArn": "arn:k"},
            id="code and variables",
        ),
        pytest.param(
            "sqs",
            "CreateQueue",
            {"QueueName": "q", "Attributes": {"DelaySeconds": "1"}, "tags": {"Team": "a"}},
            {"queueName": "q", "attributes": {"DelaySeconds": "1"}, "tags": {"Team": "a"}},
            id="keys of maps",
        ),
        pytest.param(
            "logs",
            "CreateExportTask",
            {"logGroupName": "/a", "from": 0, "to": 1, "Unknown": 1},
            {"logGroupName": "/a", "from": 0, "to": 1},
            id="a member the API does not have",
        ),
        pytest.param(
            "apigateway",
            "UpdateAccount",
            {},
            {"updateAccountInput": {}, "template": False},
            id="an empty body",
        ),
        pytest.param("ssm", "PutParameter", {"Value": "v"}, {"value": HIDDEN}, id="a secret"),
        pytest.param("lambda", "CreateCodeSigningConfig", {}, None, id="nothing asked"),
        pytest.param(
            "nothing", "Known", {"Some": [{"Key": b""}]}, {"some": [{"key": None}]}, id="no model"
        ),
    ],
)
def test_parameters_follow_the_model(
    service: str, operation: str, params: Mapping[str, Any], asked: Mapping[str, Any] | None
) -> None:
    """Members begin small, map keys stay, secrets and binaries are not told."""
    assert told(service, operation, params)["requestParameters"] == asked


def test_times_in_answers_are_those_of_rfc_3339() -> None:
    """As CloudTrail has written them since 2026; what only HTTP tells is left out."""
    created = told("apigateway", "CreateDeployment", {}, answer={"id": "d", "createdDate": START})
    assert created["responseElements"]["createdDate"] == "2026-11-20T10:00:00Z"
    there = START.astimezone(timezone(timedelta(hours=9)))
    assert told("logs", "CreateLogGroup", {}, time=there)["eventTime"] == "2026-11-20T10:00:00Z"
    deleted = told("lambda", "DeleteFunction", {}, answer={"StatusCode": 204})
    assert deleted["responseElements"] is None


def test_parameters_above_100_kb_are_absent() -> None:
    """The record says nothing about them, not even null."""
    large = told("logs", "PutResourcePolicy", {"policyDocument": "x" * LARGEST})
    assert "requestParameters" not in large
    assert large["responseElements"] is None


@pytest.mark.parametrize(
    ("caller", "identity"),
    [
        pytest.param(
            Caller(type=Identity.ROOT, account=ACCOUNT),
            {
                "type": "Root",
                "principalId": ACCOUNT,
                "arn": f"arn:aws:iam::{ACCOUNT}:root",
                "accountId": ACCOUNT,
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            },
            id="root",
        ),
        pytest.param(
            Caller(type=Identity.SERVICE, account=ACCOUNT, invoked_by="rds.amazonaws.com"),
            {"type": "AWSService", "invokedBy": "rds.amazonaws.com"},
            id="a service",
        ),
    ],
)
def test_a_caller_is_told_by_its_type(caller: Caller, identity: Mapping[str, str]) -> None:
    """A service has neither ARN nor account."""
    assert told("logs", "CreateLogGroup", {}, caller=caller)["userIdentity"] == identity


def test_a_service_acts_for_a_role() -> None:
    """The record tells both, and the service as address and agent; another account is seen."""
    role = Caller(
        type=Identity.ROLE,
        account="123456789012",
        name="aws-service-role/x/Deployer",
        session="s",
        since=datetime(2026, 11, 20, 9, tzinfo=UTC),
        invoked_by="cloudformation.amazonaws.com",
    )
    event = told("logs", "CreateLogGroup", {}, caller=role)
    identity, issuer = event["userIdentity"], event["userIdentity"]["sessionContext"]
    assert identity["arn"] == "arn:aws:sts::123456789012:assumed-role/Deployer/s"
    assert identity["invokedBy"] == event["sourceIPAddress"] == "cloudformation.amazonaws.com"
    assert issuer["sessionIssuer"]["userName"] == "Deployer"
    assert issuer["sessionIssuer"]["arn"].endswith(":role/aws-service-role/x/Deployer")
    assert issuer["attributes"]["creationDate"] == "2026-11-20T09:00:00Z"
    assert event["recipientAccountId"] == ACCOUNT
    assert "tlsDetails" not in event


def test_calls_without_region_are_told_in_virginia() -> None:
    """Rules of other Regions never see what happens in IAM."""
    event = synthesised(made("iam", "CreateRole", {"RoleName": "r"}))
    assert event["region"] == event["detail"]["awsRegion"] == "us-east-1"


EVENT_NAMES = [
    ("CreateFunction", "CreateFunction20150331"),
    ("UpdateFunctionCode", "UpdateFunctionCode20150331v2"),
    ("PutFunctionConcurrency", "PutFunctionConcurrency20171031"),
    ("PublishLayerVersion", "PublishLayerVersion20181031"),
    ("UntagResource", "UntagResource20170331v2"),
    ("AddLayerVersionPermission", "AddLayerVersionPermission"),
    ("PutProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"),
]


@pytest.mark.parametrize(("operation", "name"), EVENT_NAMES)
def test_lambda_dates_some_of_its_events(operation: str, name: str) -> None:
    """By the list of the developer guide; TagResource of other services bears no date."""
    assert event_name("lambda", operation) == name
    assert event_name("logs", operation) == operation


@pytest.mark.parametrize("operation", ["CreateLogGroup", "PutRetentionPolicy"])
@given(name=st.from_regex(re.compile(r"[.\-_/#A-Za-z0-9]{1,60}"), fullmatch=True))
def test_the_automation_finds_the_group_in_a_synthesised_event(operation: str, name: str) -> None:
    """As it does in the recorded ones."""
    event = synthesised(made("logs", operation, {"logGroupName": name, "retentionInDays": 1}))
    found = named(AUTOMATION, event, account=ACCOUNT, region=REGION)
    assert found == [Ref(LOG_GROUP, name)]


def test_the_automation_skips_a_synthesised_failure() -> None:
    """A call that failed has changed nothing."""
    event = synthesised(called("logs.CreateLogGroup.already-exists"))
    assert named(AUTOMATION, event, account=ACCOUNT, region=REGION) is Skip.FAILED_CALL


MUTATING = [
    (service, operation)
    for service in SERVICES
    for operation in get_service_model(service).operation_names
    if delivered(service, operation)
]


@functools.cache
def value_of(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a model's shape: what is required always, what is optional only near the top."""
    if shape.type_name == "structure":
        wanted = shape.members if depth == 0 else shape.required_members
        members = {name: value_of(shape.members[name], depth + 1) for name in wanted}
        required = {name: members[name] for name in shape.required_members}
        optional = {name: one for name, one in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if shape.type_name == "list":
        return st.lists(value_of(shape.member, depth + 1), max_size=1)
    if shape.type_name == "map":
        return st.dictionaries(st.text(max_size=3), value_of(shape.value, depth + 1), max_size=1)
    return SCALARS[shape.type_name]


SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=4),
    "character": st.text(max_size=1),
    "blob": st.binary(max_size=4),
    "boolean": st.booleans(),
    "timestamp": st.just(START),
    **dict.fromkeys(("integer", "long"), st.integers(-9, 9)),
    **dict.fromkeys(("float", "double"), st.floats(-9, 9)),
}


@given(data=st.data(), failed=st.booleans())
@pytest.mark.parametrize("service", SERVICES)
def test_every_mutating_operation_leads_to_an_event(
    service: str, data: st.DataObject, *, failed: bool
) -> None:
    """Whatever it is asked and answers: one that JSON can hold, from the service's source."""
    operation = data.draw(st.sampled_from([name for one, name in MUTATING if one == service]))
    model = get_service_model(service).operation_model(operation)
    asked, answered = (
        data.draw(value_of(shape)) if shape else {}
        for shape in (model.input_shape, model.output_shape)
    )
    call = made(service, operation, asked, answer=answered, error_code="Refused" if failed else "")
    event = events_of(call, ids())[0]
    assert event["source"] == f"aws.{event_source(service)}"
    assert event["detail"]["eventName"].startswith(operation)
    assert json.loads(json.dumps(event, allow_nan=False)) == event


@pytest.mark.parametrize(("service", "operation"), MUTATING)
def test_no_mutating_operation_is_refused_without_parameters(service: str, operation: str) -> None:
    """The account may answer what the model would not have let through."""
    event = synthesised(made(service, operation, {}))
    assert event["detail"]["readOnly"] is False
