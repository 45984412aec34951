"""A log group as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from steward.model import CommonPolicy, Ref

ID = "log-retention"
KIND = "AWS::Logs::LogGroup"
DAYS_TAG = f"steward:{ID}/days"

LATEST_DAYS = 14
"""How long after it happened an event may still be put into a group."""

LEGAL_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""The values that PutRetentionPolicy takes (CloudWatch Logs API reference)."""


@dataclass(frozen=True, slots=True)
class LogGroup:
    """What DescribeLogGroups tells of a group that matters to its retention."""

    name: str
    days: int | None  # None: its events never expire
    log_class: str = "STANDARD"
    account_policy: str = ""
    """The account-level retention policy in force. PutRetentionPolicy then succeeds and has no
    effect, and ``days`` is the policy's value (None where it says never expire)."""
    age_days: int | None = None  # whole days since creation; None: not told
    stored_bytes: int | None = None  # None: not told
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)

    def has_events_older_than(self, days: int) -> bool:
        """Whether a retention of ``days`` may delete something; what is not told counts as yes.

        Events may be older than their group: PutLogEvents takes them 14 days late (API reference).
        """
        old = self.age_days is None or self.age_days + LATEST_DAYS >= days
        return old and self.stored_bytes != 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Days for the groups it matches; None leaves them alone."""

    days: int | None
    name: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)  # key: glob over the value

    def matches(self, group: LogGroup) -> bool:
        return fnmatchcase(group.name, self.name) and all(
            key in group.tags and fnmatchcase(group.tags[key], glob)
            for key, glob in self.tags.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    days: int
    min_days: int | None
    max_days: int | None
    shorten: bool
    rules: tuple[Rule, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        rules = tuple(
            Rule(**{**rule, "tags": _wanted_tags(rule.get("tags", ()))})
            for rule in document["rules"]
        )
        return {**CommonPolicy.fields(document), "rules": rules}

    def problems(self) -> Iterator[str]:
        if self.min_days and self.max_days and self.min_days > self.max_days:
            yield f"min_days: is {self.min_days}, must not exceed max_days {self.max_days}"
        yield from self._outside("days", self.days)
        for index, rule in enumerate(self.rules):
            yield from self._outside(f"rules[{index}].days", rule.days)
            if rule.name == "*" and not rule.tags:
                yield f"rules[{index}]: needs a name other than *, or tags"
            if "" in rule.tags:
                yield f"rules[{index}].tags: has an empty key, allowed: keys of 1 to 128 characters"

    def uses_tags(self) -> bool:
        return self.honor_tags or any(rule.tags for rule in self.rules)

    def within_band(self, days: int) -> int:
        return min(max(days, self.min_days or 0), self.max_days or LEGAL_DAYS[-1])

    def _outside(self, path: str, days: int | None) -> Iterator[str]:
        if days is not None and days != self.within_band(days):
            low, high = self.min_days or LEGAL_DAYS[0], self.max_days or LEGAL_DAYS[-1]
            yield f"{path}: is {days}, must lie between min_days and max_days ({low} to {high})"


def _wanted_tags(tags: Mapping[str, str] | Sequence[str]) -> Mapping[str, str]:
    """Tags as {key: glob}; of "key=a=b" the value is "a=b", and "key" alone takes any value."""
    if isinstance(tags, Mapping):
        return tags
    split = (tag.partition("=") for tag in tags)
    return {key.strip(): value if equals else "*" for key, equals, value in split}
