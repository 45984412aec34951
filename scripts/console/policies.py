"""steward policy, steward controls: what is asked, and of what."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from console.codes import ExitCode
from console.lines import emit
from console.options import Options
from console.session import entries, misplaced, policy_in_force, selected
from console.views import console, table
from steward.controls import CONTROLS, named
from steward.errors import BadPolicy
from steward.model import Control
from steward.policy import Loaded, complete, described, load, schema
from steward.shipping.settings import redaction

MANY = 8
"""Members of a list that a table shows."""

STANDARD, LARGEST = 4096, 8192
"""Bytes that a parameter of the standard and of the advanced tier holds (API reference)."""


def check(options: Options, file: Path) -> ExitCode:
    """Tell every problem of a policy file, each with path, value and what is allowed."""
    asked = entries(file)
    problems = [(control, text) for control, doc in asked.items() for text in told(control, doc)]
    remarks = [(control, text) for control, doc in asked.items() for text in _dear(doc)]
    if options.json:
        emit({"control": control, "problem": text} for control, text in problems)
        emit({"control": control, "remark": text} for control, text in remarks)
        return ExitCode.USAGE if problems else ExitCode.CLEAN
    for control, text in (*problems, *remarks):
        console(stderr=True).print(f"{file}: {control}: {text}", markup=False, soft_wrap=True)
    if not problems:
        console().print(f"{file}: fits; controls: {', '.join(asked) or 'none'}", markup=False)
    return ExitCode.USAGE if problems else ExitCode.CLEAN


def told(control_id: str, document: Any) -> Iterator[str]:
    """All problems of one control's document: what cannot be put, and what does not fit."""
    if wrong := list(misplaced(control_id, document)):
        yield from wrong
        return
    if (size := _size(document)) > LARGEST:
        yield f"has {size:,} bytes as compact JSON, allowed: {LARGEST:,}, what a parameter holds"
    yield from _unfit(control_id, document)


def _dear(document: Any) -> Iterator[str]:
    """What is to be known of a document that Parameter Store takes, but not for nothing."""
    if STANDARD < (size := _size(document)) <= LARGEST:
        tiers = "--tier Advanced or --tier Intelligent-Tiering"
        yield f"has {size:,} bytes as compact JSON, above {STANDARD:,}: put it with {tiers}"


def _size(document: Any) -> int:
    """Bytes of a document as jq -c writes it."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def _unfit(control_id: str, document: Mapping[str, Any]) -> Iterator[str]:
    """All misfits of one control's document: first the schema's, else the policy's own."""
    from jsonschema import Draft7Validator  # noqa: PLC0415  # 10 MiB that a sweep need not carry

    full = complete(schema(control_id), document)
    found = sorted(Draft7Validator(schema(control_id)).iter_errors(full), key=lambda e: str(e.path))
    for error in found:
        path = list(error.absolute_path)
        yield described(path, error.instance, str(error.validator), error.schema)
    control = named(control_id)
    if not found:
        try:
            load(control, document) if control is not None else redaction(full)
        except BadPolicy as error:
            yield str(error).removeprefix(f"{control_id}: ")


def show(options: Options, names: Sequence[str]) -> ExitCode:
    """Print the policies in force, as they are after defaults were filled in."""
    policy = policy_in_force(options)
    shown = {control.id: policy(control) for control in selected(names)}
    if options.json:
        emit({"control": c, "hash": p.hash, "policy": p.document} for c, p in shown.items())
    else:
        whole = {control: loaded.document for control, loaded in shown.items()}
        sys.stdout.write(json.dumps(whole, indent=2) + "\n")
    return ExitCode.CLEAN


def controls(options: Options) -> ExitCode:
    """List the controls."""
    policy = policy_in_force(options)
    lines = [_control_line(control, policy(control)) for control in CONTROLS]
    if options.json:
        emit(lines)
        return ExitCode.CLEAN
    columns = ("id", "mode", "severity", "kinds", "title", "reads", "writes")
    table("Controls", columns, [[_shown(line[name]) for name in columns] for line in lines])
    return ExitCode.CLEAN


def _control_line(control: Control[Any, Any], loaded: Loaded[Any]) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "severity": control.severity.value,
        "kinds": list(control.kinds),
        "mode": loaded.policy.mode.value,
        "reads": sorted(control.reads),
        "writes": sorted(control.writes),
    }


def _shown(value: Any) -> str:
    """Lists in full, but for those that would fill a page."""
    if isinstance(value, list) and len(value) > MANY:
        return "\n".join([*value[:MANY], f"and {len(value) - MANY} more"])
    return "\n".join(value) if isinstance(value, list) else str(value)
