"""A translated template's values before there is a stack, with made-up ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

UNKNOWN = re.compile(r"<[^>]*>")
"""What stands for a value that nobody can know, such as a parameter's."""

_PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:eu-west-1:111122223333:table/{}",
    "AWS::Events::Rule": "events:eu-west-1:111122223333:rule/{}",
    "AWS::IAM::ManagedPolicy": "iam::111122223333:policy/{}",
    "AWS::IAM::Role": "iam::111122223333:role/{}",
    "AWS::Kinesis::Stream": "kinesis:eu-west-1:111122223333:stream/{}",
    "AWS::Lambda::Function": "lambda:eu-west-1:111122223333:function:{}",
    "AWS::Logs::LogGroup": "logs:eu-west-1:111122223333:log-group:{}:*",
    "AWS::SNS::Topic": "sns:eu-west-1:111122223333:{}",
    "AWS::SQS::Queue": "sqs:eu-west-1:111122223333:{}",
    "AWS::StepFunctions::StateMachine": "states:eu-west-1:111122223333:stateMachine:{}",
}
"""ARNs of resource types, as Fn::GetAtt gives them."""

_REF_IS_ARN = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")

_ROLE_PROPERTIES = ("ExecutionRoleArn", "Role", "RoleARN", "RoleArn")


class Template:
    """Resources by logical id, with their values as far as they can be told."""

    def __init__(self, translated: Mapping[str, Any]) -> None:
        self._resources: Mapping[str, Any] = translated["Resources"]
        self._intrinsics: Mapping[str, Callable[[Any], str]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._substituted,
            "Fn::Join": lambda asked: asked[0].join(self.text(part) for part in asked[1]),
            "Fn::If": lambda asked: self.text(asked[1]),
            "Fn::Split": lambda asked: self.text(asked[1]),  # a list as it was written
        }

    def of_types(self, *kinds: str) -> list[str]:
        return [name for name, one in self._resources.items() if one["Type"] in kinds]

    def properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._resources[name].get("Properties", {})
        return found

    def choices(self, value: Any) -> list[Any]:
        """What a value or a list of values may be: each branch of Fn::If, without NoValue."""
        if value is None or value == {"Ref": "AWS::NoValue"}:
            return []
        if isinstance(value, list):
            return [choice for one in value for choice in self.choices(one)]
        if isinstance(value, Mapping) and "Fn::If" in value:
            return self.choices(value["Fn::If"][1:])
        return [value]

    def texts(self, value: Any) -> list[str]:
        return [self.text(choice) for choice in self.choices(value)]

    def text(self, value: Any) -> str:
        """One text; raises ValueError for an intrinsic that is not known."""
        if isinstance(value, str):
            return value
        for name, told in self._intrinsics.items():
            if isinstance(value, Mapping) and name in value:
                return told(value[name])
        raise ValueError(f"cannot tell the text of {value}")

    def is_own(self, policy: Any) -> bool:
        """Whether a policy that a role attaches is one of the template's."""
        return isinstance(policy, Mapping) and policy.get("Ref") in self._resources

    def policies_of(self, role: str) -> list[str]:
        """The role itself and the template's policies that are attached to it, from either side."""
        attached = self.choices(self.properties(role).get("ManagedPolicyArns"))
        own = [policy["Ref"] for policy in attached if self.is_own(policy)]
        attaching = [
            name
            for name in self.of_types("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            if {"Ref": role} in self.choices(self.properties(name).get("Roles"))
        ]
        return [role, *own, *attaching]

    def users_of(self, role: str) -> set[str]:
        """Types of the resources that name a role as theirs."""
        wanted = ({"Fn::GetAtt": [role, "Arn"]}, {"Fn::GetAtt": f"{role}.Arn"})
        return {
            one["Type"]
            for one in self._resources.values()
            if any(value in wanted for value in _roles_in(one.get("Properties", {})))
        }

    def _ref(self, name: str) -> str:
        if name not in self._resources:
            return _PSEUDO.get(name, f"<{name}>")
        is_arn = self._resources[name]["Type"] in _REF_IS_ARN
        return self._attribute([name, "Arn"]) if is_arn else f"{{{name}}}"

    def _attribute(self, asked: Any) -> str:
        name, attribute = asked.split(".", 1) if isinstance(asked, str) else asked
        form = _ARNS.get(self._resources[name]["Type"])
        if form is None or attribute != "Arn":
            return f"<{name}.{attribute}>"
        return f"arn:aws:{form.format(f'{{{name}}}')}"

    def _substituted(self, asked: Any) -> str:
        form, values = (asked, {}) if isinstance(asked, str) else asked

        def told(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return self.text(values[name])
            return self._attribute(name) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^}]+)\}", told, form)


def _roles_in(value: Any) -> Iterator[Any]:
    """Values of all properties that name a role, at any depth."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from [one] if name in _ROLE_PROPERTIES else _roles_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _roles_in(one)


@cache
def overlap(one: str, other: str) -> bool:
    """Whether there is a text that both of two patterns with '*' and '?' match."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and overlap(one[1:], other[1:])
