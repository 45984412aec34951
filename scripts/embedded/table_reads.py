"""Lets moto's DynamoDB answer a read without looking at all that it keeps.

It sorts the whole table before each Query, of whatever partition, and asks of each value that it
tells by which of thirty names its type could be known. A ledger of some thousand items makes that
half a second.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any

from moto.core.responses import ActionContext
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoResult

from embedded.overlays import MotoChangedError

_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
"""Operations whose answers moto makes with the members of the API reference, by their names."""


@contextmanager
def quick_reads() -> Iterator[None]:
    """Within, moto reads one partition and tells items as they are. Raises MotoChangedError."""
    query, told = Table.query, DynamoResult.execute_result
    known = signature(query)
    if "index_name" not in known.parameters or "items" not in Table.all_items.__code__.co_names:
        raise MotoChangedError(
            "moto's Table has no more query by index_name, or all_items of items"
        )

    def one_partition(table: Table, hash_key: DynamoType, *args: Any, **params: Any) -> Any:
        index = known.bind(table, hash_key, *args, **params).arguments.get("index_name")
        asked = _partition(table, hash_key) if index is None else table
        return query(asked, hash_key, *args, **params)

    def plainly(result: DynamoResult, context: ActionContext) -> Any:
        if str(context.operation_model.name) not in _READS:
            return told(result, context)
        bare = context.serializer_class(operation_model=context.operation_model).serialize({})
        return bare["status_code"], bare["headers"], json.dumps(result.result, default=_in_base64)

    Table.query = one_partition  # type: ignore[method-assign,assignment]  # as documented
    DynamoResult.execute_result = plainly  # type: ignore[method-assign,assignment]  # as documented
    try:
        yield
    finally:
        Table.query = query  # type: ignore[method-assign]  # as before
        DynamoResult.execute_result = told  # type: ignore[method-assign]  # as before


def _partition(table: Table, hash_key: DynamoType) -> Table:
    """The table as it would be without the items of other partitions, which it shares."""
    twin = object.__new__(Table)  # type: ignore[type-abstract]  # one that moto keeps no list of
    vars(twin).update(vars(table))
    kept = vars(table)["items"]
    vars(twin)["items"] = {hash_key: kept[hash_key]} if hash_key in kept else {}
    return twin


def _in_base64(value: bytes) -> str:
    """As moto's serializer tells a blob, the only member that JSON has no form for."""
    return base64.b64encode(value).decode()
