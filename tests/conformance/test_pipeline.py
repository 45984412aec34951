"""The template's way of log events loses none, and each check of it is seen to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from embedded.template import Template, load
from tests.conformance import pipeline_checks as checks
from tests.conformance.stack import Change, altered, put, without

Check = Callable[[Template], list[str]]

CHECKS: Sequence[Check] = (
    checks.reading,
    checks.streams,
    checks.buckets,
    checks.quiet,
    checks.delivery,
    checks.invocation,
    checks.circles,
)

READER = "LogShipperRecords"
PERMISSION = "LogDestinationPermission"
TRUST = ("AssumeRolePolicyDocument", "Statement", 0)
GRANT = ("Policies", 0, "PolicyDocument", "Statement", 0)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_way_of_log_events_has_no_problem(check: Check) -> None:
    """What the check's docstring says holds."""
    assert check(load()) == []


def dropped_with_the_stack(resources: dict[str, dict[str, object]]) -> None:
    del resources["LogStream"]["DeletionPolicy"]
    del resources["LogBucket"]["UpdateReplacePolicy"]


def twice(resources: dict[str, Any]) -> None:
    resources["Another"] = resources[PERMISSION]


def always(resources: dict[str, Any]) -> None:
    del resources[PERMISSION]["Condition"]


@pytest.mark.parametrize(
    ("check", "change", "problem"),
    [
        *(
            pytest.param(
                checks.reading,
                without(READER, name),
                f"{READER}: {name} is None, should be {value!r}",
                id=f"without {name}",
            )
            for name, value in checks.READING.items()
        ),
        pytest.param(
            checks.reading,
            put(READER, "MaximumRetryAttempts", value=10),
            f"{READER}: MaximumRetryAttempts is 10, should be -1",
            id="given up before its time",
        ),
        pytest.param(
            checks.reading,
            without(READER, "DestinationConfig"),
            f"{READER}: what is given up goes to no bucket of the stack",
            id="what is given up is lost",
        ),
        pytest.param(
            checks.circles,
            put("AssessorLogs", "LogGroupName", value="/aws/lambda/stack-more"),
            "/aws/lambda/stack-more: is shipped",
            id="our own logs in a circle",
        ),
        pytest.param(
            checks.streams,
            put("LogStream", "RetentionPeriodHours", value=46),
            f"LogStream: keeps records for less than {READER} tries them, and an hour",
            id="the stream forgets too early",
        ),
        pytest.param(
            checks.streams,
            put("LogStream", "StreamEncryption", "KeyId", value="alias/aws/kinesis"),
            "LogStream: StreamEncryption is {'EncryptionType': 'KMS', 'KeyId': 'alias/aws/kinesis'}"
            f", should be {{'EncryptionType': 'KMS', 'KeyId': '{checks.KEY}'}}",
            id="the customer's key is not used",
        ),
        pytest.param(
            checks.streams,
            dropped_with_the_stack,
            "LogStream: DeletionPolicy is None, should be 'RetainExceptOnCreate'",
            id="what is on its way goes with the stack",
        ),
        pytest.param(
            checks.buckets,
            dropped_with_the_stack,
            "LogBucket: UpdateReplacePolicy is None, should be 'Retain'",
            id="what was set aside goes with the stack",
        ),
        pytest.param(
            checks.buckets,
            without("LogBucket", "BucketEncryption"),
            "LogBucket: does not say how it encrypts",
            id="not encrypted",
        ),
        pytest.param(
            checks.buckets,
            without("LogBucketPolicy"),
            "LogBucket: may be spoken to without TLS",
            id="in the clear",
        ),
        pytest.param(
            checks.quiet,
            without("LogShipper", "LoggingConfig", "SystemLogLevel"),
            "LogShipper: every invocation is told of in its log",
            id="a log that feeds itself",
        ),
        pytest.param(
            checks.delivery,
            put("LogDeliveryRole", *GRANT, "Resource", value="*"),
            "LogDeliveryRole: grants something else than to write to the stream",
            id="writes to any stream",
        ),
        pytest.param(
            checks.invocation,
            without(PERMISSION),
            f"{checks.FUNCTION}: has 0 statements, should have one",
            id="a function lets nobody in",
        ),
        pytest.param(
            checks.invocation,
            twice,
            f"{checks.FUNCTION}:live: has 2 statements, should have one",
            id="a statement too many",
        ),
        pytest.param(
            checks.invocation,
            without(PERMISSION, "SourceAccount"),
            f"{PERMISSION}: SourceAccount is None, should be '111122223333'",
            id="groups of any account",
        ),
        pytest.param(
            checks.invocation,
            put(PERMISSION, "Principal", value="*"),
            f"{PERMISSION}: Principal is '*', should be 'logs.amazonaws.com'",
            id="anybody invokes it",
        ),
        pytest.param(
            checks.invocation,
            always,
            f"{checks.OTHERS[1]}: {PERMISSION} lets somebody in",
            id="a stream is no function",
        ),
    ],
)
def test_what_may_lose_log_events_is_noticed(check: Check, change: Change, problem: str) -> None:
    """The check itself can fail, and says what is wrong."""
    assert problem in check(altered(change))


def test_whoever_else_may_take_the_delivery_role_is_noticed() -> None:
    """Another account's CloudWatch Logs could write to our stream through it."""
    [told] = checks.delivery(altered(without("LogDeliveryRole", *TRUST, "Condition")))
    assert told.startswith("LogDeliveryRole: Condition is None")
