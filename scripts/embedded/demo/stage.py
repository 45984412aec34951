"""Where scenes play: the account, its people, what was promised of it and whether that holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import botocore.session

from embedded.account import EmbeddedAccount
from embedded.demo.narrator import Narrator
from embedded.demo.screen import Screen
from embedded.log_service import LogService
from steward.account import ledger_table
from steward.aws.api import Api, Identity
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.aws.pacing import Pacer
from steward.ledger import Change, Item, Ledger, Status

CONTROL = "log-retention"
WRITES = ("logs.PutRetentionPolicy", "logs.DeleteRetentionPolicy")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scene has at hand."""

    here: EmbeddedAccount
    screen: Screen
    ledger: Ledger
    narrator: Narrator
    service: LogService
    """Where log events are shipped to."""
    broken: list[str] = field(default_factory=list)
    """What was promised and does not hold."""
    kept: list[str] = field(default_factory=list)
    """What was promised and holds."""
    rang: dict[str, datetime] = field(default_factory=dict)
    """The stack's alarms that have rung, and when they were first seen to."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, user: str = "developer") -> Any:
        """A person's boto3 client."""
        key = service, user
        if key not in self._clients:
            self._clients[key] = self.here.client(service, user)
        return self._clients[key]

    def clock(self, hour: int, minute: int) -> None:
        """Let it be that time of the day; one that has passed changes nothing."""
        now = self.here.clock.now()
        wait = (
            now.replace(hour=hour, minute=minute, second=0, microsecond=0) - now
        ).total_seconds()
        if wait > 0:
            self.wait(seconds=wait)

    def wait(self, **duration: float) -> None:
        """Let time pass, such as ``seconds=10``."""
        self.here.advance(**duration)
        self._look()

    def settle(self) -> None:
        """Let everything happen that was set off."""
        self.here.settle()
        self._look()

    def sweep(self) -> None:
        """Sweep as an operator does, and let everything happen that this sets off."""
        self.here.sweep()
        self.settle()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Within, nothing is told line by line: a burst would fill the screen."""
        self.narrator.quiet = True
        try:
            yield
            self.narrator.catch_up()
        finally:
            self.narrator.quiet = False

    def create(self, *names: str, user: str = "developer") -> None:
        """Create log groups as their developers do."""
        for name in names:
            self.client("logs", user).create_log_group(logGroupName=name)

    def put_parameter(self, name: str, value: str) -> None:
        """Write one of the stack's parameters, by its name without the stack's."""
        self.client("ssm", "platform-team").put_parameter(
            Name=f"/{self.here.stack}/{name}", Value=value, Type="String", Overwrite=True
        )

    def retention(self) -> dict[str, int | None]:
        """Each group's days as CloudWatch Logs tells them; the stack's own groups left out."""
        pages = self.client("logs", "auditor").get_paginator("describe_log_groups").paginate()
        own = (f"/aws/lambda/{self.here.stack}-", f"/steward/{self.here.stack}/")
        return {
            group["logGroupName"]: group.get("retentionInDays")
            for page in pages
            for group in page["logGroups"]
            if not group["logGroupName"].startswith(own)
        }

    def writes(self) -> int:
        """How often anybody has asked to change a retention so far."""
        return sum(self.here.server.calls[name] for name in WRITES)

    def items(self) -> dict[str, Item]:
        """What the ledger holds of log groups, by name."""
        return {item.ref.id: item for item in self.ledger.all_items(CONTROL)}

    def change_of(self, name: str) -> Change | None:
        """The newest change of a log group that went through; None where there is none."""
        done = (one for one in self.ledger.changes(CONTROL) if one.status is Status.DONE)
        return next((one for one in done if one.ref.id == name), None)

    def requests(self) -> Counter[str]:
        """What Steward's functions have asked AWS for so far, by ``service.Operation``."""
        own = f"{self.here.stack}-"
        seen = (one for one in self.here.watch.seen if one[0].startswith(own))
        return Counter(f"{service}.{operation}" for _, service, operation in seen)

    def _look(self) -> None:
        """Tell what was done meanwhile, and which alarms ring now."""
        self.narrator.catch_up()
        now = self.here.clock.now()
        for name in sorted(self.here.alarms() - self.rang.keys()):
            self.rang[name] = now
            self.screen.line(now, f"alarm {name} rings", "bold yellow", depth=1)

    def promise(self, text: str, actual: object, wanted: object) -> None:
        """Hold the account to what the demo says; told at once where it does not hold."""
        if actual == wanted:
            self.kept.append(text)
            return
        if isinstance(actual, Mapping) and isinstance(wanted, Mapping):
            actual, wanted = _difference(actual, wanted), _difference(wanted, actual)
        told = f"{text}: is {_shortened(actual)}, promised: {_shortened(wanted)}"
        self.broken.append(told)
        self.screen.line(self.here.clock.now(), f"DOES NOT HOLD: {told}", "bold red")


@dataclass(frozen=True, slots=True)
class Scene:
    """A part of the story."""

    title: str
    play: Callable[[Stage], None]


def stage_of(here: EmbeddedAccount, screen: Screen, service: LogService) -> Stage:
    """The stage of an account that has just been entered: from now on its journal is told."""
    session = botocore.session.Session()
    session.set_credentials("AKIAAUDITOR", "secret")
    aws = Api(
        clock=here.clock,
        pacer=Pacer(here.clock, None),
        region=here.region,
        identity=Identity(here.account, here.region, "aws"),
        endpoint_url=here.server.url,
        read_only=True,
        session=session,
    )
    ledger = DynamoDBLedger(aws, ledger_table(here.stack), here.clock)
    narrator = Narrator(here, ledger, screen)
    here.journal.watcher = narrator.entry
    return Stage(here, screen, ledger, narrator, service)


def _difference(some: Mapping[Any, Any], other: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return {key: value for key, value in some.items() if key not in other or other[key] != value}


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
