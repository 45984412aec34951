"""Runs the controls that only report; its role may read and nothing else."""

from steward.controls import REPORTED, required_tags
from steward.events import Automation, function
from steward.function_events import logging_function, role
from steward.runtime import handler as handler_of

CALLS = "CreateFunction DeleteFunction UpdateFunctionConfiguration"
GROUPS = "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy PutRetentionPolicy"
ROLES = """AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy
    DetachRolePolicy PutRolePermissionsBoundary PutRolePolicy UpdateAssumeRolePolicy"""

AUTOMATION = Automation(
    name="assessor",
    source="aws.lambda",
    events=dict.fromkeys(CALLS.split(), function),
    others={
        "aws.iam": dict.fromkeys(ROLES.split(), role),
        "aws.logs": dict.fromkeys(GROUPS.split(), logging_function),
    },
    controls=REPORTED,
    sweeps_only=frozenset({required_tags.CONTROL.id}),
)

handler = handler_of(AUTOMATION)
