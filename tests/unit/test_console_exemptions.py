"""What an exemption at the console may say, and what a terminal is shown of a shared ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from console.cli import main
from console.exempting import _breadth, _exemption
from console.ledger_commands import _caller, _owner
from console.views import printable, table
from steward.controls import CONTROLS
from steward.model import Control, Exemption, Ref

LAST = datetime.now(UTC).date() + timedelta(days=364)
"""A year ahead, a midnight within the test's run notwithstanding."""


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is told of a command that is refused before anything is asked of AWS."""
    assert main(list(arguments)) == 3
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("control", "field", "most"),
    [
        ("log-retention", "resource", 512),
        ("function-layers", "resource", 140),
        ("log-retention", "reason", 256),
        ("required-tags", "owner", 128),
    ],
)
def test_an_exemption_is_held_to_what_a_policy_may_have(
    control: str, field: str, most: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the control's own schema; the field, the value and the limit are named."""
    told = {"resource": "a", "reason": "r", "owner": "o", field: "x" * (most + 1)}
    options = ("--until", str(LAST), "--reason", told["reason"], "--owner", told["owner"])
    err = refusal(capsys, "exempt", told["resource"], control, *options)
    assert f'exempt: {field}: is "xxx' in err
    assert f"allowed: maxLength {most}" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--list", "--remove", "x", "log-retention"], "--list: only lists, .* --remove, RESOURCE"),
        (["--list", "x", "log-retention"], "--list: .* with a CONTROL or none, not RESOURCE"),
        (["--list", "--owner", "o"], "--list: .* not --owner"),
        (
            ["x", "log-retention", "--reason", "r", "--until", str(LAST), "--remove"],
            "--remove: only removes, allowed: RESOURCE and CONTROL, not --until, --reason",
        ),
    ],
    ids=["list and remove", "list a resource", "list with an owner", "remove with a reason"],
)
def test_what_would_be_ignored_is_refused(
    arguments: Sequence[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is to believe that it was heeded."""
    assert re.search(told, refusal(capsys, "exempt", *arguments))


@pytest.mark.parametrize("late", [2, 9999], ids=["by a day", "for ever"])
def test_an_exemption_has_an_end_within_a_year(
    late: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one by an undo has; for longer there is the policy, which others review."""
    until = str(LAST + timedelta(days=late))
    told = ("--until", until, "--reason", "r", "--owner", "o")
    err = refusal(capsys, "exempt", "/*", "log-retention", *told)
    assert re.search(rf"--until: is {until}, allowed: to [-\d]+, in 365 days; for longer", err)


@pytest.mark.parametrize(
    ("glob", "told"),
    [
        ("/a/0", None),
        ("/a/?", "covers 6 of 10 known resources"),
        ("/b/*", None),
        ("/none", None),
        ("/*", "covers 10 of 10 known resources"),
    ],
)
def test_a_glob_over_most_of_a_few_resources_is_told(glob: str, told: str | None) -> None:
    """Whatever their verdict: what comes to be wrong with them later is exempt, too."""
    names = [*(f"/a/{n}" for n in range(6)), *(f"/b/{n}" for n in range(4))]
    assert breadth(glob, names) == told


def test_a_glob_over_more_than_a_handful_of_many_is_told() -> None:
    """Also where it is a small part of them."""
    names = [f"/a/{n:04}" for n in range(2000)]
    assert breadth("/a/000*", names) is None
    assert breadth("/a/00*", names) == "covers 100 of 2,000 known resources"


def breadth(glob: str, names: Sequence[str]) -> str | None:
    """What is told of a glob where these are the known resources."""
    kept = SimpleNamespace(items=[SimpleNamespace(ref=Ref("K", name)) for name in names])
    exemption = Exemption(glob, "r", "o", LAST)
    return next(_breadth(kept, exemption, LAST), None)  # type: ignore[arg-type]  # a stand-in


@pytest.mark.parametrize("control", CONTROLS, ids=lambda one: one.id)
def test_what_a_policy_may_have_is_an_exemption_of_every_control(
    control: Control[Any, Any],
) -> None:
    """Nothing else that its policy lacks stands in the way."""
    told = {"until": str(LAST), "reason": "r" * 256, "owner": "o" * 128}
    exemption = Exemption("a" * 140, "r" * 256, "o" * 128, LAST)
    assert _exemption(control, "a" * 140, told) == exemption


@pytest.mark.parametrize(
    "text", ["a\x1b[2Jb", "a\nb", "a\x9b1mb", "a\u202eb", "a\u2028b"], ids=ascii
)
@pytest.mark.parametrize("field", ["resource", "reason", "owner"])
def test_what_would_steer_a_terminal_is_no_exemption(
    field: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others read it in their terminals, and in reports."""
    told = {"resource": "a", "reason": "r", "owner": "o", field: text}
    options = ("--until", str(LAST), "--reason", told["reason"], "--owner", told["owner"])
    err = refusal(capsys, "exempt", told["resource"], "log-retention", *options)
    assert f"exempt: {field}: is {text!r}, allowed: no control characters" in err


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        pytest.param("x" * 129, '--owner: is "xxx.*, allowed: maxLength 128', id="too long"),
        pytest.param(" ", '--owner: is "", allowed: minLength 1', id="nobody"),
        pytest.param("a\x1b[2Jb", "--owner: is .*, allowed: no control characters", id="steers"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--enforce",), ("--stack", "steward", "--enforce")])
def test_nobody_answers_for_an_undo_whom_no_policy_could_name(
    owner: str, told: str, options: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Planned or not, here or by the function: it is refused before anything is asked of AWS."""
    change = "log-retention-20261121T101500123456-3f9a2c"
    assert re.search(told, refusal(capsys, *options, "undo", change, "--owner", owner))


def test_who_calls_answers_for_an_undo_by_a_name_that_fits() -> None:
    """A session's ARN may be longer than an owner may be; its end says who it is."""
    arn = f"arn:aws:sts::111122223333:assumed-role/{'r' * 64}/{'s' * 64}"
    account = SimpleNamespace(aws=SimpleNamespace(identity=SimpleNamespace(arn=arn)))
    caller = _caller(account)  # type: ignore[arg-type]  # a stand-in for Account
    assert caller.endswith(f"/{'s' * 64}")
    assert _owner(CONTROLS[0], caller) == caller


def test_a_table_shows_what_would_steer_the_terminal_by_its_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also in its title; what is only foreign is shown as it is."""
    table("of \x1b[31m[bold]", ("a", "b"), [("x\x1b[2Jy\x9b", "Größe\xa0日本 👩‍💻")])
    out = capsys.readouterr().out
    assert "x\\u001b[2Jy\\u009b" in out
    assert "of \\u001b[31m[bold]" in out
    assert "Größe\xa0日本 👩‍💻" in out
    assert not set("\x1b\x9b") & set(out)
    assert printable("a\r\nb\u202ec\ud800") == "a\\u000d\nb\\u202ec\\ud800"
