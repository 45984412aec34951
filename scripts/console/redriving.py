"""steward redrive: the log shipper is asked to ship what lies in its bucket."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from console.codes import ExitCode
from console.lines import emit
from console.options import Options
from console.session import api
from console.views import SHOWN, console, table
from steward.account import SystemClock
from steward.aws.api import Api
from steward.errors import BadPolicy, Gone, Refused
from steward.shipping.redriving import PREFIXES

FUNCTION = "log-shipper"


@dataclass(slots=True)
class Total:
    """What the function's answers come to."""

    looked: int = 0
    shipped: int = 0
    objects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By key, what was not shipped: its ``fate`` is planned, left or parked."""
    error: str = ""

    def add(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take in an answer, and give the lines of its objects."""
        planned, left, parked = told["planned"], told["left"], told["parked"]
        lines = [{"object": key, "fate": "planned", **holds} for key, holds in planned.items()]
        lines += [{"object": key, "fate": "left", "reason": why} for key, why in left.items()]
        lines += [{"object": key, "fate": "parked"} for key in parked]
        self.looked += told["looked"]
        self.shipped += told["shipped"]
        self.objects.update({line["object"]: line for line in lines})
        self.error = told["error"]
        return lines

    @property
    def line(self) -> dict[str, Any]:
        fates = Counter(line["fate"] for line in self.objects.values())
        counts = {name: fates[name] for name in ("planned", "left", "parked")}
        told = {"looked": self.looked, "shipped": self.shipped, **counts}
        return {"summary": {"complete": not self.error, **told, "error": self.error or None}}

    @property
    def exit_code(self) -> ExitCode:
        if self.error:
            return ExitCode.INCOMPLETE
        return ExitCode.VIOLATIONS if self.objects else ExitCode.CLEAN


def redrive(options: Options, prefix: str | None) -> ExitCode:
    """Have the function ship what lies under a prefix, or under each of those that there are."""
    if options.stack is None:
        raise BadPolicy("redrive: needs --stack, whose log shipper does it")
    if prefix is not None and not prefix.startswith(PREFIXES):
        raise BadPolicy(f"--prefix: is {prefix!r}, allowed: {' or '.join(PREFIXES)}...")
    # Asking is no read to AWS; the plan that is asked for without --enforce changes nothing.
    aws = api(options, SystemClock(), read_only=False)
    click.get_current_context().call_on_close(aws.close)
    total = Total()
    for told in _answers(aws, options, [prefix] if prefix else PREFIXES):
        lines = total.add(told)
        if options.json:
            emit(lines)
        _progress(options, f"\r{total.looked} objects so far")
    _progress(options, "\n")
    if total.error:
        print(f"steward: {_name(options)}: {total.error}; run it again to go on", file=sys.stderr)
    if options.json:
        emit([total.line])
    else:
        _show(total, enforce=options.enforce)
    return total.exit_code


def _answers(aws: Api, options: Options, prefixes: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The function's answers, step by step, until all is done or one has an error."""
    for prefix in prefixes:
        cursor, more = "", True
        while more:
            asked = {"prefix": prefix, "cursor": cursor, "plan": not options.enforce}
            told = _asked(aws, _name(options), asked)
            yield told
            if told["error"]:
                return
            cursor = told["cursor"]
            more = bool(cursor)


def _asked(aws: Api, name: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = json.dumps({"redrive": asked}).encode()
    try:
        answer = aws.ask("lambda", "Invoke", FunctionName=name, Payload=payload)
    except Gone:
        raise BadPolicy(
            f"--stack: has no function {name} in {aws.region}; LogShipping=enabled makes one"
        ) from None
    told: Mapping[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        lines = str(told.get("errorMessage") or told.get("errorType") or told).splitlines()
        raise Refused(f"{name}: {lines[0]}")
    return told


def _name(options: Options) -> str:
    return f"{options.stack}-{FUNCTION}"


def _progress(options: Options, text: str) -> None:
    """Tell whoever watches at a terminal."""
    if not options.json and sys.stderr.isatty():
        print(text, end="", file=sys.stderr, flush=True)


def _show(total: Total, *, enforce: bool) -> None:
    if not total.looked and not total.error:
        console().print("Nothing is there.")
        return
    lines = list(total.objects.values())
    if lines:
        table("Objects", ("fate", "object", "why"), map(_row, lines[:SHOWN]))
    if len(lines) > SHOWN:
        console().print(f"... and {len(lines) - SHOWN} more; --json shows all")
    counts = {name: str(count) for name, count in total.line["summary"].items() if count}
    for name in ("complete", "error"):
        counts.pop(name, None)
    table("Summary", ("", ""), [*counts.items(), ("complete", "NO" if total.error else "yes")])
    if not enforce:
        console().print("Nothing was changed. --enforce ships what is planned.")


def _row(line: Mapping[str, Any]) -> tuple[str, str, str]:
    if line["fate"] == "planned":
        held = [
            f"{line[name]} {name if line[name] > 1 else name[:-1]}"
            for name in ("records", "events", "metrics")
            if line[name]
        ]
        reasons = [f"{why or 'no reason'} ({count})" for why, count in line["reasons"].items()]
        return "planned", line["object"], f"{', '.join(held)}: {', '.join(reasons)}"
    return line["fate"], line["object"], line.get("reason", "not taken this time either")
