"""Functions as they are now: page by page, or by their names, each with its tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls import tag_index
from steward.controls.lambda_api.lists import Described
from steward.controls.lambda_api.reading import cursor as cursor_of
from steward.controls.lambda_api.reading import place, sheltered
from steward.controls.tag_index import Tags
from steward.controls.unreadable import unread
from steward.errors import Gone, OutOfTime, Refused
from steward.events import FUNCTION, function_name
from steward.model import Aws, Ref, Sight, Unread

PAGE = 50
"""Functions a ListFunctions answer holds at most (Lambda API reference)."""

Tagged: TypeAlias = tuple[Described, Mapping[str, str]]
"""A function, and its tags where the policy goes by them."""


def parts(
    sight: Sight[Any], cursor: str | None, size: int = PAGE
) -> Iterator[tuple[list[Tagged | Unread], str | None]]:
    """Every function, so many at once, with the cursor that goes on; Lambda documents no order."""
    token, done = place(cursor)
    for answer, following in sight.aws.pages("lambda", "ListFunctions", token, MaxItems=PAGE):
        found = answer.get("Functions", ())
        for start in range(done, max(len(found), done + 1), size):
            is_last = start + size >= len(found)
            more = cursor_of(following, 0) if is_last else cursor_of(token, start + size)
            yield list(_tagged(sight, found[start : start + size], whole=True)), more
        token, done = following, 0


def named(sight: Sight[Any], refs: Sequence[Ref]) -> list[Tagged | Unread]:
    """The named functions that there are; what is no legal name can name none."""
    legal = (ref.id for ref in refs if ref.id and function_name(ref.id) == ref.id)
    names = list(dict.fromkeys(legal))
    read = sight.aws.together(lambda name: _named(sight, name), names)
    unread = [one for one in read if isinstance(one, Unread)]
    found = [one for one in read if isinstance(one, Mapping)]
    return [*unread, *_tagged(sight, found, whole=False)]


def _named(sight: Sight[Any], name: str) -> Described | Unread | None:
    """What there was no time for is BUSY by itself: the others were read.

    It is read once, however many controls an event makes look at it.
    """

    def read() -> Described | None:
        try:
            return told(sight.aws, name)
        except Gone:
            return None

    try:
        return sheltered(Ref(FUNCTION, name), lambda: sight.known.once(f"function {name}", read))
    except OutOfTime as late:
        return unread(Ref(FUNCTION, name), late)


def told(aws: Aws, name: str) -> Described:
    """A function's configuration, by its name or any ARN of it. Raises Gone."""
    return aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name)


def _tagged(
    sight: Sight[Any], found: Sequence[Described], *, whole: bool
) -> Iterator[Tagged | Unread]:
    """Where tags are needed and cannot be read, nothing is judged."""
    tags: Tags = {}
    if found and sight.policy.honor_tags:
        arns = [one["FunctionArn"] for one in found]
        try:
            tags = (
                tag_index.whole(sight, "lambda:function")
                if whole
                else tag_index.of(sight.aws, arns)
            )
        except Refused as refusal:
            reason = f"tags could not be read: {refusal}"
            yield from (
                Unread(Ref(FUNCTION, one["FunctionName"]), "TAGS_UNREADABLE", reason)
                for one in found
            )
            return
    yield from ((one, tags.get(one["FunctionArn"], {})) for one in found)
