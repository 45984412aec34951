"""What Elasticsearch and OpenSearch say of a bulk request and of each event in it."""

from __future__ import annotations

import re
from typing import Any

from steward.shipping.encoders.answers import clean
from steward.shipping.encoders.base import Answer, Kind

EXISTS = 409
ACCESS = frozenset({401, 403, 404})
BLOCKED = "cluster_block_exception"
"""Told with 403, but of a cluster that is short of disk space, or being made ready."""

_FIELD = re.compile(r"\bfield \[([\w.@-]{1,128})\](?: of type \[(\w{1,64})\])?")

_Result = tuple[int, Any]  # status, error


def bulk_answer(value: Any, count: int, after: float | None) -> Answer | None:
    """The answer of a bulk request of ``count`` events; None where it does not tell of each.

    Where nobody's event was let in, it is not the events' fault.
    """
    results = _results(value, count)
    if results is None:
        return None
    failed = {place: r for place, r in enumerate(results) if not _is_taken(r)}
    if not failed:
        return Answer(Kind.OK)
    first = cause(*next(iter(failed.values())))
    again = {place for place, result in failed.items() if _is_transient(result)}
    if {status for status, _ in results} <= ACCESS and not again:
        return Answer(Kind.CONFIGURE, first)
    rejected = {place: cause(*result) for place, result in failed.items() if place not in again}
    if not again:
        return Answer(Kind.OK, first, rejected=rejected)
    everything = len(again) + len(rejected) == count
    return Answer(Kind.RETRY, first, after, rejected, () if everything else tuple(sorted(again)))


def cause(status: int, value: Any) -> str:
    """The status, the error's type and the field's name: never the text, which quotes values."""
    error = value.get("error", value) if isinstance(value, dict) else {}
    error = error if isinstance(error, dict) else {}
    kind, text = error.get("type"), error.get("reason")
    found = _FIELD.search(text) if isinstance(text, str) else None
    told = [f"HTTP {status}", kind if isinstance(kind, str) else ""]
    told += [f"field {found[1]}", f"of type {found[2]}" if found[2] else ""] if found else []
    return clean(" ".join(filter(None, told)))


def _results(value: Any, count: int) -> list[_Result] | None:
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list) or len(items) != count:
        return None
    results = [_result(item) for item in items]
    told = [result for result in results if result is not None]
    return told if len(told) == count else None


def _result(item: Any) -> _Result | None:
    result = item.get("create") if isinstance(item, dict) else None
    status = result.get("status") if isinstance(result, dict) else None
    return (status, result.get("error")) if type(status) is int and result else None


def _is_taken(result: _Result) -> bool:
    return 200 <= result[0] < 300 or result[0] == EXISTS


def _is_transient(result: _Result) -> bool:
    status, error = result
    blocked = isinstance(error, dict) and error.get("type") == BLOCKED
    return status == 429 or status >= 500 or blocked
