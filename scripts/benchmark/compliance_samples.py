"""What made-up compliance reports are made of: teams, findings, calls, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steward.model import Call, Fate
from steward.reports.dataset import Figure

TEAMS = (
    "payments",
    "checkout",
    "search",
    "identity",
    "data-platform",
    "logistics",
    "web",
    "mobile",
)
PARTS = ("orders", "invoices", "refunds", "catalog", "sessions", "tracking", "prices", "emails")
DOES = ("worker", "api", "importer", "export", "webhook", "indexer", "archiver", "notifier")


@dataclass(frozen=True, slots=True)
class Sort:
    """What findings of a control look like."""

    kind: str
    name: str
    code: str
    reason: str
    fate: Fate
    next_attempt: str


SORTS: Mapping[str, Sort] = {
    "log-retention": Sort(
        "AWS::Logs::LogGroup",
        "/aws/lambda/{name}",
        "NEVER_EXPIRES_WITH_HISTORY",
        "kept for ever, should be 30 days; that deletes 412 days of events, which needs shorten",
        Fate.REPORTED,
        "not by Steward: the policy does not allow it (shorten)",
    ),
    "log-subscription": Sort(
        "AWS::Logs::LogGroup",
        "/aws/lambda/{name}",
        "NOT_SUBSCRIBED",
        "has no filter to the destination that the policy names",
        Fate.HELD,
        "with the next sweep, if nothing holds it any more",
    ),
    "api-throttling": Sort(
        "AWS::ApiGateway::Stage",
        "{short}/prod",
        "UNLIMITED_METHODS",
        "3 of 14 methods have no limits of their own: POST /{part}, PUT /{part}, GET /{part}",
        Fate.PLANNED,
        "not in audit mode",
    ),
    "api-alarms": Sort(
        "AWS::ApiGateway::Stage",
        "{short}/prod",
        "ALARMS_MISSING",
        "2 of 5 alarms are missing: latency p99 above 3000 ms, 5xx above 1 %",
        Fate.FAILED,
        "with the next sweep, attempt 3 of 5",
    ),
    "function-runtime": Sort(
        "AWS::Lambda::Function",
        "{name}",
        "DEPRECATED",
        "runs on python3.8, which AWS no longer patches since 14 Oct 2024",
        Fate.REPORTED,
        "not by Steward: this control only reports",
    ),
    "function-versions": Sort(
        "AWS::Lambda::Function",
        "{name}",
        "UNUSED_VERSIONS",
        "41 of 52 unused beyond the newest 5 and 30 days old: 613 MB",
        Fate.PLANNED,
        "not in audit mode",
    ),
    "stack-tags": Sort(
        "AWS::CloudFormation::Stack",
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/0b7d1c40",
        "TAGS_MISSING",
        "7 of 31 resources lack tags of the stack: cost-center, owner",
        Fate.PLANNED,
        "not in audit mode",
    ),
    "required-tags": Sort(
        "AWS::SQS::Queue",
        "{name}",
        "MISSING_KEYS",
        "lacks cost-center, data-class; the stack has cost-center=4711 to offer",
        Fate.REPORTED,
        "not by Steward: this control only reports",
    ),
    "stream-capacity": Sort(
        "AWS::Kinesis::Stream",
        "{name}",
        "TOO_FEW_SHARDS",
        "has 2 shards and needs 5 for the load of the last day",
        Fate.REPORTED,
        "not by Steward: this control only reports",
    ),
}


FIGURES = (
    Figure(
        "Log storage no longer paid for",
        184.27,
        "USD a month",
        "6.14 TB less stored in 212 log groups than before their retention was set, at 0.03 USD"
        " a GB-month (prices of 1 November 2026)",
        "saving",
    ),
    Figure(
        "Code storage freed", 9_412_000_000, "bytes", "the sizes of 131 versions that were deleted"
    ),
    Figure("Alarms made", 21.4, "USD a month", "214 alarms at 0.10 USD (1 November 2026)", "cost"),
    Figure(
        "Run cost of Steward",
        None,
        "USD a month",
        "no cost data: Lambda's metrics of the last 30 days could not be read",
        "cost",
    ),
)


WHYS = (
    "Legal hold of the 2025 audit, kept until the auditors have signed",
    "Load test in November; the limits come back afterwards",
    "Vendor's function, replaced with the new contract",
)

STREAM = "arn:aws:kinesis:eu-west-1:111122223333:stream/steward-logs"

CALLS: Mapping[str, tuple[Mapping[str, Any], Call]] = {
    "log-retention": (
        {"days": None},
        Call(
            "logs",
            "PutRetentionPolicy",
            {"logGroupName": "ID", "retentionInDays": 30},
            Call("logs", "DeleteRetentionPolicy", {"logGroupName": "ID"}, effect={"days": None}),
            {"days": 30},
            "events older than 30 days",
        ),
    ),
    "api-throttling": (
        {"limits": {"/orders/POST": {"rate": 10000, "burst": 5000}}, "behind": []},
        Call(
            "apigateway",
            "UpdateStage",
            {
                "restApiId": "ID",
                "stageName": "prod",
                "patchOperations": [
                    {
                        "op": "replace",
                        "path": "/~1orders/POST/throttling/rateLimit",
                        "value": "100",
                    }
                ],
            },
            Call("apigateway", "UpdateStage", {"restApiId": "ID", "stageName": "prod"}),
            {"limits": {"/orders/POST": {"rate": 100, "burst": 50}}, "behind": []},
        ),
    ),
    "api-alarms": (
        {"alarmed": "0 00000000000000000000000000000000"},
        Call(
            "cloudwatch",
            "PutMetricAlarm",
            {"AlarmName": "steward ID 5xx", "MetricName": "5XXError", "Threshold": 0.01},
            Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["steward ID 5xx"]}),
            {"alarmed": "1 0f3c5e8a9b2d4c6f80a1b2c3d4e5f607"},
        ),
    ),
    "function-versions": (
        {"published": 52},
        Call(
            "lambda",
            "DeleteFunction",
            {"FunctionName": "ID", "Qualifier": "17"},
            irreversible="version 17 of 4 Mar 2024 with its code",
        ),
    ),
    "stack-tags": (
        {},
        Call(
            "resourcegroupstaggingapi",
            "TagResources",
            {
                "ResourceARNList": ["arn:aws:sqs:eu-west-1:111122223333:orders"],
                "Tags": {"owner": "team-web"},
            },
            Call(
                "resourcegroupstaggingapi",
                "UntagResources",
                {
                    "ResourceARNList": ["arn:aws:sqs:eu-west-1:111122223333:orders"],
                    "TagKeys": ["owner"],
                },
            ),
        ),
    ),
    "log-subscription": (
        {"owned": {}},
        Call(
            "logs",
            "PutSubscriptionFilter",
            {
                "logGroupName": "ID",
                "filterName": "steward",
                "destinationArn": STREAM,
            },
            Call(
                "logs",
                "DeleteSubscriptionFilter",
                {"logGroupName": "ID", "filterName": "steward"},
            ),
            {
                "owned": {
                    "steward": {
                        "destinationArn": STREAM,
                        "filterPattern": "",
                    }
                }
            },
        ),
    ),
}
