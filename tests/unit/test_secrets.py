"""A secret is read when it is needed, renewed when it has to be, and never shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from steward.aws.secrets import BUSY, FRESH, Secret
from steward.errors import BadPolicy, Denied, StewardError, Throttled
from tests.fakes import FakeAws, FakeClock

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:logs-AbCdEf"  # noqa: S105  # its name
PARAMETER = "arn:aws:ssm:eu-west-1:111122223333:parameter/logs/token"
GET = ("secretsmanager", "GetSecretValue")
GET_PARAMETER = ("ssm", "GetParameter")


def secret(
    answers: Any, clock: FakeClock | None = None, arn: str = SECRET
) -> tuple[Secret, FakeAws]:
    aws = FakeAws({GET: answers, GET_PARAMETER: answers})
    return Secret(aws, arn, clock or FakeClock()), aws


@pytest.mark.parametrize(
    ("arn", "answer", "asked"),
    [
        (SECRET, {"SecretString": "one"}, {"SecretId": SECRET}),
        (SECRET, {"SecretBinary": b"one"}, {"SecretId": SECRET}),
        (PARAMETER, {"Parameter": {"Value": "one"}}, {"Name": PARAMETER, "WithDecryption": True}),
    ],
    ids=["text", "binary", "parameter"],
)
def test_a_secret_is_read(arn: str, answer: dict[str, Any], asked: dict[str, Any]) -> None:
    """From the service that its ARN names, once for five minutes."""
    clock = FakeClock()
    held, aws = secret(answer, clock, arn)
    assert [held.value(), held.value()] == ["one", "one"]
    assert [request.params for request in aws.requests] == [asked]
    clock.advance(FRESH + 1)
    held.value()
    assert len(aws.requests) == 2


def test_what_is_forgotten_is_read_again() -> None:
    """At once, when it is next asked for."""
    held, _ = secret([{"SecretString": "old"}, {"SecretString": "new"}])
    before = held.value()
    held.forget()
    assert (before, held.value()) == ("old", "new")


def test_a_known_secret_outlives_an_outage() -> None:
    """Shipping does not stop because Secrets Manager does; soon it is asked again."""
    clock = FakeClock()
    held, aws = secret([{"SecretString": "old"}, Throttled("no"), {"SecretString": "new"}], clock)
    held.value()
    clock.advance(FRESH + 1)
    assert [held.value(), held.value()] == ["old", "old"]
    assert len(aws.requests) == 2
    clock.advance(BUSY + 1)
    assert held.value() == "new"


@pytest.mark.parametrize("error", [Throttled("slow down"), Denied("no")])
def test_an_unknown_secret_is_an_error(error: StewardError) -> None:
    """And so is one that the service has refused to accept."""
    held, _ = secret([error, {"SecretString": "old"}, error, error])
    with pytest.raises(type(error)):
        held.value()
    held.value()
    held.forget()
    for _attempt in range(2):
        with pytest.raises(type(error)) as raised:
            held.value()
        assert raised.value is error


@pytest.mark.parametrize("arn", ["t0k3n", "a:b:c:d:t0k3n", "arn:aws:s3:::t0k3n:x:y"])
def test_what_is_no_arn_is_not_shown(arn: str) -> None:
    """Somebody may have put the secret itself there."""
    held, _ = secret({}, arn=arn)
    with pytest.raises(BadPolicy) as raised:
        held.value()
    assert "t0k3n" not in str(raised.value)


def test_binary_that_is_no_text_is_refused() -> None:
    """No header could carry it."""
    held, _ = secret({"SecretBinary": b"\xff\xfe"})
    with pytest.raises(BadPolicy, match="UTF-8"):
        held.value()
    assert held._text == ""


def test_threads_read_it_once() -> None:
    """However many ask at once."""
    barrier = threading.Barrier(8)
    held, aws = secret(lambda params: {"SecretString": "one"})

    def ask(_: int) -> str:
        barrier.wait(5)
        return held.value()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"one"}
    assert len(aws.requests) == 1
