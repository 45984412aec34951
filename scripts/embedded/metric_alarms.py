"""CloudWatch's alarms where moto takes what AWS refuses, and forgets what AWS tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request

MOST_METRICS = 10
DAY, WEEK = 86_400, 604_800
MOST_ACTIONS = 5
MOST_NAMES = 100
"""Alarms that DeleteAlarms takes, and DescribeAlarms tells at once."""

FEW = 50

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_ID = re.compile(r"[a-z][a-zA-Z0-9_]{0,254}")
_ARN = re.compile(r"arn:[^:\s]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:\S+")
_PLAIN = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_EXTENDED = re.compile(
    r"(?:p|tm|wm|tc|ts)(?:\d{1,2}(?:\.\d{1,10})?|100)|IQM|PR\(.+\)|(?:TM|WM|TC|TS)\(.+\)"
)
_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_MISSING = ("breaching", "notBreaching", "ignore", "missing")


def before_put(request: Request) -> Callable[[], None]:
    """PutMetricAlarm: all or nothing; an alarm that is there keeps its state and its tags."""
    params, alarms = request.params, _backend(request).alarms
    for fault in _faults(params):
        raise Refusal("ValidationError", fault)
    name = params["AlarmName"]
    former = alarms.get(name)
    tags = _tags(request, former) if former else None

    def after() -> None:
        made = alarms[name]
        vars(made)["put"] = {key: value for key, value in params.items() if key != "Tags"}
        made.state_value = former.state_value if former else "INSUFFICIENT_DATA"
        if tags is not None:
            tagger = _backend(request).tagger
            tagger.delete_all_tags_for_resource(made.alarm_arn)
            tagger.tag_resource(made.alarm_arn, tags)

    return after


def _tags(request: Request, alarm: Alarm) -> list[dict[str, str]]:
    found: list[dict[str, str]] = _backend(request).tagger.list_tags_for_resource(alarm.alarm_arn)[
        "Tags"
    ]
    return found


def describe(request: Request) -> Mapping[str, Any]:
    """DescribeAlarms: sorted by name, metric alarms where no other sort is asked for, in pages."""
    params, backend = request.params, _backend(request)
    asked = params.get("AlarmTypes") or ["MetricAlarm"]
    query = {key: value for key, value in params.items() if key not in ("MaxRecords", "NextToken")}
    found = [one for one in backend.alarms.values() if _is_asked(one, params, asked)]
    found.sort(key=lambda one: str(one.name))
    size = int(params.get("MaxRecords", FEW))
    if not 1 <= size <= MOST_NAMES:
        raise Refusal("ValidationError", f"MaxRecords must be between 1 and {MOST_NAMES}")
    try:
        shown, token = page(found, lambda one: str(one.name), size, params.get("NextToken"), query)
    except BadTokenError as error:
        raise Refusal("InvalidNextToken", "The next token specified is invalid.") from error
    told = {
        "MetricAlarms": [_told(one) for one in shown if one.rule is None],
        "CompositeAlarms": [{"AlarmName": one.name} for one in shown if one.rule is not None],
    }
    return {**told, **({"NextToken": token} if token else {})}


def _is_asked(alarm: Alarm, params: Mapping[str, Any], types: Iterable[str]) -> bool:
    sort = "MetricAlarm" if alarm.rule is None else "CompositeAlarm"
    names = params.get("AlarmNames")
    return (
        sort in types
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and (names is None or alarm.name in names)
        and params.get("StateValue", alarm.state_value) == alarm.state_value
    )


def _told(alarm: Alarm) -> Mapping[str, Any]:
    put = {"ActionsEnabled": True, "OKActions": [], "AlarmActions": [], **vars(alarm)["put"]}
    put = {**put, "ActionsEnabled": alarm.actions_enabled is not False}
    return {
        **put,
        "InsufficientDataActions": put.get("InsufficientDataActions", []),
        "Dimensions": put.get("Dimensions", []),
        "AlarmArn": alarm.alarm_arn,
        "StateValue": alarm.state_value,
        "StateUpdatedTimestamp": alarm.state_updated_timestamp.replace(tzinfo=UTC),
    }


def delete(request: Request) -> Mapping[str, Any]:
    """DeleteAlarms: those that are there are deleted, whatever else is named."""
    backend, names = _backend(request), request.params["AlarmNames"]
    if len(names) > MOST_NAMES:
        raise Refusal("ValidationError", f"At most {MOST_NAMES} alarms can be deleted at once")
    missing = [name for name in names if name not in backend.alarms]
    for name in set(names).difference(missing):
        backend.tagger.delete_all_tags_for_resource(backend.alarms.pop(name).alarm_arn)
    if missing:
        raise Refusal("ResourceNotFound", f"Unknown alarm {missing[0]}")
    return {}


def _faults(params: Mapping[str, Any]) -> Iterator[str]:
    """What AWS has against an alarm (PutMetricAlarm, API reference)."""
    if not _NAME.fullmatch(params.get("AlarmName", "")):
        yield "AlarmName must be 1 to 255 characters without control characters"
    if len(params.get("AlarmDescription", "")) > 1024:
        yield "AlarmDescription must be at most 1024 characters"
    if params.get("ComparisonOperator") not in _OPERATORS:
        yield f"ComparisonOperator {params.get('ComparisonOperator')} is not supported"
    if params.get("TreatMissingData", "missing") not in _MISSING:
        yield f"Option {params['TreatMissingData']} is not supported for TreatMissingData"
    if ("Threshold" in params) == ("ThresholdMetricId" in params):
        yield "Exactly one of Threshold and ThresholdMetricId is needed"
    yield from _action_faults(params)
    if ("Metrics" in params) == ("MetricName" in params):
        yield "Exactly one of Metrics and MetricName must be specified"
    elif "Metrics" in params:
        yield from _metrics_faults(params["Metrics"])
    else:
        yield from _metric_faults(params)
    yield from _window_faults(params)


def _action_faults(params: Mapping[str, Any]) -> Iterator[str]:
    for sort in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        actions = params.get(sort, [])
        if len(actions) > MOST_ACTIONS:
            yield f"{sort} must have at most {MOST_ACTIONS} entries"
        yield from (f"Invalid arn syntax: {arn}" for arn in actions if not _ARN.fullmatch(arn))


def _metric_faults(params: Mapping[str, Any]) -> Iterator[str]:
    if ("Statistic" in params) == ("ExtendedStatistic" in params):
        yield "Exactly one of Statistic and ExtendedStatistic must be specified"
    extended = params.get("ExtendedStatistic", "p99")
    if not _EXTENDED.fullmatch(extended):
        yield f"The value {extended} for parameter ExtendedStatistic is not supported."
    if not _is_period(params.get("Period", 0)):
        yield "Period must be 10, 20, 30 or a multiple of 60"


def _metrics_faults(metrics: list[Mapping[str, Any]]) -> Iterator[str]:
    ids = [one.get("Id", "") for one in metrics]
    if len(ids) != len(set(ids)) or not all(map(_ID.fullmatch, ids)):
        yield "The ids of metrics must be unique, and begin with a lower case letter"
    if sum(one.get("ReturnData", True) for one in metrics) != 1:
        yield "Exactly one element of the metrics list should return data."
    stats = [one["MetricStat"] for one in metrics if "MetricStat" in one]
    if len(stats) > MOST_METRICS:
        yield f"At most {MOST_METRICS} metrics can be in a metric math expression"
    if any(("MetricStat" in one) == ("Expression" in one) for one in metrics):
        yield "Each metric must have either MetricStat or Expression"
    periods = _periods(metrics)
    if len(periods) != 1 or not all(map(_is_period, periods)):
        yield "All metrics must have one period: 10, 20, 30 or a multiple of 60"
    for stat in (one["Stat"] for one in stats):
        if stat not in _PLAIN and not _EXTENDED.fullmatch(stat):
            yield f"The value {stat} for parameter Stat is not supported."


def _periods(metrics: list[Mapping[str, Any]]) -> set[int]:
    told = (one.get("MetricStat", one).get("Period") for one in metrics)
    return {int(period) for period in told if period}


def _is_period(seconds: int) -> bool:
    return seconds in (10, 20, 30) or (seconds >= 60 and seconds % 60 == 0)


def _window_faults(params: Mapping[str, Any]) -> Iterator[str]:
    periods = params.get("EvaluationPeriods", 0)
    if periods < 1 or not 1 <= params.get("DatapointsToAlarm", periods) <= periods:
        yield "DatapointsToAlarm must not exceed EvaluationPeriods"
    length = params.get("Period") or max(_periods(params.get("Metrics", [])), default=0)
    most = WEEK if length >= 3600 else DAY
    if periods * length > most:
        yield f"Metrics cannot be checked across more than {most} seconds"
    warm_up = params.get("WarmUpConfiguration", {}).get("WarmUpPeriodDurationInMinutes", 1)
    if not 1 <= warm_up <= 2880:
        yield "WarmUpPeriodDurationInMinutes must be between 1 and 2880"


def seed(
    alarms: Mapping[str, Mapping[str, Any]], *, region: str, account: str = DEFAULT_ACCOUNT_ID
) -> None:
    """Put alarms, as PutMetricAlarm takes them, into moto's own memory: many at once."""
    backend: CloudWatchBackend = cloudwatch_backends[account][region]
    for name, told in alarms.items():
        made = backend.put_metric_alarm(
            name=name,
            namespace="",
            metric_name="",
            comparison_operator=told["ComparisonOperator"],
            evaluation_periods=told["EvaluationPeriods"],
            period=0,
            threshold=told["Threshold"],
            statistic="",
            description=told["AlarmDescription"],
            dimensions=[],
            alarm_actions=[],
        )
        vars(made)["put"] = {"AlarmName": name, **told}


def _backend(request: Request) -> CloudWatchBackend:
    backend: CloudWatchBackend = cloudwatch_backends[request.account][request.region]
    return backend
