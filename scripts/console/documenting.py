"""docs/controls.md: every control as its code, its policy's schema and the template have it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import getmodule
from pathlib import Path
from typing import Any

from console.explaining import allowed
from console.generated import keep
from console.session import LOG_SHIPPER
from embedded.handlers import automation_of, is_processor
from embedded.template import ROOT, load, substituted
from steward.aws.quotas import RATES, UNLISTED, UNPACED, group_of
from steward.controls import CONTROLS, function_of, taggable
from steward.evaluate import COMMON_CODES
from steward.events import Automation
from steward.model import Control, Mode
from steward.policy import schema

FILE = ROOT / "docs" / "controls.md"

MANY = 8
"""Allowed values that are told once; where they are allowed again, the field is named instead."""

_INTRODUCTION = """\
# Controls

<!-- scripts/docs writes this file from the code; a test holds it to that. -->

What each control looks at, how it judges, what it may call, and every field of its policy. A policy
is one JSON object; where it stands is told in [operations](operations.md#policies). A field that it
does not have comes from the stack's parameter that is named beside it, else from the default.

Requests are paced: all functions together use at most half of a quota, and a process of a function
the part that is named beside it. The console uses half of each quota, or what `--pace` says."""

COLUMNS = ("field", "allowed", "default", "set by", "meaning")
"""Of the table of a policy's fields."""

REQUIRED = "required"
"""In the place of a default."""

_COMMON = """\
## Codes of every control

Beside its own codes a control's finding may have one of these."""

_SHIPPER = """\
## log-shipper

The policy of the [log pipeline](operations.md#log-shipping)'s function, which is no control. It is
put as any other policy; where log events go is the template's to say."""

_SERVICES = {"states": "stepfunctions", "tag": "resourcegroupstaggingapi"}
"""Names of APIs where IAM's name of the service is another."""

_TAGS = "tag:TagResources"
"""Whoever may do this has the services' own tagging actions for it, and sends none of them."""

_SET_BY = re.compile(r'"(\w+)": "?\$\{(\w+)\}')
_PUNCTUATION = re.compile(r"[|<>]")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a policy, or of an object in one: ``rules[].days``."""

    path: str
    allowed: str
    default: str
    meaning: str


def document() -> str:
    """The whole text of docs/controls.md."""
    parts = [_INTRODUCTION, table(("control", "what is right", "mode", "changes"), _index())]
    parts += [part for control in CONTROLS for part in _section(control)]
    parts += [_SHIPPER, table(COLUMNS, _policy(LOG_SHIPPER, {}))]
    return "\n\n".join([*parts, _COMMON, _codes(COMMON_CODES)]) + "\n"


def main(arguments: Sequence[str] | None = None, file: Path = FILE) -> int:
    """Write the file, or say with ``--check`` whether it is fresh; the exit code."""
    return keep(arguments, "scripts/docs", document(), file)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _index() -> Iterator[Sequence[str]]:
    for control in CONTROLS:
        mode = schema(control.id)["properties"]["mode"]["default"]
        changes = "yes" if control.writes else "no: it only reports"
        yield f"[{control.id}](#{control.id})", control.title, _code(mode), changes


def _section(control: Control[Any, Any]) -> Iterator[str]:
    yield f"## {control.id}"
    yield f"{control.title}."
    yield table(("", ""), _facts(control))
    yield "Codes:"
    yield _codes(control.codes)
    yield "Requests:"
    yield table(("IAM action", "for", "AWS's quota", "one process uses"), _requests(control))
    yield "Policy:"
    yield table(COLUMNS, _policy(control.id, _parameters(control)))


def _facts(control: Control[Any, Any]) -> Iterator[Sequence[str]]:
    yield "severity", control.severity.value
    yield "looks at", ", ".join(map(_code, control.kinds))
    yield "run by", f"the function {_code(f'STACK-{function_of(control)}')}"
    yield "at once after", _events(control)
    yield "and in", f"every sweep of the stack; {_code(f'steward sweep {control.id}')}"
    yield "reading", _text(str(getmodule(control.discover).__doc__))
    yield "destructive", "yes" if control.destructive else "no"
    yield "highest mode", _ceiling(control)
    yield "costs", _text(control.monthly_cost)


def _events(control: Control[Any, Any]) -> str:
    """What makes the control look at a resource at once, or more often than sweeps."""
    told = [
        f"{', '.join(map(_code, calls))} of {_code(source)}, by CloudTrail"
        for automation in _automations()
        if control in automation.prompt
        for source, events in automation.by_source().items()
        if (calls := sorted(call for call in events if automation.looks(control, call)))
    ]
    told += [
        f"{_code(kind)} of {_code(native.source)}, by itself"
        for automation in _automations()
        if control in automation.prompt
        for kind, native in automation.natives.items()
    ]
    timers = [
        f"{_code(one['Properties']['ScheduleExpression'])} at what the stack made itself"
        for one in load().of_type("AWS::Scheduler::Schedule").values()
        if f'"{control.id}"' in substituted(one["Properties"]["Target"]["Input"])
    ]
    return "; ".join([*(told or ["no event"]), *timers])


@cache
def _automations() -> Sequence[Automation]:
    folders = load().folders().values()
    return [automation_of(folder) for folder in folders if not is_processor(folder)]


def _codes(codes: Mapping[str, str]) -> str:
    return table(("code", "meaning"), [(_code(code), _text(told)) for code, told in codes.items()])


def _requests(control: Control[Any, Any]) -> Iterator[Sequence[str]]:
    for purpose, actions in (("reading", control.reads), ("changing", control.writes)):
        for action in sorted(actions):
            service, _, operation = action.partition(":")
            if action == "iam:PassRole":
                yield _code(action), purpose, "no request", ""
                continue
            if _TAGS in actions and action in taggable.actions() and service != "iam":
                yield _code(action), purpose, "by the tagging API", ""
                continue
            service = _SERVICES.get(service, service)
            if service in UNPACED:
                yield _code(action), purpose, "not paced", ""
                continue
            group, pace = group_of(service, operation), _variable("STEWARD_PACE")
            if not group:
                yield _code(action), purpose, "far above what is sent", "not paced"
                continue
            rate = RATES.get(group, UNLISTED)
            share = rate * float(pace.get(group, pace[service]))
            yield _code(action), purpose, f"{rate:g}/s", f"{share:g}/s"


def _policy(name: str, parameters: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """The fields of a policy; of some of them, a parameter of the template sets the default."""
    shown: dict[str, str] = {}
    for field in _fields(schema(name)):
        values = field.allowed
        if values.count(" ") >= MANY:
            plain = values.removeprefix("null ")
            known = shown.setdefault(plain, field.path)
            if known != field.path:
                values = f"as {_code(known)}{', or ' + _code('null') * (plain != values)}"
        by, default = parameters.get(field.path, ""), field.default
        default = default if default == REQUIRED else _code(default)
        yield _code(field.path), _text(values), default, _code(by), _text(field.meaning)


def _fields(part: Mapping[str, Any], above: str = "") -> Iterator[Field]:
    """The fields of an object, of those in it and in its lists, in the schema's order."""
    for name, inner in part.get("properties", {}).items():
        path = f"{above}{name}"
        default = json.dumps(inner["default"]) if "default" in inner else ""
        default = REQUIRED if name in part.get("required", ()) else default
        yield Field(path, _limits(inner), default, inner.get("description", ""))
        yield from _fields(inner, f"{path}.")
        yield from _fields(inner.get("items", {}), f"{path}[].")


def _limits(part: Mapping[str, Any]) -> str:
    """What a part allows, with its bounds: ``integer or null, 0 to 730``."""
    told = allowed(part)
    if "enum" in part:
        return told
    items = part.get("items", {})
    if "minLength" in items or "enum" in items:
        told = f"{told} of {_limits(items)}"
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None:
        told += f", {low} to {high}" if high is not None else f", {low} or more"
    if "maxLength" in part:
        told += f", {part.get('minLength', 0)} to {part['maxLength']} characters"
    return told


def _parameters(control: Control[Any, Any]) -> Mapping[str, str]:
    """By field of the policy, the template's parameter that sets its default."""
    for one in load().written["Resources"].values():
        name = one.get("Properties", {}).get("Name")
        if one["Type"] == "AWS::SSM::Parameter" and str(name).endswith(f"/{control.id}'}}"):
            told = _SET_BY.findall(substituted(one["Properties"]["Value"]))
            return {field: by for field, by in told if by in load().written["Parameters"]}
    return {}


def _ceiling(control: Control[Any, Any]) -> str:
    told = str(_variable("STEWARD_CEILINGS").get(control.id, Mode.ENFORCE.value))
    parameter = told.removeprefix("${").removesuffix("}")
    return _code(told) if parameter == told else f"as {_code(parameter)} of the template says"


def _variable(name: str) -> Mapping[str, Any]:
    """A variable that the template gives to all functions, before anything is filled in."""
    told = load().written["Globals"]["Function"]["Environment"]["Variables"][name]
    found: Mapping[str, Any] = json.loads(told if isinstance(told, str) else told["Fn::Sub"])
    return found


def _code(text: str) -> str:
    """Text as it is, in a cell."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def _text(text: str) -> str:
    """Words in a cell; what would be markup is not."""
    return _PUNCTUATION.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main())
