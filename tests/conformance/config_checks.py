"""What the template's AWS Config rules must keep to; every check tells its problems."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from policy_sentry.shared.iam_data import get_service_prefix_data

from embedded.config import limits
from embedded.config.rules import CHANGE, OVERSIZED, SCHEDULED
from embedded.handlers import rules_of
from embedded.template import ROOT, Template
from steward.account import shares_of
from steward.aws.quotas import group_of
from steward.config_resources import ACCOUNT, in_config, rule_name
from steward.controls import CONTROLS
from steward.errors import Invalid
from steward.events import COMPLIANCE_CHANGE
from steward.model import Ref
from steward.notifications import LONGEST_PARAMETERS, settings
from steward.reporter import PARAMETERS, Rule
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import RULE, Properties, Stack, arn, behind, texts

CONFIG_RULE = "AWS::Config::ConfigRule"
FOLDER = ROOT / "config_rules"

LONGEST_NAME, LONGEST_STACK = 64, 30
"""Characters of a rule that GetComplianceDetailsByConfigRule takes; of a stack's name, to fit."""

MANAGED: Mapping[str, frozenset[str]] = {
    "API_GWV2_ACCESS_LOGS_ENABLED": frozenset(),
    "API_GW_EXECUTION_LOGGING_ENABLED": frozenset({"loggingLevel"}),
    "API_GW_XRAY_ENABLED": frozenset(),
    "CLOUDWATCH_ALARM_ACTION_ENABLED_CHECK": frozenset(),
    "CODEDEPLOY_LAMBDA_ALLATONCE_TRAFFIC_SHIFT_DISABLED": frozenset(),
    "DYNAMODB_PITR_ENABLED": frozenset(),
    "IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS": frozenset({"excludePermissionBoundaryPolicy"}),
    "KINESIS_STREAM_ENCRYPTED": frozenset(),
    "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": frozenset(),
    "LAMBDA_FUNCTION_XRAY_ENABLED": frozenset(),
    "STEP_FUNCTIONS_STATE_MACHINE_LOGGING_ENABLED": frozenset({"logLevel"}),
}
"""Managed rules that are offered, with the parameters that they have (developer guide, "List of AWS
Config Managed Rules"); of the last one, the groups that it may log to are left open."""

MAY_WRITE = {
    "config:PutEvaluations",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""What the function behind the rules may write."""

BESIDE_THE_OTHERS = 0.05
"""The part of a quota that it may use, beside the half that all other functions share."""


class Place:
    account, region, partition = "111122223333", "eu-west-1", "aws"


def lacking(rules: Sequence[Rule]) -> list[str]:
    """Every control has a rule, by a module in config_rules/rules, and every rule a control."""
    told = [rule.control.id for rule in rules]
    known = [control.id for control in CONTROLS]
    return [
        *(f"{id}: has no rule in config_rules/rules" for id in known if id not in told),
        *(f"{id}: has {told.count(id)} rules" for id in sorted({*told}) if told.count(id) > 1),
        *(f"{id}: is no control" for id in told if id not in known),
    ]


def unreportable(rules: Sequence[Rule]) -> list[str]:
    """Config takes every type that a rule reports, and records those whose changes invoke it."""
    recorded = limits.types() - limits.BESIDES
    found = []
    for rule in rules:
        for kind in rule.control.kinds:
            told, _ = in_config(Ref(kind, "a"), Place())
            if told not in limits.types():
                found.append(f"{rule.control.id}: Config takes no {told}")
        found += [
            f"{rule.control.id}: Config records no {kind} of it"
            for kind in rule.recorded
            if kind not in recorded or kind not in rule.control.kinds
        ]
    return found


def deployed(template: Template) -> list[str]:
    """Every rule is deployed as its module says, under the name that it is known by."""
    stack = Stack(template, **WHOLE)
    own = {one["ConfigRuleName"]: one for one in _custom(stack)}
    found: list[str] = []
    for rule in rules_of(FOLDER):
        name = rule_name("stack", rule.control.id)
        if name not in own:
            found.append(f"{rule.control.id}: its rule is not deployed")
            continue
        found += [f"{name}: {problem}" for problem in _misfits(rule, own.pop(name))]
        if len(rule.control.id) + 1 + LONGEST_STACK > LONGEST_NAME:
            found.append(f"{name}: is too long for a stack's name of {LONGEST_STACK}")
    return found + [f"{name}: is the rule of no module" for name in own]


def _custom(stack: Stack) -> list[Properties]:
    rules = stack.of(CONFIG_RULE).values()
    return [one for one in rules if one["Source"]["Owner"] == "CUSTOM_LAMBDA"]


def _misfits(rule: Rule, told: Properties) -> Iterator[str]:
    details = told["Source"]["SourceDetails"]
    messages = {one["MessageType"] for one in details}
    wanted = {SCHEDULED, *((CHANGE, OVERSIZED) if rule.recorded else ())}
    if messages != wanted:
        yield f"is invoked by {', '.join(sorted(messages))}"
    if told.get("Scope", {}).get("ComplianceResourceTypes", []) != [*rule.recorded]:
        yield "its scope is not what its module says"
    if told["Source"]["SourceIdentifier"] != arn("lambda", "ConfigReporter"):
        yield "is not evaluated by ConfigReporter"
    given = told.get("InputParameters", {})
    if len(json.dumps(given)) > LONGEST_PARAMETERS:
        yield "has too many parameters"
    try:
        settings(given, PARAMETERS)
    except Invalid as error:
        yield str(error)


def permitted(template: Template) -> list[str]:
    """Config may invoke the function for rules of this account, before a rule is made."""
    stack = Stack(template, **WHOLE)
    told = stack.properties["ConfigReporterPermission"]
    wanted = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "{ConfigReporter}",
        "Principal": "config.amazonaws.com",
        "SourceAccount": "111122223333",
    }
    found = [] if told == wanted else ["ConfigReporterPermission: is not as it should be"]
    resources = template.translated["Resources"]
    return found + [
        f"{name}: is made before Config may invoke the function"
        for name, one in stack.of(CONFIG_RULE).items()
        if one["Source"]["Owner"] == "CUSTOM_LAMBDA"
        and "ConfigReporterPermission" not in texts(resources[name].get("DependsOn", []))
    ]


def absent(template: Template) -> list[str]:
    """Without the parameter there is nothing that an account without a recorder would refuse."""
    stack = Stack(template, ManagedRules=",".join(MANAGED))
    return [
        f"{name}: is deployed without ConfigRules"
        for name, kind in stack.kinds.items()
        if kind.startswith("AWS::Config::") or name.startswith("Config")
    ]


def at_home(template: Template) -> list[str]:
    """Rules over IAM are made in the home Region, and nowhere else."""
    every = ",".join(MANAGED)
    here = Stack(template, HomeRegion="eu-west-1", ManagedRules=every, **WHOLE).of(CONFIG_RULE)
    away = Stack(template, HomeRegion="us-east-1", ManagedRules=every, **WHOLE).of(CONFIG_RULE)
    kinds = {rule_name("stack", one.control.id): one.control.kinds for one in rules_of(FOLDER)}
    found = []
    for name, one in here.items():
        managed = one["Source"]["Owner"] == "AWS"
        told = [one["Source"]["SourceIdentifier"]] if managed else kinds[one["ConfigRuleName"]]
        of_iam = any(kind.startswith(("IAM_", "AWS::IAM::")) for kind in told)
        if of_iam is (name in away):
            found.append(f"{name}: is made {'' if of_iam else 'not '}outside the home Region")
    return found


def managed(template: Template) -> list[str]:
    """Each managed rule is made where the list names it, with every parameter spelt out."""
    found = []
    for identifier, parameters in MANAGED.items():
        rules = Stack(template, ManagedRules=identifier, **WHOLE).of(CONFIG_RULE).values()
        told = [one for one in rules if one["Source"]["Owner"] == "AWS"]
        if [one["Source"]["SourceIdentifier"] for one in told] != [identifier]:
            found.append(f"{identifier}: is not what is made for it")
        elif told[0].get("InputParameters", {}).keys() != parameters:
            found.append(f"{identifier}: its parameters are not {sorted(parameters)}")
    return found


def violations(template: Template) -> list[str]:
    """What Config finds of a control's types arrives in the control's inbox, if it has one."""
    stack = Stack(template, **WHOLE)
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in stack.functions():
        for mapping in stack.mappings(one.id):
            kinds = {kind for control in one.automation.prompt for kind in control.kinds}
            theirs = {in_config(Ref(kind, "a"), Place())[0] for kind in kinds} - {ACCOUNT}
            wanted[behind(mapping["EventSourceArn"])] |= theirs
    told: dict[str, set[str]] = defaultdict(set)
    for name, target, queue in stack.queue_targets():
        pattern = stack.of(RULE)[name]["EventPattern"]
        if pattern["detail-type"] == [COMPLIANCE_CHANGE]:
            told[queue] |= _types(pattern) or {f"{name}: {target['Id']}"}
    return [
        f"{queue}: gets violations of {sorted(told[queue])}, should of {sorted(wanted[queue])}"
        for queue in sorted({*told, *wanted})
        if told[queue] != wanted[queue]
    ]


def _types(pattern: Properties) -> set[str]:
    """The types of a pattern that is for violations, and nothing else; else none."""
    detail = dict(pattern["detail"])
    types = detail.pop("resourceType", [])
    violation = {
        "messageType": ["ComplianceChangeNotification"],
        "newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]},
    }
    return set(types) if detail == violation and pattern["source"] == ["aws.config"] else set()


def read_only(template: Template) -> list[str]:
    """The function behind the rules may write its log, its traces and evaluations alone."""
    stack = Stack(template, KmsKeyArn="arn:aws:kms:eu-west-1:111122223333:key/one", **WHOLE)
    role = stack.properties["ConfigReporterRole"]
    actions = {
        action
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in texts(statement["Action"])
    }
    found = [f"attached {one}" for one in role.get("ManagedPolicyArns", [])]
    found += [action for action in sorted(actions - MAY_WRITE) if _writes(action)]
    return [f"ConfigReporterRole: {one}" for one in found]


def _writes(action: str) -> bool:
    """Decrypting is a write by the reference, and none of what is there."""
    prefix, name = action.split(":")
    level = get_service_prefix_data(prefix)["privileges"][name]["access_level"]
    return level not in ("Read", "List") and action != "kms:Decrypt"


def beside(template: Template) -> list[str]:
    """Its processes, of which there are as many as are reserved, leave quotas to the others."""
    stack = Stack(template, **WHOLE)
    reporter = stack.properties["ConfigReporter"]
    processes = int(reporter["ReservedConcurrentExecutions"])
    rest, shares = shares_of(reporter["Environment"]["Variables"]["STEWARD_PACE"])
    asked = {
        action
        for rule in rules_of(FOLDER)
        if rule.recorded
        for action in rule.control.reads | {"ssm:GetParameters"}
    }
    found = []
    for action in sorted(asked):
        prefix, operation = action.split(":")
        service = {"tag": "resourcegroupstaggingapi"}.get(prefix, prefix)
        share = shares.get(group_of(service, operation), shares.get(service, rest))
        if share * processes > BESIDE_THE_OTHERS + 1e-9:
            found.append(f"{service}: {share * processes:.3f} of its quota")
    return found
