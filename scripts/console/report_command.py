"""The options of steward report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from console.codes import ExitCode
from console.options import Options, reading
from steward.reports.formats import FORMATS


def _file(_context: click.Context, _option: click.Parameter, told: str | None) -> Path | None:
    """The file that is meant; none for standard output."""
    if told is None or told == "-":
        return None
    if not told or told.endswith(os.sep) or Path(told).is_dir():
        allowed = "a file that is no folder, or - for standard output"
        raise click.BadParameter(f"is {told!r}, allowed: {allowed}")
    return Path(told)


@click.command()
@click.argument("control", nargs=-1)
@click.option(
    "--format",
    "formats",
    type=click.Choice([*FORMATS]),
    multiple=True,
    default=["json"],
    show_default=True,
    help="May be given several times, with --output.",
)
@click.option(
    "--output",
    callback=_file,
    metavar="FILE",
    help="Write there; - is standard output. With several formats, how the names of the files "
    "begin.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["LOW", "MEDIUM", "HIGH"], case_sensitive=False),
    default="LOW",
    show_default=True,
    help="Exit code 1 for open violations of this severity or above.",
)
@click.option("--exit-zero", is_flag=True, help="Exit code 0 in place of 1. Not of 2.")
@click.option(
    "--window",
    type=click.IntRange(min=1, max=90),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="How far back changes, closed findings and the trend reach.",
)
@click.option(
    "--heartbeat",
    type=click.IntRange(min=1),
    default=26,
    show_default=True,
    metavar="HOURS",
    help="Findings are stale when no sweep was complete for longer: the stack's HeartbeatHours.",
)
@click.option(
    "--owner-key",
    multiple=True,
    metavar="TAG",
    help="A tag that tells an owner; the first that is there counts. Default: owner, Owner, team, "
    "Team.",
)
@reading
def report(options: Options, **asked: Any) -> ExitCode:
    """Report what is open, unknown, exempt, resolved and gone.

    CONTROL is a control's id; all of them by default. A report says what the ledger says, and
    nothing is looked at anew: sweep first, or name the --stack that does. Data goes to standard
    output or to --output, the rest to standard error. A control that is off or was not swept
    lately is told as such in every format.

    Exit code 2 (wins over 1): something could not be read, a control was not swept lately, or all
    are off.

    \b
    steward --stack steward report --format junit --output compliance.xml --fail-on HIGH
    """
    from console import reporting  # noqa: PLC0415  # only this command needs it

    return reporting.report(options, reporting.Asked(**asked))
