"""What a Lambda handler is made of: the inbox, the steps of a sweep, undo, direct calls.

A function is invoked with one of

    {"Records": [...]}                                 its inbox, from SQS
    {"sweep": {"control": ID, "cursor": TEXT or null}} a step of a sweep
    {"undo": {"change": ID, "owner": WHO, "days": N}}  takes a change back; also {"undo": ID}
    {"look": {"control": ID, "resources": [ID, ...]}}  looks at named resources
    an EventBridge event                               looks at what it names
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeAlias

from steward import inbox, telemetry
from steward import sweep as sweeps
from steward.account import Account, deployed
from steward.errors import BadPolicy, Busy, Invalid, StewardError, TryAgain
from steward.events import Automation, Skip, named
from steward.ledger import Sweep, control_of, new_id
from steward.look import Looked, look
from steward.model import Control, Deadline, Mode, Ref, T, Trigger
from steward.run import Outcome, Run, Shelter
from steward.undo import EXEMPT_FOR, undo

Event: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Event, Any], Answer]

STEP_SECONDS = 90
"""A step of a sweep starts no new work after this."""

RESERVE_SECONDS = 15
"""Kept of a function's time for writing down what was done."""

LEASE_SECONDS = 900

LONGEST_EXEMPTION = 365
"""Days for which an undo may exempt its resource."""


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
        return Invocation(automation, here, deadline, context.aws_request_id).answer(event)

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
            signals.metric({"InternalErrors": 1}, [[]])
            return otherwise(f"internal error: {type(bug).__name__}: {bug}")

    return run


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation of a function."""

    automation: Automation
    account: Account
    deadline: Deadline
    id: str

    def answer(self, event: Event) -> Answer:
        """Do what the event asks for."""
        if "Records" in event:
            return self._inbox(event["Records"])
        if "sweep" in event:
            return self._sweep(event["sweep"])
        if "undo" in event:
            return self._undo(event["undo"])
        if "look" in event:
            return self._look_directly(event["look"])
        return self._event(event)

    def _inbox(self, records: Sequence[Mapping[str, Any]]) -> Answer:
        aws = self.account.aws
        batch = inbox.read(self.automation, records, account=aws.account, region=aws.region)
        self._skipped(batch.skipped)

        def look_by_event(control: Control[Any, Any], refs: Sequence[Ref]) -> Looked:
            return self._look(control, refs, Trigger.EVENT)

        failed = inbox.process(self.automation.controls, batch, look_by_event, self._broken)
        try:
            inbox.shorten_pauses(aws, records, failed)
        except StewardError as error:  # the queue's own time-out brings them back, only later
            self.account.telemetry.error("pauses not shortened", error=str(error))
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _event(self, event: Event) -> Answer:
        aws = self.account.aws
        refs = named(self.automation, event, account=aws.account, region=aws.region)
        if isinstance(refs, Skip):
            self._skipped(Counter([refs]))
            return {"skipped": refs.value}
        looked = [self._look(c, refs, Trigger.EVENT) for c in self.automation.controls]
        if any(one.retry() for one in looked):
            raise TryAgain("some resources must be looked at again")
        return self._told(one for some in looked for one in some.outcomes)

    def _look_directly(self, asked: Mapping[str, Any]) -> Answer:
        control = self._control(asked.get("control"))
        refs = [Ref(control.kinds[0], str(name)) for name in asked.get("resources", [])]
        looked = self._look(control, refs, Trigger.DIRECT)
        untouched = [ref.id for ref in looked.untouched]
        return {**self._told(looked.outcomes), "untouched": untouched}

    def _undo(self, asked: Mapping[str, Any] | str) -> Answer:
        told = {"change": asked} if isinstance(asked, str) else asked
        change, owner = str(told.get("change", "")), str(told.get("owner", "undo"))
        control = self._control(control_of(change))
        days = told.get("days", EXEMPT_FOR.days)
        if not isinstance(days, int) or not 1 <= days <= LONGEST_EXEMPTION:
            raise Invalid(f"days: is {days!r}, allowed: 1 to {LONGEST_EXEMPTION}")
        outcome = undo(self._run(control, Trigger.DIRECT), change, owner, timedelta(days=days))
        self._told([outcome])
        return {**facts(outcome), "fate": outcome.fate.value}

    def _look(self, control: Control[Any, Any], refs: Sequence[Ref], trigger: Trigger) -> Looked:
        run = self._run(control, trigger)
        if run.gate.mode is Mode.OFF:
            return Looked([])
        looked = look(run, [ref for ref in refs if ref.kind in control.kinds])
        self._told(looked.outcomes)
        return looked

    def _sweep(self, asked: Mapping[str, Any]) -> Answer:
        """One step of a sweep; the answer's cursor is null when there is no more to do."""
        control, ledger = self._control(asked.get("control")), self.account.ledger
        if not asked.get("cursor"):
            self.account.forget()  # a changed policy starts a sweep, which is to be under it
        try:
            loaded = self.account.policy(control)
        except BadPolicy as error:
            self._broken(control, error)
            raise
        if loaded.policy.mode is Mode.OFF:
            self._gauges(control.id, {"Sweeps": 1})
            return {"control": control.id, "cursor": None, "complete": True, "mode": "off"}
        plans = self.account.plans_first and not any(s.finished for s in ledger.sweeps(control.id))
        bound_to = sweeps.mark(loaded.hash, plan_only=plans or self.account.plan_only)
        now, text = self.account.clock.now(), asked.get("cursor")
        holder = sweeps.holder(text) if text else secrets.token_hex(8)
        if not ledger.acquire(control.id, holder, LEASE_SECONDS):
            raise Busy(f"{control.id}: another sweep is under way")
        at = (
            sweeps.resumed(ledger, control.id, bound_to, now, text)
            if text
            else sweeps.begin(ledger, control.id, bound_to, now)
        )
        run = self._run(control, Trigger.SWEEP, run_id=at.id, plan_only=plans)
        try:
            return self._steps(run, at, holder)
        except StewardError:
            ledger.release(control.id, holder)
            raise

    def _steps(self, run: Run[Any, Any], at: Sweep, holder: str) -> Answer:
        for step in sweeps.advance(run, at):
            at = step.sweep
            self._told(step.outcomes)
            if step.paused or run.deadline.left() <= 0:
                break
        over = bool(at.finished or at.error)
        if over:
            self.account.ledger.release(run.control.id, holder)
            self._swept(at)
        return {
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
    ) -> Run[Any, Any]:
        step = min(STEP_SECONDS, self.deadline.left())
        return self.account.run(
            control,
            trigger,
            run_id or new_id(control.id, self.account.clock.now()),
            deadline=Deadline(self.account.clock, step),
            shelter=sheltered(self.account.telemetry),
            plan_only=plan_only,
        )

    def _control(self, control_id: object) -> Control[Any, Any]:
        for control in self.automation.controls:
            if control.id == control_id:
                return control
        known = ", ".join(control.id for control in self.automation.controls)
        raise Invalid(f"control: is {control_id!r}, allowed here: {known}")

    def _told(self, outcomes: Iterable[Outcome]) -> Answer:
        """Log what was done or is wrong, count everything."""
        fates: Counter[tuple[str, str]] = Counter()
        spent: set[str] = set()
        for outcome in outcomes:
            fates[outcome.control, outcome.fate.value] += 1
            if outcome.exhausted:
                self._gauges(outcome.control, {"Exhausted": 1})
            if outcome.budget_spent:
                spent.add(outcome.control)
            if outcome.change or outcome.is_open:
                self.account.telemetry.info(outcome.fate.value, **facts(outcome))
        for control in sorted(spent):
            self._gauges(control, {"BudgetSpent": 1})
        for (control, fate), count in fates.items():
            names = {"Control": control, "Fate": fate}
            self.account.telemetry.metric({"Outcomes": count}, telemetry.COUNTER, **names)
        return {"fates": {fate: count for (_, fate), count in fates.items()}}

    def _skipped(self, skipped: Mapping[Skip, int]) -> None:
        for reason, count in skipped.items():
            self.account.telemetry.info("skipped", reason=reason.value, events=count)
        if skipped:
            self.account.telemetry.metric({"SkippedEvents": sum(skipped.values())}, [[]])

    def _broken(self, control: Control[Any, Any], error: StewardError) -> None:
        name = "BadPolicies" if isinstance(error, BadPolicy) else "BrokenBatches"
        self.account.telemetry.error("control stopped", control=control.id, error=str(error))
        self._gauges(control.id, {name: 1})

    def _swept(self, at: Sweep) -> None:
        violations = at.verdicts.get("NON_COMPLIANT", 0) - at.fates.get("remediated", 0)
        values = {
            "Resources": at.resources,
            "Violations": violations,
            "IncompleteSweeps": int(not at.complete),
            "Sweeps": 1,
        }
        self._gauges(at.control, values)
        if at.error:
            self.account.telemetry.error("sweep stopped", control=at.control, error=at.error)

    def _gauges(self, control: str, values: Mapping[str, float]) -> None:
        self.account.telemetry.metric(values, telemetry.GAUGE, Control=control)


def facts(outcome: Outcome) -> dict[str, str]:
    """An outcome as the keys of a log line."""
    return {
        "control": outcome.control,
        "kind": outcome.finding.ref.kind,
        "resource": outcome.finding.ref.id,
        "verdict": outcome.finding.verdict.value,
        "code": outcome.finding.code,
        "reason": outcome.reason,
        "trigger": outcome.trigger.value,
        "change": outcome.change,
    }
