"""What the template's functions, ledger and text must keep to; every check tells its problems."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from embedded.template import ROOT, Template
from steward.account import function_name
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import RULE, Deployed, Stack, behind, differing

FUNCTION_PROPERTIES: Mapping[str, Any] = {
    "Architectures": ["arm64"],
    "Handler": "handler.handler",
    "Runtime": "python3.13",
    "TracingConfig": {"Mode": "Active"},
}

TIMEOUTS = {"ComplianceReporter": 600, "ConfigReporter": 900}
"""Seconds, of a function that reads the whole ledger, and of one that reads all that AWS Config
holds of a rule; of all others 120."""

MAX_BODY = 1_000_000  # bytes of a template in a bucket (CloudFormation quotas)
MAX_RESOURCES = 400  # of 500 (the same), so that the next control still fits

_PLACES = re.compile(r"arn:aws[\w-]*:|(?<!\d)\d{12}(?!\d)|\b[a-z]{2}(-gov)?-[a-z]+-\d\b")


def folders(template: Template) -> list[str]:
    """Every folder of functions/, and config_rules/, is deployed once; what is has a folder."""
    there = {path for path in (ROOT / "functions").iterdir() if path.name != "__pycache__"}
    there |= {ROOT / "config_rules"}
    deployed = Counter(template.folders().values())
    lacking = [f"{path.name}: the folder is not deployed" for path in there - set(deployed)]
    absent = [f"{path.name}: is deployed, but is no folder" for path in set(deployed) - there]
    return lacking + absent + [f"{p.name}: is deployed twice" for p, n in deployed.items() if n > 1]


def functions(template: Template) -> list[str]:
    """Every function has the name its controls look for, and the properties of all functions."""
    stack = Stack(template, AllowWrites="false", **WHOLE)
    layers = list(stack.of("AWS::Lambda::LayerVersion"))
    found = []
    for one in [*stack.functions(), *stack.processors()]:
        names = {function_name("stack", control) for control in one.automation.controls}
        if names.union({f"stack-{one.automation.name}"}) != {one.name}:
            found.append(f"{one.id}: is called {one.name}, should be {', '.join(names)}")
        wanted = {**FUNCTION_PROPERTIES, "Timeout": TIMEOUTS.get(one.id, 120)}
        found += differing(one.id, one.properties, wanted)
        if [behind(layer) for layer in one.properties.get("Layers", [])] != layers:
            found.append(f"{one.id}: does not have the layer, and nothing else")
        found += _environment(one)
        found += _logs(stack, one)
    return found


def _environment(one: Deployed) -> list[str]:
    wanted = {
        "STEWARD_ALLOW_WRITES": "false",
        "STEWARD_LEDGER": "{Ledger}",
        "STEWARD_STACK": "stack",
    }
    return differing(one.id, one.properties["Environment"]["Variables"], wanted)


def _logs(stack: Stack, one: Deployed) -> Iterator[str]:
    """A function writes JSON to a log group of its own, which keeps it for a bounded time."""
    config = one.properties.get("LoggingConfig", {})
    group = stack.of("AWS::Logs::LogGroup").get(behind(config.get("LogGroup")), {})
    if config.get("LogFormat") != "JSON":
        yield f"{one.id}: does not log JSON"
    if group.get("LogGroupName") != f"/aws/lambda/{one.name}":
        yield f"{one.id}: does not log to a group /aws/lambda/{one.name} of the stack"
    elif not group.get("RetentionInDays"):
        yield f"{one.id}: its logs are kept for ever"


def roles(template: Template) -> list[str]:
    """Every function has a role, and none shares it."""
    stack = Stack(template, **WHOLE)
    users = Counter(one.role for one in [*stack.functions(), *stack.processors()])
    others = [one for kind in (RULE, "AWS::Scheduler::Schedule") for one in stack.of(kind).items()]
    taken = {role for role in users for _, one in others if f"{{{role}}}" in json.dumps(one)}
    shared = {role for role, count in users.items() if count > 1} | taken
    strangers = [role for role in users if stack.kinds.get(role) != "AWS::IAM::Role"]
    return [f"{role}: is the role of several" for role in sorted(shared)] + [
        f"{role or 'a function'}: its role is not of the stack" for role in strangers
    ]


def ledger(template: Template) -> list[str]:
    """The ledger is kept with the stack gone, can be restored, and forgets by itself."""
    wanted = {
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TableName": "stack-ledger",
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
    }
    table = template.translated["Resources"]["Ledger"]
    kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    found = differing("Ledger", table, kept)
    return found + differing("Ledger", Stack(template).properties["Ledger"], wanted)


def places(template: Template) -> list[str]:
    """Nothing names a partition, a Region or an account, or another stack's outputs."""
    resources = template.translated["Resources"]
    return [
        f"{name}: names {text}"
        for name, one in resources.items()
        for text in _named_places(json.dumps(one))
    ]


def _named_places(text: str) -> Iterator[str]:
    yield from sorted({found[0] for found in _PLACES.finditer(text)})
    if "Fn::ImportValue" in text:
        yield "another stack's output"


def size(template: Template) -> list[str]:
    """The template is one that CloudFormation takes."""
    found = []
    if len(json.dumps(template.translated)) >= MAX_BODY:
        found.append(f"has more than {MAX_BODY} bytes")
    if len(template.translated["Resources"]) >= MAX_RESOURCES:
        found.append(f"has {MAX_RESOURCES} resources or more")
    return found
