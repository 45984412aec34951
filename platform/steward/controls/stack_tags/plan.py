"""What each resource of a stack lacks, and the fewest calls that put it right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from steward.controls import taggable
from steward.controls.stack_tags import memory
from steward.controls.stack_tags.calls import BATCH, Tags, removed, written
from steward.controls.stack_tags.state import Conflict, Policy, Resource, Stack, room
from steward.model import Call

LARGEST = 250_000
"""Characters of a plan's calls; the ledger keeps them in one item of 400 KB. What is beyond them
is planned at the next look."""

Items: TypeAlias = tuple[tuple[str, str], ...]
Groups: TypeAlias = Mapping[Items, Sequence[str]]
Make: TypeAlias = Callable[[Iterable[str], Tags], Iterator[Call]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of one resource's tags."""

    add: Tags = field(default_factory=dict)
    change: Tags = field(default_factory=dict)
    before: Tags = field(default_factory=dict)
    """The values of what is changed or removed."""
    remove: Tags = field(default_factory=dict)
    full: bool = False
    """It would have more tags than a resource can have, and gets none."""
    unfit: bool = False
    """Its service does not take a key or value of these tags; it gets the others."""

    @property
    def is_idle(self) -> bool:
        return not (self.add or self.change or self.remove)

    def granted(self, tags: Tags) -> Tags:
        """A resource's tags once the wish is."""
        kept = {key: value for key, value in tags.items() if key not in self.remove}
        return {**kept, **self.add, **self.change}


def wishes(stack: Stack, policy: Policy) -> Mapping[str, Wish]:
    """By ARN. A log group gets what its owner will have."""
    found: dict[str, Wish] = {}
    owned_last = sorted(stack.resources.items(), key=lambda item: (item[1].owner != "", item[0]))
    for arn, resource in owned_last:
        due = dict(stack.wanted)
        if resource.owner in found:
            due |= found[resource.owner].granted(stack.resources[resource.owner].tags)
        ours = stack.ours.get(memory.mark(arn), {})
        found[arn] = _wish(resource, due, ours, policy)
    return found


def _wish(resource: Resource, due: Tags, ours: Tags, policy: Policy) -> Wish:
    wanted = {key: value for key, value in due.items() if policy.allows(key)}
    fitting = {k: v for k, v in wanted.items() if _fits(resource, k) and _fits(resource, v)}
    tags, unfit = resource.tags, len(fitting) < len(wanted)
    overwrite = policy.conflict is Conflict.OVERWRITE and not resource.shared
    add = {key: value for key, value in fitting.items() if key not in tags}
    change = {
        key: value
        for key, value in fitting.items()
        if key in tags and tags[key] != value and (overwrite or ours.get(key) == tags[key])
    }
    remove = {
        key: value
        for key, value in ours.items()
        if policy.remove_stale and policy.allows(key) and key not in due and tags.get(key) == value
    }
    if len(add) > room(resource) + len(remove):
        return Wish(full=True, unfit=unfit)
    return Wish(add, change, {key: tags[key] for key in change}, remove, unfit=unfit)


def _fits(resource: Resource, text: str) -> bool:
    return taggable.fits(resource.service, text)


def calls(wanted: Mapping[str, Wish]) -> tuple[Call, ...]:
    """Removals first, because they make room."""
    planned = [
        *_of_groups(_grouped((arn, wish.remove) for arn, wish in wanted.items()), removed),
        *_changes(wanted),
        *_of_groups(_fewest((arn, wish.add) for arn, wish in wanted.items()), _written_anew),
    ]
    return tuple(_within(planned))


def _within(planned: Iterable[Call]) -> Iterator[Call]:
    left = LARGEST
    for call in planned:
        left -= len(str(call.params)) + len(str(call.undo and call.undo.params))
        if left < 0:
            return
        yield call


def _changes(wanted: Mapping[str, Wish]) -> Iterator[Call]:
    """Resources whose tags had the same values before share a call, because they share its undo."""
    groups: dict[tuple[Items, Items], list[str]] = defaultdict(list)
    for arn, wish in wanted.items():
        if wish.change:
            groups[tuple(sorted(wish.change.items())), tuple(sorted(wish.before.items()))] += [arn]
    for (tags, before), arns in sorted(groups.items()):
        yield from written(arns, dict(tags), dict(before))


def _fewest(wanted: Iterable[tuple[str, Tags]]) -> Groups:
    """By the tags that they lack, or by each tag alone if that takes fewer calls."""
    pairs = list(wanted)
    whole = _grouped(pairs)
    alone = _grouped((arn, {key: tags[key]}) for arn, tags in pairs for key in tags)
    return min((whole, alone), key=_requests)


def _grouped(wanted: Iterable[tuple[str, Tags]]) -> Groups:
    groups: dict[Items, list[str]] = defaultdict(list)
    for arn, tags in wanted:
        if tags:
            groups[tuple(sorted(tags.items()))].append(arn)
    return dict(sorted(groups.items()))


def _requests(groups: Groups) -> int:
    return sum(-(-len(arns) // BATCH) for arns in groups.values())


def _of_groups(groups: Groups, made: Make) -> Iterator[Call]:
    for tags, arns in groups.items():
        yield from made(arns, dict(tags))


def _written_anew(arns: Iterable[str], tags: Tags) -> Iterator[Call]:
    return written(arns, tags, {})
