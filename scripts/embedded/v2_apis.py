"""HTTP and WebSocket APIs where moto answers otherwise than API Gateway, or not at all."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.apigateway import urls as urls_of_both
from moto.apigatewayv2 import urls
from moto.apigatewayv2.models import Api, ApiGatewayV2Backend, Stage, apigatewayv2_backends
from moto.apigatewayv2.responses import ApiGatewayV2Response

from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request

FEW, MANY = 25, 500
"""APIs an answer holds without MaxResults, and at most."""

_API = "{0}/v2/apis/(?P<api_id>[^/]+)"
_STAGE = f"{_API}/stages/(?P<stage_name>[^/]+)"
PATHS = (
    f"{_API}/deployments$",
    f"{_API}/deployments/(?P<deployment_id>[^/]+)$",
    f"{_STAGE}/routesettings/(?P<route_key>.+)$",
)
"""URLs that moto has no path for."""

_OF_STAGES = ("AccessLogSettings", "AutoDeploy", "DeploymentId", "Description")
_EXECUTION_LOGS = ("LoggingLevel", "DataTraceEnabled")


def route_urls() -> None:
    """Let moto take the URLs that it has no path for; once is enough."""
    for path in PATHS:
        urls.url_paths[path] = ApiGatewayV2Response.dispatch
        urls_of_both.url_paths[path] = ApiGatewayV2Response.dispatch


def list_apis(request: Request) -> Mapping[str, Any]:
    """GetApis: page by page, in an order that nobody could take for one."""
    size = min(int(request.params.get("MaxResults", FEW)), MANY)
    apis = sorted(_backend(request).apis.values(), key=_shuffled)
    try:
        shown, token = page(apis, _shuffled, size, request.params.get("NextToken"), {})
    except BadTokenError as error:
        raise Refusal("BadRequestException", "Invalid nextToken") from error
    return {"Items": [_told(api) for api in shown], "NextToken": token}


def update_stage(request: Request) -> Mapping[str, Any]:
    """UpdateStage: routes that it does not name keep their settings."""
    api, stage = _stage(request)
    default, own = _settings(stage)
    for asked in (request.params.get("DefaultRouteSettings", {}), *_routes(request).values()):
        if api.protocol_type == "HTTP" and any(name in asked for name in _EXECUTION_LOGS):
            raise _bad("Execution logs are not supported on protocolType HTTP")
    known = {route.route_key for route in api.routes.values()}
    for key, asked in _routes(request).items():
        if key not in known:
            message = f"Unable to find Route by key {key} within the provided RouteSettings"
            raise Refusal("NotFoundException", message)
        own[key] = {**own.get(key, _materialised(api)), **asked}
    stage.default_route_settings = _lower({**default, **_default(request)})
    stage.route_settings = {key: _lower(settings) for key, settings in own.items()}
    for name in set(_OF_STAGES).intersection(request.params):
        vars(stage)[_snake(name)] = request.params[name]
    return _told_stage(stage)


def delete_route_settings(request: Request) -> Mapping[str, Any]:
    """DeleteRouteSettings: the route has those of the stage again."""
    _, stage = _stage(request)
    key = request.params["RouteKey"]
    if key not in stage.route_settings:
        raise Refusal("NotFoundException", f"Unable to find RouteSettings by key {key}")
    stage.route_settings = {one: its for one, its in stage.route_settings.items() if one != key}
    return {}


def create_deployment(request: Request) -> Mapping[str, Any]:
    """CreateDeployment: of a stage, if it names one."""
    api = _api(request)
    deployments = vars(api).setdefault("deployments", {})
    number = f"{api.api_id}{len(deployments)}"
    made = {
        "DeploymentId": hashlib.sha256(number.encode()).hexdigest()[:6],
        "AutoDeployed": False,
        "DeploymentStatus": "DEPLOYED",
        "CreatedDate": datetime.now(UTC),
    }
    if "StageName" in request.params:
        vars(_stage(request)[1])["deployment_id"] = made["DeploymentId"]
    deployments[made["DeploymentId"]] = made
    return made


def _routes(request: Request) -> Mapping[str, Mapping[str, Any]]:
    asked: Mapping[str, Mapping[str, Any]] = request.params.get("RouteSettings", {})
    return asked


def _default(request: Request) -> Mapping[str, Any]:
    asked: Mapping[str, Any] = request.params.get("DefaultRouteSettings", {})
    return asked


def _materialised(api: Api) -> Mapping[str, Any]:
    """What a route has once one of its settings is set; the stage's it has no more."""
    logs = {"DataTraceEnabled": False, "LoggingLevel": "OFF"}
    return {"DetailedMetricsEnabled": False, **(logs if api.protocol_type != "HTTP" else {})}


def _settings(stage: Stage) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The stage's default and its routes', as the API reference names them; moto keeps JSON's."""
    own = {key: _upper(settings) for key, settings in copy.deepcopy(stage.route_settings).items()}
    return _upper(stage.default_route_settings), own


def _told_stage(stage: Stage) -> Mapping[str, Any]:
    default, own = _settings(stage)
    told = {
        "StageName": stage.name,
        "DefaultRouteSettings": default,
        "RouteSettings": own,
        "AutoDeploy": stage.auto_deploy,
        "DeploymentId": vars(stage).get("deployment_id"),
        "Description": stage.description,
        "Tags": stage.tags,
    }
    return {name: value for name, value in told.items() if value is not None}


def _told(api: Api) -> Mapping[str, Any]:
    told = {
        "ApiId": api.api_id,
        "Name": api.name,
        "ProtocolType": api.protocol_type,
        "RouteSelectionExpression": api.route_selection_expression,
        "ApiEndpoint": api.api_endpoint,
        "Tags": api.backend.get_tags(api.arn),
    }
    return {name: value for name, value in told.items() if value is not None}


def _stage(request: Request) -> tuple[Api, Stage]:
    api = _api(request)
    found = api.stages.get(request.params["StageName"])
    if found is None:
        raise Refusal("NotFoundException", "Invalid stage identifier specified")
    return api, found


def _api(request: Request) -> Api:
    found = _backend(request).apis.get(request.params["ApiId"])
    if found is None:
        message = f"Invalid API identifier specified {request.account}:{request.params['ApiId']}"
        raise Refusal("NotFoundException", message)
    return found


def _backend(request: Request) -> ApiGatewayV2Backend:
    backend: ApiGatewayV2Backend = apigatewayv2_backends[request.account][request.region]
    return backend


def _shuffled(api: Api) -> str:
    return hashlib.sha256(api.api_id.encode()).hexdigest()


def _upper(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name[:1].upper() + name[1:]: value for name, value in settings.items()}


def _lower(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name[:1].lower() + name[1:]: value for name, value in settings.items()}


def _snake(name: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")


def _bad(message: str) -> Refusal:
    return Refusal("BadRequestException", message)
