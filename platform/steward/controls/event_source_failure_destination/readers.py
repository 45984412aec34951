"""How functions are read: all by pages or some by name, and once in a step every mapping there is.

Lambda finds a function's mappings by its exact ARN, with or without an alias; the list of all takes
one request for each hundred, whatever functions are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from steward.controls.event_source_failure_destination.state import (
    KIND,
    UNBOUNDED,
    Function,
    Kind,
    Policy,
    Source,
)
from steward.controls.lambda_api import destinations, functions
from steward.controls.lambda_api.functions import Tagged
from steward.controls.lambda_api.lists import OFF, Described, mappings_once, on_failure
from steward.controls.lambda_api.reading import sheltered
from steward.events import function_name
from steward.model import Page, Ref, Sight, Unread

_STREAM = re.compile(r"arn:[^:]+:(kinesis|dynamodb|kafka):[^:]*:[^:]*:[^/]+/([^/]+)")
_KINDS = {"kinesis": Kind.KINESIS, "dynamodb": Kind.DYNAMODB, "kafka": Kind.KAFKA}


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order."""
    for told, more in functions.parts(sight, cursor):
        yield Page(list(_states(sight, told)), more)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    yield from _states(sight, functions.named(sight, refs))


def _states(sight: Sight[Policy], told: Iterable[Tagged | Unread]) -> Iterator[Function | Unread]:
    for one in told:
        if isinstance(one, Unread):
            yield one
        elif (state := _state(sight, *one)) is not None:
            yield state


def _state(
    sight: Sight[Policy], described: Described, tags: Mapping[str, str]
) -> Function | Unread | None:
    name = described["FunctionName"]
    known = _mappings(sight).get(name, ())

    def read() -> Function:
        sources = sorted(source for one in known if (source := _source(one)))
        return _with_lost(sight, Function(name, tuple(sources), tags))

    return sheltered(Ref(KIND, name), read)


def _mappings(sight: Sight[Policy]) -> Mapping[str, Sequence[Described]]:
    """By function: its mappings; made once in a step. One that names no function is nobody's."""

    def make() -> Mapping[str, Sequence[Described]]:
        found: dict[str, list[Described]] = {}
        for one in mappings_once(sight):
            found.setdefault(function_name(one.get("FunctionArn")), []).append(one)
        return found

    return sight.known.once("mappings of functions", make)


def _source(told: Described) -> Source | None:
    """What a mapping tells of a stream; None of a queue or another source that is none."""
    found = _STREAM.match(told.get("EventSourceArn") or "")
    if not found and "SelfManagedEventSource" not in told:
        return None
    return Source(
        name=found[2] if found else "of its own brokers",
        kind=_KINDS[found[1]] if found else Kind.KAFKA,
        mapping=told["UUID"],
        enabled=told.get("State") not in OFF,
        destination=on_failure(told),
        retries=told.get("MaximumRetryAttempts", UNBOUNDED),
        age_seconds=told.get("MaximumRecordAgeInSeconds", UNBOUNDED),
        bisected=bool(told.get("BisectBatchOnFunctionError")),
    )


def _with_lost(sight: Sight[Policy], function: Function) -> Function:
    """The function, with which ends of failed records are not there, or were not looked for."""
    ends = [one.destination for one in function.sources if one.enabled]
    lost, unchecked = destinations.looked_for(sight, ends)
    sources = (
        replace(one, lost=one.destination in lost, unchecked=one.destination in unchecked)
        for one in function.sources
    )
    return replace(function, sources=tuple(sources))
