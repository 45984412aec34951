"""What the log shipper has set aside in its bucket: the function is asked to ship it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.lines import emit
from console.options import Options
from console.session import LOG_SHIPPER
from console.views import SHOWN, console, table
from steward.aws.api import Api
from steward.errors import BadPolicy, Gone, NotConnected, Refused, StewardError
from steward.shipping.redriving import PREFIXES


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
    def counts(self) -> dict[str, int]:
        fates = Counter(line["fate"] for line in self.objects.values())
        counts = {name: fates[name] for name in ("planned", "left", "parked")}
        return {"looked": self.looked, "shipped": self.shipped, **counts}


def ship(aws: Api, options: Options, prefix: str | None) -> Total:
    """Have the function ship what lies under a prefix, or under each of those that there are.

    What the function cannot do is the total's ``error``: what was done before is told all the same.
    """
    total = Total()
    try:
        for told in _answers(aws, options, [prefix] if prefix else PREFIXES):
            lines = total.add(told)
            if options.json:
                emit(lines)
            progress(options, f"\r{total.looked} objects so far")
    except (BadPolicy, NotConnected):
        raise
    except StewardError as error:
        total.error = str(error)
    progress(options, "\n")
    if total.error:
        print(f"steward: {name(options)}: {total.error}; run it again to go on", file=sys.stderr)
    return total


def _answers(aws: Api, options: Options, prefixes: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The function's answers, step by step, until all is done or one has an error."""
    for prefix in prefixes:
        cursor, more = "", True
        while more:
            asked = {"prefix": prefix, "cursor": cursor, "plan": not options.enforce}
            told = _asked(aws, name(options), asked)
            yield told
            if told["error"]:
                return
            cursor = told["cursor"]
            more = bool(cursor)


def _asked(aws: Api, function: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = json.dumps({"redrive": asked}).encode()
    try:
        answer = aws.ask("lambda", "Invoke", FunctionName=function, Payload=payload)
    except Gone:
        raise BadPolicy(
            f"--stack: has no function {function} in {aws.region}; LogShipping=enabled makes one"
        ) from None
    told: Mapping[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        lines = str(told.get("errorMessage") or told.get("errorType") or told).splitlines()
        raise Refused(lines[0])
    return told


def name(options: Options) -> str:
    return f"{options.stack}-{LOG_SHIPPER}"


def progress(options: Options, text: str) -> None:
    """Tell whoever watches at a terminal."""
    if not options.json and sys.stderr.isatty():
        print(text, end="", file=sys.stderr, flush=True)


def show(total: Total) -> None:
    """A table of what is there and why."""
    lines = list(total.objects.values())
    if lines:
        table("Objects", ("fate", "object", "reason"), map(_row, lines[:SHOWN]))
    if len(lines) > SHOWN:
        console().print(f"... and {len(lines) - SHOWN} more; --json shows all")


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
