"""The results of rules, and the events that tell of their changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedded.config.recording import instant

Key = tuple[str, str]
"""Type and id of a resource."""

KEPT = ("COMPLIANT", "NON_COMPLIANT")


@dataclass(frozen=True, slots=True)
class Result:
    """What Config holds of a resource."""

    compliance: str
    annotation: str
    ordering: datetime
    recorded: datetime
    invoked: datetime

    def told(self, rule: str, key: Key) -> dict[str, Any]:
        """As the API tells it."""
        kind, id = key
        named = {"ConfigRuleName": rule, "ResourceType": kind, "ResourceId": id}
        annotation = {"Annotation": self.annotation} if self.annotation else {}
        return {
            "EvaluationResultIdentifier": {
                "EvaluationResultQualifier": named,
                "OrderingTimestamp": self.ordering,
            },
            "ComplianceType": self.compliance,
            "ResultRecordedTime": self.recorded,
            "ConfigRuleInvokedTime": self.invoked,
            **annotation,
        }

    def in_event(self, rule: str, key: Key) -> dict[str, Any]:
        """As an event tells it."""
        kind, id = key
        named = {"configRuleName": rule, "resourceType": kind, "resourceId": id}
        annotation = {"annotation": self.annotation} if self.annotation else {}
        return {
            "evaluationResultIdentifier": {
                "evaluationResultQualifier": {**named, "evaluationMode": "DETECTIVE"},
                "orderingTimestamp": instant(self.ordering),
            },
            "complianceType": self.compliance,
            "resultRecordedTime": instant(self.recorded),
            "configRuleInvokedTime": instant(self.invoked),
            **annotation,
        }


def compliance_change(
    rule: str, key: Key, new: Result, old: Result | None, place: tuple[str, str], rule_arn: str
) -> Mapping[str, Any]:
    """The event of a change; the first result of a resource has none before it."""
    account, region = place
    kind, id = key
    before = {"oldEvaluationResult": old.in_event(rule, key)} if old else {}
    return {
        "version": "0",
        "detail-type": "Config Rules Compliance Change",
        "source": "aws.config",
        "account": account,
        "time": f"{instant(new.recorded)[:19]}Z",
        "region": region,
        "resources": [],
        "detail": {
            "resourceId": id,
            "awsRegion": region,
            "awsAccountId": account,
            "configRuleName": rule,
            "recordVersion": "1.0",
            "configRuleARN": rule_arn,
            "messageType": "ComplianceChangeNotification",
            "newEvaluationResult": new.in_event(rule, key),
            **before,
            "notificationCreationTime": instant(new.recorded),
            "resourceType": kind,
        },
    }
