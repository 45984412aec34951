"""The stack's CloudWatch alarms, judged by what the embedded account measured.

Periods are counted back from the present moment, where CloudWatch's begin at whole minutes, and no
alarm looks further back than its periods reach. Of a queue only the present is known, of a stream
only what it still holds. Nothing is throttled.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from embedded.queues import Queue
from embedded.shards import StreamSource
from embedded.stream_poller import StreamPoller
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


_MAPPING_METRICS: Mapping[str, Callable[[StreamPoller], Points]] = {
    "DroppedEventCount": lambda one: one.dropped,
    "OnFailureDestinationDeliveredEventCount": lambda one: one.kept,
}
"""Those of an event source mapping, by its UUID; EventCount of MetricsConfig switches them on."""

_NEVER = (
    "DeliveryThrottling",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)
_QUERY = re.compile(r'SELECT SUM\((\w+)\) FROM "([\w/]+)"')


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
    alarm = _spelled_out(alarm)
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


def _spelled_out(alarm: Properties) -> Properties:
    """An alarm on a query over whatever dimensions, as one on a metric without any."""
    if "Metrics" not in alarm:
        return alarm
    [metric] = alarm["Metrics"]
    found = _QUERY.fullmatch(metric.get("Expression", ""))
    if found is None:
        raise NotImplementedError(f"{alarm['AlarmName']}: its expression is not emulated")
    query = {"MetricName": found[1], "Namespace": found[2], "Statistic": "Sum"}
    return {**alarm, **query, "Period": metric["Period"]}


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
    if name == "IteratorAge":
        consumers = _consumers(account, lambda one: one.function == dimensions["FunctionName"])
        return (point for one in consumers for point in one.ages)
    if name in _MAPPING_METRICS:
        consumers = _consumers(account, lambda one: one.id == dimensions["EventSourceMappingUUID"])
        return (point for one in consumers for point in _MAPPING_METRICS[name](one))
    if name not in ("Errors", "Invocations"):
        raise _unknown("AWS/Lambda", name)
    return (
        (one.began, 1.0 if name == "Invocations" or one.error else 0.0)
        for one in account.host.invocations
        if one.function == dimensions["FunctionName"]
    )


def _consumers(
    account: EmbeddedAccount, wanted: Callable[[StreamSource], bool]
) -> list[StreamPoller]:
    return [one for one in account.consumers if wanted(one.source)]


def _of_streams(account: EmbeddedAccount, name: str, dimensions: Dimensions) -> Points:
    stream = dimensions["StreamName"]
    if name in _NEVER:
        return ()
    if name == "GetRecords.IteratorAgeMilliseconds":
        consumers = _consumers(account, lambda one: one.stream.endswith(f"/{stream}"))
        return (point for one in consumers for point in one.ages)
    if name not in ("IncomingBytes", "IncomingRecords"):
        raise _unknown("AWS/Kinesis", name)
    counted = name == "IncomingRecords"
    return (
        (one.at, 1.0 if counted else float(len(one.data) + len(one.key)))
        for one in account.streams.records(stream)
    )


def _of_delivery(account: EmbeddedAccount, name: str, _: Dimensions) -> Points:
    if name in _NEVER:
        return ()
    if name != "DeliveryErrors":
        raise _unknown("AWS/Logs", name)
    return ((one.at, float(one.events)) for one in account.delivery.lost)


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
    "AWS/Kinesis": _of_streams,
    "AWS/Lambda": _of_functions,
    "AWS/Logs": _of_delivery,
    "AWS/SQS": _of_queues,
    "AWS/States": _of_executions,
}
