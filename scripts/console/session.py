"""From the command line's options to the account that a command works with."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from console.options import Options
from console.read_only_ledger import ReadOnlyLedger
from console.sqlite_ledger import SQLiteLedger
from steward.account import Account, SystemClock, ledger_table
from steward.aws.api import Api
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.aws.pacing import Pacer
from steward.controls import CONTROLS, named
from steward.errors import BadPolicy
from steward.ledger import Ledger
from steward.model import Clock, Control
from steward.policy import Loaded, load
from steward.stack_policies import StackPolicies
from steward.telemetry import Dimensions, Values

Documents = Mapping[str, Mapping[str, Any]]


class StderrTelemetry:
    """Errors to standard error; the console prints outcomes itself and sends no metrics."""

    def info(self, message: str, **facts: Any) -> None:
        logging.getLogger("steward").debug("%s %s", message, facts)

    def error(self, message: str, **facts: Any) -> None:
        shown = " ".join(f"{name}={value}" for name, value in facts.items())
        print(f"steward: {message} {shown}", file=sys.stderr)

    def traceback(self, message: str, **facts: Any) -> None:
        self.error(message, **facts)
        traceback.print_exc()

    def metric(self, values: Values, dimensions: Dimensions, **names: str) -> None:
        logging.getLogger("steward").debug("metric %s %s %s", values, dimensions, names)


def connect(options: Options, *, begin: bool = False) -> Account:
    """The caller's account. Raises NotConnected where nobody answers or knows the caller.

    ``begin``: the command may begin the console's own ledger; no other one makes a file.
    What is wrong with the options is told before anybody is asked. Raises BadPolicy.
    """
    clock = SystemClock()
    local = None if options.stack else offline_policy(options)
    file = _ledger_file(options, begin=begin)
    aws = api(options, clock, read_only=not options.enforce)
    endpoint = options.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or "aws"
    scope = f"{endpoint.rstrip('/')}|{aws.account}|{aws.region}"
    policy, stopped = (local, lambda: False) if local else _policies(options, aws, clock)
    ledger = _ledger(options, aws, clock, scope, file)
    _at_the_end(aws, ledger)
    return Account(
        aws=aws,
        ledger=ledger,
        clock=clock,
        telemetry=StderrTelemetry(),
        policy=policy,
        stopped=stopped,
        plan_only=not options.enforce,
    )


def api(options: Options, clock: Clock, *, read_only: bool) -> Api:
    """The way to AWS that the options describe."""
    return Api(
        clock=clock,
        pacer=Pacer(clock, options.share),
        region=options.region or os.environ.get("AWS_REGION"),
        profile=options.profile,
        endpoint_url=options.endpoint_url,
        read_only=read_only,
    )


LOG_SHIPPER = "log-shipper"
"""No control, but it has a policy, too."""


def documents(file: Path) -> Documents:
    """The policy documents of a file, by control. Raises BadPolicy for what is no such file."""
    loaded = entries(file)
    for control, document in loaded.items():
        for problem in misplaced(control, document):
            raise BadPolicy(f"policy {file}: {control!r} {problem}")
    return loaded


def entries(file: Path) -> Mapping[str, Any]:
    """What a policy file has, whatever it is named. Raises BadPolicy for what is no JSON object."""
    try:
        # Some editors begin a file with a byte order mark.
        loaded = json.loads(file.read_text("utf-8-sig"), object_pairs_hook=_once_each)
    except OSError as error:
        raise BadPolicy(f"policy {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadPolicy(f"policy {file}: is not JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise BadPolicy(f"policy {file}: allowed: a JSON object, control by control")
    return loaded


def misplaced(control: str, document: object) -> Iterator[str]:
    """What keeps an entry of a policy file from being a control's document, if anything."""
    known = [*(control.id for control in CONTROLS), LOG_SHIPPER]
    if control not in known:
        yield f"is no control, allowed: {', '.join(known)}"
    elif not isinstance(document, dict):
        yield f"is {json.dumps(document)[:80]}, allowed: a JSON object"


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a field that stands twice, nobody knows which one was meant."""
    names = [name for name, _ in pairs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"the field {twice[0]!r} stands twice in an object")
    return dict(pairs)


def policy_in_force(options: Options) -> Callable[[Control[Any, Any]], Loaded[Any]]:
    """A control's policy: the stack's where one is named, else told without a connection."""
    return connect(options).policy if options.stack else offline_policy(options)


def offline_policy(options: Options) -> Callable[[Control[Any, Any]], Loaded[Any]]:
    """A control's policy from the file, or the schema's defaults where there is none."""
    if options.policy is None:
        return load
    asked = documents(options.policy)
    for control in CONTROLS:  # all of them now, so that a mistake stops everything at once
        load(control, asked.get(control.id, {}))

    def policy(control: Control[Any, Any]) -> Loaded[Any]:
        return load(control, asked.get(control.id, {"mode": "off"}))

    return policy


def selected(names: Sequence[str]) -> list[Control[Any, Any]]:
    """The named controls, or all. Raises BadPolicy for a name that is none."""
    known = ", ".join(control.id for control in CONTROLS)
    for name in names:
        if named(name) is None:
            raise BadPolicy(f"control: is {name!r}, allowed: {known}")
    return [control for control in CONTROLS if not names or control.id in names]


def _policies(
    options: Options, aws: Api, clock: Clock
) -> tuple[Callable[[Control[Any, Any]], Loaded[Any]], Callable[[], bool]]:
    stack = StackPolicies(aws, str(options.stack), clock, [control.id for control in CONTROLS])
    if not stack.is_deployed():
        missing = f"/{options.stack}/defaults/"
        raise BadPolicy(f"--stack: is {options.stack!r}, but {aws.region} has nothing at {missing}")
    return stack.policy, stack.stopped


def history(ledger: Ledger) -> Ledger:
    """The ledger with its sweeps, which a plan is not to see. Nothing may be written to it."""
    return ledger.behind if isinstance(ledger, ReadOnlyLedger) else ledger


def _at_the_end(aws: Api, ledger: Ledger) -> None:
    """Let go of threads and files when the command is over."""
    command = click.get_current_context()
    command.call_on_close(aws.close)
    if isinstance(ledger, SQLiteLedger):
        command.call_on_close(ledger.close)


def _ledger_file(options: Options, *, begin: bool) -> Path:
    """Where the console's own ledger is kept; in memory while there is none. Raises BadPolicy."""
    path = options.ledger_path
    if options.stack or begin or path.exists():
        return path
    if options.ledger is not None:
        made = "a ledger that 'steward sweep' has made"
        raise BadPolicy(f"--ledger: is {str(path)!r}, which is not there, allowed: {made}")
    print(f"steward: nothing was recorded yet: there is no ledger {path}", file=sys.stderr)
    return Path(":memory:")


def _ledger(options: Options, aws: Api, clock: Clock, scope: str, file: Path) -> Ledger:
    """The stack's ledger, which only --enforce may write to, or the console's own file."""
    if options.stack is None:
        return SQLiteLedger(file, scope)
    ledger = DynamoDBLedger(aws, ledger_table(options.stack), clock)
    return ledger if options.enforce else ReadOnlyLedger(ledger)
