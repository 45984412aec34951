"""What a stage of a REST API exports: what its deployment froze, as OpenAPI 3 with integrations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.apigateway.models import RestAPI, apigateway_backends

from embedded.request import Refusal, Request

_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"


def get_export(request: Request) -> Mapping[str, Any]:
    """GetExport: of the deployment that the stage has; integrations only where asked for."""
    params = request.params
    api = apigateway_backends[request.account][request.region].apis.get(params["restApiId"])
    stage = api.stages.get(params["stageName"]) if api else None
    if api is None or stage is None:
        raise Refusal("NotFoundException", "Invalid stage identifier specified")
    if params["exportType"] != "oas30":
        raise Refusal("BadRequestException", "Only oas30 is exported here")
    deployment = api.deployments.get(str(stage.deployment_id))
    paths = vars(deployment).get("exported", exported(api)) if deployment else {}
    extensions = (params.get("parameters") or {}).get("extensions", "")
    if not {"integrations", "apigateway"}.intersection(extensions.split(",")):
        paths = {path: {verb: {} for verb in told} for path, told in paths.items()}
    document = {"openapi": "3.0.1", "info": {"title": api.name}, "paths": paths}
    return {"contentType": "application/json", "body": json.dumps(document).encode()}


def exported(api: RestAPI) -> Mapping[str, Mapping[str, Any]]:
    """The methods that an API has now, by path, each with its integration's type."""
    found = {}
    for resource in api.resources.values():
        methods = {
            _ANY if verb == "ANY" else verb.lower(): _integration(method)
            for verb, method in resource.resource_methods.items()
        }
        if methods:
            found[resource.get_path()] = methods
    return found


def _integration(method: Any) -> Mapping[str, Any]:
    integration = method.method_integration
    if integration is None:
        return {}
    return {_INTEGRATION: {"type": str(integration.integration_type).lower()}}
