"""What is asked of log groups, and of the account's own policy: the control's policy."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steward.controls.log_subscription import destinations, patterns
from steward.controls.log_subscription.destinations import Destination
from steward.controls.log_subscription.log_group import Filter
from steward.controls.log_subscription.selection import Include, Tags, literals
from steward.events import LOG_GROUP
from steward.model import CommonPolicy, Mode, Ref

ID = "log-subscription"

WORD = "logs"
"""What follows the prefix in the name of the filter, or account policy, that we put."""

RECHECK_DAYS = 7
"""A group's filters are read anew in the first sweep after so many days, whatever is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    strategy: str
    destination_arn: str
    role_arn: str
    filter_prefix: str
    former_prefixes: tuple[str, ...]
    filter_pattern: str
    distribution: str
    emit_system_fields: tuple[str, ...]
    """In the order of the alphabet: theirs makes no difference to AWS."""
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
            "emit_system_fields": tuple(sorted(document["emit_system_fields"])),
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
        """Whether a name is a prefix of ours and one word more: stack ``a`` has ``a-logs``, and not
        what stack ``a-b`` has."""
        prefix, _, word = filter_name.rpartition("-")
        return bool(word) and prefix in (self.filter_prefix, *self.former_prefixes)

    def wanted(self) -> Filter:
        """Our filter, with what the destination has use for, and as it is described."""
        destination = self.destination
        told: dict[str, Any] = {"filterPattern": self.filter_pattern}
        told["destinationArn"] = self.destination_arn
        if self.role_arn:
            told["roleArn"] = self.role_arn
        if destination is not None and destination.is_distributed:
            told["distribution"] = self.distribution
        if self.emit_system_fields:
            told["emitSystemFields"] = list(self.emit_system_fields)
        return told

    def account_document(self) -> Filter:
        """The same as an account policy's document has it."""
        told = self.wanted()
        return {f"{name[0].upper()}{name[1:]}": value for name, value in told.items()}

    @property
    def for_account(self) -> bool:
        return self.strategy == "account"

    def excludes(self, ref: Ref) -> bool:
        """Groups only: a glob over their names says nothing of an account policy's."""
        return ref.kind == LOG_GROUP and CommonPolicy.excludes(self, ref)

    def leaves_out(self, name: str) -> bool:
        """Whether a group must not be covered by an account policy, by its name."""
        return self.delivers_by(name) or self.excludes(Ref(LOG_GROUP, name))

    def uses_tags(self) -> bool:
        return bool(self.include.tags.conditions or self.exclude_tags.conditions)

    def delivers_by(self, name: str) -> bool:
        """Whether a group is in the path of delivery, so that its events would go in a circle."""
        destination = self.destination
        if destination is not None and name in destination.own_groups():
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
        needed_by = "" if self.mode is Mode.OFF else self.mode.value
        yield from destinations.problems(self.destination_arn, self.role_arn, needed_by=needed_by)
        for fault in patterns.problems(self.filter_pattern):
            yield f"filter_pattern: {fault}"
        yield from self.include.problems()
        yield from self.exclude_tags.problems("exclude_tags")
        if self.for_account:
            yield from self._of_account()

    def _of_account(self) -> Iterator[str]:
        told = [f"include.{name}" for name in self.include.told()]
        told += ["exclude_tags"] if self.exclude_tags.conditions else []
        if self.emit_system_fields:
            yield "emit_system_fields: strategy 'account' has no place for them in its policy"
        for name in told:
            yield f"{name}: is of no use with strategy 'account', which knows exclude only"
        for number, glob in enumerate(self.exclude):
            if not literals(glob):
                yield f"exclude[{number}]: is {glob[:80]!r}, which strategy 'account' cannot search"
