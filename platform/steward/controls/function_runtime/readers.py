"""How functions are read: whole pages in a sweep, one by one by their names after an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from steward.controls.function_runtime.state import KIND, Function, Policy
from steward.controls.lambda_api import functions
from steward.controls.lambda_api.functions import Tagged
from steward.controls.lambda_api.lists import Described
from steward.model import Page, Ref, Sight, Unread


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order."""
    for told, more in functions.parts(sight, cursor):
        yield Page(list(_states(sight, told)), more)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    yield from _states(sight, functions.named(sight, refs))


def _states(sight: Sight[Policy], told: Iterable[Tagged | Unread]) -> Iterator[Function | Unread]:
    for one in told:
        yield one if isinstance(one, Unread) else _state(sight, *one)


def _state(
    sight: Sight[Policy], described: Described, tags: Mapping[str, str]
) -> Function | Unread:
    name, runtime = described["FunctionName"], described.get("Runtime")
    if runtime is None and described.get("PackageType") != "Image":
        return Unread(Ref(KIND, name), "UNREADABLE", "Lambda tells no runtime of it")
    return Function(name, runtime, sight.now.date(), tags)
