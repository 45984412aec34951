"""What is wrong with the console's options is told before anybody is asked, and leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from console.cli import main

NOWHERE = ("--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1")
"""Nobody answers there: exit code 4 for whoever asks."""

READING = [
    ["changes"],
    ["report"],
    ["exempt", "--list"],
    ["exempt", "/a", "log-retention", "--remove"],
    ["undo", "log-retention-20261121T101500123456-3f9a2c"],
    ["explain", "/aws/lambda/orders"],
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_mistyped_ledger_is_no_empty_one(
    command: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, the file is named, and nothing is made of it, not even its folder."""
    path = tmp_path / "typo" / "ledger.sqlite3"
    assert main([*command, "--ledger", str(path), *NOWHERE]) == 3
    told = f"--ledger: is {str(path)!r}, which is not there"
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["sweep", "changes", "explain x", "report", "doctor"])
def test_a_policy_that_does_not_fit_is_told_without_a_connection(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, not 4: it is wrong wherever it is sent."""
    policy, ledger = tmp_path / "policy.json", tmp_path / "ledger.sqlite3"
    policy.write_text('{"log-retention": {"days": 31}}')
    ledger.touch()
    asked = ("--policy", str(policy), "--ledger", str(ledger))
    assert main([*command.split(), *asked, *NOWHERE]) == 3
    assert "log-retention: days: is 31" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--region", "--profile", "--stack", "--endpoint-url"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_option_is_no_default(
    option: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable that a script did not set would lead to another account; exit code 3."""
    assert main(["doctor", *NOWHERE, option, text]) == 3
    assert f"'{option}': is {text!r}, allowed: what it names" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["option", "environment"])
def test_a_region_that_can_be_none_is_named(
    source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3: it is mistyped, and no connection failed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu west 1")
    asked = ["--region", "eu west 1"] if source == "option" else []
    for command in ("doctor", "sweep"):
        assert main([command, *asked, "--ledger", "unused"]) == 3
    assert "region: is 'eu west 1', allowed: a Region's" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        *(["changes"], ["report"], ["explain", "log-retention"], ["doctor"], ["controls"]),
        *(["policy", "show"], ["policy", "check", "policy.json"]),
    ],
    ids=" ".join,
)
def test_what_only_reads_cannot_be_told_to_write(
    command: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """--enforce before or after its name would be ignored; exit code 3."""
    for asked in (["--enforce", *command], [*command, "--enforce"]):
        assert main(asked) == 3
        assert "--enforce: is for commands that write" in capsys.readouterr().err
