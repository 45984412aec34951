"""Functions as they are now: page by page, or by their names, each with its tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from steward.controls import tag_index
from steward.controls.lambda_api.lists import Described
from steward.controls.tag_index import Tags
from steward.errors import Denied, Gone, Invalid, OutOfTime, Refused, StewardError, TryAgain
from steward.events import FUNCTION, function_name
from steward.model import Aws, Ref, Sight, Unread

PAGE = 50
"""Functions a ListFunctions answer holds at most (Lambda API reference)."""

T = TypeVar("T")

Tagged: TypeAlias = tuple[Described, Mapping[str, str]]
"""A function, and its tags where the policy goes by them."""


def parts(
    sight: Sight[Any], cursor: str | None, size: int = PAGE
) -> Iterator[tuple[list[Tagged | Unread], str | None]]:
    """Every function, so many at once, with the cursor that goes on; Lambda documents no order."""
    token, done = _place(cursor) if cursor else (None, 0)
    for answer, following in sight.aws.pages("lambda", "ListFunctions", token, MaxItems=PAGE):
        found = answer.get("Functions", ())
        for start in range(done, len(found), size):
            more = (token, start + size) if start + size < len(found) else (following, 0)
            told = list(_tagged(sight, found[start : start + size], whole=True))
            yield told, json.dumps(more) if any(more) else None
        if done >= len(found):
            yield [], json.dumps((following, 0)) if following else None
        token, done = following, 0


def named(sight: Sight[Any], refs: Sequence[Ref]) -> list[Tagged | Unread]:
    """The named functions that there are; what is no legal name can name none."""
    legal = (ref.id for ref in refs if ref.id and function_name(ref.id) == ref.id)
    names = list(dict.fromkeys(legal))
    read = sight.aws.together(lambda name: _named(sight.aws, name), names)
    unread = [one for one in read if isinstance(one, Unread)]
    found = [one for one in read if isinstance(one, Mapping)]
    return [*unread, *_tagged(sight, found, whole=False)]


def _named(aws: Aws, name: str) -> Described | Unread | None:
    """What there was no time for is BUSY by itself: the others were read."""
    try:
        return sheltered(name, lambda: told(aws, name))
    except OutOfTime as late:
        return unread(name, late)


def _place(cursor: str) -> tuple[str | None, int]:
    """The token of an answer, and how many of its functions are done. Raises Invalid."""
    try:
        token, done = json.loads(cursor)
    except (ValueError, TypeError):
        raise Invalid(f"cursor: is {cursor[:80]!r}, allowed: what a page came with") from None
    return token, done


def told(aws: Aws, name: str) -> Described:
    """A function's configuration, by its name or any ARN of it. Raises Gone."""
    return aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name)


def sheltered(name: str, read: Callable[[], T]) -> T | Unread | None:
    """What was read of one function, or why not; None when there is none. Raises OutOfTime."""
    try:
        return read()
    except Gone:
        return None
    except OutOfTime:
        raise
    except (Refused, TryAgain) as error:
        return unread(name, error)


def unread(name: str, error: StewardError, what: str = "") -> Unread:
    """A function of which ``what`` could not be read, or nothing at all."""
    code = "ACCESS_DENIED" if isinstance(error, Denied) else "UNREADABLE"
    code = "BUSY" if isinstance(error, TryAgain) else code
    return Unread(Ref(FUNCTION, name), code, f"{what}: {error}" if what else str(error))


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
