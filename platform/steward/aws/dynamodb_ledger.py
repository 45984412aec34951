"""The ledger in DynamoDB: one table, keys ``pk`` and ``sk``, expiry in ``ttl``.

| pk               | sk              | what                                       |
|------------------|-----------------|--------------------------------------------|
| item#CONTROL     | KIND|ID         | the latest finding on a resource           |
| change#CONTROL   | change id       | a change; ids sort by time                 |
| sweep#CONTROL    | sweep id        | a sweep, finished or under way             |
| exempt#CONTROL   | resource        | an exemption                               |
| budget#CONTROL   | window          | how much of a budget is used               |
| lease#CONTROL    | -               | who sweeps the control, and until when     |

TTL only tidies: DynamoDB deletes late, so what has expired is told by reading it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from steward.errors import Refused, TryAgain
from steward.ledger import (
    Change,
    Item,
    Sweep,
    change_from_record,
    control_of,
    item_from_record,
    sweep_from_record,
    to_record,
)
from steward.model import Aws, Clock, Exemption, Ref

GET_BATCH = 100  # keys of a BatchGetItem (API reference)
WRITE_BATCH = 25  # puts and deletes of a BatchWriteItem
TRANSACTION = 100  # actions of a TransactWriteItems

CHANGES_KEPT = timedelta(days=400)
SWEEPS_KEPT = timedelta(days=90)
WINDOWS_KEPT = timedelta(days=2)

_FAILED_CONDITION = "ConditionalCheckFailedException"

Record = Mapping[str, Any]


class DynamoDBLedger:
    """See ``steward.ledger.Ledger``."""

    def __init__(self, aws: Aws, table: str, clock: Clock) -> None:
        self._aws = aws
        self._table = table
        self._clock = clock

    def items(self, control: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        keys = [_key(f"item#{control}", _ref_key(ref)) for ref in dict.fromkeys(refs)]
        records: list[Record] = []
        for start in range(0, len(keys), GET_BATCH):
            asked = {self._table: {"Keys": keys[start : start + GET_BATCH], "ConsistentRead": True}}
            while asked:
                answer = self._aws.ask("dynamodb", "BatchGetItem", RequestItems=asked)
                records += answer["Responses"].get(self._table, [])
                asked = dict(answer.get("UnprocessedKeys", {}))
        return {item.ref: item for item in map(_item, records)}

    def items_between(
        self, control: str, kind: str, after: str, upto: str | None
    ) -> Mapping[Ref, Item]:
        # U+10FFFF sorts behind every id; the range is inclusive, so the first is taken out again
        low, high = f"{kind}|{after}", f"{kind}|{upto if upto is not None else chr(0x10FFFF)}"
        found = map(_item, self._query(f"item#{control}", between=(low, high)))
        return {item.ref: item for item in found if item.ref.id != after}

    def all_items(self, control: str) -> Iterator[Item]:
        return map(_item, self._query(f"item#{control}"))

    def intend(self, changes: Sequence[Change], items: Sequence[Item]) -> None:
        puts = [
            {"Put": {"TableName": self._table, "Item": record}}
            for change, item in zip(changes, items, strict=True)
            for record in (self._change_record(change), _item_record(item))
        ]
        for start in range(0, len(puts), TRANSACTION):
            batch = puts[start : start + TRANSACTION]
            self._aws.ask("dynamodb", "TransactWriteItems", TransactItems=batch)

    def commit(
        self,
        *,
        items: Sequence[Item] = (),
        gone: Sequence[Item] = (),
        changes: Sequence[Change] = (),
        sweep: Sweep | None = None,
    ) -> None:
        puts = [*map(self._change_record, changes), *map(_item_record, items)]
        deletes = [_key(f"item#{item.control}", _ref_key(item.ref)) for item in gone]
        self._write(puts, deletes)
        if sweep is not None:
            record = {**to_record(sweep), "ttl": self._expiry(SWEEPS_KEPT)}
            self._put(_marshalled(f"sweep#{sweep.control}", sweep.id, record))

    def withdraw(self, changes: Sequence[Change]) -> None:
        self._write([], [_key(f"change#{change.control}", change.id) for change in changes])

    def change(self, change_id: str) -> Change | None:
        key = _key(f"change#{control_of(change_id)}", change_id)
        record = self._get(key)
        return None if record is None else change_from_record(_plain(record))

    def changes(self, control: str) -> Iterator[Change]:
        for record in self._query(f"change#{control}", newest_first=True):
            yield change_from_record(_plain(record))

    def exemptions(self, control: str) -> Sequence[Exemption]:
        records = map(_plain, self._query(f"exempt#{control}"))
        return [
            Exemption(**{**record, "expires": date.fromisoformat(record["expires"])})
            for record in records
        ]

    def exempt(self, control: str, exemption: Exemption) -> None:
        end = datetime.combine(exemption.expires, datetime.min.time()) + timedelta(days=30)
        record = {
            "resource": exemption.resource,
            "reason": exemption.reason,
            "owner": exemption.owner,
            "expires": exemption.expires.isoformat(),
            "ttl": int(end.timestamp()),
        }
        self._put(_marshalled(f"exempt#{control}", exemption.resource, record))

    def unexempt(self, control: str, resource: str) -> bool:
        answer = self._aws.ask(
            "dynamodb",
            "DeleteItem",
            TableName=self._table,
            Key=_key(f"exempt#{control}", resource),
            ReturnValues="ALL_OLD",
        )
        return bool(answer.get("Attributes"))

    def take(self, control: str, window: str, wanted: int, limit: int) -> int:
        key = _key(f"budget#{control}", window)
        while True:
            used = int(_plain(self._get(key) or {}).get("used", 0))
            granted = min(wanted, max(0, limit - used))
            if granted == 0 or self._advance(key, used, granted):
                return granted

    def acquire(self, control: str, holder: str, seconds: int) -> bool:
        now = int(self._clock.now().timestamp())
        record = {"holder": holder, "until": now + seconds, "ttl": now + seconds}
        return self._conditionally(
            "PutItem",
            Item=_marshalled(f"lease#{control}", "-", record),
            ConditionExpression="attribute_not_exists(pk) OR #until <= :now OR holder = :holder",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues=_values({":now": now, ":holder": holder}),
        )

    def release(self, control: str, holder: str) -> None:
        self._conditionally(
            "DeleteItem",
            Key=_key(f"lease#{control}", "-"),
            ConditionExpression="holder = :holder",
            ExpressionAttributeValues=_values({":holder": holder}),
        )

    def sweeps(self, control: str) -> Iterator[Sweep]:
        for record in self._query(f"sweep#{control}", newest_first=True):
            yield sweep_from_record(_plain(record))

    def _advance(self, key: Record, used: int, granted: int) -> bool:
        """Count ``granted`` as used, unless somebody else has counted since ``used`` was read."""
        return self._conditionally(
            "UpdateItem",
            Key=key,
            UpdateExpression="SET used = :after, #ttl = :ttl",
            ConditionExpression="used = :used OR attribute_not_exists(used)",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues=_values(
                {":used": used, ":after": used + granted, ":ttl": self._expiry(WINDOWS_KEPT)}
            ),
        )

    def _conditionally(self, operation: str, **params: Any) -> bool:
        try:
            self._aws.ask("dynamodb", operation, TableName=self._table, **params)
        except Refused as refusal:
            if refusal.code != _FAILED_CONDITION:
                raise
            return False
        return True

    def _get(self, key: Record) -> Record | None:
        answer = self._aws.ask(
            "dynamodb", "GetItem", TableName=self._table, Key=key, ConsistentRead=True
        )
        return answer.get("Item")

    def _put(self, record: Record) -> None:
        self._aws.ask("dynamodb", "PutItem", TableName=self._table, Item=record)

    def _write(self, puts: Iterable[Record], deletes: Iterable[Record]) -> None:
        requests: list[Record] = [{"PutRequest": {"Item": record}} for record in puts]
        requests += [{"DeleteRequest": {"Key": key}} for key in deletes]
        for start in range(0, len(requests), WRITE_BATCH):
            asked: Mapping[str, Any] = {self._table: requests[start : start + WRITE_BATCH]}
            for _ in range(10):
                answer = self._aws.ask("dynamodb", "BatchWriteItem", RequestItems=asked)
                asked = answer.get("UnprocessedItems", {})
                if not asked:
                    break
                self._clock.sleep(0.2)
            else:
                raise TryAgain("BatchWriteItem: DynamoDB keeps leaving items unprocessed")

    def _query(
        self, pk: str, between: tuple[str, str] | None = None, *, newest_first: bool = False
    ) -> Iterator[Record]:
        condition, values = "pk = :pk", {":pk": pk}
        if between is not None:
            condition += " AND sk BETWEEN :low AND :high"
            values |= {":low": between[0], ":high": between[1]}
        start: Record = {}
        while True:
            answer = self._aws.ask(
                "dynamodb",
                "Query",
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_values(values),
                ScanIndexForward=not newest_first,
                ConsistentRead=True,
                **start,
            )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _change_record(self, change: Change) -> Record:
        record = {**to_record(change), "ttl": self._expiry(CHANGES_KEPT)}
        return _marshalled(f"change#{change.control}", change.id, record)

    def _expiry(self, kept: timedelta) -> int:
        return int((self._clock.now() + kept).timestamp())


def _ref_key(ref: Ref) -> str:
    return f"{ref.kind}|{ref.id}"


def _key(pk: str, sk: str) -> Record:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _values(values: Record) -> Record:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in values.items()}


def _marshalled(pk: str, sk: str, record: Record) -> Record:
    """A record as DynamoDB takes it; None is told by absence."""
    present = {name: value for name, value in record.items() if value is not None}
    return {**_key(pk, sk), **_values(present)}


def _plain(record: Record) -> dict[str, Any]:
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


def _item_record(item: Item) -> Record:
    return _marshalled(f"item#{item.control}", _ref_key(item.ref), to_record(item))


def _item(record: Record) -> Item:
    return item_from_record(_plain(record))
