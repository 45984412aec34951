"""How $LATEST, aliases and versions are invoked asynchronously; moto knows no difference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embedded.function_updates import backend_of, named
from embedded.request import Request, not_found
from embedded.versions import paged

_KEPT = "invoke_configs"
_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_WHEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def put(request: Request) -> Mapping[str, Any]:
    """What is not said is not set, whatever was before."""
    return _store(request, {})


def update(request: Request) -> Mapping[str, Any]:
    """What is not said stays as it is."""
    return _store(request, get(request))


def get(request: Request) -> Mapping[str, Any]:
    found = _kept(request).get(_arn(request))
    if found is None:
        raise _none(request)
    return found


def delete(request: Request) -> Mapping[str, Any]:
    if _kept(request).pop(_arn(request), None) is None:
        raise _none(request)
    return {}


def list_configs(request: Request) -> Mapping[str, Any]:
    """At most fifty at once, of the function and whatever qualifies it."""
    told = [config for _, config in sorted(_kept(request).items())]
    shown, marker = paged(request, told, lambda one: str(one["FunctionArn"]), 50)
    return {"FunctionEventInvokeConfigs": shown, "NextMarker": marker}


def _store(request: Request, before: Mapping[str, Any]) -> Mapping[str, Any]:
    params = request.params
    told = {name: params[name] for name in _SETTINGS if name in params}
    config = {**before, **told, "FunctionArn": _arn(request), "LastModified": _WHEN}
    _kept(request)[_arn(request)] = config
    return config


def _kept(request: Request) -> dict[str, Mapping[str, Any]]:
    """What is kept with the function, whatever version the request names."""
    latest = backend_of(request).get_function(named(request).function_name)
    kept: dict[str, Mapping[str, Any]] = vars(latest).setdefault(_KEPT, {})
    return kept


def _arn(request: Request) -> str:
    latest = backend_of(request).get_function(named(request).function_name)
    return f"{latest.function_arn}:{request.params.get('Qualifier', '$LATEST')}"


def _none(request: Request) -> Exception:
    return not_found(f"The function {_arn(request)} doesn't have an EventInvokeConfig")
