"""Events on the embedded account: from the call to the retention, by the template's own rules."""

from __future__ import annotations

import json
from typing import Any

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from tests.scenarios.embedding import (
    LOGS,
    batches,
    create,
    envelope,
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

DEPLOYED = (LOGS,)


def test_a_new_group_gets_its_retention_and_its_neighbours_nothing(here: EmbeddedAccount) -> None:
    """RET-1, RET-14: only the group that the event names is touched, whatever others begin like."""
    create(here, "/aws/lambda/orders-prod", "/aws/lambda/orders-audit")
    here.watch.calls.clear()  # these two were created before anybody looked
    create(here, "/aws/lambda/orders")
    here.settle()
    assert retention(here) == {
        "/aws/lambda/orders": 30,
        "/aws/lambda/orders-audit": None,
        "/aws/lambda/orders-prod": None,
    }


def test_our_own_change_comes_back_as_an_event_and_changes_nothing(here: EmbeddedAccount) -> None:
    """The loop dies out: the second look finds COMPLIANT, and there is no third."""
    create(here, "/a")
    here.settle()
    ours = [one for one in here.journal.events if "LogRetentionEvents" in one.rules]
    told = [one.event["detail"]["eventName"] for one in ours]
    by = ours[1].event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"]
    assert told == ["CreateLogGroup", "PutRetentionPolicy"]
    assert by.startswith("steward-LogRetentionRole-")
    assert (batches(here), writes(here)["PutRetentionPolicy"]) == ([1, 1], 1)


def test_infrastructure_code_sets_its_own_retention_first(here: EmbeddedAccount) -> None:
    """RET-7: the event waits half a minute; what was set meanwhile stays, nothing is written."""
    create(here, "/a")
    here.advance(seconds=10)
    here.client("logs", "terraform").put_retention_policy(logGroupName="/a", retentionInDays=90)
    here.settle()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == ({"/a": 90}, 1)


def test_a_retention_that_is_taken_away_comes_back(here: EmbeddedAccount) -> None:
    """DeleteRetentionPolicy is an event, too."""
    create(here, "/a")
    here.settle()
    here.client("logs").delete_retention_policy(logGroupName="/a")
    here.settle()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == ({"/a": 30}, 2)


def test_a_retention_outside_the_bounds_is_put_right_at_once(here: EmbeddedAccount) -> None:
    """PutRetentionPolicy by a person is judged like any other state."""
    put_policy(here, min_days=14)
    create(here, "/a")
    here.settle()
    here.client("logs").put_retention_policy(logGroupName="/a", retentionInDays=1)
    here.settle()
    assert retention(here) == {"/a": 30}


def test_a_burst_is_a_handful_of_batches(here: EmbeddedAccount) -> None:
    """300 groups at once: each gets its retention, with at most 20 reads for all of them."""
    create(here, *(f"/burst/{number:03}" for number in range(300)))
    here.settle()
    mine = [one for one in here.host.invocations if one.function.endswith(LOGS)]
    created = [one for one in mine if "CreateLogGroup" in json.dumps(one.event)]
    assert set(retention(here).values()) == {30}
    assert len(created) == 6
    assert here.server.calls["logs.DescribeLogGroups"] - 6 <= 20  # six pages were ours, to look
    assert sum(batches(here)) == 600  # and our own changes, which came back


def test_a_group_that_is_gone_when_the_event_arrives_is_no_error(here: EmbeddedAccount) -> None:
    """RET-14, RET-29: deleted right after its creation."""
    create(here, "/a")
    here.client("logs").delete_log_group(logGroupName="/a")
    here.settle()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == ({}, 0)
    assert not here.queue("log-retention-dead-letters").messages()


def test_duplicated_and_late_events_are_looked_at_and_change_nothing_twice(
    here: EmbeddedAccount,
) -> None:
    """Delivered five times, two of them hours late with an addendum: one write."""
    create(here, "/a")
    late: dict[str, Any] = {"addendum": {"reason": "DELIVERY_DELAY", "originalEventID": "1"}}
    for detail in ({}, {}, late, late):
        here.put_event(envelope(here, **detail))
    here.settle()
    here.advance(hours=3)
    here.put_event(envelope(here, **late))
    here.settle()
    assert (retention(here), writes(here)["PutRetentionPolicy"]) == ({"/a": 30}, 1)


POISON = ("not json", "{", '{"detail": ', "[" * 50_000)


def test_a_poison_message_ends_in_the_dead_letter_queue_and_its_neighbours_are_done(
    here: EmbeddedAccount,
) -> None:
    """Ten attempts, then it lies where somebody sees it; its batch was done at once."""
    create(here, "/a", "/b")
    send(here, *POISON)
    began = here.clock.now()
    here.advance(minutes=2)
    assert retention(here) == {"/a": 30, "/b": 30}
    here.settle()
    dead = here.queue("log-retention-dead-letters").messages()
    hours = (here.clock.now() - began).total_seconds() / 3600
    assert sorted(one.body for one in dead) == sorted(POISON)
    assert (len(batches(here)), 1 < hours < 3) == (10, True)
    assert writes(here)["PutRetentionPolicy"] == 2


def test_a_throttled_change_is_tried_again_and_done(here: EmbeddedAccount) -> None:
    """RET-5, RET-28: too many requests, and a conflict, are no failures."""
    here.server.faults = [
        Fault(operation="logs.PutRetentionPolicy", code="ThrottlingException", times=3),
        Fault(operation="logs.PutRetentionPolicy", code="OperationAbortedException", times=2),
    ]
    create(here, "/a")
    here.settle()
    assert retention(here) == {"/a": 30}


def test_a_refused_change_is_told_and_the_others_are_done(here: EmbeddedAccount) -> None:
    """RET-6, RET-18: one broken resource never stops the rest."""
    here.server.faults = [
        Fault(
            operation="logs.PutRetentionPolicy",
            code="InvalidParameterException",
            when=has(logGroupName="/b"),
            times=None,
        )
    ]
    create(here, "/a", "/b", "/c")
    here.settle()
    assert retention(here) == {"/a": 30, "/b": None, "/c": 30}
    assert [one["resource"] for one in logged(here, "failed")] == ["/b"]


def test_what_an_event_could_not_have_read_is_told_and_alarmed(here: EmbeddedAccount) -> None:
    """The message is done, because trying again would not help; a sweep makes up for it."""
    denied = Fault(operation="logs.DescribeLogGroups", code="AccessDeniedException", times=1)
    here.server.faults = [denied]
    create(here, "/a")
    here.settle()
    assert [one["resource"] for one in logged(here, "unknown")] == ["/a"]
    assert "failed-outcomes" in here.alarms()
    here.sweep()
    assert retention(here) == {"/a": 30}


def test_messages_that_keep_coming_back_are_alarmed_long_before_they_are_dead(
    here: EmbeddedAccount,
) -> None:
    """Throttled for an hour: nothing is refused, and yet somebody should look."""
    busy = Fault(operation="logs.PutRetentionPolicy", code="ThrottlingException", times=None)
    here.server.faults = [busy]
    create(here, "/a")
    here.advance(minutes=40)
    assert "given-back" in here.alarms()
    assert not here.queue("log-retention-dead-letters").messages()
    here.server.faults = []
    here.settle()
    assert retention(here) == {"/a": 30}


def test_a_bad_policy_stops_the_control_and_a_sweep_makes_up_once_it_is_mended(
    here: EmbeddedAccount,
) -> None:
    """RET-25: nothing is called, the alarm's metric is emitted, events wait, nothing is lost."""
    put_policy(here, days=8)
    here.settle()
    assert (sweeps(here), sum(metrics(here, "BadPolicies"))) == (["FAILED"], 1)
    create(here, "/a")
    here.advance(minutes=5)
    assert (retention(here), len(here.queue("log-retention").messages())) == ({"/a": None}, 1)
    assert sum(metrics(here, "BadPolicies")) > 1
    assert "days: is 8" in logged(here, "control stopped")[0]["error"]
    put_policy(here, days=60)
    here.advance(seconds=1)
    assert (sweeps(here), retention(here)) == (["FAILED", "SUCCEEDED"], {"/a": 60})
    here.settle()
    assert not here.queue("log-retention").messages()
    assert not here.queue("log-retention-dead-letters").messages()


def test_events_under_a_policy_that_stays_bad_end_as_dead_letters(here: EmbeddedAccount) -> None:
    """They are seen there, and the sweep that the mended policy starts makes up for them."""
    put_parameter(here, "policy/log-retention", "no json")
    create(here, "/a")
    here.settle()
    assert len(here.queue("log-retention-dead-letters").messages()) == 1
    put_policy(here)
    here.settle()
    assert retention(here) == {"/a": 30}


def test_the_stop_switch_holds_every_write_until_it_is_taken_back(here: EmbeddedAccount) -> None:
    """While it is set, events are acknowledged as held; taking it back starts a sweep."""
    put_parameter(here, "stop", "true")
    here.settle()
    create(here, "/a")
    here.settle()
    assert retention(here) == {"/a": None}
    assert [one["reason"] for one in logged(here, "held")][-1].endswith("stop switch")
    here.client("ssm").delete_parameter(Name="/steward/stop")
    here.settle()
    assert retention(here) == {"/a": 30}


def test_without_write_grants_everything_is_planned_and_nothing_is_denied() -> None:
    """AllowWrites=false: the role grants no write, and none is tried."""
    with installed(controls=DEPLOYED, AllowWrites="false") as here:
        create(here, "/a")
        here.settle()
        here.sweep()
        here.sweep()
        assert (retention(here), sweeps(here)) == ({"/a": None}, ["SUCCEEDED", "SUCCEEDED"])
        assert writes(here).total() == 0
        assert {one["resource"] for one in logged(here, "planned")} == {"/a"}
