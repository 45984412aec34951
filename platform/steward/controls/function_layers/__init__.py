"""Functions carry the layer versions that the policy's rules ask for, in place of older ones."""

from steward.controls.function_layers.assess import assess
from steward.controls.function_layers.codes import CODES, TOO_LARGE
from steward.controls.function_layers.planning import sets
from steward.controls.function_layers.readers import BATCH, discover, observe
from steward.controls.function_layers.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Functions carry the layers that rules ask for, also where they are live",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "cloudformation:DescribeStacks",
            "lambda:GetFunctionConfiguration",
            "lambda:GetLayerVersion",
            "lambda:ListAliases",
            "lambda:ListFunctions",
            "tag:GetResources",
        }
    ),
    writes=frozenset({"lambda:GetLayerVersion", "lambda:UpdateFunctionConfiguration"}),
    codes=CODES,
    monthly_cost="nothing itself; a layer's code may cost time, and charges of whoever made it",
    limit_code=TOO_LARGE,
    batch=BATCH,
    sets=sets,
)
