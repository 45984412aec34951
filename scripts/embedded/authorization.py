"""Policies of roles, judged as IAM documents it, and which of their grants were used.

Whatever a policy contains that is not known here is refused with PolicyError, so that nothing is
allowed because it was not understood.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from embedded.requirements import Requirement

Context = Mapping[str, Sequence[str]]
"""Values of condition keys in a request; (): the request does not have the key."""

Comparison = Callable[[str, str], bool]


class PolicyError(ValueError):
    """A policy that is malformed, or has what this module cannot judge."""


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(one) or re.escape(one) for one in pattern), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what '*' (any characters) and '?' (one) stand for; case counts."""
    return _expression(pattern).fullmatch(text) is not None


def _arn_matches(pattern: str, arn: str) -> bool:
    """Part by part, as ArnLike and ArnEquals alike compare."""
    wanted, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(parts) and all(map(matches, wanted, parts))


_COMPARISONS: Mapping[str, Comparison] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": matches,
    "ArnEquals": _arn_matches,
    "ArnLike": _arn_matches,
}

_SINGLE = (
    "aws:requestedregion",
    "aws:sourceaccount",
    "aws:sourcearn",
    "cloudwatch:namespace",
    "iam:passedtoservice",
    "kms:viaservice",
)
_MULTIPLE = ("aws:tagkeys", "aws:calledvia", "dynamodb:leadingkeys", "lambda:layer")
_FAMILY = "aws:resourcetag/"


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of one operator; all conditions of a statement must hold."""

    key: str  # in lower case: IAM does not tell cases apart
    quantifier: str  # "", ForAllValues or ForAnyValue
    comparison: str
    negated: bool
    values: tuple[str, ...]

    @classmethod
    def parse(cls, operator: str, key: str, values: Any) -> Self:
        """Raises PolicyError for operators and keys that are not known."""
        quantifier, _, name = operator.rpartition(":")
        comparison = name.replace("Not", "", 1)
        known = key.lower()
        if comparison not in _COMPARISONS or quantifier not in ("", "ForAllValues", "ForAnyValue"):
            raise PolicyError(f"condition operator {operator} is not supported")
        if known not in (*_SINGLE, *_MULTIPLE) and not known.startswith(_FAMILY):
            raise PolicyError(f"condition key {key} is not supported")
        if (known in _MULTIPLE) != bool(quantifier):
            raise PolicyError(f"{operator} on {key}: ForAllValues and ForAnyValue are for lists")
        return cls(known, quantifier, comparison, "Not" in name, _texts(values))

    def holds(self, context: Context) -> bool:
        """Raises PolicyError if the context does not tell about the key."""
        if self.key not in context:
            raise PolicyError(f"condition key {self.key}: the request's context does not tell it")
        judged = [self._agrees(value) for value in context[self.key]]
        if self.quantifier == "ForAllValues":
            return all(judged)
        return any(judged) or (self.negated and not self.quantifier and not judged)

    def _agrees(self, value: str) -> bool:
        compare = _COMPARISONS[self.comparison]
        return any(compare(wanted, value) for wanted in self.values) != self.negated


_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a role's policy; ``sid`` is '#0' for the first without a Sid."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    other_actions: bool  # NotAction: all but those
    resources: tuple[str, ...]
    other_resources: bool
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any], index: int = 0) -> Self:
        """Raises PolicyError."""
        if unknown := set(document) - _ELEMENTS:
            raise PolicyError(f"element {', '.join(sorted(unknown))} is not supported")
        if document.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError(f"Effect is {document.get('Effect')!r}, allowed: Allow, Deny")
        actions, other_actions = _either(document, "Action")
        resources, other_resources = _either(document, "Resource")
        return cls(
            sid=document.get("Sid") or f"#{index}",
            allows=document["Effect"] == "Allow",
            actions=actions,
            other_actions=other_actions,
            resources=resources,
            other_resources=other_resources,
            conditions=tuple(
                Condition.parse(operator, key, values)
                for operator, keys in document.get("Condition", {}).items()
                for key, values in keys.items()
            ),
        )

    def covers(self, action: str, arn: str, context: Context) -> bool:
        """Whether the statement is about the action on the resource, in this context."""
        return (
            any(names(one, action) for one in self.actions) != self.other_actions
            and any(matches(one, arn) for one in self.resources) != self.other_resources
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """An identity-based policy's statements."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Raises PolicyError."""
        if document.get("Version") != "2012-10-17":
            raise PolicyError(f"Version is {document.get('Version')!r}, allowed: 2012-10-17")
        listed = document["Statement"]
        listed = [listed] if isinstance(listed, Mapping) else listed
        return cls(tuple(Statement.parse(one, index) for index, one in enumerate(listed)))


@dataclass(frozen=True, slots=True)
class Decision:
    """IAM's answer; ``statement`` is the Sid that decided, '' if none grants the call."""

    allowed: bool
    statement: str
    reason: str


def decide(
    policies: Iterable[Policy], requirement: Requirement, context: Context | None = None
) -> Decision:
    """Deny goes before Allow, and each of the requirement's resources must be allowed.

    ``context`` is what the request does not tell: tags of the resource, a table's leading keys.
    Raises PolicyError for a condition on what neither tells.
    """
    statements = [statement for policy in policies for statement in policy.statements]
    action, known = requirement.action, _known(requirement, context)
    decided = ""
    for arn in requirement.resource_arns:
        if denying := _first(statements, action, arn, known, allows=False):
            reason = f"{action} on {arn} is denied by {denying.sid}"
            return Decision(allowed=False, statement=denying.sid, reason=reason)
    for arn in requirement.resource_arns:
        allowing = _first(statements, action, arn, known, allows=True)
        if allowing is None:
            reason = f"no statement allows {action} on {arn}"
            return Decision(allowed=False, statement="", reason=reason)
        decided = allowing.sid
    return Decision(allowed=True, statement=decided, reason=f"{action} is allowed by {decided}")


def _first(
    statements: Iterable[Statement], action: str, arn: str, known: Context, *, allows: bool
) -> Statement | None:
    of_effect = (statement for statement in statements if statement.allows is allows)
    return next((one for one in of_effect if one.covers(action, arn, known)), None)


BY_AWS = frozenset(
    {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""What Lambda and its event source mappings do with a function's role, without the function."""


class Gate:
    """What every role asked for, and the grants that nothing asked for."""

    def __init__(self) -> None:
        self._recorded: dict[str, set[tuple[Requirement, tuple[tuple[str, tuple[str, ...]], ...]]]]
        self._recorded = defaultdict(set)

    def record(self, role: str, requirement: Requirement, context: Context | None = None) -> None:
        known = _known(requirement, context)
        facts = tuple((key, tuple(values)) for key, values in sorted(known.items()))
        self._recorded[role].add((requirement, facts))

    def refused(self, role: str, policies: Iterable[Policy]) -> Sequence[str]:
        """Why calls of the role are not granted by the policies, sorted."""
        judged = [decide(policies, asked, dict(known)) for asked, known in self._recorded[role]]
        return sorted({decision.reason for decision in judged if not decision.allowed})

    def unused(self, role: str, policies: Iterable[Policy]) -> list[tuple[str, str]]:
        """Sid and action of grants that no recorded call used, and that AWS itself does not use.

        A grant through another service (kms:ViaService) is that service's to use.
        """
        return [
            (statement.sid, action)
            for policy in policies
            for statement in policy.statements
            if statement.allows and all(one.key != "kms:viaservice" for one in statement.conditions)
            for action in statement.actions
            if action not in BY_AWS and not self._used(role, statement, action)
        ]

    def _used(self, role: str, statement: Statement, action: str) -> bool:
        return any(
            names(action, asked.action) and statement.covers(asked.action, arn, dict(known))
            for asked, known in self._recorded[role]
            for arn in asked.resource_arns
        )


def names(pattern: str, action: str) -> bool:
    """Whether a policy's action stands for an action; case does not count."""
    return matches(pattern.lower(), action.lower())


def _known(requirement: Requirement, context: Context | None) -> dict[str, Sequence[str]]:
    told = {**dict(requirement.facts), **(context or {})}
    return {key.lower(): values for key, values in told.items()}


def _either(document: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """An element's values, and whether it was the one that begins with Not."""
    if (name in document) == (f"Not{name}" in document):
        raise PolicyError(f"exactly one of {name} and Not{name} is needed")
    return _texts(document.get(name, document.get(f"Not{name}"))), name not in document


def _texts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    for text in listed:
        if not isinstance(text, str) or not text:
            raise PolicyError(f"is {text!r}, should be a text")
        if "${" in text:
            raise PolicyError(f"{text}: policy variables are not supported")
    return tuple(listed)
