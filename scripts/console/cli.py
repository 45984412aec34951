"""steward: governance automations for one AWS account and Region."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from console import ledger_commands, policies, sweeping
from console.codes import ExitCode
from console.options import Options, common, reading
from console.report_command import report
from console.version import VERSION
from steward.errors import BadPolicy, BadRegion, Invalid, NotConnected, StewardError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="steward")
@common
def cli(options: Options) -> None:
    """Keep an AWS account in order.

    Steward reads what is there, judges it by a policy, and puts right what the policy lets it.
    Nothing is written to the account without --enforce, but for exempt with --stack, which writes
    to the stack's ledger; every change is recorded and can be undone.

    \b
    Try it:   steward doctor                     can it see what it needs?
              steward sweep                      what is not in order, what would change
              steward sweep --enforce            change it
              steward changes                    what was changed, and from what
              steward undo CHANGE --enforce      take it back
              steward report --format csv        what is open, since when, whose it is
              steward replay FILE...             what recorded events would have led to
              steward redrive                    what came to nothing, and back with it

    \b
    Exit codes: 0 clean or all exempt, 1 open violations, 2 incomplete or errors (wins over 1),
                3 usage or invalid configuration, 4 credentials or connectivity.
    """
    click.get_current_context().obj = options


@cli.command()
@click.argument("control", nargs=-1)
@click.option("--restart", is_flag=True, help="Start anew, also where a sweep was interrupted.")
@click.option("--retry", is_flag=True, help="Try again what was given up after five failures.")
@common
def sweep(options: Options, control: Sequence[str], *, restart: bool, retry: bool) -> ExitCode:
    """Look at every resource once; put right what the policy lets it.

    CONTROL is a control's id; all of them by default. Without --enforce the calls that would put
    things right are shown and not sent. A sweep that was interrupted goes on where it stopped, if
    policy and --enforce are the same.
    """
    return sweeping.sweep(options, control, restart=restart, retry=retry)


@cli.command()
@click.option("--control", metavar="ID", help="Only changes of this control.")
@click.option("--resource", metavar="GLOB", help="Only changes of matching resources.")
@click.option(
    "--status",
    type=click.Choice(["INTENT", "DONE", "FAILED", "UNDONE"], case_sensitive=False),
    help="Only changes that stand so.",
)
@click.option("--since", metavar="DATE", help="Only changes from this day or time (UTC) on.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most."
)
@reading
def changes(options: Options, **filters: str | int | None) -> ExitCode:
    """List changes, newest first: what was before, what was sent."""
    return ledger_commands.changes(options, ledger_commands.Filters(**filters))  # type: ignore[arg-type]  # click checked them


cli.add_command(report)


@cli.command()
@click.argument("change")
@click.option("--owner", metavar="WHO", help="Who answers for the exemption. Default: the caller.")
@click.option(
    "--for",
    "days",
    type=click.IntRange(min=1, max=365),
    default=30,
    show_default=True,
    help="Days for which the resource is exempt from the control afterwards.",
)
@common
def undo(options: Options, change: str, owner: str | None, days: int) -> ExitCode:
    """Take a change back and exempt its resource for a while.

    CHANGE is an id that 'steward changes' shows. Its recorded inverse calls are sent. Refused when
    the resource was changed since. With --stack the control's own function does it, so that you
    need no rights to write. Without --enforce the calls are only shown.
    """
    return ledger_commands.undo(options, change, owner, days)


@cli.command()
@click.argument("resource", required=False)
@click.argument("control", required=False)
@click.option("--until", metavar="DATE", help="YYYY-MM-DD (UTC), that day included; within a year.")
@click.option("--reason", metavar="TEXT", help="Why the violation is acceptable.")
@click.option("--owner", metavar="WHO", help="Who answers for it.")
@click.option("--remove", is_flag=True, help="Remove the exemption of RESOURCE from CONTROL.")
@click.option("--list", "listed", is_flag=True, help="List all exemptions, soonest to end first.")
@common
def exempt(
    options: Options, resource: str | None, control: str | None, **told: str | bool | None
) -> ExitCode:
    """Exempt a resource from a control until a date.

    RESOURCE is an id, or an anchored glob over ids; CONTROL is a control's id. --list tells those
    of the ledger, of policies and of tags: how many violations each covers, which end within two
    weeks, have ended, exempt nothing, or exempt every resource. --list CONTROL: of that one.

    \b
    steward exempt '/audit/*' log-retention --until 2027-06-30 --reason 'legal hold' --owner legal
    """
    from console import exempting  # noqa: PLC0415  # brings the reports' judgement of them

    return exempting.exempt(options, resource, control, told)


@cli.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@common
def replay(options: Options, files: Sequence[Path]) -> ExitCode:
    """Look at what recorded events name, by the template's own rules.

    FILE holds CloudTrail log files as S3 keeps them, CloudTrail records, EventBridge events or
    {"event": ...} around these: JSON or JSON lines, plain or gzip, in any mix. Events of another
    account or Region, failed calls and what no rule matches are skipped with the reason. What is
    named is read now and judged as it is now; without --enforce nothing is written.

    \b
    aws s3 cp --recursive s3://TRAIL/AWSLogs/ACCOUNT/CloudTrail/REGION/2026/11/20/ day/
    steward replay day/*.json.gz
    """
    from console import replaying  # noqa: PLC0415  # brings moto and SAM's translator

    return replaying.replay(options, files)


@cli.command()
@click.option("--queue", metavar="NAME", help="Only this dead-letter queue.")
@click.option(
    "--prefix",
    metavar="PREFIX",
    help="Only objects whose keys begin so: parked/... or aws/lambda/...",
)
@click.option(
    "--save",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each message to a file of its own first; 'steward replay' takes them.",
)
@click.option(
    "--discard",
    metavar="MESSAGE",
    multiple=True,
    help="With --enforce delete the message of this id, whatever is in it; may be repeated.",
)
@common
def redrive(options: Options, **told: Any) -> ExitCode:
    """Show what came to nothing, and send it back.

    In a stack's dead-letter queues lie events that a function gave back ten times, or that
    EventBridge could not deliver: each is shown with what it names and why it is there. With
    --enforce all that are planned go back to their inbox; what no function can read stays, until
    --discard.

    In the bucket of a stack's log pipeline lies what could not be shipped: under parked/ what the
    destination refused or nobody could read, under aws/lambda/ records that were tried for too
    long. With --enforce the stack's log shipper sends it once more and deletes what is done, so
    that you need no rights in the bucket.

    Exit code 1: something lies there, or stays. 2: something failed; run it again to go on.

    \b
    steward --stack steward redrive
    steward --stack steward redrive --queue log-retention-dead-letters --enforce
    """
    from console import redriving  # noqa: PLC0415  # only this command needs it

    return redriving.redrive(options, redriving.Asked(**told))


@cli.group()
def policy() -> None:
    """Check or show policies."""


@policy.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@reading
def check(options: Options, file: Path) -> ExitCode:
    """Check a policy FILE without a connection; tell every problem."""
    return policies.check(options, file)


@policy.command()
@click.argument("control", nargs=-1)
@reading
def show(options: Options, control: Sequence[str]) -> ExitCode:
    """Show the policies in force.

    Those of --policy or of --stack, completed by the defaults; else the defaults alone.
    """
    return policies.show(options, control)


@cli.command()
@reading
def controls(options: Options) -> ExitCode:
    """List the controls, their modes and IAM actions."""
    return policies.controls(options)


@cli.command()
@click.argument("subject", metavar="CONTROL|RESOURCE")
@reading
def explain(options: Options, subject: str) -> ExitCode:
    """Explain a control, or the finding on a resource.

    Of a CONTROL: policy fields, reason codes, IAM actions, cost. Of a RESOURCE: what is there now,
    how every control judges it, what it would do, and what was changed before.
    """
    from console import explaining  # noqa: PLC0415  # only this command needs it

    return explaining.explain(options, subject)


@cli.command()
@reading
def doctor(options: Options) -> ExitCode:
    """Check what Steward relies on, and whether a --stack is well.

    Credentials, clock, trail, account policies, quotas. Of a stack: its settings and stop switch,
    each policy as the functions judge it, each control's last whole sweep, alarms, queues, what is
    switched off, errors, log shipping, AWS Config.

    Exit code 0: at most warnings. 1: something is wrong. 2: something could not be read.
    """
    from console import checkup  # noqa: PLC0415  # only this command needs it

    return checkup.doctor(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return int(cli.main(args=args, prog_name="steward", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except StewardError as error:
        return _failed(str(error), _exit_code(error))
    except (KeyboardInterrupt, click.Abort):
        return _failed("stopped at once; the next run settles what was open", ExitCode.INCOMPLETE)
    except (OSError, SystemExit) as error:  # nobody reads any more, or a disk is full
        return _not_written(error)
    except Exception:  # noqa: BLE001  # Python's own exit code for a bug is 1: violations
        traceback.print_exc()
        return ExitCode.INCOMPLETE


def _not_written(error: OSError | SystemExit) -> int:
    """Of a reader that went away nothing is told; click and rich exit then."""
    # What is left in the buffer would end the process with another error.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError | SystemExit):
        return ExitCode.INCOMPLETE
    where = error.filename or "standard output"
    return _failed(f"{where}: {error.strerror or error}", ExitCode.INCOMPLETE)


def _exit_code(error: StewardError) -> ExitCode:
    if isinstance(error, BadPolicy | BadRegion | Invalid):
        return ExitCode.USAGE
    return ExitCode.NOT_CONNECTED if isinstance(error, NotConnected) else ExitCode.INCOMPLETE


def _failed(message: str, code: ExitCode) -> int:
    print(f"steward: {message}", file=sys.stderr)
    return code
