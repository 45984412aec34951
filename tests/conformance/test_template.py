"""The template is well made, and each check of it is seen to fail on an altered copy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from embedded.template import TEMPLATE, Template, load
from tests.conformance import routing_checks as routing
from tests.conformance import template_checks as checks
from tests.conformance.grant_checks import differences
from tests.conformance.stack import Change, altered, instead, put, without

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (
    checks.folders,
    checks.functions,
    checks.roles,
    checks.ledger,
    checks.places,
    checks.size,
    routing.inboxes,
    routing.patterns,
    routing.events,
    routing.deliveries,
)

ENVIRONMENT = ("Environment", "Variables")
PATTERN = ("EventPattern", "detail")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/one"
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"


def named(check: Check) -> str:
    return f"{check.__module__.rpartition('.')[2]}.{check.__name__}"


def told(case: Any) -> str:
    """A case's check and problem, not how it comes about."""
    return case if isinstance(case, str) else named(case) if case in CHECKS else ""


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_the_template_has_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


def kept_by_nobody(resources: dict[str, Any]) -> None:
    del resources["Ledger"]["DeletionPolicy"]


def crowded(resources: dict[str, Any]) -> None:
    resources.update({f"Topic{n}": {"Type": "AWS::SNS::Topic"} for n in range(400)})


BREAKS: Sequence[tuple[Check, Change, str]] = [
    (checks.functions, put("Assessor", "Runtime", value="python3.9"), "Assessor: Runtime"),
    (checks.functions, put("Assessor", "Architectures", value=["x86_64"]), "Assessor: Architect"),
    (checks.functions, put("Assessor", "Timeout", value=900), "Assessor: Timeout is 900"),
    (checks.functions, without("Assessor", "TracingConfig"), "Assessor: TracingConfig"),
    (checks.functions, without("Assessor", "Layers"), "Assessor: does not have the layer"),
    (checks.functions, put("Assessor", "FunctionName", value="a"), "Assessor: is called a"),
    (checks.functions, without("Assessor", *ENVIRONMENT, "STEWARD_LEDGER"), "STEWARD_LEDGER"),
    (
        checks.functions,
        put("Assessor", *ENVIRONMENT, "STEWARD_ALLOW_WRITES", value="true"),
        "Assessor: STEWARD_ALLOW_WRITES is 'true'",
    ),
    (checks.functions, put("Assessor", "LoggingConfig", "LogFormat", value="Text"), "log JSON"),
    (checks.functions, without("Assessor", "LoggingConfig"), "does not log to a group"),
    (checks.functions, put("AssessorLogs", "LogGroupName", value="/a"), "does not log to a group"),
    (checks.functions, without("AssessorLogs", "RetentionInDays"), "kept for ever"),
    (
        checks.roles,
        put("Assessor", "Role", value={"Fn::GetAtt": ["LogRetentionRole", "Arn"]}),
        "LogRetentionRole: is the role of several",
    ),
    (
        checks.roles,
        put("SweepTimer", "Target", "RoleArn", value={"Fn::GetAtt": ["AssessorRole", "Arn"]}),
        "AssessorRole: is the role of several",
    ),
    (checks.roles, put("Assessor", "Role", value="arn:somebody's"), "is not of the stack"),
    (checks.ledger, kept_by_nobody, "Ledger: DeletionPolicy"),
    (checks.ledger, without("Ledger", "PointInTimeRecoverySpecification"), "PointInTime"),
    (
        checks.ledger,
        put("Ledger", "TimeToLiveSpecification", "AttributeName", value="expires"),
        "TimeToLive",
    ),
    (checks.ledger, put("Ledger", "BillingMode", value="PROVISIONED"), "BillingMode"),
    (checks.ledger, put("Ledger", "KeySchema", 1, "AttributeName", value="id"), "KeySchema"),
    (checks.places, put("Ledger", "A", value="arn:aws:sns:a:b:c"), "Ledger: names arn:aws:"),
    (checks.places, put("Ledger", "A", value={"Fn::ImportValue": "a"}), "another stack's output"),
    (checks.places, put("Ledger", "A", value="111122223333"), "names 111122223333"),
    (checks.places, put("Ledger", "A", value="eu-west-1"), "names eu-west-1"),
    (checks.size, crowded, "400 resources"),
    (checks.size, put("Ledger", "A", value="a" * 1_000_000), "1000000 bytes"),
    (routing.inboxes, without("LogRetentionMessages"), "LogRetention: has 0 inboxes"),
    (
        routing.inboxes,
        put("LogRetentionMessages", "FunctionName", value={"Ref": "Assessor"}),
        "Assessor: has 2 inboxes",
    ),
    (routing.inboxes, put("LogRetentionMessages", "BatchSize", value=10), "BatchSize is 10"),
    (routing.inboxes, without("LogRetentionMessages", "FunctionResponseTypes"), "ResponseTypes"),
    (routing.inboxes, put("LogRetentionInbox", "VisibilityTimeout", value=719), "invisible"),
    (routing.inboxes, put("LogRetentionInbox", "DelaySeconds", value=0), "DelaySeconds is 0"),
    (
        routing.inboxes,
        put("LogRetentionInbox", "RedrivePolicy", "maxReceiveCount", value=3),
        "not redriven after ten",
    ),
    (routing.inboxes, without("LogRetentionInbox", "RedrivePolicy"), "DeadLetters: is the queue"),
    (routing.inboxes, without("LogRetentionUndelivered", "SqsManagedSseEnabled"), "SqsManagedSse"),
    (routing.inboxes, without("SweepNotStarted", "MessageRetentionPeriod"), "MessageRetention"),
    (
        routing.inboxes,
        instead("LogRetentionEvents", "Undelivered", "DeadLetters", "Targets"),
        "LogRetentionDeadLetters: is the queue of 2",
    ),
    (routing.patterns, put("LogRetentionEvents", *PATTERN, "a", value=1), "LogRetentionEvents: "),
    (routing.patterns, without("LogRetentionEvents", *PATTERN, "errorCode"), "calls pass"),
    (
        routing.patterns,
        put("LogRetentionEvents", *PATTERN, "eventSource", value=["a"]),
        "eventSource is not logs.amazonaws.com",
    ),
    (
        routing.patterns,
        put("LogRetentionEvents", *PATTERN, "a", value=["b" * 300] * 7),
        "more than 2048",
    ),
    (routing.patterns, put("PolicyChanged", *PATTERN, "$or", value=[]), "PolicyChanged: "),
    (
        routing.events,
        put("LogRetentionEvents", *PATTERN, "eventName", 0, value="CreateLogStream"),
        "CreateLogStream is only in its rules",
    ),
    (
        routing.events,
        without("LogRetentionEvents", *PATTERN, "eventName", 0),
        "CreateLogGroup is only in its handler",
    ),
    (
        routing.events,
        put("LogRetentionEvents", "EventPattern", "source", value=["aws.lambda"]),
        "its rules are for aws.lambda",
    ),
    (
        routing.events,
        without("LogRetentionEvents", "Targets", 0),
        "CreateLogGroup is only in its handler",
    ),
    (
        routing.deliveries,
        without("PolicyChanged", "Targets", 0, "DeadLetterConfig"),
        "PolicyChanged: loses",
    ),
    (routing.deliveries, without("LogRetentionInboxPolicy"), "LogRetentionInbox: does not let"),
    (
        routing.deliveries,
        without("LogRetentionUndeliveredPolicy", "PolicyDocument", "Statement", 0, "Condition"),
        "LogRetentionUndelivered: does not let LogRetentionEvents",
    ),
]


@pytest.mark.parametrize(("check", "change", "problem"), BREAKS, ids=told)
def test_a_broken_template_is_noticed(check: Check, change: Change, problem: str) -> None:
    """The check itself can fail, and says what is wrong."""
    assert [told for told in check(altered(change)) if problem in told] != []


def test_every_check_is_seen_to_fail() -> None:
    """That of folders by a test of its own, below."""
    assert set(CHECKS) - {check for check, _, _ in BREAKS} == {checks.folders}


@pytest.mark.parametrize(
    "event",
    ["CreateLogGroup", {"prefix": "CreateLogGroup20"}, "CreateLogGroup20140328"],
    ids=["as it is", "with any date", "with its date"],
)
def test_an_event_may_end_in_a_date(event: object) -> None:
    """As Lambda's do, of which the handler knows nothing."""
    change = put("LogRetentionEvents", *PATTERN, "eventName", 0, value=event)
    assert routing.events(altered(change)) == []


def test_a_folder_that_is_not_deployed_is_noticed() -> None:
    """A folder without a function, one deployed twice, and a function without a folder."""
    resources = dict(load().written["Resources"])
    resources["Assessor"] = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": "functions/log_retention/"},
    }
    resources["More"] = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": "functions/more/"},
    }
    assert set(checks.folders(Template({"Resources": resources}, {}))) == {
        "assessor: the folder is not deployed",
        "more: is deployed, but is no folder",
        "log_retention: is deployed twice",
    }


KEY_USERS = (
    "ComplianceReporterRole",
    "ComplianceWidgetRole",
    "ConfigFollowerRole",
    "ConfigReporterRole",
    "LogDeliveryRole",
    "LogShipperRole",
)
"""Roles with grants of their own for the key of the parameter."""

VARIANTS = [
    pytest.param(
        {"PermissionsBoundary": BOUNDARY},
        {("AWS::IAM::Role", "PermissionsBoundary")},
        id="every role has the boundary",
    ),
    pytest.param(
        {"KmsKeyArn": KEY},
        {
            ("AWS::DynamoDB::Table", "SSESpecification"),
            ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
            ("AWS::Kinesis::Stream", "StreamEncryption"),
            ("AWS::Logs::LogGroup", "KmsKeyId"),
            ("AWS::S3::Bucket", "BucketEncryption"),
        },
        id="what is kept has the key",
    ),
    pytest.param(
        {"AlarmTopicArn": TOPIC},
        {("AWS::CloudWatch::Alarm", "AlarmActions"), ("AWS::CloudWatch::Alarm", "OKActions")},
        id="every alarm tells the topic",
    ),
    pytest.param({"LogRetentionDays": "60"}, set(), id="what is no condition"),
]


def carriers(template: Template, wanted: set[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """All resources of the types, with the properties that are wanted of them."""
    return {(name, kind, key) for kind, key in wanted for name in template.of_type(kind)}


@pytest.mark.parametrize(("given", "changed"), VARIANTS)
def test_a_variant_differs_where_it_should(
    given: dict[str, str], changed: set[tuple[str, str]]
) -> None:
    """Every resource of a type, and nothing else; roles that use the key on their own besides."""
    found = differences(load(), **given)
    if "KmsKeyArn" in given:
        users = {(name, "AWS::IAM::Role", "Policies") for name in KEY_USERS}
        assert users <= found
        found -= users
    assert found == carriers(load(), changed)


def test_a_role_may_be_passed_only_where_one_is_told() -> None:
    """By the function that subscribes, if it may write."""
    told = {"LogDestinationRoleArn": "arn:aws:iam::111122223333:role/ships"}
    passed = {("LogSubscriptionRole", "AWS::IAM::Role", "Policies")}
    assert differences(load(), **told) == passed
    assert differences(load(), **told, AllowWrites="false") == differences(
        load(), AllowWrites="false"
    )


def test_a_role_without_the_boundary_is_noticed() -> None:
    """The comparison itself can fail."""
    template = altered(without("AssessorRole", "PermissionsBoundary"))
    found = differences(template, PermissionsBoundary=BOUNDARY)
    lacking = carriers(template, {("AWS::IAM::Role", "PermissionsBoundary")}) - found
    assert lacking == {("AssessorRole", "AWS::IAM::Role", "PermissionsBoundary")}


def lint(*paths: Path) -> list[tuple[str, str]]:
    """What cfn-lint has against templates: each one's name and the rule; warnings count."""
    program = Path(sys.executable).with_name("cfn-lint")
    command = [str(program), "--format", "json", "--", *map(str, paths)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.stderr == ""
    found = json.loads(told.stdout)
    return [(Path(one["Filename"]).name, one["Rule"]["Id"]) for one in found]


def written(path: Path, template: Template) -> Path:
    path.write_text(json.dumps(template.translated), "utf-8")
    return path


def test_cfn_lint_has_nothing_against_the_template(tmp_path: Path) -> None:
    """Neither as it is written nor as CloudFormation gets it."""
    assert lint(TEMPLATE, written(tmp_path / "translated.json", load())) == []


def test_cfn_lint_sees_what_is_wrong(tmp_path: Path) -> None:
    """A property that does not exist, and a misspelt action."""
    odd: Mapping[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"DelaySecond": 30}}
    statement = {"Effect": "Allow", "Action": "lambda:ListFunction", "Resource": "*"}
    policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    misspelt = {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy}
    paths = [tmp_path / "odd.json", tmp_path / "misspelt.json"]
    for path, resource in zip(paths, (odd, misspelt), strict=True):
        path.write_text(json.dumps({"Resources": {"One": resource}}), "utf-8")
    assert set(lint(*paths)) == {("odd.json", "E3002"), ("misspelt.json", "W3037")}
