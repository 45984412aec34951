"""Updates of functions where moto answers otherwise than AWS: revisions, states, layers."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends

from embedded.function_configs import keep, logging
from embedded.request import Refusal, Request, not_found

MOST_LAYERS = 5
LARGEST = 262_144_000
"""Bytes of code and layers together, unzipped (Lambda quotas)."""

REVISION, STATE, STATUS, UNZIPPED = "revision", "state_told", "status_told", "unzipped"
"""What is kept of a function, or of a layer version, beside moto's own."""


def described(function: LambdaFunction) -> dict[str, Any]:
    """A function's configuration with its revision, its state and that of its last update."""
    kept = vars(function)
    told = {**function.get_configuration(), "RevisionId": revision(function)}
    told["LoggingConfig"] = logging(function)
    told["State"] = kept.get(STATE, told["State"])
    told["LastUpdateStatus"] = kept.get(STATUS, "Successful")
    return told


def revision(function: LambdaFunction) -> str:
    """Another one after each update; a published version has its own."""
    basis = f"{function.function_arn} {function.version} {vars(function).get(REVISION, 0)}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, basis))


def get_configuration(request: Request) -> Mapping[str, Any]:
    """Of the function, or of a version, or of the version that an alias points to."""
    function, qualifier = named(request), request.params.get("Qualifier")
    told = described(function)
    if qualifier and not told["FunctionArn"].endswith(f":{qualifier}"):
        told["FunctionArn"] = f"{told['FunctionArn']}:{qualifier}"
    return {name: value for name, value in told.items() if value is not None}


def update_configuration(request: Request) -> Mapping[str, Any]:
    """As moto does it, once everything that Lambda looks at has been looked at."""
    function, params = named(request), request.params
    _refuse_busy(function)
    _refuse_stale(function, params)
    if "Layers" in params:
        _refuse_layers(backend_of(request), function, params["Layers"])
    function.update_configuration(dict(params))
    keep(function, params)
    _count(function)
    told = {**described(function), "LastUpdateStatus": "InProgress"}
    return {name: value for name, value in told.items() if value is not None}


def before_code(request: Request) -> Callable[[], None]:
    """New code waits for an update that is in progress, and makes another revision."""
    function = named(request)
    _refuse_busy(function)
    _refuse_stale(function, request.params)
    return lambda: None if request.params.get("DryRun") else _count(function)


def _count(function: LambdaFunction) -> None:
    vars(function)[REVISION] = vars(function).get(REVISION, 0) + 1


def _refuse_busy(function: LambdaFunction) -> None:
    """While Lambda makes or updates a function it takes no other update (Lambda developer guide,
    "Lambda function states")."""
    told = described(function)
    if told["State"] == "Pending" or told["LastUpdateStatus"] == "InProgress":
        what = "The operation cannot be performed at this time."
        text = f"{what} An update is in progress for resource: {function.function_arn}"
        raise Refusal("ResourceConflictException", text)


def _refuse_stale(function: LambdaFunction, params: Mapping[str, Any]) -> None:
    if params.get("RevisionId", revision(function)) != revision(function):
        text = "The RevisionId provided does not match the latest RevisionId."
        raise Refusal("PreconditionFailedException", text)


def _refuse_layers(backend: LambdaBackend, function: LambdaFunction, arns: Sequence[str]) -> None:
    if function.package_type == "Image":
        raise _invalid("Layers are not supported for functions with package type Image")
    if len(arns) > MOST_LAYERS:
        raise _invalid(f"Cannot reference more than {MOST_LAYERS} layers.")
    layers = [arn.rpartition(":")[0] for arn in arns]
    if len(set(layers)) < len(layers):
        raise _invalid("Two different versions of the same layer are not allowed.")
    versions = [backend.layers_versions_by_arn(arn) for arn in arns]
    for arn, version in zip(arns, versions, strict=True):
        if version is None:
            raise _invalid(f"Layer version {arn} does not exist.")
    size = _unzipped(function) + sum(map(_unzipped, versions))
    if size > LARGEST:
        what = "Function code combined with layers exceeds the maximum allowed size"
        raise _invalid(f"{what} of {LARGEST} bytes. The actual size is {size} bytes.")


def _unzipped(resource: Any) -> int:
    """Bytes of a function's code or a layer version, as was said when it was made, or as it is."""
    if UNZIPPED in vars(resource):
        return int(vars(resource)[UNZIPPED])
    try:
        with zipfile.ZipFile(io.BytesIO(resource.code_bytes)) as archive:
            return sum(one.file_size for one in archive.infolist())
    except zipfile.BadZipFile:
        return len(resource.code_bytes)


def _invalid(text: str) -> Refusal:
    return Refusal("InvalidParameterValueException", text)


def named(request: Request) -> LambdaFunction:
    """The function, version or alias that a request is about. Raises Refusal where none is."""
    params = request.params
    try:
        return backend_of(request).get_function(params["FunctionName"], params.get("Qualifier"))
    except UnknownFunctionException as unknown:
        raise not_found(f"Function not found: {unknown.message.partition(': ')[2]}") from unknown


def backend_of(request: Request) -> LambdaBackend:
    return lambda_backends[request.account][request.region]
