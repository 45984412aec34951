"""The course of events: calls become events, events become messages, and what is due runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from embedded.bus import Bus
from embedded.clock import EmbeddedClock
from embedded.schedules import next_after
from embedded.state_machines import Execution
from embedded.trail import events_of
from embedded.watching import Watch

LONGEST = timedelta(days=2)
"""How much time may pass until everything has settled."""

QUIET = 0.1
"""Seconds of real time without a running function after which all executions must be waiting."""


class Mover(Protocol):
    """Something in which work waits for its time, such as an event source mapping."""

    def due(self) -> datetime | None:
        """When ``poll`` has something to do; None for never."""
        ...

    def poll(self) -> int:
        """Do what is due, in a call that ends; how much that was."""
        ...


class UnsettledError(RuntimeError):
    """Things went on and on: a feedback loop."""


@dataclass(frozen=True, slots=True)
class Routed:
    """An event of the account, and the rules of the stack that matched it."""

    event: Mapping[str, Any]
    rules: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ran:
    """An execution of the state machine: what started it, and how it ended."""

    machine: str
    """Its ARN."""
    input: Mapping[str, Any]
    execution: Execution
    began: datetime
    ended: datetime


@dataclass(slots=True)
class Journal:
    """What has happened in the account, oldest first."""

    events: list[Routed] = field(default_factory=list)
    executions: list[Ran] = field(default_factory=list)
    watcher: Callable[[Routed | Ran], None] = field(default=lambda _: None)
    """Told of each entry as it is made."""

    def add(self, entry: Routed | Ran) -> None:
        if isinstance(entry, Routed):
            self.events.append(entry)
        else:
            self.executions.append(entry)
        self.watcher(entry)


@dataclass(slots=True)
class Timer:
    """A schedule of the stack, and when it fires next."""

    properties: Mapping[str, Any]
    at: datetime | None
    fires: Callable[[], None] | None = None
    """What it does, where it has no target."""

    @classmethod
    def set(
        cls, properties: Mapping[str, Any], now: datetime, fires: Callable[[], None] | None = None
    ) -> Timer:
        """From an AWS::Scheduler::Schedule's resolved properties. Raises ValueError."""
        timer = cls(properties, None, fires)
        timer.wind(now)
        return timer

    def wind(self, now: datetime) -> None:
        """Find the next firing after ``now``."""
        zone = self.properties.get("ScheduleExpressionTimezone", "UTC")
        self.at = next_after(self.properties["ScheduleExpression"], now, zone)


@dataclass(slots=True)
class Course:
    """Everything that moves, and the only one to move it; threads may call ``start`` alone."""

    clock: EmbeddedClock
    watch: Watch
    bus: Bus
    pollers: Sequence[Mover]
    timers: Sequence[Timer]
    execute: Callable[[str, Mapping[str, Any]], Execution]
    """Runs a state machine, by its ARN, to its end."""
    is_idle: Callable[[], bool]
    """Whether no function is running."""
    starts: list[tuple[str, str]]
    """Executions that targets asked for: the machine's ARN and its input."""
    send: Callable[[str, Mapping[str, Any]], None] = field(default=lambda _arn, _event: None)
    """Has a function invoked that a schedule is for."""
    journal: Journal = field(default_factory=Journal)
    heard: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None)
    """Told of every event, before the bus is."""
    region: str = ""
    """Where the bus is; '' takes what AWS sends to any Region."""

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Let an event arrive at the bus."""
        self.heard(event)
        self.journal.add(Routed(event, self.bus.route(event)))

    def start(self, machine: str, text: str) -> Execution:
        """Run a state machine to its end."""
        began, event = self.clock.now(), json.loads(text)
        execution = self.execute(machine, event)
        self.journal.add(Ran(machine, event, execution, began, self.clock.now()))
        return execution

    def advance(self, duration: timedelta) -> None:
        """Let time pass, with everything that is due in it."""
        until = self.clock.now() + duration
        while self._one_more(until):
            pass
        self.clock.advance_to(until)

    def settle(self, longest: timedelta = LONGEST) -> None:
        """Let everything happen that was set off; schedules fire only if their time comes before.

        Raises UnsettledError where it does not come to an end in ``longest``.
        """
        until = self.clock.now() + longest
        self._route()
        while self._next(self.pollers) is not None:
            if not self._one_more(until):
                raise UnsettledError(f"things still happen after {longest}")

    def _one_more(self, until: datetime) -> bool:
        """Let the next thing happen that is due; whether there was one before ``until``."""
        self._route()
        due = self._next(self.pollers, self.timers)
        if due is None or due > until:
            return False
        self.clock.advance_to(due)
        self._fire()
        for poller in self.pollers:
            poller.poll()
        self._route()
        return True

    def _route(self) -> None:
        """Let every call that was made become events, and those reach their targets."""
        while self.watch.calls or self.starts:
            while self.watch.calls:
                for event in events_of(self.watch.calls.popleft(), lambda: str(uuid4())):
                    self._sent(event)
            if self.starts:
                self.start(*self.starts.pop(0))

    def _sent(self, event: Mapping[str, Any]) -> None:
        """AWS sends an event; one of IAM reaches no bus but that of us-east-1, and is recorded."""
        if self.region in ("", event["region"]):
            self.put_event(event)
        else:
            self.heard(event)

    def _next(self, pollers: Sequence[Mover], timers: Sequence[Timer] = ()) -> datetime | None:
        due = [*(poller.due() for poller in pollers), *(timer.at for timer in timers)]
        return min((moment for moment in due if moment is not None), default=None)

    def _fire(self) -> None:
        """Start what schedules have come to."""
        now = self.clock.now()
        for timer in self.timers:
            if timer.at is not None and timer.at <= now:
                self._go_off(timer)
                timer.wind(now)
        self._route()

    def _go_off(self, timer: Timer) -> None:
        if timer.fires is not None:
            timer.fires()
            return
        target = timer.properties["Target"]
        if ":lambda:" in target["Arn"]:
            self.send(target["Arn"], json.loads(target["Input"]))
        else:
            self.starts.append((target["Arn"], target["Input"]))

    def waited(self, seconds: float) -> None:
        """A state machine waits, while functions of other executions take the time they take."""
        until = self.clock.now() + timedelta(seconds=seconds)
        quiet_since = time.monotonic()
        while time.monotonic() < quiet_since + QUIET and self.clock.now() < until:
            time.sleep(QUIET / 20)
            if not self.is_idle():
                quiet_since = time.monotonic()
        self.clock.advance_to(until)
