"""Records of streams that functions fail on are given up in the end, and kept."""

from steward.controls.event_source_failure_destination.assess import CODES, assess
from steward.controls.event_source_failure_destination.readers import discover, observe
from steward.controls.event_source_failure_destination.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Lambda functions that read streams keep the records that failed",
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
            "lambda:ListFunctions",
            "sns:ListTopics",
            "sqs:GetQueueAttributes",
            "tag:GetResources",
        }
    ),
    writes=frozenset(),
    codes=CODES,
)
