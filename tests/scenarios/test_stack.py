"""The operator's console beside a deployed stack: the same policies, ledger and functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from embedded.account import EmbeddedAccount
from tests.scenarios.embedding import Console, create, put_policy, retention, writes

DEPLOYED = ("log-retention",)


def test_changes_of_the_functions_are_listed_and_undone_by_the_function(
    here: EmbeddedAccount, console: Console
) -> None:
    """The operator needs no right to write: the role of the function has it."""
    create(here, "/a")
    here.settle()
    [change] = console("changes")[1]
    assert (change["resource"]["id"], change["status"]) == ("/a", "DONE")
    days = ("--owner", "platform", "--for", "7")
    code, [told], _ = console("undo", change["change"], "--enforce", *days)
    assert (code, told["fate"], retention(here)) == (0, "remediated", {"/a": None})
    by = {who for who, _, operation in here.watch.seen if operation == "DeleteRetentionPolicy"}
    assert [one.startswith("steward-LogRetentionRole-") for one in by] == [True]
    here.sweep()
    here.settle()
    assert retention(here) == {"/a": None}
    [exempt] = console("exempt", "--list")[1]
    assert (exempt["owner"], exempt["expires"]) == ("platform", "2026-11-27")
    listed = {one["change"]: one["status"] for one in console("changes")[1]}
    assert listed[change["change"]] == "UNDONE"


def test_undo_without_enforce_shows_the_calls_and_asks_no_function(
    here: EmbeddedAccount, console: Console
) -> None:
    """A plan is only shown."""
    create(here, "/a")
    here.settle()
    [change] = console("changes")[1]
    invoked = len(here.host.invocations)
    code, [told, *_], _ = console("undo", change["change"])
    assert (told["fate"], retention(here)) == ("planned", {"/a": 30})
    assert (code, len(here.host.invocations)) == (0, invoked)


def test_the_functions_refusal_is_told(here: EmbeddedAccount, console: Console) -> None:
    """What was changed since is not taken back, and the console says why."""
    create(here, "/a")
    here.settle()
    [change] = console("changes")[1]
    here.client("logs").put_retention_policy(logGroupName="/a", retentionInDays=60)
    code, _, err = console("undo", change["change"], "--enforce")
    assert (code, retention(here)) == (2, {"/a": 60})
    assert "was changed since" in err or "no longer" in err, err


def test_an_exemption_from_the_console_counts_in_the_functions(
    here: EmbeddedAccount, console: Console
) -> None:
    """Two ways to one ledger: what an operator exempts, no event and no sweep changes."""
    told = (
        "--until",
        str(datetime.now(UTC).date() + timedelta(days=300)),
        "--reason",
        "legal hold",
        "--owner",
        "legal",
    )
    assert console("exempt", "/legal/*", "log-retention", *told)[0] == 0
    create(here, "/legal/mail", "/b")
    here.settle()
    here.sweep()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == (
        {"/b": 30, "/legal/mail": None},
        1,
    )


def test_a_plan_from_the_console_goes_by_the_stacks_policy(
    here: EmbeddedAccount, console: Console
) -> None:
    """And it writes nothing, neither to the account nor to the stack's ledger."""
    put_policy(here, days=60, mode="audit")
    here.settle()
    create(here, "/a")
    here.watch.calls.clear()
    before = here.server.calls["dynamodb.BatchWriteItem"]
    code, lines, _ = console("sweep", "log-retention")
    planned = [one for one in lines if one.get("fate") == "planned"]
    assert (code, [one["calls"][0]["params"]["retentionInDays"] for one in planned]) == (1, [60])
    assert here.server.calls["dynamodb.BatchWriteItem"] == before
