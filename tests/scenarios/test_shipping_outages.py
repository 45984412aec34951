"""The log service is out, or refuses us: log events wait in the stream, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from embedded import shards
from embedded.authorization import decide
from embedded.requirements import Requirement
from tests.scenarios.shipping import KEPT, SECRET, Pipeline, shipping


@pytest.fixture(scope="module")
def shared() -> Iterator[Pipeline]:
    """Opening takes most of a test's time."""
    with shipping() as pipeline:
        yield pipeline


@pytest.fixture
def pipe(shared: Pipeline) -> Pipeline:
    """The shared pipeline, with nothing on its way."""
    shared.anew()
    return shared


def rings(pipe: Pipeline) -> set[str]:
    """The alarms over the shipper that ring now."""
    return {one for one in pipe.account.alarms() if one.startswith("log-shipper")}


def test_an_outage_of_hours_loses_nothing(pipe: Pipeline) -> None:
    """SHIP-16: every event arrives once, behind those before it; meanwhile an alarm rings, and
    each try is one request."""
    group = pipe.subscribed()
    pipe.log(group, "before")
    pipe.account.settle()
    pipe.service.status = 503
    lines = [f"line {number}" for number in range(18)]
    for line in lines:
        pipe.log(group, line)
        pipe.account.advance(minutes=10)
    assert (pipe.service.messages, rings(pipe)) == (["before"], {"log-shipper-behind"})
    refused = [one for one in pipe.service.posts if one.status == 503]
    tries = [one for one in pipe.invocations() if (one.answer or {}).get("batchItemFailures")]
    assert len(tries) > 180
    assert len(refused) - len(tries) < 20  # the first one tried at length
    pipe.service.status = 200
    pipe.account.advance(minutes=20)
    assert sorted(pipe.service.messages) == sorted(["before", *lines])
    assert set(pipe.service.times.values()) == {1}
    assert rings(pipe) == set()
    assert pipe.parked() == []


def test_during_an_outage_no_shard_passes_over_a_record(pipe: Pipeline) -> None:
    """The checkpoint stands before the first record that was not taken: every answer names the
    first one of its batch, which comes again first."""
    group = pipe.subscribed()
    pipe.service.status = 503
    pipe.log(group, "one")
    pipe.account.advance(minutes=10)
    pipe.log(group, "two")
    pipe.account.advance(minutes=10)
    failed = [one for one in pipe.invocations() if (one.answer or {}).get("batchItemFailures")]
    first = [one.event["Records"][0]["kinesis"]["sequenceNumber"] for one in failed]
    assert failed != []
    assert [one.answer for one in failed] == [
        {"batchItemFailures": [{"itemIdentifier": number}]} for number in first
    ]
    pipe.service.status = 200
    pipe.account.advance(minutes=3)
    assert sorted(pipe.service.messages) == ["one", "two"]


def test_with_a_wrong_token_everything_waits_for_the_right_one(pipe: Pipeline) -> None:
    """The secret is read anew at each refusal, so that its new value is known at once."""
    group = pipe.subscribed()
    pipe.log(group, "one")
    pipe.account.settle()
    pipe.service.token = "second"  # noqa: S105  # of nobody
    pipe.log(group, "two")
    pipe.account.advance(hours=1)
    assert (pipe.service.messages, pipe.parked()) == (["one"], [])
    assert {one.status for one in pipe.service.posts[1:]} == {401}
    assert rings(pipe) == {"log-shipper-behind"}
    secrets = pipe.account.client("secretsmanager")
    secrets.put_secret_value(SecretId=KEPT, SecretString="second")
    pipe.account.advance(minutes=2)
    assert (pipe.service.messages, pipe.parked()) == (["one", "two"], [])


def test_the_function_may_read_no_other_secret(pipe: Pipeline) -> None:
    """Its role names the one of the parameter."""
    [role] = [one for one in pipe.account.watch.roles.values() if one.session.endswith("shipper")]

    def may(arn: str) -> bool:
        asked = Requirement("secretsmanager:GetSecretValue", (arn,))
        return decide(role.policies, asked).allowed

    assert (may(SECRET), may(SECRET.replace("log", "mail"))) == (True, False)


def redriven(pipe: Pipeline) -> tuple[int, int]:
    """How many objects a redrive looked at and shipped, and that it came to its end."""
    done = pipe.account.invoke("log-shipper", {"redrive": {"prefix": "aws/lambda/"}})
    assert (done["error"], done["cursor"], done["left"]) == ("", "", {})
    return done["looked"], done["shipped"]


def test_what_waits_too_long_goes_to_the_bucket_and_is_shipped_from_there(
    pipe: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 46 hours, two before the stream forgets; then whoever redrives it gets it shipped."""
    monkeypatch.setattr(shards, "LONGEST_PAUSE", 240.0)  # Lambda's own is not documented
    group = pipe.subscribed()
    pipe.service.status = 503
    pipe.log(group, "one", "two")
    pipe.account.advance(hours=24)
    assert rings(pipe) == {"log-shipper-behind"}
    pipe.account.advance(minutes=10)
    assert rings(pipe) == {"log-shipper-behind", "log-shipper-far-behind"}
    pipe.account.advance(hours=21, minutes=40)
    assert pipe.objects("aws/lambda/") == {}
    pipe.account.advance(minutes=14)
    assert "log-shipper-given-up" in rings(pipe)
    [body] = pipe.objects("aws/lambda/").values()
    assert json.loads(body)["requestContext"]["condition"] == "RecordAgeExceeded"
    assert pipe.service.messages == []
    pipe.service.status = 200
    assert redriven(pipe) == (1, 1)
    assert (pipe.service.messages, set(pipe.service.times.values())) == (["one", "two"], {1})
    assert (redriven(pipe), pipe.objects("aws/lambda/")) == ((0, 0), {})
    pipe.account.advance(minutes=20)
    assert rings(pipe) == set()
