"""Subscription filters where moto answers otherwise than AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.logs.models import LogGroup, SubscriptionFilter, logs_backends

from embedded import destinations
from embedded.logs import class_of
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request, invalid, not_found

MOST = 5
"""Filters that a group may have (PutAccountPolicy, API reference)."""

PAGE = 50

SYSTEM_FIELDS = frozenset({"@aws.account", "@aws.region", "@source.log"})
"""What a filter may have told with each event (PutSubscriptionFilter, API reference)."""


def put(request: Request) -> Mapping[str, Any]:
    """PutSubscriptionFilter: of a new name up to the limit, of a known one always."""
    params, group = request.params, _group(request)
    name, arn = params["filterName"], params["destinationArn"]
    if class_of(group) != "STANDARD":
        raise invalid(f"Log groups of class {class_of(group)} take no subscription filters.")
    filters = group.subscription_filters
    if name not in filters and len(filters) >= MOST:
        raise Refusal("LimitExceededException", "Resource limit exceeded.")
    fields = params.get("emitSystemFields", [])
    if not SYSTEM_FIELDS.issuperset(fields):
        raise invalid("The provided system fields are invalid.")
    destinations.check(request, arn, params.get("roleArn", ""))
    made = SubscriptionFilter(
        name, group.name, params["filterPattern"], arn, params.get("roleArn", "")
    )
    if name in filters:
        made.creation_time = filters[name].creation_time
    vars(made)["distribution"] = params.get("distribution", "ByLogStream")
    vars(made)["emit_system_fields"] = list(fields)
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
    told["emitSystemFields"] = vars(one).get("emit_system_fields", [])
    optional = ("roleArn", "emitSystemFields")
    return {key: value for key, value in told.items() if key not in optional or value}


def _group(request: Request) -> LogGroup:
    groups = logs_backends[request.account][request.region].groups
    group: LogGroup | None = groups.get(request.params["logGroupName"])
    if group is None:
        raise not_found("The specified log group does not exist.")
    return group
