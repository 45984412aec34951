"""The function behind our AWS Config rules: what it is invoked with, and what it tells Config.

It reads and judges by the same functions as everything else, and changes nothing. A rule that is
invoked because a resource changed looks at that resource as it is now. A rule that is invoked by
the clock tells what the ledger holds since the control's last complete sweep, and finds nothing
anew. Whatever goes wrong is raised: Config invokes asynchronously, so that Lambda tries again.

It tells, as metrics by control:

| metric             | what                                                          |
|--------------------|---------------------------------------------------------------|
| ConfigEvaluations  | evaluations that Config took: what it did not hold already    |
| ConfigUnreported   | resources that could not be read, or that Config did not take |
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import takewhile
from typing import Any

from steward.account import Account, SystemClock, World, deployed
from steward.aws import compliance
from steward.config_resources import ROLE, ref_of, rule_name
from steward.errors import Incomplete, Invalid
from steward.evaluate import evaluate, observe
from steward.evaluations import Evaluation, Key, difference, together
from steward.ledger import new_id, stamp
from steward.model import Control, Deadline, Finding, Mode, Ref, Trigger, Verdict
from steward.notifications import ConfigurationItem, Message, Notification, Whole, settings
from steward.runtime import RESERVE_SECONDS, Event, Handler, sheltered
from steward.telemetry import COUNTER

SWEEP_AGE = "maxSweepAgeHours"

PARAMETERS: Mapping[str, Whole] = {SWEEP_AGE: Whole(lowest=1, highest=168, default=26)}
"""What a rule may be given: after how many hours without a complete sweep it reports nothing."""

LONGEST_SWEEP = timedelta(hours=11)
"""How long a sweep may take: the state machine's time-out."""

SHOWN = 3
"""Resources that an error names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A Config rule of ours: what a control finds, told to AWS Config."""

    control: Control[Any, Any]
    recorded: tuple[str, ...] = ()
    """Types that Config records and whose changes invoke the rule; the clock does besides."""


def handler(
    rules: Sequence[Rule],
    environment: Mapping[str, str] = os.environ,
    world: World | None = None,
) -> Handler:
    """The Lambda handler of rules; what it works with is built at the first call."""

    @cache
    def reporter(function_arn: str) -> Reporter:
        ids = [rule.control.id for rule in rules]
        account = deployed(function_arn, ids, environment, world or World(SystemClock()))
        return Reporter(account, environment["STEWARD_STACK"], rules)

    def handle(event: Event, context: Any) -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000
        return reporter(context.invoked_function_arn).answer(event, left)

    return handle


class Reporter:
    """Answers invocations of a stack's rules."""

    def __init__(self, account: Account, stack: str, rules: Sequence[Rule]) -> None:
        self._account = account
        self._rules = {rule_name(stack, rule.control.id): rule for rule in rules}

    def answer(self, event: Event, left: float) -> dict[str, Any]:
        """Evaluate what the event asks for, in ``left`` seconds. Raises StewardError."""
        self._account.aws.deadline = Deadline(self._account.clock, left - RESERVE_SECONDS)
        told = Notification.read(event)
        rule = self._rules.get(told.rule)
        if rule is None:
            raise Invalid(
                f"configRuleName: is {told.rule!r:.80}, allowed: {', '.join(self._rules)}"
            )
        hours = settings(told.parameters, PARAMETERS)[SWEEP_AGE]
        if told.item is None:
            wanted = self._of_ledger(rule.control, timedelta(hours=hours))
            news = difference(wanted, compliance.held(self._account.aws, told.rule))
        else:
            wanted = self._of_item(rule, told, told.item)
            news = [one for one in wanted.values() if one.compliance is not Verdict.UNKNOWN]
        return self._tell(rule, told, wanted, news)

    def _of_ledger(
        self, control: Control[Any, Any], longest: timedelta
    ) -> Mapping[Key, Evaluation]:
        """What the last complete sweep found, and what was found since. Raises Incomplete."""
        account = self._account
        if account.policy(control).policy.mode is Mode.OFF:
            return {}
        since = account.clock.now() - longest
        recent = takewhile(
            lambda one: one.started >= stamp(since - LONGEST_SWEEP),
            account.ledger.sweeps(control.id),
        )
        if not any(one.complete and one.finished >= stamp(since) for one in recent):
            hours = f"{longest / timedelta(hours=1):.0f} hours"
            raise Incomplete(f"{control.id}: no sweep was complete in the last {hours}")
        return together(account.ledger.all_items(control.id), account.aws)

    def _of_item(
        self, rule: Rule, told: Notification, item: ConfigurationItem
    ) -> Mapping[Key, Evaluation]:
        """What the control finds of the one resource, as it is now."""
        aws = self._account.aws
        if told.message is Message.OVERSIZED and item.is_there:
            item = compliance.recorded(aws, item)
        ref = ref_of(item.kind, item.id, item.name)
        if ref is None or ref.kind not in rule.recorded:
            allowed = ", ".join(rule.recorded) or "none: the rule runs by the clock"
            raise Invalid(f"resourceType: is {item.kind} ({item.id:.80}), allowed: {allowed}")
        if told.left_scope or not item.is_there:
            found = _out(ref, "GONE", f"Config says {item.status}")
        else:
            found = self._found(rule.control, ref)
        if ref.kind == ROLE:  # also of one that could not be read, or is gone
            found = replace(found, memory=item.id)
        return together([found], aws)

    def _found(self, control: Control[Any, Any], ref: Ref) -> Finding:
        account = self._account
        run = account.run(
            control,
            Trigger.DIRECT,
            new_id(control.id, account.clock.now()),
            deadline=account.aws.deadline,
            shelter=sheltered(account.telemetry),
        )
        if run.gate.mode is Mode.OFF:
            return _out(ref, "OFF", "the control is off")
        states = [state for state in observe(run, [ref]) if state.ref == ref]
        return evaluate(run, states[0]) if states else _out(ref, "GONE", "no longer there")

    def _tell(
        self,
        rule: Rule,
        told: Notification,
        wanted: Mapping[Key, Evaluation],
        news: Sequence[Evaluation],
    ) -> dict[str, Any]:
        """Send what is new, say what came of it, and raise what was left. Raises Incomplete."""
        unread = [one for one in wanted.values() if one.compliance is Verdict.UNKNOWN]
        sent = compliance.Sent()
        if news or not unread:
            sent = compliance.put(self._account.aws, told.token, news, told.at)
        facts = {
            "sent": sent.taken,
            "unchanged": len(wanted.keys() - {one.key for one in [*news, *unread]}),
            "unread": len(unread),
            "refused": len(sent.failed),
        }
        telemetry, control = self._account.telemetry, rule.control.id
        telemetry.info("reported", control=control, rule=told.rule, by=told.message.value, **facts)
        left = len(unread) + len(sent.failed)
        metrics = {"ConfigEvaluations": sent.taken, "ConfigUnreported": left}
        telemetry.metric(metrics, COUNTER, Control=control)
        if left:
            raise Incomplete(_left(told.rule, unread, sent))
        return {"rule": told.rule, **facts}


def _out(ref: Ref, code: str, reason: str) -> Finding:
    return Finding(ref, Verdict.NOT_APPLICABLE, code, reason)


def _left(rule: str, unread: Sequence[Evaluation], sent: compliance.Sent) -> str:
    parts = []
    for what, some in (("could not be read", unread), ("Config did not take", sent.failed)):
        if some:
            more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
            parts.append(f"{what}: {', '.join(one.id for one in some[:SHOWN])}{more}")
    return "; ".join([rule, *parts, *filter(None, [sent.reason])])
