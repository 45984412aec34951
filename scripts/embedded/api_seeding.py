"""Puts APIs into moto's own memory: many at once, without hundreds of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from moto.apigateway.models import APIGatewayBackend, RestAPI, apigateway_backends
from moto.apigatewayv2.models import ApiGatewayV2Backend, apigatewayv2_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from embedded.seeding import REGION


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSeed:
    """An API that is to be there, deployed on its stages."""

    name: str
    methods: Sequence[str]
    """``GET /items`` and the like; routes of a WebSocket API have keys of their own kind."""
    protocol: str = "REST"  # or HTTP, WEBSOCKET
    stages: Sequence[str] = ("prod",)
    tags: Mapping[str, str] = field(default_factory=dict)


def seed_api(seed: ApiSeed, *, region: str = REGION, account: str = DEFAULT_ACCOUNT_ID) -> str:
    """Create an API; its id."""
    if seed.protocol == "REST":
        return _rest(apigateway_backends[account][region], seed)
    return _v2(apigatewayv2_backends[account][region], seed)


def _rest(backend: APIGatewayBackend, seed: ApiSeed) -> str:
    api = backend.create_rest_api(seed.name, "")
    api.tags = dict(seed.tags)
    for one in seed.methods:
        verb, _, path = one.partition(" ")
        resource = _resource(backend, api, path)
        backend.put_method(api.id, resource, verb, "NONE")
        sort = "MOCK" if verb == "OPTIONS" else "HTTP_PROXY"
        uri = "" if verb == "OPTIONS" else "https://example.com/"
        backend.put_integration(api.id, resource, verb, sort, uri=uri, integration_method=verb)
    for stage in seed.stages:
        backend.create_deployment(api.id, stage)
    found: str = api.id
    return found


def _resource(backend: APIGatewayBackend, api: RestAPI, path: str) -> str:
    """The id of a path, whose parents are made where they are not there."""
    known = {one.get_path(): one.id for one in api.resources.values()}
    above = ""
    parent = known["/"]
    for part in filter(None, path.split("/")):
        above = f"{above}/{part}"
        if above not in known:
            known[above] = backend.create_resource(api.id, parent, part).id
        parent = known[above]
    found: str = parent
    return found


def _v2(backend: ApiGatewayV2Backend, seed: ApiSeed) -> str:
    api = backend.create_api(
        api_key_selection_expression="",
        cors_configuration="",
        description="",
        disable_schema_validation="",
        disable_execute_api_endpoint="",
        name=seed.name,
        protocol_type=seed.protocol,
        route_selection_expression="",
        tags=dict(seed.tags),
        version="",
    )
    api.cors_configuration = None
    for key in seed.methods:
        backend.create_route(
            api_id=api.api_id,
            api_key_required=False,
            authorization_scopes=[],
            authorization_type="NONE",
            authorizer_id="",
            model_selection_expression="",
            operation_name="",
            request_models={},
            request_parameters={},
            route_key=key,
            route_response_selection_expression="",
            target="",
        )
    for stage in seed.stages:
        backend.create_stage(api.api_id, {"stageName": stage, "autoDeploy": True})
    return api.api_id
