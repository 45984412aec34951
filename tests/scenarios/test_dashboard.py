"""The dashboard's table and the audit log of a stack: what they tell of what functions did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from steward.reports.widget import DESCRIPTION
from tests.scenarios.embedding import create, installed, logged, metrics, put_parameter
from tests.unit.test_widget import Page

GROUP = "AWS::Logs::LogGroup"
WIDGET = "compliance-widget"
AUDIT = "/steward/steward/audit"


def groups(here: EmbeddedAccount) -> None:
    """Two that were there before the stack."""
    create(here, "/orders", tags={"owner": "shop <b>"})
    create(here, "/legal")


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedAccount]:
    with installed(groups, controls=("log-retention",)) as account:
        yield account


def shown(here: EmbeddedAccount, **event: Any) -> Page:
    """What the widget shows to somebody who looks at the dashboard."""
    context = {"dashboardName": "steward-eu-west-1", "theme": "dark", "params": {"rows": 20}}
    html = here.host.invoke(f"steward-{WIDGET}", {"widgetContext": context, "rows": 20, **event})
    assert isinstance(html, str)
    return Page(html)


def rows(page: Page) -> dict[str, list[str]]:
    """The table's rows by resource."""
    return {row[1].removesuffix(GROUP): row for row in page.cells}


def audit(here: EmbeddedAccount) -> list[Mapping[str, str]]:
    """The lines of the audit log, oldest first."""
    answer = here.client("logs").filter_log_events(logGroupName=AUDIT)
    return [json.loads(event["message"]) for event in answer["events"]]


def denied(operation: str) -> Fault:
    return Fault(operation=operation, code="AccessDeniedException", times=None)


def test_the_table_follows_what_sweeps_find_and_do_and_the_audit_log_keeps_it(
    stack: EmbeddedAccount,
) -> None:
    """Planned by the first sweep, put right by the second, but for one that AWS refuses to change
    and one that somebody answers for; an undo is told, too."""
    planned = shown(stack)
    assert set(rows(planned)) == {"/orders", "/legal"}
    assert rows(planned)["/orders"][2] == "shop <b>"
    assert rows(planned)["/orders"][5:7] == ["planned", "with the next sweep that may write"]
    never = next(one for one in planned.paragraphs if one.startswith("Never swept"))
    assert "api-alarms" in never
    assert "log-retention" not in never
    assert audit(stack) == []

    refused = Fault(
        operation="logs.PutRetentionPolicy",
        code="InvalidParameterException",
        message="not with password=hunter2hunter2",
        when=has(logGroupName="/legal"),
        times=None,
    )
    stack.server.faults = [refused]
    stack.sweep()
    stack.server.faults = []
    left = rows(shown(stack))
    assert (set(left), left["/legal"][5].split(";")[0]) == ({"/legal"}, "failed, 1 attempt")
    told = {line["resource"]: line for line in audit(stack)}
    assert {name: line["fate"] for name, line in told.items()} == {
        "/orders": "remediated",
        "/legal": "failed",
    }
    assert json.loads(told["/orders"]["before"])["days"] is None
    assert json.loads(told["/orders"]["calls"])[0]["params"]["retentionInDays"] == 30
    assert "hunter2" not in json.dumps(told)

    stack.invoke("log-retention", {"undo": told["/orders"]["change"]})
    undone = audit(stack)[-1]
    assert (undone["resource"], undone["trigger"]) == ("/orders", "direct")
    assert json.loads(undone["calls"])[0]["operation"] == "DeleteRetentionPolicy"
    stack.settle()
    assert rows(shown(stack))["/orders"][4].startswith("exempt")
    assert rows(shown(stack))["/orders"][7] != ""
    assert (metrics(stack, "AuditFailures"), logged(stack, "audit not written")) == ([], [])


def test_a_widget_reads_only_what_its_role_lets_it_and_says_what_went_wrong(
    stack: EmbeddedAccount,
) -> None:
    """A wrong parameter, a ledger or tags that cannot be read: a sentence, no error that alarms."""
    before, alarms = stack.server.calls.copy(), stack.alarms()
    assert stack.host.invoke(f"steward-{WIDGET}", {"describe": True}) == DESCRIPTION
    assert [one for one in shown(stack, rows=1000).paragraphs if "allowed: 1 to 100" in one]
    stack.server.faults = [denied("resourcegroupstaggingapi.GetResources")]
    unowned = shown(stack)
    assert {row[2] for row in unowned.cells} == {"not known"}
    assert any("owners of" in one for one in unowned.paragraphs)
    stack.server.faults = [denied("dynamodb.Query")]
    assert shown(stack).paragraphs[0].startswith("The table could not be made: ")
    stack.server.faults = []
    called = stack.server.calls - before
    assert set(called) <= {
        "dynamodb.Query",
        "ssm.GetParameters",
        "resourcegroupstaggingapi.GetResources",
    }
    assert stack.alarms() == alarms
    [role] = [one for one in stack.watch.roles.values() if one.session == f"steward-{WIDGET}"]
    assert stack.watch.gate.refused(role.name, role.policies) == []


def test_a_control_that_is_held_is_told_and_off_has_no_violations(stack: EmbeddedAccount) -> None:
    """The stop switch holds what a sweep would do; the table and the log say so."""
    put_parameter(stack, "stop", "true")
    stack.settle()
    assert rows(shown(stack))["/legal"][5].startswith("held")
    assert {line["fate"] for line in audit(stack) if line["resource"] == "/legal"} >= {"held"}
    put_parameter(stack, "policy/log-retention", '{"mode": "off"}')
    stack.settle()
    page = shown(stack)
    assert page.cells == []
    assert any(one.startswith("Off: ") for one in page.paragraphs)
    [*_, last] = [one.value for one in stack.host.metrics if one.name == "Violations"]
    assert last == 0
