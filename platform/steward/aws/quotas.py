"""AWS's request quotas, per account and Region, as far as we use the operations.

Source: the services' quota pages, read in November 2026. Operations that share a quota share a
group; what is not listed is paced as a group of its own at ``UNLISTED``.
"""

from __future__ import annotations

from collections.abc import Mapping

UNLISTED = 5.0
"""Requests per second for an operation whose quota AWS does not publish."""

UNPACED = frozenset({"dynamodb", "s3", "secretsmanager", "sqs", "sts"})
"""Services whose quotas are far above anything we send."""

ONE_QUOTA = {"apigatewayv2": "apigateway"}
"""Services that share all quotas of another: to AWS both versions of API Gateway are one."""

RATES: Mapping[str, float] = {
    "logs.DescribeLogGroups": 10,
    "logs.PutRetentionPolicy": 5,
    "logs.DeleteRetentionPolicy": 5,
    "logs.DescribeAccountPolicies": 5,
    "logs.CreateLogStream": 50,
    "logs.PutLogEvents": 5000,
    "logs.DescribeSubscriptionFilters": 5,
    "logs.PutSubscriptionFilter": 5,
    "logs.DeleteSubscriptionFilter": 5,
    "kinesis.DescribeStreamSummary": 20,
    "kinesis.ListStreams": 5,
    "kinesis.UpdateShardCount": 10,
    "cloudwatch.DeleteAlarms": 3,
    "cloudwatch.DescribeAlarms": 9,
    "cloudwatch.GetMetricData": 50,
    "cloudwatch.PutDashboard": 10,
    "cloudwatch.PutMetricAlarm": 3,
    "cloudwatch.PutMetricData": 500,
    "resourcegroupstaggingapi.GetResources": 15,
    "resourcegroupstaggingapi.TagResources": 5,
    "resourcegroupstaggingapi.UntagResources": 5,
    "ssm": 40,
    "lambda": 15,
    "lambda.GetPolicy": 15,
    "lambda.ListDurableExecutionsByFunction": 15,
    "cloudtrail": 10,
    "cloudformation": 10,  # AWS does not publish it; about what DescribeStacks takes
    "apigateway": 10,
    "apigateway.GetResources": 2.5,
    "cloudformation.DescribeStacks": 10,  # not published; seen
    "events": 50,
}
"""Requests per second by group: ``service.Operation``, or ``service`` where all share one."""


def group_of(service: str, operation: str) -> str:
    """The quota group an operation counts against; '' where it need not be paced."""
    if service in UNPACED:
        return ""
    service = ONE_QUOTA.get(service, service)
    single = f"{service}.{operation}"
    return service if service in RATES and single not in RATES else single
