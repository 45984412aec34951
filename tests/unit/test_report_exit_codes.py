"""With which code a report ends: other tools go by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.codes import ExitCode
from console.report_command import report as report_command
from console.reporting import exit_code, summary
from console.sqlite_ledger import SQLiteLedger
from steward.model import Mode, Severity
from steward.reports.dataset import Report, Standing
from tests.reporting import LOGS, at, item, report, sweep


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One open finding of a control that was swept lately."""
    book = SQLiteLedger(tmp_path_factory.mktemp("report") / "ledger.db", "here")
    book.commit(items=[item("/a")], sweep=sweep(0.1))
    made = report(book)
    book.close()
    return made


def with_entry(told: Report, standing: Standing, severity: Severity = Severity.MEDIUM) -> Report:
    return replace(told, entries=(replace(told.entries[0], standing=standing, severity=severity),))


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing.OPEN, ExitCode.VIOLATIONS),
        (Standing.UNKNOWN, ExitCode.INCOMPLETE),
        (Standing.EXEMPT, ExitCode.CLEAN),
        (Standing.RESOLVED, ExitCode.CLEAN),
        (Standing.OUT_OF_SCOPE, ExitCode.CLEAN),
        (Standing.GONE, ExitCode.CLEAN),
    ],
)
def test_each_standing_has_its_code(told: Report, standing: Standing, code: ExitCode) -> None:
    """Clean is also what is all exempt, or over."""
    assert exit_code(with_entry(told, standing), Severity.LOW) is code


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("fail_on", Severity)
def test_only_what_is_grave_enough_fails(
    told: Report, severity: Severity, fail_on: Severity
) -> None:
    """That severity, and those above."""
    rising = ["LOW", "MEDIUM", "HIGH"]
    fails = rising.index(severity) >= rising.index(fail_on)
    code = exit_code(with_entry(told, Standing.OPEN, severity), fail_on)
    assert code is (ExitCode.VIOLATIONS if fails else ExitCode.CLEAN)


def test_what_is_not_known_wins_over_what_is_open(told: Report) -> None:
    """A stale control, whatever else was found."""
    [line] = told.controls
    assert exit_code(told, Severity.LOW) is ExitCode.VIOLATIONS
    stale = replace(told, controls=(replace(line, stale=True),))
    assert exit_code(stale, Severity.LOW) is ExitCode.INCOMPLETE


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"error": "AccessDenied"}, "AccessDenied"),
        ({"fates": {"failed": 3}}, "3 failed, 0 could not be read"),
    ],
)
def test_a_last_sweep_that_was_not_complete_is_not_clean(
    tmp_path: Path, fields: dict[str, Any], why: str
) -> None:
    """Though one before it was, lately; also while the next one goes on."""
    book = SQLiteLedger(tmp_path / "ledger.db", "here")
    book.commit(sweep=sweep(0.5))
    book.commit(sweep=sweep(0.1, complete=False, **fields))
    book.commit(sweep=sweep(0.01, complete=False, finished=""))
    made = report(book)
    book.close()
    assert exit_code(made, Severity.LOW) is ExitCode.INCOMPLETE
    [gap] = [line for line in summary(made) if line.startswith(LOGS)]
    assert gap.endswith(f"the last complete sweep is of {at(0.5)}: {why}")


def test_a_control_that_is_off_spoils_nothing_but_a_report_on_nothing_else(told: Report) -> None:
    """Who asks only for what is off gets no answer, and no clean one."""
    [line] = told.controls
    off = replace(line, id="other", mode=Mode.OFF, stale=True)
    some = replace(told, entries=(), controls=(line, off))
    assert exit_code(some, Severity.LOW) is ExitCode.CLEAN
    assert exit_code(replace(some, controls=(off,)), Severity.LOW) is ExitCode.INCOMPLETE


def test_the_summary_tells_what_is_missing(told: Report) -> None:
    """Whoever only watches standard error learns what the numbers do not cover."""
    [line] = told.controls
    stale = replace(line, stale=True, swept_at=at(9), last_sweep_error="Denied")
    lines = list(summary(replace(told, controls=(stale,), notes=("owners: no",))))
    assert lines == [
        "1 open, 0 unknown, 0 exempt, 0 resolved, 0 out-of-scope, 0 gone; the last 30 days",
        "compliance score 0.0 %: 0 of 1 compliant",
        f"{LOGS}: not known lately, the last complete sweep is of {at(9)}: Denied",
        "owners: no",
    ]


def test_a_report_goes_to_a_file_or_with_a_dash_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder is neither, be it there or not; it is refused before anything is read."""
    written = report_command.make_context("report", ["--output", "x.json"])
    assert written.params["output"] == Path("x.json")
    assert report_command.make_context("report", ["--output", "-"]).params["output"] is None
    for folder in (str(tmp_path), f"{tmp_path / 'not-there'}/", ""):
        assert main(["report", "--output", folder]) == 3
        told = f"is {folder!r}, allowed: a file that is no folder, or - for standard output"
        assert told in " ".join(capsys.readouterr().err.split())
