"""Versions and aliases of functions where moto answers otherwise than AWS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.awslambda.models import LambdaFunction, LambdaStorage

from embedded.function_updates import backend_of, named
from embedded.functions import PAGE, listed
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request, not_found

LATEST = "$LATEST"

_LAST = "last_number"


def list_versions(request: Request) -> Mapping[str, Any]:
    """$LATEST and the published versions, page by page; AWS documents no order."""
    name = named(request).function_name
    found = sorted(backend_of(request).list_versions_by_function(name), key=_shuffled)
    shown, marker = paged(request, found, _shuffled, PAGE)
    return {"Versions": [listed(one) for one in shown], "NextMarker": marker}


def list_aliases(request: Request) -> Mapping[str, Any]:
    """Aliases, or those of one version, weights not counted, page by page."""
    name, version = named(request).function_name, request.params.get("FunctionVersion")
    found = [
        one.to_json()
        for one in backend_of(request).list_aliases(name)
        if version in (None, one.function_version)
    ]
    shown, marker = paged(request, found, lambda one: str(one["Name"]), PAGE)
    return {"Aliases": [_told(one) for one in shown], "NextMarker": marker}


def before_delete(request: Request) -> None:
    """What an alias points to, by weight or not, and $LATEST cannot be deleted by themselves."""
    version = request.params.get("Qualifier")
    if version is None:
        return
    function = named(request)
    if version == LATEST:
        text = "$LATEST version cannot be deleted without deleting the function."
        raise Refusal("InvalidParameterValueException", text)
    aliases = backend_of(request).list_aliases(function.function_name)
    if using := [one.name for one in aliases if version in targets(one.to_json())]:
        text = "Unable to delete version because the following aliases reference it"
        raise Refusal("ResourceConflictException", f"{text}: [{', '.join(using)}]")


def targets(alias: Mapping[str, Any]) -> set[str]:
    """The versions that an alias sends invocations to."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {str(alias["FunctionVersion"]), *weights}


def get_policy(request: Request) -> Mapping[str, Any]:
    """Of the function, or of the version or alias alone that the request names."""
    function, qualifier = named(request), request.params.get("Qualifier")
    bare = function.function_arn.partition(":function:")
    arn = f"{bare[0]}{bare[1]}{function.function_name}" + (f":{qualifier}" if qualifier else "")
    told = function.policy
    statements = [one for one in told.statements if one["Resource"] == arn]
    if not statements:
        raise not_found("The resource you requested does not exist.")
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return {"Policy": json.dumps(policy), "RevisionId": told.revision}


def list_event_source_mappings(
    request: Request, others: Sequence[Mapping[str, Any]] = ()
) -> Mapping[str, Any]:
    """All mappings, or those of a function or a source, at most a hundred at once.

    ``others`` are mappings that moto does not have.
    """
    params = request.params
    found = backend_of(request).list_event_source_mappings(
        params.get("EventSourceArn", ""), params.get("FunctionName", "")
    )
    source = params.get("EventSourceArn")
    besides = [one for one in others if source in (None, one["EventSourceArn"])]
    if "FunctionName" in params:
        besides = [one for one in besides if named(request).function_arn == one["FunctionArn"]]
    told = [*(one.get_configuration() for one in found), *besides]
    told.sort(key=lambda one: str(one["UUID"]))
    shown, marker = paged(request, told, lambda one: str(one["UUID"]), 100)
    return {"EventSourceMappings": shown, "NextMarker": marker}


def paged(
    request: Request, items: Sequence[Any], key: Callable[[Any], str], most: int
) -> tuple[Sequence[Any], str | None]:
    """A page as Lambda gives it. Raises Refusal for a marker of another question."""
    params = request.params
    query = {name: params[name] for name in ("FunctionName", "FunctionVersion") if name in params}
    size = min(params.get("MaxItems", most), most)
    try:
        return page(items, key, size, params.get("Marker"), {**query, "of": request.operation})
    except BadTokenError as error:
        raise Refusal("InvalidParameterValueException", "Invalid Marker.") from error


@contextmanager
def numbered() -> Iterator[None]:
    """Within, no version gets the number of one that was deleted.

    Raises RuntimeError where moto no longer numbers versions by how many there are.
    """
    own = LambdaStorage.publish_version
    if getattr(own, _LAST, False):
        yield
        return
    if "set_version" not in own.__code__.co_names:
        raise RuntimeError("moto's LambdaStorage.publish_version sets no more numbers")

    def publish_version(
        self: LambdaStorage, name_or_arn: str, description: str = ""
    ) -> LambdaFunction | None:
        made = own(self, name_or_arn, description)
        return made and _renumbered(self, made)

    setattr(publish_version, _LAST, True)
    LambdaStorage.publish_version = publish_version  # type: ignore[method-assign]  # as documented
    try:
        yield
    finally:
        LambdaStorage.publish_version = own  # type: ignore[method-assign]  # as before


def _renumbered(storage: LambdaStorage, made: LambdaFunction) -> LambdaFunction:
    """A version with a number above all that the function ever had."""
    known = vars(storage)["_functions"][made.function_name]
    if vars(made).get(_LAST):  # nothing had changed: it was published before
        return made
    others = (int(one.version) for one in known["versions"] if one is not made)
    last = max([known.get(_LAST, 0), *others])
    known[_LAST] = last + 1
    made.set_version(last + 1)
    vars(made)[_LAST] = True
    vars(storage)["_arns"][made.function_arn] = made
    return made


def _shuffled(function: LambdaFunction) -> str:
    return hashlib.sha256(f"{function.function_arn} {function.version}".encode()).hexdigest()


def _told(alias: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in alias.items() if value is not None}
