"""The shape of the tree: what may import what, and what no code may contain."""

from __future__ import annotations

import ast
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.handlers import automation_of, is_processor
from steward.controls import ASSESSOR, CONTROLS, function_of

ROOT = Path(__file__).parents[2]
PRODUCT = sorted(
    path
    for folder in ("platform", "functions", "config_rules")
    for path in (ROOT / folder).rglob("*.py")
)
HANDLERS = sorted((ROOT / "functions").glob("*/handler.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def broad_handlers(tree: ast.AST) -> Iterator[int]:
    """Lines of ``except:``, ``except Exception`` and ``except BaseException``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            names = {None if one is None else getattr(one, "id", "") for one in caught}
            if names & {None, "Exception", "BaseException"}:
                yield node.lineno


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def lengths(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_platform_is_still_the_standard_librarys() -> None:
    """The folder called platform is a source root, never a package."""
    assert Path(platform.__file__).is_relative_to(Path(sys.base_prefix))
    for folder in ("platform", "functions", "config_rules"):
        assert not (ROOT / folder / "__init__.py").exists()


def test_the_layer_holds_the_library_and_its_pins_only() -> None:
    """Whatever lies in platform/ is shipped."""
    there = {path.name for path in (ROOT / "platform").iterdir()} - {"__pycache__"}
    assert there == {"steward", "requirements.txt"}


def test_one_broad_except_exists() -> None:
    """In runtime.py, per resource; everything else says what it can answer."""
    found = [name(path) for path in PRODUCT for _ in broad_handlers(ast.parse(path.read_text()))]
    assert found == ["platform/steward/runtime.py"]


def test_a_broad_except_is_noticed() -> None:
    """The check itself can fail."""
    for clause in ("except:", "except Exception:", "except (ValueError, Exception):"):
        assert list(broad_handlers(ast.parse(f"try:\n  pass\n{clause}\n  pass"))) == [3]


@pytest.mark.parametrize("path", HANDLERS, ids=name)
def test_a_handler_says_when_to_look_and_nothing_else(path: Path) -> None:
    """Up to 35 lines that import controls, events and the runtime, or the processor; no logic."""
    tree = ast.parse(path.read_text())
    allowed: tuple[str, ...] = (
        "steward.api_events",
        "steward.controls",
        "steward.events",
        "steward.function_events",
        "steward.queue_events",
        "steward.runtime",
    )
    if is_processor(path.parent):
        modules = ("follower", "processor", "publishing", "widget")
        allowed = tuple(f"steward.{one}" for one in modules)
    assert all(module.startswith(allowed) for module in imported(tree))
    assert 5 <= len(path.read_text().splitlines()) <= 35
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.If)]


def test_the_handler_of_rules_routes_and_nothing_else() -> None:
    """It names every module of rules/, each of which is a control and when it is evaluated."""
    folder = ROOT / "config_rules"
    [handler, *rules] = [folder / "handler.py", *sorted((folder / "rules").glob("*.py"))]
    tree = ast.parse(handler.read_text())
    [named] = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "rules"]
    assert sorted(one.name for one in named.names) == [path.stem for path in rules]
    for path in (handler, *rules):
        inside = ast.parse(path.read_text())
        steward = ("config_resources", "controls", "events", "reporter")
        allowed = ("functools", "rules", *(f"steward.{one}" for one in steward))
        assert all(module.startswith(allowed) for module in imported(inside))
        assert len(path.read_text().splitlines()) <= 60
        assert not [node for node in ast.walk(inside) if isinstance(node, ast.FunctionDef | ast.If)]


def test_every_control_has_the_function_that_runs_it() -> None:
    """A control that writes has its own; those that only report share one that may only read."""
    folders = [path.parent for path in HANDLERS if not is_processor(path.parent)]
    automations = {folder.name: automation_of(folder) for folder in folders}
    found = {(c.id, one.name) for one in automations.values() for c in one.controls}
    assert found == {(control.id, function_of(control)) for control in CONTROLS}
    assert set(automations) == {one.name.replace("-", "_") for one in automations.values()}
    assert {control.id for control in CONTROLS if function_of(control) == ASSESSOR} == {
        control.id for control in CONTROLS if not control.writes
    }


def test_a_control_looks_after_calls_that_its_automation_knows() -> None:
    """A call has one source there: its name alone tells it."""
    for folder in (path.parent for path in HANDLERS if not is_processor(path.parent)):
        one = automation_of(folder)
        calls = Counter(call for events in one.by_source().values() for call in events)
        assert set(one.only_after) <= {control.id for control in one.controls}
        named = {call for some in one.only_after.values() for call in some}
        assert {call: calls[call] for call in named} == dict.fromkeys(named, 1)
        assert all(any(one.looks(c, call) for c in one.controls) for call in calls)


LONG = {"model.py": 330}
"""Lines of the module in whose words all others speak."""

LONGEST = {"_read": 60}
"""Lines of the loop that reads every log line, where a call costs as much as reading one."""


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_modules_and_functions_stay_readable(path: Path) -> None:
    """300 lines a module, 150 a control's, 40 a function with its docstring, at the most."""
    text = path.read_text()
    limit = 150 if "controls" in path.parts else LONG.get(path.name, 300)
    assert len(text.splitlines()) <= limit
    long = [found for found, lines in lengths(ast.parse(text)) if lines > LONGEST.get(found, 40)]
    assert long == []
