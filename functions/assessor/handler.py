"""Runs the controls that only report; its role may read and nothing else."""

from steward.controls import REPORTED, event_source_failure_destination, required_tags
from steward.events import Automation, function
from steward.function_events import logging_function, role
from steward.queue_events import event_source_mapping, queue
from steward.runtime import handler as handler_of

FUNCTIONS = """AddPermission CreateFunction DeleteFunction DeleteFunctionEventInvokeConfig
    PutFunctionEventInvokeConfig RemovePermission UpdateFunctionConfiguration
    UpdateFunctionEventInvokeConfig"""
GROUPS = "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy"
MAPPINGS = "CreateEventSourceMapping DeleteEventSourceMapping UpdateEventSourceMapping"
QUEUES = "DeleteQueue SetQueueAttributes"
ROLES = """AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy
    DetachRolePolicy PutRolePermissionsBoundary PutRolePolicy UpdateAssumeRolePolicy"""

AUTOMATION = Automation(
    name="assessor",
    source="aws.lambda",
    events=dict.fromkeys(FUNCTIONS.split(), function)
    | dict.fromkeys(MAPPINGS.split(), event_source_mapping),
    others={
        "aws.iam": dict.fromkeys(ROLES.split(), role),
        "aws.logs": dict.fromkeys(GROUPS.split(), logging_function),
        "aws.sqs": dict.fromkeys(QUEUES.split(), queue),
    },
    controls=REPORTED,
    sweeps_only=frozenset({event_source_failure_destination.CONTROL.id, required_tags.CONTROL.id}),
)

handler = handler_of(AUTOMATION)
