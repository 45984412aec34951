"""Parameters and answers as CloudTrail writes them: by the service's model, not by guess.

Members of structures begin with a small letter, keys of maps stay as they are; what is binary is
left out, what is secret is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.utils import get_service_model

from embedded.trail_call import instant

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
MASK = "***"

_IN_HTTP = ("uri", "querystring", "header", "headers")
_OF_HTTP = ("statusCode", "header", "headers")
_UNTOLD = {("cloudformation", "ParameterValue")}
_MASKED = {("apigatewayv2", "StageVariables")}


def parameters(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """``requestParameters`` as the service's own rule has them."""
    shape = _shapes(service, operation)[0]
    if shape is None:
        return dict(_plain(params))
    if service == "apigateway":
        return _nested(operation, shape, params)
    told = _structure(service, shape, params)
    return told | (_labels(shape, params) if service == "apigatewayv2" else {})


def elements(service: str, operation: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """``responseElements``; what is said by HTTP alone is not told."""
    shape = _shapes(service, operation)[1]
    if shape is None:
        return {}
    heads = {name for name, member in shape.members.items() if _place(member) in _OF_HTTP}
    return _structure(service, shape, {k: v for k, v in answer.items() if k not in heads})


def lower(name: str) -> str:
    """``KMSKeyArn`` becomes ``kMSKeyArn``: the first letter and no other."""
    return name[:1].lower() + name[1:]


def _shapes(service: str, operation: str) -> tuple[Any, Any]:
    """Of input and output; None where there is none, or the model does not know the operation."""
    try:
        model = get_service_model(service).operation_model(operation)
    except (DataNotFoundError, UnknownServiceError, OperationNotFoundError):
        return None, None
    return model.input_shape, model.output_shape


def _place(member: Any) -> str:
    return str(member.serialization.get("location", ""))


def _nested(operation: str, shape: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """API Gateway v1: what the URL names stands beside, the body under ``<operation>Input``.

    A boolean of the model's shape Boolean is told even if it was not given, NullableBoolean is not.
    """
    flags = {name: False for name, member in shape.members.items() if member.name == "Boolean"}
    told = _structure("apigateway", shape, {**flags, **params})
    payload = shape.serialization.get("payload")
    named = {name for name, member in shape.members.items() if _place(member) in _IN_HTTP}
    body = {lower(name) for name in shape.members if name not in named and name != payload}
    beside = {name: value for name, value in told.items() if name not in body}
    inside = {name: value for name, value in told.items() if name in body}
    wrapped = {f"{lower(operation)}Input": inside} if body else {}
    return {**beside, **wrapped, "template": False}


def _labels(shape: Any, params: Mapping[str, Any]) -> dict[str, str]:
    """API Gateway v2: what stands in the URL is told as it stands there, percent-encoded."""
    return {
        lower(name): quote(str(params[name]), safe="")
        for name, member in shape.members.items()
        if _place(member) == "uri" and params.get(name) is not None
    }


def _structure(service: str, shape: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """In the order of ``value``; members that the model does not have are not told."""
    told = {
        lower(name): _member(service, name, shape.members[name], inner)
        for name, inner in value.items()
        if name in shape.members
    }
    return {name: inner for name, inner in told.items() if inner is not None}


def _member(service: str, name: str, shape: Any, value: Any) -> Any:
    """None: not told."""
    if (service, name) in _MASKED:
        return MASK
    if (service, name) in _UNTOLD:
        return None
    if shape.metadata.get("sensitive"):
        # Lambda leaves secrets out (its developer guide); Systems Manager was seen to hide them.
        return None if service == "lambda" else HIDDEN
    return _value(service, shape, value)


def _value(service: str, shape: Any, value: Any) -> Any:
    if shape.type_name == "blob":
        return None
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return _structure(service, shape, value)
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {str(key): _member(service, "", shape.value, one) for key, one in value.items()}
    if shape.type_name == "list" and isinstance(value, list | tuple):
        return [_member(service, "", shape.member, one) for one in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    """Anything without a model, as JSON can hold it."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return {lower(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) else None
