"""What CloudFormation calls to make a person's stack, which moto makes without any call.

Only log groups, and only those of a new stack: an update or a deletion tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.logs.models import LogGroup

from embedded.trail import Made

PRINCIPAL = "cloudformation.amazonaws.com"


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
