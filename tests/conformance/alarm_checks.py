"""What the template's alarms must keep to, and what they may watch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from embedded.hosting import Datum
from embedded.template import Template
from steward.controls import CONTROLS
from steward.telemetry import NAMESPACE
from tests.conformance.stack import ALARM, QUEUE, STATE_MACHINE, Properties, Stack, behind

Metric: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name and dimensions."""

OF_AWS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "AWS/Lambda": ("FunctionName", "AWS::Lambda::Function", frozenset({"Errors"})),
    "AWS/SQS": (
        "QueueName",
        QUEUE,
        frozenset({"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}),
    ),
    "AWS/States": (
        "StateMachineArn",
        STATE_MACHINE,
        frozenset({"ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut"}),
    ),
}
"""Namespaces with their dimension, the type that it names, and metrics (the services' guides)."""

DAY = 86400
LONGEST = {True: 7 * DAY, False: DAY}
"""Seconds that an alarm may look back, by whether its period is at least an hour (its API)."""

TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"


def metrics(data: Iterable[Datum]) -> set[Metric]:
    """What functions emitted above 0, so that an alarm would have sounded."""
    return {(one.name, frozenset(one.dimensions.items())) for one in data if one.value > 0}


def unknown(template: Template, emitted: set[Metric]) -> list[str]:
    """Every alarm is over a metric that a run emits, or AWS of a resource of the stack."""
    stack = Stack(template)
    return [
        f"{name}: nobody emits {alarm['MetricName']} {dimensions}"
        for name, alarm in stack.of(ALARM).items()
        for dimensions in [{one["Name"]: one["Value"] for one in alarm.get("Dimensions", [])}]
        if not (
            (alarm["MetricName"], frozenset(dimensions.items())) in emitted
            if alarm["Namespace"] == NAMESPACE
            else _of_aws(stack, alarm, dimensions)
        )
    ]


def _of_aws(stack: Stack, alarm: Properties, dimensions: Mapping[str, str]) -> bool:
    if alarm["Namespace"] not in OF_AWS:
        return False
    dimension, kind, names = OF_AWS[alarm["Namespace"]]
    named = behind(dimensions.get(dimension, ""))
    there = set(dimensions) == {dimension} and stack.kinds.get(named) == kind
    return there and alarm["MetricName"] in names


def behaviour(template: Template) -> list[str]:
    """An alarm says what silence means, looks back no longer than it may, and tells the topic."""
    plain, told = Stack(template), Stack(template, AlarmTopicArn=TOPIC)
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
    if int(told) * alarm["Period"] > LONGEST[alarm["Period"] >= 3600]:
        yield f"{name}: looks back for more than CloudWatch allows"


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
    """Every function and queue has the alarm that tells of its trouble."""
    stack = Stack(template)
    watched = {
        (one["MetricName"], behind(dimension["Value"]))
        for one in stack.of(ALARM).values()
        for dimension in one.get("Dimensions", [])
    }
    inboxes = {
        behind(one["EventSourceArn"]) for f in stack.functions() for one in stack.mappings(f.id)
    }
    wanted = {("Errors", one.id) for one in stack.functions()}
    for queue in stack.of(QUEUE):
        age, number = "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"
        wanted.add((age if queue in inboxes else number, queue))
    return [f"{name}: no alarm over its {metric}" for metric, name in sorted(wanted - watched)]
