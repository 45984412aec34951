"""Events that are not as they should be: ignored with a counted reason, and nothing is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from tests.scenarios.embedding import (
    LOGS,
    create,
    envelope,
    installed,
    metrics,
    retention,
    send,
    skipped,
)

ODD = {
    "failed-call": ({"errorCode": "ResourceAlreadyExistsException"}, "failed-call"),
    "denied, without parameters": (
        {"errorCode": "AccessDenied", "requestParameters": None},
        "failed-call",
    ),
    "oversized: parameters left out": ({"requestParameters": None}, "no-name"),
    "a name that is a list": ({"requestParameters": {"logGroupName": ["/a"]}}, "no-name"),
    "of another account": ({"recipientAccountId": "999999999999"}, "other-account"),
    "of another Region": ({"awsRegion": "us-west-2"}, "other-region"),
    "another call": ({"eventName": "PutMetricFilter"}, "no-rule"),
}


@pytest.fixture(scope="module")
def untouched() -> Iterator[EmbeddedAccount]:
    """An account with the group /a, which nobody has looked at."""
    with installed(controls=[LOGS]) as account:
        create(account, "/a")
        account.watch.calls.clear()
        yield account


@pytest.mark.parametrize(("detail", "reason"), ODD.values(), ids=list(ODD))
def test_odd_events_are_ignored_with_a_counted_reason(
    untouched: EmbeddedAccount, detail: dict[str, Any], reason: str
) -> None:
    """RET-13, RET-22: even past the rule, nothing is called and the message is acknowledged."""
    here = untouched
    before, counted = skipped(here)[reason], sum(metrics(here, "SkippedEvents"))
    send(here, envelope(here, **detail))
    here.settle()
    assert skipped(here)[reason] == before + 1
    assert sum(metrics(here, "SkippedEvents")) == counted + 1
    assert not here.queue("log-retention").messages()
    assert retention(here) == {"/a": None}


def test_the_rule_lets_no_failed_call_through(untouched: EmbeddedAccount) -> None:
    """A group that exists already is none that was created."""
    here = untouched
    logs = here.client("logs")
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        create(here, "/a")
    here.settle()
    [told] = [one for one in here.journal.events if "errorCode" in one.event["detail"]]
    assert told.rules == []
    assert retention(here) == {"/a": None}
