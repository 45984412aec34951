"""Which sorts of alarm a stage or method has, and at which threshold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self, TypeAlias

from steward.controls.api_alarms.measures import (
    AVAILABILITY,
    AVERAGE,
    LATENCY,
    LOW_TRAFFIC,
    RATE_4XX,
    RATE_5XX,
)

Thresholds: TypeAlias = Mapping[str, float | None]
"""By sort of alarm; None: no such alarm."""

GROUPED_SORTS = (AVERAGE, RATE_4XX, RATE_5XX)
"""What one alarm over all APIs can watch: the average of a metric."""

TAG = "steward:api-alarms/"

OFF = "off"

_ANY = "*"
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_SHARES = (RATE_4XX, RATE_5XX, AVAILABILITY)


@dataclass(frozen=True, slots=True)
class Rule:
    """Other thresholds for what its globs match."""

    alarms: Thresholds
    api: str = _ANY
    stage: str = _ANY
    path: str = ""
    method: str = ""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        return cls(**told)

    @property
    def is_of_methods(self) -> bool:
        """Whether it says nothing of a stage as a whole."""
        return bool(self.path or self.method)

    def matches(self, api: str, api_name: str, stage: str) -> bool:
        """Whether the stage is one of those; an API is told by its id or its name."""
        named = fnmatchcase(api, self.api) or fnmatchcase(api_name, self.api)
        return named and fnmatchcase(stage, self.stage)

    def matches_method(self, path: str, verb: str) -> bool:
        method = self.method.upper() or _ANY
        return fnmatchcase(path, self.path or _ANY) and fnmatchcase(verb, method)


def with_tags(thresholds: Thresholds, tags: Mapping[str, str]) -> Thresholds:
    """The thresholds with those that tags tell in their place."""
    told = {key.removeprefix(TAG): value for key, value in _of_ours(tags)}
    legal = {sort: value for sort, value in told.items() if _fits(sort, value)}
    return {**thresholds, **{sort: _value(value) for sort, value in legal.items()}}


def misfits(tags: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with tags that name a threshold."""
    for key, value in sorted(_of_ours(tags)):
        sort = key.removeprefix(TAG)
        if not is_sort(sort):
            yield f"tag {key} names no sort of alarm"
        elif not _fits(sort, value):
            most = " of at most 1" if sort in _SHARES else ""
            yield f"tag {key} is {value[:40]!r}, allowed: a number{most}, or {OFF}"


def is_sort(sort: str) -> bool:
    """Whether there is such a sort of alarm."""
    return sort in (*_SHARES, LOW_TRAFFIC) or bool(LATENCY.fullmatch(sort))


def is_share(sort: str) -> bool:
    """Whether its threshold is a part of all requests."""
    return sort in _SHARES


def _of_ours(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((key, value) for key, value in tags.items() if key.startswith(TAG))


def _fits(sort: str, value: str) -> bool:
    if not is_sort(sort):
        return False
    number = _NUMBER.fullmatch(value)
    return value == OFF or (number is not None and (sort not in _SHARES or float(value) <= 1))


def _value(value: str) -> float | None:
    return None if value == OFF else float(value)
