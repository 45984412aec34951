"""What scenarios on the embedded account share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from embedded.account import REGION, EmbeddedAccount
from steward.account import ledger_table
from steward.aws.dynamodb_ledger import DynamoDBLedger
from tests.scenarios.narrowed import only

LOGS = "log-retention"
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
"""Six hours before the schedule fires."""

Lines = list[dict[str, Any]]
Console = Callable[..., tuple[int, Lines, str]]
"""A run of the command line: its exit code, its JSON lines, its standard error."""


@contextmanager
def installed(
    before: Callable[[EmbeddedAccount], object] = lambda _: None,
    /,
    *,
    controls: Sequence[str] = (),
    region: str = REGION,
    **parameters: str,
) -> Iterator[EmbeddedAccount]:
    """An account in which the stack was installed some time ago: its first sweep has planned.

    ``before`` makes what was there before the stack; ``controls`` are the only ones it has.
    """
    template = only(*controls) if controls else None
    account = EmbeddedAccount(
        parameters, region=region, start=START, template=template, before=before
    )
    with account as here:
        here.settle()
        here.server.clear()
        here.host.metrics.clear()
        here.host.invocations.clear()
        here.journal.executions.clear()
        here.journal.events.clear()
        yield here


class Auditor:
    """The way of an auditor to the account."""

    partition = "aws"

    def __init__(self, here: EmbeddedAccount) -> None:
        self.account, self.region = here.account, here.region
        self._client = here.client("dynamodb", "auditor")

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = getattr(self._client, operation.lower())(**params)
        return answer

    pages: Any = None
    together: Any = None


def ledger(here: EmbeddedAccount) -> DynamoDBLedger:
    """The stack's ledger, as an auditor reads it."""
    return DynamoDBLedger(Auditor(here), ledger_table(here.stack), here.clock)


def create(here: EmbeddedAccount, *names: str, **fields: Any) -> None:
    logs = here.client("logs")
    for name in names:
        logs.create_log_group(logGroupName=name, **fields)


def retention(here: EmbeddedAccount) -> dict[str, int | None]:
    """Each group's days; the stack's own groups left out."""
    pages = here.client("logs").get_paginator("describe_log_groups").paginate()
    return {
        group["logGroupName"]: group.get("retentionInDays")
        for page in pages
        for group in page["logGroups"]
        if not group["logGroupName"].startswith(("/aws/lambda/steward-", "/steward/"))
    }


def put_policy(here: EmbeddedAccount, control: str = LOGS, **policy: Any) -> None:
    """The team's policy, which sets off a sweep when it is written."""
    put_parameter(here, f"policy/{control}", json.dumps(policy))


def put_parameter(here: EmbeddedAccount, name: str, value: str) -> None:
    here.client("ssm").put_parameter(
        Name=f"/steward/{name}", Value=value, Type="String", Overwrite=True
    )


def metrics(here: EmbeddedAccount, name: str) -> list[float]:
    """The values of a metric over all controls, oldest first."""
    return [one.value for one in here.host.metrics if one.name == name and not one.dimensions]


def skipped(here: EmbeddedAccount) -> Counter[str]:
    """Events that were left alone, by reason, from the functions' logs."""
    told: Counter[str] = Counter()
    for line in logged(here, "skipped"):
        told[line["reason"]] += line["events"]
    return told


def logged(here: EmbeddedAccount, message: str) -> list[Mapping[str, Any]]:
    """Log lines with this message, oldest first."""
    return [
        line
        for invoked in here.host.invocations
        for line in invoked.lines
        if line.get("message") == message
    ]


def codes(here: EmbeddedAccount, control: str) -> dict[str, str]:
    """By a resource's id: the code of what was last found of it."""
    return {item.ref.id: item.code for item in ledger(here).all_items(control)}


def batches(here: EmbeddedAccount, control: str = LOGS) -> list[int]:
    """How many messages each invocation of a control's function by its inbox had."""
    mine = (one for one in here.host.invocations if one.function.endswith(control))
    return [len(one.event["Records"]) for one in mine if "Records" in one.event]


def sweeps(here: EmbeddedAccount) -> list[str]:
    """How the executions of the state machine ended."""
    return [one.execution.status for one in here.journal.executions]


def writes(here: EmbeddedAccount) -> Counter[str]:
    """Calls that change log groups, by operation, also those that people made."""
    names = ("PutRetentionPolicy", "DeleteRetentionPolicy")
    return Counter({one: here.server.calls[f"logs.{one}"] for one in names})


def envelope(here: EmbeddedAccount, name: str = "/a", **detail: Any) -> dict[str, Any]:
    """A CreateLogGroup event of this account, as CloudTrail tells it; fields may be others."""
    record = {
        "eventVersion": "1.11",
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogGroup",
        "awsRegion": here.region,
        "recipientAccountId": here.account,
        "requestParameters": {"logGroupName": name},
        "responseElements": None,
    }
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.logs",
        "account": here.account,
        "time": "2026-11-20T10:00:00Z",
        "region": here.region,
        "resources": [],
        "detail": {**record, **detail},
    }


def send(here: EmbeddedAccount, *bodies: str | dict[str, Any]) -> None:
    """Put messages into the inbox, past the rule."""
    for body in bodies:
        here.queue("log-retention").send(body if isinstance(body, str) else json.dumps(body))
