"""Runs the controls that only report; its role may read and nothing else."""

from steward import controls
from steward.events import Automation, function
from steward.function_events import CONFIGURED, GRANTED, INVOKED, LOGGED, logging_function, role
from steward.queue_events import MAPPED, QUEUED, event_source_mapping, queue
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="assessor",
    source="aws.lambda",
    events=dict.fromkeys(CONFIGURED | INVOKED, function)
    | dict.fromkeys(MAPPED, event_source_mapping),
    others={
        "aws.iam": dict.fromkeys(GRANTED, role),
        "aws.logs": dict.fromkeys(LOGGED, logging_function),
        "aws.sqs": dict.fromkeys(QUEUED, queue),
    },
    controls=controls.REPORTED,
    only_after={
        controls.async_failure_destination.CONTROL.id: CONFIGURED | INVOKED,
        controls.event_source_failure_destination.CONTROL.id: MAPPED | {"DeleteFunction"},
        controls.function_logging.CONTROL.id: CONFIGURED | LOGGED,
        controls.function_role_least_privilege.CONTROL.id: GRANTED,
        controls.function_role_not_shared.CONTROL.id: CONFIGURED,
        controls.function_runtime.CONTROL.id: CONFIGURED,
        controls.queue_redrive.CONTROL.id: MAPPED | QUEUED,
        controls.required_tags.CONTROL.id: frozenset(),
    },
)

handler = handler_of(AUTOMATION)
