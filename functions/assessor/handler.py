"""Runs the controls that only report; its role may read and nothing else."""

from steward.controls import REPORTED, required_tags
from steward.events import Automation, function
from steward.queue_events import event_source_mapping, queue
from steward.runtime import handler as handler_of

CALLS = """AddPermission CreateFunction DeleteFunction DeleteFunctionEventInvokeConfig
    PutFunctionEventInvokeConfig RemovePermission UpdateFunctionConfiguration
    UpdateFunctionEventInvokeConfig"""
MAPPINGS = "CreateEventSourceMapping DeleteEventSourceMapping UpdateEventSourceMapping"

AUTOMATION = Automation(
    name="assessor",
    source="aws.lambda",
    events=dict.fromkeys(CALLS.split(), function)
    | dict.fromkeys(MAPPINGS.split(), event_source_mapping),
    others={"aws.sqs": dict.fromkeys(("DeleteQueue", "SetQueueAttributes"), queue)},
    controls=REPORTED,
    sweeps_only=frozenset({required_tags.CONTROL.id}),
)

handler = handler_of(AUTOMATION)
