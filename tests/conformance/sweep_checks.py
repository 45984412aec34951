"""What the sweep's state machine and the functions' pace must keep to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from embedded.template import Template
from steward.account import shares_of
from steward.aws.quotas import UNPACED, group_of
from steward.controls import CONTROLS, function_of, taggable
from steward.errors import BadPolicy
from steward.model import Control
from tests.conformance.stack import RULE, STATE_MACHINE, Deployed, Stack, arn, behind, texts

SDK_NAMES = {"tag": "resourcegroupstaggingapi", "states": "stepfunctions"}
"""boto3's names of services that IAM calls otherwise."""

EVERYWHERE = frozenset(
    {
        "apigateway",
        "cloudformation",
        "cloudwatch.GetMetricData",
        "resourcegroupstaggingapi.GetResources",
    }
)
"""What controls of any group may use at once: its pace is for all of them together."""

ACROSS = frozenset({"stack-tags", "required-tags", "function-logging"})
"""Controls that use a little of many services: their group runs beside those of the services, and
their processes are counted against each quota like all others."""

HALF = 0.5
"""The part of a quota that all functions use together, at most."""

OF_AN_INBOX, OF_A_TIMER, OF_AN_OPERATOR = 2, 1, 1
"""Processes at once: batches of an inbox, a schedule's look, an operator's call."""


def quotas(control: Control[Any, Any]) -> set[str]:
    """The quotas that a control uses, by their groups; those of some services are by operation."""
    return {group_of(*one) for one in operations(control)}


def operations(control: Control[Any, Any]) -> set[tuple[str, str]]:
    """The paced requests of a control, by boto3's names of service and operation."""
    asked = (control.reads | control.writes) - {"iam:PassRole"}  # a right, and no request
    if "tag:TagResources" in asked:  # the tagging API sends them, on the caller's behalf
        asked -= {one for one in taggable.actions() if not one.startswith("iam:")}
    parts = (action.split(":") for action in asked)
    named = {(SDK_NAMES.get(prefix, prefix), operation) for prefix, operation in parts}
    return {one for one in named if one[0] not in UNPACED}


def groups(stack: Stack) -> Sequence[Mapping[str, Any]]:
    """The groups of the sweep's plan."""
    [sweep] = stack.machines().values()
    found: Sequence[Mapping[str, Any]] = sweep["States"]["Plan"]["Result"]["groups"]
    return found


def planned(template: Template) -> list[str]:
    """The plan has every control once, with the function that runs it."""
    stack = Stack(template)
    ids = {one.name: one.id for one in stack.functions()}
    told = [
        (one["control"], one["function"]) for group in groups(stack) for one in group["controls"]
    ]
    wanted = [
        (control.id, arn("lambda", ids.get(f"stack-{function_of(control)}", "?")))
        for control in CONTROLS
    ]
    lacking = [
        f"{control}: is not swept by {function}" for control, function in _minus(wanted, told)
    ]
    odd = [f"{control}: is swept by {function}" for control, function in _minus(told, wanted)]
    return lacking + odd


def _minus(some: Sequence[Any], others: Sequence[Any]) -> Iterator[Any]:
    left = list(others)
    for one in some:
        if one in left:
            left.remove(one)
        else:
            yield one


def separate(template: Template) -> list[str]:
    """Controls that share a quota are in one group, whose controls are swept one after another."""
    stack = Stack(template)
    used = {
        group["group"]: {
            quota
            for control in CONTROLS
            if control.id in {one["control"] for one in group["controls"]} - ACROSS
            for quota in quotas(control) - EVERYWHERE
        }
        for group in groups(stack)
    }
    [sweep] = stack.machines().values()
    inner = sweep["States"]["Groups"]["ItemProcessor"]["States"]["Controls"]
    found = [
        f"{one} and {other}: share {quota}"
        for one, other in combinations(used, 2)
        for quota in sorted(used[one] & used[other])
    ]
    if inner.get("MaxConcurrency") != 1:
        found.append("controls of a group are not swept one after another")
    return found


def definition(template: Template) -> list[str]:
    """The definition has no null, and repeats a step unless only a correction helps."""
    [sweep] = Stack(template).machines().values()
    found = [f"{path}: is null" for path in _nulls(sweep, "")]
    steps = [state for state in _states(sweep) if state["Type"] == "Task"]
    for step in steps:
        retries = step.get("Retry", [])
        first = retries[0] if retries else {}
        if "BadPolicy" not in first.get("ErrorEquals", []) or first.get("MaxAttempts") != 0:
            found.append("a bad policy is tried again")
        if "States.ALL" not in [error for one in retries for error in one["ErrorEquals"]]:
            found.append("a step that failed is not repeated")
        if ["States.ALL"] not in [one["ErrorEquals"] for one in step.get("Catch", [])]:
            found.append("a control that failed ends the sweep of the others")
    return found if steps else ["has no step"]


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    members = value.items() if isinstance(value, Mapping) else ()
    for name, one in enumerate(value) if isinstance(value, list) else members:
        yield from _nulls(one, f"{path}/{name}")


def _states(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in machine["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def starters(template: Template) -> list[str]:
    """The sweep may invoke the functions of its plan; who starts it may do that, and no more."""
    stack = Stack(template)
    [(sweep, properties)] = stack.of(STATE_MACHINE).items()
    functions = {one["function"] for group in groups(stack) for one in group["controls"]}
    found = _granted(stack, behind(properties["RoleArn"]), "lambda:InvokeFunction", functions)
    timers = [one["Target"] for one in stack.of("AWS::Scheduler::Schedule").values()]
    rules = [target for rule in stack.of(RULE).values() for target in rule["Targets"]]
    starts = [one for one in timers + rules if behind(one["Arn"]) == sweep]
    if not {one["Arn"] for one in timers}.intersection(one["Arn"] for one in starts):
        found.append("no schedule starts the sweep")
    for role in {behind(one["RoleArn"]) for one in starts}:
        mine = [one for one in starts if behind(one["RoleArn"]) == role]
        found += _granted(stack, role, "states:StartExecution", {one["Arn"] for one in mine})
        lost = {one.get("DeadLetterConfig", {}).get("Arn", "nowhere") for one in mine}
        found += _granted(stack, role, "sqs:SendMessage", lost)
    return found


def _granted(stack: Stack, role: str, action: str, wanted: set[str]) -> list[str]:
    statements = [
        statement
        for policy in stack.properties[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    told = {
        resource
        for statement in statements
        if action in texts(statement["Action"])
        for resource in texts(statement["Resource"])
    }
    return [f"{role}: {action} on {one}" for one in sorted(told ^ wanted)]


def pace(template: Template) -> list[str]:
    """All processes that can run at once use half of each quota at most; every share is told."""
    stack = Stack(template)
    used: dict[str, float] = defaultdict(float)
    found: list[str] = []
    for one in stack.functions():
        text = one.properties["Environment"]["Variables"].get("STEWARD_PACE", "{}")
        try:
            rest, shares = shares_of(text)
        except BadPolicy as error:
            found.append(f"{one.id}: {error}")
            continue
        named = {service for service, _ in _operations(one)}
        found += [
            f"{one.id}: STEWARD_PACE does not name {service}"
            for service in sorted(named - set(shares))
        ]
        by_group = {group_of(*operation): operation[0] for operation in _operations(one)}
        for group, service in by_group.items():
            share = shares.get(group, shares.get(service, rest))
            used[group] += share * _processes(stack, one)
    return found + [
        f"{group}: {share:.3f} of its quota is used at once"
        for group, share in used.items()
        if share > HALF + 1e-9
    ]


def _operations(one: Deployed) -> set[tuple[str, str]]:
    """Service and operation of every paced request; every function reads policies and audits."""
    found = {("ssm", "GetParameters"), ("logs", "CreateLogStream"), ("logs", "PutLogEvents")}
    for control in one.automation.controls:
        found |= operations(control)
    return found


def _processes(stack: Stack, one: Deployed) -> int:
    """Steps of a sweep run at once in different groups."""
    function = arn("lambda", one.id)
    steps = sum(function in [c["function"] for c in g["controls"]] for g in groups(stack))
    timers = [timer["Target"]["Arn"] for timer in stack.of("AWS::Scheduler::Schedule").values()]
    besides = OF_AN_INBOX * len(stack.mappings(one.id)) + OF_A_TIMER * timers.count(function)
    return besides + steps + OF_AN_OPERATOR
