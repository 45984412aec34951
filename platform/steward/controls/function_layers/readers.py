"""How functions are read: whole pages in a sweep, by their names after an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from steward.controls import tag_index
from steward.controls.function_layers import described, fresh
from steward.controls.function_layers.described import Described
from steward.controls.function_layers.state import Function, Policy
from steward.controls.tag_index import Tags
from steward.errors import OutOfTime
from steward.events import function_name
from steward.model import Page, Ref, Sight, Unread

PAGE = 50
"""Functions a ListFunctions answer holds at most (Lambda API reference)."""

BATCH = 8
"""Functions looked into together: with what is to be changed they fit into a step, at a
function's pace."""

WITHIN = ">"
"""How a cursor begins that stands within a page: then a name, a space, and the page's marker."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order. Pages hold so many to be looked into at most."""
    marker, after = _parsed(cursor)
    for answer, following in sight.aws.pages("lambda", "ListFunctions", marker, MaxItems=PAGE):
        told = _after(answer.get("Functions", []), after)
        listed = list(described.functions(sight, told, lambda _: _all_tags(sight)))
        parts = list(_parts(sight, listed))
        for number, part in enumerate(parts, 1):
            read = fresh.completed(sight, part)
            late = next((at for at, one in enumerate(read) if isinstance(one, OutOfTime)), None)
            done = [one for one in read[:late] if isinstance(one, Function | Unread)]
            if late is None and number == len(parts):
                yield Page(done, following)
            elif late is None or late > 0:
                last = part[-1 if late is None else late - 1].ref.id
                yield Page(done, f"{WITHIN}{last} {marker or ''}")
            if late is not None:
                raise OutOfTime("no more functions can be looked into before the deadline")
        marker, after = following, ""


def _parsed(cursor: str | None) -> tuple[str | None, str]:
    """The marker of a page, and the name in it after which to go on."""
    if cursor is None or not cursor.startswith(WITHIN):
        return cursor, ""
    name, _, marker = cursor.removeprefix(WITHIN).partition(" ")
    return marker or None, name


def _after(told: Sequence[Described], name: str) -> Sequence[Described]:
    """What comes after a function; all, where it is no longer there: twice is better than not."""
    names = [one["FunctionName"] for one in told]
    return told[names.index(name) + 1 :] if name in names else told


def _parts(
    sight: Sight[Policy], listed: Sequence[Function | Unread]
) -> Iterator[list[Function | Unread]]:
    """A page's functions in their order, in parts of which each can be looked into at once."""
    part: list[Function | Unread] = []
    needed = 0
    for one in listed:
        more = fresh.is_needed(sight, one)
        if more and needed == BATCH:
            yield part
            part, needed = [], 0
        part.append(one)
        needed += more
    yield part


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions with their aliases as they are now, whatever is remembered of those.

    What is no legal name can name none, and is not asked for.
    """
    legal = [ref for ref in dict.fromkeys(refs) if ref.id and function_name(ref.id) == ref.id]
    told = sight.aws.together(lambda ref: fresh.named(sight.aws, ref), legal) if legal else []
    yield from (one for one in told if isinstance(one, Unread))
    there = [one for one in told if isinstance(one, Mapping)]
    found = described.functions(sight, there, lambda arns: tag_index.of(sight.aws, arns))
    forgetful = [replace(one, seen="") if isinstance(one, Function) else one for one in found]
    for ref, one in zip(
        (one.ref for one in forgetful), fresh.completed(sight, forgetful), strict=True
    ):
        if isinstance(one, OutOfTime):
            yield Unread(ref, "BUSY", str(one))
        elif one is not None:
            yield one


def _all_tags(sight: Sight[Policy]) -> Tags:
    return tag_index.whole(sight, "lambda:function")
