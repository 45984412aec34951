"""Services that a function's resource policy lets invoke it, and that do so asynchronously."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from steward.errors import Gone, Refused
from steward.model import Aws

SERVICES = frozenset(
    ("events", "s3", "sns", "ses", "iot", "config", "cloudformation", "codecommit", "logs")
)
"""As their principals begin (Lambda developer guide, "Invoking Lambda with events from other AWS
services")."""


def services(aws: Aws, name: str) -> tuple[str, ...]:
    """Their principals, sorted; () where the function has no policy. Raises StewardError."""
    try:
        answer = aws.ask("lambda", "GetPolicy", FunctionName=name)
    except Gone:  # the function is there, as it was just read: it is its policy that is not
        return ()
    try:
        statements = json.loads(answer["Policy"])["Statement"]
        return tuple(sorted(set(_asynchronous(statements))))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused("GetPolicy: the policy is no document that can be understood") from None


def _asynchronous(statements: Any) -> Iterator[str]:
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        principal = statement.get("Principal")
        told = principal.get("Service", ()) if isinstance(principal, Mapping) else ()
        for one in [told] if isinstance(told, str) else told:
            first, _, rest = one.partition(".")
            if statement.get("Effect") == "Allow" and first in SERVICES and "amazonaws" in rest:
                yield one
