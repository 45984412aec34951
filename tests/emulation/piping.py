"""A small stack with the log pipeline: a stream, what delivers to it, what reads it, a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.template import Template

CODE = '''"""Prints how many records it got, and does what the test wants of it."""

import json

WANTED = []


def processor(environment, world):
    def handle(event, context):
        world.out.write(json.dumps({"message": "got", "records": len(event.get("Records", []))}))
        world.out.write("\\n")
        for wanted in WANTED:
            return wanted(event, environment, world)

    return handle


PROCESSOR = processor
'''

READS = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
]


def write_code(folder: Path) -> None:
    """A handler that is no automation."""
    (folder / "handler.py").write_text(CODE, "utf-8")


def small(
    folder: Path,
    *,
    statements: Sequence[Mapping[str, Any]] = (),
    reads: Sequence[str] = tuple(READS),
    logging: Mapping[str, Any] | None = None,
    **mapping: Any,
) -> Template:
    """The stack with the function's code in ``folder``; what the function may do besides."""
    resources = {
        "Kept": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kept"}},
        "KeptPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Kept"}}},
        "LogStream": _stream(),
        "Deliver": _role("logs.amazonaws.com", [_may(["kinesis:PutRecord"], _arn("LogStream"))]),
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/aws/lambda/small-reader"},
        },
        "Reader": _function(logging or {"LogFormat": "JSON", "LogGroup": {"Ref": "Logs"}}),
        "ReaderRole": _role(
            "lambda.amazonaws.com",
            [
                _may(reads, "*"),
                _may(["logs:CreateLogStream", "logs:PutLogEvents"], _arn("Logs")),
                _may(["s3:ListBucket"], _arn("Kept")),
                _may(["s3:PutObject"], {"Fn::Sub": "${Kept.Arn}/*"}),
                *statements,
            ],
        ),
        "ReaderRecords": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Reader"},
                "EventSourceArn": _arn("LogStream"),
                "StartingPosition": "TRIM_HORIZON",
                "DestinationConfig": {"OnFailure": {"Destination": _arn("Kept")}},
                **mapping,
            },
        },
        **_alarms(),
    }
    written = {"Reader": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": folder}}}
    return Template({"Resources": written}, {"Parameters": {}, "Resources": resources})


def _stream() -> dict[str, Any]:
    properties = {
        "Name": "small-logs",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        "RetentionPeriodHours": 48,
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    return {"Type": "AWS::Kinesis::Stream", "Properties": properties}


def _function(logging: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "small-reader",
            "Code": {"S3Bucket": "artifacts", "S3Key": "Reader.zip"},
            "Handler": "handler.handler",
            "Runtime": "python3.13",
            "Role": _arn("ReaderRole"),
            "Timeout": 60,
            "MemorySize": 512,
            "Environment": {"Variables": {"BUCKET": {"Ref": "Kept"}}},
            "LoggingConfig": logging,
        },
    }


def _alarms() -> dict[str, Any]:
    """One for each metric of the pipeline."""
    reader = [{"Name": "FunctionName", "Value": {"Ref": "Reader"}}]
    mapping = [{"Name": "EventSourceMappingUUID", "Value": {"Ref": "ReaderRecords"}}]
    stream = [{"Name": "StreamName", "Value": {"Ref": "LogStream"}}]
    metrics = {
        "behind": ("AWS/Lambda", "IteratorAge", "Maximum", reader, 300_000),
        "given-up": ("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", "Sum", mapping, 0),
        "dropped": ("AWS/Lambda", "DroppedEventCount", "Sum", mapping, 0),
        "read-late": ("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "Maximum", stream, 0),
        "bytes": ("AWS/Kinesis", "IncomingBytes", "Sum", stream, 1000),
        "records": ("AWS/Kinesis", "IncomingRecords", "Sum", stream, 2),
        "throttled": ("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "Sum", stream, 0),
    }
    alarms = {
        name: {
            "Namespace": namespace,
            "MetricName": metric,
            "Statistic": statistic,
            "Dimensions": dimensions,
            "Period": 300,
            "Threshold": threshold,
        }
        for name, (namespace, metric, statistic, dimensions, threshold) in metrics.items()
    }
    for name in ("DeliveryErrors", "DeliveryThrottling"):
        query = f'SELECT SUM({name}) FROM "AWS/Logs"'  # noqa: S608
        alarms[name] = {
            "Metrics": [{"Id": "all", "Expression": query, "Period": 300}],
            "Threshold": 0,
        }
    return {
        f"Alarm{number}": {"Type": "AWS::CloudWatch::Alarm", "Properties": _alarm(name, one)}
        for number, (name, one) in enumerate(alarms.items())
    }


def _alarm(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "AlarmName": f"small-{name}",
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **properties,
    }


def _role(service: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": _document([trust]),
            "Policies": [{"PolicyName": "own", "PolicyDocument": _document(statements)}],
        },
    }


def _document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def _may(actions: Sequence[str], resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [*actions], "Resource": resource}


def _arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}
