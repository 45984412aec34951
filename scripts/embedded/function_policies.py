"""Whether a function's own policy lets CloudWatch Logs invoke it with a log group's events.

It is made of what AddPermission added: statements that allow. A function's versions and aliases are
not told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends

from embedded.authorization import Condition, Context, names

ACTION = "lambda:InvokeFunction"

ANY = "*"
"""The log group in the name of which an account policy's destination is tried."""


def invocable(account: str, region: str, function: str, group: str) -> bool:
    """Whether a function, by ARN, is there and may be invoked for a log group, or for ``ANY``."""
    try:
        found = lambda_backends[account][region].get_function(function)
    except UnknownFunctionException:
        return False
    partition = function.split(":")[1]
    name = ANY if group == ANY else f"{group}:*"
    context = {
        "aws:sourceaccount": (account,),
        "aws:sourcearn": (f"arn:{partition}:logs:{region}:{account}:log-group:{name}",),
    }
    return any(_lets(one, region, context) for one in found.policy.statements)


def _lets(statement: Mapping[str, Any], region: str, context: Context) -> bool:
    principals = ({"Service": "logs.amazonaws.com"}, {"Service": f"logs.{region}.amazonaws.com"})
    return (
        statement["Principal"] in principals
        and names(statement["Action"], ACTION)
        and all(
            Condition.parse(operator, key, value).holds(context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, value in keys.items()
        )
    )
