"""A template under given parameters: its conditions decided, its rules asserted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

NO_VALUE = {"Ref": "AWS::NoValue"}

REGION = "eu-west-1"

_REFERENCE = re.compile(r"\$\{(\w+)\}")


class ParameterError(ValueError):
    """A parameter that the template does not take, or a value that it does not allow."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Parameters with their defaults, and what they decide."""

    document: Document
    """The translated template."""
    values: Mapping[str, str]
    region: str = REGION
    """What AWS::Region is in conditions."""

    def decided(self) -> dict[str, Any]:
        """The template without ``Fn::If``, and without resources whose condition is false."""
        resources = {
            name: self._chosen(one)
            for name, one in self.document["Resources"].items()
            if "Condition" not in one or self._holds({"Condition": one["Condition"]})
        }
        left_out = ("Resources", "Rules")
        rest = {name: part for name, part in self.document.items() if name not in left_out}
        return {**rest, "Resources": resources}

    def _chosen(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if "Fn::If" in value:
                condition, yes, no = value["Fn::If"]
                return self._chosen(yes if self._holds({"Condition": condition}) else no)
            parts = {name: self._chosen(part) for name, part in value.items()}
            return {name: part for name, part in parts.items() if part != NO_VALUE}
        if isinstance(value, list):
            return [one for one in map(self._chosen, value) if one != NO_VALUE]
        return value

    def broken_rules(self) -> Iterator[str]:
        """What each rule says that these parameters break."""
        for rule in self.document.get("Rules", {}).values():
            if "RuleCondition" not in rule or self._holds(rule["RuleCondition"]):
                for assertion in rule["Assertions"]:
                    if not self._holds(assertion["Assert"]):
                        yield assertion["AssertDescription"]

    def _holds(self, condition: Document) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self.document["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return self._value(left) == self._value(right)
            case {"Fn::Not": [one]}:
                return not self._holds(one)
            case {"Fn::And": several}:
                return all(map(self._holds, several))
            case {"Fn::Or": several}:
                return any(map(self._holds, several))
        raise ParameterError(f"condition: is {condition}, which is not supported here")

    def _value(self, told: Any) -> str:
        match told:
            case {"Ref": "AWS::Region"}:
                return self.region
            case {"Ref": str(name)}:
                return self.values[name]
            case {"Fn::Sub": str(text)}:
                return _REFERENCE.sub(lambda found: self.values[found[1]], text)
            case {"Fn::Select": [place, {"Fn::Split": [mark, whole]}]}:
                parts = self._value(whole).split(mark)
                if int(place) < len(parts):
                    return parts[int(place)]
                raise ParameterError(f"Fn::Select: no part {place} of {len(parts)}")
            case Mapping():
                raise ParameterError(f"value: is {told}, which is not supported here")
        return str(told)


def choose(document: Document, parameters: Mapping[str, str], region: str = REGION) -> Choices:
    """The template under these parameters. Raises ParameterError."""
    known: Document = document["Parameters"]
    unknown = set(parameters) - set(known)
    if unknown:
        names = ", ".join(known)
        raise ParameterError(f"{min(unknown)}: is no parameter; allowed: {names}")
    values = {name: str(parameters.get(name, one.get("Default"))) for name, one in known.items()}
    for name, value in values.items():
        _check(name, value, known[name])
    choices = Choices(document, values, region)
    broken = next(choices.broken_rules(), None)
    if broken:
        raise ParameterError(broken)
    return choices


def _check(name: str, value: str, parameter: Document) -> None:
    allowed = [str(one) for one in parameter.get("AllowedValues", [value])]
    if value not in allowed:
        raise ParameterError(f"{name}: is {value!r}, allowed: {', '.join(allowed)}")
    if not re.fullmatch(parameter.get("AllowedPattern", ".*"), value):
        raise ParameterError(f"{name}: is {value!r}, allowed: {parameter['ConstraintDescription']}")
    if parameter["Type"] == "Number":
        low, high = parameter.get("MinValue", value), parameter.get("MaxValue", value)
        if not float(low) <= float(value) <= float(high):
            raise ParameterError(f"{name}: is {value}, allowed: {low} to {high}")
