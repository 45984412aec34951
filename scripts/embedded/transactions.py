"""Lets moto's DynamoDB keep a way back from a transaction without copying every value.

It copies the whole table, deeply, before each TransactWriteItems; a ledger of some hundred items
makes that a fifth of a second. Puts and deletes replace items and never change them, so that the
items themselves need no copy. A transaction that updates items in place has no way back here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models.table import Table

from embedded.overlays import MotoChangedError


@contextmanager
def quick_transactions() -> Iterator[None]:
    """Within, a table's copy shares its items. Raises MotoChangedError where moto copies none."""
    names = vars(models)
    if names.get("copy") is not copy:
        raise MotoChangedError("moto's dynamodb.models no more copies tables by copy.deepcopy")
    names["copy"] = SimpleNamespace(copy=copy.copy, deepcopy=_copied)
    try:
        yield
    finally:
        names["copy"] = copy


def _copied(value: Any) -> Any:
    if not isinstance(value, Table):
        return copy.deepcopy(value)
    twin = copy.copy(value)
    twin.items = copy.copy(value.items)
    for key, items in value.items.items():
        if isinstance(items, dict):
            twin.items[key] = dict(items)
    return twin
