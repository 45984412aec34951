"""The audit log: a line of JSON for every change, every failure, what was held or not readable.

It repeats what the ledger and the functions' own logs have, in a log group that holds nothing else,
so that a query over months of it scans little. A line that cannot be written is told of, and stops
nothing: the ledger is the record.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from steward import redacting
from steward.aws.api import Api
from steward.aws.log_stream import LogStream
from steward.errors import StewardError
from steward.ledger import Change, Status, stamp, to_record
from steward.model import Call, Clock, Deadline, Fate
from steward.run import Outcome
from steward.telemetry import WHOLE, Telemetry

TOLD = (Fate.REMEDIATED, Fate.FAILED, Fate.HELD, Fate.UNKNOWN)
"""What is always told; of other fates only what belongs to a change."""

LONGEST = 20_000
"""Characters of a field: with four bytes for each, ``before``, ``calls`` and ``reason`` fit into
the 256 kB that CloudWatch Logs takes of an event."""

SECONDS = 5.0
"""How long it may take to write what a page or a batch came to."""

Line = Mapping[str, str]


class Audit:
    """Writes lines by ``put``, which raises StewardError where it cannot."""

    def __init__(
        self, put: Callable[[Sequence[str]], None], clock: Clock, telemetry: Telemetry
    ) -> None:
        self._put = put
        self._clock = clock
        self._telemetry = telemetry
        self._changes: dict[str, Change] = {}

    def remember(self, changes: Iterable[Change]) -> None:
        """Changes as the ledger has just written them; they are told with the next outcomes."""
        self._changes.update((one.id, redacting.change(one)) for one in changes)

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Tell of outcomes with their changes, and of changes whose run did not live to do so."""
        lines = [*self._lines(outcomes)]
        if not lines:
            return
        try:
            self._put([_text(line) for line in lines])
        except StewardError as error:
            self._telemetry.error("audit not written", lines=len(lines), error=str(error))
            self._telemetry.metric({"AuditFailures": 1}, WHOLE)

    def _lines(self, outcomes: Iterable[Outcome]) -> Iterator[Line]:
        changes, self._changes = self._changes, {}
        now = stamp(self._clock.now())
        for outcome in outcomes:
            change = changes.pop(outcome.change, None)
            if outcome.fate in TOLD or change is not None:
                yield _of_outcome(outcome, change, now)
        for change in changes.values():
            if change.status in (Status.DONE, Status.FAILED):
                yield _of_settled(change, now)


def audit_of(aws: Api, group: str, function_arn: str, clock: Clock, telemetry: Telemetry) -> Audit:
    """The audit log in a group, where there is one, by a stream of this process of a function.

    The time of a run is not for it to use up.
    """
    name = f"{function_arn.split(':')[6]}/{clock.now():%Y/%m/%d}/{secrets.token_hex(8)}"
    stream = LogStream(aws, clock, group, name)

    def put(lines: Sequence[str]) -> None:
        before = aws.deadline
        aws.deadline = Deadline(clock, min(before.left(), SECONDS))
        try:
            stream.put(lines)
        finally:
            aws.deadline = before

    return Audit(put if group else lambda _: None, clock, telemetry)


def _text(line: Line) -> str:
    """As JSON in UTF-8; half a pair of surrogates, which a tag may hold, is spelled out.

    It is cut last: of half a secret no rule knows that it is one.
    """
    safe = {name: _cut(redacting.text(value)) for name, value in line.items()}
    told = json.dumps(safe, ensure_ascii=False)
    return told.encode("utf-8", "backslashreplace").decode()


def _of_outcome(outcome: Outcome, change: Change | None, now: str) -> Line:
    return {
        "time": now,
        "control": outcome.control,
        "kind": outcome.finding.ref.kind,
        "resource": outcome.finding.ref.id,
        "fate": outcome.fate.value,
        "code": outcome.finding.code,
        "reason": outcome.reason,
        "trigger": outcome.trigger.value,
        **_of_change(change),
    }


def _of_settled(change: Change, now: str) -> Line:
    """Of a change that a later look has found done, or failed."""
    return {
        "time": change.settled_at or now,
        "control": change.control,
        "kind": change.ref.kind,
        "resource": change.ref.id,
        "fate": (Fate.REMEDIATED if change.status is Status.DONE else Fate.FAILED).value,
        "code": change.code,
        "reason": change.error or change.reason,
        "trigger": change.trigger.value,
        **_of_change(change),
    }


def _of_change(change: Change | None) -> Line:
    """Before and after as texts, so that each is one field of a query and not hundreds."""
    if change is None:
        return {}
    return {
        "change": change.id,
        "before": str(to_record(change)["before"]),
        "calls": json.dumps([*map(_call, change.calls)], ensure_ascii=False, default=str),
    }


def _call(call: Call) -> Mapping[str, Any]:
    """A call without its undo, which is in the ledger."""
    return {"service": call.service, "operation": call.operation, "params": call.params}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
