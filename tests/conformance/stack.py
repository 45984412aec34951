"""The template under parameters, with its values as far as they can be told, and altered copies."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedded.choices import choose
from embedded.handlers import automation_of, is_processor
from embedded.state_machines import definition
from embedded.template import Template, load
from steward.events import Automation
from tests.conformance.rendering import UNKNOWN
from tests.conformance.rendering import Template as Rendered

Properties = Mapping[str, Any]
Change = Callable[[dict[str, Any]], None]
"""Alters the resources of a translated template."""

RULE, QUEUE, ALARM = "AWS::Events::Rule", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"

_BEHIND = re.compile(r"\{(\w+)\}|<(\w+)\.\w+>")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function of the stack, with what its folder says of when to look."""

    id: str
    properties: Properties
    automation: Automation

    @property
    def name(self) -> str:
        return str(self.properties["FunctionName"])

    @property
    def role(self) -> str:
        """Its role's logical id."""
        return behind(self.properties["Role"])


class Stack:
    """The template under parameters; the stack's name is 'stack'.

    A value of a resource is told as ``{Id}``, ``arn:...{Id}`` or ``<Id.Attribute>``.
    """

    def __init__(self, template: Template, **parameters: str) -> None:
        choices = choose(template.translated, parameters)
        self.template = template
        self.parameters = choices.values
        document = choices.decided()
        self._rendered = Rendered(document)
        self.kinds = {name: str(one["Type"]) for name, one in document["Resources"].items()}
        self.properties: dict[str, Properties] = {
            name: self.told(one.get("Properties", {}))
            for name, one in document["Resources"].items()
        }

    def of(self, kind: str) -> dict[str, Properties]:
        """The resolved properties of a type's resources, by logical id."""
        return {name: one for name, one in self.properties.items() if self.kinds[name] == kind}

    def functions(self) -> Iterator[Deployed]:
        """Those with controls. Raises FileNotFoundError for a function that has no folder."""
        for name, folder in self.template.folders().items():
            if not is_processor(folder):
                yield Deployed(name, self.properties[name], automation_of(folder))

    def processors(self) -> Iterator[Deployed]:
        """Functions without controls, where the parameters ask for them."""
        for name, folder in self.template.folders().items():
            if is_processor(folder) and name in self.properties:
                label = folder.name.replace("_", "-")
                yield Deployed(name, self.properties[name], Automation(label, ()))

    def machines(self) -> dict[str, Properties]:
        """The definitions of state machines, by logical id."""
        return {name: definition(one) for name, one in self.of(STATE_MACHINE).items()}

    def queue_targets(self) -> Iterator[tuple[str, Properties, str]]:
        """Each rule that delivers to a queue, with the target and the queue."""
        for name, rule in self.of(RULE).items():
            for target in rule["Targets"]:
                queue = behind(target["Arn"])
                if self.kinds.get(queue) == QUEUE:
                    yield name, target, queue

    def mappings(self, function: str) -> list[Properties]:
        """The event source mappings that invoke a function."""
        found = self.of("AWS::Lambda::EventSourceMapping").values()
        return [one for one in found if behind(one["FunctionName"]) == function]

    def told(self, value: Any) -> Any:
        """A value with its intrinsic functions resolved; parameters have their values."""
        if isinstance(value, list):
            return [self.told(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
            return UNKNOWN.sub(self._parameter, self._rendered.text(value))
        return {name: self.told(one) for name, one in value.items()}

    def _parameter(self, found: re.Match[str]) -> str:
        return self.parameters.get(found[0][1:-1], found[0])


def behind(value: object) -> str:
    """The logical id of the resource that a told value is about; '' for none."""
    found = _BEHIND.search(str(value))
    return (found[1] or found[2]) if found else ""


def arn(kind: str, name: str) -> str:
    """How the ARN of the stack's resource is told, by 'sqs' or 'lambda' and its logical id."""
    form = {"lambda": "function:", "events": "rule/", "logs": "log-group:", "iam": "role/"}
    tail = ":*" if kind == "logs" else ""
    return f"arn:aws:{kind}:eu-west-1:111122223333:{form.get(kind, '')}{{{name}}}{tail}"


def differing(name: str, told: Properties, wanted: Properties) -> list[str]:
    """Which of the wanted properties a resource has otherwise, or not at all."""
    return [
        f"{name}: {key} is {told.get(key)!r}, should be {value!r}"
        for key, value in wanted.items()
        if told.get(key) != value
    ]


def texts(value: Any) -> list[str]:
    """One text or several, as a list."""
    return [value] if isinstance(value, str) else list(value)


def altered(*changes: Change) -> Template:
    """A copy of the template whose translated resources were changed."""
    template = load()
    translated: dict[str, Any] = copy.deepcopy(dict(template.translated))
    for change in changes:
        change(translated["Resources"])
    return Template(template.written, translated)


def put(name: str, *path: str | int, value: Any) -> Change:
    """Set a property, by the path to it."""

    def change(resources: dict[str, Any]) -> None:
        place: Any = resources[name]["Properties"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def without(name: str, *path: str | int) -> Change:
    """Take a property away; without a path, the whole resource."""

    def change(resources: dict[str, Any]) -> None:
        place: Any = resources
        for step in (name, "Properties", *path)[:-1] if path else ():
            place = place[step]
        del place[path[-1] if path else name]

    return change


def instead(name: str, old: str, new: str, *path: str | int) -> Change:
    """Another text in all the values below a property."""

    def replaced(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: replaced(one) for key, one in value.items()}
        if isinstance(value, list):
            return [replaced(one) for one in value]
        return value.replace(old, new) if isinstance(value, str) else value

    def change(resources: dict[str, Any]) -> None:
        place: Any = resources[name]
        for step in ("Properties", *path)[:-1]:
            place = place[step]
        last = path[-1] if path else "Properties"
        place[last] = replaced(place[last])

    return change
