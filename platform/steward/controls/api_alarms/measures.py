"""What API Gateway tells CloudWatch of its APIs, and how an alarm is made of it.

The names of metrics and dimensions are those of the developer guide, and differ between REST, HTTP
and WebSocket APIs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

NAMESPACE = "AWS/ApiGateway"

Query: TypeAlias = Mapping[str, Any]
"""A MetricDataQuery of CloudWatch."""

LATENCY = re.compile(r"(integration_)?latency_(?:p(\d{1,2}(?:_\d{1,2})?)|(average))_ms")
"""A sort of alarm such as latency_p99_ms, integration_latency_p99_9_ms or latency_average_ms."""

AVERAGE = "latency_average_ms"
RATE_4XX, RATE_5XX = "error_4xx_rate", "error_5xx_rate"
AVAILABILITY, LOW_TRAFFIC = "availability", "low_traffic_requests"


class Protocol(StrEnum):
    REST = "REST"
    HTTP = "HTTP"
    WEBSOCKET = "WEBSOCKET"


@dataclass(frozen=True, slots=True)
class Names:
    """How the metrics of one sort of API are called."""

    client_errors: tuple[str, ...]
    server_errors: tuple[str, ...]
    requests: tuple[str, ...]
    counted: str
    """The statistic that counts requests."""
    latency: str
    """From the request to the answer; of a WebSocket API only the integration's part is told."""


NAMES: Mapping[Protocol, Names] = {
    Protocol.REST: Names(("4XXError",), ("5XXError",), ("Count",), "SampleCount", "Latency"),
    Protocol.HTTP: Names(("4xx",), ("5xx",), ("Count",), "SampleCount", "Latency"),
    Protocol.WEBSOCKET: Names(
        ("ClientError",),
        ("IntegrationError", "ExecutionError"),
        ("ConnectCount", "MessageCount"),
        "Sum",
        "IntegrationLatency",
    ),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Metrics of one stage, method or route, over periods of so many seconds."""

    protocol: Protocol
    dimensions: Mapping[str, str]
    period: int

    @property
    def names(self) -> Names:
        return NAMES[self.protocol]


def queries(source: Source, sort: str, min_requests: int) -> list[Query]:
    """The metrics of an alarm of this sort; the first one is what the alarm watches.

    Where a period has fewer than ``min_requests`` requests, it counts as if all were well.
    """
    names, enough = source.names, max(1, min_requests)
    if found := LATENCY.fullmatch(sort):
        return _latency(source, *_latency_of(source, found), min_requests)
    if sort == LOW_TRAFFIC:
        return _low_traffic(source)
    requests = _counts(source, "requests", names.requests, names.counted)
    errors = _counts(source, "errors", _errors(names, sort), "Sum")
    total, failed = _sum(requests), _sum(errors, filled=True)
    part, well, label = (f"{failed} / {total}", 0, "Error rate")
    if sort == AVAILABILITY:
        part, well, label = (f"1 - {part}", 1, "Availability")
    told = f"IF({total} >= {enough}, {part}, {well})"
    return [_expression("part", told, label), *errors, *requests]


def _errors(names: Names, sort: str) -> tuple[str, ...]:
    """Which errors count."""
    if sort == RATE_4XX:
        return names.client_errors
    if sort == RATE_5XX:
        return names.server_errors
    return names.client_errors + names.server_errors


def _latency_of(source: Source, found: re.Match[str]) -> tuple[str, str]:
    """The metric and the statistic of a sort of alarm over latency."""
    metric = "IntegrationLatency" if found[1] else source.names.latency
    return metric, "Average" if found[3] else f"p{found[2].replace('_', '.')}"


def _latency(source: Source, metric: str, statistic: str, min_requests: int) -> list[Query]:
    value = _statistic(source, "value", metric, statistic)
    if min_requests <= 1:
        return [value]
    told = f"IF(requests >= {min_requests}, value, 0)"
    requests = _statistic(source, "requests", metric, "SampleCount")
    inner = [{**one, "ReturnData": False} for one in (value, requests)]
    return [_expression("guarded", told, f"{metric} {statistic}"), *inner]


def _low_traffic(source: Source) -> list[Query]:
    requests = _counts(source, "requests", source.names.requests, source.names.counted)
    if len(requests) == 1:
        return [{**requests[0], "ReturnData": True}]
    return [_expression("traffic", _sum(requests), "Requests"), *requests]


def _counts(source: Source, id: str, metrics: Sequence[str], statistic: str) -> list[Query]:
    """Each metric by an id of its own."""
    ids = [id] if len(metrics) == 1 else [f"{id}{number}" for number in range(1, 1 + len(metrics))]
    told = zip(ids, metrics, strict=True)
    found = [_statistic(source, one, name, statistic) for one, name in told]
    return [{**one, "ReturnData": False} for one in found]


def _sum(counted: Sequence[Query], *, filled: bool = False) -> str:
    """All of them; where one of several is not told, it is none, and so it is where asked."""
    ids = [str(one["Id"]) for one in counted]
    if len(ids) == 1:
        return f"FILL({ids[0]}, 0)" if filled else ids[0]
    return f"({' + '.join(f'FILL({id}, 0)' for id in ids)})"


def _statistic(source: Source, id: str, metric: str, statistic: str) -> Query:
    """One metric by a statistic."""
    dimensions = [{"Name": k, "Value": v} for k, v in sorted(source.dimensions.items())]
    told = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    stat = {"Metric": told, "Period": source.period, "Stat": statistic}
    return {"Id": id, "MetricStat": stat, "ReturnData": True}


def _expression(id: str, told: str, label: str) -> Query:
    return {"Id": id, "Expression": told, "Label": label, "ReturnData": True}
