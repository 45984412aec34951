"""The embedded AWS Config keeps to what AWS's does: limits, order, pages, clock, events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from embedded.config.exceptions import Exceptions
from embedded.config.recording import Item, items_of
from embedded.config.rules import CHANGE, SCHEDULED, ConfigRule
from embedded.config.service import RECORDING, Config
from embedded.request import Refusal, Request
from tests.fakes import ACCOUNT, REGION, FakeClock

FUNCTION = "AWS::Lambda::Function"
RULE = ConfigRule("rule", "000001", "arn:f", [FUNCTION], {CHANGE: "", SCHEDULED: "One_Hour"}, {})


class Here:
    """A Config with one rule."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.invoked: list[Mapping[str, Any]] = []
        self.told: list[Mapping[str, Any]] = []
        self.config = Config(
            ACCOUNT, REGION, self.clock, lambda _, event: self.invoked.append(event)
        )
        self.config.rules["rule"] = RULE
        self.config.tell = self.told.append
        self.exceptions = Exceptions(self.clock, self.config.violates)
        self._answers = {**self.config.overlays(), **self.exceptions.overlays()}

    def ask(self, operation: str, **params: Any) -> Mapping[str, Any]:
        request = Request("config", operation, params, ACCOUNT, REGION)
        return self._answers["config", operation](request)

    def put(self, *rows: Mapping[str, Any], token: str = "") -> Mapping[str, Any]:
        given = token or self.config.event(RULE)["resultToken"]
        return self.ask("PutEvaluations", Evaluations=[*rows], ResultToken=given)

    def row(self, id: str = "a", compliance: str = "NON_COMPLIANT", **other: Any) -> dict[str, Any]:
        return {
            "ComplianceResourceType": FUNCTION,
            "ComplianceResourceId": id,
            "ComplianceType": compliance,
            "OrderingTimestamp": self.clock.now(),
            **other,
        }

    def run(self) -> None:
        """Let everything happen that is due, and what that leads to."""
        while (due := self.config.due()) is not None:
            self.clock.advance((due - self.clock.now()).total_seconds())
            self.config.poll()


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        pytest.param({"ComplianceResourceType": "AWS::Backup::Plan"}, "Plan is not", id="type"),
        pytest.param({"ComplianceResourceType": "AWS::Account"}, "Account is not", id="colons"),
        pytest.param({"ComplianceResourceId": "a" * 769}, "has 769 characters", id="id"),
        pytest.param({"ComplianceType": "INSUFFICIENT_DATA"}, "INSUFFICIENT_DATA", id="compliance"),
        pytest.param({"Annotation": "a" * 257}, "annotation", id="annotation"),
        pytest.param({"Annotation": ""}, "annotation", id="empty annotation"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_as_a_whole(
    here: Here, other: Mapping[str, Any], problem: str
) -> None:
    """Also what would fit of it."""
    with pytest.raises(Refusal, match=problem):
        here.put(here.row("b"), here.row(**other))
    assert here.config.report("rule") == {}


def test_100_evaluations_fit_a_request(here: Here) -> None:
    """One more does not; none at all does, and the rule has run."""
    rows = [here.row(str(n)) for n in range(101)]
    with pytest.raises(Refusal, match="length less than or equal to 100"):
        here.put(*rows)
    here.put(*rows[:100])
    here.clock.advance(60)
    here.put()
    assert len(here.config.report("rule")) == 100
    assert here.config.evaluated["rule"] == here.clock.now()


@pytest.mark.parametrize("kind", ["AWS::::Account", "AWS::Logs::LogGroup"])
def test_some_types_are_taken_that_are_not_recorded(here: Here, kind: str) -> None:
    """AWS's own rules report on them."""
    here.put(here.row(ComplianceResourceType=kind))
    assert [*here.config.report("rule")] == ["a"]


def test_a_token_that_is_of_no_invocation_is_refused(here: Here) -> None:
    """Whatever the rule."""
    with pytest.raises(Refusal, match="ResultToken"):
        here.put(here.row(), token="made up")


def test_of_two_results_the_later_ordered_is_kept(here: Here) -> None:
    """Whichever comes last."""
    earlier = here.row(compliance="COMPLIANT")
    here.clock.advance(1)
    here.put(here.row())
    here.put(earlier)
    assert here.config.report("rule") == {"a": ("NON_COMPLIANT", "")}


def test_what_fails_is_told_and_not_kept(here: Here) -> None:
    """The rest is."""
    here.config.fails = lambda row: bool(row["ComplianceResourceId"] == "a")
    answer = here.put(here.row("a"), here.row("b"))
    assert [one["ComplianceResourceId"] for one in answer["FailedEvaluations"]] == ["a"]
    assert [*here.config.report("rule")] == ["b"]


def test_results_come_in_pages(here: Here) -> None:
    """Ten, or as many as are asked for up to 100; a token of another question is refused."""
    here.put(*(here.row(f"{n:02}") for n in range(25)))
    here.put(here.row("99", "COMPLIANT"))
    asked = {"ConfigRuleName": "rule", "ComplianceTypes": ["NON_COMPLIANT"]}
    first = here.ask("GetComplianceDetailsByConfigRule", **asked)
    rest = here.ask(
        "GetComplianceDetailsByConfigRule", **asked, Limit=100, NextToken=first["NextToken"]
    )
    assert [len(one["EvaluationResults"]) for one in (first, rest)] == [10, 15]
    assert "NextToken" not in rest
    with pytest.raises(Refusal, match="NextToken"):
        here.ask(
            "GetComplianceDetailsByConfigRule", ConfigRuleName="rule", NextToken=first["NextToken"]
        )
    with pytest.raises(Refusal, match="limit: is 101"):
        here.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="rule", Limit=101)
    with pytest.raises(Refusal, match="'none' does not exist"):
        here.ask("GetComplianceDetailsByConfigRule", ConfigRuleName="none")


def test_only_changes_of_state_are_told(here: Here) -> None:
    """Another annotation is none; the first has no result before it; what leaves says nothing."""
    steps = [
        {},
        {"Annotation": "why"},
        {"compliance": "COMPLIANT"},
        {"compliance": "NOT_APPLICABLE"},
        {"compliance": "NON_COMPLIANT"},
    ]
    for step in steps:
        here.put(here.row(**step))
        here.clock.advance(1)
    here.run()
    details = [one["detail"] for one in here.told]
    found = [
        ("oldEvaluationResult" in one, one["newEvaluationResult"]["complianceType"])
        for one in details
    ]
    assert found == [(False, "NON_COMPLIANT"), (True, "COMPLIANT"), (False, "NON_COMPLIANT")]
    assert {one["configRuleName"] for one in details} == {"rule"}


def item(here: Here, id: str = "a", status: str = "OK") -> Item:
    made = Item(FUNCTION, id, id, f"arn:{id}", status, here.clock.now())
    here.config.items[FUNCTION, id].append(made)
    return made


def called(name: str, source: str = "aws.lambda", **parameters: Any) -> dict[str, Any]:
    return {
        "detail-type": "AWS API Call via CloudTrail",
        "source": source,
        "account": ACCOUNT,
        "region": REGION,
        "detail": {"eventName": name, "requestParameters": parameters},
    }


def test_a_rule_is_invoked_by_changes_in_its_scope(here: Here) -> None:
    """Some minutes later, once for each."""
    here.config.heard(called("UpdateFunctionConfiguration20150331v2", functionName="a"))
    here.config.heard(called("CreateStage", "aws.apigateway", apiId="b", stageName="c"))
    assert here.config.due() == here.clock.now() + RECORDING
    here.run()
    assert len(here.invoked) == 1
    assert '"resourceId": "a"' in here.invoked[0]["invokingEvent"]
    assert "ruleParameters" not in here.invoked[0]


V1 = f"arn:aws:apigateway:{REGION}::/restapis/x/stages/prod"
V2 = f"arn:aws:apigateway:{REGION}::/apis/x/stages/$default"


@pytest.mark.parametrize(
    ("event", "found"),
    [
        pytest.param(
            called("CreateFunction20150331", functionName="a"), [("a", "OK")], id="a function"
        ),
        pytest.param(
            called("DeleteFunction20150331", functionName=f"arn:aws:lambda:{REGION}:1:function:a"),
            [("a", "ResourceDeleted")],
            id="deleted by its ARN",
        ),
        pytest.param(
            called("DeleteFunction20150331", functionName="a", qualifier="7"), [], id="one version"
        ),
        pytest.param(
            called(
                "CreateDeployment",
                "aws.apigateway",
                restApiId="x",
                createDeploymentInput={"stageName": "prod"},
            ),
            [(V1, "OK")],
            id="a deployment to a stage",
        ),
        pytest.param(
            called("CreateDeployment", "aws.apigateway", restApiId="x", createDeploymentInput={}),
            [],
            id="a deployment to none",
        ),
        pytest.param(
            called("DeleteStage", "aws.apigateway", apiId="x", stageName="%24default"),
            [(V2, "ResourceDeleted")],
            id="a stage of an HTTP API",
        ),
        pytest.param(called("Invoke", functionName="a"), [], id="what changes nothing"),
        pytest.param(
            {"detail-type": "a", "source": "aws.lambda", "detail": {}}, [], id="no parameters"
        ),
    ],
)
def test_a_call_becomes_the_item_of_what_it_changed(
    event: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """By its id in Config, and whether it is still there."""
    items = items_of(event, FakeClock().now())
    assert [(one.id, one.status) for one in items] == found


def test_a_rule_is_evaluated_anew_once_a_minute(here: Here) -> None:
    """By what was last recorded of each resource, and by the clock; 25 rules to a request."""
    item(here)
    item(here, "a", "ResourceDeleted")
    here.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])
    here.run()
    told = [one["invokingEvent"] for one in here.invoked]
    assert [("ResourceDeleted" in one, "Scheduled" in one) for one in told] == [
        (True, False),
        (False, True),
    ]
    with pytest.raises(Refusal, match="already in progress"):
        here.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])
    here.clock.advance(60)
    here.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"])
    with pytest.raises(Refusal, match="allowed: 1 to 25"):
        here.ask("StartConfigRulesEvaluation", ConfigRuleNames=["rule"] * 26)
    with pytest.raises(Refusal, match="'none' does not exist"):
        here.ask("StartConfigRulesEvaluation", ConfigRuleNames=["none"])


def test_the_history_is_told_as_of_a_moment(here: Here) -> None:
    """The newest first; of what was never recorded nothing."""
    first = item(here)
    here.clock.advance(60)
    item(here, "a", "ResourceDeleted")
    asked = {"resourceType": FUNCTION, "resourceId": "a"}

    def statuses(**more: Any) -> list[str]:
        told = here.ask("GetResourceConfigHistory", **asked, **more)["configurationItems"]
        return [one["configurationItemStatus"] for one in told]

    assert statuses() == ["ResourceDeleted", "OK"]
    assert statuses(limit=1) == ["ResourceDeleted"]
    assert statuses(laterTime=first.captured) == ["OK"]
    with pytest.raises(Refusal, match="not discovered"):
        here.ask("GetResourceConfigHistory", resourceType=FUNCTION, resourceId="b")


def test_exceptions_are_of_violations_and_expire(here: Here) -> None:
    """Others are told as failed; what is not there cannot be taken back."""
    here.put(here.row("a"), here.row("b", "COMPLIANT"))
    keys = [{"ResourceType": FUNCTION, "ResourceId": id} for id in ("a", "b")]
    asked = {"ConfigRuleName": "rule", "ResourceKeys": keys}
    ends = here.clock.now() + timedelta(hours=1)
    told = here.ask("PutRemediationExceptions", **asked, ExpirationTime=ends)["FailedBatches"]
    assert [one["ResourceId"] for one in told[0]["FailedItems"]] == ["b"]
    described = here.ask("DescribeRemediationExceptions", ConfigRuleName="rule")
    assert [one["ResourceId"] for one in described["RemediationExceptions"]] == ["a"]
    here.clock.advance(3600)
    assert here.exceptions.of("rule") == {}
    with pytest.raises(Refusal, match="There is none of b"):
        here.ask("DeleteRemediationExceptions", **asked)
    with pytest.raises(Refusal, match="allowed: 1 to 100"):
        here.ask("PutRemediationExceptions", ConfigRuleName="rule", ResourceKeys=[])
