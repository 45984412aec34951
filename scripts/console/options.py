"""The options that every command has, before or after the command's name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

HALF = 0.5
"""The part of AWS's quotas that the console uses when not told otherwise."""


@dataclass(frozen=True, slots=True)
class Options:
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    enforce: bool = False
    policy: Path | None = None
    ledger: Path | None = None
    stack: str | None = None
    pace: str | None = None
    json: bool = False

    @property
    def share(self) -> float | None:
        """The part of AWS's quotas to use; None: no pacing."""
        return None if self.pace == "off" else float(self.pace or HALF)

    @property
    def ledger_path(self) -> Path:
        """The ledger's file: as asked, else where the system keeps a program's state."""
        if self.ledger is not None:
            return self.ledger
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "steward" / "ledger.sqlite3"


class Pace(click.ParamType[str]):
    """A share of AWS's quotas, or 'off'."""

    name = "share|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "off":
            return "off"
        try:
            share = float(value)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            self.fail(f"is {value!r}, allowed: 'off', or a number above 0 and up to 1", param, ctx)
        return str(value)


def _told(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """What an option says; a variable of a script that is empty means no default."""
    if text is not None and not text.strip():
        raise click.BadParameter(f"is {text!r}, allowed: what it names, or no such option")
    return text


_FILE = click.Path(dir_okay=False, path_type=Path)

_OPTIONS = (
    click.option(
        "--endpoint-url", metavar="URL", callback=_told, help="Send all requests to this endpoint."
    ),
    click.option("--region", metavar="NAME", callback=_told, help="AWS Region."),
    click.option(
        "--profile", metavar="NAME", callback=_told, help="Profile of the AWS configuration files."
    ),
    click.option(
        "--enforce",
        is_flag=True,
        default=None,
        help="Write, where a control's mode lets it. Without it nothing is written to the account, "
        "but for what exempt adds to, or removes from, a stack's ledger.",
    ),
    click.option(
        "--policy",
        type=_FILE,
        metavar="FILE",
        help='JSON: {"log-retention": {...}, ...}. Controls it does not name are off.',
    ),
    click.option(
        "--ledger",
        type=_FILE,
        metavar="FILE",
        help="The console's own ledger. Default: ledger.sqlite3 in the user's state folder.",
    ),
    click.option(
        "--stack",
        metavar="NAME",
        callback=_told,
        help="Work with the policies, exemptions and ledger of this deployed stack.",
    ),
    click.option(
        "--pace",
        type=Pace(),
        help=f"Part of AWS's request quotas to use, or off. Default: {HALF}.",
    ),
    click.option("--json", is_flag=True, default=None, help="JSON lines on standard output."),
)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the common options; it is called with ``options`` in their place."""

    @click.pass_context
    @wraps(command)
    def with_options(context: click.Context, /, **arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in Options.__dataclass_fields__}
        told = {name: value for name, value in given.items() if value is not None}
        options = replace(context.find_object(Options) or Options(), **told)
        if options.policy and options.stack:
            raise click.UsageError("--policy and --stack exclude each other: both say the policy")
        if options.ledger and options.stack:
            raise click.UsageError("--ledger and --stack exclude each other: a stack has its own")
        return command(options=options, **arguments)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The common options for a command that writes nothing, whatever it is asked."""

    @common
    @wraps(command)
    def without_writes(*, options: Options, **arguments: Any) -> Any:
        if options.enforce:
            raise click.UsageError("--enforce: is for commands that write; this one only reads")
        return command(options=options, **arguments)

    return without_writes
