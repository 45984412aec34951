"""Reads stages by name and all of an account's, in as few requests as the API allows.

Two lists tell the APIs (500 to a page), GetStages the stages of one API with their settings. That
is a request for each API; what a control reads besides (``methods``) is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from steward.controls.api_gateway.lists import PAGE, Cursor, after, listed
from steward.controls.api_gateway.stages import (
    KINDS,
    REST,
    Api,
    Stage,
    rest_api,
    rest_stage,
    v2_api,
    v2_stage,
)
from steward.controls.unreadable import unread
from steward.errors import Gone, OutOfTime, Refused, TryAgain
from steward.model import Aws, P, Page, Ref, S, Sight, Unread

CHUNK = 5
"""APIs whose stages are committed together: a step of a sweep has time for several such parts."""

Look: TypeAlias = Callable[[Stage], S]
"""What a control makes of a stage; it may read more, and raise what reading raises."""


def discover(sight: Sight[P], cursor: str | None, look: Look[S]) -> Iterator[Page[S]]:
    """Every stage, a few APIs to a page; API Gateway documents no order."""
    at = Cursor.read(cursor)
    kinds = list(KINDS)
    while True:
        for apis_told, token in listed(sight.aws, at.kind, at.token):
            apis = after(apis_told, at.after)
            for end in range(CHUNK, len(apis), CHUNK):
                some = apis[end - CHUNK : end]
                here = Cursor(at.kind, at.token, some[-1].id)
                yield Page(_stages_of(sight, some, look), here.text())
            rest = _stages_of(sight, apis[(len(apis) - 1) // CHUNK * CHUNK :], look)
            following = kinds[kinds.index(at.kind) + 1 :]
            if token is None and not following:
                yield Page(rest, None)
                return
            at = Cursor(at.kind, token) if token else Cursor(following[0])
            yield Page(rest, at.text())


def observe(sight: Sight[P], refs: Sequence[Ref], look: Look[S]) -> Iterator[S | Unread]:
    """The named stages, or all of an API's by ``<apiId>/*``; each API is read once."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for ref in refs:
        api, _, stage = ref.id.partition("/")
        if ref.kind in KINDS and api and stage:
            wanted.setdefault((ref.kind, api), set()).add(stage)
    read = partial(_named, sight, look=look)
    for found in sight.aws.together(read, list(wanted.items())):
        yield from found


def _stages_of(sight: Sight[P], apis: Sequence[Api], look: Look[S]) -> list[S | Unread]:
    """Of these APIs; an API whose stages cannot be read is told as one thing that is unread."""
    found = sight.aws.together(lambda api: _of_api(sight.aws, api, {"*"}, look), apis)
    return [state for states in found for state in states]


def _named(
    sight: Sight[P], asked: tuple[tuple[str, str], set[str]], look: Look[S]
) -> list[S | Unread]:
    """The stages of one API that were asked for; nothing where the API is gone."""
    (kind, api), names = asked
    try:
        known = sight.known.once(f"api {kind} {api}", lambda: _api(sight.aws, kind, api))
    except OutOfTime:
        raise
    except (Refused, TryAgain) as error:
        return [unread(Ref(kind, f"{api}/{name}"), error) for name in sorted(names)]
    return [] if known is None else _of_api(sight.aws, known, names, look)


def _api(aws: Aws, kind: str, api: str) -> Api | None:
    """The API by its id; None: there is none."""
    try:
        if kind == REST:
            return rest_api(aws.ask("apigateway", "GetRestApi", restApiId=api))
        return v2_api(aws.ask("apigatewayv2", "GetApi", ApiId=api))
    except Gone:
        return None


def _of_api(aws: Aws, api: Api, names: set[str], look: Look[S]) -> list[S | Unread]:
    """What a control makes of an API's stages, as far as they are asked for."""
    try:
        stages = list(_stages(aws, api))
    except OutOfTime:
        raise
    except Gone:
        return []
    except (Refused, TryAgain) as error:
        return [unread(Ref(api.kind, f"{api.id}/{name}"), error) for name in sorted(names)]
    asked = [one for one in stages if "*" in names or one.name in names]
    return [state for stage in asked for state in _looked(stage, look)]


def _stages(aws: Aws, api: Api) -> Iterator[Stage]:
    if api.kind == REST:
        answer: Mapping[str, Any] = aws.ask("apigateway", "GetStages", restApiId=api.id)
        return (rest_stage(api, one) for one in answer.get("item", ()))
    pages = aws.pages("apigatewayv2", "GetStages", ApiId=api.id, MaxResults=str(PAGE))
    return (v2_stage(api, one) for answer, _ in pages for one in answer.get("Items", ()))


def _looked(stage: Stage, look: Look[S]) -> Iterator[S | Unread]:
    """A stage that vanishes while it is looked at is no more."""
    try:
        yield look(stage)
    except OutOfTime:
        raise
    except Gone:
        return
    except (Refused, TryAgain) as error:
        yield unread(stage.ref, error)
