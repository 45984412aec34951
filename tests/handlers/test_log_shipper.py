"""The log shipper as a function, on a faithful moto and a log service on this machine."""

from __future__ import annotations

import gzip
import io
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import IncompleteReadError
from moto import mock_aws

from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, seed_functions
from steward.account import World
from steward.aws import metric_data
from steward.aws.api import Api, Identity
from steward.aws.architectures import Architectures
from steward.aws.objects import Bucket
from steward.aws.pacing import Pacer
from steward.errors import Denied, Gone, Invalid, Refused, StewardError, TryAgain
from steward.processor import handler
from steward.runtime import Handler
from steward.shipping.preparing import Preparation
from tests.fakes import REGION, Answer, FakeAws, FakeClock
from tests.log_service import LogService, Post, Reply
from tests.shipping import document, packed

HERE = "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{HERE}:function:steward-log-shipper"
SECRET = f"arn:aws:secretsmanager:{REGION}:{HERE}:secret:token-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{HERE}:parameter/token"
BUCKET = "steward-logs"
KEY_ID = "AKIA" + "A" * 16


@pytest.fixture
def service() -> Iterator[LogService]:
    with LogService("ndjson") as running:
        yield running


@dataclass
class Function:
    """The deployed function, with everything around it."""

    shipping: Mapping[str, str]
    clock: FakeClock = field(default_factory=FakeClock)
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session = botocore.session.Session()
        self.out = io.StringIO()
        self.refused: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.session.register("before-call", self._refuse)
        self.restart()
        self.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def restart(self) -> None:
        """Let the next invocation be a cold start."""
        shipping = json.dumps({"bucket": BUCKET, **self.shipping})
        told = {"STEWARD_STACK": "steward", "STEWARD_SHIPPING": shipping, "STEWARD_PACE": "1"}
        world = World(self.clock, session=self.session, out=self.out)
        self.handler: Handler = handler({**told, **self.environment}, world)

    def client(self, name: str) -> Any:
        return boto3.client(name, region_name=REGION)

    def __call__(self, event: Mapping[str, Any], seconds: float = 120.0) -> dict[str, Any]:
        until = self.clock.monotonic() + seconds
        left = lambda: (until - self.clock.monotonic()) * 1000  # noqa: E731
        context = SimpleNamespace(invoked_function_arn=ARN, get_remaining_time_in_millis=left)
        return self.handler(event, context)

    def policy(self, text: str | None = None, **policy: Any) -> None:
        value = json.dumps(policy) if text is None else text
        name = "/steward/policy/log-shipper"
        self.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def lines(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self._told() if line.get("message") == message]

    def metrics(self) -> Counter[str]:
        """What it told of itself, summed, and its metrics' dimensions seen to be none but one."""
        told: Counter[str] = Counter()
        for line in self._told():
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                told.update({one["Name"]: line[one["Name"]] for one in directive["Metrics"]})
        return told

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        names = [one["Key"] for one in found]
        return {name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}

    def parked(self) -> list[dict[str, Any]]:
        bodies = self.objects("parked/").values()
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]

    def _told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def _refuse(self, model: Any, **_: Any) -> Any:
        self.asked[model.name] += 1
        if model.name not in self.refused:
            return None
        error = {"Code": "AccessDenied", "Message": "no"}
        return SimpleNamespace(status_code=403), {"Error": error}


@pytest.fixture
def aws() -> Iterator[None]:
    with faithful(), mock_aws():
        yield


@pytest.fixture
def archive(aws: None) -> Function:
    return Function({"format": "s3_raw"})


@pytest.fixture
def function(aws: None, service: LogService) -> Function:
    return Function({"format": "ndjson", "url": service.url})


def of_stream(*data: bytes, first: int = 1) -> dict[str, Any]:
    """What the event source mapping invokes with."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "k",
                    "sequenceNumber": str(number),
                    "data": b64encode(one).decode(),
                    "approximateArrivalTimestamp": 1795168740.5,  # a minute before the clock
                },
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000003:{number}",
                "eventSourceARN": f"arn:aws:kinesis:{REGION}:{HERE}:stream/steward-logs",
            }
            for number, one in enumerate(data, first)
        ]
    }


def logs(*messages: str, group: str = "/app", at: int = 1795168739000) -> bytes:
    """A record with these messages."""
    told = document([f"{number:056}" for number in range(len(messages))], group, owner=HERE)
    for event, message in zip(told["logEvents"], messages, strict=True):
        event |= {"message": message, "timestamp": at}
    return gzip.compress(json.dumps(told).encode(), mtime=0)


def messages(service: LogService) -> list[str]:
    bodies = [post.body for post in service.posts]
    return [json.loads(line)["message"] for body in bodies for line in body.splitlines()]


DONE: dict[str, Any] = {"batchItemFailures": []}


def again(position: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(position)}]}


def test_the_archive_has_what_cloudwatch_logs_sent(archive: Function) -> None:
    """One object of an invocation, byte for byte, and nothing redacted."""
    one, two = logs(f"key {KEY_ID}"), logs("two")
    assert archive(of_stream(one, two)) == DONE
    assert archive.objects() == {
        "raw/steward-logs/shardId-000000000003/2026/11/20/1-2.gz": one + two
    }
    told = archive.metrics()
    assert (told["Records"], told["Events"], told["LagSeconds"]) == (2, 2, 59.5)


def test_an_archive_that_may_not_be_written_comes_again(archive: Function) -> None:
    """All of it; the log says why."""
    archive.refused = {"PutObject"}
    assert archive(of_stream(logs("one"))) == again(1)
    [line] = archive.lines("records come again")
    assert (line["records"], "AccessDenied" in line["cause"]) == (1, True)
    assert archive.metrics()["ComeAgain"] == 1


def test_log_events_arrive_without_what_is_secret(function: Function, service: LogService) -> None:
    """Under their ids, with where they come from; counted."""
    assert function(of_stream(logs("hello", f"key {KEY_ID}"))) == DONE
    assert messages(service) == ["hello", "key [REDACTED:aws-access-key]"]
    line = json.loads(service.posts[0].body.splitlines()[0])
    assert (line["log_group"], line["region"], line["account"]) == ("/app", REGION, HERE)
    told = function.metrics()
    assert (told["Events"], told["Requests"], told["Redactions"]) == (2, 1, 1)
    assert (told["ComeAgain"], told["Parked"]) == (0, 0)


@pytest.mark.parametrize(
    "group", ["/aws/lambda/steward-log-retention", "/our/own/group"], ids=["the stack", "its own"]
)
def test_our_own_logs_are_not_shipped(aws: None, service: LogService, group: str) -> None:
    """Or each shipment would make the next one."""
    own = {"AWS_LAMBDA_LOG_GROUP_NAME": "/our/own/group"}
    function = Function({"format": "ndjson", "url": service.url}, environment=own)
    assert function(of_stream(logs("a", "b", group=group), logs("c"))) == DONE
    assert messages(service) == ["c"]
    assert function.metrics()["Skipped.own"] == 2


def test_of_the_stacks_own_groups_the_template_says_which(aws: None, service: LogService) -> None:
    """A function of somebody else may be called like one of ours."""
    own = {"STEWARD_OWN_GROUPS": '["/aws/lambda/steward-log-retention"]'}
    function = Function({"format": "ndjson", "url": service.url}, environment=own)
    theirs = logs("theirs", group="/aws/lambda/steward-finance")
    ours = logs("ours", group="/aws/lambda/steward-log-retention")
    assert function(of_stream(theirs, ours)) == DONE
    assert messages(service) == ["theirs"]


def test_our_own_logs_alone_are_not_even_counted(function: Function) -> None:
    """What it would tell of them is a line of its own log, and so on."""
    assert function(of_stream(logs("a", group="/aws/lambda/steward-log-retention"))) == DONE
    assert function.out.getvalue() == ""


def test_a_record_that_comes_again_is_not_sent_again(
    function: Function, service: LogService
) -> None:
    """By the same container."""
    event = of_stream(logs("one"))
    assert [function(event), function(event)] == [DONE, DONE]
    assert (messages(service), function.metrics()["Duplicates"]) == (["one"], 1)


def test_what_is_refused_is_parked_and_told(function: Function, service: LogService) -> None:
    """Nothing comes again for it; neither log nor metric has a word of the event."""
    service.fault = lambda post: Reply(400) if b"poison" in post.body else None
    assert function(of_stream(logs("good", "poison"), b"hello")) == DONE
    kinds = sorted((line["kind"], line["reason"]) for line in function.parked())
    assert kinds == [("event", "HTTP 400"), ("record", "not gzip")]
    [line] = function.lines("set aside")
    assert (line["level"], line["lines"], line["objects"]) == ("ERROR", 2, [*function.objects()])
    told = function.metrics()
    assert (told["Parked"], told["PoisonRecords"], told["RejectedEvents"]) == (2, 1, 1)
    assert "poison" not in function.out.getvalue()


def test_a_bug_costs_one_record(
    function: Function, service: LogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is parked as it came, with an alarm's metric, and the others are shipped."""
    preparing = Preparation.__call__

    def buggy(self: Preparation, events: Any) -> Any:
        return 1 / 0 if events.messages == ["odd"] else preparing(self, events)

    monkeypatch.setattr(Preparation, "__call__", buggy)
    assert function(of_stream(logs("odd"), logs("one"))) == DONE
    assert (messages(service), function.metrics()["InternalErrors"]) == (["one"], 1)
    [parked] = function.parked()
    assert b64decode(parked["data"]) == logs("odd")
    [line] = function.lines("internal error")
    assert (line["kind"], line["resource"]) == ("AWS::Kinesis::Stream/Record", "1")


def test_a_destination_that_is_down_has_its_records_come_again(
    function: Function, service: LogService
) -> None:
    """From the first one on; then they are shipped, and nothing is parked."""
    service.fault = lambda post: Reply(503)
    event = of_stream(logs("one"), logs("two"))
    assert function(event) == again(1)
    [line] = function.lines("records come again")
    assert (line["records"], line["cause"]) == (2, "HTTP 503")
    service.fault = lambda post: None
    assert (function(event), function.parked()) == (DONE, [])
    assert sorted(messages(service)[-2:]) == ["one", "two"]


def test_what_a_destination_says_stands_in_no_line_of_ours(
    function: Function, service: LogService
) -> None:
    """It may be our token, or somebody's log event; the status is told."""
    service.fault = lambda post: Reply(401, b'{"message": "unknown token s3cr3t"}')
    assert function(of_stream(logs("one"))) == again(1)
    [line] = function.lines("records come again")
    assert line["cause"] == "HTTP 401"
    assert "s3cr3t" not in function.out.getvalue()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('{"redact": ["all"]}', 'redact[0]: is "all"', id="a value"),
        pytest.param('{"colour": 1}', "has no field colour", id="a field"),
        pytest.param("{", "is not JSON", id="no JSON"),
        pytest.param('{"attributes": {"id": "x"}}', "'id' is told anyway", id="of the format"),
    ],
)
def test_a_wrong_policy_ships_nothing_until_it_is_mended(
    function: Function, service: LogService, text: str, told: str
) -> None:
    """Everything comes again, which is told by a metric and a sentence."""
    function.policy(text)
    event = of_stream(logs("one"), logs("two"))
    assert function(event) == again(1)
    [line] = function.lines("records come again")
    assert (line["records"], told in line["cause"]) == (2, True)
    assert (function.metrics()["BadPolicies"], service.posts) == (1, [])
    function.policy()
    assert function(event) == DONE
    assert messages(service) == ["one", "two"]


def test_a_policy_that_turns_wrong_stops_the_shipping_within_a_minute(
    function: Function, service: LogService
) -> None:
    """And it goes on as soon as it is mended."""
    function(of_stream(logs("one")))
    function.policy("{")
    assert function(of_stream(logs("two"), first=2)) == DONE
    function.clock.advance(61)
    assert function(of_stream(logs("three"), first=3)) == again(3)
    function.policy()
    assert function(of_stream(logs("three"), first=3)) == DONE
    assert messages(service) == ["one", "two", "three"]


def test_another_policy_is_taken_up_within_a_minute(
    function: Function, service: LogService
) -> None:
    """What was shipped before is remembered all the same."""
    event = of_stream(logs("one"))
    function(event)
    function.policy(attributes={"team": "a"})
    function.clock.advance(61)
    function(event)
    function(of_stream(logs("two"), first=2))
    lines = [json.loads(line) for post in service.posts for line in post.body.splitlines()]
    assert [(line["message"], line.get("team")) for line in lines] == [("one", None), ("two", "a")]


def test_the_same_policy_leaves_everything_as_it_is(aws: None, service: LogService) -> None:
    """The secret that is known and the connections that are open, above all."""
    function = Function({"format": "ndjson", "url": service.url, "secret": PARAMETER})
    keeper(function, "ssm")[1]("token")
    for number in range(3):
        assert function(of_stream(logs("one"), first=number)) == DONE
        function.clock.advance(61)
    assert (function.asked["GetParameters"], function.asked["GetParameter"]) == (3, 1)


def test_parameters_that_cannot_be_read_are_no_policy(
    function: Function, service: LogService
) -> None:
    """It would ship what the policy wants to be redacted: everything comes again."""
    function.refused = {"GetParameters"}
    assert function(of_stream(logs("one"))) == again(1)
    assert (function.metrics()["BrokenBatches"], service.posts) == (1, [])


@pytest.mark.parametrize(
    "shipping",
    [{"format": "ndjson"}, {"format": "carrier-pigeon", "url": "http://x"}, {"port": "1"}],
    ids=["no URL", "no format", "no setting"],
)
def test_settings_that_do_not_fit_ship_nothing(aws: None, shipping: Mapping[str, str]) -> None:
    """They are the template's, and told in the same way."""
    function = Function(shipping)
    assert function(of_stream(logs("one"))) == again(1)
    assert function.metrics()["BadPolicies"] == 1


def test_a_subscription_to_the_function_itself_is_served(
    function: Function, service: LogService
) -> None:
    """Of what cannot be shipped CloudWatch Logs is told by an error, so that it tries again."""
    event = {"awslogs": {"data": b64encode(logs("one")).decode()}}
    assert function(event) == DONE
    assert messages(service) == ["one"]
    service.fault = lambda post: Reply(503)
    with pytest.raises(TryAgain, match="not shipped: HTTP 503"):
        function(event)
    assert "LagSeconds" not in function.metrics()


TO_TRANSFORM = {"deliveryStreamArn": "arn", "records": [{"recordId": "1", "data": "eA=="}]}
"""What Firehose asks of a function."""


@pytest.mark.parametrize(
    "event", [{}, {"Records": [{"body": "x"}]}, {"awslogs": []}, TO_TRANSFORM], ids=str
)
def test_what_is_no_event_of_ours_is_an_error(function: Function, event: Any) -> None:
    """MET-3: it was sent by mistake, and nobody knows where from; nothing is shipped or counted."""
    with pytest.raises(Invalid, match="neither of a stream nor of a subscription"):
        function(event)


def keeper(function: Function, kind: str) -> tuple[str, Any]:
    """A secret's ARN, and what sets its text."""
    if kind == "ssm":
        ssm = function.client("ssm")
        told = {"Name": "token", "Type": "SecureString", "Overwrite": True}
        return PARAMETER, lambda text: ssm.put_parameter(**told, Value=text)
    secrets = function.client("secretsmanager")
    arn = secrets.create_secret(Name="token", SecretString="x")["ARN"]
    return arn, lambda text: secrets.put_secret_value(SecretId=arn, SecretString=text)


def of(*tokens: str) -> Any:
    """The service lets only these in."""

    def fault(post: Post) -> Reply | None:
        return None if post.headers.get("Authorization") in tokens else Reply(401)

    return fault


@pytest.mark.parametrize("kind", ["secretsmanager", "ssm"])
def test_a_secret_that_is_rotated_is_read_anew(aws: None, service: LogService, kind: str) -> None:
    """At the service's first 401, in the same invocation, and once."""
    function = Function({"format": "ndjson", "url": service.url})
    arn, write = keeper(function, kind)
    function.shipping = {**function.shipping, "secret": arn}
    function.restart()
    write("first")
    service.fault = of("Bearer first")
    assert function(of_stream(logs("one"))) == DONE
    write("second")
    service.fault = of("Bearer second")
    assert function(of_stream(logs("two"), first=2)) == DONE
    assert (sorted(service.arrived.values()), function.metrics()["Retries"]) == ([2], 1)
    service.fault = of("Bearer third")
    assert function(of_stream(logs("three"), first=3)) == again(3)
    assert not any(word in function.out.getvalue() for word in ("first", "second"))


@pytest.mark.parametrize(
    ("secret", "header", "value"),
    [
        ('{"headers": {"X-Key": "k"}}', "X-Key", "k"),
        ('{"username": "u", "password": "p"}', "Authorization", "Basic dTpw"),
        ("token", "Authorization", "Bearer token"),
    ],
    ids=["headers", "basic", "token"],
)
def test_a_secret_says_which_headers(
    aws: None, service: LogService, secret: str, header: str, value: str
) -> None:
    """As an object of headers, a user and password, or the format's own token."""
    function = Function({"format": "ndjson", "url": service.url, "secret": PARAMETER})
    keeper(function, "ssm")[1](secret)
    function(of_stream(logs("one")))
    assert service.posts[0].headers[header] == value


def test_a_secret_that_cannot_be_read_ships_nothing(aws: None, service: LogService) -> None:
    """The destination is not asked without it."""
    function = Function({"format": "ndjson", "url": service.url, "secret": SECRET})
    assert function(of_stream(logs("one"))) == again(1)
    [line] = function.lines("records come again")
    assert ("credentials: GetSecretValue" in line["cause"], service.posts) == (True, [])


def test_requests_are_signed_where_the_destination_is_awss(aws: None, service: LogService) -> None:
    """With the function's own credentials, for the service and Region."""
    function = Function({"format": "ndjson", "url": service.url, "signing": "es"})
    assert function(of_stream(logs("one"))) == DONE
    headers = service.posts[0].headers
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    assert f"/{REGION}/es/aws4_request" in headers["Authorization"]
    assert "X-Amz-Content-SHA256" in headers


def published(function: Function, namespace: str) -> dict[str, float]:
    """The sums of the metrics of a namespace."""
    cloudwatch = function.client("cloudwatch")
    now = function.clock.now()
    told = {}
    for metric in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]:
        points = cloudwatch.get_metric_statistics(
            **metric,
            StartTime=now.replace(hour=0),
            EndTime=now.replace(hour=23),
            Period=86400,
            Statistics=["Sum"],
        )["Datapoints"]
        told[metric["MetricName"]] = sum(point["Sum"] for point in points)
    return told


@pytest.mark.parametrize("shipping", ["s3_raw", "ndjson"])
def test_metric_lines_become_metrics(aws: None, service: LogService, shipping: str) -> None:
    """Whatever the destination; those of a record that comes again wait for it."""
    function = Function({"format": shipping, "url": service.url})
    lines = [f"MONITORING|{value}|Count|orders|shop" for value in (2, 3)]
    function.refused = {"PutObject"}
    service.fault = lambda post: Reply(503)
    assert function(of_stream(logs(*lines))) == again(1)
    assert published(function, "shop") == {}
    function.refused = set()
    service.fault = lambda post: None
    assert function(of_stream(logs(*lines))) == DONE
    assert published(function, "shop") == {"orders": 5.0}
    assert function.metrics()["Points"] == 2


def test_no_metric_is_told_before_it_is_redacted(function: Function, service: LogService) -> None:
    """Neither its name nor its dimensions."""
    assert function(of_stream(logs(f"MONITORING|2|Count|orders|shop|key={KEY_ID}"))) == DONE
    found = function.client("cloudwatch").list_metrics(Namespace="shop")["Metrics"]
    values = [one["Value"] for metric in found for one in metric["Dimensions"]]
    assert "[REDACTED:aws-access-key]" in values
    assert not [value for value in values if KEY_ID in value]


def test_metrics_that_are_refused_are_parked_and_redriven(
    function: Function, service: LogService
) -> None:
    """With the reason, as PutMetricData takes them; the log events are not sent again."""
    function.refused = {"PutMetricData"}
    assert function(of_stream(logs("MONITORING|2|Count|orders|shop"))) == DONE
    [line] = function.parked()
    assert (line["kind"], "AccessDenied" in line["reason"]) == ("metrics", True)
    function.refused = set()
    done = function({"redrive": {"prefix": "parked/"}})
    assert (done["shipped"], done["cursor"], done["error"]) == (1, "", "")
    assert published(function, "shop") == {"orders": 2.0}
    assert (function.objects(), len(service.posts)) == ({}, 1)


def test_costs_of_functions_go_by_their_architecture(function: Function) -> None:
    """Which their reports do not tell."""
    seed_functions([FunctionSeed(name="orders")], region=REGION)
    function.policy(metrics={"reports": ["EstimatedCost"]})
    report = (
        "REPORT RequestId: 00000000-0000-0000-0000-000000000001\tDuration: 1000.00 ms\t"
        "Billed Duration: 1000 ms\tMemory Size: 1024 MB\tMax Memory Used: 60 MB\t"
    )
    told = document(
        ["1"], "/aws/lambda/orders", owner=HERE, logStream="2026/11/20/[$LATEST]" + "a" * 32
    )
    told["logEvents"][0] |= {"message": report, "timestamp": 1795168739000}
    assert function(of_stream(packed(told))) == DONE
    [cost] = published(function, "Steward/Lambda").values()
    assert cost == pytest.approx(0.0000166667 + 0.0000002, rel=1e-3)


def test_parked_records_are_redriven_though_they_are_remembered(
    function: Function, service: LogService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container that set them aside ships them, once the bug is gone."""
    with monkeypatch.context() as broken:
        broken.setattr(Preparation, "__call__", lambda self, events: 1 / 0)
        function(of_stream(logs("one")))
    plan = function({"redrive": {"prefix": "parked/", "plan": True}})
    [holds] = plan["planned"].values()
    assert (holds["records"], messages(service)) == (1, [])
    done = function({"redrive": {"prefix": "parked/"}})
    assert (done["shipped"], messages(service), function.objects()) == (1, ["one"], {})
    [_, line] = function.lines("redriven")
    assert (line["level"], line["looked"], line["shipped"], line["plan"]) == ("INFO", 1, 1, False)


def test_parked_records_are_redriven_into_an_archive(archive: Function) -> None:
    """Under the name that they would have had."""
    body = {
        "kind": "record",
        "reason": "a bug",
        "position": "7",
        "shard": "shardId-000000000003",
        "stream": "steward-logs",
        "arrived": 1795168740500,
        "data": b64encode(logs("one")).decode(),
    }
    told = gzip.compress(json.dumps(body).encode())
    archive.client("s3").put_object(Bucket=BUCKET, Key="parked/x", Body=told)
    assert archive({"redrive": {"prefix": "parked/"}})["shipped"] == 1
    name = "raw/steward-logs/shardId-000000000003/2026/11/20/7-7.gz"
    assert archive.objects() == {name: logs("one")}


def test_a_bug_in_redriving_costs_one_object(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays, and is told with a metric."""
    function.client("s3").put_object(Bucket=BUCKET, Key="parked/x", Body=b"x")
    monkeypatch.setattr("steward.shipping.redriving.portions", lambda *_: 1 / 0)
    done = function({"redrive": {"prefix": "parked/"}})
    assert done["left"] == {"parked/x": "internal error: ZeroDivisionError: division by zero"}
    [line] = function.lines("internal error")
    assert (line["kind"], function.metrics()["InternalErrors"]) == ("AWS::S3::Object", 1)


@pytest.mark.parametrize(
    "asked", [None, {"prefix": "raw/"}, {"prefix": "parked/", "to": "x"}], ids=str
)
def test_a_redrive_of_something_else_is_refused(function: Function, asked: Any) -> None:
    """By a sentence that says what is allowed."""
    with pytest.raises(Invalid, match="redrive"):
        function({"redrive": asked})


def test_a_redrive_has_its_own_time(function: Function, service: LogService) -> None:
    """Whoever asks does not wait for as long as the function may run."""
    service.fault = lambda post: Reply(503)
    line = {
        "kind": "event",
        "reason": "400",
        "format": "ndjson",
        "item": {"id": "a", "message": ""},
    }
    told = gzip.compress(json.dumps(line).encode())
    function.client("s3").put_object(Bucket=BUCKET, Key="parked/x", Body=told)
    for asked, longest in (({}, 20), ({"seconds": 60}, 60), ({"seconds": 999}, 105)):
        begun = function.clock.monotonic()
        done = function({"redrive": {"prefix": "parked/", **asked}})
        took = function.clock.monotonic() - begun
        assert (done["error"], took <= longest) == ("HTTP 503", True)


def test_the_function_may_be_built_from_its_environment_alone(
    aws: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Lambda does; time is the system's, and it logs to standard output."""
    function = Function({"format": "s3_raw"})
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    environment = {
        "STEWARD_STACK": "steward",
        "STEWARD_SHIPPING": json.dumps({"format": "s3_raw", "bucket": BUCKET}),
    }
    context = SimpleNamespace(
        invoked_function_arn=ARN, get_remaining_time_in_millis=lambda: 120_000
    )
    assert handler(environment)(of_stream(logs("one")), context) == DONE
    assert len(function.objects()) == 1
    assert json.loads(capsys.readouterr().out)["Records"] == 1


@pytest.fixture
def bucket(aws: None) -> Bucket:
    clock = FakeClock()
    api = Api(
        clock=clock, pacer=Pacer(clock, None), region=REGION, identity=Identity(HERE, REGION, "aws")
    )
    api.ask(
        "s3",
        "CreateBucket",
        Bucket=BUCKET,
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    return Bucket(api, BUCKET)


def test_objects_are_written_read_and_deleted(bucket: Bucket) -> None:
    """Deleting what is gone is no error."""
    bucket.put("a", b"body")
    assert bucket.get("a", 4) == b"body"
    bucket.delete("a")
    bucket.delete("a")
    assert list(bucket.keys("")) == []


def test_keys_come_in_order_whatever_their_number(bucket: Bucket) -> None:
    """A page of S3's has a thousand; a cursor is left out itself."""
    names = [f"parked/{number:04}" for number in range(1003)]
    for name in [*names, "raw/x"]:
        bucket.put(name, b"")
    assert list(bucket.keys("parked/")) == names
    assert list(bucket.keys("parked/", names[1000])) == names[1001:]
    assert list(bucket.keys("parked/", names[-1])) == []


@pytest.mark.parametrize(
    ("key", "most", "error"),
    [("gone", 9, Gone), ("a", 3, Refused)],
    ids=["gone", "too large"],
)
def test_an_object_that_cannot_be_read_says_so(
    bucket: Bucket, key: str, most: int, error: type[StewardError]
) -> None:
    """Gone is an error of its own."""
    bucket.put("a", b"body")
    with pytest.raises(error):
        bucket.get(key, most)


def test_a_bucket_that_is_gone_is_no_object_that_is(bucket: Bucket) -> None:
    """Or a redrive would take all its objects for shipped."""
    aws = FakeAws({("s3", "GetObject"): Denied("GetObject: AccessDenied", code="AccessDenied")})
    with pytest.raises(Denied):
        Bucket(aws, BUCKET).get("a", 9)


def test_an_answer_that_breaks_off_is_tried_again_later() -> None:
    """S3's body comes after its headers were fine."""

    def broken() -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=4)

    answer = {"ContentLength": 4, "Body": SimpleNamespace(read=broken)}
    with pytest.raises(TryAgain, match="GetObject: 1 read, but total bytes expected is 4"):
        Bucket(FakeAws({("s3", "GetObject"): answer}), BUCKET).get("a", 9)


def test_metric_data_that_is_refused_is_given_back() -> None:
    """With the error's kind and words; the others are sent."""
    calls: Sequence[Mapping[str, Any]] = [{"Namespace": "a"}, {"Namespace": "b"}]
    answers: list[Answer] = [Denied("PutMetricData: no"), {}]
    aws = FakeAws({("cloudwatch", "PutMetricData"): answers})
    assert metric_data.publish(aws, calls) == [(calls[0], "Denied: PutMetricData: no")]
    assert aws.asked("cloudwatch", "PutMetricData") == calls


def page(*functions: tuple[str, str], more: str = "") -> dict[str, Any]:
    """An answer of ListFunctions; without an architecture as Lambda tells old ones."""
    told = [
        {"FunctionName": name, **({"Architectures": [kind]} if kind else {})}
        for name, kind in functions
    ]
    return {"Functions": told, **({"NextMarker": more} if more else {})}


def test_architectures_are_read_once_an_hour() -> None:
    """All of them, whichever is asked for."""
    clock = FakeClock()
    first = [page(("a", "arm64"), more="2"), page(("b", ""))]
    aws = FakeAws({("lambda", "ListFunctions"): [*first, page(("a", "x86_64"))]})
    tell = Architectures(aws, clock)
    assert (tell("a"), tell("b"), len(aws.requests)) == ("arm64", "x86_64", 2)
    clock.advance(3599)
    assert (tell("a"), len(aws.requests)) == ("arm64", 2)
    clock.advance(2)
    assert (tell("a"), len(aws.requests)) == ("x86_64", 3)


def test_a_function_that_is_new_is_looked_for_every_five_minutes() -> None:
    """Of others than ours, the list never has it."""
    clock = FakeClock()
    aws = FakeAws({("lambda", "ListFunctions"): [page(), page(), page(("a", "arm64"))]})
    tell = Architectures(aws, clock)
    assert (tell("a"), tell("a"), len(aws.requests)) == (None, None, 1)
    clock.advance(301)
    assert (tell("a"), len(aws.requests)) == (None, 2)
    clock.advance(301)
    assert tell("a") == "arm64"


def test_a_list_that_cannot_be_read_leaves_what_is_known() -> None:
    """With what its first pages told; a cost is then not told rather than guessed."""
    clock = FakeClock()
    broken: list[Answer] = [page(("b", "arm64"), more="2"), Denied("ListFunctions: no")]
    aws = FakeAws({("lambda", "ListFunctions"): [page(("a", "x86_64")), *broken]})
    tell = Architectures(aws, clock)
    assert tell("a") == "x86_64"
    clock.advance(3601)
    assert (tell("a"), tell("b"), tell("c")) == ("x86_64", "arm64", None)
    assert len(aws.requests) == 3
