"""The calls that tag and untag, and what a stack is like after them.

Twenty resources to a call, by the tagging API; roles, which it does not know, by their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from steward.controls.stack_tags import memory
from steward.controls.stack_tags.state import Resource, Stack
from steward.model import Call, Ref

API, ROLES = "resourcegroupstaggingapi", "iam"

BATCH = 20
"""Resources that TagResources and UntagResources take (API reference)."""

Tags = Mapping[str, str]


def written(arns: Iterable[str], tags: Tags, before: Tags) -> Iterator[Call]:
    """Calls that set tags, where all resources had the same ``before`` of these keys."""
    absent = {key: tags[key] for key in tags if key not in before}
    other = {key: tags[key] for key in tags if key in before}
    for some in _batches(arns):
        if absent:
            yield replace(_tag(some, absent), undo=_untag(some, [*absent]))
        if other:
            yield replace(_tag(some, other), undo=_tag(some, {key: before[key] for key in other}))


def removed(arns: Iterable[str], before: Tags) -> Iterator[Call]:
    """Calls that take tags away, where all resources have the same values of them."""
    for some in _batches(arns):
        yield replace(_untag(some, [*before]), undo=_tag(some, before))


def action(call: Call) -> str:
    """IAM's name of a call."""
    return f"{'tag' if call.service == API else call.service}:{call.operation}"


def about(call: Call, ref: Ref) -> bool:
    """Whether a call is about resources of the stack's account; ``after`` tells others apart."""
    return all(arn.split(":")[4] in ("", _account(ref.id)) for arn in _arns(call, ref.id))


def after(stack: Stack, calls: Sequence[Call]) -> Stack:
    """The stack once the calls have done what they say."""
    resources, ours = {**stack.resources}, {**stack.ours}
    pairs = [(call, arn) for call in calls for arn in _arns(call, stack.arn)]
    for call, arn in pairs:
        resource = resources.get(arn, Resource(""))
        tags = _after(resource.tags, call)
        count = resource.count + len(tags) - len(resource.tags)
        resources[arn] = replace(resource, tags=tags, count=count)
    for call, arn in pairs:
        mark, due = memory.mark(arn), _due(stack, resources, resources[arn])
        ours[mark] = _ours(ours.get(mark, {}), call, due)
    return replace(stack, resources=resources, ours={m: one for m, one in ours.items() if one})


def _due(stack: Stack, resources: Mapping[str, Resource], resource: Resource) -> Tags:
    owner = resources.get(resource.owner)
    return {**stack.wanted, **(owner.tags if owner else {})}


def _ours(ours: Tags, call: Call, due: Tags) -> Tags:
    """An undo that brings back what somebody else wrote leaves nothing of ours."""
    told = _told(call)
    left = _after(ours, call).items()
    return {key: value for key, value in left if key not in told or due.get(key) == value}


def _after(tags: Tags, call: Call) -> Tags:
    gone = call.params.get("TagKeys", ())
    return {key: value for key, value in {**tags, **_told(call)}.items() if key not in gone}


def _told(call: Call) -> Tags:
    """The tags that a call sets."""
    tags = call.params.get("Tags", {})
    return tags if isinstance(tags, Mapping) else {one["Key"]: one["Value"] for one in tags}


def _arns(call: Call, stack: str) -> Sequence[str]:
    if call.service == API:
        arns: Sequence[str] = call.params["ResourceARNList"]
        return arns
    partition = stack.split(":")[1]
    return [f"arn:{partition}:iam::{_account(stack)}:role/{call.params['RoleName']}"]


def _account(stack: str) -> str:
    return stack.split(":")[4]


def _batches(arns: Iterable[str]) -> Iterator[Sequence[str]]:
    """Roles one by one, all others in twenties."""
    listed = sorted(arns)
    yield from ([one] for one in listed if _is_role(one))
    others = [one for one in listed if not _is_role(one)]
    yield from (others[start : start + BATCH] for start in range(0, len(others), BATCH))


def _is_role(arn: str) -> bool:
    return arn.split(":")[2] == ROLES


def _tag(arns: Sequence[str], tags: Tags) -> Call:
    if _is_role(arns[0]):
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return Call(ROLES, "TagRole", {"RoleName": _role(arns[0]), "Tags": listed})
    return Call(API, "TagResources", {"ResourceARNList": [*arns], "Tags": {**tags}})


def _untag(arns: Sequence[str], keys: Sequence[str]) -> Call:
    if _is_role(arns[0]):
        return Call(ROLES, "UntagRole", {"RoleName": _role(arns[0]), "TagKeys": [*keys]})
    return Call(API, "UntagResources", {"ResourceARNList": [*arns], "TagKeys": [*keys]})


def _role(arn: str) -> str:
    return arn.rpartition("/")[2]
