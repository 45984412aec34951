"""bench: what Steward costs, beside what else does the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from subprocess import CalledProcessError

import click
from rich.console import Console

from benchmark.contenders import contenders
from benchmark.report import document, tables
from benchmark.sweeping import QUOTAS, Race, races

LATENCIES = (0, 30, 200)  # milliseconds
PACE = "0.9"
WIDTH = 120  # characters of a table that goes to a file


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def bench() -> None:
    """Measure Steward beside others, in an embedded account on this machine.

    Every contender is a process of its own and meets the same account behind the same server,
    which runs in another. A result that is not as it should be gets no number, and exit code 1.
    """


@bench.command()
@click.option("--groups", type=click.IntRange(min=2), default=2000, show_default=True)
@click.option(
    "--latency",
    "latencies",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="MS",
    help="Milliseconds that every call takes longer; repeatable. [default: 0, 30, 200; paced: 30]",
)
@click.option("--with-custodian", is_flag=True, help="Also Cloud Custodian; installs it once.")
@click.option(
    "--paced",
    is_flag=True,
    help=f"Under AWS's own quotas, with Steward at --pace {PACE}; takes minutes.",
)
@click.option(
    "--runs", type=click.IntRange(min=1), default=1, show_default=True, help="Shown: the median."
)
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def sweep(
    *,
    groups: int,
    latencies: Sequence[int],
    with_custodian: bool,
    paced: bool,
    runs: int,
    as_json: bool,
) -> None:
    """Set a retention of 30 days on every log group that has none.

    Half of the groups have none; the others have 7, 90 or 365 days and must keep them.
    """
    try:
        chosen = contenders(PACE if paced else "off", paced=paced, with_custodian=with_custodian)
    except CalledProcessError as error:
        raise click.ClickException(f"Cloud Custodian could not be installed: {error}") from error
    quotas = QUOTAS if paced else {}
    asked = latencies or ((30,) if paced else LATENCIES)
    several = [Race(groups, latency / 1000, quotas) for latency in asked]
    results = list(races(chosen, several, runs))
    if as_json:
        click.echo(document(results, groups, paced=paced))
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        console.print(tables(results, groups, paced=paced))
    wrong = [result for result in results if result.problem]
    for result in wrong:
        click.echo(f"bench: {result.contender}: {result.problem}", err=True)
    sys.exit(1 if wrong else 0)
