"""What alarms and dashboards cost a month.

Prices of CloudWatch in us-east-1, in USD, read in November 2026; the free tier is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from steward.controls.api_alarms.measures import (
    NAMES,
    RATE_4XX,
    RATE_5XX,
    Protocol,
    Source,
    queries,
)

ALARM_METRIC = 0.10
"""Each metric that an alarm reads; one over all APIs reads one for each stage."""

CUSTOM_METRIC = 0.30
"""Each metric of a method or route that API Gateway writes once detailed metrics are on."""

DASHBOARD = 3.00

PER_METHOD: Mapping[Protocol, int] = {
    Protocol.REST: 5,
    Protocol.HTTP: 6,
    Protocol.WEBSOCKET: 6,
}
"""Metrics of each method or route (API Gateway Developer Guide), without those of a cache."""

DEFAULT_SORTS = ("latency_p99_ms", RATE_4XX, RATE_5XX)
DEFAULT_MIN_REQUESTS = 20


def of_alarms(alarms: Iterable[Mapping[str, Any]]) -> float:
    """Of alarms as PutMetricAlarm takes them, but for those over all APIs."""
    return ALARM_METRIC * sum(
        sum("MetricStat" in query for query in alarm["Metrics"]) for alarm in alarms
    )


def of_defaults(protocol: Protocol) -> float:
    """Of the alarms that a stage, or a method of it, has where the policy says nothing else."""
    source = Source(protocol, {}, 60)
    return of_alarms(
        {"Metrics": queries(source, sort, DEFAULT_MIN_REQUESTS)} for sort in DEFAULT_SORTS
    )


def of_group(protocol: Protocol) -> float:
    """Of a stage that the alarms over all APIs watch: one metric for each alarm."""
    known = NAMES[protocol]
    return ALARM_METRIC * len((*known.client_errors, *known.server_errors))


def in_words() -> str:
    """For whoever chooses between them."""
    rest, socket = of_defaults(Protocol.REST), of_defaults(Protocol.WEBSOCKET)
    method = rest + CUSTOM_METRIC * PER_METHOD[Protocol.REST]
    return (
        f"in USD, in us-east-1, with the default alarms. granularity api: {rest:.2f} for each "
        f"stage of a REST or HTTP API, {socket:.2f} of a WebSocket API. method: besides, "
        f"{method:.2f} for each method ({rest:.2f} for its alarms, {CUSTOM_METRIC:.2f} for each "
        f"metric that API Gateway then writes of it). grouped: {of_group(Protocol.REST):.2f} for "
        f"each stage. dashboard: {DASHBOARD:.2f} for each API. Each metric that an alarm reads is "
        f"{ALARM_METRIC:.2f}; min_requests 0 saves one in each alarm on latency"
    )
