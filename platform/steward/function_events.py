"""From events of what functions use, their roles and log groups, to refs. Pure; see ``events``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from steward.config_resources import ROLE
from steward.events import FUNCTION, function_name, log_group
from steward.model import Ref

CONFIGURED = frozenset({"CreateFunction", "DeleteFunction", "UpdateFunctionConfiguration"})
"""Calls that say what a function is."""

INVOKED = frozenset(
    {
        "AddPermission",
        "DeleteFunctionEventInvokeConfig",
        "PutFunctionEventInvokeConfig",
        "RemovePermission",
        "UpdateFunctionEventInvokeConfig",
    }
)
"""Calls that say who invokes a function, and where events go that it fails on."""

LOGGED = frozenset(
    {"CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy"}
)
"""Calls of CloudWatch Logs that say whether a function's log is there, and for how long."""

GRANTED = frozenset(
    {
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
    }
)
"""Calls of IAM that say what a role may do, and who may take it."""

GROUPS = "/aws/lambda/"
"""How the names of log groups begin that Lambda makes; a function's name follows."""

_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def role(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The role of an IAM call."""
    asked = detail.get("requestParameters")
    name = asked.get("roleName") if isinstance(asked, Mapping) else None
    if is_role_name(name):
        yield Ref(ROLE, str(name))


def is_role_name(told: object) -> bool:
    """Whether IAM takes it as a role's name, which has no path (CreateRole, API reference)."""
    return isinstance(told, str) and _ROLE_NAME.fullmatch(told) is not None


def logging_function(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The function whose log group a CloudWatch Logs call is about, if it has the usual name."""
    for group in log_group(detail):
        before, _, name = group.id.rpartition(GROUPS)
        if name and not before and function_name(name) == name != group.id:
            yield Ref(FUNCTION, name)
