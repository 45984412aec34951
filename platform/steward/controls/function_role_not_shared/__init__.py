"""Every Lambda function has a role of its own."""

from steward.controls.function_role_not_shared.assess import CODES, assess
from steward.controls.function_role_not_shared.readers import besides, discover, observe
from steward.controls.function_role_not_shared.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Every Lambda function has a role of its own",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    besides=besides,
    reads=frozenset(
        {"lambda:GetFunctionConfiguration", "lambda:ListFunctions", "tag:GetResources"}
    ),
    writes=frozenset(),
    codes=CODES,
)
