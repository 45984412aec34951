"""Who a function's resource policy lets invoke it asynchronously: services, or anybody.

Of a policy for everybody, the ARN that it is bound to tells the service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from steward.errors import Gone, Refused
from steward.model import Aws

_SERVICES = r"(?:events|s3|sns|ses|iot|config|cloudformation|codecommit|logs)"
"""Those that invoke asynchronously, as principals and ARNs begin (Lambda developer guide, "Invoking
Lambda with events from other AWS services"); alarms of CloudWatch have names of their own."""

_PRINCIPAL = re.compile(
    rf"(?:{_SERVICES}|lambda\.alarms\.cloudwatch)(?:\.[a-z]+(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?"
)
"""Whole principals, some of them with a Region."""

_SOURCE = re.compile(rf"arn:[^:]+:({_SERVICES}|cloudwatch):.*")
_BOUND = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"})
"""Conditions that services meet; others, such as those of a function's URL, let in others."""

ACTION = "lambda:invokefunction"


def services(aws: Aws, name: str) -> tuple[str, ...]:
    """Them, sorted; () where $LATEST has no policy, or nobody such in it. Raises StewardError."""
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
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        told = principal if isinstance(principal, Mapping) else {"AWS": principal}
        yield from (one for one in _several(told.get("Service")) if _PRINCIPAL.fullmatch(one))
        if "*" in [one for values in told.values() for one in _several(values)]:
            yield from _by_anybody(statement)


def _by_anybody(statement: Mapping[str, Any]) -> Iterator[str]:
    """Anybody may invoke; where it is bound to ARNs, the services of those that do it so."""
    actions = _several(statement.get("Action"))
    if not any(fnmatchcase(ACTION, one.lower()) for one in actions):
        return
    sources: list[str] = []
    for operator, pairs in (statement.get("Condition") or {}).items():
        for key, values in pairs.items():
            if key.lower() not in _BOUND or "not" in operator.lower():
                return
            if key.lower() == "aws:sourcearn":
                sources += _several(values)
    if not sources or "*" in sources:
        yield "anybody (Principal *)"
    found = (_SOURCE.fullmatch(one) for one in sources)
    yield from (f"{one[1]} (Principal *)" for one in found if one)


def _several(told: Any) -> list[str]:
    """What IAM writes as one text or as a list of them."""
    return [told] if isinstance(told, str) else list(told or ())
