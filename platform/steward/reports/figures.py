"""What changes saved and cost, as far as they prove it: what they found, and what they sent.

Prices are those of us-east-1 in USD, read in November 2026, without the free tier. Other Regions
have others, which are not looked up: a report asks AWS for nothing but owners.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from steward.controls.api_alarms.costs import ALARM_METRIC, of_alarms
from steward.controls.log_retention.readers import STORED
from steward.ledger import Change, Status, Sweep
from steward.model import Call
from steward.reports.dataset import Figure
from steward.reports.wording import counted

PRICED = "us-east-1, November 2026"
STORED_GB = 0.03
"""A GB of log data for a month (CloudWatch pricing)."""
SHARD_MONTH = 0.015 * 730
"""An open shard of a provisioned stream (Kinesis Data Streams pricing)."""

MONTHLY = "USD a month"

STORAGE = "Log storage of the account"


def figures_of(
    changes: Iterable[Change], since: str, sweeps: Iterable[Sweep] = ()
) -> tuple[Figure, ...]:
    """The figures of the window's changes that were carried out and not undone, and what its
    sweeps tell of the account."""
    done = [one for one in changes if one.status is Status.DONE and not one.undoes]
    told = [*_logs(done), *_versions(done), _alarms(done), _shards(done), _EVALUATIONS]
    dated = (replace(one, basis=f"{one.basis}; {_from(since)}") for one in told)
    return (*dated, _RUNNING, _storage(sweeps))


def _from(since: str) -> str:
    return f"changes since {since[:10]}"


_EVALUATIONS = Figure(
    "AWS Config evaluations",
    None,
    MONTHLY,
    "the ledger does not count them; the metric ConfigEvaluations does, at 0.001 USD each "
    f"({PRICED})",
    "cost",
)


_RUNNING = Figure(
    "Running Steward",
    None,
    MONTHLY,
    "functions, ledger, metrics and alarms of its own, which no change of this report brought "
    "about: the table Cost of docs/operations.md has them",
    "cost",
)


def _sent(changes: Iterable[Change], *operations: str) -> Iterator[tuple[Change, Call]]:
    for change in changes:
        for call in change.calls[: change.sent]:
            if call.operation in operations:
                yield change, call


def _logs(changes: Sequence[Change]) -> Iterator[Figure]:
    """What groups held when they got a retention is known; what has expired since is not."""
    sent = list(_sent(changes, "PutRetentionPolicy"))
    held = [one.before.get("stored_bytes") for one, call in sent if not _lengthens(one, call)]
    told = [int(one) for one in held if one is not None]
    total = sum(told) if told or not held else None
    groups = counted(len(held), "log group")
    groups += f" when retentions were set, of which {len(told)} told a size"
    if longer := len(sent) - len(held):
        groups += f"; {longer} left out, of longer retention than before"
    kept = f"stored in {groups}; not what was deleted"
    yield Figure("Log data under a new retention", total, "bytes", kept)
    # A group that did not tell its size may have held anything.
    most = round(sum(told) / 1e9 * STORED_GB, 2) if len(told) == len(held) else None
    why = "what has expired since is not recorded"
    if most is not None:
        why += f"; at most all of it: {sum(told) / 1e9:.1f} GB x {STORED_GB} USD = {most:.2f} USD"
    price = f"{STORED_GB} USD a GB and month, {PRICED}"
    yield Figure("Log storage saved", None, MONTHLY, f"{why}; {price}", "saving", most)


def _lengthens(change: Change, call: Call) -> bool:
    """Whether a retention was made longer, which saves nothing."""
    before = change.before.get("days")
    return before is not None and int(before) < int(call.params["retentionInDays"])


def _storage(sweeps: Iterable[Sweep]) -> Figure:
    """What all log groups store costs, and how that has changed: a fact, whoever brought it about,
    and so neither a saving nor a cost of ours."""
    found = [(one.started, one.gauges.get(STORED)) for one in sweeps if one.complete]
    told = sorted((at[:10], size) for at, size in found if size is not None)
    price = f"{STORED_GB} USD a GB and month, {PRICED}"
    if not told:
        basis = f"no complete sweep of log-retention has told what is stored; {price}"
        return Figure(STORAGE, None, MONTHLY, basis)
    (first, before), (last, now) = told[0], told[-1]
    amount, difference = (round(size / 1e9 * STORED_GB, 2) for size in (now, now - before))
    basis = f"{now / 1e9:.1f} GB in all log groups by the sweep of {last} x {STORED_GB} USD"
    if first < last:
        basis += f"; {difference:+.2f} USD since that of {first}, what was written, what has "
        basis += "expired and what anybody deleted together"
    return Figure(STORAGE, amount, MONTHLY, f"{basis}; {price}")


def _versions(changes: Sequence[Change]) -> Iterator[Figure]:
    """Code of the versions that were deleted; it has no price, it has a limit."""
    gone = list(_sent(changes, "DeleteFunction"))
    sizes = [_size(change.before, call.params.get("Qualifier")) for change, call in gone]
    basis = "sizes that Lambda told before they were deleted; free, against the account's limit"
    yield Figure("Function versions deleted", len(gone), "versions", "calls that AWS took")
    total = None if None in sizes else sum(size or 0 for size in sizes)
    yield Figure("Code of deleted versions", total, "bytes", basis)


def _size(before: Mapping[str, Any], qualifier: object) -> int | None:
    versions = before.get("versions", ())
    told = (one["size"] for one in versions if str(one["number"]) == qualifier)
    return next(told, None)


def _alarms(changes: Sequence[Change]) -> Figure:
    """What alarms were made costs, less what those cost that were deleted."""
    put, gone = (list(_sent(changes, name)) for name in ("PutMetricAlarm", "DeleteAlarms"))
    made = [call.params for _, call in put if _is_new(call)]
    lost = [call.undo.params for _, call in gone if call.undo is not None]
    unpriced = [one for one in (*made, *lost) if not of_alarms([one])]
    amount = round(of_alarms(made) - of_alarms(lost), 2)
    basis = (
        f"{counted(len(made), 'alarm')} made, {len(lost)} deleted, by the metrics they read: "
        f"{of_alarms(made):.2f} - {of_alarms(lost):.2f} = {amount:.2f} USD"
    )
    if unpriced:
        which = counted(len(unpriced), "alarm reads", "alarms read")
        basis += f"; {which} as many metrics as there are stages"
    basis += f"; {ALARM_METRIC:.2f} USD each metric, {PRICED}"
    return Figure("Alarms made", None if unpriced else amount, MONTHLY, basis, "cost")


def _is_new(call: Call) -> bool:
    """Whether the alarm was not there before, so that deleting it takes the call back."""
    return call.undo is not None and call.undo.operation == "DeleteAlarms"


def _shards(changes: Sequence[Change]) -> Figure:
    added = [
        int(call.params["TargetShardCount"]) - int(change.before["shards"])
        for change, call in _sent(changes, "UpdateShardCount")
    ]
    amount = round(sum(added) * SHARD_MONTH, 2)
    basis = (
        f"{counted(len(added), 'change')} of shards, {sum(added):+d} in all: "
        f"{sum(added)} x {SHARD_MONTH:.2f} = {amount:.2f} USD"
    )
    price = f"{SHARD_MONTH:.2f} USD a shard and month, {PRICED}"
    return Figure("Shards added", amount, MONTHLY, f"{basis}; {price}", "cost")
