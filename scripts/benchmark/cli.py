"""bench: what Steward costs, beside what else does the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from subprocess import CalledProcessError

import click
from rich.console import Console

from benchmark.apis import counted
from benchmark.contenders import contenders
from benchmark.log_events import RECORDS, workload
from benchmark.pages import rendered
from benchmark.report import document, tables
from benchmark.shipping_racing import contenders as shippers
from benchmark.shipping_racing import race
from benchmark.shipping_report import shipper_document, shipper_tables
from benchmark.sweeping import QUOTAS, Race, races
from benchmark.watching import watched
from steward.shipping import accel

LATENCIES = (0, 30, 200)  # milliseconds
PACE = "0.9"
WIDTH = 120  # characters of a table that goes to a file
QUICK = 40  # records


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def bench() -> None:
    """Measure Steward beside others, on this machine.

    Every contender is a process of its own and meets the same server, which runs in another: an
    embedded account, or a log service. A result that is not as it should be gets no number, and
    exit code 1.
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
    _end([(result.contender, result.problem) for result in results])


@bench.command()
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Counted: the best of each contender.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the log events.")
@click.option("--quick", is_flag=True, help=f"{QUICK} records, one round, no goals.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def shipper(*, rounds: int, seed: int, quick: bool, as_json: bool) -> None:
    """Ship one Lambda invocation's log events to a log service, in every format.

    With orjson and isal, where they are installed, and without. Compared are seconds of CPU time,
    with plain Python, with the floor that any shipper stands on and with the least that the
    features take; the service answers after 80 ms where wall time is measured.
    """
    load = workload(seed, QUICK if quick else RECORDS)
    fast = accel.best({}).name == "accelerated"
    chosen = shippers(accelerated=fast)
    count = 1 if quick else rounds
    done: list[None] = []
    total = len(chosen) * (count + 1)
    with watched(f"{len(chosen)} contenders, {count} rounds", total, lambda: len(done)):
        results = race(chosen, load, count, lambda: done.append(None))
    if as_json:
        click.echo(shipper_document(results, load, seed=seed, judged=not quick))
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        console.print(shipper_tables(results, load, judged=not quick))
    if not fast:
        click.echo("bench: orjson and isal are not installed: only the standard library", err=True)
    _end([(f"{one.contender.name}, {one.contender.codec}", one.problem) for one in results])


@bench.command()
@click.option("--apis", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--methods", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def apis(*, apis: int, methods: int, as_json: bool) -> None:
    """Count the requests that limit every method of REST APIs, and those that find all limited.

    API Gateway takes ten a second, of both versions and from everybody in the account.
    """
    results = list(counted(apis, methods))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in results], indent=2))
    else:
        for one in results if not any(one.problem for one in results) else ():
            for title, calls in (("first", one.first), ("again", one.again)):
                total = sum(calls.values())
                told = ", ".join(f"{number} {name}" for name, number in sorted(calls.items()))
                head = f"{one.contender:8} {title}  {total:5}  {total / apis:5.2f} an API"
                click.echo(f"{head}  ({told})")
    _end([(one.contender, one.problem) for one in results])


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def report(*, as_json: bool) -> None:
    """Render compliance reports of 60 to 10,000 findings as HTML: seconds and megabytes."""
    results = list(rendered())
    if as_json:
        click.echo(json.dumps([asdict(one) for one in results], indent=2))
    for one in results if not as_json else ():
        click.echo(f"{one.findings:6} findings  {one.seconds:5.2f} s  {one.megabytes:5.2f} MB")


def _end(results: Sequence[tuple[str, str]]) -> None:
    """Tell what went wrong, with an exit code that does."""
    wrong = [(name, problem) for name, problem in results if problem]
    for name, problem in wrong:
        click.echo(f"bench: {name}: {problem}", err=True)
    sys.exit(1 if wrong else 0)
