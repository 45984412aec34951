"""Log events go through subscription filters to where AWS would take them, as AWS packs them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.iam.models import iam_backends
from moto.kinesis.models import kinesis_backends

from embedded.asynchronous import Asynchronous
from embedded.clock import EmbeddedClock
from embedded.delivery import Delivery, delivered_by
from embedded.filter_patterns import compiled
from embedded.overlays import faithful
from embedded.poller import InvocationError
from embedded.seeding import FunctionSeed, seed_delivery_role, seed_functions
from embedded.stamping import logs_stamped_by
from embedded.streams import Streams, streams_kept_by

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ACCOUNT, REGION = "123456789012", "eu-west-1"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:ship"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ships"
NOT_ACTIVE = "Could not deliver test message to specified Kinesis stream"


class Place:
    """An account with the group /a, a stream, a role for it, and functions that are told of."""

    def __init__(self, session: boto3.Session) -> None:
        self.clock = EmbeddedClock(START)
        self.session = session
        self.streams = Streams(ACCOUNT, REGION, self.clock)
        self.asynchronous = Asynchronous(self.clock)
        self.delivery = Delivery(ACCOUNT, REGION, self.streams, self.asynchronous.send)

    def ready(self) -> None:
        self.logs: Any = self.session.client("logs")
        kinesis_backends[ACCOUNT][REGION].create_stream("logs", 4)
        seed_delivery_role("ships", STREAM)
        self.create("/a")

    def create(self, group: str) -> None:
        self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName="s")

    def subscribe(self, group: str = "/a", **fields: Any) -> None:
        told = {"filterName": "f", "filterPattern": "", "destinationArn": STREAM, "roleArn": ROLE}
        self.logs.put_subscription_filter(logGroupName=group, **{**told, **fields})

    def subscribe_all(self, name: str = "all", **fields: Any) -> None:
        criteria = {key: fields.pop(key) for key in ("selectionCriteria",) if key in fields}
        told = {"DestinationArn": STREAM, "RoleArn": ROLE, "FilterPattern": "", **fields}
        kind = {"policyName": name, "policyType": "SUBSCRIPTION_FILTER_POLICY"}
        self.logs.put_account_policy(policyDocument=json.dumps(told), **kind, **criteria)

    def log(self, *messages: str, group: str = "/a", stream: str = "s") -> None:
        now = int(self.clock.now().timestamp() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def told(self, kind: str = "DATA_MESSAGE") -> list[dict[str, Any]]:
        """The messages that lie in the stream."""
        held = sorted(self.streams.records(STREAM), key=lambda one: one.sequence)
        messages = [json.loads(gzip.decompress(one.data)) for one in held]
        return [one for one in messages if one["messageType"] == kind]

    def lines(self) -> list[str]:
        return [event["message"] for one in self.told() for event in one["logEvents"]]


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session(region_name=REGION)


@pytest.fixture
def here(session: boto3.Session) -> Iterator[Place]:
    with mock_aws(), faithful():
        place = Place(session)
        clock = place.clock
        with logs_stamped_by(clock), streams_kept_by(clock), delivered_by(place.delivery):
            place.ready()
            yield place


def test_events_come_packed_as_aws_packs_them(here: Place) -> None:
    """Ids say when an event happened, when it came, which batch it is of and where it stood."""
    here.subscribe()
    here.clock.advance(1.5)
    here.log("one", "zwei ✓")
    [message] = here.told()
    now = int(here.clock.now().timestamp() * 1000)
    ids = [int(event.pop("id")) for event in message["logEvents"]]
    assert message == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/a",
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"timestamp": now, "message": "one"},
            {"timestamp": now, "message": "zwei ✓"},
        ],
    }
    assert [(one >> 144, (one >> 80) & (1 << 64) - 1, one & 0xFFFF) for one in ids] == [
        (now, now, 0),
        (now, now, 1),
    ]
    assert ids[0] >> 16 == ids[1] >> 16


def test_the_api_tells_an_event_by_the_same_id(here: Place) -> None:
    """56 digits, wherever the event is met."""
    here.subscribe()
    here.log("one")
    [event] = here.logs.filter_log_events(logGroupName="/a")["events"]
    assert event["eventId"] == here.told()[0]["logEvents"][0]["id"]
    assert re.fullmatch(r"\d{56}", event["eventId"])


def test_a_filter_that_is_put_sends_a_test_message(here: Place) -> None:
    """Each time, also when it is replaced; what was logged before is not delivered."""
    here.log("before")
    here.subscribe()
    here.subscribe(filterPattern="ERROR")
    first, second = here.told("CONTROL_MESSAGE")
    assert here.told() == []
    assert first["logEvents"][0].pop("timestamp") == START.timestamp() * 1000
    assert second["owner"] == "CloudwatchLogs"
    assert first == {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [
            {
                "id": "",
                "message": "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.",
            }
        ],
    }


def test_a_filter_without_a_role_that_can_deliver_is_refused(here: Place) -> None:
    """A role that is not there or trusts another looks like a stream that is not there."""
    seed_delivery_role("others", STREAM, service="lambda.amazonaws.com")
    seed_delivery_role("elsewhere", f"{STREAM}-2")
    told = {}
    for name in ("none", "others", "elsewhere"):
        with pytest.raises(here.logs.exceptions.InvalidParameterException) as error:
            here.subscribe(roleArn=ROLE.replace("ships", name))
        told[name] = error.value.response["Error"]["Message"]
    assert told["none"].startswith(NOT_ACTIVE)
    assert told["others"].startswith(NOT_ACTIVE)
    assert "assumed-role/elsewhere/" in told["elsewhere"]
    assert (
        f"not authorized to perform: kinesis:PutRecord on resource: {STREAM}" in (told["elsewhere"])
    )
    assert here.streams.records(STREAM) == []


def test_an_encrypted_stream_needs_leave_for_its_key(here: Place) -> None:
    """As Kinesis asks for a data key in the role's name; AWS's own key needs none."""
    here.streams[STREAM].encryption_type = "KMS"
    here.streams[STREAM].key_id = "alias/aws/kinesis"
    here.subscribe()
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    here.streams[STREAM].key_id = key
    with pytest.raises(here.logs.exceptions.InvalidParameterException, match="GenerateDataKey"):
        here.subscribe()
    condition = {"StringEquals": {"kms:ViaService": f"kinesis.{REGION}.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key}
    document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    iam_backends[ACCOUNT]["aws"].put_role_policy("ships", "key", json.dumps(document))
    here.subscribe()
    assert len(here.told("CONTROL_MESSAGE")) == 2


def test_events_of_one_call_are_split_into_records_that_fit(here: Place) -> None:
    """None is lost or doubled, and the order is kept."""
    here.subscribe()
    lines = [hashlib.shake_128(bytes([number])).hexdigest(450_000) for number in range(5)]
    for start in (0, 3):
        here.log(*lines[start : start + 3])
    sizes = [len(one.data) for one in here.streams.records(STREAM)]
    assert here.lines() == lines
    assert len(here.told()) == 3
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize(
    ("distribution", "shards"), [("ByLogStream", 1), ("Random", 4)], ids=["by stream", "random"]
)
def test_the_distribution_decides_over_the_shard(
    here: Place, distribution: str, shards: int
) -> None:
    """One for all events of a log stream, or any."""
    here.subscribe(distribution=distribution)
    for number in range(40):
        here.log(str(number))
    held = here.streams.records(STREAM)
    data = [one for one in held if b"CONTROL" not in gzip.decompress(one.data)]
    assert len({one.shard for one in data}) == shards
    assert len(data) == 40


def test_each_filter_delivers_what_its_pattern_stands_for(here: Place) -> None:
    """Events that none stands for go nowhere; two filters deliver twice."""
    here.subscribe(filterName="errors", filterPattern="ERROR")
    here.subscribe(filterName="all")
    here.log("fine")
    here.log("ERROR a", "fine, too", "ERROR b")
    by: dict[str, list[str]] = {"errors": [], "all": []}
    for one in here.told():
        [name] = one["subscriptionFilters"]
        by[name] += [event["message"] for event in one["logEvents"]]
    assert by == {
        "errors": ["ERROR a", "ERROR b"],
        "all": ["fine", "ERROR a", "fine, too", "ERROR b"],
    }


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("  ", "anything", True),
        ("ERROR", "[ERROR] x", True),
        ("ERROR", "error x", False),
        ("ERROR", "ERRORS", False),
        ("ERROR", "NO_ERROR", True),
        ("ERROR Exception", "an Exception and an ERROR", True),
        ("ERROR Exception", "an ERROR", False),
        ('"INTERNAL SERVER ERROR"', "500 INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "SERVER INTERNAL ERROR", False),
        ('"a \\"b\\""', 'a "b"', True),
        ('"{"', "{}", True),
        ("?ERROR ?WARN", "WARN", True),
        ("?ERROR ?WARN", "INFO", False),
        ("?ERROR ?WARN needed", "needed", True),
        ("?ERROR ?WARN needed", "ERROR", False),
        ("ERROR -EXITING", "ERROR", True),
        ("ERROR -EXITING", "ERROR, EXITING", False),
        ("-EXITING", "anything", True),
        ("-START -END", "END", False),
        ("%AUTHORIZED%", "UNAUTHORIZED", True),
        ("%^ERR%", "an ERR", False),
    ],
)
def test_a_pattern_is_made_of_terms(pattern: str, message: str, *, matches: bool) -> None:
    """As the user guide has them; a term is whole words."""
    assert compiled(pattern)(message) is matches


@pytest.mark.parametrize("pattern", ['{ $.level = "ERROR" }', "[ip, user]"])
def test_patterns_for_json_and_fields_are_not_emulated(here: Place, pattern: str) -> None:
    """The filter is taken; an event that would have to go through it says so."""
    here.subscribe(filterPattern=pattern)
    with pytest.raises(NotImplementedError, match="only terms are emulated"):
        compiled(pattern)
    with pytest.raises(NotImplementedError):
        here.log("x")


def test_an_account_policy_delivers_for_all_groups_but_those_it_leaves_out(here: Place) -> None:
    """Beside a group's own filters; its messages say that they are of the account."""
    here.create("/left/out")
    here.subscribe_all(selectionCriteria='LogGroupName NOT IN ["/left/out"]', Distribution="Random")
    here.subscribe()
    here.log("a")
    here.log("not this", group="/left/out")
    own, account = here.told()
    assert (own["subscriptionFilters"], "policyLevel" in own) == (["f"], False)
    assert account["subscriptionFilters"] == ["all"]
    assert account["policyLevel"] == "ACCOUNT_LEVEL_POLICY"
    assert here.lines() == ["a", "a"]
    assert len(here.told("CONTROL_MESSAGE")) == 2


def test_an_account_policy_leaves_other_classes_alone(here: Place) -> None:
    """Only groups of the class STANDARD have subscriptions."""
    here.subscribe_all()
    here.logs.create_log_group(logGroupName="/cheap", logGroupClass="INFREQUENT_ACCESS")
    here.logs.create_log_stream(logGroupName="/cheap", logStreamName="s")
    here.log("x", group="/cheap")
    assert here.told() == []


def test_an_account_has_one_such_policy(here: Place) -> None:
    """Of that name it can be replaced; whatever it cannot deliver to is refused."""
    here.subscribe_all()
    here.subscribe_all(FilterPattern="ERROR")
    with pytest.raises(here.logs.exceptions.LimitExceededException):
        here.subscribe_all("another")
    for wrong in (
        {"DestinationArn": f"{STREAM}-2"},
        {"RoleArn": f"{ROLE}-2"},
        {"selectionCriteria": 'LogGroupNamePrefix IN ["/a"]'},
    ):
        with pytest.raises(here.logs.exceptions.InvalidParameterException):
            here.subscribe_all(**wrong)
    here.log("fine", "ERROR")
    assert here.lines() == ["ERROR"]


def test_a_destination_that_refuses_costs_the_filter_ten_minutes(here: Place) -> None:
    """What comes meanwhile is lost, also once it would be taken again."""
    here.subscribe()
    iam_backends[ACCOUNT]["aws"].delete_role_policy("ships", "delivery")
    here.log("refused")
    seed_delivery_role("ships", STREAM)
    here.clock.advance(599)
    here.log("still disabled", "too")
    here.clock.advance(1)
    here.log("delivered")
    assert here.lines() == ["delivered"]
    assert [(one.at - START, one.group, one.events) for one in here.delivery.lost] == [
        (timedelta(), "/a", 1),
        (timedelta(seconds=599), "/a", 2),
    ]


def test_a_stream_that_is_gone_loses_what_is_logged(here: Place) -> None:
    """The call that logs succeeds all the same."""
    here.subscribe()
    kinesis_backends[ACCOUNT][REGION].delete_stream(STREAM, None)
    here.log("x")
    [lost] = here.delivery.lost
    assert (lost.filter, "not found" in lost.reason) == ("f", True)


def let_in(here: Place) -> Any:
    """A client of Lambda, with a function that CloudWatch Logs may invoke."""
    seed_functions([FunctionSeed(name="ship")], region=REGION)
    client = here.session.client("lambda")
    asked = {"Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    client.add_permission(FunctionName="ship", StatementId="logs", **asked)
    return client


def test_what_a_function_no_longer_lets_in_is_lost(here: Place) -> None:
    """It is not tried again; the filter stays."""
    client = let_in(here)
    here.subscribe(destinationArn=FUNCTION)
    client.remove_permission(FunctionName="ship", StatementId="logs")
    here.log("a", "b")
    [lost] = here.delivery.lost
    assert (lost.filter, lost.events, "permission" in lost.reason) == ("f", 2, True)
    assert here.asynchronous.due() is None


def test_system_fields_are_told_with_each_event(here: Place) -> None:
    """Only those that the filter asks for."""
    here.subscribe(emitSystemFields=["@aws.account", "@source.log"])
    here.log("a", "b")
    [message] = here.told()
    told = {"@aws.account": ACCOUNT, "@source.log": "/a"}
    assert [one["extractedFields"] for one in message["logEvents"]] == [told, told]


def test_a_function_gets_events_by_itself(here: Place) -> None:
    """Asynchronously, and again after one minute and two more, then no more."""
    let_in(here)
    here.subscribe(destinationArn=FUNCTION)
    invoked: list[tuple[float, str, Mapping[str, Any]]] = []

    def invoke(name: str, event: Mapping[str, Any]) -> None:
        invoked.append(((here.clock.now() - START).total_seconds(), name, event))
        raise InvocationError("boom")

    here.asynchronous.invoke = invoke
    here.log("a")
    while due := here.asynchronous.due():
        here.clock.advance_to(due)
        here.asynchronous.poll()
    assert [(at, name) for at, name, _ in invoked] == [
        (1.0, FUNCTION),
        (61.0, FUNCTION),
        (181.0, FUNCTION),
    ]
    message = json.loads(gzip.decompress(base64.b64decode(invoked[0][2]["awslogs"]["data"])))
    assert [event["message"] for event in message["logEvents"]] == ["a"]


def test_a_firehose_stream_gets_events_too(here: Place) -> None:
    """Into its bucket, by moto's own way."""
    s3, firehose = here.session.client("s3"), here.session.client("firehose")
    place = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket="kept", **place)
    to = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::kept"}
    made = firehose.create_delivery_stream(DeliveryStreamName="d", S3DestinationConfiguration=to)
    here.subscribe(destinationArn=made["DeliveryStreamARN"])
    here.log("a")
    [key] = [one["Key"] for one in s3.list_objects_v2(Bucket="kept")["Contents"]]
    body = s3.get_object(Bucket="kept", Key=key)["Body"].read()
    assert json.loads(gzip.decompress(body))["logEvents"][0]["message"] == "a"
