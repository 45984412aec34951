"""The account's own subscription filter: what it ships, and which groups it leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from steward.controls.log_subscription.destinations import Destination
from steward.errors import Refused
from steward.events import ACCOUNT_POLICY
from steward.model import Ref

TYPE = "SUBSCRIPTION_FILTER_POLICY"

LONGEST = 25_000
"""Bytes of selection criteria: 25 KB of UTF-8, taken for the smaller (PutAccountPolicy)."""

Shipped: TypeAlias = Mapping[str, Any]
"""A policy's document with ``LeftOut``, the sorted names of its selection criteria."""

_NOT_IN = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s+(\[.*\])\s*", re.DOTALL)
"""The only selection criteria that such a policy takes (PutAccountPolicy, API reference)."""


class Cover(StrEnum):
    """Whether our account policy ships a group's events as the policy asks."""

    NONE = ""
    YOUNG = "young"  # it was put too short a time ago to be counted on
    SURE = "sure"


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """What decides whether the account ships as it should, by one policy for all groups."""

    name: str
    shipped: Shipped = field(default_factory=dict)
    """Empty where there is no such policy."""
    apart: tuple[str, ...] = ()
    """Groups that there are, or will be, and that must be left out; sorted."""
    holder: str = ""
    """The account policy of another name that holds the Region's only place."""
    waiting: str | None = None
    """Why group filters cannot take its place yet; '': they can; None: nobody has looked."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        return Ref(ACCOUNT_POLICY, self.name)

    @property
    def exists(self) -> bool:
        return bool(self.shipped)


def shipped(described: Mapping[str, Any]) -> Shipped:
    """What a described policy ships, without what has no effect. Raises Refused if not understood.

    A stream's events are grouped by log stream where nothing else is told.
    """
    try:
        document = dict(json.loads(described["policyDocument"]))
        destination = Destination.read(document["DestinationArn"])
        found = _NOT_IN.fullmatch(described.get("selectionCriteria") or "LogGroupName NOT IN []")
        left_out = sorted(map(str, json.loads(found[1] if found else "")))
    except (ValueError, KeyError, TypeError) as error:
        name = str(described.get("policyName", ""))[:100]
        raise Refused(f"account policy {name} is not understood: {error}") from error
    spread = {"Distribution": document.pop("Distribution", "") or "ByLogStream"}
    has_effect = {key: value for key, value in document.items() if value}
    if destination is not None and destination.is_distributed:
        has_effect |= spread
    return {"FilterPattern": "", **has_effect, "LeftOut": left_out}


def parameters(name: str, wanted: Shipped) -> dict[str, Any]:
    """Of the PutAccountPolicy that makes a policy ship so."""
    document = {key: value for key, value in wanted.items() if key != "LeftOut"}
    told = {
        "policyName": name,
        "policyType": TYPE,
        "policyDocument": json.dumps(document),
        "scope": "ALL",
    }
    names = wanted["LeftOut"]
    return {**told, "selectionCriteria": criteria(names)} if names else told


def criteria(names: Iterable[str]) -> str:
    """Selection criteria that leave these groups out."""
    return f"LogGroupName NOT IN {json.dumps(sorted(names))}"


def fits(names: Iterable[str]) -> bool:
    """Whether AWS takes criteria of these names."""
    return len(criteria(names).encode()) <= LONGEST
