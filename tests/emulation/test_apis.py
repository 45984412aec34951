"""APIs of the embedded account are as API Gateway has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import boto3
import pytest
from moto import mock_aws

from embedded.overlays import faithful
from embedded.rest_apis import MATERIALISED, OPERATIONS

Clients: TypeAlias = Callable[[str], Any]

RATE = {"op": "replace", "path": "/~1items/GET/throttling/rateLimit", "value": "100"}


@pytest.fixture
def clients() -> Iterator[Clients]:
    session = boto3.Session(region_name="eu-west-1")
    with mock_aws(), faithful():
        yield session.client


@pytest.fixture
def rest(clients: Clients) -> Any:
    return clients("apigateway")


@pytest.fixture
def v2(clients: Clients) -> Any:
    return clients("apigatewayv2")


def add(rest: Any, api: str, *verbs: str) -> None:
    """Methods of /items, which is made where it is not there."""
    found = {one["path"]: one["id"] for one in rest.get_resources(restApiId=api)["items"]}
    if "/items" not in found:
        made = rest.create_resource(restApiId=api, parentId=found["/"], pathPart="items")
        found["/items"] = made["id"]
    for verb in verbs:
        method = {"restApiId": api, "resourceId": found["/items"], "httpMethod": verb}
        rest.put_method(**method, authorizationType="AWS_IAM", apiKeyRequired=True)
        rest.put_integration(**method, type="MOCK")


@pytest.fixture
def stage(rest: Any) -> dict[str, str]:
    """prod, with GET /items."""
    api = rest.create_rest_api(name="orders")["id"]
    add(rest, api, "GET")
    rest.create_deployment(restApiId=api, stageName="prod")
    return {"restApiId": api, "stageName": "prod"}


def settings(rest: Any, stage: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = rest.get_stage(**stage)["methodSettings"]
    return told


@pytest.fixture
def http_stage(v2: Any) -> dict[str, str]:
    """$default, with GET /items and POST /items."""
    api = v2.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    for key in ("GET /items", "POST /items"):
        v2.create_route(ApiId=api, RouteKey=key)
    v2.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return {"ApiId": api, "StageName": "$default"}


def route_settings(v2: Any, stage: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = v2.get_stage(**stage)["RouteSettings"]
    return told


def test_apis_come_in_pages(rest: Any, v2: Any) -> None:
    """Of both versions, each API once; a position of nobody's is refused."""
    made = {rest.create_rest_api(name=name)["id"] for name in "abc"}
    pages = [*rest.get_paginator("get_rest_apis").paginate(limit=2)]
    assert [len(one["items"]) for one in pages] == [2, 1]
    assert {one["id"] for page in pages for one in page["items"]} == made
    with pytest.raises(rest.exceptions.BadRequestException):
        rest.get_rest_apis(position="nobody's")
    for name in "abc":
        v2.create_api(Name=name, ProtocolType="HTTP")
    first = v2.get_apis(MaxResults="2")
    second = v2.get_apis(MaxResults="2", NextToken=first["NextToken"])
    told = [one["Name"] for page in (first, second) for one in page["Items"]]
    assert sorted(told) == ["a", "b", "c"]
    with pytest.raises(v2.exceptions.BadRequestException):
        v2.get_apis(NextToken="nobody's")


def test_a_deployment_tells_the_methods_that_it_froze(rest: Any, stage: dict[str, str]) -> None:
    """A method that was added since is not among them."""
    add(rest, stage["restApiId"], "POST")
    asked = {"restApiId": stage["restApiId"], "embed": ["apisummary"]}
    deployment = rest.get_stage(**stage)["deploymentId"]
    told = rest.get_deployment(**asked, deploymentId=deployment)
    frozen = {"authorizationType": "AWS_IAM", "apiKeyRequired": True}
    assert told["apiSummary"] == {"/items": {"GET": frozen}}
    with pytest.raises(rest.exceptions.NotFoundException):
        rest.get_deployment(**asked, deploymentId="none")


def test_a_new_deployment_leaves_a_stage_its_settings(rest: Any, stage: dict[str, str]) -> None:
    """And is the stage's from then on."""
    before = rest.update_stage(**stage, patchOperations=[RATE])
    made = rest.create_deployment(**stage)
    after = rest.get_stage(**stage)
    assert after["methodSettings"] == before["methodSettings"]
    assert after["deploymentId"] == made["id"] != before["deploymentId"]


def test_one_setting_of_a_method_gives_it_all_others(rest: Any, stage: dict[str, str]) -> None:
    """Whatever the stage's are: the limits look like a method's own and are the account's."""
    everywhere = {"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"}
    rest.update_stage(**stage, patchOperations=[everywhere])
    metrics = {"op": "replace", "path": "/~1items/GET/metrics/enabled", "value": "true"}
    rest.update_stage(**stage, patchOperations=[metrics])
    assert settings(rest, stage)["~1items/GET"] == {**MATERIALISED, "metricsEnabled": True}


def test_settings_of_a_method_are_removed_together(rest: Any, stage: dict[str, str]) -> None:
    """One of them alone cannot be."""
    rest.update_stage(**stage, patchOperations=[RATE])
    with pytest.raises(rest.exceptions.BadRequestException):
        rest.update_stage(**stage, patchOperations=[{"op": "remove", "path": RATE["path"]}])
    rest.update_stage(**stage, patchOperations=[{"op": "remove", "path": "/~1items/GET"}])
    assert settings(rest, stage) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([{**RATE, "path": "/~1items/GET/none/such"}], id="no such setting"),
        pytest.param([{**RATE, "value": "many"}], id="no number"),
        pytest.param([RATE] * OPERATIONS, id="too many operations"),
    ],
)
def test_a_patch_is_done_as_a_whole_or_not_at_all(
    rest: Any, stage: dict[str, str], wrong: list[dict[str, str]]
) -> None:
    """What comes before the operation that is refused is not done."""
    with pytest.raises(rest.exceptions.BadRequestException):
        rest.update_stage(**stage, patchOperations=[RATE, *wrong])
    assert settings(rest, stage) == {}


def test_a_route_that_gets_a_setting_has_its_own_from_then_on(
    v2: Any, http_stage: dict[str, str]
) -> None:
    """Routes that are not named keep theirs; a route must exist."""
    v2.update_stage(**http_stage, DefaultRouteSettings={"DetailedMetricsEnabled": True})
    for key in ("GET /items", "POST /items"):
        v2.update_stage(**http_stage, RouteSettings={key: {"ThrottlingRateLimit": 5}})
    own = {"DetailedMetricsEnabled": False, "ThrottlingRateLimit": 5.0}
    assert route_settings(v2, http_stage) == {"GET /items": own, "POST /items": own}
    with pytest.raises(v2.exceptions.NotFoundException):
        v2.update_stage(**http_stage, RouteSettings={"GET /none": {"ThrottlingRateLimit": 5}})
    with pytest.raises(v2.exceptions.BadRequestException):
        v2.update_stage(**http_stage, DefaultRouteSettings={"LoggingLevel": "INFO"})
    with pytest.raises(v2.exceptions.NotFoundException):
        v2.update_stage(ApiId=http_stage["ApiId"], StageName="none")


def test_a_route_without_settings_has_those_of_the_stage(
    v2: Any, http_stage: dict[str, str]
) -> None:
    """What is not there cannot be deleted."""
    v2.update_stage(**http_stage, RouteSettings={"GET /items": {"ThrottlingRateLimit": 5}})
    v2.delete_route_settings(**http_stage, RouteKey="GET /items")
    assert route_settings(v2, http_stage) == {}
    with pytest.raises(v2.exceptions.NotFoundException):
        v2.delete_route_settings(**http_stage, RouteKey="GET /items")


def test_a_deployment_can_be_made_of_an_http_api(v2: Any, http_stage: dict[str, str]) -> None:
    """With a stage and without one."""
    made = v2.create_deployment(**http_stage)
    other = v2.create_deployment(ApiId=http_stage["ApiId"])
    assert made["DeploymentStatus"] == "DEPLOYED"
    assert made["DeploymentId"] != other["DeploymentId"]
    with pytest.raises(v2.exceptions.NotFoundException):
        v2.create_deployment(ApiId="none")
