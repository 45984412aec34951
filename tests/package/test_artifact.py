"""The artifact as it is deployed: what is in it, and its functions under the runtime client."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from embedded import template
from embedded.counting import CountingServer
from embedded.runtime_api import PYTHON, RuntimeProcess
from embedded.seeding import clear_logs, retention_of_log_groups
from tests.package.conftest import ROOT, STACK, Start, described, named

REGION = "eu-west-1"
ACCOUNT = "123456789012"

RULES = "config_rules"
FOLDERS = sorted([RULES, *(folder.name for folder in (ROOT / "functions").iterdir())])
LAYER = "Platform/python"
MEGABYTE = 2**20
LAMBDAS_LIMIT = 250 * MEGABYTE
"""Of a function with its layers, unzipped (Lambda quotas)."""

EVERY_FUNCTION = pytest.mark.parametrize("folder", FOLDERS)
SHIPPER = "log_shipper"
PROCESSORS = (SHIPPER, RULES, "config_follower", "compliance_report", "compliance_widget")
WITH_CONTROLS = pytest.mark.parametrize("folder", [one for one in FOLDERS if one not in PROCESSORS])
WITH_BATCHES = pytest.mark.parametrize(
    "folder",
    [one for one in FOLDERS if one not in (RULES, "compliance_report", "compliance_widget")],
)
BUCKET = "logs"


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    """An account with what the stack makes beside the functions."""
    with CountingServer() as running:
        reset = Request(f"{running.url}/moto-api/reset", method="POST")  # noqa: S310  # our own
        urlopen(reset).close()  # noqa: S310
        client(running, "dynamodb").create_table(
            TableName=f"{STACK}-ledger",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        for control, policy in (
            ("log-retention", {"mode": "enforce", "days": 30, "honor_tags": False}),
            ("function-runtime", {"mode": "audit", "warn_days": 180}),
        ):
            name = f"/{STACK}/defaults/{control}"
            client(running, "ssm").put_parameter(Name=name, Value=json.dumps(policy), Type="String")
        client(running, "s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield running
        clear_logs(region=REGION)


def client(server: CountingServer, service: str) -> Any:
    return session().client(service, endpoint_url=server.url)


@cache
def session() -> Any:
    """One session, because reading the services' models takes most of a test's time."""
    return boto3.Session(region_name=REGION)


def files(folder: Path) -> Mapping[str, Path]:
    """What lies below a folder, without bytecode."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path for path in found}


def contents(folder: Path) -> Mapping[str, bytes]:
    return {name: path.read_bytes() for name, path in files(folder).items()}


def in_python_3_13(arguments: Sequence[str], *path: Path) -> str:
    """What Lambda's Python prints with these folders on its path, and nothing else there."""
    variables = {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [PYTHON, *arguments], env=variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_function_is_built_as_it_is_and_nothing_else(built: Path) -> None:
    """Each folder of a handler is in the template, and none is built that is not there."""
    folders = template.load().folders()
    assert sorted(folder.name for folder in folders.values()) == FOLDERS
    assert {one.name for one in built.iterdir() if one.is_dir()} == {*folders, "Platform"}
    for name, folder in folders.items():
        theirs = {path for path, _ in recorded(built / name)}
        mine = {path: data for path, data in contents(built / name).items() if path not in theirs}
        assert mine == contents(folder)


def recorded(folder: Path) -> Iterator[tuple[str, str]]:
    """The files of installed packages by their own records, with the packages' names."""
    for record in folder.glob("*.dist-info/RECORD"):
        for line in record.read_text().splitlines():
            yield line.partition(",")[0], record.parent.name.removesuffix(".dist-info")
        for beside in record.parent.rglob("*"):
            yield str(beside.relative_to(folder)), record.parent.name.removesuffix(".dist-info")


def test_the_shipper_has_its_accelerators(built: Path) -> None:
    """As they are pinned, for Lambda's Python and the template's architecture, and no others."""
    folder = built / named(SHIPPER)
    lines = (ROOT / "functions/log_shipper/requirements.txt").read_text().splitlines()
    pins = {line.split()[0].replace("==", "-") for line in lines if line[0].isalpha()}
    assert {package for _, package in recorded(folder)} == pins != set()
    native = {name for name in files(folder) if name.endswith(".so")}
    assert {Path(name).parts[0] for name in native} == {"isal", "orjson"}
    assert all(".cpython-313-aarch64-" in name for name in native)


def test_the_layer_holds_the_library_as_it_is(built: Path) -> None:
    """Every module and every policy's schema, and no test."""
    library = contents(built / LAYER / "steward")
    assert library == contents(ROOT / "platform/steward")
    assert {"runtime.py", "py.typed", "policies/log-retention.schema.json"} <= set(library)


def test_beside_the_library_the_layer_holds_the_pinned_packages_only(built: Path) -> None:
    """In the pinned version, without tests, and without code for one architecture only."""
    layer = built / LAYER
    lines = (ROOT / "platform/requirements.txt").read_text().splitlines()
    pins = {line.split()[0].replace("==", "-") for line in lines if line[0].isalpha()}
    packages = {one.name.removesuffix(".dist-info") for one in layer.glob("*.dist-info")}
    assert {name.replace("_", "-") for name in packages} == pins
    recorded = (path.read_text().splitlines() for path in layer.glob("*.dist-info/RECORD"))
    theirs = {line.partition(",")[0].partition("/")[0] for record in recorded for line in record}
    beside = {one.name for one in layer.iterdir()} - theirs - {f"{name}.data" for name in packages}
    assert beside - {"__pycache__"} == {"steward", "requirements.txt"}
    native = [name for name in files(layer) if name.endswith((".so", ".pyd"))]
    tests = [name for name in files(layer) if {"test", "tests"} & set(Path(name).parts)]
    assert (native, tests) == ([], [])


def test_the_layer_leaves_room_below_lambdas_limit(built: Path, tmp_path: Path) -> None:
    """Unzipped 100 MB, zipped 40 MB; both are loaded at each cold start."""
    layer = [path for path in (built / "Platform").rglob("*") if path.is_file()]
    unzipped = sum(path.stat().st_size for path in layer)
    assert 1 * MEGABYTE < unzipped < 100 * MEGABYTE < LAMBDAS_LIMIT
    packed = tmp_path / "layer.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in layer:
            archive.write(path, path.relative_to(built))
    assert packed.stat().st_size < 40 * MEGABYTE


def test_every_module_has_bytecode_that_a_read_only_mount_needs(built: Path) -> None:
    """Of this very source, and found whatever times the files have."""
    script = str(Path(__file__).with_name("bytecode.py"))
    assert in_python_3_13([script, str(built)]) == ""


@EVERY_FUNCTION
def test_a_cold_start_compiles_nothing(built: Path, folder: str) -> None:
    """The handler is imported from bytecode alone, with layer and function on the path."""
    compiled = """
import sys
paths = []
sys.addaudithook(lambda event, told: event == "compile" and paths.append(str(told[1])))
import handler
assert callable(handler.handler)
print(*(path for path in paths if ".aws-sam" in path), sep="\\n")
"""
    assert in_python_3_13(["-c", compiled], built / named(folder), built / LAYER).strip() == ""


def message(event: Mapping[str, Any], number: int = 1) -> Mapping[str, Any]:
    """A record as Lambda's poller makes it of a message (Lambda developer guide, SQS)."""
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-66197566{number:04}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": json.dumps(event),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795163460000",
            "SenderId": "AIDAEXAMPLESENDER0001",
            "ApproximateFirstReceiveTimestamp": "1795163490000",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-log-retention",
        "awsRegion": REGION,
    }


def delivered(name: str, source: str) -> Mapping[str, Any]:
    """A CloudTrail record of tests/events in EventBridge's envelope, in the embedded account."""
    detail = json.loads((ROOT / "tests/events" / f"{name}.json").read_text())
    return {
        "version": "0",
        "id": "0c1d2e3f-1111-4222-8333-444455556666",
        "detail-type": "AWS API Call via CloudTrail",
        "source": source,
        "account": ACCOUNT,
        "time": detail["eventTime"],
        "region": REGION,
        "resources": [],
        "detail": {**detail, "recipientAccountId": ACCOUNT},
    }


def told(process: RuntimeProcess) -> Sequence[Mapping[str, Any]]:
    """Its log, every line of which is to be JSON."""
    return [json.loads(line) for line in process.lines()]


def test_a_new_log_group_gets_its_retention(server: CountingServer, start: Start) -> None:
    """From the message in the inbox to the group, the answer, the log and the metric."""
    client(server, "logs").create_log_group(logGroupName="/shop/checkout")
    function = start("log_retention", server.url)
    event = delivered("logs.CreateLogGroup.user", "aws.logs")
    answer = function.invoke({"Records": [message(event)]})
    assert (answer.value, answer.error) == ({"batchItemFailures": []}, None), function.lines()
    assert retention_of_log_groups(region=REGION)["/shop/checkout"] == 30
    [line] = [line for line in told(function) if line.get("message") == "remediated"]
    assert (line["resource"], line["level"], line["service"]) == ("/shop/checkout", "INFO", STACK)
    [metric] = [line for line in told(function) if "Outcomes" in line]
    assert (metric["Control"], metric["Fate"]) == ("log-retention", "remediated")


def test_an_unreadable_message_is_given_back(server: CountingServer, start: Start) -> None:
    """The others of its batch are handled."""
    event = delivered("logs.DescribeLogGroups", "aws.logs")
    bad = {**message({}, 2), "body": "{"}
    answer = start("log_retention", server.url).invoke({"Records": [message(event), bad]})
    assert answer.value == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}


def test_the_assessor_sweeps(server: CountingServer, start: Start) -> None:
    """To the end, in an account without functions."""
    function = start("assessor", server.url)
    answer = function.invoke({"sweep": {"control": "function-runtime", "cursor": None}})
    assert answer.error is None, function.lines()
    found = [answer.value[key] for key in ("control", "cursor", "complete", "error")]
    assert found == ["function-runtime", None, True, ""]


@WITH_BATCHES
def test_a_function_answers_again_and_again(
    server: CountingServer, start: Start, folder: str
) -> None:
    """Its first two answers come from one process, to an empty batch."""
    process = start(folder, server.url)
    for _ in range(2):
        assert process.invoke({"Records": []}).value == {"batchItemFailures": []}


def test_a_rule_without_a_sweep_is_an_error_by_its_name(
    server: CountingServer, start: Start
) -> None:
    """It finds its module beside the handler, and the ledger."""
    name = "ScheduledNotification"
    told = {"messageType": name, "notificationCreationTime": "2026-11-20T10:00:00.000Z"}
    event = {"invokingEvent": json.dumps(told), "resultToken": "token"}
    function = start(RULES, server.url)
    answer = function.invoke({**event, "configRuleName": f"{STACK}-log-retention"})
    assert answer.error is not None
    assert answer.error["errorType"] == "Incomplete", function.lines()


@WITH_CONTROLS
def test_what_a_function_cannot_do_is_an_error_by_its_name(start: Start, folder: str) -> None:
    """The state machine tells errors apart by these names."""
    answer = start(folder).invoke({"sweep": {"control": "nope"}})
    assert answer.error is not None
    assert answer.error["errorType"] == "Invalid"
    assert answer.error["errorMessage"].startswith("control: is 'nope', allowed here: ")


def test_the_shipper_archives_and_parks(server: CountingServer, built: Path) -> None:
    """On a machine of another architecture than the template's, without its accelerators."""
    lines = {"messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": "/a", "logStream": "s"}
    event = {"id": "1" * 56, "timestamp": 1795163460000, "message": "hello"}
    good = gzip.compress(json.dumps({**lines, "logEvents": [event]}).encode())
    shipping = json.dumps({"format": "s3_raw", "bucket": BUCKET})
    told_where = {"AWS_ENDPOINT_URL": server.url, "STEWARD_SHIPPING": shipping}
    with RuntimeProcess(described(built, SHIPPER, told_where)) as process:
        answer = process.invoke({"Records": [record("1", good), record("2", b"foreign")]})
        assert (answer.value, answer.error) == ({"batchItemFailures": []}, None), process.lines()
    keys = [one["Key"] for one in client(server, "s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {key.partition("/")[0] for key in keys} == {"parked", "raw"}
    [raw] = [key for key in keys if key.startswith("raw/")]
    body = client(server, "s3").get_object(Bucket=BUCKET, Key=raw)["Body"].read()
    assert json.loads(gzip.decompress(body))["logEvents"] == [event]


def test_the_report_is_written_with_what_its_artifact_holds(
    server: CountingServer, built: Path
) -> None:
    """Jinja2 as it is built for the function, on a machine of another architecture."""
    settings = {"bucket": BUCKET, "topic": "", "owner_keys": ["owner"], "heartbeat_hours": 26}
    told = {
        "AWS_ENDPOINT_URL": server.url,
        "STEWARD_REPORT": json.dumps({**settings, "version": "1.2.3"}),
    }
    with RuntimeProcess(described(built, "compliance_report", told)) as process:
        answer = process.invoke({"report": {}})
        assert answer.error is None, process.lines()
    body = client(server, "s3").get_object(Bucket=BUCKET, Key="report.html")["Body"].read()
    assert body.startswith(b"<!doctype html>")


def record(sequence: str, data: bytes) -> Mapping[str, Any]:
    """A record as Lambda's poller makes it of a stream's (Lambda developer guide, Kinesis)."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "one",
            "sequenceNumber": sequence,
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1795163460.5,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STACK}-logs",
    }


def test_a_wrong_environment_is_an_error_by_its_name(built: Path) -> None:
    """A ceiling that nobody can read is no ceiling to go by."""
    broken = described(built, "log_retention", {"STEWARD_CEILINGS": "{"})
    with RuntimeProcess(broken) as process:
        answer = process.invoke({"Records": []})
    assert answer.error is not None
    assert answer.error["errorType"] == "BadPolicy"
