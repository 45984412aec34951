"""What is read of stacks: resources, log groups, tags; for several stacks together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from steward.controls.stack_tags import log_groups, memory, stacks, tagged
from steward.controls.stack_tags.attempts import attempted, unread
from steward.controls.stack_tags.log_groups import Functions, Written
from steward.controls.stack_tags.members import Described, Members, is_changing, listed, members
from steward.controls.stack_tags.state import KIND, Policy, Resource, Stack, is_reserved
from steward.errors import Gone, NotConnected, Refused, StewardError
from steward.model import Ref, Remembered, Sight, Unread

LAG = timedelta(minutes=5)
"""How long what we wrote is believed, even if the index does not know it yet."""

Tags: TypeAlias = Mapping[str, str]
Items: TypeAlias = Mapping[Ref, Remembered]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A stack before the tags of its resources are read."""

    told: Described
    members: Members
    groups: Mapping[str, Written]  # by ARN

    def arns(self) -> list[str]:
        return list(dict.fromkeys([*(one.arn for one in self.members.found), *self.groups]))


def states(
    sight: Sight[Policy], described: Sequence[Described], functions: Functions, *, in_step: bool
) -> Iterator[Stack | Unread]:
    """Stacks with all their resources; where tags cannot be read, nothing is judged."""
    items = sight.known.items([Ref(KIND, one["StackId"]) for one in described])
    yield from (stacks.plain(one, items) for one in described if is_changing(one))
    rootless = dict(_rootless(sight, [one for one in described if not is_changing(one)]))
    yield from (unread(name, error) for name, error in rootless.items())
    described = [one for one in described if one["StackId"] not in rootless]
    quiet = [
        one for one in described if not is_changing(one) and stacks.is_quiet(sight, one, items)
    ]
    yield from (stacks.plain(one, items) for one in quiet)
    settled = [one for one in described if not is_changing(one) and one not in quiet]
    known: dict[str, tuple[Described, Members]] = {}
    ids = [one["StackId"] for one in settled]
    told = attempted(sight.aws, partial(_members, sight), ids, in_step=in_step)
    for one in settled:
        found = told[one["StackId"]]
        if isinstance(found, Members):
            known[one["StackId"]] = one, found
        elif not isinstance(found, Gone):
            yield unread(one["StackId"], found)
    yield from _all_or_each(sight, [*known.values()], functions, items)


def _all_or_each(
    sight: Sight[Policy],
    known: Sequence[tuple[Described, Members]],
    functions: Functions,
    items: Items,
) -> Iterator[Stack | Unread]:
    """Together, which takes few requests; where AWS refuses one, each stack by itself."""
    try:
        yield from _read(sight, _drafts(sight, known, functions) if known else [], items)
    except Refused as refusal:
        if len(known) > 1:
            for one in known:
                yield from _all_or_each(sight, [one], functions, items)
            return
        [(told, _)] = known
        yield Unread(Ref(KIND, told["StackId"]), "TAGS_UNREADABLE", str(refusal))


def _rootless(
    sight: Sight[Policy], described: Sequence[Described]
) -> Iterator[tuple[str, StewardError]]:
    """Nested stacks whose root's tags, which they should have, could not be read."""
    for one in described:
        try:
            stacks.wanted(sight, one)
        except NotConnected:
            raise
        except StewardError as error:
            yield one["StackId"], error


def _members(sight: Sight[Policy], stack: str) -> Members:
    return members(sight.aws, sight.policy, listed(sight.aws, stack))


def _drafts(
    sight: Sight[Policy], known: Sequence[tuple[Described, Members]], functions: Functions
) -> list[_Draft]:
    if not sight.policy.log_groups:
        return [_Draft(told, found, {}) for told, found in known]
    every = [one for _, found in known for one in found.found]
    written = log_groups.written(sight.aws, every, functions)
    arns = log_groups.there(sight.aws, [one.name for one in written]) if written else {}
    groups = {arns[one.name]: one for one in written if one.name in arns}
    return [_Draft(told, found, _of(found, groups)) for told, found in known]


def _of(found: Members, groups: Mapping[str, Written]) -> Mapping[str, Written]:
    """The groups of a stack's resources that are no resources of it themselves."""
    mine = {one.arn for one in found.found}
    return {arn: one for arn, one in groups.items() if one.owner in mine and arn not in mine}


def _read(sight: Sight[Policy], drafts: Sequence[_Draft], items: Items) -> list[Stack]:
    index = tagged.of(sight.aws, list(dict.fromkeys(arn for one in drafts for arn in one.arns())))
    return [_stack(sight, one, index, items) for one in drafts]


def _stack(
    sight: Sight[Policy],
    draft: _Draft,
    index: Mapping[str, Tags],
    items: Items,
) -> Stack:
    arn: str = draft.told["StackId"]
    item = items.get(Ref(KIND, arn))
    ours = memory.read(item.memory) if item else {}
    fresh = item is not None and sight.now - datetime.fromisoformat(item.changed_at) < LAG

    def resource(one: str) -> Resource:
        mine, group = ours.get(memory.mark(one), {}), draft.groups.get(one)
        told = {**(mine if fresh else {}), **index.get(one, {})}
        tags = {key: told[key] for key in told if sight.policy.allows(key) or key in mine}
        count = sum(not is_reserved(key) for key in told)
        owner, shared = (group.owner, group.shared) if group else ("", False)
        return Resource(one.split(":")[2], tags, count, owner, shared)

    return Stack(
        arn,
        stacks.tags(draft.told),
        stacks.wanted(sight, draft.told),
        resources={one: resource(one) for one in draft.arns() if not tagged.is_gone(one, index)},
        ours=ours,
        unsupported=draft.members.unsupported,
        nameless=draft.members.nameless,
    )
