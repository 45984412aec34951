"""AWS Config's part: what it holds of a rule, what it is told, and what it has recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from steward.errors import Gone, Invalid, Limit, TryAgain
from steward.evaluations import HELD, Evaluation, Key
from steward.model import Aws, Verdict
from steward.notifications import ConfigurationItem

BATCH = 100
"""Evaluations that a PutEvaluations request takes, and results that a page has (API reference)."""

RULES = 25
"""Rules that a StartConfigRulesEvaluation request takes (API reference)."""

NEAR = timedelta(seconds=1)
"""Moments this near to each other are the same: Config tells them in several precisions."""


@dataclass(slots=True)
class Sent:
    """What became of evaluations."""

    taken: int = 0
    failed: list[Evaluation] = field(default_factory=list)
    """Config did not take them, at the second time either."""
    reason: str = ""
    """Why it refused a whole request."""


def held(aws: Aws, rule: str) -> dict[Key, Evaluation]:
    """What Config holds of a rule, by resource."""
    asked = {"ConfigRuleName": rule, "ComplianceTypes": [*map(str, HELD)], "Limit": BATCH}
    found = {}
    for answer, _ in aws.pages("config", "GetComplianceDetailsByConfigRule", **asked):
        for result in answer.get("EvaluationResults", []):
            named = result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]
            one = Evaluation(
                named["ResourceType"],
                named["ResourceId"],
                Verdict(result["ComplianceType"]),
                result.get("Annotation", ""),
            )
            found[one.key] = one
    return found


def put(aws: Aws, token: str, evaluations: Sequence[Evaluation], at: datetime) -> Sent:
    """Tell Config; where there is nothing to tell, that the rule has run.

    What fails is sent once more. A request that Config refuses, such as for a type that it does
    not know, does not keep the others from being sent.
    """
    sent = Sent()
    for start in range(0, max(len(evaluations), 1), BATCH):
        batch = evaluations[start : start + BATCH]
        try:
            failed = _put(aws, token, batch, at)
            failed = _put(aws, token, failed, at) if failed else []
        except Invalid as refusal:
            failed, sent.reason = batch, str(refusal)
            if not batch:
                raise
        sent.failed += failed
        sent.taken += len(batch) - len(failed)
    return sent


def _put(aws: Aws, token: str, batch: Sequence[Evaluation], at: datetime) -> Sequence[Evaluation]:
    """Send a request; what Config has not taken of it."""
    rows = [_row(one, at) for one in batch]
    answer = aws.ask("config", "PutEvaluations", Evaluations=rows, ResultToken=token)
    failed = {
        (one["ComplianceResourceType"], one["ComplianceResourceId"])
        for one in answer.get("FailedEvaluations", [])
    }
    return [one for one in batch if one.key in failed]


def _row(one: Evaluation, at: datetime) -> Mapping[str, Any]:
    told = {"Annotation": one.annotation} if one.annotation else {}  # an empty one is invalid
    return {
        "ComplianceResourceType": one.kind,
        "ComplianceResourceId": one.id,
        "ComplianceType": one.compliance.value,
        "OrderingTimestamp": at,
        **told,
    }


def recorded(aws: Aws, asked: ConfigurationItem) -> ConfigurationItem:
    """The item behind a notification that was too large for it, as it was captured then.

    Raises TryAgain while Config's history does not have it yet.
    """
    try:
        answer = aws.ask(
            "config",
            "GetResourceConfigHistory",
            resourceType=asked.kind,
            resourceId=asked.id,
            laterTime=asked.captured,
            limit=1,
        )
        found = [ConfigurationItem.read(one) for one in answer.get("configurationItems", [])]
    except Gone:
        found = []
    if not found or found[0].captured < asked.captured - NEAR:
        raise TryAgain(f"{asked.kind} {asked.id}: its item of {asked.captured} is not there yet")
    return found[0]


def evaluate_again(aws: Aws, rules: Sequence[str]) -> None:
    """Have rules evaluated anew, 25 to a request. Raises TryAgain where that was done just now."""
    for start in range(0, len(rules), RULES):
        names = [*rules[start : start + RULES]]
        try:
            aws.ask("config", "StartConfigRulesEvaluation", ConfigRuleNames=names)
        except Limit as error:  # once a minute, and not while it is still under way
            raise TryAgain(str(error), code=error.code) from error
