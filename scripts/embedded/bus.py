"""The default event bus: which of the stack's rules match an event, and what their targets get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from embedded.deployment import QUEUE, RULE, STATE_MACHINE, Deployment, Resource
from embedded.patterns import Pattern
from embedded.queues import Queues
from embedded.request import Refusal

Event = Mapping[str, Any]

StateMachineStart = Callable[[str, str], None]
"""Starts a state machine, by its ARN, with an input."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule sends what it matches."""

    arn: str
    input: str | None
    """Sent in the event's place."""
    dead_letters: str
    """The ARN of the queue for what cannot be delivered; '' where it is lost."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is enabled."""

    id: str
    arn: str
    pattern: Pattern
    targets: Sequence[Target]

    @classmethod
    def read(cls, resource: Resource) -> Self:
        """From an AWS::Events::Rule. Raises InvalidPatternError."""
        properties = resource.properties
        targets = [
            Target(one["Arn"], one.get("Input"), one.get("DeadLetterConfig", {}).get("Arn", ""))
            for one in properties["Targets"]
        ]
        return cls(resource.id, resource.arn, Pattern(properties["EventPattern"]), targets)


class Bus:
    """Routes events to queues and state machines, as the queues' policies let it."""

    def __init__(self, deployment: Deployment, queues: Queues, start: StateMachineStart) -> None:
        self.rules = [
            Rule.read(one)
            for one in deployment.of_type(RULE)
            if one.properties.get("State", "ENABLED") == "ENABLED"
            and "EventPattern" in one.properties
        ]
        self._queues = queues
        self._start = start
        self._policies = [
            (queue, one.properties["PolicyDocument"])
            for one in deployment.of_type("AWS::SQS::QueuePolicy")
            for queue in one.properties["Queues"]
        ]
        self._inboxes = {one.arn for one in deployment.of_type(QUEUE)}
        self._machines = {one.arn for one in deployment.of_type(STATE_MACHINE)}

    def route(self, event: Event) -> list[str]:
        """Deliver an event; the ids of the rules that matched.

        Raises LookupError for a target that is neither a queue nor a state machine of the stack.
        """
        matched = [rule for rule in self.rules if rule.pattern.matches(event)]
        for rule in matched:
            for target in rule.targets:
                self._deliver(rule, target, event)
        return [rule.id for rule in matched]

    def _deliver(self, rule: Rule, target: Target, event: Event) -> None:
        text = json.dumps(event) if target.input is None else target.input
        if target.arn in self._machines:
            self._start(target.arn, text)
        elif target.arn not in self._inboxes:
            raise LookupError(f"{rule.id}: target {target.arn} is not in the stack")
        elif not self._sent(rule, target.arn, text) and target.dead_letters:
            self._sent(rule, target.dead_letters, text)

    def _sent(self, rule: Rule, queue_arn: str, text: str) -> bool:
        queue = self._queues[queue_arn]
        if not any(_lets(one, rule.arn) for one in self._documents(queue.url)):
            return False
        try:
            queue.send(text)
        except Refusal:  # larger than the queue takes
            return False
        return True

    def _documents(self, url: str) -> Iterator[Mapping[str, Any]]:
        return (document for queue, document in self._policies if queue == url)


def _lets(document: Mapping[str, Any], rule_arn: str) -> bool:
    """Whether a queue's policy lets EventBridge send what this rule matched."""
    return any(
        one["Effect"] == "Allow"
        and one["Principal"] == {"Service": "events.amazonaws.com"}
        and one["Action"] == "sqs:SendMessage"
        and one["Condition"] == {"ArnEquals": {"aws:SourceArn": rule_arn}}
        for one in document["Statement"]
    )
