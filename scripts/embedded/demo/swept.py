"""Tells of a sweep: how it ended, what it changed, and what it left alone, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from embedded.course import Ran
from embedded.demo.screen import Screen
from embedded.demo.words import changed, counted
from embedded.hosting import Invoked
from steward.ledger import Ledger

Line = Mapping[str, Any]


def tell(
    screen: Screen,
    ledger: Ledger,
    ran: Ran,
    steps: Sequence[Invoked],
    standing: MutableMapping[str, int],
) -> None:
    """Tell of an execution by its steps; what ``standing`` holds already is not told again."""
    style = "bold" if ran.execution.status == "SUCCEEDED" else "bold red"
    trigger = ran.input.get("trigger", "")
    screen.line(ran.began, f"sweep, started by {trigger}: {ran.execution.status}", style)
    answers = {str(one.answer["control"]): one.answer for one in steps if one.answer}
    for control, answer in sorted(answers.items()):
        told = f"{control}: {_counted(answer)}"
        screen.line(None, told if told not in standing else f"{control}: as before", depth=1)
        standing.setdefault(told, 1)
    lines = [line for one in steps for line in one.lines]
    for line in lines:
        if "error" in line:
            screen.line(None, f"{line['message']}: {line['error']}", "red", depth=1)
    for line in lines:
        if line.get("change"):
            _tell_change(screen, ledger, line)
    _tell_rest(screen, [line for line in lines if line.get("change") == ""], standing)


def _counted(answer: Mapping[str, Any]) -> str:
    fates = {fate: count for fate, count in answer.get("fates", {}).items() if fate != "none"}
    told = f"{answer.get('resources', 0)} resources: {counted(answer.get('verdicts', {}))}"
    return f"{told}; {counted(fates)}" if fates else told


def _tell_change(screen: Screen, ledger: Ledger, line: Line) -> None:
    change = ledger.change(line["change"])
    for text in changed(change) if change else ():
        told = f"{line['message']}: {line['resource']} ({line['code']}): {text}"
        screen.line(None, told, "green" if line["message"] == "remediated" else "red", depth=1)


def _tell_rest(screen: Screen, lines: Sequence[Line], standing: MutableMapping[str, int]) -> None:
    """What is open, by fate and code, with an example of each."""
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[f"{line['message']} ({line['code']})"].append(line)
    same = 0
    for name, found in groups.items():
        if standing.get(name) == len(found):
            same += len(found)
            continue
        standing[name] = len(found)
        example = f"{found[0]['resource']}: {found[0]['reason']}"
        screen.line(None, f"{len(found)} {name}, such as {example}", "yellow", depth=1)
    if same:
        screen.line(None, f"{same} open as before", "dim", depth=1)
