"""What CloudFormation calls to make a person's stack, which moto makes without any call.

Only log groups, and only those of a new stack: an update or a deletion tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.logs.models import LogGroup

from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request
from embedded.trail import Made

PRINCIPAL = "cloudformation.amazonaws.com"

PAGE = 100
"""Resources that an answer of ListStackResources holds (API reference)."""


def list_stack_resources(request: Request) -> Mapping[str, Any]:
    """A stack's resources, page by page, each with the status that it has."""
    backend, name = _backend(request.account, request.region), request.params["StackName"]
    stacks = [one for one in backend.stacks.values() if name in (one.name, one.stack_id)]
    if not stacks:
        raise Refusal("ValidationError", f"Stack with id {name} does not exist")
    seeded = vars(stacks[0]).get("seeded", ())
    found = [*map(_summary, stacks[0].resource_map.values()), *seeded]
    told = sorted((one for one in found if one["ResourceType"]), key=_logical)
    try:
        shown, token = page(told, _logical, PAGE, request.params.get("NextToken"), {"stack": name})
    except BadTokenError as error:
        raise Refusal("ValidationError", "NextToken is not one of ours") from error
    return {"StackResourceSummaries": shown, **({"NextToken": token} if token else {})}


def seed_stack(
    name: str,
    tags: Mapping[str, str],
    resources: Mapping[str, str],
    *,
    account: str,
    region: str,
) -> str:
    """A stack with resources that nobody made, as type by physical id; its ARN."""
    text = '{"Resources": {}}'
    stack = _backend(account, region).create_stack(name, text, {}, tags=dict(tags))
    vars(stack)["seeded"] = [
        {
            "LogicalResourceId": f"R{number:03}",
            "ResourceType": kind,
            "PhysicalResourceId": physical,
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": "2026-11-20T10:00:00Z",
        }
        for number, (physical, kind) in enumerate(resources.items())
    ]
    return str(stack.stack_id)


def identified(made: Made) -> Made:
    """A deletion with the stack's ARN, which the call may not tell."""
    if (made.service, made.operation) != ("cloudformation", "DeleteStack") or made.failed:
        return made
    name = made.params["StackName"]
    gone = _backend(made.account, made.region).deleted_stacks.values()
    ids = [one.stack_id for one in gone if name in (one.name, one.stack_id)]
    return replace(made, before={"StackId": {"StackId": ids[-1]}}) if ids else made


def _backend(account: str, region: str) -> CloudFormationBackend:
    return cloudformation_backends[account][region]


def _summary(resource: Any) -> dict[str, Any]:
    told = {
        "LogicalResourceId": getattr(resource, "logical_resource_id", ""),
        "ResourceType": getattr(resource, "cf_resource_type", None)
        or getattr(resource, "type", ""),
        "ResourceStatus": getattr(resource, "status", None) or "CREATE_COMPLETE",
        "LastUpdatedTimestamp": "2026-11-20T10:00:00Z",
    }
    physical = getattr(resource, "physical_resource_id", "")
    return {**told, **({"PhysicalResourceId": physical} if physical else {})}


def _logical(summary: Mapping[str, Any]) -> str:
    return str(summary["LogicalResourceId"])


def calls_by_cloudformation(made: Made) -> Iterator[Made]:
    """The calls that a CreateStack led to, in the name of whoever asked for it."""
    if (made.service, made.operation) != ("cloudformation", "CreateStack") or made.failed:
        return
    backend = cloudformation_backends[made.account][made.region]
    caller = replace(made.caller, invoked_by=PRINCIPAL)
    for one in backend.get_stack(made.params["StackName"]).resource_map.values():
        if isinstance(one, LogGroup):
            for operation, params in _calls(one):
                yield replace(
                    made,
                    service="logs",
                    operation=operation,
                    params=params,
                    caller=caller,
                    answer=None,
                )


def _calls(group: LogGroup) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "CreateLogGroup", {"logGroupName": group.name}
    if group.retention_in_days:
        days = int(group.retention_in_days)
        yield "PutRetentionPolicy", {"logGroupName": group.name, "retentionInDays": days}
