"""Lambda where moto answers otherwise than AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends

from embedded.function_updates import described
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request

PAGE = 50
"""Functions an answer holds at most, whatever MaxItems says (API reference)."""

EXTRA = "configuration_besides"
"""What a function's configuration has that moto does not know of."""

_UNLISTED = frozenset(
    {
        *("State", "StateReason", "StateReasonCode", "RuntimeVersionConfig"),
        *("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"),
    }
)
"""Fields that only an answer about one function has (API reference)."""


def list_functions(request: Request) -> Mapping[str, Any]:
    """Functions, or with FunctionVersion=ALL also their versions, page by page.

    AWS documents no order, so they come in one that nobody could take for one.
    """
    params, backend = request.params, lambda_backends[request.account][request.region]
    if "MasterRegion" in params:
        raise NotImplementedError("ListFunctions: MasterRegion is not emulated")
    query = {key: params[key] for key in ("FunctionVersion",) if key in params}
    every = query.get("FunctionVersion") == "ALL"
    found = sorted(all_versions(backend) if every else backend.list_functions(), key=_shuffled)
    size = min(params.get("MaxItems", PAGE), PAGE)
    try:
        shown, marker = page(found, _shuffled, size, params.get("Marker"), query)
    except BadTokenError as error:
        raise Refusal("InvalidParameterValueException", "Invalid Marker.") from error
    return {"Functions": [listed(function) for function in shown], "NextMarker": marker}


def all_versions(backend: LambdaBackend) -> Iterator[LambdaFunction]:
    """Of all functions, $LATEST among them; for its list moto copies each deeply, its code, too."""
    for function in backend.list_functions():
        yield from backend.list_versions_by_function(function.function_name)


def _shuffled(function: LambdaFunction) -> str:
    return hashlib.sha256(f"{function.function_arn} {function.version}".encode()).hexdigest()


def listed(function: LambdaFunction) -> Mapping[str, Any]:
    """What a list tells of a function or version."""
    told = {**described(function), **vars(function).get(EXTRA, {})}
    return {
        name: value for name, value in told.items() if value is not None and name not in _UNLISTED
    }
