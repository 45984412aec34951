"""REST APIs where moto answers otherwise than API Gateway."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.apigateway.models import APIGatewayBackend, RestAPI, Stage, apigateway_backends

from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request
from embedded.rest_exports import exported

FEW, MANY = 25, 500
"""APIs an answer holds without a limit, and at most (GetRestApis, API reference)."""

OPERATIONS = 80
"""More patch operations than these one request does not take."""

MATERIALISED: Mapping[str, Any] = {
    "metricsEnabled": False,
    "dataTraceEnabled": False,
    "throttlingBurstLimit": 5000,
    "throttlingRateLimit": 10000.0,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
"""What a method has once a single one of its settings is set (AWS CLI reference, update-stage)."""

Read = Callable[[str], Any]


def _switch(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


SETTINGS: Mapping[str, tuple[str, Read]] = {
    "metrics/enabled": ("metricsEnabled", _switch),
    "logging/loglevel": ("loggingLevel", str),
    "logging/dataTrace": ("dataTraceEnabled", _switch),
    "throttling/burstLimit": ("throttlingBurstLimit", int),
    "throttling/rateLimit": ("throttlingRateLimit", float),
    "caching/enabled": ("cachingEnabled", _switch),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", int),
    "caching/dataEncrypted": ("cacheDataEncrypted", _switch),
    "caching/requireAuthorizationForCacheControl": (
        "requireAuthorizationForCacheControl",
        _switch,
    ),
    "caching/unauthorizedCacheControlHeaderStrategy": (
        "unauthorizedCacheControlHeaderStrategy",
        str,
    ),
}
"""Members of MethodSetting by their paths in patch operations, and how a value is read."""

_OF_STAGES = ("accessLogSettings", "cacheClusterEnabled", "cacheClusterSize", "deploymentId")
_PLAIN = (*_OF_STAGES, "description", "tracingEnabled", "variables")
"""How paths begin that are no method's."""


def list_apis(request: Request) -> Mapping[str, Any]:
    """GetRestApis: page by page, in an order that nobody could take for one."""
    params = request.params
    limit = params.get("limit") or FEW
    if not 1 <= limit <= MANY:
        raise _bad("Invalid limit")
    apis = sorted(_backend(request).apis.values(), key=_shuffled)
    try:
        shown, position = page(apis, _shuffled, limit, params.get("position"), {})
    except BadTokenError as error:
        raise _bad("Invalid position parameter") from error
    return {"items": [_told(api) for api in shown], "position": position}


def before_create_deployment(request: Request) -> Callable[[], None]:
    """CreateDeployment: freezes the methods, and leaves a stage that is there its settings."""
    api = _api(request)
    known = set(api.deployments) if api else set()
    stages = dict(api.stages) if api else {}

    def after() -> None:
        made = _backend(request).apis[request.params["restApiId"]]
        for deployment in set(made.deployments) - known:
            vars(made.deployments[deployment])["summary"] = _summary(made)
            vars(made.deployments[deployment])["exported"] = exported(made)
        name = request.params.get("stageName")
        if name in stages:
            stages[name].deployment_id = made.stages[name].deployment_id
            made.stages[name] = stages[name]

    return after


def get_deployment(request: Request) -> Mapping[str, Any]:
    """GetDeployment: with the methods that it froze, where they are asked for."""
    api = _api(request)
    if api is None:
        raise Refusal("NotFoundException", "Invalid API identifier specified")
    found = api.deployments.get(request.params["deploymentId"])
    if found is None:
        raise Refusal("NotFoundException", "Invalid Deployment identifier specified")
    told = {
        "id": found.id,
        "description": found.description,
        "createdDate": datetime.fromtimestamp(found.created_date, UTC),
    }
    if "apisummary" in request.params.get("embed", ()):
        told["apiSummary"] = vars(found).get("summary", _summary(api))
    return told


def update_stage(request: Request) -> Mapping[str, Any]:
    """UpdateStage: all patch operations or none."""
    api = _api(request)
    if api is None:
        raise Refusal("NotFoundException", "Invalid API identifier specified")
    stage = api.stages.get(request.params["stageName"])
    if stage is None:
        raise Refusal("NotFoundException", "Invalid stage identifier specified")
    operations = request.params.get("patchOperations", ())
    if len(operations) > OPERATIONS:
        raise _bad(f"Too many patch operations, the limit is {OPERATIONS}")
    changed = copy.deepcopy(stage)
    for one in operations:
        _patch(changed, one)
    vars(stage).update(vars(changed))
    told = stage.to_json()
    return {name: value for name, value in told.items() if value is not None}


def _patch(stage: Stage, one: Mapping[str, str]) -> None:
    """One operation; the settings of a method can be set one by one, and only removed together."""
    op, parts = one["op"], one["path"].split("/")[1:]
    if parts[0] in _PLAIN:
        stage.apply_operations([{"value": "", **one}])
        return
    key, setting = "/".join(parts[:2]), "/".join(parts[2:])
    if op == "remove" and len(parts) == 2:
        stage.method_settings.pop(key, None)
        return
    if op != "replace" or setting not in SETTINGS:
        raise _bad(f"Invalid patch path {one['path']}")
    name, read = SETTINGS[setting]
    try:
        value = read(one["value"])
    except (KeyError, ValueError) as error:
        raise _bad(f"Invalid value {one.get('value')!r} for {one['path']}") from error
    stage.method_settings.setdefault(key, dict(MATERIALISED))[name] = value


def _summary(api: RestAPI) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """The methods that an API has now, by path; paths without any are left out."""
    found = {}
    for resource in api.resources.values():
        methods = {
            verb: {
                "authorizationType": method.authorization_type,
                "apiKeyRequired": bool(method.api_key_required),
            }
            for verb, method in resource.resource_methods.items()
        }
        if methods:
            found[resource.get_path()] = methods
    return found


def _told(api: RestAPI) -> Mapping[str, Any]:
    told = {name: value for name, value in api.to_dict().items() if value is not None}
    return {**told, "createdDate": datetime.fromtimestamp(told["createdDate"], UTC)}


def _api(request: Request) -> RestAPI | None:
    found: RestAPI | None = _backend(request).apis.get(request.params["restApiId"])
    return found


def _backend(request: Request) -> APIGatewayBackend:
    backend: APIGatewayBackend = apigateway_backends[request.account][request.region]
    return backend


def _shuffled(api: RestAPI) -> str:
    return hashlib.sha256(api.id.encode()).hexdigest()


def _bad(message: str) -> Refusal:
    return Refusal("BadRequestException", message)
