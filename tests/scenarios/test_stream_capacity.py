"""Scaling streams on the embedded account: the template, its schedule, sweeps and role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from tests.conformance import grant_checks
from tests.scenarios.embedding import installed, logged, metrics, put_policy, sweeps

CONTROL = "stream-capacity"
OWN = "steward-logs"
PARAMETERS = {
    "LogShipping": "enabled",
    "StreamMode": "PROVISIONED",
    "StreamCapacityMode": "enforce",
}


@pytest.fixture
def here() -> Iterator[EmbeddedAccount]:
    with installed(controls=[CONTROL], **PARAMETERS) as account:
        account.client("kinesis").create_stream(StreamName="theirs", ShardCount=1)
        yield account


def written(here: EmbeddedAccount, *names: str, megabytes: float) -> None:
    """So much comes in a second, for the five minutes that are over."""
    begun = here.clock.now() - timedelta(minutes=7)
    for name in names:
        datum: dict[str, Any] = {
            "MetricName": "IncomingBytes",
            "Dimensions": [{"Name": "StreamName", "Value": name}],
            "Timestamp": begun,
            "Value": megabytes * 300_000_000,
        }
        metrics_of_aws = here.client("cloudwatch").put_metric_data
        metrics_of_aws(Namespace="AWS/Kinesis", MetricData=[datum])


def shards(here: EmbeddedAccount, name: str = OWN) -> int:
    told = here.client("kinesis").describe_stream_summary(StreamName=name)
    count: int = told["StreamDescriptionSummary"]["OpenShardCount"]
    return count


def looks(here: EmbeddedAccount) -> int:
    """How often the schedule had the function look at the stack's own stream."""
    return sum("look" in one.event for one in here.host.invocations)


def test_the_own_stream_follows_its_load_within_minutes(here: EmbeddedAccount) -> None:
    """KIN-13: twice as many at once; then it waits, and goes on to what is needed."""
    written(here, OWN, megabytes=1.9)
    here.advance(minutes=10, seconds=5)
    assert shards(here) == 2
    here.advance(minutes=50)
    assert shards(here) == 2
    here.advance(minutes=11)
    assert shards(here) == 3
    here.advance(hours=2)
    assert shards(here) == 3
    assert here.server.calls["kinesis.UpdateShardCount"] == 2


def test_other_streams_are_reported_by_sweeps(here: EmbeddedAccount) -> None:
    """Nothing is done about them, whatever the mode."""
    written(here, "theirs", megabytes=1.9)
    here.sweep()
    [told] = [line for line in logged(here, "reported") if line["resource"] == "theirs"]
    assert (told["code"], shards(here, "theirs")) == ("TOO_FEW_SHARDS", 1)
    assert "not among managed streams" in told["reason"]


def test_a_policy_may_not_name_other_streams_to_be_changed(here: EmbeddedAccount) -> None:
    """IAM could not keep it from it: UpdateShardCount takes no resource in a policy."""
    written(here, "theirs", OWN, megabytes=1.9)
    put_policy(here, CONTROL, managed=["*"])
    here.advance(minutes=11)
    assert (shards(here), shards(here, "theirs")) == (1, 1)
    assert "FAILED" in sweeps(here)
    assert metrics(here, "BadPolicies") != []
    put_policy(here, CONTROL, managed=[])
    here.advance(minutes=11)
    assert {line["code"] for line in logged(here, "reported")} == {"TOO_FEW_SHARDS"}
    assert shards(here) == 1


def test_shards_that_are_not_needed_go_if_the_policy_says_so(here: EmbeddedAccount) -> None:
    """After a whole look-back that did not need them, and the time without a change."""
    put_policy(here, CONTROL, lookback_hours=1)
    here.client("kinesis").update_shard_count(
        StreamName=OWN, TargetShardCount=2, ScalingType="UNIFORM_SCALING"
    )
    here.advance(hours=1)
    written(here, OWN, megabytes=0.1)
    here.advance(minutes=11)
    assert shards(here) == 2
    put_policy(here, CONTROL, lookback_hours=1, scale_down=True)
    here.settle()
    assert shards(here) == 1


def test_the_role_grants_what_scaling_asks_for_and_no_more(here: EmbeddedAccount) -> None:
    """Looked at by schedule and sweep, with tags; nothing is refused, no grant stays unused."""
    written(here, OWN, megabytes=1.0)
    put_policy(here, CONTROL, honor_tags=True)
    here.advance(minutes=11)
    here.sweep()
    [role] = [one for one in here.watch.roles.values() if one.session.endswith(CONTROL)]
    assert grant_checks.refused(here.watch.gate, [role]) == []
    unused = here.watch.gate.unused(role.name, role.policies)
    assert [sid for sid, _ in unused if sid != "Ledger"] == []
    assert shards(here) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="no stream of its own"),
        pytest.param({"LogShipping": "enabled"}, id="on demand"),
    ],
)
def test_without_shards_of_its_own_a_stack_scales_nothing(parameters: dict[str, str]) -> None:
    """No schedule, no grant; sweeps report what there is."""
    with installed(controls=[CONTROL], **parameters, StreamCapacityMode="enforce") as here:
        here.client("kinesis").create_stream(StreamName="theirs", ShardCount=1)
        written(here, "theirs", megabytes=1.9)
        here.advance(minutes=30)
        assert looks(here) == 0
        here.sweep()
        assert [line["resource"] for line in logged(here, "reported")] == ["theirs"]
        assert not here.server.calls["kinesis.UpdateShardCount"]


def test_a_stack_that_may_not_write_only_plans() -> None:
    """KIN-16: the call is told, and nobody may send it."""
    with installed(controls=[CONTROL], **PARAMETERS, AllowWrites="false") as here:
        written(here, OWN, megabytes=1.9)
        here.advance(minutes=11)
        [planned] = logged(here, "planned")
        assert (planned["code"], looks(here)) == ("TOO_FEW_SHARDS", 1)
        assert shards(here) == 1
