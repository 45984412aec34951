"""Layers on the embedded account: the template, its events, sweeps and role."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from moto.cloudformation.models import cloudformation_backends

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from embedded.seeding import SEEDED, FunctionSeed, seed_functions, seed_layer
from tests.conformance import grant_checks
from tests.scenarios.embedding import (
    batches,
    create,
    installed,
    logged,
    metrics,
    put_policy,
    retention,
    skipped,
    sweeps,
)

CONTROL = "function-layers"
PLACE = "eu-west-1:123456789012"
PROBE = f"arn:aws:lambda:{PLACE}:layer:probe:2"
OLD = PROBE.replace(":2", ":1")
SHARED = "arn:aws:lambda:eu-west-1:999999999999:layer:shared:4"
ON = {"probe": "on"}
RULE: dict[str, Any] = {"layer_arn": PROBE, "include": {"tags": ["probe=on"]}}


def before(here: EmbeddedAccount) -> None:
    """Two versions of the layer, and the role that functions have."""
    seed_layer("probe", 2, region=here.region)
    seed_functions([FunctionSeed(name="plain")], region=here.region)


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedAccount]:
    """One account for all of these scenarios: each has functions of its own."""
    controls = (CONTROL, "log-retention", "function-runtime")
    with installed(before, controls=controls, FunctionLayerArns=f"{PROBE},{OLD}") as account:
        put_policy(account, CONTROL, rules=[RULE])
        account.settle()
        yield account


@pytest.fixture
def here(stack: EmbeddedAccount) -> EmbeddedAccount:
    """The same, without a memory of what other scenarios did."""
    stack.server.faults = ()
    stack.settle()
    stack.server.clear()
    stack.host.metrics.clear()
    stack.host.invocations.clear()
    stack.journal.executions.clear()
    stack.journal.events.clear()
    return stack


def deploy(here: EmbeddedAccount, name: str, **fields: Any) -> None:
    """Somebody creates a function."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("index.py", "")
        code = {"ZipFile": file.getvalue()}
    told = {"Runtime": "python3.13", "Handler": "index.handler", "Tags": ON, **fields}
    role = f"arn:aws:iam::{here.account}:role/{SEEDED}"
    here.client("lambda").create_function(FunctionName=name, Role=role, Code=code, **told)


def layers(here: EmbeddedAccount, *names: str) -> list[list[str]]:
    lambda_ = here.client("lambda", "auditor")
    told = [lambda_.get_function_configuration(FunctionName=name) for name in names]
    return [[one["Arn"] for one in function.get("Layers", ())] for function in told]


def arn(here: EmbeddedAccount, name: str) -> str:
    return f"arn:aws:lambda:{here.region}:{here.account}:function:{name}"


def updates(here: EmbeddedAccount) -> int:
    """Calls that changed functions, also those of people."""
    return here.server.calls["lambda.UpdateFunctionConfiguration"]


def codes(here: EmbeddedAccount, name: str, *controls: str) -> list[str]:
    """What our control, or these, logged of a function, oldest first."""
    told = [line for one in here.host.invocations for line in one.lines if "code" in line]
    mine = [line for line in told if line["control"] in (controls or (CONTROL,))]
    return [line["code"] for line in mine if line.get("resource") == name]


def test_an_event_gives_a_function_its_layer_and_its_own_is_the_last(here: EmbeddedAccount) -> None:
    """LAY-16: our change comes back as an event, is looked at once, and that is the end."""
    deploy(here, "orders")
    deploy(here, "apart", Tags={"probe": "off"})
    here.settle()
    assert layers(here, "orders", "apart") == [[PROBE], []]
    assert (updates(here), batches(here, CONTROL)) == (1, [2, 1])
    names = [one.event["detail"]["eventName"] for one in here.journal.events]
    assert names.count("UpdateFunctionConfiguration20150331v2") == 1
    here.sweep()
    here.settle()
    assert updates(here) == 1


def test_tags_decide_by_events(here: EmbeddedAccount) -> None:
    """LAY-16, LAY-17, LAY-19: a tag adds, its end removes what is ours; of other things it is
    none of ours."""
    deploy(here, "tagged", Tags={}, Layers=[OLD])
    deploy(here, "bare", Tags={})
    lambda_ = here.client("lambda")
    for name in ("tagged", "bare"):
        lambda_.tag_resource(Resource=arn(here, name), Tags=ON)
    here.settle()
    assert layers(here, "tagged", "bare") == [[PROBE], [PROBE]]
    for name in ("tagged", "bare"):
        lambda_.untag_resource(Resource=arn(here, name), TagKeys=["probe"])
    here.settle()
    assert layers(here, "tagged", "bare") == [[PROBE], []]
    record = {
        "eventSource": "lambda.amazonaws.com",
        "eventName": "TagResource20170331v2",
        "awsRegion": here.region,
        "recipientAccountId": here.account,
        "requestParameters": {
            "resource": f"arn:aws:lambda:{PLACE}:event-source-mapping:"
            "0a1b2c3d-0000-4000-8000-000000000000"
        },
    }
    here.put_event(
        {
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.lambda",
            "account": here.account,
            "time": "2026-11-20T10:00:00Z",
            "region": here.region,
            "resources": [],
            "detail": record,
        }
    )
    here.host.invocations.clear()
    here.settle()
    assert dict(skipped(here)) == {"no-name": 1}


def test_a_deployment_that_is_quicker_wins_and_the_layer_comes_after_it(
    here: EmbeddedAccount,
) -> None:
    """LAY-22: its message is given back and tried again half a minute later."""
    here.server.faults = [
        Fault(
            operation="lambda.UpdateFunctionConfiguration",
            code="PreconditionFailedException",
            status=412,
            when=has(FunctionName="quick"),
        )
    ]
    deploy(here, "quick")
    here.settle()
    assert layers(here, "quick") == [[PROBE]]
    assert (updates(here), sum(metrics(here, "GivenBack"))) == (2, 1)
    assert [line["resource"] for line in logged(here, "held")] == ["quick"]


def busy(here: EmbeddedAccount, status: str) -> None:
    """A team's stack is in this state."""
    backend = cloudformation_backends[here.account][here.region]
    known = [one for one in backend.stacks.values() if one.name == "shop"]
    if not known:
        resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
        backend.create_stack("shop", json.dumps({"Resources": resources}), {}, [], None)
    [stack] = [one for one in backend.stacks.values() if one.name == "shop"]
    stack.status = status


def test_a_function_waits_for_its_stack_and_no_dead_letter_tells_of_it(
    here: EmbeddedAccount,
) -> None:
    """Held and tried again; after 45 minutes it is left to the next sweep."""
    of_stack = {**ON, "aws:cloudformation:stack-name": "shop"}
    busy(here, "UPDATE_IN_PROGRESS")
    deploy(here, "soon", Tags=of_stack)
    here.advance(minutes=2)
    assert layers(here, "soon") == [[]]
    assert set(codes(here, "soon")) == {"STACK_BUSY"}
    busy(here, "UPDATE_COMPLETE")
    here.advance(minutes=5)
    assert layers(here, "soon") == [[PROBE]]
    busy(here, "UPDATE_ROLLBACK_IN_PROGRESS")
    deploy(here, "late", Tags=of_stack)
    here.advance(hours=2)
    assert layers(here, "late") == [[]]
    assert not {one for one in here.alarms() if one.startswith(f"{CONTROL}-dead")}
    assert sum(batches(here, CONTROL)) < 20
    busy(here, "UPDATE_ROLLBACK_COMPLETE")
    here.sweep()
    here.settle()
    assert layers(here, "late") == [[PROBE]]


def test_what_is_live_is_reported_until_it_is_deployed(here: EmbeddedAccount) -> None:
    """An alias that is made or moved is looked at by its event."""
    deploy(here, "live", Tags={})
    lambda_ = here.client("lambda")
    told = {"FunctionName": "live", "Name": "prod"}
    lambda_.publish_version(FunctionName="live")
    lambda_.create_alias(**told, FunctionVersion="1")
    lambda_.tag_resource(Resource=arn(here, "live"), Tags=ON)
    here.settle()
    assert layers(here, "live") == [[PROBE]]
    assert codes(here, "live")[-1] == "LAYER_NOT_ON_LIVE_VERSION"
    lambda_.publish_version(FunctionName="live")
    for version, found in (("2", []), ("1", ["LAYER_NOT_ON_LIVE_VERSION"])):
        here.host.invocations.clear()
        lambda_.update_alias(**told, FunctionVersion=version)
        here.settle()
        assert (batches(here, CONTROL), codes(here, "live")) == ([1], found)


def test_two_automations_meet_at_a_function(here: EmbeddedAccount) -> None:
    """Its log group is kept 30 days by one, it gets its layer by another, and its runtime is
    reported by a third; a second sweep writes nothing."""
    seed_functions([FunctionSeed(name="met", runtime="python3.9", tags=ON)], region=here.region)
    create(here, "/aws/lambda/met")
    here.sweep()
    here.settle()
    assert (layers(here, "met"), retention(here)["/aws/lambda/met"]) == ([[PROBE]], 30)
    assert {"DEPRECATED", "LAYER_MISSING"} <= set(codes(here, "met", CONTROL, "function-runtime"))
    done = updates(here)
    here.sweep()
    here.settle()
    assert (updates(here), sweeps(here)) == (done, ["SUCCEEDED"] * 2)


def test_one_function_that_is_refused_stops_no_other(here: EmbeddedAccount) -> None:
    """It fails, and is told; its neighbours get their layers by the same sweep."""
    names = [f"many-{number}" for number in range(12)]
    seed_functions((FunctionSeed(name=name, tags=ON) for name in names), region=here.region)
    here.server.faults = [
        Fault(
            operation=f"lambda.{operation}",
            code="AccessDeniedException",
            status=403,
            when=has(FunctionName=name),
            times=None,
        )
        for operation, name in (
            ("UpdateFunctionConfiguration", "many-3"),
            ("ListAliases", "many-7"),
        )
    ]
    here.sweep()
    here.settle()
    lacking = [name for name, [*some] in zip(names, layers(here, *names), strict=True) if not some]
    assert lacking == ["many-3", "many-7"]
    assert {line["resource"] for line in logged(here, "failed")} == {"many-3"}
    assert sweeps(here) == ["FAILED"]


def test_a_policy_may_name_no_other_version_than_the_template(here: EmbeddedAccount) -> None:
    """The control stops, as long as it does; IAM would let nobody put a foreign one either."""
    put_policy(here, CONTROL, rules=[RULE, {"layer_arn": SHARED}])
    here.settle()
    deploy(here, "later")
    here.settle()
    assert "FAILED" in sweeps(here)
    assert layers(here, "later") == [[]]
    assert "the template allows" in logged(here, "control stopped")[0]["error"]
    put_policy(here, CONTROL, rules=[RULE])
    here.advance(minutes=30)
    assert layers(here, "later") == [[PROBE]]


def test_the_role_may_set_what_the_template_names_and_nothing_else(here: EmbeddedAccount) -> None:
    """By IAM's condition on layers: ours, and those of this account, which functions may have."""
    deploy(here, "granted")
    here.settle()
    [role] = [one for one in here.watch.roles.values() if one.session.endswith(CONTROL)]
    assert grant_checks.refused(here.watch.gate, [role]) == []
    told = [
        one for policy in role.policies for one in policy.statements if one.sid == "WriteLayers"
    ]
    [condition] = told[0].conditions
    own = f"arn:aws:lambda:{PLACE}:layer:*"
    assert condition.values == (own, PROBE, OLD)
    assert condition.holds({"lambda:layer": [PROBE, f"arn:aws:lambda:{PLACE}:layer:theirs:9"]})
    assert condition.holds({"lambda:layer": []})
    assert not condition.holds({"lambda:layer": [PROBE, SHARED]})
