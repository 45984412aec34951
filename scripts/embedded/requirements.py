"""What IAM asks for an API call: which actions must be granted, on which resources.

An operation that the tables do not name is refused: the author of a control adds its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any
from urllib.parse import quote, unquote

import botocore.session

from embedded.actions import (
    ACCOUNT_POLICIES,
    BESIDES,
    LOG_GROUP,
    PREFIXES,
    RENAMED,
    SCOPED,
    TAGGING,
    UNASKED,
    UNSCOPED,
)

Params = Mapping[str, Any]
Facts = tuple[tuple[str, tuple[str, ...]], ...]


class UnmappedOperationError(LookupError):
    """An operation of which the tables do not say what IAM asks for it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """An action that must be granted on each of the resources; '*': one that takes no resource."""

    action: str
    resource_arns: tuple[str, ...]
    facts: Facts = field(default=(), compare=False, repr=False)
    """Condition keys that the request itself determines, with their values; (): absent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is made, and what its request says for conditions."""

    account: str
    region: str
    partition: str
    facts: Facts = ()

    def arn(self, prefix: str, resource: str) -> str:
        """A leading '::' is for resources whose ARNs have no Region, ':::' no account either."""
        if resource.startswith(":::"):
            return f"arn:{self.partition}:{prefix}{resource}"
        region = "" if resource.startswith("::") else self.region
        rest = resource.removeprefix("::")
        return f"arn:{self.partition}:{prefix}:{region}:{self.account}:{rest}"


def requirements(
    service: str,
    operation: str,
    params: Params,
    *,
    account: str,
    region: str,
    partition: str,
    path: str = "",
) -> tuple[Requirement, ...]:
    """All that must be granted; () for a call that needs no permission.

    Names are boto3's. ``path`` is the request's, and is made from ``params`` where it is not given.
    Raises UnmappedOperationError.
    """
    asked = f"{service}.{operation}"
    place = Place(account, region, partition, _facts(params, region))
    if asked in UNASKED:
        return ()
    if service in ("apigateway", "apigatewayv2"):
        return (_rest(service, operation, params, place, path),)
    if asked in _DIVIDED:
        return tuple(_DIVIDED[asked](params, place))
    if asked not in UNSCOPED and asked not in SCOPED:
        raise UnmappedOperationError(f"{asked}: embedded/actions.py does not say what IAM asks")
    main = _required(action(service, operation), SCOPED.get(asked, ()), params, place)
    return (main, *_besides(asked, params, place))


def action(service: str, operation: str) -> str:
    """IAM's name of an operation that is neither API Gateway's nor divided into others."""
    name = RENAMED.get(f"{service}.{operation}", operation)
    return f"{PREFIXES.get(service, service)}:{name}"


def _required(action: str, forms: Sequence[str], params: Params, place: Place) -> Requirement:
    prefix = action.partition(":")[0]
    named = [text for form in forms for text in _filled(form, params)]
    arns = [text if text.startswith("arn:") else place.arn(prefix, text) for text in named]
    return Requirement(action, tuple(arns) or ("*",), place.facts)


def _besides(asked: str, params: Params, place: Place) -> Iterator[Requirement]:
    passed_to = ("iam:PassedToService", (f"{asked.partition('.')[0]}.amazonaws.com",))
    there = replace(place, facts=(*place.facts, passed_to))
    for given, also, form in BESIDES.get(asked, ()):
        if params.get(given):
            yield _required(also, (form,), params, there)


_FIELD = re.compile(r"\{(:?)([\w|]+)\}")


def _filled(form: str, params: Params) -> Iterator[str]:
    """A form with its parameters' values, once for each of several; without a value it is '*'.

    A value that is an ARN stands for the form as far as it goes; '{:A}' is ':' and A, or nothing.
    """
    found = _FIELD.search(form)
    if not found:
        yield form
        return
    before, optional, names = form[: found.start()], found[1], found[2].split("|")
    given: Any = next((params[name] for name in names if params.get(name)), None)
    for value in _values(given, "" if optional else "*"):
        for after in _filled(form[found.end() :], params):
            if value.startswith("arn:"):
                yield value.removesuffix(":*") + (after if after.startswith(":") else "")
            else:
                yield f"{before}{optional if value else ''}{_named(before, value)}{after}"


def _values(given: Any, absent: str) -> list[str]:
    if not given:
        return [absent]
    return [str(given)] if isinstance(given, str | int) else [str(one) for one in given]


def _named(before: str, value: str) -> str:
    """A resource's name as ARNs have it: of a queue's URL, of a parameter's path, of a function."""
    if before == "parameter/":
        return value.removeprefix("/")
    if before == "function:":
        return value.rpartition("function:")[2]
    return value.rpartition("/")[2] if value.startswith(("http://", "https://")) else value


def _facts(params: Params, region: str) -> Facts:
    """What a role's own call says: nothing stands behind it, no service is in between."""
    return (
        ("aws:RequestedRegion", (region,)),
        ("aws:TagKeys", tuple(_tag_keys(params))),
        ("cloudwatch:namespace", tuple(_values(params.get("Namespace"), ""))),
        ("lambda:Layer", tuple(params.get("Layers") or ())),
        *((key, ()) for key in ("aws:SourceArn", "aws:CalledVia", "kms:ViaService")),
    )


def _tag_keys(params: Params) -> Iterator[str]:
    for name in ("tags", "Tags", "tagKeys", "TagKeys"):
        for tag in params.get(name) or ():
            yield (tag.get("Key") or tag["key"]) if isinstance(tag, Mapping) else tag


def _rest(service: str, operation: str, params: Params, place: Place, path: str) -> Requirement:
    """API Gateway's actions are HTTP's methods, on paths that do not tell its two versions."""
    method, made = _http(service, operation, params)
    path = (path or made).removeprefix("/v2")
    if path.startswith("/tags/"):  # by the resource's ARN, which has slashes of its own
        path = "/tags/" + quote(unquote(path.removeprefix("/tags/")), safe="")
    arn = f"arn:{place.partition}:apigateway:{place.region}::{path}"
    return Requirement(f"apigateway:{method}", (arn,), place.facts)


def _http(service: str, operation: str, params: Params) -> tuple[str, str]:
    """Method and path of a request, by botocore's model."""
    model = _model(service).operation_model(operation)
    path: str = model.http["requestUri"]
    for name, member in model.input_shape.members.items():
        if member.serialization.get("location") == "uri" and name in params:
            path = path.replace(f"{{{member.serialization['name']}}}", str(params[name]))
    return model.http["method"], path


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _in_transaction(params: Params, place: Place) -> Iterator[Requirement]:
    """Each entry asks for what it would ask for by itself."""
    names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
    for entry in params["TransactItems"]:
        for kind, asked in entry.items():
            name = f"dynamodb:{names.get(kind, 'ConditionCheckItem')}"
            yield _required(name, ("table/{TableName}",), asked, place)


def _query(params: Params, place: Place) -> Iterator[Requirement]:
    """On an index instead of its table, if it names one."""
    form = "table/{TableName}/index/{IndexName}" if "IndexName" in params else "table/{TableName}"
    yield _required("dynamodb:Query", (form,), params, place)


def _account_policy(params: Params, place: Place) -> Iterator[Requirement]:
    """Also what the policy does to every log group. Raises UnmappedOperationError."""
    also = ACCOUNT_POLICIES.get(params["policyType"])
    if also is None:
        raise UnmappedOperationError(f"logs.PutAccountPolicy: of type {params['policyType']}")
    yield _required("logs:PutAccountPolicy", (), params, place)
    yield _required(also, (f"{LOG_GROUP}:log-stream:",), {}, place)
    document = json.loads(params["policyDocument"])
    yield from _besides("logs.PutSubscriptionFilter", {"roleArn": document.get("RoleArn")}, place)


def _account_policy_deletion(params: Params, place: Place) -> Iterator[Requirement]:
    """Also what ends with the policy in every log group. Raises UnmappedOperationError."""
    does = ACCOUNT_POLICIES.get(params["policyType"])
    if does is None:
        raise UnmappedOperationError(f"logs.DeleteAccountPolicy: of type {params['policyType']}")
    yield _required("logs:DeleteAccountPolicy", (), params, place)
    ends = does.replace(":Put", ":Delete")
    yield _required(ends, (f"{LOG_GROUP}:log-stream:",), {}, place)


def _subscription(params: Params, place: Place) -> Iterator[Requirement]:
    """Also on a destination of CloudWatch Logs, as it may be another account's."""
    asked, arn = "logs.PutSubscriptionFilter", params.get("destinationArn", "")
    yield _required("logs:PutSubscriptionFilter", SCOPED[asked], params, place)
    yield from _besides(asked, params, place)
    if arn.startswith(f"arn:{place.partition}:logs:"):
        yield Requirement("logs:PutSubscriptionFilter", (arn,), place.facts)


def _tags(operation: str, params: Params, place: Place) -> Iterator[Requirement]:
    """Also the tagging action of each resource's own service. Raises UnmappedOperationError."""
    yield _required(f"tag:{operation}", (), params, place)
    for arn in params["ResourceARNList"]:
        service = arn.split(":")[2]
        if service not in TAGGING:
            raise UnmappedOperationError(f"{operation}: how {service} calls it is not known")
        verb = "Untag" if operation == "UntagResources" else "Tag"
        yield Requirement(f"{service}:{verb}{TAGGING[service]}", (arn,), place.facts)


_DIVIDED: Mapping[str, Callable[[Params, Place], Iterator[Requirement]]] = {
    "dynamodb.Query": _query,
    "dynamodb.TransactGetItems": _in_transaction,
    "dynamodb.TransactWriteItems": _in_transaction,
    "logs.DeleteAccountPolicy": _account_policy_deletion,
    "logs.PutAccountPolicy": _account_policy,
    "logs.PutSubscriptionFilter": _subscription,
    "resourcegroupstaggingapi.TagResources": partial(_tags, "TagResources"),
    "resourcegroupstaggingapi.UntagResources": partial(_tags, "UntagResources"),
}
