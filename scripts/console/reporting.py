"""steward report: the compliance of the account, as the ledger has it, for people and machines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from console.codes import ExitCode
from console.options import Options
from console.session import connect, history, selected
from console.version import VERSION
from steward.errors import BadPolicy, Invalid
from steward.model import Mode, Severity
from steward.reports.collect import Scope, collect
from steward.reports.dataset import Report, Standing
from steward.reports.formats import FORMATS
from steward.reports.gaps import gaps
from steward.reports.owners import KEYS, owners
from steward.reports.scoring import score_of


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``steward report`` is asked for."""

    control: Sequence[str] = ()
    formats: Sequence[str] = ("json",)
    output: Path | None = None
    fail_on: str = Severity.LOW.value
    exit_zero: bool = False
    window: int = 30
    heartbeat: int = 26
    owner_key: Sequence[str] = KEYS


def report(options: Options, asked: Asked) -> ExitCode:
    """Collect once, write every format that is asked for, and judge by the exit code."""
    formats = list(dict.fromkeys(asked.formats))
    if len(formats) > 1 and asked.output is None:
        raise Invalid("--output: is missing, allowed with several formats: how their names begin")
    made = _collected(options, asked)
    rendered = {name: FORMATS[name].render(made) for name in formats}
    for name, content in rendered.items():
        _write(asked.output, name, content, alone=len(formats) == 1)
    for line in summary(made):
        print(f"steward: {line}", file=sys.stderr)
    code = exit_code(made, Severity(asked.fail_on))
    return ExitCode.CLEAN if asked.exit_zero and code is ExitCode.VIOLATIONS else code


def _collected(options: Options, asked: Asked) -> Report:
    account = connect(options)
    keys, aws = asked.owner_key or KEYS, account.aws
    scope = Scope(
        account=aws.account,
        region=aws.region,
        partition=aws.partition,
        stack=options.stack or "",
        version=VERSION,
        controls=selected(asked.control),
        window_days=asked.window,
        heartbeat_hours=asked.heartbeat,
    )
    ledger = history(account.ledger)
    return collect(
        scope, ledger, account.policy, lambda refs: owners(aws, refs, keys), account.clock
    )


def _write(output: Path | None, name: str, content: bytes, *, alone: bool) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    path = output if alone else output.with_name(output.name + FORMATS[name].suffix)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadPolicy(f"--output {path}: {error.strerror}") from error


def exit_code(made: Report, fail_on: Severity) -> ExitCode:
    """Of controls that are all off nobody knows anything: that is not clean."""
    if not made.complete or all(line.mode is Mode.OFF for line in made.controls):
        return ExitCode.INCOMPLETE
    rising = list(Severity)
    grave = rising[rising.index(fail_on) :]
    left = (one for one in made.entries if one.standing is Standing.OPEN)
    return ExitCode.VIOLATIONS if any(one.severity in grave for one in left) else ExitCode.CLEAN


def summary(made: Report) -> Iterator[str]:
    """For whoever watches, since standard output has the data."""
    counts = {
        standing: sum(entry.standing is standing for entry in made.entries) for standing in Standing
    }
    told = ", ".join(f"{count} {standing}" for standing, count in counts.items())
    yield f"{told}; the last {made.window_days} days"
    score = score_of(made.controls)
    yield f"compliance score {score.told}: {score.basis}"
    for gap in gaps(made):
        yield f"{gap.line.id}: {gap.sentence}"
    yield from made.notes
