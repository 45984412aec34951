"""The dashboard is as the controls and the template have it, and each check is seen to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from console import dashboard
from embedded.template import TEMPLATE, Template, load
from tests.conformance import dashboard_checks as checks
from tests.conformance.grant_checks import LOG_ACTIONS, SHARED
from tests.conformance.stack import Change, Stack, altered, arn, instead, texts

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (
    checks.grid,
    checks.sizes,
    checks.controls,
    checks.everything,
    checks.expressions,
)


def shows(old: str, new: str) -> Change:
    return instead(checks.DASHBOARD, old, new, "DashboardBody")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_dashboard_has_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


BREAKS: Sequence[tuple[Check, Change, str]] = [
    (checks.grid, shows('"x": 5, "y": 2', '"x": 4, "y": 2'), "1 and 2: overlap"),
    (checks.grid, shows('"x": 0, "y": 2, "width": 5', '"x": 0, "y": 2, "width": 4'), "a hole"),
    (checks.grid, shows('"view": "bar"', '"view": "map"'), "view map is not known"),
    (checks.sizes, shows('"type": "custom"', '"type": "text"'), "no table of what is open"),
    (checks.sizes, shows("what is not in order", "a" * 200_000), "more characters"),
    (checks.controls, shows('"api-alarms"', '"api-alarm"'), "Violations: of api-alarms 0 times"),
    (checks.controls, shows('"api-alarms"', '"api-alarm"'), "of api-alarm, which is none"),
    (checks.everything, shows("-bad-policy", "-worse"), "stack-bad-policy: is not shown"),
    (checks.everything, shows("-bad-policy", "-worse"), "stack-worse: is shown, and is no alarm"),
    (checks.everything, shows("${LogShipper}", "${Ledger}"), "LogShipper: is not shown"),
    (checks.everything, shows("${Assessor}", "${LogShipper}"), "LogShipper: is shown, and not"),
    (checks.expressions, shows('METRICS(\\"failed\\")', 'METRICS(\\"lost\\")'), "no metric lost"),
    (checks.expressions, shows("FILL(violations0", "FILL(violation0"), "there is no violation0"),
    (checks.expressions, shows('"id": "violations1"', '"id": "violations0"'), "is there twice"),
    (checks.expressions, shows('"id": "violations1"', '"id": "Violations1"'), "the id Violations1"),
]


@pytest.mark.parametrize(("check", "change", "problem"), BREAKS)
def test_a_dashboard_that_is_not_as_it_should_be_is_noticed(
    check: Check, change: Change, problem: str
) -> None:
    """The check itself can fail, and says what is wrong."""
    assert [told for told in check(altered(change)) if problem in told] != []


@pytest.mark.parametrize("writes", ["true", "false"])
def test_the_audit_log_may_be_written_whatever_else_may_be(writes: str) -> None:
    """It is our own: what only plans tells, too, what it could not read; and nothing else's."""
    stack = Stack(load(), AllowWrites=writes)
    statements = stack.properties[SHARED]["PolicyDocument"]["Statement"]
    told = [one for one in statements if LOG_ACTIONS.intersection(texts(one["Action"]))]
    assert [(set(texts(one["Action"])), one["Resource"]) for one in told] == [
        (LOG_ACTIONS, arn("logs", "AuditLogs"))
    ]


def test_without_a_dashboard_nothing_of_it_is_deployed() -> None:
    """Neither the function behind its table; the audit log stays."""
    stack = Stack(load(), Dashboard="disabled")
    assert [
        name for name in stack.kinds if name.startswith(("ComplianceDash", "ComplianceWidget"))
    ] == []
    assert "AuditLogs" in stack.kinds


def test_the_body_is_fresh() -> None:
    """It is what scripts/dashboard writes."""
    text = TEMPLATE.read_text("utf-8")
    assert dashboard.fresh(text) == text


def test_scripts_dashboard_tells_a_stale_body_and_writes_a_fresh_one(tmp_path: Path) -> None:
    """With --check nothing is written; the rest of the template stays as it is."""
    file = tmp_path / "template.yaml"
    text = TEMPLATE.read_text("utf-8")
    stale = text.replace('"Violations", "Control", "log-retention"', '"Old"')
    file.write_text(stale, "utf-8")
    assert dashboard.main(["--check"], file) == 1
    assert file.read_text("utf-8") == stale
    assert dashboard.main([], file) == 0
    assert file.read_text("utf-8") == text
    assert dashboard.main(["--check"], file) == 0
