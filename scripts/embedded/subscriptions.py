"""Subscription filters where moto answers otherwise than AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.firehose.models import firehose_backends
from moto.kinesis.models import kinesis_backends
from moto.logs.models import LogGroup, SubscriptionFilter, logs_backends

from embedded.logs import class_of
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request, invalid, not_found

MOST = 5
"""Filters that a group may have (PutAccountPolicy, API reference)."""

PAGE = 50

_NO_ROLE = "destinationArn for vendor {} cannot be used without roleArn"
_NOT_THERE = {
    "kinesis": "Could not deliver test message to specified Kinesis stream. "
    "Check if the given Kinesis stream is in ACTIVE state.",
    "firehose": "Could not deliver test message to specified Firehose stream. "
    "Check if the given Firehose stream is in ACTIVE state.",
    "lambda": "Could not execute the lambda function. "
    "Make sure you have given CloudWatch Logs permission to execute your function.",
    "logs": "The specified destination does not exist.",
}


def put(request: Request) -> Mapping[str, Any]:
    """PutSubscriptionFilter: of a new name up to the limit, of a known one always."""
    params, group = request.params, _group(request)
    name, arn = params["filterName"], params["destinationArn"]
    service = arn.split(":")[2]
    if class_of(group) != "STANDARD":
        raise invalid(f"Log groups of class {class_of(group)} take no subscription filters.")
    if service in ("kinesis", "firehose") and not params.get("roleArn"):
        raise invalid(_NO_ROLE.format(service))
    if service not in _THERE or not _THERE[service](request, arn):
        raise invalid(_NOT_THERE.get(service, f"{arn} is no destination"))
    filters = group.subscription_filters
    if name not in filters and len(filters) >= MOST:
        raise Refusal("LimitExceededException", "Resource limit exceeded.")
    made = SubscriptionFilter(
        name, group.name, params["filterPattern"], arn, params.get("roleArn", "")
    )
    if name in filters:
        made.creation_time = filters[name].creation_time
    vars(made)["distribution"] = params.get("distribution", "ByLogStream")
    filters[name] = made
    return {}


def describe(request: Request) -> Mapping[str, Any]:
    """DescribeSubscriptionFilters: sorted by name, by prefix, page by page."""
    params, group = request.params, _group(request)
    query = {key: value for key, value in params.items() if key not in ("limit", "nextToken")}
    prefix, limit = params.get("filterNamePrefix", ""), params.get("limit", PAGE)
    found = sorted(one for one in [*group.subscription_filters] if one.startswith(prefix))
    try:
        shown, token = page(found, str, limit, params.get("nextToken"), query)
    except BadTokenError as error:
        raise invalid("The specified nextToken is invalid.") from error
    filters = [_described(group.subscription_filters[name]) for name in shown]
    return {"subscriptionFilters": filters, "nextToken": token}


def _described(one: SubscriptionFilter) -> dict[str, Any]:
    told = {**one.to_json(), "distribution": vars(one).get("distribution", "ByLogStream")}
    return {key: value for key, value in told.items() if key != "roleArn" or value}


def _group(request: Request) -> LogGroup:
    groups = logs_backends[request.account][request.region].groups
    group: LogGroup | None = groups.get(request.params["logGroupName"])
    if group is None:
        raise not_found("The specified log group does not exist.")
    return group


def _stream(request: Request, arn: str) -> bool:
    streams = kinesis_backends[request.account][request.region].streams
    return any(one.arn == arn for one in streams.values())


def _firehose(request: Request, arn: str) -> bool:
    streams = firehose_backends[request.account][request.region]
    return streams.lookup_name_from_arn(arn) is not None


def _function(request: Request, arn: str) -> bool:
    try:
        lambda_backends[request.account][request.region].get_function(arn)
    except UnknownFunctionException:
        return False
    return True


def _destination(request: Request, arn: str) -> bool:
    made = logs_backends[request.account][request.region].destinations
    return any(one.arn == arn for one in made.values())


_THERE: Mapping[str, Callable[[Request, str], bool]] = {
    "kinesis": _stream,
    "firehose": _firehose,
    "lambda": _function,
    "logs": _destination,
}
"""Whether a destination exists, by the service in its ARN."""
