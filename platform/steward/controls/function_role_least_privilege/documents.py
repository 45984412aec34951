"""Policy documents of IAM, as far as they allow something. Pure.

IAM's API tells a document as JSON in percent-encoding, SDKs and AWS Config as JSON or as what it
says; all of them are read. A statement that denies allows nothing, and is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from steward.controls.function_role_least_privilege.actions import is_any
from steward.errors import Invalid

LAMBDA = ("lambda.amazonaws.com", "lambda.amazonaws.com.cn")
"""Who takes a role so that a function has it."""

_POSITIVE = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
)


@dataclass(frozen=True, slots=True)
class Test:
    """One key of a statement's conditions, with what it is compared with, and how."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def is_positive(self) -> bool:
        """Whether the request has to have the key, with a value that is not just any.

        ...IfExists and ForAllValues: hold without the key; Null and Not... say what it is not.
        """
        operator = self.operator.lower().removeprefix("foranyvalue:")
        fixed = bool(self.values) and not any(is_any(value) for value in self.values)
        return operator in _POSITIVE and fixed


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement allows; ``not_actions`` and ``not_resources`` tell what it does not.

    They are None where the statement has none; one that leaves nothing out allows everything.
    """

    label: str
    """Its Sid, or its number in the document."""
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] | None = None
    tests: tuple[Test, ...] = ()


def statements(told: object) -> tuple[Statement, ...]:
    """The statements of a policy that allow something. Raises Invalid for no policy."""
    return tuple(
        Statement(
            str(one.get("Sid") or f"statement {number}"),
            _texts(one, "Action"),
            _texts(one, "NotAction") if "NotAction" in one else None,
            _texts(one, "Resource"),
            _texts(one, "NotResource") if "NotResource" in one else None,
            tuple(_tests(one)),
        )
        for number, one in _allowing(told)
    )


def trusts_lambda(told: object) -> bool:
    """Whether functions can take a role, by its trust policy. Raises Invalid for no policy."""
    return any(_lets_assume(one) and _lets_lambda(one) for _, one in _allowing(told))


def _lets_assume(statement: Mapping[str, Any]) -> bool:
    """By name, or because it is not among the actions that are left out."""
    asked = _texts(statement, "NotAction" if "NotAction" in statement else "Action")
    named = any(fnmatchcase("sts:assumerole", action.lower()) for action in asked)
    return named is not ("NotAction" in statement)


def _lets_lambda(statement: Mapping[str, Any]) -> bool:
    """Whoever is not left out is let, Lambda as well."""
    if "NotPrincipal" in statement:
        return not _is_lambda(statement["NotPrincipal"])
    return _is_lambda(statement.get("Principal"))


def _is_lambda(principal: object) -> bool:
    """Everyone, as '*', is Lambda, too; ``{"AWS": "*"}`` is everyone of all accounts alone."""
    services = _texts(principal, "Service") if isinstance(principal, Mapping) else ()
    return principal == "*" or any(one in LAMBDA for one in services)


def _allowing(told: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    document = _document(told)
    listed = document.get("Statement", [])
    if not isinstance(listed, Mapping | list):
        raise Invalid(f"policy document: Statement is {listed!r:.80}, allowed: objects")
    for number, one in enumerate([listed] if isinstance(listed, Mapping) else listed, 1):
        if not isinstance(one, Mapping):
            raise Invalid(f"policy document: statement {number} is no object")
        if one.get("Effect") == "Allow":
            yield number, one


def _document(told: object) -> Mapping[str, Any]:
    document = told
    if isinstance(told, str):
        text = told if told.lstrip()[:1] == "{" else unquote(told)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
    if not isinstance(document, Mapping):
        raise Invalid(f"policy document: is {told!r:.80}, allowed: an object of JSON")
    return document


def _tests(statement: Mapping[str, Any]) -> Iterator[Test]:
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, Mapping):
        raise Invalid(f"policy document: Condition is {conditions!r:.80}, allowed: an object")
    for operator, keys in conditions.items():
        if not isinstance(keys, Mapping):
            raise Invalid(f"policy document: {operator} is {keys!r:.80}, allowed: an object")
        for key in keys:
            yield Test(operator, key, _texts(keys, key))


def _texts(told: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """One text or several, as IAM takes both; numbers and truth values are texts to it."""
    value = told.get(name, [])
    several: Sequence[object] = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | bool | int | float) for one in several):
        raise Invalid(f"policy document: {name} is {value!r:.80}, allowed: texts")
    return tuple(str(one) for one in several)
