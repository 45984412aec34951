"""What a Lambda handler is made of: the inbox, the steps of a sweep, undo, direct calls.

A function is invoked with one of

    {"Records": [...]}                                 its inbox, from SQS
    {"sweep": {"control": ID, "cursor": TEXT or null}} a step of a sweep
    {"undo": {"change": ID, "owner": WHO, "days": N}}  takes a change back; also {"undo": ID}
    {"look": {"control": ID, "resources": [ID, ...]}}  looks at named resources; with "retry": true
                                                       also what was given up is tried again
    an EventBridge event                               looks at what it names
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from typing import Any, TypeAlias

from steward import asked as asked_for
from steward import inbox, telemetry
from steward import sweep as sweeps
from steward.account import Account, deployed
from steward.errors import BadPolicy, Invalid, StewardError, TryAgain
from steward.events import Automation, Skip, concerned, named
from steward.ledger import control_of, new_id
from steward.look import Looked, look
from steward.model import Control, Deadline, Fate, Mode, Ref, T, Trigger
from steward.run import Outcome, Run, Shelter
from steward.stack_policies import CONFIG_RULES
from steward.telling import Teller, facts
from steward.undo import EXEMPT_FOR, undo

Event: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Event, Any], Answer]

STEP_SECONDS = 90
"""A step of a sweep starts no new work after this."""

RESERVE_SECONDS = 15
"""Kept of a function's time for writing down what was done."""

LEASE_SECONDS = 900

_STEP: Answer = {"busy": False, "complete": False, "error": ""}
"""What every answer to a step has: a state machine stumbles over a field that is not there."""


def handler(automation: Automation, build: Callable[..., Account] = deployed) -> Handler:
    """The Lambda handler of an automation; its account is built at the first call."""

    @cache
    def account(function_arn: str) -> Account:
        return build(function_arn, [control.id for control in automation.controls])

    def handle(event: Event, context: Any) -> Answer:
        here = account(context.invoked_function_arn)
        left = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
        deadline = Deadline(here.clock, left)
        here.aws.deadline = deadline
        return Invocation(automation, here, deadline).answer(event)

    return handle


def sheltered(signals: telemetry.Telemetry) -> Shelter:
    """A shelter for what may have a bug: it costs one resource, never the others."""

    def run(ref: Ref, act: Callable[[], T], otherwise: Callable[[str], T]) -> T:
        try:
            return act()
        except StewardError:
            raise
        except Exception as bug:  # noqa: BLE001  # the only one there is
            signals.traceback("internal error", kind=ref.kind, resource=ref.id)
            signals.metric({"InternalErrors": 1}, telemetry.WHOLE)
            return otherwise(f"internal error: {type(bug).__name__}: {bug}")

    return run


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of a function."""

    automation: Automation
    account: Account
    deadline: Deadline
    changed: set[str] = field(default_factory=set)  # controls of which something was put right
    made: dict[str, Any] = field(default_factory=dict)  # what was read once, for all controls

    def answer(self, event: Event) -> Answer:
        """Do what the event asks for, and have AWS Config follow where something was changed."""
        try:
            return self._answer(event)
        finally:
            self._tell_config()
            self._tell.throttled(self.account.aws.throttled)

    def _answer(self, event: Event) -> Answer:
        if "Records" in event:
            return self._inbox(event["Records"])
        if "sweep" in event:
            return self._sweep(asked_for.an_object("sweep", event["sweep"]))
        if "undo" in event:
            asked = event["undo"]
            told = (
                {"change": asked} if isinstance(asked, str) else asked_for.an_object("undo", asked)
            )
            return self._undo(told)
        if "look" in event:
            return self._look_directly(asked_for.an_object("look", event["look"]))
        return self._event(event)

    @property
    def _tell(self) -> Teller:
        return Teller(self.account.telemetry, self.account.in_full)

    @property
    def _here(self) -> dict[str, Any]:
        """Whose events are ours."""
        aws = self.account.aws
        return {
            "account": aws.account,
            "region": aws.region,
            "heeding": cache(self.account.looks_at),
        }

    def _told(self, outcomes: Sequence[Outcome]) -> None:
        self._tell.outcomes(outcomes)
        self.account.audit(outcomes)
        done = (one.control for one in outcomes if one.fate in (Fate.REMEDIATED, Fate.GONE))
        self.changed.update(done)

    def _tell_config(self) -> None:
        for control in sorted(self.changed):
            try:
                self.account.changed(control)
            except StewardError as error:  # its clock comes round in the end
                self.account.telemetry.error("Config not told", control=control, error=str(error))

    def _inbox(self, records: Sequence[Mapping[str, Any]]) -> Answer:
        batch = inbox.read(self.automation, records, **self._here)
        self._tell.received(batch, self.account.clock.now())
        if batch.broken is not None:
            self._tell.broken(CONFIG_RULES, batch.broken)

        look_by_event = partial(self._look, trigger=Trigger.EVENT)
        failed = inbox.process(self.automation.prompt, batch, look_by_event, self._tell.broken)
        try:
            inbox.shorten_pauses(self.account.aws, records, failed)
        except StewardError as error:  # the queue's own time-out brings them back, only later
            self.account.telemetry.error("pauses not shortened", error=str(error))
        self._tell.given_back(len(failed))
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _event(self, event: Event) -> Answer:
        here = self._here
        refs = named(self.automation, event, **here)
        if isinstance(refs, Skip):
            self._tell.skipped(Counter([refs]))
            return {"skipped": refs.value}
        looking = concerned(self.automation, event, here["heeding"])
        looked = [self._look(control, refs, Trigger.EVENT) for control in looking]
        if any(one.retry() for one in looked):
            raise TryAgain("some resources must be looked at again")
        return {"fates": _fates(one for some in looked for one in some.outcomes)}

    def _look_directly(self, asked: Mapping[str, Any]) -> Answer:
        control = self._control(asked.get("control"))
        names = asked_for.ids("resources", asked.get("resources"))
        refs = [Ref(control.kinds[0], name) for name in names]
        retry = asked_for.a_flag("retry", asked.get("retry", False))
        looked = self._look(control, refs, Trigger.DIRECT, retry=retry)
        untouched = [ref.id for ref in looked.untouched]
        return {"fates": _fates(looked.outcomes), "untouched": untouched}

    def _undo(self, asked: Mapping[str, Any]) -> Answer:
        change, owner = str(asked.get("change", "")), str(asked.get("owner", "undo"))
        control = self._control(control_of(change))
        days = asked_for.days("days", asked.get("days", EXEMPT_FOR.days))
        outcome = undo(self._run(control, Trigger.DIRECT), change, owner, timedelta(days=days))
        self._told([outcome])
        return {**facts(outcome), "fate": outcome.fate.value}

    def _look(
        self,
        control: Control[Any, Any],
        refs: Sequence[Ref],
        trigger: Trigger,
        *,
        retry: bool = False,
    ) -> Looked:
        run = self._run(control, trigger, retry=retry)
        if run.gate.mode is Mode.OFF:
            return Looked([])
        looked = look(run, [ref for ref in refs if ref.kind in control.kinds])
        self._told(looked.outcomes)
        return looked

    def _sweep(self, asked: Mapping[str, Any]) -> Answer:
        """One step of a sweep; the answer's cursor is null when there is no more to do.

        While another sweep of the control is under way, the answer is ``busy`` and the cursor the
        one that was asked with.
        """
        control, ledger = self._control(asked.get("control")), self.account.ledger
        text = asked_for.a_text("cursor", asked.get("cursor") or "")
        holder = sweeps.holder(text) if text else secrets.token_hex(8)
        if not text:
            self.account.forget()  # a changed policy starts a sweep, which is to be under it
        try:
            loaded = self.account.policy(control)
        except BadPolicy as error:
            ledger.release(control.id, holder)
            self._tell.broken(control.id, error)
            raise
        if loaded.policy.mode is Mode.OFF:
            ledger.release(control.id, holder)
            self._tell.off(control.id, self.account.clock.now())
            return {**_STEP, "control": control.id, "cursor": None, "complete": True, "mode": "off"}
        if not ledger.acquire(control.id, holder, LEASE_SECONDS):
            return {**_STEP, "control": control.id, "cursor": text, "busy": True}
        try:
            return self._step(control, loaded.hash, holder, text)
        except StewardError:
            ledger.release(control.id, holder)
            raise

    def _step(self, control: Control[Any, Any], policy: str, holder: str, text: str) -> Answer:
        ledger, now = self.account.ledger, self.account.clock.now()
        plans = self.account.plans_first and not any(s.finished for s in ledger.sweeps(control.id))
        bound_to = sweeps.mark(policy, plan_only=plans or self.account.plan_only)
        at = (
            sweeps.resumed(ledger, control.id, bound_to, now, text)
            if text
            else sweeps.begin(ledger, control.id, bound_to, now)
        )
        run = self._run(control, Trigger.SWEEP, run_id=at.id, plan_only=plans)
        for step in sweeps.advance(run, at):
            at = step.sweep
            self._told(step.outcomes)
            if step.paused or run.deadline.left() <= 0:
                break
        over = bool(at.finished or at.error)
        if over:
            ledger.release(control.id, holder)
            self._tell.swept(at, self.account.clock.now())
        return {
            **_STEP,
            "control": at.control,
            "sweep": at.id,
            "cursor": None if over else sweeps.cursor(at, holder),
            "complete": at.complete,
            "resources": at.resources,
            "verdicts": dict(at.verdicts),
            "fates": dict(at.fates),
            "error": at.error,
        }

    def _run(
        self,
        control: Control[Any, Any],
        trigger: Trigger,
        *,
        run_id: str = "",
        plan_only: bool = False,
        retry: bool = False,
    ) -> Run[Any, Any]:
        step = min(STEP_SECONDS, self.deadline.left())
        account = replace(self.account, retry=True) if retry else self.account
        return account.run(
            control,
            trigger,
            run_id or new_id(control.id, self.account.clock.now()),
            deadline=Deadline(self.account.clock, step),
            shelter=sheltered(self.account.telemetry),
            plan_only=plan_only,
            made=self.made,
        )

    def _control(self, control_id: object) -> Control[Any, Any]:
        for control in self.automation.controls:
            if control.id == control_id:
                return control
        known = ", ".join(control.id for control in self.automation.controls)
        raise Invalid(f"control: is {control_id!r}, allowed here: {known}")


def _fates(outcomes: Iterable[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.fate.value for outcome in outcomes))
