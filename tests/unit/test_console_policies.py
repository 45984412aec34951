"""steward policy check: all that stands in the way of putting a policy, told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from console.cli import main


def checked(file: Path, content: str | bytes, *options: str) -> int:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return main(["policy", "check", str(file), *options])


def of_bytes(size: int, filler: str = "x") -> str:
    """A policy file whose document of log-retention has so many bytes as jq -c writes it."""
    document: dict[str, Any] = {"exclude": []}
    left = size - len(json.dumps(document, separators=(",", ":"))) - len('""')
    longest = 512 // len(filler.encode())
    names = []
    while left > longest * len(filler.encode()):
        names.append(filler * (longest - 3))
        left -= len(names[-1].encode()) + len('"",')
    document["exclude"] = [*names, "y" * left]
    assert len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()) == size
    return json.dumps({"log-retention": document}, indent=4)


@pytest.mark.parametrize("filler", ["x", "é"])
@pytest.mark.parametrize(
    ("size", "code", "told"),
    [
        (4096, 0, ""),
        (4097, 0, "has 4,097 bytes as compact JSON, above 4,096: put it with --tier Advanced"),
        (8192, 0, "has 8,192 bytes as compact JSON, above 4,096"),
        (8193, 3, "has 8,193 bytes as compact JSON, allowed: 8,192, what a parameter holds"),
    ],
)
def test_a_policy_that_no_parameter_holds_does_not_fit(
    size: int, code: int, told: str, filler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Measured as it is put, not as the file is laid out; above 4 KB the tier is named."""
    content = of_bytes(size, filler)
    assert checked(tmp_path / "policy.json", content) == code
    shown = capsys.readouterr()
    assert (told in shown.err, bool(shown.err)) == (True, bool(told))
    assert ("fits; controls: log-retention" in shown.out) == (code == 0)
    assert checked(tmp_path / "policy.json", content, "--json") == code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds: Mapping[str, str] = {"problem" if code else "remark": told} if told else {}
    assert [set(line) - {"control"} for line in lines] == [{kind} for kind in kinds]


def test_every_problem_is_told_beside_controls_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped name hides nothing of what else is wrong."""
    wrong = {"log-retentio": {}, "log-retention": {"days": 8}, "api-alarms": 7, "x": []}
    assert checked(tmp_path / "policy.json", json.dumps(wrong), "--json") == 3
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["control"], one["problem"][:20]) for one in told] == [
        ("log-retentio", "is no control, allow"),
        ("log-retention", "days: is 8, allowed:"),
        ("api-alarms", "is 7, allowed: a JSO"),
        ("x", "is no control, allow"),
    ]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    assert checked(tmp_path / "policy.json", b'\xef\xbb\xbf{"log-retention": {}}') == 0
