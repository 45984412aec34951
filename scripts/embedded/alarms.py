"""The stack's CloudWatch alarms, judged by what the embedded account measured.

Periods are counted back from the present moment, where CloudWatch's begin at whole minutes, and no
alarm looks further back than its periods reach. Of a queue only the present is known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from embedded.queues import Queue
from steward.telemetry import NAMESPACE

if TYPE_CHECKING:
    from embedded.account import EmbeddedAccount

Dimensions: TypeAlias = Mapping[str, str]
Points: TypeAlias = Iterable[tuple[datetime, float]]
Properties: TypeAlias = Mapping[str, Any]

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "SampleCount": len,
    "Sum": sum,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
_ENDS = {
    "ExecutionsAborted": "ABORTED",
    "ExecutionsFailed": "FAILED",
    "ExecutionsSucceeded": "SUCCEEDED",
    "ExecutionsTimedOut": "TIMED_OUT",
}
"""How executions end, by the metric that counts it."""

_QUEUE_METRICS: Mapping[str, Callable[[Queue], float]] = {
    "ApproximateAgeOfOldestMessage": lambda queue: queue.oldest_age_seconds,
    "ApproximateNumberOfMessagesVisible": lambda queue: queue.visible,
}


def in_alarm(account: EmbeddedAccount) -> set[str]:
    """The names of the alarms in state ALARM now, without the stack's own name before them.

    Raises NotImplementedError for an alarm that uses what is not emulated.
    """
    alarms = [one.properties for one in account.deployment.of_type("AWS::CloudWatch::Alarm")]
    prefix = f"{account.stack}-"
    return {
        str(alarm["AlarmName"]).removeprefix(prefix) for alarm in alarms if _rings(alarm, account)
    }


def _rings(alarm: Properties, account: EmbeddedAccount) -> bool:
    """Whether enough of the last periods breach the threshold."""
    statistic, breaches = _judges(alarm)
    periods, missing = int(alarm["EvaluationPeriods"]), alarm.get("TreatMissingData") == "breaching"
    length, threshold = timedelta(seconds=int(alarm["Period"])), float(alarm["Threshold"])
    measured = [*_measured(alarm, account)]
    end, breaching = account.clock.now(), 0
    for _ in range(periods):
        values = [value for at, value in measured if end - length < at <= end]
        breaching += breaches(statistic(values), threshold) if values else missing
        end -= length
    return breaching >= int(alarm.get("DatapointsToAlarm", periods))


def _judges(
    alarm: Properties,
) -> tuple[Callable[[Sequence[float]], float], Callable[[float, float], bool]]:
    statistic = _STATISTICS.get(alarm.get("Statistic", ""))
    breaches = _COMPARISONS.get(alarm["ComparisonOperator"])
    if statistic is None or breaches is None:
        raise NotImplementedError(f"{alarm['AlarmName']}: its statistic or operator is not known")
    return statistic, breaches


def _measured(alarm: Properties, account: EmbeddedAccount) -> Points:
    """All values of the alarm's metric."""
    name = alarm["MetricName"]
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", ())}
    source = _SOURCES.get(alarm["Namespace"])
    if source is None:
        raise NotImplementedError(f"{alarm['Namespace']}: is not measured here")
    return source(account, name, dimensions)


def _own(account: EmbeddedAccount, name: str, dimensions: Dimensions) -> Points:
    return (
        (one.at, one.value)
        for one in account.host.metrics
        if one.name == name and one.dimensions == dimensions
    )


def _of_functions(account: EmbeddedAccount, name: str, dimensions: Dimensions) -> Points:
    """Lambda stamps what it measures with the beginning of the invocation."""
    if name not in ("Errors", "Invocations"):
        raise _unknown("AWS/Lambda", name)
    return (
        (one.began, 1.0 if name == "Invocations" or one.error else 0.0)
        for one in account.host.invocations
        if one.function == dimensions["FunctionName"]
    )


def _of_queues(account: EmbeddedAccount, name: str, dimensions: Dimensions) -> Points:
    if name not in _QUEUE_METRICS:
        raise _unknown("AWS/SQS", name)
    queue = account.queues[dimensions["QueueName"]]
    yield account.clock.now(), _QUEUE_METRICS[name](queue)


def _of_executions(account: EmbeddedAccount, name: str, dimensions: Dimensions) -> Iterator[Any]:
    if name not in _ENDS:
        raise _unknown("AWS/States", name)
    for ran in account.journal.executions:
        if ran.machine == dimensions["StateMachineArn"]:
            yield ran.ended, float(ran.execution.status == _ENDS[name])


def _unknown(namespace: str, name: str) -> NotImplementedError:
    return NotImplementedError(f"{namespace} {name}: is not measured here")


_SOURCES: Mapping[str, Callable[[EmbeddedAccount, str, Dimensions], Points]] = {
    NAMESPACE: _own,
    "AWS/Lambda": _of_functions,
    "AWS/SQS": _of_queues,
    "AWS/States": _of_executions,
}
