"""Which aliases of a function run without its layers.

No list tells of aliases: one request for each function, and one for each published version that
an alias points to. So a sweep takes from the ledger what it remembers, and reads anew what is new,
wanted otherwise, or was last read a week ago. An alias that is made or moved is told by an event
and read at once; where that event was lost, what is remembered is stale for seven days
(RECHECK_DAYS) and one sweep's interval at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from steward.controls.function_layers.state import Function, Policy
from steward.controls.function_layers.wish import carries, to_be_live
from steward.errors import Gone, Refused, TryAgain
from steward.model import Aws, Sight

MOST_VERSIONS = 25
"""Live versions that are looked into; each costs a request, and all have to fit into a step."""


def is_to_be_read(sight: Sight[Policy], function: Function) -> bool:
    """Whether it depends on the function's aliases how it is judged, and they are not known."""
    known = function.seen == sight.policy.seen(function, sight.now)
    return not known and bool(to_be_live(function, sight.policy))


def with_aliases(sight: Sight[Policy], function: Function) -> Function:
    """The function with the aliases that lag behind. Raises StewardError."""
    if not is_to_be_read(sight, function):
        return function
    wanted = to_be_live(function, sight.policy)
    seen = sight.policy.seen(function, sight.now)
    return replace(function, lagging=tuple(_lagging(sight.aws, function, wanted)), seen=seen)


def _lagging(aws: Aws, function: Function, wanted: Sequence[str]) -> list[str]:
    """Aliases, each with the first of its versions that lacks a wanted layer."""
    aliases: dict[str, list[str]] = defaultdict(list)
    for answer, _ in aws.pages("lambda", "ListAliases", FunctionName=function.name):
        for alias in answer.get("Aliases", []):
            for version in _versions(alias):
                aliases[version].append(alias["Name"])
    aliases.pop("$LATEST", None)
    if len(aliases) > MOST_VERSIONS:
        raise Refused(f"aliases point to {len(aliases)} versions, more than {MOST_VERSIONS}")
    lags: dict[str, str] = {}
    for version in sorted(aliases):
        layers = _layers(aws, function.name, version)
        if not all(carries(layers, arn) for arn in wanted):
            lags = {**dict.fromkeys(aliases[version], version), **lags}
    return [f"{alias} is {version}" for alias, version in sorted(lags.items())]


def _versions(alias: Mapping[str, Any]) -> list[str]:
    """Those that an alias sends calls to, also by weight."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return [alias["FunctionVersion"], *weights]


def _layers(aws: Aws, name: str, version: str) -> list[str]:
    """Of a published version, which never change."""
    try:
        told = aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name, Qualifier=version)
    except Gone as gone:
        raise TryAgain(f"version {version} went while we looked") from gone
    return [one["Arn"] for one in told.get("Layers", ())]
