"""A scene of API Gateway: a method without a limit is reported, and limited once enforced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from embedded.demo.stage import Stage
from embedded.demo.words import decided
from steward.controls.api_gateway import REST
from steward.model import Ref

CONTROL = "api-throttling"
API = "orders"
STAGE = "prod"


def limited(stage: Stage) -> None:
    """An API is deployed without limits; the team's policy then names them."""
    stage.clock(16, 0)
    stage.screen.say(
        "A developer deploys an API. Its methods have no limits of their own, so that one caller "
        "of one method could use up what the account has for all APIs. What they should be is the "
        "team's to say; until it does, they are reported."
    )
    with stage.quietly():
        api = _deployed(stage)
        stage.settle()
    _tell(stage, api)
    stage.promise("methods without limits are reported", _code(stage, api), "NO_LIMIT")
    policy = {"mode": "enforce", "rate": 100, "burst": 50}
    stage.screen.line(stage.here.clock.now(), f"policy: {json.dumps(policy)}", "cyan")
    with stage.quietly():
        stage.put_parameter(f"policy/{CONTROL}", json.dumps(policy))
        stage.settle()
    _tell(stage, api)
    told = {key: one["throttlingRateLimit"] for key, one in _settings(stage, api).items()}
    wanted = {"~1items/GET": 100.0, "~1items/POST": 100.0}
    stage.promise("each method has its limit", told, wanted)
    stage.promise("by one call", stage.here.server.calls["apigateway.UpdateStage"], 1)


def _deployed(stage: Stage) -> str:
    """An API with two methods on a stage; its id."""
    rest = stage.client("apigateway")
    api: str = rest.create_rest_api(name=API)["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    items = rest.create_resource(restApiId=api, parentId=root["id"], pathPart="items")
    for verb in ("GET", "POST"):
        method = {"restApiId": api, "resourceId": items["id"], "httpMethod": verb}
        rest.put_method(**method, authorizationType="AWS_IAM")
        rest.put_integration(**method, type="MOCK")
    rest.create_deployment(restApiId=api, stageName=STAGE)
    return api


def _tell(stage: Stage, api: str) -> None:
    """What the ledger holds of the stage, by the API's name instead of its id."""
    ref = Ref(REST, f"{api}/{STAGE}")
    item = stage.ledger.items(CONTROL, [ref]).get(ref)
    if item is not None:
        told = decided(f"{API}/{STAGE}", item.verdict, item.code, item.reason)
        stage.screen.line(stage.here.clock.now(), told, depth=1)


def _code(stage: Stage, api: str) -> str:
    ref = Ref(REST, f"{api}/{STAGE}")
    item = stage.ledger.items(CONTROL, [ref]).get(ref)
    return item.code if item else ""


def _settings(stage: Stage, api: str) -> Mapping[str, Mapping[str, Any]]:
    told = stage.client("apigateway", "auditor").get_stage(restApiId=api, stageName=STAGE)
    found: Mapping[str, Mapping[str, Any]] = told["methodSettings"]
    return found
