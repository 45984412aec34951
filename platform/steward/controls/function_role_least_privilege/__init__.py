"""Roles that functions can take allow some actions on some resources, and no more."""

from steward.controls.function_role_least_privilege.assess import CODES, assess
from steward.controls.function_role_least_privilege.readers import discover, observe
from steward.controls.function_role_least_privilege.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Roles of Lambda functions allow some actions on some resources, and no more",
    severity=Severity.HIGH,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "iam:GetAccountAuthorizationDetails",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
        }
    ),
    writes=frozenset(),
    codes=CODES,
)
