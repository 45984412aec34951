"""Deleting versions on the embedded account: events, sweeps, evidence, and the role."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from moto.awslambda.models import lambda_backends

from embedded.account import EmbeddedAccount
from embedded.authorization import decide
from embedded.faults import Fault, has
from embedded.function_uses import run_durably
from embedded.requirements import requirements
from embedded.seeding import FunctionSeed, seed_functions, seed_versions
from tests.conformance import grant_checks
from tests.scenarios.embedding import installed, logged, put_policy, sweeps

CONTROL = "function-versions"
ALLOWED = {
    "AllowIrreversible": "true",
    "FunctionVersionsCeiling": "enforce",
    "FunctionVersionsKeep": "1",
}
ENFORCED: dict[str, Any] = {"mode": "enforce"}
OLD = (90, 80, 70, 60, 50)


@pytest.fixture
def here() -> Iterator[EmbeddedAccount]:
    with installed(controls=[CONTROL], **ALLOWED) as account:
        yield account


def published(here: EmbeddedAccount, *names: str, **fields: Any) -> None:
    """Functions of five old versions."""
    seed_functions((FunctionSeed(name=name, **fields) for name in names), region=here.region)
    for name in names:
        seed_versions(name, *OLD, region=here.region)


def versions(here: EmbeddedAccount, name: str) -> list[str]:
    found = here.client("lambda").list_versions_by_function(FunctionName=name)["Versions"]
    return sorted(one["Version"] for one in found if one["Version"] != "$LATEST")


def deletions(here: EmbeddedAccount) -> int:
    return here.server.calls["lambda.DeleteFunction"]


def code(number: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("index.py", f"handler = {number}")
    return archive.getvalue()


def test_publishing_pushes_an_old_version_out_and_nothing_in_use(here: EmbeddedAccount) -> None:
    """By event: planned in audit, deleted where all locks are open; then an alias moves on.

    VER-33: IAM itself would refuse to delete the function; and no number is given again.
    """
    published(here, "orders")
    functions = here.client("lambda")
    functions.create_alias(FunctionName="orders", Name="live", FunctionVersion="3")
    functions.update_function_code(FunctionName="orders", ZipFile=code(1), Publish=True)
    here.settle()
    [planned] = logged(here, "planned")
    assert (planned["code"], deletions(here)) == ("UNUSED_VERSIONS", 0)
    put_policy(here, CONTROL, **ENFORCED)
    here.settle()
    assert versions(here, "orders") == ["3", "6"]
    done = deletions(here)
    here.sweep()
    assert deletions(here) == done
    functions.update_alias(FunctionName="orders", Name="live", FunctionVersion="6")
    here.settle()
    assert versions(here, "orders") == ["3", "6"]  # 6 is in use, and 3 the newest of the others
    functions.update_function_code(FunctionName="orders", ZipFile=code(2))
    functions.publish_version(FunctionName="orders")
    here.settle()
    assert versions(here, "orders") == ["6", "7"]
    assert set(sweeps(here)) == {"SUCCEEDED"}
    assert allowed(here, FunctionName="orders", Qualifier="7")
    assert not allowed(here, FunctionName="orders")


def allowed(here: EmbeddedAccount, **params: str) -> bool:
    """Whether the role lets a DeleteFunction with these parameters pass."""
    [role] = [one for one in here.watch.roles.values() if one.session.endswith(CONTROL)]
    place = {"account": here.account, "region": here.region, "partition": "aws"}
    [asked] = requirements("lambda", "DeleteFunction", params, **place)
    return decide(role.policies, asked).allowed


REFUSALS: Mapping[str, Fault] = {
    "edge": Fault(
        operation="lambda.DeleteFunction",
        code="InvalidParameterValueException",
        message="Lambda was unable to delete it because it is a replicated function.",
    ),
    "orders": Fault(
        operation="lambda.DeleteFunction",
        code="ResourceConflictException",
        message="Unable to delete version because the following aliases reference it: [live]",
        status=409,
    ),
    "payments": Fault(
        operation="lambda.DeleteFunction", code="ResourceNotFoundException", status=404
    ),
}
"""By function: how Lambda refuses to delete its version 2."""


def test_what_lambda_refuses_stops_nothing_else(here: EmbeddedAccount) -> None:
    """VER-3, VER-26, VER-28, VER-38: of three functions, each has a version refused.

    Before that a source of evidence may not be read: nothing is deleted, and the sweep incomplete.
    """
    published(here, *REFUSALS)
    here.server.faults = [
        Fault(operation="stepfunctions.ListStateMachines", code="AccessDeniedException", times=None)
    ]
    put_policy(here, CONTROL, **ENFORCED)
    here.settle()
    assert {line["code"] for line in logged(here, "unknown")} == {"EVIDENCE_UNREAD"}
    assert (deletions(here), sweeps(here)[-1]) == (0, "FAILED")
    here.server.faults = [
        replace(fault, when=has(FunctionName=name, Qualifier="2"), times=None)
        for name, fault in REFUSALS.items()
    ]
    here.sweep()
    left = {name: versions(here, name) for name in REFUSALS}
    assert left == {name: ["2", "5"] for name in REFUSALS}
    assert {line["code"] for line in logged(here, "reported")} == {"REPLICATED"}
    here.server.faults = []
    here.advance(hours=13)
    here.sweep()
    assert {name: versions(here, name) for name in REFUSALS} == {name: ["5"] for name in REFUSALS}
    done = deletions(here)
    here.sweep()
    assert deletions(here) == done


def function_names_versions(here: EmbeddedAccount, arn: str) -> None:
    """Versions 1 to 5, and 14 by the destination of another function."""
    functions = here.client("lambda")
    functions.create_alias(
        FunctionName="orders",
        Name="live",
        FunctionVersion="20",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}},
    )
    functions.put_provisioned_concurrency_config(
        FunctionName="orders", Qualifier="2", ProvisionedConcurrentExecutions=1
    )
    backend = lambda_backends[here.account][here.region]
    run_durably(backend.get_function("orders"), "3", "one", here.clock.now())
    here.client("sqs").create_queue(QueueName="work")
    source = f"arn:aws:sqs:{here.region}:{here.account}:work"
    functions.create_event_source_mapping(FunctionName="orders:4", EventSourceArn=source)
    functions.add_permission(
        FunctionName="orders",
        Qualifier="5",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="iot.amazonaws.com",
    )
    functions.put_function_event_invoke_config(
        FunctionName="payments", DestinationConfig={"OnFailure": {"Destination": f"{arn}:14"}}
    )


def apis_name_versions(here: EmbeddedAccount, arn: str) -> None:
    """Version 6 by a stage's variable, and 7."""
    rest, http = here.client("apigateway"), here.client("apigatewayv2")
    api = rest.create_rest_api(name="shop")
    where = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    rest.put_method(**where, authorizationType="NONE")
    path = f"arn:aws:apigateway:{here.region}:lambda:path/2015-03-31/functions"
    uri = f"{path}/{arn}:${{stageVariables.v}}/invocations"
    rest.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    deployed = rest.create_deployment(restApiId=api["id"])["id"]
    rest.create_stage(
        restApiId=api["id"], stageName="prod", deploymentId=deployed, variables={"v": "6"}
    )
    api_id = http.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    http.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=f"{arn}:7")


def events_lead_to_versions(here: EmbeddedAccount, arn: str) -> None:
    """Versions 8 to 13 and 15: state machine, rule, two schedules, topic, bucket, pipe."""
    state = {"Type": "Task", "Resource": f"{arn}:8", "End": True}
    here.client("stepfunctions").create_state_machine(
        name="theirs",
        definition=json.dumps({"StartAt": "S", "States": {"S": state}}),
        roleArn=f"arn:aws:iam::{here.account}:role/machine",
    )
    here.client("events").put_rule(Name="theirs", EventPattern='{"source": ["theirs"]}')
    here.client("events").put_targets(Rule="theirs", Targets=[{"Id": "t", "Arn": f"{arn}:9"}])
    role = f"arn:aws:iam::{here.account}:role/scheduler"
    asked = json.dumps({"FunctionName": "orders", "Qualifier": "11"})
    call = {"Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke", "RoleArn": role, "Input": asked}
    for name, target in (("one", {"Arn": f"{arn}:10", "RoleArn": role}), ("two", call)):
        here.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    here.client("pipes").create_pipe(
        Name="theirs",
        Source=f"arn:aws:sqs:{here.region}:{here.account}:work",
        Target=f"{arn}:15",
        RoleArn=f"arn:aws:iam::{here.account}:role/pipe",
    )
    topic = here.client("sns").create_topic(Name="theirs")["TopicArn"]
    here.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{arn}:12")
    place = {"LocationConstraint": here.region}
    here.client("s3").create_bucket(Bucket="theirs", CreateBucketConfiguration=place)
    told = {"LambdaFunctionArn": f"{arn}:13", "Events": ["s3:ObjectCreated:*"]}
    here.client("s3").put_bucket_notification_configuration(
        Bucket="theirs", NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )


def test_a_version_that_somebody_names_stays_and_the_role_grants_what_that_takes(
    here: EmbeddedAccount,
) -> None:
    """VER-31 by every source; nothing is refused, no grant is idle but that of another Region."""
    arn = f"arn:aws:lambda:{here.region}:{here.account}:function:orders"
    [stack] = here.client("cloudformation").describe_stacks()["Stacks"]
    tags = {"aws:cloudformation:stack-id": stack["StackId"]}
    seeds = [FunctionSeed(name="orders", tags=tags), FunctionSeed(name="payments")]
    seed_functions(seeds, region=here.region)
    seed_versions("orders", *[90] * 21, region=here.region)
    function_names_versions(here, arn)
    apis_name_versions(here, arn)
    events_lead_to_versions(here, arn)
    put_policy(here, CONTROL, **ENFORCED)
    here.settle()
    assert versions(here, "orders") == sorted(str(n) for n in [*range(1, 16), 20, 21])
    put_policy(here, CONTROL, evidence={"aliases": False}, keep=0)
    here.client("lambda").update_alias(FunctionName="orders", Name="live", FunctionVersion="21")
    here.settle()
    send(here, "no event")
    here.settle()
    [role] = [one for one in here.watch.roles.values() if one.session.endswith(CONTROL)]
    assert grant_checks.refused(here.watch.gate, [role]) == []
    unused = here.watch.gate.unused(role.name, role.policies)
    elsewhere = ("ListWhoNamesVersions", "cloudfront:ListDistributions")
    assert [one for one in unused if one[0] != "Ledger"] == [elsewhere]


def send(here: EmbeddedAccount, body: str) -> None:
    """Put a message into the control's inbox, past the rule."""
    here.queue(CONTROL).send(body)


def test_without_leave_for_what_is_irreversible_versions_are_only_held() -> None:
    """The stack's AllowIrreversible keeps everything, whatever ceiling and mode are."""
    with installed(FunctionVersionsCeiling="enforce", FunctionVersionsMode="enforce") as here:
        published(here, "orders")
        here.sweep()
        [held] = logged(here, "held")
        assert "AllowIrreversible" in held["reason"]
        assert versions(here, "orders") == ["1", "2", "3", "4", "5"]
