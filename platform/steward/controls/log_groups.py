"""Log groups with their tags, for every control over them: whole pages, or by exact names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from steward.controls import tag_index
from steward.controls.tag_index import Tags
from steward.errors import Invalid, Refused
from steward.events import LOG_GROUP
from steward.model import Aws, Ref, Sight, Unread

BATCH = 50
"""Names a DescribeLogGroups request takes, and groups it returns, at most (API reference)."""

Described: TypeAlias = Mapping[str, Any]
Asks: TypeAlias = Callable[[str], bool]
"""Whether the tags of the group of this name are needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A group as DescribeLogGroups tells it, with its tags if they are needed."""

    described: Described
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.described["logGroupName"])

    @property
    def ref(self) -> Ref:
        return Ref(LOG_GROUP, self.name)

    @property
    def created(self) -> int | None:
        """Milliseconds since 1970; None where it is not told."""
        return self.described.get("creationTime")

    @property
    def log_class(self) -> str:
        return str(self.described.get("logGroupClass", "STANDARD"))


def discover(
    sight: Sight[Any], cursor: str | None, asks: Asks
) -> Iterator[tuple[list[Found | Unread], str | None]]:
    """Every log group, ASCII-sorted by name as the API documents it, with the next token."""
    for answer, token in sight.aws.pages("logs", "DescribeLogGroups", cursor, limit=BATCH):
        groups = answer.get("logGroups", [])
        yield list(_tagged(groups, asks, lambda _: tag_index.whole(sight, "logs:log-group"))), token


def observe(sight: Sight[Any], refs: Sequence[Ref], asks: Asks) -> Iterator[Found | Unread]:
    """The named groups, and no other whose name merely begins like theirs."""
    names = list(dict.fromkeys(ref.id for ref in refs))
    groups = {
        group["logGroupName"]: group
        for start in range(0, len(names), BATCH)
        for group in named(sight.aws, names[start : start + BATCH])
        if not isinstance(group, Unread)  # it is asked for once more
    }
    yield from _tagged([*groups.values()], asks, lambda some: _tags_of(sight, some))
    yield from _confirmed(sight, set(names) - set(groups), asks)


def named(aws: Aws, names: Sequence[str]) -> Iterator[Described | Unread]:
    """Groups by exact name; a batch that the API calls invalid is split to isolate the culprit."""
    wanted = set(names)
    try:
        for answer, _ in aws.pages("logs", "DescribeLogGroups", logGroupIdentifiers=list(names)):
            if "logGroups" not in answer:
                yield from (_unread(name, "the answer has no logGroups") for name in names)
            yield from (g for g in answer.get("logGroups", []) if g["logGroupName"] in wanted)
    except Invalid as refusal:
        if len(names) == 1:
            yield _unread(names[0], str(refusal))
            return
        half = len(names) // 2
        yield from named(aws, names[:half])
        yield from named(aws, names[half:])


def _unread(name: str, reason: str) -> Unread:
    return Unread(Ref(LOG_GROUP, name), "UNREADABLE", f"log group {name}: {reason}")


def _confirmed(sight: Sight[Any], names: Iterable[str], asks: Asks) -> Iterator[Found | Unread]:
    """Ask once more, in another way, for each name that a batch did not return.

    A batch says nothing of a name it leaves out, and a group must not be taken for deleted
    because of it. The shortest of all names that begin with a prefix comes first.
    """

    def ask(name: str) -> Described | Unread:
        try:
            return sight.aws.ask("logs", "DescribeLogGroups", logGroupNamePrefix=name, limit=1)
        except Refused as refusal:
            return Unread(Ref(LOG_GROUP, name), "UNREADABLE", str(refusal))

    wanted = sorted(names)
    answers = sight.aws.together(ask, wanted) if wanted else []
    for name, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Unread):
            yield answer
            continue
        found = [g for g in answer.get("logGroups", []) if g["logGroupName"] == name]
        yield from _tagged(found, asks, lambda groups: _tags_of(sight, groups))


def _tagged(
    groups: Sequence[Described], asks: Asks, read: Callable[[Sequence[Described]], Tags]
) -> Iterator[Found | Unread]:
    """Groups with their tags; where those are needed and cannot be read, nothing is judged."""
    asking = [group for group in groups if asks(group["logGroupName"])]
    tags: Tags = {}
    refused = ""
    if asking:
        try:
            tags = read(asking)
        except Refused as refusal:
            refused = f"tags could not be read: {refusal}"
    for group in groups:
        if refused and asks(group["logGroupName"]):
            yield Unread(Ref(LOG_GROUP, group["logGroupName"]), "TAGS_UNREADABLE", refused)
        else:
            yield Found(group, tags.get(_arn(group), {}))


def _arn(group: Described) -> str:
    """The ARN without ``:*``, as the tagging index has it."""
    arn: str = group.get("logGroupArn") or group["arn"]
    return arn.removesuffix(":*")


def _tags_of(sight: Sight[Any], groups: Sequence[Described]) -> Tags:
    return tag_index.of(sight.aws, [_arn(group) for group in groups])
