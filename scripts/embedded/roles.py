"""Roles of the account as moto's IAM keeps them, also those that people made: trust and grants.

Of a stack's role moto keeps the inline policies only; see ``embedded.granting`` for all of them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.iam.models import Role, iam_backends

from embedded.authorization import Policy, decide
from embedded.requirements import Requirement


def find(arn: str) -> Role | None:
    """The role of an ARN, in whichever account it says."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    found: Mapping[str, Role] = iam_backends[account][partition].roles
    return next((one for one in found.values() if one.arn == arn), None)


def trusts(role: Role, service: str) -> bool:
    """Whether a service may assume a role; conditions are taken to hold."""
    document = read(role.assume_role_policy_document)
    return any(
        one["Effect"] == "Allow"
        and "sts:AssumeRole" in _several(one["Action"])
        and service in _several(one["Principal"].get("Service", []))
        for one in _several(document["Statement"])
    )


def policies(role: Role) -> Sequence[Policy]:
    """What a role grants, inline and attached. Raises PolicyError for what cannot be judged."""
    return [Policy.parse(document) for document in _documents(role)]


def refusal(role: Role, action: str, resource: str, facts: Mapping[str, str] | None = None) -> str:
    """Why a role may not do something; '' where it may. ``facts`` are values of condition keys."""
    known = tuple((key, (value,)) for key, value in (facts or {}).items())
    decision = decide(policies(role), Requirement(action, (resource,), known))
    return "" if decision.allowed else decision.reason


def _documents(role: Role) -> Iterator[Mapping[str, Any]]:
    for text in role.policies.values():
        yield read(text)
    for managed in role.managed_policies.values():
        yield from (read(one.document) for one in managed.versions if one.is_default)


def read(document: Any) -> Any:
    """A document as moto keeps it: what CloudFormation made it writes down as Python would."""
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except ValueError:
        return ast.literal_eval(document)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
