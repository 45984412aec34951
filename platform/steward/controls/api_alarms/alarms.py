"""The alarms that a stage should have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steward.controls.api_alarms import names
from steward.controls.api_alarms.measures import (
    AVAILABILITY,
    LATENCY,
    LOW_TRAFFIC,
    Protocol,
    Source,
    queries,
)
from steward.controls.api_alarms.operations import Operation
from steward.controls.api_alarms.state import Policy, Watched
from steward.controls.api_alarms.thresholds import Rule, Thresholds, with_tags
from steward.controls.api_alarms.values import Alarm, Alarms, metric_name

_BELOW = (AVAILABILITY, LOW_TRAFFIC)
"""Sorts of alarm that ring below their threshold."""

_LONGEST_NAME = 200


def wanted(state: Watched, policy: Policy) -> Alarms:
    """Every alarm that the stage should have, by name."""
    if not state.exists or policy.is_grouped:
        return {}
    found = dict(_of_target(state, policy, None))
    for operation in judged(state, policy):
        found |= _of_target(state, policy, operation)
    return found


def judged(state: Watched, policy: Policy) -> list[Operation]:
    """The deployed methods and routes that have alarms of their own.

    Not the catch-all route of an HTTP API: no page says by which dimensions CloudWatch knows it.
    Nor where API Gateway made the stage itself, and nobody can switch on detailed metrics.
    """
    if not policy.by_method or state.stage.managed:
        return []
    return [
        one
        for one in state.methods
        if one.verb not in policy.exclude_methods
        if policy.include_mock or not one.is_mock
        if one.verb or state.protocol is Protocol.WEBSOCKET
    ]


def thresholds(state: Watched, policy: Policy, operation: Operation | None) -> Thresholds:
    """The policy's alarms, with what its rules say in turn, and then what the stage's tags say."""
    found: dict[str, float | None] = dict(policy.alarms)
    api = state.stage.api
    for rule in policy.rules:
        if rule.matches(api.id, api.name, state.stage.name) and _is_of(rule, operation):
            found.update(rule.alarms)
    return with_tags(found, state.tags) if policy.honor_tags else found


def _is_of(rule: Rule, operation: Operation | None) -> bool:
    if not rule.is_of_methods:
        return True
    return operation is not None and rule.matches_method(operation.path, operation.verb)


def _of_target(
    state: Watched, policy: Policy, operation: Operation | None
) -> Iterator[tuple[str, Alarm]]:
    """The alarms of the stage as a whole, or of one of its methods or routes."""
    source = Source(state.protocol, dimensions(state, operation), policy.period_seconds)
    stage, prefix = state.stage, policy.alarm_prefix
    for sort, threshold in sorted(thresholds(state, policy, operation).items()):
        if threshold is None:
            continue
        parts = (stage.name, operation.label, sort) if operation else (stage.name, sort)
        name = names.alarm_name(prefix, stage.api.id, *parts)
        text = f"{_told(state, operation)}: {described(sort, threshold)}"
        watched = queries(source, sort, policy.min_requests)
        yield (
            name,
            definition(policy, sort, threshold, watched, f"{text} {names.mark(state.ref, name)}"),
        )


def dimensions(state: Watched, operation: Operation | None) -> Mapping[str, str]:
    """By what CloudWatch knows the metrics of a stage, or of one of its methods or routes."""
    api = state.stage.api
    if state.protocol is Protocol.REST:
        found = {"ApiName": metric_name(api.id, api.name), "Stage": state.stage.name}
    else:
        found = {"ApiId": api.id, "Stage": state.stage.name}
    if operation is None:
        return found
    if state.protocol is Protocol.WEBSOCKET:
        return {**found, "Route": operation.path}
    return {**found, "Method": operation.verb, "Resource": operation.path}


def _told(state: Watched, operation: Operation | None) -> str:
    api = state.stage.api
    where = f"tage {state.stage.name} of API {api.name[:_LONGEST_NAME] or api.id}"
    return f"{operation.label[:_LONGEST_NAME]} at s{where}" if operation else f"S{where}"


def described(sort: str, threshold: float) -> str:
    """What an alarm of this sort tells when it rings, as a sentence."""
    if found := LATENCY.fullmatch(sort):
        part = "the integration's " if found[1] else ""
        value = "average" if found[3] else f"p{found[2].replace('_', '.')}"
        return f"{part}{value} latency is above {threshold:g} ms."
    if sort == AVAILABILITY:
        return f"less than {threshold:.3%} of requests are answered without an error."
    if sort == LOW_TRAFFIC:
        return f"fewer than {threshold:g} requests in each period."
    return f"more than {threshold:.3%} of requests end in a {sort[6:9]} error."


def definition(
    policy: Policy, sort: str, threshold: float, watched: list[Any], description: str
) -> Alarm:
    """An alarm as PutMetricAlarm takes it; what is not told is in order, but for low traffic."""
    told: dict[str, Any] = {
        "AlarmDescription": description,
        "ActionsEnabled": True,
        "AlarmActions": list(policy.alarm_actions),
        "OKActions": list(policy.ok_actions),
        "Metrics": watched,
        "EvaluationPeriods": policy.evaluation_periods,
        "DatapointsToAlarm": policy.datapoints_to_alarm,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    if sort in _BELOW:
        told["ComparisonOperator"] = "LessThanThreshold"
    if sort == LOW_TRAFFIC:  # where nobody comes, CloudWatch is told nothing
        told["TreatMissingData"] = "breaching"
        told["DatapointsToAlarm"] = policy.evaluation_periods
    if policy.warm_up_minutes:
        told["WarmUpConfiguration"] = {"WarmUpPeriodDurationInMinutes": policy.warm_up_minutes}
    return told
