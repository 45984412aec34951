"""Which API calls reach an EventBridge rule, and under which names. Facts, and nothing else.

A rule in state ENABLED gets every management event but the read-only ones; data events need a
trail that selects them, which the embedded account does not have (EventBridge user guide: events
delivered via CloudTrail).
"""

from __future__ import annotations

from collections.abc import Mapping

_READING = ("Get", "List", "Describe", "BatchGet", "BatchDescribe", "Head", "Lookup", "Search")

_READ_ONLY: Mapping[str, frozenset[str]] = {
    "apigatewayv2": frozenset({"ExportApi"}),
    "cloudformation": frozenset(
        {
            "DetectStackDrift",
            "DetectStackResourceDrift",
            "DetectStackSetDrift",
            "EstimateTemplateCost",
            "ValidateTemplate",
        }
    ),
    "config": frozenset({"SelectAggregateResourceConfig", "SelectResourceConfig"}),
    "events": frozenset({"TestEventPattern"}),
    "iam": frozenset(
        {
            "GenerateCredentialReport",
            "GenerateOrganizationsAccessReport",
            "GenerateServiceLastAccessedDetails",
            "SimulateCustomPolicy",
            "SimulatePrincipalPolicy",
        }
    ),
    "logs": frozenset({"FilterLogEvents"}),
    "sns": frozenset({"CheckIfPhoneNumberIsOptedOut"}),
    "sts": frozenset(
        {
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "DecodeAuthorizationMessage",
        }
    ),
}
"""Read-only management events whose name does not say so (EventBridge user guide: management
events that don't start with Describe, Get, or List). StartQuery and TestMetricFilter of CloudWatch
Logs are not among them."""

_DATA: Mapping[str, frozenset[str]] = {
    "cloudwatch": frozenset({"PutMetricData"}),
    "dynamodb": frozenset(
        {
            "BatchExecuteStatement",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "ExecuteTransaction",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        }
    ),
    "events": frozenset({"PutEvents", "PutPartnerEvents"}),
    "firehose": frozenset({"PutRecord", "PutRecordBatch"}),
    "kinesis": frozenset(
        {
            "AcknowledgeDeadLetterQueueRecords",
            "AcknowledgeQueueRecords",
            "PutRecord",
            "PutRecords",
            "ReceiveDeadLetterQueueRecords",
            "ReceiveQueueRecords",
            "RestoreDeadLetterQueueRecords",
            "SubscribeToShard",
            "UpdateDeadLetterQueueRecordsVisibility",
            "UpdateQueueRecordsVisibility",
        }
    ),
    "lambda": frozenset(
        {
            "CheckpointDurableExecution",
            "Invoke",
            "InvokeAsync",
            "InvokeWithResponseStream",
            "SendDurableExecutionCallbackFailure",
            "SendDurableExecutionCallbackHeartbeat",
            "SendDurableExecutionCallbackSuccess",
        }
    ),
    "logs": frozenset({"PutLogEvents"}),
    "s3": frozenset(
        {
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "CreateSession",
            "DeleteObject",
            "DeleteObjectAnnotation",
            "DeleteObjectTagging",
            "DeleteObjects",
            "PutObject",
            "PutObjectAcl",
            "PutObjectAnnotation",
            "PutObjectLegalHold",
            "PutObjectRetention",
            "PutObjectTagging",
            "RenameObject",
            "RestoreObject",
            "SelectObjectContent",
            "UpdateObjectEncryption",
            "UploadPart",
            "UploadPartCopy",
            "WriteGetObjectResponse",
        }
    ),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset(
        {
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        }
    ),
    "stepfunctions": frozenset(
        {"SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "StartSyncExecution"}
    ),
    "xray": frozenset({"PutTelemetryRecords", "PutTraceSegments"}),
}
"""What is done with data and not with resources: no management event at all."""

_SOURCES = {
    "apigatewayv2": "apigateway",
    "cloudwatch": "monitoring",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tagging",
    "ses": "email",
    "stepfunctions": "states",
}
"""Event sources where boto3 names the service otherwise."""

_ANYWHERE = frozenset({"cloudfront", "iam", "organizations", "route53"})
"""Services without Region, whose events reach the rules of us-east-1 only."""

_SUFFIXES = {
    "20150331": (
        "CreateAlias CreateEventSourceMapping CreateFunction DeleteAlias "
        "DeleteEventSourceMapping DeleteFunction PublishVersion UpdateAlias "
        "UpdateEventSourceMapping"
    ),
    "20150331v2": ("AddPermission RemovePermission UpdateFunctionCode UpdateFunctionConfiguration"),
    "20170331v2": "TagResource UntagResource",
    "20171031": "DeleteFunctionConcurrency PutFunctionConcurrency",
    "20181031": "PublishLayerVersion",
}
_LAMBDA = {
    operation: operation + suffix
    for suffix, operations in _SUFFIXES.items()
    for operation in operations.split()
}
"""Lambda's event names where they differ from the operation (Lambda developer guide: logging API
calls); all others, even if as old, bear no suffix."""


def delivered(service: str, operation: str) -> bool:
    """Whether an event of the call reaches rules in state ENABLED."""
    reads = operation.startswith(_READING) or operation in _READ_ONLY.get(service, ())
    return not reads and operation not in _DATA.get(service, ())


def event_source(service: str) -> str:
    """The first part of the service's domain, such as ``monitoring`` for cloudwatch."""
    return _SOURCES.get(service, service)


def event_name(service: str, operation: str) -> str:
    return _LAMBDA.get(operation, operation) if service == "lambda" else operation


def event_region(service: str, region: str) -> str:
    """The Region whose rules get the event."""
    return "us-east-1" if service in _ANYWHERE else region
