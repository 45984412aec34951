"""Lambda functions log in JSON, at allowed levels, to groups that do not keep it for ever."""

from steward.controls.function_logging.assess import CODES, assess
from steward.controls.function_logging.readers import discover, observe
from steward.controls.function_logging.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Lambda functions log in JSON, at allowed levels, to groups with a retention",
    severity=Severity.LOW,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "lambda:GetFunctionConfiguration",
            "lambda:ListFunctions",
            "logs:DescribeLogGroups",
            "tag:GetResources",
        }
    ),
    writes=frozenset(),
    codes=CODES,
)
