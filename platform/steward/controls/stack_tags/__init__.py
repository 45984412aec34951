"""A stack's tags are on its resources, and on the log groups that they make."""

from steward.controls import taggable
from steward.controls.stack_tags.assess import CODES, REFUSED, assess
from steward.controls.stack_tags.calls import about, action, after
from steward.controls.stack_tags.readers import PAGE, discover, observe
from steward.controls.stack_tags.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="The resources of a stack have its tags, and log groups those of what writes to them",
    severity=Severity.LOW,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "apigateway:GET",
            "cloudformation:DescribeStacks",
            "cloudformation:ListStackResources",
            "iam:ListRoleTags",
            "lambda:GetFunctionConfiguration",
            "lambda:ListFunctions",
            "logs:DescribeLogGroups",
            "tag:GetResources",
        }
    ),
    writes=taggable.actions() | {"tag:TagResources", "tag:UntagResources"},
    codes=CODES,
    monthly_cost=(
        "nothing for tags themselves; with an AWS Config recorder on, each resource that is tagged "
        "is recorded anew (0.003 USD in us-east-1)"
    ),
    partly_code=REFUSED,
    ordered=True,
    batch=PAGE,
    action=action,
    about=about,
    foretell=after,
)
