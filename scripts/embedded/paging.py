"""Pages with tokens that tell a client nothing, as AWS's do."""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class BadTokenError(ValueError):
    """A token that we did not give, or gave for another question."""


def page(
    items: Sequence[T],
    key: Callable[[T], str],
    size: int,
    token: str | None,
    query: Mapping[str, Any],
) -> tuple[Sequence[T], str | None]:
    """The items after the token, and the next token; ``items`` are sorted by ``key``.

    A token holds the last key, so that what is created or deleted between two pages neither
    repeats nor skips an item. Raises BadTokenError.
    """
    start = bisect_right(items, _after(token, query), key=key) if token else 0
    found = items[start : start + size]
    more = start + size < len(items)
    return found, _token(key(found[-1]), query) if more else None


def _token(after: str, query: Mapping[str, Any]) -> str:
    document = {"after": after, "query": _mark(query)}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


def _after(token: str, query: Mapping[str, Any]) -> str:
    try:
        document = json.loads(base64.urlsafe_b64decode(token))
        after, asked = str(document["after"]), document["query"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadTokenError(token) from error
    if asked != _mark(query):
        raise BadTokenError(token)
    return after


def _mark(query: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(query, sort_keys=True).encode()).hexdigest()[:12]
