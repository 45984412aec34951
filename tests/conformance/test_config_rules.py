"""Every control is an AWS Config rule, and what Config's functions may do is what they do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.api_seeding import ApiSeed, seed_api
from embedded.config.service import NoRecorderError
from embedded.handlers import rules_of
from embedded.seeding import FunctionSeed, seed_functions
from embedded.template import Template, load
from steward.account import ledger_table
from steward.aws.records import marshalled
from steward.reporter import Rule
from tests.conformance import config_checks as checks
from tests.conformance import grant_checks as grants
from tests.conformance.stack import Change, altered, instead, put, without

pytestmark = pytest.mark.xdist_group("config")  # one account for all of them

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (
    checks.deployed,
    checks.permitted,
    checks.absent,
    checks.at_home,
    checks.managed,
    checks.violations,
    checks.read_only,
    checks.beside,
)

STATEMENTS = ("Policies", 0, "PolicyDocument", "Statement")
DETAILS = ("Source", "SourceDetails")
DETAIL = ("EventPattern", "detail")


def rules() -> Sequence[Rule]:
    return rules_of(checks.FOLDER)


def told(case: Any) -> str:
    """A case's check and problem, not how it comes about."""
    return case if isinstance(case, str) else case.__name__ if case in CHECKS else ""


def test_every_control_has_a_rule() -> None:
    """A control is told to AWS Config by its module in config_rules/rules."""
    assert checks.lacking(rules()) == []


def test_a_control_without_a_rule_is_named() -> None:
    """As are two rules for one, and a rule of what is no control."""
    some = [rule for rule in rules() if rule.control.id != "log-retention"]
    assert checks.lacking(some) == ["log-retention: has no rule in config_rules/rules"]
    assert checks.lacking([*rules(), some[0]]) == [f"{some[0].control.id}: has 2 rules"]
    other = Rule(replace(some[0].control, id="other"))
    assert checks.lacking([*rules(), other]) == ["other: is no control"]


def test_config_takes_what_rules_report() -> None:
    """By the list of types that it takes evaluations of."""
    assert checks.unreportable(rules()) == []


def test_a_type_that_config_does_not_take_is_named() -> None:
    """Or does not record, where changes are to invoke the rule."""
    [first, *_] = rules()
    odd = replace(first, control=replace(first.control, kinds=("AWS::Backup::Plan",)))
    assert checks.unreportable([odd]) == ["log-retention: Config takes no AWS::Backup::Plan"]
    group = replace(first, recorded=("AWS::Logs::LogGroup",))
    problem = "log-retention: Config records no AWS::Logs::LogGroup of it"
    assert checks.unreportable([group]) == [problem]


@pytest.mark.parametrize("check", CHECKS, ids=told)
def test_the_rules_have_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


def unconditional(resources: dict[str, Any]) -> None:
    del resources["ApiTracingRule"]["Condition"]


def everywhere(resources: dict[str, Any]) -> None:
    resources["AdminPoliciesRule"]["Condition"] = "WantsFunctionTracing"


def early(resources: dict[str, Any]) -> None:
    del resources["LogRetentionRule"]["DependsOn"]


def attached(resources: dict[str, Any]) -> None:
    resources["ConfigReporterRole"]["Properties"]["ManagedPolicyArns"] = [{"Ref": "Common"}]


BREAKS: Sequence[tuple[Check, Change, str]] = [
    (checks.deployed, without("LogRetentionRule"), "log-retention: its rule is not deployed"),
    (
        checks.deployed,
        put("LogRetentionRule", "ConfigRuleName", value="mine"),
        "mine: is the rule of no module",
    ),
    (checks.deployed, without("FunctionRuntimeRule", *DETAILS, 1), "is invoked by Configuration"),
    (checks.deployed, without("FunctionRuntimeRule", "Scope"), "its scope is not what"),
    (
        checks.deployed,
        put("LogRetentionRule", "Source", "SourceIdentifier", value="arn"),
        "is not evaluated by ConfigReporter",
    ),
    (
        checks.deployed,
        put("LogRetentionRule", "InputParameters", value={"hours": 26}),
        "ruleParameters: has 'hours'",
    ),
    (
        checks.deployed,
        put("LogRetentionRule", "InputParameters", value={"hours": "1" * 1024}),
        "too many parameters",
    ),
    (checks.permitted, without("ConfigReporterPermission", "SourceAccount"), "is not as it should"),
    (checks.permitted, early, "LogRetentionRule: is made before"),
    (checks.absent, unconditional, "ApiTracingRule: is deployed without ConfigRules"),
    (checks.at_home, everywhere, "AdminPoliciesRule: is made outside the home Region"),
    (
        checks.managed,
        without("ApiExecutionLoggingRule", "InputParameters"),
        "API_GW_EXECUTION_LOGGING_ENABLED: its parameters are not",
    ),
    (
        checks.managed,
        put("ApiTracingRule", "Source", "SourceIdentifier", value="API_GW_SSL_ENABLED"),
        "API_GW_XRAY_ENABLED: is not what is made for it",
    ),
    (
        checks.violations,
        without("LogRetentionViolations", "Targets", 0),
        "LogRetentionInbox: gets violations of []",
    ),
    (
        checks.violations,
        without("LogRetentionViolations", *DETAIL, "newEvaluationResult"),
        "LogRetentionInbox: gets violations of ['LogRetentionViolations: inbox']",
    ),
    (
        checks.violations,
        put("LogRetentionViolations", *DETAIL, "resourceType", value=["AWS::Lambda::Function"]),
        "should of ['AWS::Logs::LogGroup']",
    ),
    (
        checks.read_only,
        instead("ConfigReporterRole", "dynamodb:Query", "dynamodb:PutItem", *STATEMENTS),
        "ConfigReporterRole: dynamodb:PutItem",
    ),
    (checks.read_only, attached, "ConfigReporterRole: attached"),
    (
        checks.beside,
        put("ConfigReporter", "Environment", "Variables", "STEWARD_PACE", value='{"ssm": 0.1}'),
        "ssm: 0.200 of its quota",
    ),
]


@pytest.mark.parametrize(("check", "change", "problem"), BREAKS, ids=told)
def test_a_rule_that_is_not_as_it_should_be_is_noticed(
    check: Check, change: Change, problem: str
) -> None:
    """The check itself can fail, and says what is wrong."""
    assert [one for one in check(altered(change)) if problem in one] != []


def test_every_check_is_seen_to_fail() -> None:
    """None is without a case."""
    assert {check for check, _, _ in BREAKS} == {*CHECKS}


def recorder(here: EmbeddedAccount) -> None:
    """An AWS Config that records."""
    told = {"name": "default", "roleARN": f"arn:aws:iam::{here.account}:role/config"}
    here.client("config").put_configuration_recorder(ConfigurationRecorder=told)


def policy(here: EmbeddedAccount, control: str, **document: Any) -> None:
    name, text = f"/{here.stack}/policy/{control}", json.dumps(document)
    here.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
    here.settle()


def functions_change(here: EmbeddedAccount) -> None:
    """Also one that is too large for a notification; judging them needs their tags."""
    policy(here, "function-runtime", honor_tags=True)
    here.config.is_oversized = lambda item: item.id == "large"
    seeds = [FunctionSeed(name=name, runtime="python3.8") for name in ("old", "large")]
    seed_functions(seeds, region=here.region)
    for name in ("old", "large"):
        here.client("lambda").update_function_configuration(FunctionName=name, Timeout=9)
    here.settle()


def an_api_is_deployed(here: EmbeddedAccount) -> None:
    """In each of API Gateway's versions."""
    seed_api(ApiSeed(name="orders", methods=["GET /items"]), region=here.region)
    rest, http = here.client("apigateway"), here.client("apigatewayv2")
    [api] = rest.get_rest_apis()["items"]
    [stage] = rest.get_stages(restApiId=api["id"])["item"]
    change = {"op": "replace", "path": "/description", "value": "changed"}
    rest.update_stage(restApiId=api["id"], stageName=stage["stageName"], patchOperations=[change])
    made = http.create_api(Name="http", ProtocolType="HTTP")["ApiId"]
    http.create_stage(ApiId=made, StageName="live")
    here.settle()


def a_violation_is_exempt(here: EmbeddedAccount) -> None:
    """And taken back, after Config's remediation was told of it."""
    record = {
        "resource": "old",
        "reason": "moves soon",
        "owner": "team",
        "expires": date(2099, 1, 1).isoformat(),
    }
    table = ledger_table(here.stack)
    item = marshalled("exempt#function-runtime", "old", record)
    here.client("dynamodb").put_item(TableName=table, Item=item)
    here.sweep()
    here.advance(hours=25)
    here.client("dynamodb").delete_item(
        TableName=table, Key={name: item[name] for name in ("pk", "sk")}
    )
    here.sweep()
    here.advance(hours=25)


@pytest.fixture(scope="module")
def used() -> EmbeddedAccount:
    """A stack in which Config's functions did everything; it is over, but remembers."""
    with EmbeddedAccount({"ConfigRules": "enabled"}, before=recorder) as here:
        here.settle()
        here.client("logs").create_log_group(logGroupName="/a")
        here.settle()
        functions_change(here)
        an_api_is_deployed(here)
        a_violation_is_exempt(here)
    return here


FUNCTIONS = ("config-rules", "config-follower")


def roles(here: EmbeddedAccount) -> list[Any]:
    return [one for one in here.watch.roles.values() if one.session.endswith(FUNCTIONS)]


def test_a_stack_that_is_used_tells_config(used: EmbeddedAccount) -> None:
    """By all three kinds of invocation; a change was followed, an exemption mirrored."""
    mine = [one for one in used.host.invocations if one.function.endswith("config-rules")]
    kinds = {json.loads(one.event["invokingEvent"])["messageType"] for one in mine}
    assert len(kinds) == 3
    assert {one.error for one in mine} == {""}
    assert used.config.report("steward-function-runtime")["large"][0] == "NON_COMPLIANT"
    roles_by_id = used.config.report("steward-function-role-least-privilege")
    assert roles_by_id
    assert all(id.startswith("AROA") for id in roles_by_id)
    calls = used.server.calls
    assert calls["config.StartConfigRulesEvaluation"] >= 1
    assert calls["config.PutRemediationExceptions"] == 1
    assert calls["config.DeleteRemediationExceptions"] == 1


def test_no_call_of_configs_functions_is_refused(used: EmbeddedAccount) -> None:
    """No grant too few."""
    assert grants.refused(used.watch.gate, roles(used)) == []


def test_every_grant_of_configs_functions_is_used(used: EmbeddedAccount) -> None:
    """No grant too many; what all functions share is told of changes."""
    assert grants.unused(used.watch.gate, roles(used)) == []
    shared = [one for one in used.watch.roles.values() if one.session.endswith("log-retention")]
    told = [*used.watch.gate.unused(shared[0].name, shared[0].policies)]
    assert "TellConfig" not in {sid for sid, _ in told}


def test_a_grant_too_many_is_noticed(used: EmbeddedAccount) -> None:
    """The check itself can fail."""
    [first, *rest] = roles(used)
    found = grants.unused(used.watch.gate, [grants.extended(first, "s3:GetObject"), *rest])
    assert found == [f"{first.session}: More s3:GetObject"]


def test_an_account_without_a_recorder_deploys_unless_rules_are_wanted() -> None:
    """There CloudFormation would take the stack back, and the parameter's text says so."""
    with EmbeddedAccount() as here:
        assert here.config.rules == {}
    with pytest.raises(NoRecorderError), EmbeddedAccount({"ConfigRules": "enabled"}):
        pass
