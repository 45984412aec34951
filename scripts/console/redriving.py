"""steward redrive: what came to nothing, why it did, and back to work with it.

Events lie in the stack's dead-letter queues, log events in the bucket of its log shipper.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from console import letters, parked
from console.codes import ExitCode
from console.lines import emit
from console.options import Options
from console.place import Place
from console.session import api
from console.views import console, table
from steward.account import SystemClock
from steward.errors import BadPolicy
from steward.shipping.redriving import PREFIXES


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``steward redrive`` is asked for besides the common options."""

    queue: str | None = None
    prefix: str | None = None
    save: Path | None = None
    discard: tuple[str, ...] = field(default=())


def redrive(options: Options, asked: Asked) -> ExitCode:
    """Show or redrive one queue, the objects under one prefix, or all that there is."""
    if options.stack is None:
        raise BadPolicy("redrive: needs --stack, in whose queues and bucket it lies")
    _refuse(asked)
    # Looking into a queue hides what is there for a moment, which is no read to AWS; neither is
    # asking a function for its plan. Without --enforce nothing is changed.
    clock = SystemClock()
    aws = api(options, clock, read_only=False)
    click.get_current_context().call_on_close(aws.close)
    place = Place(aws, clock, options.stack)
    mail, objects = letters.Total(), parked.Total()
    if asked.prefix is None:
        chosen = letters.chosen(place, asked.queue)
        mail = letters.redrive(place, options, chosen, asked.save, asked.discard)
    if asked.prefix is not None or _ships(place, options, asked):
        objects = parked.ship(aws, options, asked.prefix)
    return _conclude(options, mail, objects)


def _refuse(asked: Asked) -> None:
    if asked.prefix is not None and not asked.prefix.startswith(PREFIXES):
        raise BadPolicy(f"--prefix: is {asked.prefix!r}, allowed: {' or '.join(PREFIXES)}...")
    alone = asked.queue or asked.save or asked.discard
    if asked.prefix is not None and alone:
        raise BadPolicy("--prefix: is of objects, allowed: without --queue, --save and --discard")


def _ships(place: Place, options: Options, asked: Asked) -> bool:
    wanted = asked.queue is None and not asked.discard
    return wanted and place.parts.function(parked.name(options))


def _conclude(options: Options, mail: letters.Total, objects: parked.Total) -> ExitCode:
    for told in mail.errors:  # what the shipper has set aside told its own
        print(f"steward: {told}", file=sys.stderr)
    error = "; ".join(filter(None, (*mail.errors, objects.error)))
    counts = {**objects.counts, "messages": mail.counts}
    if options.json:
        emit([{"summary": {"complete": not error, **counts, "error": error or None}}])
    else:
        _show(options, mail, objects, complete=not error)
    if error:
        return ExitCode.INCOMPLETE
    return ExitCode.VIOLATIONS if objects.objects or mail.stays else ExitCode.CLEAN


def _show(options: Options, mail: letters.Total, objects: parked.Total, *, complete: bool) -> None:
    if not (mail.lines or mail.more or mail.unseen or objects.looked) and complete:
        console().print("Nothing is there.")
        return
    letters.show(mail)
    parked.show(objects)
    table("Summary", ("", ""), _rows(mail.counts, objects.counts, complete=complete))
    if not options.enforce:
        console().print("Nothing was changed. --enforce sends back and ships what is planned.")


def _rows(
    messages: Mapping[str, Any], objects: Mapping[str, Any], *, complete: bool
) -> list[tuple[str, str]]:
    counted = [(f"messages {name}", count) for name, count in messages.items()]
    counted += [(f"objects {name}", count) for name, count in objects.items()]
    shown = [(name, str(count)) for name, count in counted if count]
    return [*shown, ("complete", "yes" if complete else "NO")]
