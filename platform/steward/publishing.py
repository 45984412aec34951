"""The function that writes the compliance report and sends the digest.

It is invoked by a timer, with {"report": {}}. It reads the ledger, the policies and the tags of
what is out of order, and writes to its bucket and the digest's topic, to nothing else. Each report
replaces the one before; the bucket keeps former versions. When the digest could not be sent, the
next one tells what it would have told.

It tells, as metrics without dimensions:

| metric         | what                                                      |
|----------------|-----------------------------------------------------------|
| ReportsWritten | reports that lie in the bucket in every format            |
| DigestsSent    | digests that SNS took; none is sent where nothing is new  |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from steward.account import Account, SystemClock, World, deployed
from steward.aws.objects import Bucket
from steward.controls import CONTROLS
from steward.errors import BadPolicy, Gone, Incomplete, StewardError
from steward.model import Deadline
from steward.reports import digest as digests
from steward.reports.collect import Scope, collect
from steward.reports.dataset import Report
from steward.reports.formats import FORMATS
from steward.reports.owners import owners
from steward.runtime import RESERVE_SECONDS, Event, Handler
from steward.telemetry import WHOLE

NAME = "report"
"""How the names of the objects begin that hold the report."""

STATE = "digest.json"
"""The object that remembers what the digests have told."""

STATE_BYTES = 1000 + 20 * digests.MOST_TOLD
"""More than it ever has."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where reports go, as the template says it in STEWARD_REPORT."""

    bucket: str
    topic: str
    """ARN of the digest's topic; '' for no digest."""
    owner_keys: tuple[str, ...]
    heartbeat_hours: int
    version: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises BadPolicy."""
        try:
            told = json.loads(text)
            return cls(
                bucket=str(told["bucket"]),
                topic=str(told["topic"]),
                owner_keys=tuple(map(str, told["owner_keys"])),
                heartbeat_hours=int(told["heartbeat_hours"]),
                version=str(told["version"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadPolicy(f"STEWARD_REPORT: is {text[:80]!r}: {error!r}") from error


def handler(environment: Mapping[str, str] = os.environ, world: World | None = None) -> Handler:
    """The Lambda handler; what it works with is built at the first call."""

    @cache
    def publisher(function_arn: str) -> Publisher:
        ids = [control.id for control in CONTROLS]
        account = deployed(function_arn, ids, environment, world or World(SystemClock()))
        settings = Settings.read(environment.get("STEWARD_REPORT", "{}"))
        return Publisher(account, environment["STEWARD_STACK"], settings)

    def handle(_event: Event, context: Any) -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000
        return publisher(context.invoked_function_arn).answer(left)

    return handle


class Publisher:
    """Writes the reports of one stack."""

    def __init__(self, account: Account, stack: str, settings: Settings) -> None:
        self._account = account
        self._stack = stack
        self._settings = settings
        self._bucket = Bucket(account.aws, settings.bucket)

    def answer(self, left: float) -> dict[str, Any]:
        """Write the report in every format, and send the digest. Raises StewardError.

        What could not be written stops nothing else, and is raised in the end.
        """
        self._account.aws.deadline = Deadline(self._account.clock, left - RESERVE_SECONDS)
        self._account.forget()
        report = self._collected()
        problems = [*self._written(report)]
        written, sent = not problems, False
        try:
            if self._settings.topic:
                sent = self._told(report)
                self._bucket.put(STATE, digests.told_by(report).written(), "application/json")
        except StewardError as error:
            problems.append(f"digest: {error}")
        counts = {"ReportsWritten": int(written), "DigestsSent": int(sent)}
        self._account.telemetry.metric(counts, WHOLE)
        facts = {"findings": len(report.entries), "complete": report.complete, "digest": sent}
        self._account.telemetry.info("report written", **facts, problems=problems)
        if problems:
            raise Incomplete("; ".join(problems))
        return facts

    def _collected(self) -> Report:
        account, keys = self._account, self._settings.owner_keys
        scope = Scope(
            account=account.aws.account,
            region=account.aws.region,
            partition=account.aws.partition,
            stack=self._stack,
            heartbeat_hours=self._settings.heartbeat_hours,
            version=self._settings.version,
        )
        return collect(
            scope,
            account.ledger,
            account.policy,
            lambda refs: owners(account.aws, refs, keys),
            account.clock,
        )

    def _written(self, report: Report) -> Iterator[str]:
        """Write every format; yields what could not be written, and why."""
        for form in FORMATS.values():
            try:
                self._bucket.put(NAME + form.suffix, form.render(report), form.media_type)
            except StewardError as error:
                yield f"{NAME}{form.suffix}: {error}"

    def _told(self, report: Report) -> bool:
        """Send what is new since the last digest, if anything is; whether it was sent."""
        found = digests.digest_of(report, self._before())
        if found.news:
            where = f"s3://{self._settings.bucket}/{NAME}{FORMATS['html'].suffix}"
            self._account.aws.ask(
                "sns",
                "Publish",
                TopicArn=self._settings.topic,
                Subject=digests.subject(found),
                Message=digests.text(found, where),
            )
        return found.news

    def _before(self) -> digests.Told:
        """What was told before; nothing where there was no digest, or nobody can read of it."""
        try:
            return digests.Told.read(self._bucket.get(STATE, STATE_BYTES))
        except Gone:
            return digests.Told()
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._account.telemetry.error("digest state unreadable", error=repr(error))
            return digests.Told()
