"""How DynamoDB writes the ledger's values down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from steward.ledger import Item, item_from_record, to_record
from steward.model import Ref

Record = Mapping[str, Any]


def ref_key(ref: Ref) -> str:
    return f"{ref.kind}|{ref.id}"


def key_of(pk: str, sk: str) -> Record:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def values_of(values: Record) -> Record:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in values.items()}


def marshalled(pk: str, sk: str, record: Record) -> Record:
    """A record as DynamoDB takes it; None is told by absence."""
    present = {name: value for name, value in record.items() if value is not None}
    return {**key_of(pk, sk), **values_of(present)}


def plain(record: Record) -> dict[str, Any]:
    """A record without keys and expiry, its numbers integers again."""
    deserialize = TypeDeserializer().deserialize
    plain = {
        name: deserialize(value)
        for name, value in record.items()
        if name not in ("pk", "sk", "ttl")
    }
    return {name: _number(value) for name, value in plain.items()}


def _number(value: Any) -> Any:
    return value if isinstance(value, str | bool) else int(value)


def item_record(item: Item) -> Record:
    return marshalled(f"item#{item.control}", ref_key(item.ref), to_record(item))


def item_of(record: Record) -> Item:
    return item_from_record(plain(record))
