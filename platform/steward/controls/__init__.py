"""Every control there is. Adding one is adding its line here."""

from typing import Any

from steward.controls import (
    api_alarms,
    api_throttling,
    async_failure_destination,
    event_source_failure_destination,
    function_layers,
    function_logging,
    function_role_least_privilege,
    function_role_not_shared,
    function_runtime,
    function_versions,
    log_retention,
    log_subscription,
    queue_redrive,
    required_tags,
    stack_tags,
    stream_capacity,
)
from steward.model import Control

CONTROLS: tuple[Control[Any, Any], ...] = (
    log_retention.CONTROL,
    log_subscription.CONTROL,
    stream_capacity.CONTROL,
    api_alarms.CONTROL,
    api_throttling.CONTROL,
    function_runtime.CONTROL,
    function_layers.CONTROL,
    function_versions.CONTROL,
    stack_tags.CONTROL,
    required_tags.CONTROL,
    function_role_not_shared.CONTROL,
    function_role_least_privilege.CONTROL,
    function_logging.CONTROL,
    async_failure_destination.CONTROL,
    event_source_failure_destination.CONTROL,
    queue_redrive.CONTROL,
)

REPORTED = tuple(control for control in CONTROLS if not control.writes)
"""Those that only report."""

ASSESSOR = "assessor"
"""The function that runs the controls that only report; it has no right to write."""


def named(control_id: str) -> Control[Any, Any] | None:
    """The control with this id, or None."""
    return next((control for control in CONTROLS if control.id == control_id), None)


def function_of(control: Control[Any, Any]) -> str:
    """The name of the function that runs a control: its own if it writes, else the shared one."""
    return control.id if control.writes else ASSESSOR
