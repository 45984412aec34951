"""What single events have that no rule says. One entry for each event whose shape was looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from embedded.trail_call import Made

Names = Sequence[str]


class Known(StrEnum):
    """Where an event's shape is known from."""

    RECORDED = "recorded"  # an event that AWS delivered
    DOCUMENTED = "documented"  # an example of AWS's user guides
    RECONSTRUCTED = "reconstructed"  # the API's model, and the rules seen in recorded events


@dataclass(frozen=True, slots=True)
class Link:
    """A relation that API Gateway v1 tells in answers: what it names, and how it is followed."""

    names: Names
    template: bool = False
    paged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How an event departs from the rules; names are those of the record."""

    known: Known
    asked: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that are told though the caller gave none."""
    answered: Mapping[str, Any] = field(default_factory=dict)
    """Response elements that are told though the answer had none."""
    links: Mapping[str, Link] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    """Members of the answer by the names under which links tell them."""
    also: Callable[[Made], Mapping[str, Any]] = lambda _: {}
    """Further request parameters that follow from the call."""
    resources: Callable[[Made], Sequence[Mapping[str, str]]] = lambda _: ()


def _log_group(made: Made) -> Sequence[Mapping[str, str]]:
    name = made.params.get("logGroupName", "")
    arn = f"arn:aws:logs:{made.region}:{made.account}:log-group:{name}"
    return [{"accountId": made.account, "type": "AWS::Logs::LogGroup", "ARN": arn}]


def _parameter(made: Made) -> Sequence[Mapping[str, str]]:
    return [{"accountId": made.account, "ARN": parameter_arn(made, made.params.get("Name", ""))}]


def parameter_arn(made: Made, name: str) -> str:
    """A name's leading slash is the ARN's own: ``parameter/a/b`` for /a/b as for a/b."""
    return f"arn:aws:ssm:{made.region}:{made.account}:parameter/{name.removeprefix('/')}"


def _qualified(made: Made) -> Mapping[str, Any]:
    """A function's full ARN in its parts; nothing where the caller gave a name."""
    parts = str(made.params.get("FunctionName", "")).split(":")
    if len(parts) < 7:
        return {}
    place = {"partition": parts[1], "region": parts[3], "account": parts[4]}
    function = {"arnPrefix": place, "relativeId": {"functionName": parts[6]}}
    return {"fullyQualifiedArn": {**function, "functionQualifier": {}}}


_RECORDED = Shape(known=Known.RECORDED)
_DOCUMENTED = Shape(known=Known.DOCUMENTED)
_RECONSTRUCTED = Shape(known=Known.RECONSTRUCTED)

_API = Link(("restApiId",))
_DEPLOYMENT = Link(("restApiId", "deploymentId"))
_STAGE = Link(("restApiId", "stageName"))
_STAGE_LINKS = {
    "stageUpdate": _STAGE,
    "stageFlushAuthorizerCache": _STAGE,
    "stageDelete": _STAGE,
    "self": _STAGE,
}
_NO_VARIABLES: Mapping[str, Any] = {"environment": {}}

SHAPES: Mapping[tuple[str, str], Shape] = {
    ("logs", "CreateLogGroup"): _RECORDED,
    ("logs", "CreateLogStream"): _RECORDED,
    ("logs", "DeleteAccountPolicy"): _RECONSTRUCTED,
    ("logs", "DeleteLogGroup"): _RECORDED,
    ("logs", "DeleteRetentionPolicy"): _RECONSTRUCTED,
    ("logs", "DeleteSubscriptionFilter"): _RECORDED,
    ("logs", "PutAccountPolicy"): _RECONSTRUCTED,
    ("logs", "PutRetentionPolicy"): _RECONSTRUCTED,
    ("logs", "PutSubscriptionFilter"): Shape(
        known=Known.RECORDED, asked={"applyOnTransformedLogs": False}, resources=_log_group
    ),
    ("logs", "TagLogGroup"): _RECONSTRUCTED,
    ("logs", "TagResource"): _RECONSTRUCTED,
    ("apigateway", "CreateDeployment"): Shape(
        known=Known.RECORDED,
        links={
            "deploymentUpdate": _DEPLOYMENT,
            "deploymentStages": Link(("restApiId", "deploymentId"), paged=True),
            "deploymentDelete": _DEPLOYMENT,
            "self": _DEPLOYMENT,
        },
        ids={"deploymentId": "id"},
    ),
    # AWS tells some 25 relations more.
    ("apigateway", "CreateRestApi"): Shape(
        known=Known.RECORDED,
        links={
            "restapiUpdate": _API,
            "restapiStages": Link(("restApiId",), template=True, paged=True),
            "stageCreate": _API,
            "deploymentCreate": _API,
            "restapiDelete": _API,
            "resourceCreate": Link(("parentId", "restApiId")),
            "self": _API,
        },
        ids={"restApiId": "id", "parentId": "rootResourceId"},
    ),
    ("apigateway", "CreateStage"): Shape(
        known=Known.RECORDED, answered={"methodSettings": {}}, links=_STAGE_LINKS
    ),
    ("apigateway", "DeleteRestApi"): _RECORDED,
    ("apigateway", "DeleteStage"): _RECONSTRUCTED,
    ("apigateway", "ImportRestApi"): Shape(
        known=Known.RECONSTRUCTED,
        asked={"parameters": {}},
        links={"self": _API},
        ids={"restApiId": "id"},
    ),
    ("apigateway", "PutMethod"): Shape(
        known=Known.RECORDED,
        links={"self": Link(("resourceId", "httpMethod", "restApiId", "name", "title"))},
        ids={"name": "httpMethod", "title": "httpMethod"},
    ),
    ("apigateway", "PutRestApi"): Shape(
        known=Known.RECONSTRUCTED,
        asked={"mode": "overwrite", "parameters": {}},
        links={"self": _API},
    ),
    ("apigateway", "TagResource"): _RECORDED,
    ("apigateway", "UpdateStage"): Shape(known=Known.RECONSTRUCTED, links=_STAGE_LINKS),
    ("apigatewayv2", "CreateApi"): _RECORDED,
    ("apigatewayv2", "CreateDeployment"): _RECORDED,
    ("apigatewayv2", "CreateStage"): Shape(
        known=Known.RECORDED,
        answered={
            "routeSettings": {},
            "defaultRouteSettings": {"detailedMetricsEnabled": False},
            "stageVariables": "***",
            "tags": {},
        },
    ),
    ("apigatewayv2", "DeleteApi"): _RECORDED,
    ("apigatewayv2", "DeleteStage"): _RECONSTRUCTED,
    ("apigatewayv2", "UpdateRoute"): _RECORDED,
    ("lambda", "AddPermission"): _RECORDED,
    ("lambda", "CreateFunction"): Shape(
        known=Known.RECORDED, asked={"publish": False, **_NO_VARIABLES}, answered=_NO_VARIABLES
    ),
    ("lambda", "DeleteFunction"): _RECORDED,
    ("lambda", "PublishVersion"): _RECONSTRUCTED,
    ("lambda", "TagResource"): _RECONSTRUCTED,
    ("lambda", "UntagResource"): _RECONSTRUCTED,
    ("lambda", "UpdateAlias"): _RECONSTRUCTED,
    ("lambda", "UpdateFunctionCode"): Shape(
        known=Known.RECORDED,
        asked={"publish": False, "dryRun": False},
        answered=_NO_VARIABLES,
        also=_qualified,
    ),
    # AWS tells the uncompressedCodeSize of layers, too, which is in no answer.
    ("lambda", "UpdateFunctionConfiguration"): Shape(
        known=Known.RECORDED, asked=_NO_VARIABLES, answered=_NO_VARIABLES
    ),
    ("cloudformation", "CreateChangeSet"): Shape(
        known=Known.RECONSTRUCTED,
        asked={"includeNestedStacks": False, "importExistingResources": False},
    ),
    ("cloudformation", "CreateStack"): _DOCUMENTED,
    ("cloudformation", "ExecuteChangeSet"): _RECONSTRUCTED,
    ("cloudformation", "UpdateStack"): _DOCUMENTED,
    ("kinesis", "UpdateShardCount"): _RECONSTRUCTED,
    ("cloudwatch", "PutMetricAlarm"): _DOCUMENTED,
    ("resourcegroupstaggingapi", "TagResources"): _DOCUMENTED,
    ("ssm", "DeleteParameter"): Shape(known=Known.RECORDED, resources=_parameter),
    ("ssm", "PutParameter"): _RECORDED,
}
