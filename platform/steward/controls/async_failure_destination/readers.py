"""How functions are read: who invokes them asynchronously first, then where failures go.

A sweep asks for the metric of all functions of a page at once. Of a function without dead letters
the resource policy is asked for where the metric shows nothing, and on-failure destinations where
either shows that the function is invoked asynchronously.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from steward.controls.async_failure_destination import metrics, triggers
from steward.controls.async_failure_destination.state import KIND, LATEST, Function, Policy
from steward.controls.lambda_api import destinations, functions, lists
from steward.controls.lambda_api.functions import Tagged
from steward.controls.lambda_api.lists import Described
from steward.controls.lambda_api.reading import sheltered
from steward.controls.unreadable import unread
from steward.errors import Refused
from steward.model import Page, Ref, Sight, Unread

PART = 10
"""Functions that are read together, as many as a step has time for."""

METRIC = f"{metrics.METRIC} of {metrics.DAYS} days"
POLICY = "the resource policy of $LATEST"


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order."""
    for told, more in functions.parts(sight, cursor, PART):
        yield Page(list(_states(sight, told)), more)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    yield from _states(sight, functions.named(sight, refs))


def _states(sight: Sight[Policy], told: Iterable[Tagged | Unread]) -> Iterator[Function | Unread]:
    begun: list[Function] = []
    for one in told:
        found = one if isinstance(one, Unread) else _begun(*one)
        if isinstance(found, Function):
            begun.append(found)
        elif found is not None:
            yield found
    received = _received(sight, [one.name for one in begun])
    read = sight.aws.together(
        lambda one: sheltered(one.ref, lambda: _read(sight, one, received=received.get(one.name))),
        begun,
    )
    yield from (one for one in read if one is not None)


def _begun(described: Described, tags: Mapping[str, str]) -> Function | Unread | None:
    """A function as its configuration tells it."""
    name = described["FunctionName"]

    def read() -> Function:
        letters = (described.get("DeadLetterConfig") or {}).get("TargetArn") or ""
        return Function(name, dead_letters=letters, tags=tags)

    return sheltered(Ref(KIND, name), read)


def _received(sight: Sight[Policy], names: Sequence[str]) -> Mapping[str, bool | Refused]:
    judged = [name for name in names if sight.policy.asks(Function(name).ref)]
    return metrics.received(sight.aws, judged, sight.now) if sight.policy.evidence.metrics else {}


def _read(
    sight: Sight[Policy], function: Function, *, received: bool | Refused | None
) -> Function | Unread:
    """A function that nothing is asked of is not looked into. Raises StewardError."""
    if not sight.policy.asks(function.ref):
        return function
    found = _invoked(sight, function, received=received)
    if not found.evidence:
        if isinstance(received, Refused):
            return unread(function.ref, received, "asynchronous invocations")
        return found
    if not found.dead_letters:
        found = _covered(sight, found)
    ends = [found.dead_letters, *found.covered.values()]
    looked = destinations.looked_for(sight, ends)
    return replace(found, lost=looked.lost, unchecked=looked.unchecked)


def _invoked(
    sight: Sight[Policy], function: Function, *, received: bool | Refused | None
) -> Function:
    """The function with who invokes it, as far as it decides anything."""
    asked = (METRIC,) if isinstance(received, bool) else ()
    if received is True:
        return replace(function, evidence=(METRIC,), asked=asked)
    if not sight.policy.evidence.resource_policies or (function.dead_letters and asked):
        return replace(function, asked=asked)
    services = triggers.services(sight.aws, function.name)
    return replace(function, evidence=services, asked=(*asked, POLICY), by_policy=bool(services))


def _covered(sight: Sight[Policy], function: Function) -> Function:
    """The function with where its failures go.

    Aliases are asked for where one could be left out: the metric counts their events, too, and a
    policy of $LATEST lets in none of them.
    """
    told = lists.invoke_configs(sight.aws, function.name)
    covered = {
        qualifier: end
        for one in told
        if (end := lists.on_failure(one)) and (qualifier := _qualifier(one["FunctionArn"]))
    }
    if not covered or (LATEST in covered and function.by_policy):
        return replace(function, covered=covered)
    names = tuple(sorted(one["Name"] for one in lists.aliases(sight.aws, function.name)))
    return replace(function, covered=covered, aliases=names)


def _qualifier(arn: str) -> str:
    """``live`` of ``arn:aws:lambda:REGION:ACCOUNT:function:orders:live``."""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else LATEST
