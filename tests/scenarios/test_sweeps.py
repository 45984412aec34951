"""Sweeps on the embedded account: the state machine of the template, with its real functions."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from embedded.hosting import FunctionError
from embedded.seeding import FunctionSeed, Seed, seed_functions, seed_log_groups
from tests.scenarios.embedding import (
    LOGS,
    START,
    create,
    installed,
    logged,
    metrics,
    put_parameter,
    put_policy,
    retention,
    send,
    sweeps,
    writes,
)
from tests.scenarios.narrowed import only

DEPLOYED = (LOGS, "function-runtime")


def seed(here: EmbeddedAccount, *names: str, **fields: Any) -> None:
    """Groups that nobody's event tells of."""
    seed_log_groups((Seed(name=name, **fields) for name in names), region=here.region)


def steps(here: EmbeddedAccount, control: str = LOGS) -> list[Any]:
    """The answers to steps of a control's sweeps, oldest first; None for those that erred."""
    asked = [one for one in here.host.invocations if one.event.get("sweep")]
    return [one.answer for one in asked if one.event["sweep"]["control"] == control]


def test_the_first_sweep_after_installation_only_plans() -> None:
    """What is found is recorded as planned; the next sweep does it."""
    with EmbeddedAccount(start=START, template=only(*DEPLOYED)) as here:
        seed(here, "/a")
        here.settle()
        assert (sweeps(here), retention(here)) == (["SUCCEEDED"], {"/a": None})
        assert {one["resource"] for one in logged(here, "planned")} == {"/a"}
        here.advance(hours=12)
        assert (sweeps(here), retention(here)) == (["SUCCEEDED"] * 2, {"/a": 30})


def test_sweeps_run_on_schedule_and_a_converged_one_writes_nothing(here: EmbeddedAccount) -> None:
    """RET-2: all pages are read; at 16:17 and 04:17; the second finds everything in order."""
    seed(here, *(f"/g/{number:03}" for number in range(120)))
    here.advance(hours=7)
    assert set(retention(here).values()) == {30}
    done = writes(here)
    here.settle()
    before = here.server.calls["dynamodb.BatchWriteItem"]
    here.advance(hours=12)
    began = [one.began.strftime("%H:%M") for one in here.journal.executions]
    assert (began, sweeps(here)) == (["16:17", "04:17"], ["SUCCEEDED"] * 2)
    assert (writes(here), here.server.calls["dynamodb.BatchWriteItem"]) == (done, before)


def test_a_long_sweep_goes_on_over_several_steps(here: EmbeddedAccount) -> None:
    """Paced to a share of the quota, 200 changes take more than a step; none is done twice."""
    seed(here, *(f"/g/{number:03}" for number in range(200)))
    here.sweep()
    answers = steps(here)
    assert sweeps(here) == ["SUCCEEDED"]
    assert len(answers) > 3
    assert len({one["sweep"] for one in answers}) == 1
    assert [one["cursor"] is None for one in answers] == [False] * (len(answers) - 1) + [True]
    own = len([*here.deployment.of_type("AWS::Logs::LogGroup")])
    assert (answers[-1]["resources"], answers[-1]["complete"]) == (200 + own, True)
    assert set(retention(here).values()) == {30}
    assert writes(here)["PutRetentionPolicy"] == 200


def test_a_step_that_dies_is_taken_up_where_it_was(here: EmbeddedAccount) -> None:
    """RET-18: a function that is killed in the middle costs no resource, and no second write."""
    seed(here, *(f"/g/{number:03}" for number in range(120)))
    killed = Counter[str]()

    def kill_second_step(_: str, event: Any) -> None:
        killed["seen"] += event.get("sweep", {}).get("control") == LOGS
        if killed["seen"] == 2 and not killed["done"]:
            killed["done"] += 1
            raise MemoryError("killed")

    here.host.before = kill_second_step
    here.sweep()
    assert (killed["done"], sweeps(here)) == (1, ["SUCCEEDED"])
    assert (set(retention(here).values()), writes(here)["PutRetentionPolicy"]) == ({30}, 120)


def test_one_incomplete_control_fails_the_execution_and_not_the_other_control(
    here: EmbeddedAccount,
) -> None:
    """An incomplete sweep never looks complete; what can be looked at is."""
    seed_functions([FunctionSeed(name="old", runtime="python3.8")], region=here.region)
    here.server.faults = [
        Fault(operation="logs.DescribeLogGroups", code="AccessDeniedException", times=None)
    ]
    execution = here.sweep()
    assert (execution.status, execution.error) == ("FAILED", "Incomplete")
    assert '"log-retention","ended":"incomplete"' in str(execution.cause)
    assert '"function-runtime","ended":"complete"' in str(execution.cause)
    assert sum(metrics(here, "IncompleteSweeps")) == 1
    assert [one["resource"] for one in logged(here, "reported")] == ["old"]
    here.server.faults = []
    assert here.sweep().status == "SUCCEEDED"


def test_one_unreadable_resource_makes_the_sweep_incomplete_and_the_rest_is_done(
    here: EmbeddedAccount,
) -> None:
    """RET-18: a failed change leaves the others alone, and the execution FAILED."""
    seed(here, "/a", "/b", "/c")
    here.server.faults = [
        Fault(
            operation="logs.PutRetentionPolicy",
            code="InvalidParameterException",
            when=lambda params: params["logGroupName"] == "/b",
            times=None,
        )
    ]
    assert here.sweep().status == "FAILED"
    assert retention(here) == {"/a": 30, "/b": None, "/c": 30}


def test_two_executions_never_run_a_control_at_once(here: EmbeddedAccount) -> None:
    """The second waits for the first one's lease; both end well, and nothing is written twice."""
    seed(here, *(f"/g/{number:03}" for number in range(150)))
    threads = [threading.Thread(target=here.sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sweeps(here) == ["SUCCEEDED", "SUCCEEDED"]
    done = [one for one in steps(here) if not one["busy"]]
    order = [one["sweep"] for one in done]
    assert [one["cursor"] for one in done].count(None) == 2
    assert order == sorted(order)  # the second began when the first had ended
    assert len(steps(here)) > len(done)
    assert not [one.error for one in here.host.invocations if one.error]
    assert writes(here)["PutRetentionPolicy"] == 150


def test_a_sweep_that_others_hold_is_refused(here: EmbeddedAccount) -> None:
    """The lease in the ledger is what keeps a control from being swept twice at once."""
    seed(here, *(f"/g/{number:03}" for number in range(120)))
    first = here.invoke(LOGS, {"sweep": {"control": LOGS, "cursor": ""}})
    assert first["cursor"]
    second = here.invoke(LOGS, {"sweep": {"control": LOGS, "cursor": ""}})
    assert (second["busy"], second["cursor"], second["complete"]) == (True, "", False)


@pytest.mark.parametrize("text", ['{"mode": "off"}', "no json"], ids=["off", "bad"])
def test_a_sweep_that_its_policy_ends_leaves_no_lease_behind(
    here: EmbeddedAccount, text: str
) -> None:
    """The mended policy's sweep begins at once."""
    seed(here, *(f"/g/{number:03}" for number in range(120)))
    first = here.invoke(LOGS, {"sweep": {"control": LOGS, "cursor": ""}})
    put_parameter(here, "policy/log-retention", text)
    here.host.restart()
    with suppress(FunctionError):
        here.invoke(LOGS, {"sweep": {"control": LOGS, "cursor": first["cursor"]}})
    put_policy(here)
    here.host.restart()
    assert not here.invoke(LOGS, {"sweep": {"control": LOGS, "cursor": ""}})["busy"]


def test_a_changed_policy_starts_a_sweep_under_it(here: EmbeddedAccount) -> None:
    """At once, although the functions keep policies for a minute."""
    seed(here, "/a")
    here.sweep()
    put_policy(here, days=30, min_days=90)
    here.settle()
    assert (sweeps(here)[-1], retention(here)) == ("FAILED", {"/a": 30})  # days below min_days
    put_policy(here, days=90, min_days=90)
    here.settle()
    assert (sweeps(here)[-1], retention(here)) == ("SUCCEEDED", {"/a": 90})


def test_a_policy_must_not_exceed_the_ceiling() -> None:
    """RET-25: the template decides what a policy may; more is a bad policy, and nothing is done."""
    with installed(
        controls=DEPLOYED, LogRetentionMode="audit", LogRetentionCeiling="audit"
    ) as here:
        seed(here, "/a")
        put_policy(here, mode="enforce")
        here.settle()
        assert (sweeps(here), retention(here)) == (["FAILED"], {"/a": None})
        assert "the template allows" in logged(here, "control stopped")[0]["error"]


def test_a_control_that_is_off_is_swept_by_doing_nothing(here: EmbeddedAccount) -> None:
    """Off is no error, and the heartbeat goes on."""
    put_policy(here, mode="off")
    seed(here, "/a")
    here.settle()
    create(here, "/b")
    here.settle()
    assert (sweeps(here), retention(here)) == (["SUCCEEDED"], {"/a": None, "/b": None})
    assert [one["mode"] for one in steps(here)] == ["off"]
    assert sum(metrics(here, "Sweeps")) == len(DEPLOYED)


def test_the_budget_holds_what_is_above_it_and_says_so(here: EmbeddedAccount) -> None:
    """The hour's budget goes over events and sweeps together; the next hour goes on."""
    put_policy(here, max_changes_per_hour=2)
    here.settle()
    seed(here, "/a", "/b", "/c")
    here.sweep()
    assert list(retention(here).values()).count(30) == 2
    assert sum(metrics(here, "BudgetSpent")) == 1
    here.advance(hours=1)
    here.sweep()
    assert set(retention(here).values()) == {30}


def test_what_a_sweep_planned_an_event_does(here: EmbeddedAccount) -> None:
    """Two automations meet: the same ledger, the same judgement, whoever comes first."""
    seed(here, "/a")
    create(here, "/b")
    here.sweep()  # before the inbox's delay is over
    here.settle()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == ({"/a": 30, "/b": 30}, 2)


def test_a_change_is_taken_back_by_its_function(here: EmbeddedAccount) -> None:
    """Undo restores what was before and exempts the group, so that the next sweep lets it be."""
    create(here, "/a")
    here.settle()
    [change] = [one["change"] for one in logged(here, "remediated")]
    answer = here.invoke(LOGS, {"undo": {"change": change, "owner": "platform"}})
    here.settle()
    here.sweep()
    assert (answer["fate"], retention(here)) == ("remediated", {"/a": None})
    here.clock.advance(31 * 86_400)
    here.sweep()
    assert retention(here) == {"/a": 30}


def test_what_no_undo_brings_back_needs_the_templates_leave_too() -> None:
    """A policy alone cannot shorten: the stack's AllowIrreversible must say so as well."""
    wish: dict[str, Any] = {"max_days": 400, "shorten": True}
    for allowed, days in (("false", 3653), ("true", 400)):
        with installed(controls=DEPLOYED, AllowIrreversible=allowed) as here:
            seed(here, "/a", days=3653, age_days=5000, stored_bytes=9)
            put_policy(here, **wish)
            here.settle()
            assert (sweeps(here), retention(here)) == (["SUCCEEDED"], {"/a": days})
            held = [one["reason"] for one in logged(here, "held")]
            assert all("AllowIrreversible" in reason for reason in held)
            assert len(held) == (allowed == "false")


def test_tags_count_where_the_policy_says_so(here: EmbeddedAccount) -> None:
    """RET-17: a tag's days go before the policy's, in sweeps and after events."""
    put_policy(here, honor_tags=True)
    create(here, "/a", tags={"steward:log-retention/days": "7"})
    seed(here, "/b", tags={"steward:log-retention/days": "60"})
    here.settle()
    here.sweep()
    assert retention(here) == {"/a": 7, "/b": 60}


def test_vanished_functions_are_forgotten_and_their_successors_reported(
    here: EmbeddedAccount,
) -> None:
    """The assessor asks by name for what its pages no longer hold."""
    names = ("old", "older")
    seeds = [FunctionSeed(name=name, runtime="python3.8") for name in names]
    seed_functions(seeds, region=here.region)
    here.sweep()
    here.client("lambda").delete_function(FunctionName="older")
    here.sweep()
    last = steps(here, "function-runtime")[-1]
    fates = {"gone": 1, "none": len(here.host.functions), "reported": 1}
    assert (last["fates"], last["complete"]) == (fates, True)
    assert here.server.calls["lambda.GetFunctionConfiguration"] == 1


def test_a_loop_through_the_dead_letter_queue_is_none(here: EmbeddedAccount) -> None:
    """What lies there stays there; nothing reads it but people."""
    send(here, "not json")
    here.settle()
    here.sweep()
    here.advance(days=1)
    assert len(here.queue("log-retention-dead-letters").messages()) == 1
    assert not here.queue("log-retention").messages()


def test_the_stop_switch_does_not_stop_looking(here: EmbeddedAccount) -> None:
    """Sweeps go on and tell what they would do; writes are held."""
    put_parameter(here, "stop", "true")
    seed(here, "/a")
    here.settle()
    assert (sweeps(here), retention(here)) == (["SUCCEEDED"], {"/a": None})
    assert [one["resource"] for one in logged(here, "held")] == ["/a"]
