"""Tags written through the tagging API, and what organizations require, where moto has gaps.

Functions and log groups are tagged in moto, where their own services tell the tags, too; of all
others the tags are kept here, and only the index tells them. Nobody knows whether those exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.core.resource_tagging import iter_taggable_backends
from moto.logs.models import logs_backends
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

from embedded.request import Refusal, Request, invalid

BATCH = 20
"""ARNs that a request takes at most (API reference)."""

MOST = 50
"""Tags that a resource can have."""

_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")

Tags = dict[str, str]


def tag_resources(request: Request) -> Mapping[str, Any]:
    """Set tags on each resource; what fails for one is told, and stops nothing."""
    told: Mapping[str, str] = request.params["Tags"]
    if reserved := [key for key in told if key.lower().startswith("aws:")]:
        raise invalid(f"{reserved[0]}: keys must not begin with aws:")
    return _of_each(request, lambda tags: {**tags, **told})


def untag_resources(request: Request) -> Mapping[str, Any]:
    """Take tags away from each resource; one that does not have them is no failure."""
    keys: Sequence[str] = request.params["TagKeys"]
    return _of_each(request, lambda tags: {k: v for k, v in tags.items() if k not in keys})


def list_required_tags(request: Request) -> Mapping[str, Any]:
    """What ``require`` said; nothing in an account of no organization."""
    return {"RequiredTags": _memory(request.account, request.region).get("required", [])}


def require(kind: str, *keys: str, account: str, region: str) -> None:
    """Let the organization's tag policy report keys as required for a CloudFormation type."""
    service = ":".join(kind.lower().split("::")[1:])
    told = {"ResourceType": service, "CloudFormationResourceTypes": [kind]}
    required = _memory(account, region).setdefault("required", [])
    required.append({**told, "ReportingTagKeys": [*keys]})


def kept(account: str, region: str) -> dict[str, Tags]:
    """The tags that are kept here, by ARN; they go before those that moto has."""
    tags: dict[str, Tags] = _memory(account, region).setdefault("kept", {})
    return tags


def _memory(account: str, region: str) -> dict[str, Any]:
    """With moto's own object, so that it is forgotten with the account."""
    return vars(resourcegroupstaggingapi_backends[account][region])


def _of_each(request: Request, change: Callable[[Tags], Tags]) -> Mapping[str, Any]:
    arns: Sequence[str] = request.params["ResourceARNList"]
    if not 1 <= len(arns) <= BATCH:
        raise invalid(f"ResourceARNList takes 1 to {BATCH} ARNs")
    if strange := [arn for arn in arns if not _ARN.fullmatch(arn)]:
        raise invalid(f"{strange[0]} is no ARN")
    failed, before = {}, _before(request, arns)
    for arn in arns:
        try:
            _write(request, arn, before.get(arn, {}), change)
        except Refusal as error:
            info = {"StatusCode": 400, "ErrorCode": error.code, "ErrorMessage": error.message}
            failed[arn] = info
    return {"FailedResourcesMap": failed}


def _write(request: Request, arn: str, before: Tags, change: Callable[[Tags], Tags]) -> None:
    after = change(before)
    if len([key for key in after if not key.startswith("aws:")]) > MOST:
        raise Refusal("TooManyTagsException", f"{arn} would have more than {MOST} tags")
    own = _own(request, arn)
    if own is None:
        kept(request.account, request.region)[arn] = after
        return
    own.untag_resource(arn, [key for key in before if key not in after])
    own.tag_resource(arn, after)


def _own(request: Request, arn: str) -> Any:
    """Moto's service of a function or a log group that is there; None for what is kept here."""
    service = arn.split(":")[2]
    if service == "logs":
        groups = logs_backends[request.account][request.region]
        if arn not in {group.arn for group in groups.groups.values()}:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        return groups
    if service == "lambda" and ":function:" in arn:
        functions = lambda_backends[request.account][request.region]
        if arn.rpartition(":")[2] not in {one.function_name for one in functions.list_functions()}:
            raise Refusal("ResourceNotFoundException", f"Function not found: {arn}")
        return functions
    return None


def _before(request: Request, arns: Sequence[str]) -> dict[str, Tags]:
    """The resources' tags, as far as they have any."""
    here = kept(request.account, request.region)
    found = {arn: here[arn] for arn in arns if arn in here}
    if len(found) == len(arns):
        return found
    backends = iter_taggable_backends(request.account, request.region)
    tagged = (one for backend in backends for one in backend.iter_tagged_resources())
    return {**{one.arn: dict(one.tags) for one in tagged if one.arn in arns}, **found}
