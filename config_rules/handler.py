"""Tells AWS Config what the controls find; which module is asked, the rule's name says."""

from functools import partial

from rules import api_throttling, function_runtime, log_retention, log_subscription, stream_capacity
from steward.reporter import handler as handler_of

RULES = (
    log_retention.RULE,
    log_subscription.RULE,
    stream_capacity.RULE,
    api_throttling.RULE,
    function_runtime.RULE,
)

PROCESSOR = partial(handler_of, RULES)

handler = PROCESSOR()
