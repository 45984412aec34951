"""What the template says of the controls' policies must fit their schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from embedded.choices import ParameterError, choose
from embedded.patterns import Pattern
from embedded.template import Template, substituted
from steward.aws.parameters import defaults_name, policy_name, stop_name
from steward.controls import CONTROLS
from steward.errors import BadPolicy
from steward.model import Control, Mode
from steward.policy import load, schema
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import RULE, STATE_MACHINE, Stack, behind

Parameter = Mapping[str, Any]

OF_THE_STACK = {
    "alarm_prefix",
    "filter_prefix",
    "kept_layers",
    "own_functions",
    "repeated",
    "stack_prefixes",
}
"""Fields whose defaults name the stack."""

NEEDED = {
    "FunctionLayersMode": {"FunctionLayerArns": "arn:aws:lambda:a:111122223333:layer:b:1"},
    "LogSubscriptionMode": {"LogDestinationArn": "arn:aws:lambda:a:111122223333:function:b"},
}
"""What else a mode's parameter needs, so that only its ceiling is in question."""

_FIELD = re.compile(r'"([\w-]+)":\s*"?\$\{(\w+)\}')
_MODES = [mode.value for mode in Mode]


def defaults(template: Template) -> list[str]:
    """Every control has a parameter of defaults, and as deployed they are the schema's."""
    told = _defaults(Stack(template))
    found = [f"{control.id}: has no defaults" for control in CONTROLS if control.id not in told]
    for control in CONTROLS:
        try:
            document = json.loads(told.get(control.id, "{}"))
            load(control, document)
        except (ValueError, BadPolicy) as error:
            found.append(f"{control.id}: {error}")
            continue
        fields = schema(control.id)["properties"]
        found += [
            f"{control.id}: {name} is {value}, in the schema {fields[name]['default']}"
            for name, value in document.items()
            if value != fields[name]["default"] and name not in OF_THE_STACK
        ]
    return found


def own_functions(template: Template) -> list[str]:
    """function-layers leaves all of the stack's own functions alone, by their names."""
    stack = Stack(template, **WHOLE)
    told = set(json.loads(_defaults(stack)["function-layers"])["own_functions"])
    names = {str(one["FunctionName"]) for one in stack.of("AWS::Lambda::Function").values()}
    return [f"function-layers: own_functions: {name}" for name in sorted(told ^ names)]


def starts(template: Template) -> list[str]:
    """What policies are made of starts a sweep when it changes, and nothing else does."""
    stack = Stack(template)
    [sweep] = stack.of(STATE_MACHINE)
    rules = [
        Pattern(rule["EventPattern"])
        for rule in stack.of(RULE).values()
        if sweep in [behind(target["Arn"]) for target in rule["Targets"]]
    ]
    return [
        f"{name}: {operation} starts {'no sweep' if wanted else 'a sweep'}"
        for name, operation, wanted in _edits()
        if any(rule.matches(_edit(name, operation)) for rule in rules) != wanted
    ]


def _edits() -> Iterator[tuple[str, str, bool]]:
    """Parameters, what becomes of them, and whether a sweep has to see it."""
    for operation in ("Create", "Update", "Delete"):
        for control in CONTROLS:
            yield policy_name("stack", control.id), operation, True
            yield policy_name("stock", control.id), operation, False
        yield stop_name("stack"), operation, True
    for control in CONTROLS:
        yield defaults_name("stack", control.id), "Update", True
        yield defaults_name("stack", control.id), "Create", False  # one of the version is enough
    yield "/stack/version", "Create", True
    yield "/stack/version", "Update", True


def _edit(name: str, operation: str) -> Mapping[str, Any]:
    """An event of Parameter Store (Systems Manager User Guide)."""
    detail = {"name": name, "operation": operation, "type": "String", "description": ""}
    return {"source": "aws.ssm", "detail-type": "Parameter Store Change", "detail": detail}


def _defaults(stack: Stack) -> dict[str, str]:
    """The text of each control's defaults."""
    names = {defaults_name("stack", control.id): control.id for control in CONTROLS}
    parameters = stack.of("AWS::SSM::Parameter").values()
    return {names[one["Name"]]: one["Value"] for one in parameters if one["Name"] in names}


def choices(template: Template) -> list[str]:
    """A parameter of the template takes what the field of the policy takes that it is for."""
    found = []
    for control, field, name in _fields(template):
        parameter = template.translated["Parameters"][name]
        wanted = _allowed(control, field, _ceilings(template).get(control.id, ""))
        if (told := _told(parameter)) != wanted:
            found.append(f"{name}: takes {told}, {control.id}.{field} {wanted}")
    return found


def _fields(template: Template) -> Iterator[tuple[Control[Any, Any], str, str]]:
    """Each field of a control's policy that a parameter decides."""
    for control in CONTROLS:
        for one in template.of_type("AWS::SSM::Parameter").values():
            name, value = one["Properties"]["Name"], one["Properties"]["Value"]
            if name == {"Fn::Sub": defaults_name("${AWS::StackName}", control.id)}:
                told = _FIELD.findall(substituted(value))
                known = template.translated["Parameters"]
                yield from ((control, field, by) for field, by in told if by in known)


def _told(parameter: Parameter) -> list[str]:
    if "AllowedValues" in parameter:
        return [str(value) for value in parameter["AllowedValues"]]
    return [f"{parameter.get('MinValue')} to {parameter.get('MaxValue')}"]


def _allowed(control: Control[Any, Any], field: str, ceiling: str) -> list[str]:
    part = schema(control.id)["properties"][field]
    if field == "mode":
        return _upto(ceiling) if ceiling in _MODES else _MODES
    if part.get("type") == "boolean":
        return ["true", "false"]
    if "enum" in part:
        return [str(value) for value in part["enum"] if value is not None]
    return [f"{part.get('minimum')} to {part.get('maximum')}"]


def _upto(ceiling: str) -> list[str]:
    return _MODES[: _MODES.index(ceiling) + 1]


def _ceilings(template: Template) -> dict[str, str]:
    """A control's highest mode, or the name of the parameter that says it."""
    found: dict[str, str] = {}
    for one in template.of_type("AWS::Lambda::Function").values():
        told = one["Properties"]["Environment"]["Variables"].get("STEWARD_CEILINGS", "{}")
        text = told["Fn::Sub"] if isinstance(told, Mapping) else told
        found |= json.loads(re.sub(r"\$\{(\w+)\}", r"\1", text))
    return found


def ceilings(template: Template) -> list[str]:
    """Every function knows each control's ceiling, and no default may exceed it."""
    stack = Stack(template)
    wanted = {control.id for control in CONTROLS}
    found = []
    for one in stack.functions():
        text = one.properties["Environment"]["Variables"].get("STEWARD_CEILINGS", "{}")
        told = json.loads(text)
        found += [f"{one.id}: has no ceiling of {name}" for name in sorted(wanted - set(told))]
        found += [
            f"{one.id}: the ceiling of {name} is {mode}"
            for name, mode in told.items()
            if name not in wanted or mode not in _MODES
        ]
    by = {control.id: name for control, field, name in _fields(template) if field == "mode"}
    for control, ceiling in _ceilings(template).items():
        if ceiling not in _MODES:
            found += _rules(template, by[control], ceiling)
    return found


def _rules(template: Template, mode: str, ceiling: str) -> Iterator[str]:
    """The template's rules refuse just the modes above the ceiling."""
    for wanted, highest in product(_MODES, _MODES):
        if wanted not in _taken(template, mode) or highest not in _taken(template, ceiling):
            continue
        try:
            needed = NEEDED.get(mode, {})
            choose(template.translated, {mode: wanted, ceiling: highest, **needed})
            refused = False
        except ParameterError:
            refused = True
        if refused == (wanted in _upto(highest)):
            yield f"{mode}: {wanted} is {'refused' if refused else 'taken'} below {highest}"


def _taken(template: Template, parameter: str) -> Sequence[str]:
    return _told(template.translated["Parameters"][parameter])
