"""Account policies that are subscription filters for every log group but those they leave out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from embedded.request import invalid

POLICY = "SUBSCRIPTION_FILTER_POLICY"

LONGEST = 25_600
"""Bytes of selection criteria (PutAccountPolicy, API reference: 25 KB of UTF-8)."""

_LEFT_OUT = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s+(\[.*\])\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Where an account policy sends the events of log groups (PutAccountPolicy, API reference)."""

    name: str
    destination: str
    role: str
    pattern: str
    distribution: str
    left_out: frozenset[str]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """From a policy as it is described. Raises InvalidParameterException."""
        try:
            document = json.loads(record["policyDocument"])
            destination = document["DestinationArn"]
        except (ValueError, KeyError, TypeError) as error:
            told = record.get("policyDocument")
            raise invalid(f"policyDocument is no subscription filter: {told}") from error
        return cls(
            name=record["policyName"],
            destination=destination,
            role=document.get("RoleArn", ""),
            pattern=document.get("FilterPattern", ""),
            distribution=document.get("Distribution", "ByLogStream"),
            left_out=_left_out(record.get("selectionCriteria", "")),
        )


def _left_out(criteria: str) -> frozenset[str]:
    if not criteria:
        return frozenset()
    if len(criteria.encode()) > LONGEST:
        raise invalid(f"selectionCriteria must not be longer than {LONGEST} bytes")
    found = _LEFT_OUT.fullmatch(criteria)
    try:
        return frozenset(json.loads(found[1] if found else ""))
    except ValueError as error:
        raise invalid(f"selectionCriteria is no LogGroupName NOT IN [...]: {criteria}") from error
