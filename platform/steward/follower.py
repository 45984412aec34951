"""The function that lets AWS Config follow what Steward does; it writes to nothing else.

It is invoked with one of

    {"Records": [...]}  from its inbox: something of a control was changed, each message
                        {"control": ID}. Its rule is evaluated anew, so that it does not stay red
                        until its clock comes round. The queue's delay and the batch make one
                        evaluation of many changes.
    {"exceptions": {}}  by a timer: resources that are exempt are left alone by Config's own
                        remediation, too, as far as Config takes it
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from steward.account import Account, SystemClock, World, deployed
from steward.aws.compliance import evaluate_again
from steward.aws.remediation_exceptions import Exempt, mirrored
from steward.config_resources import in_config, rule_name
from steward.controls import CONTROLS
from steward.errors import StewardError
from steward.evaluate import exempt_until
from steward.model import Deadline, Verdict
from steward.runtime import RESERVE_SECONDS, Event, Handler

PATIENCE = 20
"""Seconds in which an evaluation is asked for; one that is still under way takes longer."""


def handler(environment: Mapping[str, str] = os.environ, world: World | None = None) -> Handler:
    """The Lambda handler; what it works with is built at the first call."""

    @cache
    def follower(function_arn: str) -> Follower:
        account = deployed(function_arn, [], environment, world or World(SystemClock()))
        return Follower(account, environment["STEWARD_STACK"])

    def handle(event: Event, context: Any) -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000
        return follower(context.invoked_function_arn).answer(event, left)

    return handle


class Follower:
    """Keeps a stack's rules and exceptions up to date."""

    def __init__(self, account: Account, stack: str) -> None:
        self._account = account
        self._rules = {one.id: rule_name(stack, one.id) for one in CONTROLS}

    def answer(self, event: Event, left: float) -> dict[str, Any]:
        """Do what the event asks for, in ``left`` seconds."""
        aws, clock = self._account.aws, self._account.clock
        if "Records" in event:
            aws.deadline = Deadline(clock, min(PATIENCE, left - RESERVE_SECONDS))
            return self._evaluated(event["Records"])
        aws.deadline = Deadline(clock, left - RESERVE_SECONDS)
        return {"refused": sum(map(self._mirrored, self._rules))}

    def _evaluated(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Evaluate the rules of what changed; where Config is busy, all messages come again."""
        changed = {_control(one) for one in records}
        rules = sorted(self._rules[control] for control in changed & self._rules.keys())
        try:
            evaluate_again(self._account.aws, rules)
        except StewardError as error:
            self._account.telemetry.info("evaluated later", rules=rules, reason=str(error))
            return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in records]}
        self._account.telemetry.info("evaluated", rules=rules)
        return {"batchItemFailures": []}

    def _mirrored(self, control: str) -> int:
        """How many exceptions of a control's rule Config refused; a failure stops no other rule."""
        rule = self._rules[control]
        try:
            refused = len(mirrored(self._account.aws, rule, [*self._exempt(control)]))
        except StewardError as error:
            self._account.telemetry.error("exceptions not mirrored", rule=rule, error=str(error))
            return 0
        if refused:
            self._account.telemetry.info("exceptions refused", rule=rule, resources=refused)
        return refused

    def _exempt(self, control: str) -> Iterator[Exempt]:
        for item in self._account.ledger.all_items(control):
            if item.verdict is Verdict.EXEMPT:
                until, why = exempt_until(item.reason)
                key = in_config(item.ref, self._account.aws, item.memory)
                yield Exempt(key, date.fromisoformat(until), why)


def _control(record: Mapping[str, Any]) -> str:
    """Whose resources a message says were changed; '' where it does not."""
    try:
        return str(json.loads(record["body"])["control"])
    except (KeyError, TypeError, ValueError):
        return ""
