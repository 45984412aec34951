"""The account's own subscription filter, which covers all log groups but those it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from steward.errors import Refused
from steward.model import Aws, Sight

TYPE = "SUBSCRIPTION_FILTER_POLICY"

_NOT_IN = re.compile(r"\s*LogGroupName\s+NOT\s+IN\s+(\[.*\])\s*", re.DOTALL)
"""The only selection criteria that such a policy takes (PutAccountPolicy, API reference)."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """An account policy that ships events to the policy's destination."""

    told: Mapping[str, str] = field(default_factory=dict)
    """See ``LogGroup.account_filter``; empty where there is none."""
    left_out: frozenset[str] = frozenset()

    @classmethod
    def read(cls, policy: Mapping[str, Any], destination_arn: str) -> Self | None:
        """None for one with another destination. Raises Refused for one that is not understood."""
        name = str(policy.get("policyName", ""))
        try:
            document = json.loads(policy["policyDocument"])
            if document["DestinationArn"] != destination_arn:
                return None
            criteria = policy.get("selectionCriteria") or "LogGroupName NOT IN []"
            found = _NOT_IN.fullmatch(criteria)
            left_out = frozenset(map(str, json.loads(found[1] if found else "")))
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"account policy {name[:100]} is not understood: {error}") from error
        told = {"destinationArn": destination_arn, "filterPattern": document.get("FilterPattern")}
        return cls({"name": name, **{key: value or "" for key, value in told.items()}}, left_out)

    def over(self, group: str) -> Mapping[str, str]:
        """What to tell of a group that it covers; empty for another."""
        return {} if group in self.left_out else self.told


def account_filter(sight: Sight[Any], destination_arn: str) -> AccountFilter:
    """The account's filter to this destination, read once a step; AWS takes one in a Region."""

    def read() -> AccountFilter:
        found = (AccountFilter.read(one, destination_arn) for one in _policies(sight.aws))
        return next((one for one in found if one is not None), AccountFilter())

    return sight.known.once("account subscription filter", read)


def _policies(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """All pages, of which botocore has no paginator."""
    token: Mapping[str, str] = {}
    while True:
        answer = aws.ask("logs", "DescribeAccountPolicies", policyType=TYPE, **token)
        yield from answer.get("accountPolicies", [])
        if not answer.get("nextToken"):
            return
        token = {"nextToken": answer["nextToken"]}
