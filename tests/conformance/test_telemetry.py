"""Every alarm watches something that happens, says what silence means, and tells somebody."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from embedded.handlers import automation_of
from embedded.hosting import Datum
from embedded.template import Template, load
from steward.gate import MAX_ATTEMPTS
from steward.model import Finding
from tests.conformance import alarm_checks as checks
from tests.conformance import dashboard_checks as dashboards
from tests.conformance.stack import Change, Stack, altered, instead, put, without

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (checks.behaviour, checks.heartbeats, checks.lasting, checks.unalarmed)

HEARTBEAT = "FunctionRuntimeHeartbeatAlarm"


def policy(here: EmbeddedAccount, text: str) -> None:
    """Give log-retention a policy; the sweep that this starts has ended."""
    name = f"/{here.stack}/policy/log-retention"
    here.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
    here.settle()


def budget_is_spent(here: EmbeddedAccount) -> None:
    policy(here, json.dumps({"max_changes_per_run": 0}))
    here.client("logs").create_log_group(logGroupName="/over/budget")
    here.settle()


def a_change_fails_until_it_is_given_up(here: EmbeddedAccount) -> None:
    """Once that is not written to the audit log; and once AWS is busy."""
    policy(here, json.dumps({"min_days": 7}))
    here.server.faults = [
        Fault(operation="logs.PutRetentionPolicy", code="InvalidParameterException", times=None),
        Fault(operation="logs.PutLogEvents", code="AccessDeniedException"),
        Fault(operation="logs.DescribeLogGroups", code="ThrottlingException"),
    ]
    here.client("logs").create_log_group(logGroupName="/not/to/be/changed")
    for _ in range(MAX_ATTEMPTS):
        asked = {"control": "log-retention", "resources": ["/not/to/be/changed"]}
        here.invoke("log-retention", {"look": asked})
    here.client("logs").create_log_group(logGroupName="/neither")
    here.sweep()
    here.server.faults = []


def the_ledger_cannot_be_read(here: EmbeddedAccount) -> None:
    denied = Fault(operation="dynamodb.BatchGetItem", code="AccessDeniedException", times=None)
    here.server.faults = [denied]
    here.client("logs").create_log_group(logGroupName="/unknown")
    here.advance(minutes=1)
    here.server.faults = []
    here.settle()


def a_bug_shows(here: EmbeddedAccount) -> None:
    """The function starts anew with a control that has one."""

    def assess(group: object, policy: object) -> Finding:
        raise ZeroDivisionError

    automation = automation_of(load().folders()["LogRetention"])
    control = replace(automation.controls[0], assess=assess)
    here.host.restart()
    with pytest.MonkeyPatch.context() as patch:
        module = sys.modules["functions.log_retention.handler"]
        patch.setattr(module, "AUTOMATION", replace(automation, controls=(control,)))
        here.client("logs").create_log_group(logGroupName="/odd")
        here.invoke("log-retention", {"look": {"control": control.id, "resources": ["/odd"]}})
    here.host.restart()


def a_record_is_set_aside(here: EmbeddedAccount) -> None:
    here.streams.put(f"{here.stack}-logs", "key", b"what nobody can read")
    here.settle()


@dataclass(frozen=True, slots=True)
class Emitted:
    """What functions told in a stack in which much goes wrong."""

    data: Sequence[Datum]
    fields: set[str]
    """Of the lines of the audit log."""

    @property
    def alarming(self) -> set[checks.Metric]:
        return checks.metrics(self.data)


@pytest.fixture(scope="module")
def emitted() -> Emitted:
    """Everything that functions emit in a stack in which much goes wrong."""
    with EmbeddedAccount({"LogShipping": "enabled"}) as here:
        here.settle()
        here.client("logs").create_log_group(logGroupName="/changed")
        a_record_is_set_aside(here)
        budget_is_spent(here)
        a_change_fails_until_it_is_given_up(here)
        the_ledger_cannot_be_read(here)
        a_bug_shows(here)
        policy(here, "{")
        group = f"/steward/{here.stack}/audit"
        events = here.client("logs").filter_log_events(logGroupName=group)["events"]
        fields = {name for one in events for name in json.loads(one["message"])}
        return Emitted(here.host.metrics, fields)


def test_every_alarm_watches_what_is_emitted(emitted: Emitted) -> None:
    """By name and dimensions; those of AWS are over resources of the stack."""
    assert checks.unknown(load(), emitted.alarming) == []


def test_the_dashboard_shows_what_is_emitted(emitted: Emitted) -> None:
    """By name and dimensions of the registry's controls; its queries are by fields of lines."""
    assert dashboards.unknown(load(), emitted.data) == []
    assert dashboards.queries(load(), emitted.fields) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param('"EventLagSeconds"', '"Lag"', "emits Steward Lag", id="a metric of nobody"),
        pytest.param('"Violations"', '"Resources"', "Steward Resources", id="of full detail only"),
        pytest.param('"Fate", "held"', '"Fate", "kept"', "kept", id="a fate that is none"),
        pytest.param('"Control", ', '"Rule", ', "Rule", id="a dimension that it does not have"),
        pytest.param('"Throttles"', '"Throttled"', "Throttled", id="a metric that AWS has not"),
        pytest.param("${Ledger}", "${Assessor}", "TableName", id="another sort of resource"),
        pytest.param("fields @timestamp, ", "fields day, ", "no line has day", id="a field"),
        pytest.param("SOURCE '/steward/", "SOURCE '/aws/", "no log group", id="another group"),
    ],
)
def test_a_widget_that_would_stay_empty_is_noticed(
    emitted: Emitted, old: str, new: str, problem: str
) -> None:
    """The checks themselves can fail."""
    template = altered(instead(dashboards.DASHBOARD, old, new, "DashboardBody"))
    found = dashboards.unknown(template, emitted.data)
    found += dashboards.queries(template, emitted.fields)
    assert [told for told in found if problem in told] != []


@pytest.mark.parametrize(
    ("alarm", "change"),
    [
        pytest.param(
            "ExhaustedAlarm",
            put("ExhaustedAlarm", "MetricName", value="GivenUp"),
            id="a metric that nobody emits",
        ),
        pytest.param(
            HEARTBEAT,
            put(HEARTBEAT, "Dimensions", 0, "Name", value="Function"),
            id="a dimension that it does not have",
        ),
        pytest.param(
            HEARTBEAT,
            put(HEARTBEAT, "Dimensions", 0, "Value", value="no-such-control"),
            id="a control that is not there",
        ),
        pytest.param(
            "OldestViolationAlarm",
            put("OldestViolationAlarm", "MetricName", value="OldestViolation"),
            id="an age that nobody tells",
        ),
        pytest.param(
            "InternalErrorsAlarm",
            put("InternalErrorsAlarm", "Dimensions", value=[{"Name": "Control", "Value": "a"}]),
            id="a dimension too many",
        ),
        pytest.param(
            "AssessorErrorsAlarm",
            put("AssessorErrorsAlarm", "Dimensions", 0, "Value", value={"Ref": "Ledger"}),
            id="another sort of resource",
        ),
        pytest.param(
            "AssessorErrorsAlarm",
            put("AssessorErrorsAlarm", "MetricName", value="Error"),
            id="a metric that AWS does not emit",
        ),
        pytest.param(
            "SweepFailedAlarm",
            put("SweepFailedAlarm", "Namespace", value="AWS/StepFunctions"),
            id="a namespace that is none",
        ),
        pytest.param(
            "LogShipperParkedAlarm",
            put("LogShipperParkedAlarm", "MetricName", value="SetAside"),
            id="a metric that no processor emits",
        ),
        pytest.param(
            "LogShipperGivenUpAlarm",
            put("LogShipperGivenUpAlarm", "Dimensions", 0, "Value", value={"Ref": "LogShipper"}),
            id="a function in the place of its mapping",
        ),
        pytest.param(
            "LogDeliveryErrorsAlarm",
            instead(
                "LogDeliveryErrorsAlarm",
                '"AWS/Logs"',
                'SCHEMA("AWS/Logs", DestinationType, FilterName, LogGroupName)',
            ),
            id="a query that leaves out what an account policy delivers",
        ),
        pytest.param(
            "LogDeliveryErrorsAlarm",
            instead("LogDeliveryErrorsAlarm", "DeliveryErrors", "DeliveryFailures"),
            id="a query over a metric that there is not",
        ),
    ],
)
def test_an_alarm_that_would_never_sound_is_noticed(
    emitted: Emitted, alarm: str, change: Change
) -> None:
    """The check itself can fail."""
    found = checks.unknown(altered(change), emitted.alarming)
    assert [told.partition(":")[0] for told in found] == [alarm]


@pytest.mark.parametrize(("hours", "threshold"), [("0", None), ("72", "72")])
def test_how_old_a_violation_may_become_is_the_operators_word(
    hours: str, threshold: str | None
) -> None:
    """By default none is too old."""
    stack = Stack(load(), OldestViolationHours=hours)
    alarm = stack.properties.get("OldestViolationAlarm", {})
    assert "OldestViolationAlarm" in stack.kinds or threshold is None
    assert alarm.get("Threshold") == threshold


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_alarms_have_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


@pytest.mark.parametrize(
    ("check", "change", "problem"),
    [
        pytest.param(
            checks.behaviour,
            without("IncompleteAlarm", "TreatMissingData"),
            "IncompleteAlarm: TreatMissingData is not notBreaching",
            id="silence is not thought of",
        ),
        pytest.param(
            checks.behaviour,
            put(HEARTBEAT, "TreatMissingData", value="notBreaching"),
            f"{HEARTBEAT}: TreatMissingData is not breaching",
            id="silence of a heartbeat is well",
        ),
        pytest.param(
            checks.behaviour,
            put(HEARTBEAT, "EvaluationPeriods", value=169),
            f"{HEARTBEAT}: looks back for more than CloudWatch allows",
            id="more than a week",
        ),
        pytest.param(
            checks.behaviour,
            put("IncompleteAlarm", "EvaluationPeriods", value=289),
            "IncompleteAlarm: looks back for more than CloudWatch allows",
            id="more than a day of short periods",
        ),
        pytest.param(
            checks.behaviour,
            without("SweepFailedAlarm", "OKActions"),
            "SweepFailedAlarm: does not tell the topic",
            id="the end of the trouble is not told",
        ),
        pytest.param(
            checks.behaviour,
            put("SweepFailedAlarm", "AlarmActions", value=[checks.TOPIC]),
            "SweepFailedAlarm: acts without a topic",
            id="an action that no parameter asked for",
        ),
        pytest.param(
            checks.behaviour,
            without("SweepFailedAlarm", "AlarmDescription"),
            "SweepFailedAlarm: does not say in a sentence what is wrong",
            id="no words",
        ),
        pytest.param(
            checks.heartbeats,
            without(HEARTBEAT),
            "function-runtime: its silence is not alarmed",
            id="no heartbeat",
        ),
        pytest.param(
            checks.heartbeats,
            put(HEARTBEAT, "Statistic", value="Sum"),
            "function-runtime: its silence is not alarmed",
            id="another statistic",
        ),
        *(
            pytest.param(
                checks.lasting,
                put("OldestViolationAlarm", name, value=value),
                "OldestViolationAlarm: forgets what the last sweep told",
                id=f"an age by another {name}",
            )
            for name, value in (
                ("EvaluationPeriods", 1),
                ("DatapointsToAlarm", 2),
                ("Statistic", "Sum"),
            )
        ),
        pytest.param(
            checks.unalarmed,
            without("LogRetentionDeadLettersAlarm"),
            "LogRetentionDeadLetters: no alarm over its ApproximateNumberOfMessagesVisible",
            id="dead letters lie unseen",
        ),
        pytest.param(
            checks.unalarmed,
            without("LogRetentionOldestMessageAlarm"),
            "LogRetentionInbox: no alarm over its ApproximateAgeOfOldestMessage",
            id="an inbox that is stuck",
        ),
        pytest.param(
            checks.unalarmed,
            instead("SweepNotStartedAlarm", "SweepNotStarted", "LogRetentionInbox"),
            "SweepNotStarted: no alarm over its ApproximateNumberOfMessagesVisible",
            id="an alarm over another queue",
        ),
        pytest.param(
            checks.unalarmed,
            without("AssessorErrorsAlarm"),
            "Assessor: no alarm over its Errors",
            id="a function that ends with errors",
        ),
        pytest.param(
            checks.unalarmed,
            without("LogShipperErrorsAlarm"),
            "LogShipper: no alarm over its Errors",
            id="a processor that ends with errors",
        ),
        pytest.param(
            checks.unalarmed,
            without("LogShipperDroppedAlarm"),
            "LogShipperRecords: no alarm over its DroppedEventCount",
            id="records that went nowhere",
        ),
        pytest.param(
            checks.unalarmed,
            without("LogStreamThrottledAlarm"),
            "LogStream: no alarm over its WriteProvisionedThroughputExceeded",
            id="a stream that is too small",
        ),
        pytest.param(
            checks.unalarmed,
            without("LogDeliveryThrottledAlarm"),
            "CloudWatch Logs: no alarm over its DeliveryThrottling",
            id="log events that do not get through",
        ),
        pytest.param(
            checks.behaviour,
            put("LogDeliveryErrorsAlarm", "EvaluationPeriods", value=289),
            "LogDeliveryErrorsAlarm: looks back for more than CloudWatch allows",
            id="a query over more than a day",
        ),
    ],
)
def test_an_alarm_that_is_not_as_it_should_be_is_noticed(
    check: Check, change: Change, problem: str
) -> None:
    """The check itself can fail, and says what is wrong."""
    assert problem in check(altered(change))
