"""Queues give their functions time, and messages enough tries and a dead-letter queue."""

from steward.controls.queue_redrive.assess import CODES, assess
from steward.controls.queue_redrive.readers import PART, discover, observe
from steward.controls.queue_redrive.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Queues that feed functions have dead-letter queues, and time-outs that fit",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "lambda:GetFunctionConfiguration",
            "lambda:ListEventSourceMappings",
            "sqs:GetQueueAttributes",
            "sqs:ListDeadLetterSourceQueues",
            "sqs:ListQueues",
            "tag:GetResources",
        }
    ),
    writes=frozenset(),
    codes=CODES,
    monthly_cost="below 0.01 USD for each 100 queues that feed functions: requests of SQS",
    batch=PART,
)
