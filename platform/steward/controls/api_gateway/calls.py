"""What IAM asks for a call to API Gateway, and which stage it is about."""

from __future__ import annotations

from collections.abc import Mapping

from steward.controls.api_gateway.stages import KINDS
from steward.model import Call, Ref

ACTIONS: Mapping[str, str] = {
    "UpdateStage": "apigateway:PATCH",
    "DeleteRouteSettings": "apigateway:DELETE",
}
"""HTTP's methods, which API Gateway's actions are (Service Authorization Reference)."""


def action(call: Call) -> str:
    """IAM's name of what the call does, whatever its service."""
    known = ACTIONS.get(call.operation) if call.service in KINDS.values() else None
    return known or f"{call.service}:{call.operation}"


def is_about(call: Call, ref: Ref) -> bool:
    """Whether a call to API Gateway changes that stage and no other."""
    api = call.params.get("restApiId", call.params.get("ApiId"))
    stage = call.params.get("stageName", call.params.get("StageName"))
    return KINDS.get(ref.kind) == call.service and f"{api}/{stage}" == ref.id
