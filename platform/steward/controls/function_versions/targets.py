"""Versions that events lead to: by rules, pipes, schedules, topics, buckets and functions."""

from __future__ import annotations

from collections.abc import Sequence

from steward.controls.function_versions.naming import Found, named
from steward.controls.lambda_api.lists import by_token, entries, invoke_configs
from steward.model import Aws

_INVOKES = ":aws-sdk:lambda:"
"""In the ARN of a schedule's target that calls Lambda's API, with the version in its input."""


def rules(aws: Aws) -> Sequence[str]:
    """``<bus>/<rule>``; the name of a rule has no slash."""
    answers = by_token(aws, "events", "ListEventBuses", "NextToken")
    buses = [bus["Name"] for answer in answers for bus in answer["EventBuses"]]
    return [
        f"{bus}/{rule['Name']}"
        for bus in buses
        for rule in entries(aws, "events", "ListRules", "Rules", EventBusName=bus)
    ]


def rule(aws: Aws, piece: str) -> Found:
    bus, _, rule = piece.rpartition("/")
    asked = {"EventBusName": bus, "Rule": rule}
    return named(aws, entries(aws, "events", "ListTargetsByRule", "Targets", **asked))


def schedules(aws: Aws, _: str) -> Found:
    listed = entries(aws, "scheduler", "ListSchedules", "Schedules", MaxResults=100)
    for one in listed:
        target = one.get("Target", {}).get("Arn", "")
        yield from named(aws, target)
        if _INVOKES in target:
            asked = {"GroupName": one["GroupName"], "Name": one["Name"]}
            told = aws.ask("scheduler", "GetSchedule", **asked)
            yield from named(aws, told["Target"].get("Input", ""))


def pipes(aws: Aws, _: str) -> Found:
    """By target and enrichment: a pipe invokes both by its role, whatever a version's policy is."""
    return named(aws, entries(aws, "pipes", "ListPipes", "Pipes", Limit=100))


def subscriptions(aws: Aws, _: str) -> Found:
    listed = entries(aws, "sns", "ListSubscriptions", "Subscriptions")
    return named(aws, *(one.get("Endpoint", "") for one in listed))


def buckets(aws: Aws) -> Sequence[str]:
    """Those of this Region: a bucket notifies only functions of its own."""
    asked = {"BucketRegion": aws.region, "MaxBuckets": 1000}
    return [one["Name"] for one in entries(aws, "s3", "ListBuckets", "Buckets", **asked)]


def bucket(aws: Aws, name: str) -> Found:
    told = aws.ask("s3", "GetBucketNotificationConfiguration", Bucket=name)
    return named(aws, told.get("LambdaFunctionConfigurations") or ())


def functions(aws: Aws) -> Sequence[str]:
    return [
        one["FunctionName"]
        for one in entries(aws, "lambda", "ListFunctions", "Functions", MaxItems=50)
    ]


def destinations(aws: Aws, name: str) -> Found:
    """Where a function's asynchronous invocations go, and the versions that have such settings."""
    return named(aws, invoke_configs(aws, name))
