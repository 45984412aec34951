"""What the way of log events must keep to, so that none is lost; every check tells its problems."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from embedded.template import Template
from tests.conformance.alarm_checks import MAPPING, STREAM
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import Properties, Stack, behind, differing

BUCKET = "AWS::S3::Bucket"
FUNCTION_KIND = "AWS::Lambda::Function"

KEY = "arn:aws:kms:eu-west-1:111122223333:key/one"

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:ships"

OTHERS = (
    "",
    "arn:aws:kinesis:eu-west-1:111122223333:stream/lambda",
    "arn:aws:firehose:eu-west-1:111122223333:deliverystream/lambda",
    "arn:aws:logs:eu-west-1:111122223333:destination:lambda",
)
"""Destinations that are no functions."""

HOUR = 3600

READING: Mapping[str, Any] = {
    "BatchSize": 1000,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "MaximumBatchingWindowInSeconds": 5,
    "MaximumRecordAgeInSeconds": 46 * HOUR,
    "MaximumRetryAttempts": -1,
    "MetricsConfig": {"Metrics": ["EventCount"]},
    "ParallelizationFactor": 1,
    "StartingPosition": "TRIM_HORIZON",
}
"""Of a batch that fails, what is before the first record that failed is done; the rest is tried
for almost as long as the stream keeps it."""

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}

PRIVATE: Mapping[str, Any] = {
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
}


def reading(template: Template) -> list[str]:
    """Whatever reads a stream tries each record until it is done, and then keeps it in a bucket."""
    stack = Stack(template, **WHOLE)
    found = []
    for name, mapping in _of_streams(stack):
        found += differing(name, mapping, READING)
        to = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if stack.kinds.get(behind(to)) != BUCKET:
            found.append(f"{name}: what is given up goes to no bucket of the stack")
    return found


def _of_streams(stack: Stack) -> Iterator[tuple[str, Properties]]:
    for name, mapping in stack.of(MAPPING).items():
        if stack.kinds[behind(mapping["EventSourceArn"])] == STREAM:
            yield name, mapping


def streams(template: Template) -> list[str]:
    """A stream outlives the stack, is encrypted, and keeps records longer than they are tried."""
    found = []
    for key in ("", KEY):
        stack = Stack(template, KmsKeyArn=key, **WHOLE)
        for name, stream in stack.of(STREAM).items():
            found += differing(name, template.translated["Resources"][name], KEPT)
            encryption = {"EncryptionType": "KMS", "KeyId": key or "alias/aws/kinesis"}
            found += differing(name, stream, {"StreamEncryption": encryption})
            hours = int(stream.get("RetentionPeriodHours", 24))
            found += [
                f"{name}: keeps records for less than {reader} tries them, and an hour"
                for reader, mapping in _of_streams(stack)
                if hours * HOUR < mapping.get("MaximumRecordAgeInSeconds", 0) + HOUR
            ]
    return sorted(set(found))


def buckets(template: Template) -> list[str]:
    """A bucket outlives the stack, is nobody else's to read, and takes nothing in the clear."""
    stack = Stack(template, **WHOLE)
    found = []
    for name, bucket in stack.of(BUCKET).items():
        found += differing(name, template.translated["Resources"][name], KEPT)
        found += differing(name, bucket, PRIVATE)
        if "BucketEncryption" not in bucket:
            found.append(f"{name}: does not say how it encrypts")
        policies = [
            json.dumps(one["PolicyDocument"])
            for one in stack.of("AWS::S3::BucketPolicy").values()
            if behind(one["Bucket"]) == name
        ]
        if not any('{"Bool": {"aws:SecureTransport": "false"}}' in one for one in policies):
            found.append(f"{name}: may be spoken to without TLS")
    return found


def quiet(template: Template) -> list[str]:
    """Of what reads a stream Lambda says only what went wrong: our own log may end up there."""
    stack = Stack(template, **WHOLE)
    readers = {behind(mapping["FunctionName"]) for _, mapping in _of_streams(stack)}
    return [
        f"{name}: every invocation is told of in its log"
        for name in sorted(readers)
        if stack.properties[name]["LoggingConfig"].get("SystemLogLevel") != "WARN"
    ]


def delivery(template: Template) -> list[str]:
    """CloudWatch Logs, for this account alone, may write to the stream, and do nothing else."""
    role = Stack(template, **WHOLE).properties["LogDeliveryRole"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    wanted = {
        "Principal": {"Service": "logs.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": "arn:aws:logs:eu-west-1:111122223333:*"},
        },
    }
    statements = [
        one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]
    ]
    told = [(sorted(one["Action"]), one["Resource"]) for one in statements]
    found = differing("LogDeliveryRole", trust, wanted)
    stream = "arn:aws:kinesis:eu-west-1:111122223333:stream/{LogStream}"
    if told != [(["kinesis:PutRecord", "kinesis:PutRecords"], stream)]:
        found.append("LogDeliveryRole: grants something else than to write to the stream")
    return found


def invocation(template: Template) -> list[str]:
    """A destination that is a function lets CloudWatch Logs in by one statement for all groups of
    this account and Region; nobody is let in anywhere else."""
    found = []
    for arn in (FUNCTION, f"{FUNCTION}:live"):
        told = _permissions(template, arn)
        if len(told) != 1:
            found.append(f"{arn}: has {len(told)} statements, should have one")
        wanted = {
            "Action": "lambda:InvokeFunction",
            "FunctionName": arn,
            "Principal": "logs.amazonaws.com",
            "SourceAccount": "111122223333",
            "SourceArn": "arn:aws:logs:eu-west-1:111122223333:log-group:*",
        }
        for name, one in told.items():
            found += differing(name, one, wanted)
    return found + [
        f"{arn or 'no destination'}: {name} lets somebody in"
        for arn in OTHERS
        for name in _permissions(template, arn)
    ]


def _permissions(template: Template, destination: str) -> dict[str, Properties]:
    """Of functions that are none of the stack's."""
    stack = Stack(template, LogDestinationArn=destination, **WHOLE)
    told = stack.of("AWS::Lambda::Permission").items()
    own = stack.of(FUNCTION_KIND)
    return {name: one for name, one in told if behind(one["FunctionName"]) not in own}


def circles(template: Template) -> list[str]:
    """Every function's own log group is left out where groups are subscribed and where they are
    shipped, by its name."""
    stack = Stack(template, **WHOLE)
    named = {str(one["LogGroupName"]) for one in stack.of("AWS::Logs::LogGroup").values()}
    defaults = stack.properties["LogSubscriptionDefaults"]["Value"]
    shipper = stack.properties["LogShipper"]["Environment"]["Variables"]["STEWARD_OWN_GROUPS"]
    told = {
        "is subscribed": set(json.loads(defaults)["stack_prefixes"]),
        "is shipped": set(json.loads(shipper)),
    }
    return [
        f"{group}: {what}" for what, groups in told.items() for group in sorted(named - groups)
    ] + [f"{group}: is no group" for groups in told.values() for group in sorted(groups - named)]
