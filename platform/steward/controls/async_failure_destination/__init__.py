"""Events of asynchronous invocations that fail are kept, by dead letters or a destination."""

from steward.controls.async_failure_destination.assess import CODES, assess
from steward.controls.async_failure_destination.readers import PART, discover, observe
from steward.controls.async_failure_destination.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Lambda functions that are invoked asynchronously keep the events that failed",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "cloudwatch:GetMetricData",
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "lambda:ListAliases",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:ListFunctions",
            "sns:ListTopics",
            "sqs:GetQueueAttributes",
            "tag:GetResources",
        }
    ),
    writes=frozenset(),
    codes=CODES,
    monthly_cost=(
        "0.60 USD for each 1,000 functions that are swept twice a day: CloudWatch takes 0.01 USD "
        "for each 1,000 metrics that GetMetricData reads (list price of us-east-1, November 2026); "
        "nothing with evidence.metrics false"
    ),
    batch=PART,
)
