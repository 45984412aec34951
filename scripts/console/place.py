"""A deployed stack as a checkup sees it: each part is read when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from console import deployed, queues
from console.deployed import QUEUE, STATE_MACHINE, Parts, Stack
from steward.account import allowed_of, ceilings_of, function_name, ledger_table
from steward.aws import parameters
from steward.aws.api import Api
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.controls import CONTROLS
from steward.errors import Refused
from steward.ledger import Ledger
from steward.model import Clock, Control, Mode
from steward.stack_policies import StackPolicies

HEARTBEAT = 26.0
"""Hours after which a control is overdue, where the stack does not say."""


class Place:
    """What there is to be read of a stack. Its properties raise StewardError."""

    def __init__(self, aws: Api, clock: Clock, name: str) -> None:
        self.aws = aws
        self.clock = clock
        self.name = name

    @cached_property
    def stack(self) -> Stack:
        return deployed.stack(self.aws, self.name)

    @cached_property
    def parts(self) -> Parts:
        return deployed.parts(self.aws, self.name)

    @cached_property
    def queues(self) -> Sequence[queues.Queue | queues.Unreadable]:
        return queues.read(self.aws, self.parts.of_type(QUEUE))

    @cached_property
    def controls(self) -> Sequence[Control[Any, Any]]:
        """Those that the stack has a function for: an older one lacks the newer ones."""
        return [one for one in CONTROLS if self.parts.function(function_name(self.name, one))]

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """What the template tells all functions alike."""
        names = [function_name(self.name, control) for control in self.controls]
        if not names:
            raise Refused(f"{self.name}: has no function that runs a control")
        answer = self.aws.ask("lambda", "GetFunctionConfiguration", FunctionName=names[0])
        told: Mapping[str, Mapping[str, str]] = answer.get("Environment", {})
        if "Variables" not in told:
            raise Refused(f"{names[0]}: its environment cannot be read: {json.dumps(told)}")
        return told["Variables"]

    @cached_property
    def policies(self) -> StackPolicies:
        """By which the functions go: under the template's ceilings, with what it allows."""
        ids = [control.id for control in self.controls]
        ceilings = {**dict.fromkeys(ids, Mode.AUDIT), **ceilings_of(self.environment)}
        allowed = allowed_of(self.environment)
        return StackPolicies(self.aws, self.name, self.clock, ids, ceilings, allowed)

    @cached_property
    def ledger(self) -> Ledger:
        return DynamoDBLedger(self.aws, ledger_table(self.name), self.clock)

    def layers(self, policy: str) -> Sequence[Mapping[str, Any]]:
        """The documents of a policy that is no control's. Raises BadPolicy."""
        names = (
            parameters.defaults_name(self.name, policy),
            parameters.policy_name(self.name, policy),
        )
        return parameters.layers(parameters.read(self.aws, names), self.name, policy)

    def has(self, parameter: str, value: str) -> bool:
        """Whether a parameter of the stack has this value."""
        return self.stack.parameters.get(parameter) == value

    @property
    def sweep(self) -> str:
        """The command that starts a sweep."""
        machine, *_ = [*self.parts.of_type(STATE_MACHINE), "ARN"]
        asked = """--input '{"trigger": "operator"}'"""
        return f"aws stepfunctions start-execution --state-machine-arn {machine} {asked}"

    @property
    def drift(self) -> str:
        """What to do where a part of the stack was deleted."""
        return f"put back what aws cloudformation detect-stack-drift --stack-name {self.name} tells"

    def redrive(self, queue: str = "") -> str:
        """The command that shows what lies in a dead-letter queue, and sends it back."""
        return f"steward --stack {self.name} redrive{f' --queue {queue}' if queue else ''}"
