"""Versions that integrations and authorizers of API Gateway name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from steward.controls.function_versions.naming import Found
from steward.controls.function_versions.references import filled, in_text, variables
from steward.controls.lambda_api.lists import entries
from steward.model import Aws


def rest_apis(aws: Aws) -> Sequence[str]:
    return [one["id"] for one in entries(aws, "apigateway", "GetRestApis", "items", limit=500)]


def rest_api(aws: Aws, api: str) -> Found:
    asked: dict[str, Any] = {"restApiId": api, "limit": 500}
    resources = entries(aws, "apigateway", "GetResources", "items", **asked, embed=["methods"])
    authorizers = entries(aws, "apigateway", "GetAuthorizers", "items", **asked)

    def stages() -> Iterator[Mapping[str, str]]:
        told = aws.ask("apigateway", "GetStages", restApiId=api)["item"]
        return (values for stage in told for values in _variables(stage))

    return _integrated(aws, [resources, authorizers], stages)


def _variables(stage: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    """The variables of a stage, and as its canary has them."""
    own = stage.get("variables") or {}
    yield own
    if others := (stage.get("canarySettings") or {}).get("stageVariableOverrides"):
        yield {**own, **others}


def apis(aws: Aws) -> Sequence[str]:
    listed = entries(aws, "apigatewayv2", "GetApis", "Items", MaxResults="500")
    return [one["ApiId"] for one in listed]


def api(aws: Aws, api: str) -> Found:
    asked = {"ApiId": api, "MaxResults": "500"}
    integrations = entries(aws, "apigatewayv2", "GetIntegrations", "Items", **asked)
    authorizers = entries(aws, "apigatewayv2", "GetAuthorizers", "Items", **asked)

    def stages() -> Iterator[Mapping[str, str]]:
        told = entries(aws, "apigatewayv2", "GetStages", "Items", **asked)
        return (stage.get("StageVariables") or {} for stage in told)

    return _integrated(aws, [integrations, authorizers], stages)


def _integrated(
    aws: Aws, document: Any, stages: Callable[[], Iterator[Mapping[str, str]]]
) -> Found:
    """Stages are only read where a URI is made with their variables."""
    text = json.dumps(document, default=str)
    texts = {text}
    if variables(text):
        texts |= {filled(text, values) for values in stages()}
    for one in texts:
        yield from in_text(one, aws.account, aws.region)
