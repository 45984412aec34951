"""The settings of a method or route: its limits, and all others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from steward.controls.api_gateway.stages import REST, Settings

Limit: TypeAlias = Mapping[str, float]
"""``rate`` in requests a second and ``burst``; one that is not told is absent."""

RATE, BURST = "rate", "burst"

_LIMITS: Mapping[str, str] = {"throttlingratelimit": RATE, "throttlingburstlimit": BURST}

MATERIALISED: Limit = {RATE: 10_000, BURST: 5_000}
"""What API Gateway writes beside any other setting of a method: the account's, and no limit."""

_REST_DEFAULTS: Settings = {
    "metricsEnabled": False,
    "loggingLevel": "OFF",
    "dataTraceEnabled": False,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
_ROUTE_DEFAULTS: Settings = {
    "DetailedMetricsEnabled": False,
    "DataTraceEnabled": False,
    "LoggingLevel": "OFF",
}
"""What a method or route has once a single one of its settings is set, whatever the stage's are
(AWS CLI reference, update-stage; seen of routes)."""

METRICS = frozenset({"metricsEnabled", "DetailedMetricsEnabled"})
"""Detailed metrics of one method or route, as both versions call them."""


def limit_of(settings: Settings) -> Limit:
    """The limits among a method's settings, whatever the version of API Gateway calls them."""
    named = ((_LIMITS.get(name.lower()), value) for name, value in settings.items())
    return {name: value for name, value in named if name and value is not None}


def others(settings: Settings) -> Settings:
    """All settings but the limits."""
    return {name: value for name, value in settings.items() if name.lower() not in _LIMITS}


def defaults(kind: str) -> Settings:
    return _REST_DEFAULTS if kind == REST else _ROUTE_DEFAULTS


def chosen(kind: str, settings: Settings) -> Settings:
    """The settings that somebody chose: all but those that API Gateway would have chosen."""
    usual = defaults(kind)
    return {name: value for name, value in settings.items() if value != usual.get(name)}


def is_below(limit: float | None, account: float, materialised: float) -> bool:
    """Whether a rate or a burst limits anything."""
    return limit is not None and 0 <= limit < account and limit != materialised


def limits(own: Limit | None, account: Limit) -> frozenset[str]:
    """Which of rate and burst are limits, and not what the account has anyway."""
    told = own or {}
    return frozenset(
        name
        for name in (RATE, BURST)
        if is_below(told.get(name), account[name], MATERIALISED[name])
    )


def text(limit: Limit) -> str:
    """Such as ``200/100``."""
    return f"{number(limit[RATE])}/{number(limit[BURST])}"


def number(value: float) -> str:
    """As API Gateway takes it in a patch: ``200``, ``0.5``."""
    return str(int(value)) if value == int(value) else str(value)
