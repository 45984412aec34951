"""What the way from an event to a function must keep to; every check tells its problems."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from embedded.conditions import InvalidPatternError
from embedded.patterns import Pattern
from embedded.template import Template
from steward.events import CLOUDTRAIL, EVERYWHERE
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import QUEUE, RULE, Deployed, Properties, Stack, arn, behind, differing

MAPPING_PROPERTIES: Mapping[str, Any] = {
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "MaximumBatchingWindowInSeconds": 10,
    "ScalingConfig": {"MaximumConcurrency": 2},
}

BATCH_SIZES = {
    "ApiAlarms": 10,
    "ApiThrottling": 10,
    "Assessor": 10,
    "FunctionLayers": 10,
    "FunctionVersions": 10,
    "LogSubscription": 25,
}
"""Of functions that take a request to read each resource; of all others 50."""

RETENTION = 14 * 24 * 60 * 60  # seconds
MAX_PATTERN = 2048  # characters: an account's quota until it asks for more
_DATE = re.compile(r"20\Z|\d{8}(v\d+)?\Z")


def inboxes(template: Template) -> list[str]:
    """A function has one inbox if its automation has events, and else none."""
    stack = Stack(template)
    found: list[str] = []
    for one in stack.functions():
        mappings = stack.mappings(one.id)
        if len(mappings) != bool(one.automation.events or one.automation.natives):
            found.append(f"{one.id}: has {len(mappings)} inboxes")
        for mapping in mappings:
            wanted = {**MAPPING_PROPERTIES, "BatchSize": BATCH_SIZES.get(one.id, 50)}
            found += differing(one.id, mapping, wanted)
            found += _inbox(stack, one, behind(mapping["EventSourceArn"]))
    for name, queue in stack.of(QUEUE).items():
        shared = {"MessageRetentionPeriod": RETENTION, "SqsManagedSseEnabled": True}
        found += differing(name, queue, shared)
    return found + [
        f"{name}: is the queue of {n}" for name, n in _purposes(stack).items() if n != 1
    ]


def _inbox(stack: Stack, one: Deployed, queue: str) -> Iterator[str]:
    properties = stack.properties[queue]
    yield from differing(queue, properties, {"DelaySeconds": 30})
    if properties.get("VisibilityTimeout", 30) < 6 * one.properties["Timeout"]:
        yield f"{queue}: is invisible for less than six times the function's time-out"
    if properties.get("RedrivePolicy", {}).get("maxReceiveCount") != 10:
        yield f"{queue}: is not redriven after ten times"


def _purposes(stack: Stack) -> dict[str, int]:
    """How many purposes each queue serves; every one should have its own."""
    inboxes = stack.of("AWS::Lambda::EventSourceMapping").values()
    used = Counter(behind(one["EventSourceArn"]) for one in inboxes)
    for queue in stack.of(QUEUE).values():
        used[behind(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn"))] += 1
    used.update({behind(one["DeadLetterConfig"]["Arn"]) for one in _targets(stack)})
    return {name: used[name] for name in stack.of(QUEUE)}


def _targets(stack: Stack) -> list[Properties]:
    """The targets of rules and schedules that have a queue for what is not delivered."""
    rules = [target for rule in stack.of(RULE).values() for target in rule["Targets"]]
    timers = [one["Target"] for one in stack.of("AWS::Scheduler::Schedule").values()]
    return [one for one in rules + timers if "DeadLetterConfig" in one]


def patterns(template: Template) -> list[str]:
    """Every rule's pattern is one that EventBridge takes, and leaves failed calls out."""
    found = []
    for name, rule in Stack(template).of(RULE).items():
        pattern = rule["EventPattern"]
        try:
            Pattern(pattern)
        except InvalidPatternError as error:
            found.append(f"{name}: {error}")
        if len(json.dumps(pattern, separators=(",", ":"))) > MAX_PATTERN:
            found.append(f"{name}: its pattern has more than {MAX_PATTERN} characters")
        if CLOUDTRAIL in pattern.get("detail-type", []):
            found += _trail(name, pattern)
    return found


def _trail(name: str, pattern: Mapping[str, Any]) -> Iterator[str]:
    detail = pattern["detail"]
    if detail.get("errorCode") != [{"exists": False}]:
        yield f"{name}: lets calls pass that failed"
    services = [f"{source.removeprefix('aws.')}.amazonaws.com" for source in pattern["source"]]
    if detail.get("eventSource") != services:
        yield f"{name}: eventSource is not {', '.join(services)}"


def events(template: Template) -> list[str]:
    """The rules of an inbox match the events that its function's automation names, no others."""
    stack = Stack(template)
    found: list[str] = []
    for one in stack.functions():
        queues = {behind(mapping["EventSourceArn"]) for mapping in stack.mappings(one.id)}
        rules = [rule for rule, _, queue in stack.queue_targets() if queue in queues]
        named, natives = set[tuple[str, str]](), set[str]()
        for rule in rules:
            pattern = stack.properties[rule]["EventPattern"]
            if pattern["detail-type"] != [CLOUDTRAIL]:
                natives |= set(pattern["detail-type"]) - EVERYWHERE.keys()
                continue
            called = {_called(event) for event in pattern["detail"]["eventName"]}
            named |= {(source, event) for source in pattern["source"] for event in called}
        found += _apart(one, named, natives)
    return found


def _apart(one: Deployed, named: set[tuple[str, str]], natives: set[str]) -> Iterator[str]:
    """What only the rules or only the handler of a function has."""
    by_source = one.automation.by_source()
    told = {(source, event) for source, events in by_source.items() for event in events}
    if natives ^ one.automation.natives.keys():
        yield f"{one.id}: natives differ: {', '.join(natives ^ one.automation.natives.keys())}"
    if named and not {source for source, _ in named} <= by_source.keys():
        yield f"{one.id}: its rules are for {', '.join({source for source, _ in named})}"
    for event in sorted(named ^ told):
        where = "rules" if event in named else "handler"
        yield f"{one.id}: {event[1]} is only in its {where}"


def _called(event: str | Mapping[str, str]) -> str:
    """An event's name without the date that Lambda's end in: CreateFunction20150331."""
    return _DATE.sub("", event if isinstance(event, str) else event["prefix"])


def deliveries(template: Template) -> list[str]:
    """What a rule cannot deliver is kept, and only the rules of a queue may send to it."""
    stack = Stack(template, **WHOLE)
    found, senders = [], dict[str, set[str]]()
    for name, rule in stack.of(RULE).items():
        for target in rule["Targets"]:
            undelivered = behind(target.get("DeadLetterConfig", {}).get("Arn"))
            if not undelivered:
                found.append(f"{name}: loses what it cannot deliver")
            for queue in (behind(target["Arn"]), undelivered):
                if stack.kinds.get(queue) == QUEUE:
                    senders.setdefault(queue, set()).add(name)
    return found + [
        f"{queue}: does not let {name}, and nobody else, send to it"
        for queue, names in senders.items()
        for name in sorted(names ^ _admitted(stack, queue))
    ]


def _admitted(stack: Stack, queue: str) -> set[str]:
    """The rules that a queue's policy lets send to it; statements of another form count as such."""
    found = set()
    for policy in stack.of("AWS::SQS::QueuePolicy").values():
        if queue in map(behind, policy["Queues"]):
            for statement in policy["PolicyDocument"]["Statement"]:
                sender = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn")
                told = {key: value for key, value in statement.items() if key != "Sid"}
                rule = behind(sender)
                found.add(rule if told == _statement(queue, rule) else str(statement.get("Sid")))
    return found


def _statement(queue: str, rule: str) -> Properties:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn("sqs", queue),
        "Condition": {"ArnEquals": {"aws:SourceArn": arn("events", rule)}},
    }
