"""Tells AWS Config what the controls find; which module is asked, the rule's name says."""

from functools import partial

from rules import (
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
from steward.reporter import handler as handler_of

RULES = (
    log_retention.RULE,
    log_subscription.RULE,
    stream_capacity.RULE,
    api_alarms.RULE,
    api_throttling.RULE,
    function_runtime.RULE,
    function_layers.RULE,
    function_versions.RULE,
    stack_tags.RULE,
    required_tags.RULE,
    function_role_not_shared.RULE,
    function_role_least_privilege.RULE,
    function_logging.RULE,
    async_failure_destination.RULE,
    event_source_failure_destination.RULE,
    queue_redrive.RULE,
)

PROCESSOR = partial(handler_of, RULES)

handler = PROCESSOR()
