"""A stack's log pipeline at work in the embedded account, from a log line to its function."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.account import EmbeddedAccount
from embedded.course import UnsettledError
from embedded.hosting import FunctionError
from embedded.stream_poller import CannotReadError
from tests.emulation.piping import READS, small, write_code

START = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
OWN = "/aws/lambda/small-reader"

Wanted = Callable[[Mapping[str, Any], Mapping[str, str], Any], Any]


class Place:
    """An account with the small stack, and what its function is to do."""

    def __init__(self, account: EmbeddedAccount) -> None:
        self.account = account
        self.logs = account.client("logs")

    def does(self, *wanted: Wanted) -> None:
        """Let the function do something; nothing: it answers null."""
        self.account.host.restart()
        sys.modules["functions.reader.handler"].WANTED[:] = wanted

    def subscribe(self, group: str) -> None:
        self.logs.put_subscription_filter(
            logGroupName=group,
            filterName="f",
            filterPattern="",
            destinationArn=self.account.streams["small-logs"].arn,
            roleArn=next(
                one.arn for one in self.account.deployment.resources.values() if one.id == "Deliver"
            ),
        )

    def create(self, group: str) -> None:
        self.logs.create_log_group(logGroupName=group)
        self.logs.create_log_stream(logGroupName=group, logStreamName="s")

    def log(self, message: str, group: str = "/a") -> None:
        now = int(self.account.clock.now().timestamp() * 1000)
        events = [{"timestamp": now, "message": message}]
        self.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def shipped(self) -> list[str]:
        """The lines that the function got, control messages left out."""
        return [
            event["message"]
            for invoked in self.account.host.invocations
            for record in invoked.event["Records"]
            for event in _message(record)["logEvents"]
            if _message(record)["messageType"] == "DATA_MESSAGE"
        ]

    def own(self) -> list[str]:
        """What is in the function's own log group."""
        found = self.logs.filter_log_events(logGroupName=OWN)["events"]
        return [event["message"] for event in found]


def _message(record: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(record["kinesis"]["data"])))
    return told


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = tmp_path / "reader"
    made.mkdir()
    write_code(made)
    yield made
    sys.modules.pop("functions.reader.handler", None)


@contextmanager
def opened(folder: Path, **more: Any) -> Iterator[Place]:
    template = small(folder, **more)
    with EmbeddedAccount(stack="small", start=START, template=template) as account:
        place = Place(account)
        place.create("/a")
        account.settle()
        yield place


@pytest.fixture
def here(folder: Path) -> Iterator[Place]:
    with opened(folder, MaximumBatchingWindowInSeconds=5, MaximumRetryAttempts=0) as place:
        place.subscribe("/a")
        place.account.settle()
        place.account.host.invocations.clear()
        yield place


def test_a_line_reaches_the_function(here: Place) -> None:
    """A second to read it and five to wait for more; then nothing is left to do."""
    here.log("one")
    here.account.advance(seconds=5)
    assert here.shipped() == []
    here.account.advance(seconds=1)
    assert here.shipped() == ["one"]
    before = here.account.clock.now()
    here.account.settle()
    assert here.account.clock.now() == before


def test_the_stream_is_as_the_template_says(here: Place) -> None:
    """Mode, retention, key and tags."""
    kinesis = here.account.client("kinesis")
    told = kinesis.describe_stream_summary(StreamName="small-logs")["StreamDescriptionSummary"]
    assert told["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert (told["RetentionPeriodHours"], told["OpenShardCount"]) == (48, 4)
    assert (told["EncryptionType"], told["KeyId"]) == ("KMS", "alias/aws/kinesis")
    tags = kinesis.list_tags_for_stream(StreamName="small-logs")["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_people_read_the_stream_too(here: Place) -> None:
    """Records are stamped by the account's time, and gone after 48 hours."""
    kinesis = here.account.client("kinesis")
    here.log("one")
    [shard] = {
        one.shard
        for one in here.account.streams.records("small-logs")
        if b"DATA" in gzip.decompress(one.data)
    }

    def read() -> list[datetime]:
        asked = {"StreamName": "small-logs", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**asked)["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
        return [one["ApproximateArrivalTimestamp"] for one in records]

    assert here.account.clock.now() in read()
    here.account.advance(hours=48)
    assert read() == []


def test_metrics_bear_the_accounts_time(here: Place) -> None:
    """Those that come without any, such as Kinesis's own of what a stream took."""
    here.log("one")
    now, day = here.account.clock.now(), timedelta(days=1)
    dimensions = [{"Name": "StreamName", "Value": "small-logs"}]
    metric = {"Namespace": "AWS/Kinesis", "MetricName": "IncomingRecords", "Dimensions": dimensions}
    asked = {**metric, "Period": 86_400, "Statistics": ["Sum"]}
    told = here.account.client("cloudwatch").get_metric_statistics(
        **asked, StartTime=now - day, EndTime=now + day
    )
    assert [one["Sum"] for one in told["Datapoints"]] == [2]  # the test message is one


def test_a_function_that_does_not_start_has_logged_why(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error, and a report that names it."""

    def broken(*_: Any) -> Any:
        raise ImportError("no such module")

    here.does()
    monkeypatch.setattr("embedded.hosting.handler_in", broken)
    with pytest.raises(FunctionError):
        here.account.invoke("reader", {"Records": []})
    *_, line, report = here.own()
    assert "no such module" in json.loads(line)["message"]
    assert json.loads(report)["record"]["errorType"] == "ImportError"


def test_what_a_function_prints_is_in_its_log_group(here: Place) -> None:
    """With what Lambda itself says; the name of the log stream is the instance's."""
    here.log("one")
    here.account.settle()
    own = [json.loads(line) for line in here.own()][-3:]
    assert [one.get("type") or one["message"] for one in own] == [
        "platform.start",
        "got",
        "platform.report",
    ]
    assert own[2]["record"]["status"] == "success"
    assert own[2]["record"]["metrics"]["memorySizeMB"] == 512
    assert own[0]["record"]["requestId"] == own[2]["record"]["requestId"]
    [stream] = here.logs.describe_log_streams(logGroupName=OWN)["logStreams"]
    assert re.fullmatch(r"2027/03/01/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])


def test_lambda_itself_may_be_told_to_be_quiet(folder: Path) -> None:
    """SystemLogLevel WARN: what a function prints, and the report of an invocation that failed."""
    quiet = {"LogFormat": "JSON", "LogGroup": {"Ref": "Logs"}, "SystemLogLevel": "WARN"}
    with opened(folder, logging=quiet, MaximumRetryAttempts=0) as here:
        here.subscribe("/a")
        here.account.settle()
        before = len(here.own())
        here.log("one")
        here.account.settle()
        [line] = here.own()[before:]
        assert json.loads(line)["message"] == "got"

        def broken(*_: Any) -> None:
            raise ValueError("broken")

        here.does(broken)
        here.log("two")
        here.account.settle()
        *_, report = here.own()
        assert json.loads(report)["record"]["status"] == "error"
        assert not any("platform.start" in told for told in here.own())


def test_what_is_logged_makes_no_event(here: Place) -> None:
    """Putting log events, records and objects are data events, which no rule gets."""
    here.account.journal.events.clear()
    here.log("one")
    here.account.settle()
    assert here.shipped() == ["one"]
    assert here.account.journal.events == []


def test_after_one_line_nothing_more_happens(here: Place) -> None:
    """The function's own lines go nowhere, as its group is not subscribed."""
    here.log("one")
    here.account.settle()
    assert len(here.account.host.invocations) == 1


def test_a_loop_shows(here: Place) -> None:
    """A function whose own group is subscribed ships its own lines for ever."""
    here.subscribe(OWN)
    with pytest.raises(UnsettledError):
        here.account.settle(timedelta(minutes=2))
    assert 15 <= len(here.account.host.invocations) <= 25


def test_an_outage_shows_and_what_it_cost_lies_in_the_bucket(folder: Path) -> None:
    """The iterator's age rings; what is too old is given up; afterwards all is well."""
    settings = {"MaximumRecordAgeInSeconds": 3600, "FunctionResponseTypes": _PARTLY}
    with opened(folder, **settings) as here:
        here.subscribe("/a")
        here.account.settle()
        here.does(lambda event, *_: _failed(event))
        here.log("one")
        here.account.advance(minutes=20)
        behind = here.account.alarms()
        here.account.advance(minutes=41)
        given_up = here.account.alarms()
        here.does()
        here.log("two")
        here.account.advance(minutes=6)
        assert behind == {"behind", "read-late"}
        assert given_up == {"behind", "read-late", "given-up"}
        assert here.shipped()[-1] == "two"
        s3 = here.account.client("s3")
        [key] = [one["Key"] for one in s3.list_objects_v2(Bucket="kept")["Contents"]]
        record = json.load(s3.get_object(Bucket="kept", Key=key)["Body"])
        [lost] = json.loads(record["payload"])["Records"]
        [mapping] = here.account.consumers
        assert _message(lost)["logEvents"][0]["message"] == "one"
        assert key.startswith(f"aws/lambda/{mapping.source.id}/shardId-")
        here.account.advance(minutes=5)
        assert here.account.alarms() == set()


_PARTLY = ["ReportBatchItemFailures"]


def _failed(event: Mapping[str, Any]) -> Mapping[str, Any]:
    number = event["Records"][0]["kinesis"]["sequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": number}]}


def test_a_delivery_that_fails_rings(here: Place) -> None:
    """And what the stream takes is measured, in records and bytes."""
    here.account.advance(minutes=6)
    assert here.account.alarms() == set()
    for number in range(3):
        here.log(f"{number}" * 10_000)
    assert here.account.alarms() == {"records"}
    here.account.client("kinesis").delete_stream(StreamName="small-logs")
    here.log("lost")
    assert [one.events for one in here.account.delivery.lost] == [1]


@pytest.mark.parametrize("action", READS)
def test_a_function_that_may_not_read_its_stream_cannot_be_deployed(
    folder: Path, action: str
) -> None:
    """CloudFormation fails as Lambda does not take the mapping."""
    reads = [one for one in READS if one != action]
    with pytest.raises(CannotReadError, match=action), opened(folder, reads=reads):
        pass


def test_a_function_may_do_with_objects_what_its_role_grants(here: Place) -> None:
    """Put and list, but neither read, look at nor delete; the refusals are those of S3."""
    told: dict[str, Any] = {}

    def tries(_: Any, environment: Mapping[str, str], world: Any) -> None:
        s3 = world.session.create_client(
            "s3", region_name="eu-west-1", endpoint_url=world.endpoint_url
        )
        at = {"Bucket": environment["BUCKET"], "Key": "raw/a b.gz"}
        s3.put_object(**at, Body=b"\x1f\x8b")
        told["list"] = s3.list_objects_v2(Bucket=at["Bucket"])["KeyCount"]
        for name in ("get_object", "head_object", "delete_object"):
            with pytest.raises(ClientError) as error:
                getattr(s3, name)(**at)
            told[name] = error.value.response["Error"]["Code"]

    here.does(tries)
    here.log("x")
    here.account.settle()
    assert [one.error for one in here.account.host.invocations] == [""]
    assert told == {
        "list": 1,
        "get_object": "AccessDenied",
        "head_object": "403",
        "delete_object": "AccessDenied",
    }
    read = here.account.client("s3").get_object(Bucket="kept", Key="raw/a b.gz")
    assert read["Body"].read() == b"\x1f\x8b"


def test_a_function_reads_a_secret_and_measures_what_its_role_grants(folder: Path) -> None:
    """Conditions on the namespace of metrics count."""
    told: dict[str, Any] = {}

    def tries(_: Any, __: Any, world: Any) -> None:
        place = {"region_name": "eu-west-1", "endpoint_url": world.endpoint_url}
        metrics = world.session.create_client("cloudwatch", **place)
        data = [{"MetricName": "m", "Value": 1}]
        metrics.put_metric_data(Namespace="ours", MetricData=data)
        with pytest.raises(ClientError) as error:
            metrics.put_metric_data(Namespace="AWS/Lambda", MetricData=data)
        told["refused"] = error.value.response["Error"]["Code"]
        secrets = world.session.create_client("secretsmanager", **place)
        told["secret"] = secrets.get_secret_value(SecretId=told["arn"])["SecretString"]

    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-*"
    statements = [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringNotLike": {"cloudwatch:namespace": "AWS/*"}},
        },
    ]
    with opened(folder, statements=statements) as here:
        here.subscribe("/a")
        here.account.settle()
        here.account.host.invocations.clear()
        secrets = here.account.client("secretsmanager")
        told["arn"] = secrets.create_secret(Name="token", SecretString="t")["ARN"]
        here.does(tries)
        here.log("x")
        here.account.settle()
        assert [one.error for one in here.account.host.invocations] == [""]
        assert (told["refused"], told["secret"]) == ("AccessDenied", "t")


def test_a_function_may_log_as_text_into_a_group_of_another_name(folder: Path) -> None:
    """Then its log stream begins with the function's name; where the role may not, nothing is."""
    group = {"LogGroup": "/shared"}
    with opened(folder, logging=group, statements=[_LOGS]) as here:
        here.create("/shared")
        here.account.invoke("reader", {"Records": []})
        stream, _ = here.logs.describe_log_streams(logGroupName="/shared")["logStreams"]
        lines = [
            event["message"]
            for event in here.logs.filter_log_events(logGroupName="/shared")["events"]
        ]
        assert stream["logStreamName"].startswith("2027/03/01/small-reader[$LATEST]")
        assert [line.split(" ")[0] for line in lines] == [
            "INIT_START",
            "START",
            '{"message":',
            "END",
            "REPORT",
        ]
    with opened(folder, logging=group) as here:
        here.create("/shared")
        here.account.invoke("reader", {"Records": []})
        assert here.logs.filter_log_events(logGroupName="/shared")["events"] == []


_LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/shared:*",
}
