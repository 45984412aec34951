"""What is known of a stack before its resources are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from steward.controls.stack_tags import memory
from steward.controls.stack_tags.members import Described, is_changing
from steward.controls.stack_tags.state import KIND, Nested, Policy, Stack, is_reserved
from steward.model import Ref, Remembered, Sight

Tags: TypeAlias = Mapping[str, str]
Items: TypeAlias = Mapping[Ref, Remembered]


def is_quiet(sight: Sight[Policy], told: Described, items: Items) -> bool:
    """Whether there is nothing to write or remove, so that its resources need not be read."""
    item = items.get(Ref(KIND, told["StackId"]))
    due = wanted(sight, told)
    return not any(map(sight.policy.allows, due)) and not (item and item.memory)


def plain(told: Described, items: Items) -> Stack:
    """Without resources; what is remembered of it stays, for when it is judged."""
    item = items.get(Ref(KIND, told["StackId"]))
    ours = memory.read(item.memory) if item else {}
    return Stack(told["StackId"], tags(told), changing=is_changing(told), ours=ours)


def wanted(sight: Sight[Policy], told: Described) -> Tags:
    """The tags of the stack or, where the policy says so, of the root that it is nested in."""
    root = told.get("RootId", told["StackId"])
    if sight.policy.nested is Nested.OWN or root == told["StackId"]:
        return tags(told)

    def read() -> Tags:
        [stack] = sight.aws.ask("cloudformation", "DescribeStacks", StackName=root)["Stacks"]
        return tags(stack)

    return sight.known.once(f"tags of {root}", read)


def tags(told: Mapping[str, Any]) -> Tags:
    """A stack's tags, of AWS's own all left out."""
    every = {tag["Key"]: tag["Value"] for tag in told.get("Tags", ())}
    return {key: value for key, value in every.items() if not is_reserved(key)}
