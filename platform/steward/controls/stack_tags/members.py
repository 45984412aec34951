"""The resources of a stack: what CloudFormation lists, with their ARNs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from steward.controls import taggable
from steward.controls.stack_tags.state import Policy
from steward.controls.taggable import Form
from steward.errors import TryAgain
from steward.events import COMPLETED, STACK
from steward.model import Aws

Described: TypeAlias = Mapping[str, Any]
"""As DescribeStacks and ListStackResources tell of a stack and of a resource."""


@dataclass(frozen=True, slots=True)
class Member:
    """A resource of a stack that can be tagged."""

    arn: str
    id: str  # its physical one
    form: Form


@dataclass(frozen=True, slots=True)
class Members:
    """The resources of a stack, as far as they can be tagged, and those that cannot."""

    found: Sequence[Member] = ()
    unsupported: Mapping[str, int] = field(default_factory=dict)
    nameless: tuple[str, ...] = ()


def listed(aws: Aws, stack: str) -> Sequence[Described]:
    """All resources that a stack has, page by page."""
    pages = aws.pages("cloudformation", "ListStackResources", StackName=stack)
    return [one for answer, _ in pages for one in answer["StackResourceSummaries"]]


def members(aws: Aws, policy: Policy, resources: Sequence[Described]) -> Members:
    """What of these can be tagged. Raises TryAgain where some are still being made.

    In CloudFormation's express mode a stack is complete before its resources are.
    """
    there = [one for one in resources if _is_there(one) and not policy.ignores(_kind(one))]
    if making := sum(one["ResourceStatus"].endswith("_IN_PROGRESS") for one in there):
        raise TryAgain(f"{making} resources of the stack are still being made")
    known = [(one, taggable.forms()[_kind(one)]) for one in there if _kind(one) in taggable.forms()]
    arns = [(one, form, taggable.arn(form, one["PhysicalResourceId"], aws)) for one, form in known]
    return Members(
        [Member(arn, one["PhysicalResourceId"], form) for one, form, arn in arns if arn],
        Counter(sorted(_kind(one) for one in there if _kind(one) in taggable.others())),
        tuple(sorted(one["LogicalResourceId"] for one, _, arn in arns if not arn)),
    )


def is_changing(stack: Described) -> bool:
    """Whether an operation is under way, or failed and left nothing that is settled."""
    return stack["StackStatus"] not in COMPLETED


def _kind(resource: Described) -> str:
    return str(resource["ResourceType"])


def _is_there(resource: Described) -> bool:
    """A nested stack is a resource of its own; what has no physical id was never made."""
    gone = str(resource["ResourceStatus"]).startswith("DELETE_")
    return bool(resource.get("PhysicalResourceId")) and not gone and _kind(resource) != STACK
