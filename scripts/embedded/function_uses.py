"""Who uses a version of a function, as far as moto does not know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda import urls
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse

from embedded.function_updates import backend_of, named
from embedded.functions import EXTRA, all_versions
from embedded.request import Refusal, Request, not_found
from embedded.versions import paged

CODE_STORAGE = 300 * 1024**3
"""Bytes of code that an account may keep in a Region (Lambda quotas, 2026)."""

DEFAULTS = {
    "CodeSizeUnzipped": 262144000,
    "CodeSizeZipped": 52428800,
    "ConcurrentExecutions": 1000,
    "UnreservedConcurrentExecutions": 1000,
}

_FUNCTION = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)"
_PATHS = (
    r"{0}/(?P<api_version>[^/]+)/account-settings/?$",
    f"{_FUNCTION}/provisioned-concurrency/?$",
    f"{_FUNCTION}/urls/?$",
    f"{_FUNCTION}/durable-executions/?$",
)
_CONFIGS, _EXECUTIONS = "provisioned_concurrency", "durable_executions"


def add_paths() -> None:
    """Let requests reach the overlays whose paths moto does not know."""
    for path in _PATHS:
        urls.url_paths.setdefault(path, LambdaResponse.dispatch)


def account_settings(request: Request) -> Mapping[str, Any]:
    """The account's limits, and the code of all functions and versions, images left out."""
    backend = backend_of(request)
    every = [one.get_configuration() for one in all_versions(backend)]
    used = sum(one["CodeSize"] for one in every if one["PackageType"] == "Zip")
    return {
        "AccountLimit": {**DEFAULTS, "TotalCodeSize": CODE_STORAGE},
        "AccountUsage": {
            "TotalCodeSize": used,
            "FunctionCount": len([*backend.list_functions()]),
        },
    }


def put_provisioned_concurrency(request: Request) -> Mapping[str, Any]:
    """Of a version or an alias; $LATEST has none."""
    if request.params["Qualifier"] == "$LATEST":
        text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        raise Refusal("InvalidParameterValueException", text)
    told = request.params["ProvisionedConcurrentExecutions"]
    config = {
        "RequestedProvisionedConcurrentExecutions": told,
        "AvailableProvisionedConcurrentExecutions": told,
        "AllocatedProvisionedConcurrentExecutions": told,
        "Status": "READY",
        "LastModified": "2026-11-20T10:00:00+0000",
    }
    _kept(request, _CONFIGS)[_arn(request)] = config
    return config


def list_provisioned_concurrency(request: Request) -> Mapping[str, Any]:
    kept = sorted(_kept(request, _CONFIGS).items())
    told = [{**config, "FunctionArn": arn} for arn, config in kept]
    shown, marker = paged(request, told, lambda one: str(one["FunctionArn"]), 50)
    return {"ProvisionedConcurrencyConfigs": shown, "NextMarker": marker}


def delete_provisioned_concurrency(request: Request) -> Mapping[str, Any]:
    if _kept(request, _CONFIGS).pop(_arn(request), None) is None:
        raise not_found("No Provisioned Concurrency Config found for this function")
    return {}


def list_urls(request: Request) -> Mapping[str, Any]:
    """The function's own URL; moto keeps none of aliases."""
    config = named(request).url_config
    return {"FunctionUrlConfigs": [config.to_dict()] if config else []}


def list_durable_executions(request: Request) -> Mapping[str, Any]:
    """Those that were seeded, of the statuses that are asked for."""
    wanted = request.params.get("Statuses")
    kept = _kept(request, _EXECUTIONS)
    told = [one for _, one in sorted(kept.items()) if wanted is None or one["Status"] in wanted]
    shown, marker = paged(request, told, lambda one: str(one["DurableExecutionArn"]), 100)
    return {"DurableExecutions": shown, "NextMarker": marker}


def list_authorizers(request: Request) -> Mapping[str, Any]:
    """The authorizers of an HTTP or WebSocket API, on one page."""
    backend = apigatewayv2_backends[request.account][request.region]
    kept = backend.get_api(request.params["ApiId"]).authorizers.values()
    return {
        "Items": [
            {
                "AuthorizerId": one.id,
                "Name": one.name,
                "AuthorizerType": one.authorizer_type,
                "AuthorizerUri": one.authorizer_uri or "",
            }
            for one in kept
        ]
    }


def no_machine_versions(_: Request) -> Mapping[str, Any]:
    """Moto keeps no versions of state machines."""
    return {"stateMachineVersions": []}


def run_durably(function: LambdaFunction, version: str, name: str, started: Any) -> None:
    """Let a durable execution of a version run, until the function is deleted."""
    vars(function)[EXTRA] = {"DurableConfig": {"ExecutionTimeout": 3600}}
    arn = f"{function.function_arn}:{version}"
    vars(function).setdefault(_EXECUTIONS, {})[name] = {
        "DurableExecutionArn": f"{arn}/durable-execution/{name}/1",
        "DurableExecutionName": name,
        "FunctionArn": arn,
        "Status": "RUNNING",
        "StartTimestamp": started,
    }


def _kept(request: Request, what: str) -> dict[str, Any]:
    """What is kept with the function, whatever version the request names."""
    latest = backend_of(request).get_function(named(request).function_name)
    kept: dict[str, Any] = vars(latest).setdefault(what, {})
    return kept


def _arn(request: Request) -> str:
    latest = backend_of(request).get_function(named(request).function_name)
    return f"{latest.function_arn}:{request.params['Qualifier']}"
