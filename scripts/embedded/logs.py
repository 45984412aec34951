"""CloudWatch Logs where moto answers otherwise than AWS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.logs.models import LogGroup, LogsBackend, logs_backends

from embedded import account_policies
from embedded.account_policies import Retention
from embedded.paging import BadTokenError, page
from embedded.request import Request, invalid
from steward.controls.log_retention.state import LEGAL_DAYS

PAGE = 50
"""Groups an answer holds, and identifiers a request takes, at most (API reference)."""

_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_IDENTIFIER = re.compile(r"[\w#+=/:,.@-]{1,2048}")
_ATTRIBUTE = "get_cfn_attribute"
_CHEAP = {
    "INFREQUENT_ACCESS": ("INFREQUENT_ACCESS", "ESSENTIALS"),
    "ESSENTIALS": ("INFREQUENT_ACCESS", "ESSENTIALS"),
}
"""Classes that DescribeLogGroups does not tell apart when it is asked for one of them."""


def describe_log_groups(request: Request) -> Mapping[str, Any]:
    """Groups sorted by name, by identifier, prefix, substring or class, page by page."""
    params, backend = request.params, logs_backends[request.account][request.region]
    limit = params.get("limit", PAGE)
    if not 1 <= limit <= PAGE:
        raise invalid(f"Value '{limit}' at 'limit' must lie between 1 and {PAGE}")
    query = {key: value for key, value in params.items() if key not in ("limit", "nextToken")}
    found = sorted(_matching(backend, query), key=_name)
    try:
        shown, token = page(found, _name, limit, params.get("nextToken"), query)
    except BadTokenError as error:
        raise invalid("The specified nextToken is invalid.") from error
    policies = account_policies.retentions(backend)
    described = [_described(group, policies) for group in shown]
    if "logGroupNamePattern" in query:
        told = ("arn", "creationTime", "logGroupName")
        described = [{field: group[field] for field in told} for group in described]
    return {"logGroups": described, "nextToken": token}


def before_create(request: Request) -> Callable[[], None]:
    """Refuse an impossible name; remember the class once the group is there."""
    name, backend = request.params["logGroupName"], logs_backends[request.account][request.region]
    if not _NAME.fullmatch(name):
        raise invalid(f"Value '{name}' at 'logGroupName' failed to satisfy constraint")

    def remember() -> None:
        if "logGroupClass" in request.params:
            vars(backend.groups[name])["log_class"] = request.params["logGroupClass"]

    return remember


def before_delete(request: Request) -> Callable[[], None]:
    """Once the group is gone its tags are, too; the class goes with moto's own object."""
    name, backend = request.params["logGroupName"], logs_backends[request.account][request.region]
    arn = backend.groups[name].arn if name in backend.groups else ""
    return lambda: backend.tagger.delete_all_tags_for_resource(arn)


def before_put_retention(request: Request) -> None:
    """Refuse days that AWS does not have, and groups whose retention it fixes."""
    days, groups = request.params["retentionInDays"], _groups(request)
    if days not in LEGAL_DAYS:
        raise invalid(f"Value '{days}' at 'retentionInDays' failed to satisfy constraint")
    group = groups.get(request.params["logGroupName"])
    if group is not None and class_of(group) == "DELIVERY":
        raise invalid("Retention of a log group of class DELIVERY cannot be changed.")


def class_of(group: LogGroup) -> str:
    log_class: str = vars(group).get("log_class", "STANDARD")
    return log_class


@contextmanager
def arns_with_streams() -> Iterator[None]:
    """Within, Fn::GetAtt gives a group's Arn as CloudFormation does: with ``:*``.

    Raises RuntimeError where moto has no more what this hangs on.
    """
    own = vars(LogGroup).get(_ATTRIBUTE)
    if own is None:
        raise RuntimeError(f"moto's LogGroup has no more {_ATTRIBUTE}")

    def attribute(group: LogGroup, name: str) -> str:
        return f"{own(group, name)}:*"

    setattr(LogGroup, _ATTRIBUTE, attribute)
    try:
        yield
    finally:
        setattr(LogGroup, _ATTRIBUTE, own)


def _groups(request: Request) -> Mapping[str, LogGroup]:
    return logs_backends[request.account][request.region].groups


def _name(group: LogGroup) -> str:
    return group.name


def _matching(backend: LogsBackend, query: Mapping[str, Any]) -> Iterator[LogGroup]:
    """The groups a request is about. Raises InvalidParameterException for filters at odds."""
    filters = {key for key in query if key.startswith("logGroup")}
    if "logGroupIdentifiers" in filters:
        if len(filters) > 1:
            raise invalid("logGroupIdentifiers cannot be combined with other filters")
        return _identified(backend, query["logGroupIdentifiers"])
    prefix, part = query.get("logGroupNamePrefix", ""), query.get("logGroupNamePattern", "")
    if prefix and part:
        raise invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive")
    asked = query.get("logGroupClass", "")
    classes = _CHEAP.get(asked, (asked,))
    return (
        group
        for name, group in [*backend.groups.items()]
        if name.startswith(prefix) and part in name and (not asked or class_of(group) in classes)
    )


def _identified(backend: LogsBackend, identifiers: Sequence[str]) -> Iterator[LogGroup]:
    """Exactly the named groups; what is not there, or is somebody else's, is left out."""
    if not 1 <= len(identifiers) <= PAGE or not all(map(_IDENTIFIER.fullmatch, identifiers)):
        raise invalid("logGroupIdentifiers failed to satisfy constraint")
    by_arn = {group.arn: group for group in [*backend.groups.values()]}
    found = (by_arn.get(identifier) or backend.groups.get(identifier) for identifier in identifiers)
    return iter({group.name: group for group in found if group}.values())


def _described(group: LogGroup, policies: Sequence[Retention]) -> dict[str, Any]:
    """A group as DescribeLogGroups shows it; an account policy hides the group's own days."""
    described = {**group.to_describe_dict(), "logGroupClass": class_of(group)}
    policy = account_policies.in_force(policies, group)
    if policy is not None:
        described.pop("retentionInDays", None)
        days = {} if policy.days is None else {"retentionInDays": policy.days}
        described |= {"retentionPolicyName": policy.name, **days}
    return described
