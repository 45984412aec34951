"""The scheduled report and its digest on the embedded account: bucket, topic, faults, days."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from moto.sns.models import sns_backends

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from steward.controls import CONTROLS
from steward.reports import as_json
from tests.conformance import grant_checks
from tests.scenarios.embedding import LOGS, create, installed, logged, metrics, put_policy

TOPIC = "digests"
FILES = [
    "digest.json",
    "report.csv",
    "report.html",
    "report.json",
    "report.junit.xml",
    "report.ocsf.jsonl",
]


def before(here: EmbeddedAccount) -> None:
    """Somebody's topic; and controls that this stack leaves out are off."""
    here.client("sns").create_topic(Name=TOPIC)
    for control in CONTROLS:
        if control.id != LOGS:
            put_policy(here, control.id, mode="off")


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    """One account for all, whose mornings follow each other."""
    arn = f"arn:aws:sns:eu-west-1:123456789012:{TOPIC}"
    with installed(before, controls=[LOGS], DigestTopicArn=arn) as account:
        put_policy(account, mode="audit")
        account.settle()
        yield account


def bucket(here: EmbeddedAccount) -> str:
    [one] = here.deployment.of_type("AWS::S3::Bucket")
    return one.physical_id


def read(here: EmbeddedAccount, name: str) -> str:
    s3 = here.client("s3", user="auditor")
    return str(s3.get_object(Bucket=bucket(here), Key=name)["Body"].read().decode())


def report(here: EmbeddedAccount) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(here, "report.json"))
    return found


def digests(here: EmbeddedAccount) -> list[tuple[str, str]]:
    """Subject and text of what was published to the topic, oldest first."""
    [kept] = sns_backends[here.account][here.region].topics.values()
    return [(subject or "", message) for _, message, subject, *_ in kept.sent_notifications]


def morning(here: EmbeddedAccount) -> None:
    """The next 6:17, and five minutes in which Lambda may try again."""
    now = here.clock.now()
    at = now.replace(hour=6, minute=22, second=0, microsecond=0)
    here.advance(seconds=((at - now).total_seconds() - 1) % 86_400 + 1)


def test_every_morning_the_report_is_written_and_what_is_new_is_told(here: EmbeddedAccount) -> None:
    """In each format, by a role that may do no more; two automations meet: what the sweep found is
    what the report tells."""
    create(here, "/aws/lambda/orders", tags={"owner": "payments"})
    here.settle()
    morning(here)
    keys = here.client("s3").list_objects_v2(Bucket=bucket(here))["Contents"]
    assert [one["Key"] for one in keys] == FILES
    told = report(here)
    jsonschema.validate(told, as_json.schema())
    [finding] = [one for one in told["findings"] if one["standing"] == "open"]
    assert (finding["resource"]["id"], finding["owner"]) == ("/aws/lambda/orders", "payments")
    assert "/aws/lambda/orders" in read(here, "report.html")
    rows = csv.DictReader(io.StringIO(read(here, "report.csv")))
    assert "/aws/lambda/orders" in [row["resource_id"] for row in rows]
    assert (metrics(here, "ReportsWritten"), metrics(here, "DigestsSent")) == ([1], [1])
    [(subject, message)] = digests(here)
    assert subject == "steward 123456789012 eu-west-1: 1 new"
    assert "- [MEDIUM] log-retention /aws/lambda/orders (owner payments): " in message
    assert f"s3://{bucket(here)}/report.html" in message
    roles = [one for one in here.watch.roles.values() if one.session.endswith("compliance-report")]
    assert (len(roles), grant_checks.refused(here.watch.gate, roles)) == (1, [])
    unused = {sid for role in roles for sid, _ in here.watch.gate.unused(role.name, role.policies)}
    assert unused == {"GivenUp", "ListReports"}  # of failures, and what S3 itself asks


def test_where_nothing_is_new_no_message_is_sent_and_the_report_is_written(
    here: EmbeddedAccount,
) -> None:
    """The bucket keeps the former one as a version of the object, which the emulator does not."""
    told, sent = report(here), digests(here)
    morning(here)
    assert report(here)["generated_at"] > told["generated_at"]
    assert digests(here) == sent
    [one] = here.deployment.of_type("AWS::S3::Bucket")
    assert one.properties["VersioningConfiguration"] == {"Status": "Enabled"}


def test_what_s3_refuses_stops_nothing_else_and_is_no_success(here: EmbeddedAccount) -> None:
    """Three attempts, then an alarm; the digest that was due is sent all the same, and once."""
    create(here, "/aws/lambda/refunds")
    sent = len(digests(here))
    here.server.faults = [
        Fault(
            operation="s3.PutObject",
            code="AccessDenied",
            status=403,
            times=None,
            when=has(Key="report.csv"),
        )
    ]
    before = report(here)["generated_at"]
    morning(here)
    assert report(here)["generated_at"] > before
    assert len(digests(here)) == sent + 1
    assert {"compliance-report-errors", "sweep-not-started"} <= here.alarms()
    [line] = logged(here, "report written")[-1:]
    assert line["problems"] == ["report.csv: PutObject: AccessDenied: injected"]
    here.server.faults = []
    here.queue("sweep-not-started").purge()


def test_a_digest_that_was_not_taken_is_told_by_the_next_one(here: EmbeddedAccount) -> None:
    """Its report is there, and counts as written."""
    create(here, "/aws/lambda/returns")
    sent, written = len(digests(here)), metrics(here, "ReportsWritten")
    here.server.faults = [
        Fault(operation="sns.Publish", code="AuthorizationError", status=403, times=None)
    ]
    morning(here)
    assert "/aws/lambda/returns" in read(here, "report.html")
    assert len(digests(here)) == sent
    assert metrics(here, "ReportsWritten") == [*written, 1, 1, 1]  # Lambda tries twice again
    here.server.faults = []
    here.queue("sweep-not-started").purge()
    morning(here)
    [(_, message)] = digests(here)[sent:]
    assert "/aws/lambda/returns" in message
