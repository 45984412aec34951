"""A log group with its subscription filters, and the policy over them."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from steward.controls.log_subscription import patterns
from steward.controls.log_subscription.destinations import ROLE, Destination
from steward.controls.log_subscription.selection import Include, Tags
from steward.events import LOG_GROUP
from steward.model import CommonPolicy, Mode, Ref

ID = "log-subscription"

WORD = "logs"
"""What follows the prefix in the name of the filter that we put."""

RECHECK_DAYS = 7
"""A group's filters are read anew in the first sweep after so many days, whatever is remembered."""

Filter: TypeAlias = Mapping[str, Any]
"""A subscription filter by PutSubscriptionFilter's parameters, without group and name."""


@dataclass(frozen=True, slots=True)
class LogGroup:
    """What decides whether a group is subscribed as it should be."""

    name: str
    log_class: str = "STANDARD"
    tags: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, Filter] = field(default_factory=dict)
    """Filters of ours, by name."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """Destinations of the filters that are not ours, by name."""
    account_filter: Mapping[str, str] = field(default_factory=dict)
    """The account policy that ships its events, too: name, destinationArn, filterPattern."""
    memory: str = ""
    """Under what the ledger's code may stand for these filters; see ``Policy.memory``."""
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(LOG_GROUP, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    strategy: str
    destination_arn: str
    role_arn: str
    filter_prefix: str
    former_prefixes: tuple[str, ...]
    filter_pattern: str
    distribution: str
    include: Include
    exclude_tags: Tags
    own_prefixes: tuple[str, ...]
    stack_prefixes: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        told = {**CommonPolicy.fields(document)}
        told["exclude_tags"] = Tags.read(told["exclude_tags"], told.pop("exclude_tags_mode"))
        return {
            **told,
            "filter_pattern": document["filter_pattern"].strip(),  # it is compared as described
            "include": Include.read(document["include"]),
            "former_prefixes": tuple(document["former_prefixes"]),
            "own_prefixes": tuple(document["own_prefixes"]),
            "stack_prefixes": tuple(document["stack_prefixes"]),
        }

    @property
    def destination(self) -> Destination | None:
        return Destination.read(self.destination_arn)

    @property
    def filter_name(self) -> str:
        return f"{self.filter_prefix}-{WORD}"

    def owns(self, filter_name: str) -> bool:
        prefixes = (self.filter_prefix, *self.former_prefixes)
        return filter_name.startswith(tuple(f"{prefix}-" for prefix in prefixes))

    def wanted(self) -> Filter:
        """Our filter, with what the destination has use for, and as it is described."""
        destination = self.destination
        told = {"filterPattern": self.filter_pattern, "destinationArn": self.destination_arn}
        if self.role_arn:
            told["roleArn"] = self.role_arn
        if destination is not None and destination.is_distributed:
            told["distribution"] = self.distribution
        return told

    def uses_tags(self) -> bool:
        return bool(self.include.tags.conditions or self.exclude_tags.conditions)

    def delivers_by(self, name: str) -> bool:
        """Whether a group is in the path of delivery, so that its events would go in a circle."""
        destination = self.destination
        if destination is not None and destination.writes_to(name):
            return True
        return name.startswith((*self.own_prefixes, *self.stack_prefixes))

    def memory(self, name: str, created: int | None, now: datetime) -> str:
        """Changes with what our filter is and which are ours, and every ``RECHECK_DAYS`` days.

        Also with the group's creation (milliseconds): one made anew under its name has no filters.
        The weeks of different groups begin on different days, so that reading spreads.
        """
        basis = [
            self.filter_name,
            self.wanted(),
            sorted((self.filter_prefix, *self.former_prefixes)),
            created,
        ]
        digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:12]
        shift = zlib.crc32(name.encode()) % RECHECK_DAYS
        return f"{digest}/{(now.toordinal() + shift) // RECHECK_DAYS}"

    def problems(self) -> Iterator[str]:
        yield from self._of_destination()
        for fault in patterns.problems(self.filter_pattern):
            yield f"filter_pattern: {fault}"
        yield from self.include.problems()
        yield from self.exclude_tags.problems("exclude_tags")

    def _of_destination(self) -> Iterator[str]:
        if not self.destination_arn:
            if self.mode is not Mode.OFF:
                yield f"destination_arn: is missing, needed with mode '{self.mode}'"
            if self.role_arn:
                yield "role_arn: is of no use without destination_arn"
            return
        destination = self.destination
        if destination is None:
            kinds = "a Kinesis stream, a Firehose stream, a Lambda function, a destination of Logs"
            yield f"destination_arn: is {self.destination_arn[:80]!r}, allowed: the ARN of {kinds}"
        elif self.role_arn and not destination.takes_role:
            yield f"role_arn: a {destination.kind} takes none; its own policy lets Logs in"
        elif (self.role_arn or destination.needs_role) and not ROLE.fullmatch(self.role_arn):
            yield f"role_arn: is {self.role_arn[:80]!r}, allowed: the ARN of a role that may write"
