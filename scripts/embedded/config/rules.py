"""Rules, and what Config sends to the function behind one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from embedded.config.recording import Item, instant
from embedded.deployment import Resource

CHANGE = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
SCHEDULED = "ScheduledNotification"

RATES = {
    "One_Hour": "rate(1 hour)",
    "Three_Hours": "rate(3 hours)",
    "Six_Hours": "rate(6 hours)",
    "Twelve_Hours": "rate(12 hours)",
    "TwentyFour_Hours": "rate(24 hours)",
}


@dataclass(frozen=True, slots=True)
class ConfigRule:
    """A rule of the stack."""

    name: str
    number: str
    """What its id ends in."""
    function: str
    """The ARN of the function behind it; '' for a rule that AWS manages."""
    kinds: Sequence[str]
    """Types whose changes invoke it."""
    messages: Mapping[str, str]
    """What it is invoked by, with the frequency of the clock."""
    parameters: Mapping[str, str]

    @classmethod
    def read(cls, resource: Resource, number: int) -> Self:
        """From the resolved properties of an AWS::Config::ConfigRule."""
        told, source = resource.properties, resource.properties["Source"]
        custom = source["Owner"] == "CUSTOM_LAMBDA"
        details = source.get("SourceDetails", [])
        return cls(
            told["ConfigRuleName"],
            f"{number:06}",
            source["SourceIdentifier"] if custom else "",
            told.get("Scope", {}).get("ComplianceResourceTypes", []),
            {one["MessageType"]: one.get("MaximumExecutionFrequency", "") for one in details},
            {name: str(value) for name, value in told.get("InputParameters", {}).items()},
        )

    @property
    def rate(self) -> str:
        """The schedule of a rule that the clock invokes, else ''."""
        return RATES.get(self.messages.get(SCHEDULED, ""), "")

    def is_about(self, item: Item) -> bool:
        """Whether a change of the resource invokes it."""
        return CHANGE in self.messages and item.kind in self.kinds


def arn(rule: ConfigRule, account: str, region: str) -> str:
    return f"arn:aws:config:{region}:{account}:config-rule/config-rule-{rule.number}"


def invocation(
    rule: ConfigRule,
    token: str,
    at: datetime,
    place: tuple[str, str],
    item: Item | None = None,
    *,
    oversized: bool = False,
) -> dict[str, Any]:
    """The event of an invocation (developer guide, "Example events for AWS Config Rules").

    Without an item it is the clock's. ``place`` is account and Region.
    """
    account, region = place
    told: dict[str, Any] = {"notificationCreationTime": instant(at), "recordVersion": "1.3"}
    if item is None:
        told |= {"messageType": SCHEDULED, "recordVersion": "1.0", "awsAccountId": account}
    elif oversized:
        told |= {"messageType": OVERSIZED, "configurationItemSummary": item.summary(*place)}
    else:
        whole = {**item.summary(*place), "configuration": {}, "supplementaryConfiguration": {}}
        told |= {"messageType": CHANGE, "configurationItem": whole, "configurationItemDiff": None}
    event = {
        "version": "1.0",
        "invokingEvent": json.dumps(told),
        "resultToken": token,
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{account}:role/aws-service-role/config.amazonaws.com/"
        "AWSServiceRoleForConfig",
        "configRuleArn": arn(rule, account, region),
        "configRuleName": rule.name,
        "configRuleId": f"config-rule-{rule.number}",
        "accountId": account,
        "evaluationMode": "DETECTIVE",
    }
    given = {"ruleParameters": json.dumps(rule.parameters)} if rule.parameters else {}
    return {**event, **given}
