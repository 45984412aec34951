"""APIs, their stages and the methods that are deployed on them, as API Gateway tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from steward.model import Ref

REST = "AWS::ApiGateway::Stage"
V2 = "AWS::ApiGatewayV2::Stage"
"""The stages of HTTP and WebSocket APIs."""

KINDS: Mapping[str, str] = {REST: "apigateway", V2: "apigatewayv2"}
"""Kinds of stages, with the service of each as boto3 names it."""

EVERY = "*/*"
"""The key of a REST stage's settings for all methods that have none of their own."""

ANY = "ANY"
VERBS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What ANY stands for: a REST stage has settings for these, and none for ANY."""

Settings: TypeAlias = Mapping[str, Any]
"""Of one method or route, in the names of the API it came from: MethodSetting, RouteSettings."""


@dataclass(frozen=True, slots=True)
class Api:
    """A REST, HTTP or WebSocket API."""

    kind: str
    """Of its stages."""
    id: str
    name: str = ""
    protocol: str = "REST"  # or HTTP, WEBSOCKET
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        return KINDS[self.kind]

    @property
    def stages(self) -> Ref:
        """All of its stages, whatever they are called."""
        return Ref(self.kind, f"{self.id}/*")


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a REST API, or a route, that calls can reach on a stage."""

    key: str
    """Of its settings, such as ``~1items/GET`` (REST) or ``GET /items``."""
    path: str
    """Such as ``/items``; a route without a path, such as ``$default``, has its key here."""
    verb: str
    declared: str = ""
    """ANY where it is one of those that ANY stands for; otherwise as ``verb``."""
    authorization: str = "NONE"
    api_key_required: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as GetStages tells it."""

    api: Api
    name: str
    deployment: str = ""
    canary: str = ""
    """The deployment that a canary release sends a part of the calls to."""
    auto_deploy: bool = False
    managed: bool = False
    """Made by API Gateway itself (quick create): nobody can change it."""
    default: Settings = field(default_factory=dict)
    """Of all methods that have none of their own."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    """Of single methods and routes, by key."""
    access_log: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        return Ref(self.api.kind, f"{self.api.id}/{self.name}")


def rest_api(told: Mapping[str, Any]) -> Api:
    """Of GetRestApis and GetRestApi."""
    return Api(REST, told["id"], told.get("name", ""), "REST", told.get("tags") or {})


def v2_api(told: Mapping[str, Any]) -> Api:
    """Of GetApis and GetApi."""
    protocol, tags = told["ProtocolType"], told.get("Tags") or {}
    return Api(V2, told["ApiId"], told.get("Name", ""), protocol, tags)


def rest_stage(api: Api, told: Mapping[str, Any]) -> Stage:
    """A method's key is told escaped; Terraform's, which lack the first slash, are understood."""
    own = {
        method_key(*parts_of(key)): settings
        for key, settings in (told.get("methodSettings") or {}).items()
        if key != EVERY
    }
    return Stage(
        api=api,
        name=told["stageName"],
        deployment=told.get("deploymentId") or "",
        canary=(told.get("canarySettings") or {}).get("deploymentId") or "",
        default=(told.get("methodSettings") or {}).get(EVERY, {}),
        settings=own,
        access_log=told.get("accessLogSettings") or {},
        tags=told.get("tags") or {},
    )


def v2_stage(api: Api, told: Mapping[str, Any]) -> Stage:
    log = told.get("AccessLogSettings") or {}
    return Stage(
        api=api,
        name=told["StageName"],
        deployment=told.get("DeploymentId") or "",
        auto_deploy=bool(told.get("AutoDeploy")),
        managed=bool(told.get("ApiGatewayManaged")),
        default=told.get("DefaultRouteSettings") or {},
        settings=told.get("RouteSettings") or {},
        access_log={name[:1].lower() + name[1:]: value for name, value in log.items()},
        tags=told.get("Tags") or {},
    )


def method_key(path: str, verb: str) -> str:
    """``~1items~1{id}/GET`` for GET on /items/{id}."""
    return f"{path.replace('/', '~1')}/{verb}"


def parts_of(key: str) -> tuple[str, str]:
    """Path and verb of a REST stage's settings."""
    path, _, verb = key.rpartition("/")
    unescaped = path.replace("~1", "/")
    return unescaped if unescaped.startswith("/") else f"/{unescaped}", verb
