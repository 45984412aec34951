"""From events of API Gateway to refs. Pure; see ``events``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from steward.events import REST_STAGE, V2_STAGE
from steward.model import Ref

_API_ID = re.compile(r"[a-zA-Z0-9]{1,64}")
_STAGE_NAME = re.compile(r"\$default|[a-zA-Z0-9_-]{1,128}")
_STAGE_ARN = re.compile(
    r"arn:[^:]+:apigateway:[^:]*::/(restapis|apis)/([^/:]+)(?:/stages/([^/:]+))?"
)


def api_stage(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The stage that an API Gateway call names, or all stages of its API: ``<apiId>/*``.

    Both versions have the same event names. Only version 1 tells ``restApiId`` or ``template``,
    and puts the request's body one level deeper.
    """
    asked = detail.get("requestParameters")
    asked = asked if isinstance(asked, Mapping) else {}
    if "resourceArn" in asked:
        yield from _stage_of_arn(asked["resourceArn"])
    elif "restApiId" in asked or "template" in asked:
        api = asked.get("restApiId") or _answered(detail, "id")
        inner = (asked.get(name) for name in ("createStageInput", "createDeploymentInput"))
        bodies = [asked, *(body for body in inner if isinstance(body, Mapping))]
        names = [body["stageName"] for body in bodies if body.get("stageName")]
        yield from _stage(REST_STAGE, api, *names[:1])
    else:
        api = asked.get("apiId") or _answered(detail, "apiId")
        yield from _stage(V2_STAGE, api, *filter(None, [asked.get("stageName")]))


def _answered(detail: Mapping[str, Any], name: str) -> object:
    """The id of what a call made, which only its answer tells."""
    told = detail.get("responseElements")
    return told.get(name) if isinstance(told, Mapping) else None


def _stage_of_arn(told: object) -> Iterator[Ref]:
    """An ARN in a URL may be told percent-encoded."""
    found = _STAGE_ARN.fullmatch(unquote(told)) if isinstance(told, str) else None
    if found:
        kind = REST_STAGE if found.group(1) == "restapis" else V2_STAGE
        yield from _stage(kind, found.group(2), *filter(None, [found.group(3)]))


def _stage(kind: str, api: object, name: object = "*") -> Iterator[Ref]:
    """Version 2 tells names from a URL percent-encoded: ``%24default``."""
    if not (isinstance(api, str) and _API_ID.fullmatch(api) and isinstance(name, str)):
        return
    stage = unquote(name)
    if stage == "*" or _STAGE_NAME.fullmatch(stage):
        yield Ref(kind, f"{api}/{stage}")
