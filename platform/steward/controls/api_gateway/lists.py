"""The lists of an account's APIs, in parts that a pass can go on behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from steward.controls.api_gateway.stages import KINDS, REST, Api, rest_api, v2_api
from steward.errors import Invalid
from steward.model import Aws

PAGE = 500
"""APIs to an answer, at most (API references)."""


@dataclass(frozen=True, slots=True)
class Cursor:
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


def listed(aws: Aws, kind: str, start: str | None) -> Iterator[tuple[list[Api], str | None]]:
    """The APIs of a list's pages, with the token of the next."""
    if kind == REST:
        pages = aws.pages("apigateway", "GetRestApis", start, limit=PAGE)
        return (([rest_api(one) for one in page.get("items", ())], token) for page, token in pages)
    pages = aws.pages("apigatewayv2", "GetApis", start, MaxResults=str(PAGE))
    return (([v2_api(one) for one in page.get("Items", ())], token) for page, token in pages)


def after(apis: Sequence[Api], last: str) -> list[Api]:
    """What comes after an API in its page; all of it where the API is there no more."""
    ids = [api.id for api in apis]
    return list(apis[ids.index(last) + 1 :]) if last in ids else list(apis)
