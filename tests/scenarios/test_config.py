"""AWS Config on the embedded account: from a finding to red, to its remediation, and to green."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from embedded.seeding import FunctionSeed, seed_functions
from steward.controls import CONTROLS
from steward.evaluations import HELD, together
from steward.gate import MAX_ATTEMPTS
from tests.scenarios.embedding import (
    LOGS,
    Auditor,
    create,
    installed,
    ledger,
    logged,
    put_policy,
    retention,
    skipped,
    sweeps,
    writes,
)

GROUP = "AWS::Logs::LogGroup"
RULE = "steward-log-retention"
FOREIGN = "securityhub-cw-loggroup-retention-period-check-1a2b3c4d"


def recorder(here: EmbeddedAccount) -> None:
    """The account has an AWS Config that records."""
    told = {"name": "default", "roleARN": f"arn:aws:iam::{here.account}:role/config"}
    here.client("config").put_configuration_recorder(ConfigurationRecorder=told)


pytestmark = pytest.mark.xdist_group("scenario-config")  # one account for all of them


@pytest.fixture(scope="module")
def account() -> Iterator[EmbeddedAccount]:
    """A stack with rules, evaluated every hour, that was installed some time ago."""
    with installed(recorder, ConfigRules="enabled", ConfigRulesFrequency="One_Hour") as made:
        made.sweep()  # the second one, from which on Config's violations are acted on
        yield made


def test_what_the_first_sweep_only_planned_is_not_done_because_config_tells_of_it() -> None:
    """A new rule finds all of an account's history at once: it waits for the second sweep."""

    def history(here: EmbeddedAccount) -> None:
        recorder(here)
        create(here, "/old")

    with installed(history, controls=[LOGS], ConfigRules="enabled") as here:
        here.settle()
        assert here.config.report(RULE)["/old"][0] == "NON_COMPLIANT"
        assert retention(here) == {"/old": None}
        here.sweep()
        here.settle()
        assert retention(here) == {"/old": 30}
        assert here.config.report(RULE)["/old"][0] == "COMPLIANT"


@pytest.fixture
def here(account: EmbeddedAccount) -> EmbeddedAccount:
    """The account as the scenario before left it; it forgets what was done."""
    account.settle()
    account.server.faults = []
    account.server.clear()
    account.config.fails = lambda _: False
    account.config.is_oversized = lambda _: False
    account.config.sent.clear()
    account.journal.events.clear()
    account.journal.executions.clear()
    account.host.invocations.clear()
    return account


def refused(name: str, times: int | None) -> Fault:
    """Setting a group's retention is refused, so often or for ever."""
    return Fault(
        operation="logs.PutRetentionPolicy",
        code="InvalidParameterException",
        when=has(logGroupName=name),
        times=times,
    )


def changes(here: EmbeddedAccount, id: str) -> list[tuple[str, str]]:
    """Each compliance change of a resource: what it was, and what it became."""
    details = [
        one.event["detail"]
        for one in here.journal.events
        if one.event["detail-type"] == "Config Rules Compliance Change"
    ]
    return [
        (_compliance(one.get("oldEvaluationResult")), _compliance(one["newEvaluationResult"]))
        for one in details
        if one["resourceId"] == id
    ]


def _compliance(result: Mapping[str, Any] | None) -> str:
    return result["complianceType"] if result else "nothing"


def disagreements(here: EmbeddedAccount) -> list[str]:
    """Where AWS Config holds something else than the ledger does."""
    aws, book = Auditor(here), ledger(here)
    found = []
    for control in CONTROLS:
        items = together(book.all_items(control.id), aws).values()
        wanted = {one.id: one.compliance.value for one in items if one.compliance in HELD}
        report = here.config.report(f"{here.stack}-{control.id}")
        told = {id: compliance for id, (compliance, _) in report.items()}
        found += [f"{control.id}: {told} {wanted}"] if told != wanted else []
    return found


def test_a_violation_turns_red_is_put_right_and_turns_green(here: EmbeddedAccount) -> None:
    """What failed when the event came is tried again when Config tells of it, hours before a
    sweep; and Config is asked to look again, so that it is not red until its clock comes round."""
    here.server.faults = [refused("/a", 1)]
    create(here, "/a")
    here.advance(minutes=5)
    assert retention(here)["/a"] is None
    here.advance(hours=1)
    assert changes(here, "/a") == [("nothing", "NON_COMPLIANT"), ("NON_COMPLIANT", "COMPLIANT")]
    assert (retention(here)["/a"], sweeps(here)) == (30, [])
    assert here.config.report(RULE)["/a"] == ("COMPLIANT", "[WITHIN_POLICY] kept 30 days")
    told = [one.rules for one in here.journal.events if one.event["source"] == "aws.config"]
    assert ["LogRetentionViolations", "LogSubscriptionViolations"] in map(sorted, told)
    assert skipped(here)["no-rule"] >= 1  # by the other control: it is not its rule
    here.config.sent.clear()
    here.settle()
    here.advance(hours=2)
    assert (here.config.sent, writes(here)["PutRetentionPolicy"]) == ([], 2)  # the loop dies out
    assert disagreements(here) == []


def test_what_cannot_be_put_right_is_given_up_and_seen(here: EmbeddedAccount) -> None:
    """Config tells of it once; the sweeps try on. After five failures an alarm rings, and the
    annotation says what has become of it."""
    here.server.faults = [refused("/stuck", None)]
    create(here, "/stuck")
    here.advance(hours=1)
    assert writes(here)["PutRetentionPolicy"] == 2  # when it was made, and when it turned red
    for _ in range(MAX_ATTEMPTS):
        here.sweep()
    failures = [one for one in logged(here, "failed") if one["resource"] == "/stuck"]
    assert (len(failures), writes(here)["PutRetentionPolicy"]) == (MAX_ATTEMPTS, MAX_ATTEMPTS)
    assert "exhausted" in here.alarms()
    here.advance(hours=1)
    compliance, annotation = here.config.report(RULE)["/stuck"]
    assert compliance == "NON_COMPLIANT"
    assert "exhausted: failed 5 times, tried again weekly" in annotation
    assert changes(here, "/stuck") == [("nothing", "NON_COMPLIANT")]
    assert writes(here)["PutRetentionPolicy"] == MAX_ATTEMPTS
    assert disagreements(here) == []
    here.server.faults = []  # the cause is put right; whoever may invoke the function says so
    look = {"control": "log-retention", "resources": ["/stuck"]}
    assert here.invoke("log-retention", {"look": look})["fates"] == {"held": 1}
    assert here.invoke("log-retention", {"look": {**look, "retry": True}})["fates"] == {
        "remediated": 1
    }
    assert retention(here)["/stuck"] == 30


def test_what_a_foreign_rule_finds_is_put_right_if_a_policy_says_so(here: EmbeddedAccount) -> None:
    """A group of which no event told: Security Hub's rule finds it, and the control sees to it."""
    create(here, "/lost")
    here.watch.calls.clear()  # CloudTrail delivers as best it can
    here.config.find(FOREIGN, (GROUP, "/lost"), "NON_COMPLIANT")
    here.settle()
    assert retention(here)["/lost"] is None  # nobody has said that it is ours
    put_policy(here, "config-rules", rules={"cw-loggroup-retention-period-check": "log-retention"})
    here.watch.calls.clear()  # without the sweep that a policy starts
    here.config.find(FOREIGN, (GROUP, "/lost"), "COMPLIANT")
    here.settle()
    assert retention(here)["/lost"] is None
    here.advance(minutes=2)  # a policy is believed for a minute
    here.config.find(FOREIGN, (GROUP, "/lost"), "NON_COMPLIANT")
    here.settle()
    assert (retention(here)["/lost"], sweeps(here)) == (30, [])


def test_a_function_is_judged_when_it_changes_and_leaves_the_report_with_its_deletion(
    here: EmbeddedAccount,
) -> None:
    """Within minutes; also a change that is too large for a notification."""
    rule, lambdas = "steward-function-runtime", here.client("lambda")
    seed_functions([FunctionSeed(name="old", runtime="python3.8")], region=here.region)
    here.config.is_oversized = lambda item: item.status == "OK"
    lambdas.update_function_configuration(FunctionName="old", Timeout=9)
    here.settle()
    assert here.config.report(rule)["old"][0] == "NON_COMPLIANT"
    lambdas.update_function_configuration(FunctionName="old", Runtime="python3.13")
    here.settle()
    assert here.config.report(rule)["old"][0] == "COMPLIANT"
    lambdas.delete_function(FunctionName="old")
    here.settle()
    assert "old" not in here.config.report(rule)


def test_evaluations_that_config_does_not_take_are_sent_again_until_it_does(
    here: EmbeddedAccount,
) -> None:
    """Twice in the invocation, and then by Lambda's own retries; an alarm rings meanwhile."""
    tries = Counter[str]()

    def fails(row: Mapping[str, Any]) -> bool:
        id = row["ComplianceResourceId"]
        tries[id] += 1
        return id in names[:2] and tries[id] <= 4

    names = [f"/partly/{name}" for name in "abcd"]
    here.config.fails = fails
    create(here, *names)
    here.settle()
    mine = [one for one in here.host.invocations if one.function == "steward-config-rules"]
    assert Counter(one.error for one in mine)["Incomplete"] == 2
    assert {*names} <= {*here.config.report(RULE)}
    assert "config-rules-errors" in here.alarms()
    assert disagreements(here) == []
