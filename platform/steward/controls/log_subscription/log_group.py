"""A log group with its subscription filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from steward.controls.log_subscription.account_policy import Cover
from steward.events import LOG_GROUP
from steward.model import Ref

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
    """The account policy, not ours, that ships its events: name, destinationArn, filterPattern."""
    covered: Cover = Cover.NONE
    """Whether our account policy ships its events."""
    full: bool = False
    """Whether there was no room for our filter besides one of ours by another name."""
    memory: str = ""
    """Under what the ledger's code may stand for these filters; see ``Policy.memory``."""
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(LOG_GROUP, self.name)
