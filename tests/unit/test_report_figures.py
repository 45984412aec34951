"""What changes prove of savings and costs; what they do not prove is unknown, not zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steward.controls.function_versions.state import Function, Version
from steward.controls.log_retention.state import LogGroup
from steward.controls.stream_capacity.state import Stream
from steward.ledger import Change, Status, Sweep, change_from_record, shallow, to_record
from steward.model import Call
from steward.reports.dataset import Figure
from steward.reports.figures import STORAGE, figures_of
from tests.reporting import at, change, sweep

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def kept(state: Any) -> dict[str, Any]:
    """A control's state as a change's record gives it back."""
    record = to_record(change("/a", 1, before=shallow(state)))
    return dict(change_from_record(record).before)


def figures(*changes: Change) -> dict[str, Figure]:
    return {one.name: one for one in figures_of(changes, at(30))}


def alarm(name: str, metrics: int = 1) -> Call:
    queries = [{"Id": f"m{number}", "MetricStat": {}} for number in range(metrics)]
    return Call("cloudwatch", "PutMetricAlarm", {"AlarmName": name, "Metrics": queries})


def made(name: str, metrics: int = 1) -> Call:
    call, undo = alarm(name, metrics), Call("cloudwatch", "DeleteAlarms", {"AlarmNames": [name]})
    return Call(call.service, call.operation, call.params, undo)


def deleted(name: str, metrics: int = 1) -> Call:
    return Call("cloudwatch", "DeleteAlarms", {"AlarmNames": [name]}, alarm(name, metrics))


def with_calls(*calls: Call, **fields: Any) -> Change:
    return change("/a", 1, calls=calls, sent=len(calls), **fields)


def test_stored_bytes_are_those_that_groups_told() -> None:
    """Nobody recorded how much has expired since: the saving is unknown, at most its price; and it
    has no bound where a group did not tell."""
    silent = change("/c", 3, before=kept(LogGroup("/c", None)))
    changes = [
        change("/a", 1, before=kept(LogGroup("/a", None, stored_bytes=10**9))),
        change("/b", 2, before=kept(LogGroup("/b", 60, stored_bytes=10**9))),
        change("/longer", 3, before=kept(LogGroup("/longer", 7, stored_bytes=10**9))),
    ]
    told = figures(*changes)
    stored, saved = told["Log data under a new retention"], told["Log storage saved"]
    assert (stored.amount, stored.unit) == (2 * 10**9, "bytes")
    assert "2 log groups when retentions were set, of which 2 told a size" in stored.basis
    assert "1 left out, of longer retention than before" in stored.basis
    assert (saved.amount, saved.at_most, saved.kind) == (None, 0.06, "saving")
    assert "2.0 GB x 0.03 USD = 0.06 USD" in saved.basis
    told = figures(*changes, silent)
    stored, saved = told["Log data under a new retention"], told["Log storage saved"]
    assert "3 log groups when retentions were set, of which 2 told a size" in stored.basis
    assert (stored.amount, saved.at_most, "at most" in saved.basis) == (2 * 10**9, None, False)


def test_bytes_that_nobody_told_are_unknown() -> None:
    """They are not none."""
    [stored] = [figures(change("/a", 1, before={}))["Log data under a new retention"]]
    assert stored.amount is None
    assert figures(change("/a", 1, before={}))["Log storage saved"].at_most is None


@pytest.mark.parametrize(
    "fields",
    [{"status": Status.UNDONE}, {"status": Status.FAILED}, {"undoes": "x"}, {"sent": 0}],
    ids=lambda fields: next(iter(fields)),
)
def test_only_what_was_done_and_stands_counts(fields: dict[str, Any]) -> None:
    """Neither what was taken back nor what was never sent."""
    assert figures(change("/a", 1, **fields))["Log data under a new retention"].amount == 0


def test_deleted_versions_count_with_their_code() -> None:
    """VER-37: by the sizes that were read before; those that stay do not count."""
    versions = [Version(n, size=1000 * n) for n in (1, 2, 3)]
    gone = [Call("lambda", "DeleteFunction", {"FunctionName": "f", "Qualifier": n}) for n in "12"]
    told = figures(with_calls(*gone, before=kept(Function("f", 3, (*versions,)))))
    assert told["Function versions deleted"].amount == 2
    assert told["Code of deleted versions"].amount == 3000
    unknown = figures(with_calls(*gone, before=kept(Function("f", 3, (*versions[1:],)))))
    assert unknown["Code of deleted versions"].amount is None


ALARMS = [
    pytest.param([made("a"), made("b", 3)], 0.4, id="each metric that they read"),
    pytest.param([made("a"), deleted("b"), deleted("c")], -0.1, id="less than those deleted"),
    pytest.param([Call("cloudwatch", "PutMetricAlarm", alarm("a").params, alarm("a"))], 0.0,
                 id="one that was there is not made"),
    pytest.param([made("a"), made("b", 0)], None, id="over all stages"),
    pytest.param([], 0.0, id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("calls", "amount"), ALARMS)
def test_alarms_cost_what_they_read(calls: list[Call], amount: float | None) -> None:
    """A month, by the published price."""
    assert figures(with_calls(*calls))["Alarms made"].amount == amount


def test_shards_cost_what_was_added() -> None:
    """Or save what was taken away."""
    more = Call("kinesis", "UpdateShardCount", {"StreamName": "s", "TargetShardCount": 4})
    fewer = Call("kinesis", "UpdateShardCount", {"StreamName": "s", "TargetShardCount": 1})
    told = figures(
        with_calls(more, before=kept(Stream("s", shards=2))),
        with_calls(fewer, before=kept(Stream("s", shards=4))),
    )
    assert told["Shards added"].amount == -10.95


def test_what_the_ledger_does_not_count_is_unknown() -> None:
    """The basis says where it is to be found; every basis says since when, and every price when."""
    told = figures(change("/a", 1))
    assert told["AWS Config evaluations"].amount is None
    storage, _ = told.pop(STORAGE), told.pop("Running Steward")  # of no change
    assert (storage.amount, "November 2026" in storage.basis) == (None, True)
    assert all("changes since 2026-10-21" in one.basis for one in told.values())
    priced = [one for one in told.values() if one.unit.startswith("USD")]
    assert all("November 2026" in one.basis for one in priced)


def stored(days: float, size: int | None, **fields: Any) -> Sweep:
    """A sweep of so many days ago, when log groups stored so much."""
    return sweep(days, gauges={"LogStoredBytes": size}, **fields)


TB = 10**12

STORED = [
    pytest.param([stored(0.4, TB)], 30.0, "1000.0 GB in all log groups by the sweep of 2026-11-20 "
                 "x 0.03 USD; 0.03 USD a GB", id="one sweep"),
    pytest.param([stored(1, TB), stored(9, 3 * TB), stored(5, 9 * TB)], 30.0,
                 "; -60.00 USD since that of 2026-11-11, ", id="first and last, it fell"),
    pytest.param([stored(1, 0), stored(2, 0)], 0.0, "; +0.00 USD since", id="nothing stored"),
    pytest.param([stored(1, None), stored(2, TB), sweep(3)], 30.0, "by the sweep of 2026-11-18 x",
                 id="some told nothing"),
    pytest.param([stored(1, 2 * TB, complete=False), stored(2, TB)], 30.0, "of 2026-11-18 x",
                 id="a part of it"),
    pytest.param([stored(1, None)], None, "no complete sweep of log-retention has told", id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("sweeps", "amount", "basis"), STORED)
def test_what_log_storage_costs_is_what_sweeps_told(
    sweeps: list[Sweep], amount: float | None, basis: str
) -> None:
    """And how it changed, whoever brought that about: no saving of ours is made of it."""
    *_, told = figures_of([], at(30), sweeps)
    assert (told.name, told.amount, told.kind, told.at_most) == (STORAGE, amount, "", None)
    assert basis in told.basis


def test_what_running_steward_costs_is_not_known_and_where_to_read_it_is_told() -> None:
    """No change brings it about, so that a sum of costs must not be taken for all of them."""
    told = figures(change("/a", 1))["Running Steward"]
    assert (told.amount, told.kind) == (None, "cost")
    assert "Cost of docs/operations.md" in told.basis
    assert "## Cost\n" in OPERATIONS.read_text("utf-8")


def test_of_one_a_basis_speaks_in_the_singular() -> None:
    """A group, an alarm, a change of shards."""
    stream = Stream("s", shards=1)
    more = Call("kinesis", "UpdateShardCount", {"StreamName": "s", "TargetShardCount": 2})
    changes = [change("/a", 1), with_calls(made("a")), with_calls(more, before=kept(stream))]
    told = " ".join(one.basis for one in figures_of(changes, at(30)))
    assert "stored in 1 log group when" in told
    assert "1 alarm made, 0 deleted" in told
    assert "1 change of shards, +1 in all" in told
