"""Lambda functions run on a runtime that AWS still supports."""

from steward.controls.function_runtime.assess import CODES, assess
from steward.controls.function_runtime.readers import discover, observe
from steward.controls.function_runtime.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Lambda functions run on a runtime that AWS still supports",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {"lambda:ListFunctions", "lambda:GetFunctionConfiguration", "tag:GetResources"}
    ),
    writes=frozenset(),
    codes=CODES,
)
