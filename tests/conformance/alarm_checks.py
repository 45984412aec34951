"""What the template's alarms must keep to, and what they may watch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from embedded.hosting import Datum
from embedded.template import Template
from steward.controls import CONTROLS
from steward.counting import OLDEST
from steward.telemetry import NAMESPACE
from tests.conformance.grant_checks import WHOLE
from tests.conformance.stack import ALARM, QUEUE, STATE_MACHINE, Properties, Stack, behind

Metric: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name and dimensions."""

FUNCTION, MAPPING = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"
STREAM = "AWS::Kinesis::Stream"

GIVEN_UP, DROPPED = "OnFailureDestinationDeliveredEventCount", "DroppedEventCount"

OF_AWS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded"): ("StreamName", STREAM),
    ("AWS/Lambda", "Errors"): ("FunctionName", FUNCTION),
    ("AWS/Lambda", "IteratorAge"): ("FunctionName", FUNCTION),
    ("AWS/Lambda", DROPPED): ("EventSourceMappingUUID", MAPPING),
    ("AWS/Lambda", GIVEN_UP): ("EventSourceMappingUUID", MAPPING),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName", QUEUE),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", QUEUE),
    ("AWS/States", "ExecutionsAborted"): ("StateMachineArn", STATE_MACHINE),
    ("AWS/States", "ExecutionsFailed"): ("StateMachineArn", STATE_MACHINE),
    ("AWS/States", "ExecutionsTimedOut"): ("StateMachineArn", STATE_MACHINE),
}
"""Namespaces and metrics with their dimension, and the type that it names (services' guides)."""

QUERY = re.compile(r'SELECT SUM\((\w+)\) FROM "([\w/]+)"')

DELIVERIES = ("DeliveryErrors", "DeliveryThrottling")
"""What CloudWatch Logs counts of subscription filters, under dimensions of which no alarm can know
the values, and which are others for an account policy's (user guide, "Monitoring with CloudWatch
metrics": PolicyLevel): so their queries name none."""

GAUGES = ("Violations", "UnknownResources", OLDEST)
"""What sweeps tell of what is not in order, a few times a day."""

DAY = 86400
LONGEST = {True: 7 * DAY, False: DAY}
"""Seconds that an alarm may look back, by whether its period is at least an hour (its API)."""

TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"


def metrics(data: Iterable[Datum]) -> set[Metric]:
    """What functions emitted above 0, so that an alarm would have sounded."""
    return {(one.name, frozenset(one.dimensions.items())) for one in data if one.value > 0}


def unknown(template: Template, emitted: set[Metric]) -> list[str]:
    """Every alarm is over a metric that a run emits, or AWS of a resource of the stack."""
    stack = Stack(template, **WHOLE)
    found = []
    for name, alarm in stack.of(ALARM).items():
        if "Metrics" in alarm:
            found += [f"{name}: its query is over nothing"] if not _queried(alarm) else []
            continue
        dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", [])}
        own = (alarm["MetricName"], frozenset(dimensions.items())) in emitted
        if not (own if alarm["Namespace"] == NAMESPACE else _of_aws(stack, alarm, dimensions)):
            found.append(f"{name}: nobody emits {alarm['MetricName']} {dimensions}")
    return found


def _queried(alarm: Properties) -> str:
    """The metric of an alarm's one query over all deliveries; '' where it is none."""
    queries = [QUERY.fullmatch(one.get("Expression", "")) for one in alarm.get("Metrics", [])]
    [found] = queries if len(queries) == 1 else [None]
    known = found and found[1] in DELIVERIES and found[2] == "AWS/Logs"
    return found[1] if found and known else ""


def _of_aws(stack: Stack, alarm: Properties, dimensions: Mapping[str, str]) -> bool:
    dimension, kind = OF_AWS.get((alarm["Namespace"], alarm["MetricName"]), ("", ""))
    named = behind(dimensions.get(dimension, ""))
    return set(dimensions) == {dimension} and stack.kinds.get(named) == kind


def behaviour(template: Template) -> list[str]:
    """An alarm says what silence means, looks back no longer than it may, and tells the topic."""
    plain, told = Stack(template, **WHOLE), Stack(template, AlarmTopicArn=TOPIC, **WHOLE)
    found: list[str] = []
    for name, alarm in told.of(ALARM).items():
        silence = "breaching" if alarm["ComparisonOperator"].startswith("Less") else "notBreaching"
        if alarm.get("TreatMissingData") != silence:
            found.append(f"{name}: TreatMissingData is not {silence}")
        found += _window(name, template, alarm)
        if [alarm.get("AlarmActions"), alarm.get("OKActions")] != [[TOPIC], [TOPIC]]:
            found.append(f"{name}: does not tell the topic")
        if {"AlarmActions", "OKActions"} & plain.properties[name].keys():
            found.append(f"{name}: acts without a topic")
        if not alarm.get("AlarmDescription", "").endswith("."):
            found.append(f"{name}: does not say in a sentence what is wrong")
    return found


def _window(name: str, template: Template, alarm: Properties) -> Iterator[str]:
    """An alarm's number of periods may be a parameter's; then its largest value counts."""
    told = template.translated["Resources"][name]["Properties"]["EvaluationPeriods"]
    if isinstance(told, Mapping):
        told = template.translated["Parameters"][told["Ref"]]["MaxValue"]
    period = int((alarm.get("Metrics") or [alarm])[0]["Period"])
    if int(told) * period > LONGEST[period >= 3600]:
        yield f"{name}: looks back for more than CloudWatch allows"


def lasting(template: Template) -> list[str]:
    """An alarm over what sweeps tell at their end looks back from one sweep to the next, at the
    worst that was told."""
    wanted = {"Statistic": "Maximum", "DatapointsToAlarm": 1, "Period": 3600}
    found = []
    for name, alarm in Stack(template, **WHOLE).of(ALARM).items():
        if alarm.get("MetricName") not in GAUGES:
            continue
        told = template.translated["Resources"][name]["Properties"]["EvaluationPeriods"]
        whole = told == {"Ref": "HeartbeatHours"}
        if not whole or {key: alarm.get(key) for key in wanted} != wanted:
            found.append(f"{name}: forgets what the last sweep told")
    return found


def heartbeats(template: Template) -> list[str]:
    """The silence of each control's sweeps is alarmed."""
    wanted = {
        "Namespace": NAMESPACE,
        "MetricName": "Sweeps",
        "Statistic": "SampleCount",
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }
    alarms = Stack(template).of(ALARM).values()
    beating = [
        one.get("Dimensions")
        for one in alarms
        if {key: one.get(key) for key in wanted} == wanted and one["Threshold"] == 1
    ]
    return [
        f"{control.id}: its silence is not alarmed"
        for control in CONTROLS
        if [{"Name": "Control", "Value": control.id}] not in beating
    ]


def unalarmed(template: Template) -> list[str]:
    """Whatever can get into trouble has the alarm that tells of it."""
    stack = Stack(template, **WHOLE)
    alarms = stack.of(ALARM).values()
    watched = {
        (one["MetricName"], behind(dimension["Value"]))
        for one in alarms
        for dimension in one.get("Dimensions", [])
    }
    watched |= {(_queried(one), "CloudWatch Logs") for one in alarms}
    return [
        f"{name}: no alarm over its {metric}"
        for metric, name in sorted({*_wanted(stack)} - watched)
    ]


def _wanted(stack: Stack) -> Iterator[tuple[str, str]]:
    """Metrics that are to be watched, each with the logical id of what it is of."""
    for one in [*stack.functions(), *stack.processors()]:
        yield "Errors", one.id
    mappings = stack.of(MAPPING)
    inboxes = {behind(one["EventSourceArn"]) for one in mappings.values()}
    for queue in stack.of(QUEUE):
        age, number = "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"
        yield (age if queue in inboxes else number), queue
    for name, mapping in mappings.items():
        if stack.kinds[behind(mapping["EventSourceArn"])] == STREAM:
            yield "IteratorAge", behind(mapping["FunctionName"])
            yield GIVEN_UP, name
            yield DROPPED, name
    for stream in stack.of(STREAM):
        yield "WriteProvisionedThroughputExceeded", stream
    for metric in DELIVERIES:
        yield metric, "CloudWatch Logs"
