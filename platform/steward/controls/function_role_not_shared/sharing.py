"""From all functions' roles to what the control sees of some: who else has the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from steward.controls import tag_index
from steward.controls.function_role_not_shared.state import EXAMPLES, KIND, Function, Policy
from steward.controls.function_role_not_shared.tally import Tally
from steward.controls.tag_index import Tags
from steward.errors import Refused
from steward.model import Aws, Ref, Sight, Unread

STACK = "aws:cloudformation:stack-name"


@dataclass(frozen=True, slots=True)
class Group:
    """The functions that have one role, by name, and how many of them each stack has."""

    names: Sequence[str]
    stacks: Counter[str]

    def outside(self, stack: str) -> int:
        """How many are not of a stack; '' is none, and nobody is of it."""
        return len(self.names) - (self.stacks[stack] if stack else 1)


def states(
    sight: Sight[Policy], roles: Mapping[str, str], names: Sequence[str]
) -> Iterator[Function | Unread]:
    """The named functions; where tags are needed and cannot be read, nothing is judged."""
    yield from (_nameless(name) for name in names if not roles[name])
    names = [name for name in names if roles[name]]
    by_role = _by_role(roles, {roles[name] for name in names})
    needed = set(names) if sight.policy.honor_tags else set()
    if sight.policy.allow_within_stack:
        needed |= {one for group in by_role.values() if len(group) > 1 for one in group}
    try:
        tags = _tags(sight.aws, needed)
    except Refused as refusal:
        yield from _untold(names, refusal)
        return
    groups = {role: Group(those, _stacks(those, tags)) for role, those in by_role.items()}
    yield from (_state(sight.policy, name, roles[name], groups, tags) for name in names)


def count(sight: Sight[Policy], tally: Tally, roles: Mapping[str, str]) -> None:
    """Add functions to those that were counted. Raises Refused where tags cannot be read."""
    asked = roles if sight.policy.allow_within_stack else ()
    tags = _tags(sight.aws, asked)
    for name, role in roles.items():
        if role:
            tally.add(role, _stack(name, tags))


def counted(
    sight: Sight[Policy], tally: Tally, roles: Mapping[str, str]
) -> Iterator[Function | Unread]:
    """Functions by what was counted of all, which does not tell the names of the others."""
    policy = sight.policy
    asked = roles if policy.allow_within_stack or policy.honor_tags else ()
    try:
        tags = _tags(sight.aws, asked)
    except Refused as refusal:
        yield from _untold(sorted(roles), refusal)
        return
    for name in sorted(roles):
        others, outside = tally.others(
            roles[name], _stack(name, tags) if policy.allow_within_stack else ""
        )
        if not roles[name]:
            yield _nameless(name)
        elif others < 0 or outside > others:
            reason = "was made, or changed, while functions were counted: the next sweep tells"
            yield Unread(Ref(KIND, name), "UNREADABLE", reason)
        else:
            told = tags.get(name, {}) if policy.honor_tags else {}
            yield Function(name, roles[name], others, outside, (), told)


def _nameless(name: str) -> Unread:
    return Unread(Ref(KIND, name), "UNREADABLE", "Lambda does not tell its role")


def _untold(names: Sequence[str], refusal: Refused) -> Iterator[Unread]:
    reason = f"tags could not be read: {refusal}"
    yield from (Unread(Ref(KIND, name), "TAGS_UNREADABLE", reason) for name in names)


def _tags(aws: Aws, names: Iterable[str]) -> Tags:
    """By the function's name."""
    arns = {name: _arn(aws, name) for name in sorted(names)}
    found = tag_index.of(aws, [*arns.values()])
    return {name: found.get(arn, {}) for name, arn in arns.items()}


def _by_role(roles: Mapping[str, str], wanted: set[str]) -> Mapping[str, Sequence[str]]:
    by_role: dict[str, list[str]] = defaultdict(list)
    for name in sorted(roles):
        if roles[name] in wanted:
            by_role[roles[name]].append(name)
    return by_role


def _stacks(names: Sequence[str], tags: Tags) -> Counter[str]:
    return Counter(stack for name in names if (stack := _stack(name, tags)))


def _stack(name: str, tags: Tags) -> str:
    return tags.get(name, {}).get(STACK, "")


def _state(
    policy: Policy, name: str, role: str, groups: Mapping[str, Group], tags: Tags
) -> Function:
    group = groups[role]
    stack = _stack(name, tags) if policy.allow_within_stack else ""
    outside = group.outside(stack)
    apart = (
        one for one in group.names if one != name and not (stack and _stack(one, tags) == stack)
    )
    examples = tuple(islice(apart, min(outside, EXAMPLES)))
    told = tags.get(name, {}) if policy.honor_tags else {}
    return Function(name, role, len(group.names) - 1, outside, examples, told)


def _arn(aws: Aws, name: str) -> str:
    return f"arn:{aws.partition}:lambda:{aws.region}:{aws.account}:function:{name}"
