"""Limiting APIs on the embedded account: events, policies, faults, and who else changes stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.api_seeding import ApiSeed, seed_api
from embedded.faults import Fault
from tests.scenarios.embedding import installed, logged, put_policy, sweeps

CONTROL = "api-throttling"
LIMITS = {"rate": 100, "burst": 50}
MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


@pytest.fixture
def here() -> Iterator[EmbeddedAccount]:
    with installed(ApiThrottlingMode="audit") as account:
        yield account


def create_api(here: EmbeddedAccount, *verbs: str) -> str:
    """A REST API with methods of /, not deployed."""
    rest = here.client("apigateway")
    api: str = rest.create_rest_api(name="orders")["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    for verb in verbs:
        method = {"restApiId": api, "resourceId": root["id"], "httpMethod": verb}
        rest.put_method(**method, authorizationType="NONE")
        rest.put_integration(**method, **MOCK)
    return api


def settings(here: EmbeddedAccount, api: str) -> Mapping[str, Mapping[str, Any]]:
    told = here.client("apigateway").get_stage(restApiId=api, stageName="prod")
    found: Mapping[str, Mapping[str, Any]] = told["methodSettings"]
    return found


def limits(told: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[float, int]]:
    return {
        key: (one["throttlingRateLimit"], one["throttlingBurstLimit"]) for key, one in told.items()
    }


def looked_at(here: EmbeddedAccount, message: str) -> Counter[str]:
    """How often each code was told of stages."""
    return Counter(one["code"] for one in logged(here, message) if one.get("control") == CONTROL)


def updates(here: EmbeddedAccount) -> int:
    return sum(here.server.calls[f"{one}.UpdateStage"] for one in ("apigateway", "apigatewayv2"))


def test_a_method_without_a_limit_is_reported_then_planned_and_limited_once_enforced(
    here: EmbeddedAccount,
) -> None:
    """THR-12, THR-13: the control's own call comes back once as an event, and that ends it."""
    api = create_api(here, "GET", "POST")
    here.client("apigateway").create_deployment(restApiId=api, stageName="prod")
    here.settle()
    assert looked_at(here, "reported") == {"NO_LIMIT": 1}
    put_policy(here, CONTROL, **LIMITS)
    here.settle()
    assert looked_at(here, "planned") == {"NO_LIMIT": 1}
    assert updates(here) == 0
    put_policy(here, CONTROL, mode="enforce", **LIMITS)
    here.settle()
    assert limits(settings(here, api)) == {"~1/GET": (100.0, 50), "~1/POST": (100.0, 50)}
    assert (updates(here), looked_at(here, "remediated")) == (1, {"NO_LIMIT": 1})
    here.sweep()
    assert updates(here) == 1


def test_stages_are_limited_as_they_are_deployed_and_closed_as_they_go(
    here: EmbeddedAccount,
) -> None:
    """Stages that infrastructure code makes after the deployment, and those of HTTP APIs."""
    put_policy(here, CONTROL, mode="enforce", **LIMITS)
    here.settle()
    rest, v2 = here.client("apigateway"), here.client("apigatewayv2")
    here.server.faults = [
        Fault(operation="apigateway.UpdateStage", code="TooManyRequestsException", status=429),
        Fault(operation="apigatewayv2.UpdateStage", code="ConflictException", status=409),
    ]
    api = create_api(here, "GET")
    deployment = rest.create_deployment(restApiId=api)["id"]
    rest.create_stage(restApiId=api, stageName="prod", deploymentId=deployment)
    shop = v2.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    v2.create_route(ApiId=shop, RouteKey="GET /items")
    v2.create_stage(ApiId=shop, StageName="$default", AutoDeploy=True)
    here.settle()
    assert limits(settings(here, api)) == {"~1/GET": (100.0, 50)}
    v2.create_route(ApiId=shop, RouteKey="POST /items")
    here.settle()
    told = v2.get_stage(ApiId=shop, StageName="$default")["RouteSettings"]
    assert {key: one["ThrottlingRateLimit"] for key, one in told.items()} == {
        "GET /items": 100.0,
        "POST /items": 100.0,
    }
    sent = updates(here)
    rest.delete_rest_api(restApiId=api)
    v2.delete_api(ApiId=shop)
    here.settle()
    assert len([one for one in logged(here, "gone") if one["control"] == CONTROL]) == 2
    here.sweep()
    assert (updates(here), set(sweeps(here))) == (sent, {"SUCCEEDED"})


def test_another_automations_metrics_and_our_limits_do_not_disturb_each_other(
    here: EmbeddedAccount,
) -> None:
    """Metrics that are switched on for a stage reach the methods that have limits of their own."""
    put_policy(here, CONTROL, mode="enforce", **LIMITS)
    api = create_api(here, "GET")
    rest, stage = here.client("apigateway"), {"restApiId": api, "stageName": "prod"}
    rest.create_deployment(**stage)
    here.settle()
    metrics = {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}
    rest.update_stage(**stage, patchOperations=[metrics])
    here.settle()
    told = settings(here, api)
    assert limits(told)["~1/GET"] == (100.0, 50)
    assert {key: one["metricsEnabled"] for key, one in told.items()} == {
        "*/*": True,
        "~1/GET": True,
    }
    assert updates(here) == 3
    here.settle()
    assert updates(here) == 3


def test_a_second_pass_over_many_apis_writes_nothing_and_reads_little(
    here: EmbeddedAccount,
) -> None:
    """50 APIs of ten methods: two requests for each, besides the lists, in several steps."""
    for number in range(50):
        methods = [f"GET /items/{n}" for n in range(10)]
        seed_api(ApiSeed(name=f"api-{number}", methods=methods), region=here.region)
    put_policy(here, CONTROL, mode="enforce", **LIMITS)
    here.settle()
    assert updates(here) == 50
    before = Counter(here.server.calls)
    here.sweep()
    read = Counter(here.server.calls) - before
    assert updates(here) == 50
    assert (read["apigateway.GetStages"], read["apigateway.GetDeployment"]) == (50, 50)
    steps = read["apigateway.GetAccount"]
    lists = read["apigateway.GetRestApis"] + read["apigatewayv2.GetApis"]
    assert steps > 1
    assert lists <= steps + 1
    assert set(sweeps(here)) == {"SUCCEEDED"}
