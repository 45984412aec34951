"""The sweep's plan, the functions' pace and the policies' defaults fit the controls."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from console.version import VERSION
from embedded.template import Template, load
from steward.aws.quotas import RATES
from steward.controls.function_layers import live, readers
from steward.runtime import STEP_SECONDS
from tests.conformance import policy_checks as policies
from tests.conformance import sweep_checks as sweeps
from tests.conformance.stack import Change, altered, instead, put, without

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (
    sweeps.planned,
    sweeps.separate,
    sweeps.definition,
    sweeps.starters,
    sweeps.pace,
    policies.defaults,
    policies.choices,
    policies.starts,
    policies.ceilings,
    policies.own_functions,
)

VARIABLES = ("Environment", "Variables")
OR = ("EventPattern", "detail", "$or")
DEFINITION = ("DefinitionString", "Fn::Join", 1)


def told(case: Any) -> str:
    """A case's check and problem, not how it comes about."""
    return case if isinstance(case, str) else case.__name__ if case in CHECKS else ""


@pytest.mark.parametrize("check", CHECKS, ids=told)
def test_the_template_fits_the_controls(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


def defaults(old: str, new: str) -> Change:
    return instead("LogRetentionDefaults", old, new, "Value")


def ceilings(value: str) -> Change:
    return put("Assessor", *VARIABLES, "STEWARD_CEILINGS", value=value)


def pace(value: str) -> Change:
    return put("LogRetention", *VARIABLES, "STEWARD_PACE", value=value)


def plan(old: str, new: str) -> Change:
    return instead("Sweep", old, new, *DEFINITION)


BREAKS: Sequence[tuple[Check, Change, str]] = [
    (sweeps.planned, plan("function-runtime", "log-retention"), "function-runtime: is not swept"),
    (sweeps.planned, plan("${Assessor}", "${LogRetention}"), "function-runtime: is not swept"),
    (sweeps.separate, plan('"log-retention"', '"function-runtime"'), "logs and lambda: share"),
    (sweeps.separate, plan('"MaxConcurrency": 1', '"MaxConcurrency": 2'), "one after another"),
    (sweeps.definition, plan('"cursor": ""', '"cursor": null'), "cursor: is null"),
    (sweeps.definition, plan("BadPolicy", "Worse"), "a bad policy is tried again"),
    (sweeps.definition, plan('"MaxAttempts": 0', '"MaxAttempts": 1'), "bad policy is tried again"),
    (sweeps.definition, plan("States.ALL", "States.Timeout"), "ends the sweep of the others"),
    (
        sweeps.starters,
        instead("SweepRole", "Assessor", "Ledger"),
        "SweepRole: lambda:InvokeFunction on arn",
    ),
    (sweeps.starters, without("SweepTimer"), "no schedule"),
    (
        sweeps.starters,
        instead("SweepStarterRole", "SweepNotStarted", "LogRetentionInbox"),
        "SweepStarterRole: sqs:SendMessage on arn",
    ),
    (sweeps.pace, pace("a lot"), "STEWARD_PACE: is 'a lot'"),
    (
        sweeps.pace,
        pace('{"logs": 0.126, "resourcegroupstaggingapi": 0.04, "ssm": 0.04}'),
        "logs.PutRetentionPolicy: 0.504",
    ),
    (
        sweeps.pace,
        pace('{"logs": 0.0635, "resourcegroupstaggingapi": 0.04, "ssm": 0.04}'),
        "logs.DescribeLogGroups: 0.",
    ),
    (
        sweeps.pace,
        pace('{"logs": 0.05, "resourcegroupstaggingapi": 0.04, "ssm": 0.07}'),
        "ssm: 0.",
    ),
    (sweeps.pace, pace('{"logs": 0.05, "ssm": 0.05}'), "does not name resourcegroupstaggingapi"),
    (policies.defaults, without("FunctionRuntimeDefaults"), "function-runtime: has no defaults"),
    (policies.defaults, defaults('"days": ', '"days": 1'), "log-retention: log-retention: days"),
    (policies.defaults, defaults('"days": ', '"days": -'), "log-retention: log-retention: days"),
    (policies.defaults, defaults("${LogRetentionDays}", "60"), "days is 60, in the schema 30"),
    (policies.starts, without("PolicyChanged", *OR, 0, "name", 1), "/stack/stop: Create starts no"),
    (policies.starts, without("PolicyChanged", *OR, 1, "operation"), "Create starts a sweep"),
    (
        policies.own_functions,
        instead("FunctionLayersDefaults", "-assessor", "-assess", "Value"),
        "own_functions: stack-assessor",
    ),
    (policies.starts, instead("PolicyChanged", "${AWS::StackName}", "*"), "starts no sweep"),
    (policies.choices, defaults("LogRetentionDays", "HeartbeatHours"), "HeartbeatHours: takes"),
    (policies.choices, defaults("LogRetentionMode", "FunctionRuntimeMode"), "RuntimeMode: takes"),
    (policies.ceilings, ceilings('{"log-retention": "audit"}'), "no ceiling of function-runtime"),
    (
        policies.ceilings,
        ceilings('{"log-retention": "audit", "function-runtime": "audit", "more": "audit"}'),
        "the ceiling of more is audit",
    ),
]


@pytest.mark.parametrize(("check", "change", "problem"), BREAKS, ids=told)
def test_a_template_that_does_not_fit_is_noticed(
    check: Check, change: Change, problem: str
) -> None:
    """The check itself can fail, and says what is wrong."""
    assert [found for found in check(altered(change)) if problem in found] != []


def test_every_check_is_seen_to_fail() -> None:
    """That of choices also by the tests below."""
    assert {check for check, _, _ in BREAKS} == set(CHECKS)


def parameters(**changes: Any) -> Template:
    """A template whose parameters have other properties."""
    template = altered()
    for name, change in changes.items():
        template.translated["Parameters"][name].update(change)
    return template


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("LogRetentionDays", {"AllowedValues": [1, 30]}, id="too few days"),
        pytest.param("LogRetentionHonorTags", {"AllowedValues": ["true"]}, id="one boolean"),
        pytest.param("FunctionRuntimeWarnDays", {"MaxValue": 731}, id="too great a number"),
        pytest.param("FunctionRuntimeWarnDays", {"MinValue": -1}, id="too small a number"),
        pytest.param("FunctionRuntimeMode", {"AllowedValues": ["enforce"]}, id="above the ceiling"),
        pytest.param("LogRetentionMode", {"AllowedValues": ["off"]}, id="too few modes"),
    ],
)
def test_a_parameter_that_takes_something_else_is_noticed(name: str, change: Any) -> None:
    """What a parameter takes is what the schema takes."""
    found = policies.choices(parameters(**{name: change}))
    assert [told for told in found if told.startswith(f"{name}: takes")] != []


def test_a_mode_above_its_ceiling_is_refused_by_the_templates_rules() -> None:
    """Without the rule, the stack would be created and the control would stop."""
    template = altered()
    rules = {**template.translated, "Rules": {}}
    assert sorted(policies.ceilings(Template(template.written, rules))) == sorted(
        [
            "LogRetentionMode: audit is taken below off",
            "LogRetentionMode: enforce is taken below off",
            "LogRetentionMode: enforce is taken below audit",
            "LogSubscriptionMode: audit is taken below off",
            "LogSubscriptionMode: enforce is taken below off",
            "LogSubscriptionMode: enforce is taken below audit",
            "StreamCapacityMode: audit is taken below off",
            "StreamCapacityMode: enforce is taken below off",
            "StreamCapacityMode: enforce is taken below audit",
            "ApiAlarmsMode: audit is taken below off",
            "ApiAlarmsMode: enforce is taken below off",
            "ApiAlarmsMode: enforce is taken below audit",
            "ApiThrottlingMode: audit is taken below off",
            "ApiThrottlingMode: enforce is taken below off",
            "ApiThrottlingMode: enforce is taken below audit",
            "FunctionLayersMode: audit is taken below off",
            "FunctionLayersMode: enforce is taken below off",
            "FunctionLayersMode: enforce is taken below audit",
            "FunctionVersionsMode: audit is taken below off",
            "FunctionVersionsMode: enforce is taken below off",
            "FunctionVersionsMode: enforce is taken below audit",
            "StackTagsMode: audit is taken below off",
            "StackTagsMode: enforce is taken below off",
            "StackTagsMode: enforce is taken below audit",
        ]
    )


def test_one_version_is_told_everywhere() -> None:
    """By the stack, the console, the project and the newest entry of the changelog."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    deployed = str(load().of_type("AWS::SSM::Parameter")["Version"]["Properties"]["Value"])
    assert newest is not None
    assert {project, VERSION, newest.group(1)} == {deployed}


def test_layers_are_looked_into_within_a_step_at_the_deployed_pace() -> None:
    """The live versions of one function, or a batch of functions with one each, and the changes."""
    told = load().written["Globals"]["Function"]["Environment"]["Variables"]["STEWARD_PACE"]
    rate = RATES["lambda"] * json.loads(told)["lambda"]
    before = 2  # the list, and the layer version
    one = 2 + live.MOST_VERSIONS + 1  # the function and its aliases, each version, the update
    assert (before + one) / rate <= STEP_SECONDS
    assert (before + readers.BATCH * (2 + 1 + 1)) / rate <= STEP_SECONDS
