"""Limiting APIs on the embedded account: events, policies, faults, and who else changes stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.api_seeding import ApiSeed, seed_api
from embedded.faults import Fault
from steward.controls.api_gateway.reading import CHUNK
from tests.scenarios.embedding import installed, logged, put_policy, sweeps

CONTROL = "api-throttling"
LIMITS = {"rate": 100, "burst": 50}
MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


@pytest.fixture(scope="module")
def account() -> Iterator[EmbeddedAccount]:
    with installed(controls=[CONTROL]) as account:
        yield account


@pytest.fixture
def here(account: EmbeddedAccount) -> EmbeddedAccount:
    """The account without APIs and without a policy, as if nothing had happened in it."""
    account.server.faults = []
    rest, v2 = account.client("apigateway"), account.client("apigatewayv2")
    for api in rest.get_rest_apis(limit=500)["items"]:
        rest.delete_rest_api(restApiId=api["id"])
    for api in v2.get_apis(MaxResults="500")["Items"]:
        v2.delete_api(ApiId=api["ApiId"])
    account.settle()
    put_policy(account, CONTROL, mode="off")
    account.settle()
    account.server.clear()
    for told in (account.host.metrics, account.host.invocations, account.journal.executions):
        told.clear()
    return account


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


def fates(here: EmbeddedAccount) -> Counter[str]:
    """How many stages came to each fate, in events and sweeps."""
    told = (one for one in here.host.metrics if one.name == "Outcomes")
    mine = [one for one in told if one.dimensions.get("Control") == CONTROL]
    found = Counter[str]()
    for one in mine:
        found[one.dimensions.get("Fate", "")] += int(one.value)
    return found


def updates(here: EmbeddedAccount) -> int:
    return sum(here.server.calls[f"{one}.UpdateStage"] for one in ("apigateway", "apigatewayv2"))


def test_a_method_without_a_limit_is_reported_then_planned_and_limited_once_enforced(
    here: EmbeddedAccount,
) -> None:
    """THR-12, THR-13: the control's own call comes back once as an event, and that ends it."""
    put_policy(here, CONTROL)
    here.settle()
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
    assert sent == 2 + 3  # one of each version was refused and sent again
    rest.delete_rest_api(restApiId=api)
    v2.delete_api(ApiId=shop)
    here.settle()
    assert fates(here)["gone"] == 2
    here.sweep()
    assert (updates(here), set(sweeps(here)), fates(here)["gone"]) == (sent, {"SUCCEEDED"}, 2)


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
    """Two requests for each, besides the lists and what a step had begun when its time was over."""
    for number in range(30):
        seed_api(ApiSeed(name=f"api-{number}", methods=["GET /", "POST /"]), region=here.region)
    put_policy(here, CONTROL, mode="enforce", **LIMITS)
    here.settle()
    assert updates(here) == 30
    before = Counter(here.server.calls)
    here.sweep()
    read = Counter(here.server.calls) - before
    assert updates(here) == 30
    steps = read["apigateway.GetAccount"]
    assert steps > 1
    assert read["apigateway.GetStages"] + read["apigateway.GetDeployment"] <= 60 + 2 * CHUNK * steps
    assert read["apigateway.GetRestApis"] + read["apigatewayv2.GetApis"] <= steps + 1
    assert set(sweeps(here)) == {"SUCCEEDED"}
