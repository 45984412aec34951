"""Reads stages by name and all of an account's, in as few requests as the API allows.

Two lists tell the APIs (500 to a page), GetStages the stages of one API with their settings. That
is a request for each API; what a control reads besides (``methods``) is another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self, TypeAlias

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
from steward.errors import Denied, Gone, Invalid, OutOfTime, Refused, TryAgain
from steward.model import Aws, P, Page, Ref, S, Sight, Unread

PAGE = 500
"""APIs to an answer, at most (API references)."""

CHUNK = 10
"""APIs whose stages are committed together: a step of a sweep has time for several such parts."""

Look: TypeAlias = Callable[[Stage], S]
"""What a control makes of a stage; it may read more, and raise what reading raises."""


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a pass goes on: in which list, from which of its pages, after which API of that."""

    kind: str = REST
    token: str | None = None
    after: str = ""

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Raises Invalid for a text that is not of ``text``."""
        if text is None:
            return cls()
        try:
            cursor = cls(**json.loads(text))
        except (ValueError, TypeError):
            raise Invalid(f"cursor: is {text[:80]!r}, allowed: one of ours") from None
        if cursor.kind not in KINDS:
            raise Invalid(f"cursor: its kind is {cursor.kind!r}, allowed: {', '.join(KINDS)}")
        return cursor

    def text(self) -> str:
        return json.dumps(asdict(self))


def discover(sight: Sight[P], cursor: str | None, look: Look[S]) -> Iterator[Page[S]]:
    """Every stage, a few APIs to a page; API Gateway documents no order."""
    at = _Cursor.read(cursor)
    kinds = list(KINDS)
    while True:
        for listed, token in _listed(sight.aws, at.kind, at.token):
            apis = _after(listed, at.after)
            for end in range(CHUNK, len(apis), CHUNK):
                some = apis[end - CHUNK : end]
                here = _Cursor(at.kind, at.token, some[-1].id)
                yield Page(_stages_of(sight, some, look), here.text())
            rest = _stages_of(sight, apis[(len(apis) - 1) // CHUNK * CHUNK :], look)
            following = kinds[kinds.index(at.kind) + 1 :]
            if token is None and not following:
                yield Page(rest, None)
                return
            at = _Cursor(at.kind, token) if token else _Cursor(following[0])
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


def _listed(aws: Aws, kind: str, start: str | None) -> Iterator[tuple[list[Api], str | None]]:
    """The APIs of a list's pages, with the token of the next."""
    if kind == REST:
        pages = aws.pages("apigateway", "GetRestApis", start, limit=PAGE)
        return (([rest_api(one) for one in page.get("items", ())], token) for page, token in pages)
    pages = aws.pages("apigatewayv2", "GetApis", start, MaxResults=str(PAGE))
    return (([v2_api(one) for one in page.get("Items", ())], token) for page, token in pages)


def _after(apis: Sequence[Api], last: str) -> list[Api]:
    """What comes after an API in its page; all of it where the API is there no more."""
    ids = [api.id for api in apis]
    return list(apis[ids.index(last) + 1 :]) if last in ids else list(apis)


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
        return [_unread(Ref(kind, f"{api}/{name}"), error) for name in sorted(names)]
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
        return [_unread(Ref(api.kind, f"{api.id}/{name}"), error) for name in sorted(names)]
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
        yield _unread(stage.ref, error)


def _unread(ref: Ref, error: Refused | TryAgain) -> Unread:
    if isinstance(error, TryAgain):
        return Unread(ref, "BUSY", str(error))
    code = "ACCESS_DENIED" if isinstance(error, Denied) else "UNREADABLE"
    return Unread(ref, code, str(error))
