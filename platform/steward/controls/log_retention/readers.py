"""How log groups are read: whole pages in a sweep, exact names after an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from steward.controls import tag_index
from steward.controls.log_retention.state import KIND, LogGroup, Policy
from steward.controls.tag_index import Tags
from steward.errors import Invalid, Refused
from steward.model import Aws, Page, Ref, Sight, Unread

BATCH = 50
"""Names a DescribeLogGroups request takes, and groups it returns, at most (API reference)."""

Described = Mapping[str, Any]


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[LogGroup]]:
    """Every log group, ASCII-sorted by name as the API documents it."""
    for answer, token in sight.aws.pages("logs", "DescribeLogGroups", cursor, limit=BATCH):
        groups = answer.get("logGroups", [])
        yield Page(
            list(_states(sight, groups, lambda _: tag_index.whole(sight, "logs:log-group"))), token
        )


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[LogGroup | Unread]:
    """The named groups, and no other whose name merely begins like theirs."""
    names = list(dict.fromkeys(ref.id for ref in refs))
    groups = {
        group["logGroupName"]: group
        for start in range(0, len(names), BATCH)
        for group in _named(sight.aws, names[start : start + BATCH])
    }
    yield from _states(sight, [*groups.values()], lambda found: _tags_of(sight, found))
    yield from _confirmed(sight, set(names) - set(groups))


def _named(aws: Aws, names: Sequence[str]) -> Iterator[Described]:
    """Groups by exact name; a batch that the API calls invalid is split to isolate the culprit."""
    wanted = set(names)
    try:
        for answer, _ in aws.pages("logs", "DescribeLogGroups", logGroupIdentifiers=list(names)):
            yield from (g for g in answer.get("logGroups", []) if g["logGroupName"] in wanted)
    except Invalid:
        if len(names) > 1:
            half = len(names) // 2
            yield from _named(aws, names[:half])
            yield from _named(aws, names[half:])


def _confirmed(sight: Sight[Policy], names: Iterable[str]) -> Iterator[LogGroup | Unread]:
    """Ask once more, in another way, for each name that a batch did not return.

    A batch says nothing of a name it leaves out, and a group must not be taken for deleted
    because of it. The shortest of all names that begin with a prefix comes first.
    """

    def ask(name: str) -> Described | Unread:
        try:
            return sight.aws.ask("logs", "DescribeLogGroups", logGroupNamePrefix=name, limit=1)
        except Refused as refusal:
            return Unread(Ref(KIND, name), "UNREADABLE", str(refusal))

    wanted = sorted(names)
    answers = sight.aws.together(ask, wanted) if wanted else []
    for name, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, Unread):
            yield answer
            continue
        found = [g for g in answer.get("logGroups", []) if g["logGroupName"] == name]
        yield from _states(sight, found, lambda groups: _tags_of(sight, groups))


def _states(sight: Sight[Policy], groups: Sequence[Described], tags: Any) -> Iterator[Any]:
    """Groups with their tags; where those are needed and cannot be read, nothing is judged."""
    found: Tags = {}
    if groups and sight.policy.uses_tags():
        try:
            found = tags(groups)
        except Refused as refusal:
            reason = f"tags could not be read: {refusal}"
            yield from (_unread(group, "TAGS_UNREADABLE", reason) for group in groups)
            return
    yield from (_state(group, found, sight.now) for group in groups)


def _state(group: Described, tags: Tags, now: datetime) -> LogGroup:
    created = group.get("creationTime")
    return LogGroup(
        name=group["logGroupName"],
        days=group.get("retentionInDays"),
        log_class=group.get("logGroupClass", "STANDARD"),
        account_policy=group.get("retentionPolicyName", ""),
        age_days=None if created is None else _days_between(created, now),
        stored_bytes=group.get("storedBytes"),
        tags=tags.get(_arn(group), {}),
    )


def _unread(group: Described, code: str, reason: str) -> Unread:
    return Unread(Ref(KIND, group["logGroupName"]), code, reason)


def _days_between(milliseconds: int, now: datetime) -> int:
    return (now - datetime.fromtimestamp(milliseconds / 1000, UTC)).days


def _arn(group: Described) -> str:
    """The ARN without ``:*``, as the tagging index has it."""
    arn: str = group.get("logGroupArn") or group["arn"]
    return arn.removesuffix(":*")


def _tags_of(sight: Sight[Policy], groups: Sequence[Described]) -> Tags:
    return tag_index.of(sight.aws, [_arn(group) for group in groups])
