"""README's tables and the rollout fit the controls and the template's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.template import ROOT, load
from steward.controls import CONTROLS

README = ROOT / "README.md"
OPERATIONS = ROOT / "docs" / "operations.md"

CODE = re.compile(r"`([^`]+)`")
OVERRIDE = re.compile(r"\b([A-Z][A-Za-z]+)=[^\s`]+")


def table(text: str, head: str) -> list[list[str]]:
    """The cells of the rows of the table whose head begins so."""
    lines = text.partition(f"\n| {head} |")[2].split("\n")[2:]
    rows = lines[: next(at for at, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def misplaced_controls(text: str) -> Iterator[str]:
    """Controls without exactly one row, rows of none, and rows that belie what a control writes."""
    told = [(CODE.sub(r"\1", name), does) for name, _, does in table(text, "control")]
    names = [name for name, _ in told]
    wanted = {control.id: control for control in CONTROLS}
    yield from (f"{name}: is no control" for name in names if name not in wanted)
    yield from (f"{name}: has {names.count(name)} rows" for name in wanted if names.count(name) - 1)
    for name, does in told:
        if name in wanted and does.startswith("reports") == bool(wanted[name].writes):
            yield f"{name}: says {does!r}, and writes {sorted(wanted[name].writes) or 'nothing'}"


def misnamed_parameters(text: str) -> Iterator[str]:
    """Parameters in the table, or given to a deployment, that the template does not have, and
    modes whose default is another."""
    parameters = load().written["Parameters"]
    rows = [(CODE.findall(names), default) for names, default, _ in table(text, "parameter")]
    named = {name for names, _ in rows for name in names}
    overridden = {name for line in _deployments(text) for name in OVERRIDE.findall(line)}
    yield from (f"{one}: is no parameter" for one in sorted((named | overridden) - set(parameters)))
    for names, default in rows:
        first = CODE.findall(default)[:1]
        for name in names:
            if name.endswith("Mode") and [parameters[name]["Default"]] != first:
                yield f"{name}: is {parameters[name]['Default']} by default"


def left_in_force(text: str) -> list[str]:
    """Modes that enforce by default and that no deployment with AllowWrites=false takes back."""
    enforced = {
        name
        for name, one in load().written["Parameters"].items()
        if name.endswith("Mode") and one["Default"] == "enforce"
    }
    careful = [line for line in _deployments(text) if "AllowWrites=false" in line]
    return sorted(name for name in enforced if not any(f"{name}=audit" in one for one in careful))


def _deployments(text: str) -> list[str]:
    return [line for line in text.splitlines() if "--parameter-overrides" in line]


def read(path: Path) -> str:
    return path.read_text("utf-8")


def test_every_control_has_a_row() -> None:
    """One, which says whether it only reports."""
    assert list(misplaced_controls(read(README))) == []


def test_every_parameter_that_readme_names_is_one() -> None:
    """And modes have the default that it tells."""
    assert list(misnamed_parameters(read(README))) == []


def test_the_rollout_begins_with_all_controls_in_audit() -> None:
    """Whatever enforces by default would do so in the second sweep, by whatever it was started."""
    assert left_in_force(read(OPERATIONS)) == []
    assert left_in_force(read(OPERATIONS).replace("ApiAlarmsMode=audit", "")) == ["ApiAlarmsMode"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("| `queue-redrive` |", "| `queues` |", "queues: is no control", id="none"),
        pytest.param("| `queue-redrive` |", "| `stack-tags` |", "stack-tags: has 2", id="twice"),
        pytest.param(
            "limits of its own | sets", "limits | reports", "api-throttling: says", id="no"
        ),
        pytest.param("ApiAlarmsMode=audit", "AlarmsMode=audit", "AlarmsMode: is no", id="given"),
        pytest.param("`ConfigRules`", "`Rules`", "Rules: is no parameter", id="no parameter"),
        pytest.param(
            "`StackTagsMode` | `audit`",
            "`StackTagsMode` | `off`",
            "StackTagsMode: is",
            id="default",
        ),
    ],
)
def test_what_readme_tells_otherwise_is_noticed(old: str, new: str, problem: str) -> None:
    """The checks themselves can fail."""
    assert old in read(README)
    text = read(README).replace(old, new)
    found = [*misplaced_controls(text), *misnamed_parameters(text)]
    assert [one for one in found if one.startswith(problem)] != []
