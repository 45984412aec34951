"""How functions are read: whole pages in a sweep, one by one by their names after an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls import tag_index
from steward.controls.function_runtime.state import KIND, Function, Policy
from steward.controls.tag_index import Tags
from steward.errors import Denied, Gone, Refused, TryAgain
from steward.events import function_name
from steward.model import Aws, Page, Ref, Sight, Unread

PAGE = 50
"""Functions a ListFunctions answer holds at most (Lambda API reference)."""

Described: TypeAlias = Mapping[str, Any]


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order."""
    for answer, token in sight.aws.pages("lambda", "ListFunctions", cursor, MaxItems=PAGE):
        found = answer.get("Functions", [])
        yield Page(list(_states(sight, found, lambda _: _all_tags(sight))), token)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    legal = (ref.id for ref in refs if ref.id and function_name(ref.id) == ref.id)
    names = list(dict.fromkeys(legal))
    read = sight.aws.together(lambda name: _named(sight.aws, name), names)
    yield from (one for one in read if isinstance(one, Unread))
    found = [one for one in read if isinstance(one, Mapping)]
    yield from _states(sight, found, lambda arns: tag_index.of(sight.aws, arns))


def _named(aws: Aws, name: str) -> Described | Unread | None:
    """One function by its name; None when there is none."""
    try:
        return aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name)
    except Gone:
        return None
    except TryAgain as busy:
        return Unread(Ref(KIND, name), "BUSY", str(busy))
    except Denied as denial:
        return Unread(Ref(KIND, name), "ACCESS_DENIED", str(denial))
    except Refused as refusal:
        return Unread(Ref(KIND, name), "UNREADABLE", str(refusal))


def _states(
    sight: Sight[Policy], described: Sequence[Described], tags: Callable[[Sequence[str]], Tags]
) -> Iterator[Function | Unread]:
    """Functions with their tags; where those are needed and cannot be read, nothing is judged."""
    found: Tags = {}
    if described and sight.policy.honor_tags:
        try:
            found = tags([one["FunctionArn"] for one in described])
        except Refused as refusal:
            reason = f"tags could not be read: {refusal}"
            yield from (
                Unread(Ref(KIND, one["FunctionName"]), "TAGS_UNREADABLE", reason)
                for one in described
            )
            return
    yield from (_state(sight, one, found.get(one["FunctionArn"], {})) for one in described)


def _state(
    sight: Sight[Policy], described: Described, tags: Mapping[str, str]
) -> Function | Unread:
    name, runtime = described["FunctionName"], described.get("Runtime")
    if runtime is None and described.get("PackageType") != "Image":
        return Unread(Ref(KIND, name), "UNREADABLE", "Lambda tells no runtime of it")
    return Function(name, runtime, sight.now.date(), tags)


def _all_tags(sight: Sight[Policy]) -> Tags:
    return tag_index.whole(sight, "lambda:function")
