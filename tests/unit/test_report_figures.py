"""What changes prove of savings and costs; what they do not prove is unknown, not zero."""

from __future__ import annotations

from typing import Any

import pytest

from steward.controls.function_versions.state import Function, Version
from steward.controls.log_retention.state import LogGroup
from steward.controls.stream_capacity.state import Stream
from steward.ledger import Change, Status, change_from_record, shallow, to_record
from steward.model import Call
from steward.reports.dataset import Figure
from steward.reports.figures import figures_of
from tests.reporting import at, change


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
    """Nobody recorded how much has expired since: the saving is unknown, at most its price."""
    told = figures(
        change("/a", 1, before=kept(LogGroup("/a", None, stored_bytes=10**9))),
        change("/b", 2, before=kept(LogGroup("/b", 60, stored_bytes=10**9))),
        change("/c", 3, before=kept(LogGroup("/c", None))),
        change("/longer", 3, before=kept(LogGroup("/longer", 7, stored_bytes=10**9))),
    )
    stored, saved = told["Log data under a new retention"], told["Log storage saved"]
    assert (stored.amount, stored.unit) == (2 * 10**9, "bytes")
    assert "3 log groups when their retention was set, 2 told their size" in stored.basis
    assert "1 whose retention was lengthened are left out" in stored.basis
    assert (saved.amount, saved.at_most, saved.sort) == (None, 0.06, "saving")
    assert "2.0 GB x 0.03 USD = 0.06 USD" in saved.basis


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
    assert all("changes since 2026-10-21" in one.basis for one in told.values())
    priced = [one for one in told.values() if one.unit.startswith("USD")]
    assert all("November 2026" in one.basis for one in priced)
