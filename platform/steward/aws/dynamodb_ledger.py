"""The ledger in DynamoDB: one table, keys ``pk`` and ``sk``, expiry in ``ttl``.

| pk               | sk              | what                                       |
|------------------|-----------------|--------------------------------------------|
| item#CONTROL     | KIND|ID         | the latest finding on a resource           |
| gone#CONTROL     | KIND|ID         | what was out of order when it vanished     |
| change#CONTROL   | change id       | a change; ids sort by time                 |
| sweep#CONTROL    | sweep id        | a sweep, finished or under way             |
| exempt#CONTROL   | resource        | an exemption                               |
| budget#CONTROL   | window          | how much of a budget is used               |
| lease#CONTROL    | -               | who sweeps the control, and until when     |

TTL only tidies: DynamoDB deletes late, so what has expired is told by reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from steward.aws.records import (
    Record,
    item_of,
    item_record,
    key_of,
    marshalled,
    plain,
    ref_key,
    values_of,
)
from steward.errors import BadPolicy, Gone, Refused, TryAgain
from steward.history import is_unresolved
from steward.ledger import (
    Change,
    Item,
    Sweep,
    change_from_record,
    control_of,
    least_id,
    sweep_from_record,
    to_record,
)
from steward.model import Aws, Clock, Exemption, Ref

GET_BATCH = 100  # keys of a BatchGetItem (API reference)
WRITE_BATCH = 25  # puts and deletes of a BatchWriteItem
TRANSACTION = 100  # actions of a TransactWriteItems

ATTEMPTS = 7
"""How often a batch is sent again for what DynamoDB left of it, within 6.3 s."""

CHANGES_KEPT = timedelta(days=400)
EXEMPTIONS_KEPT = timedelta(days=30)  # beyond their end
GONE_KEPT = timedelta(days=90)
SWEEPS_KEPT = timedelta(days=90)
WINDOWS_KEPT = timedelta(days=2)

_FAILED_CONDITION = "ConditionalCheckFailedException"


class DynamoDBLedger:
    """See ``steward.ledger.Ledger``. ``wrote`` is told of changes once they are committed."""

    def __init__(
        self,
        aws: Aws,
        table: str,
        clock: Clock,
        wrote: Callable[[Sequence[Change]], None] = lambda _: None,
    ) -> None:
        self._aws = aws
        self._table = table
        self._clock = clock
        self._wrote = wrote

    def items(self, control: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        keys = [key_of(f"item#{control}", ref_key(ref)) for ref in dict.fromkeys(refs)]
        records: list[Record] = []
        for start in range(0, len(keys), GET_BATCH):
            batch = keys[start : start + GET_BATCH]
            asked = {self._table: {"Keys": batch, "ConsistentRead": True}}
            for answer in self._until_processed("BatchGetItem", "UnprocessedKeys", asked):
                records += answer["Responses"].get(self._table, [])
        return {item.ref: item for item in map(item_of, records)}

    def items_between(
        self, control: str, kind: str, after: str, upto: str | None
    ) -> Mapping[Ref, Item]:
        # U+10FFFF sorts behind every id; the range is inclusive, so the first is taken out again
        low, high = f"{kind}|{after}", f"{kind}|{upto if upto is not None else chr(0x10FFFF)}"
        found = map(item_of, self._query(f"item#{control}", between=(low, high)))
        return {item.ref: item for item in found if item.ref.id != after}

    def all_items(self, control: str) -> Iterator[Item]:
        return map(item_of, self._query(f"item#{control}"))

    def gone(self, control: str) -> Iterator[Item]:
        return map(item_of, self._query(f"gone#{control}"))

    def intend(self, changes: Sequence[Change], items: Sequence[Item]) -> None:
        puts = [
            {"Put": {"TableName": self._table, "Item": record}}
            for change, item in zip(changes, items, strict=True)
            for record in (self._change_record(change), item_record(item))
        ]
        for start in range(0, len(puts), TRANSACTION):
            batch = puts[start : start + TRANSACTION]
            self._ask("TransactWriteItems", TransactItems=batch)

    def commit(
        self,
        *,
        items: Sequence[Item] = (),
        gone: Sequence[Item] = (),
        changes: Sequence[Change] = (),
        sweep: Sweep | None = None,
    ) -> None:
        puts = [*map(self._change_record, changes), *map(item_record, items)]
        puts += map(self._gone_record, filter(is_unresolved, gone))
        deletes = [key_of(f"item#{item.control}", ref_key(item.ref)) for item in gone]
        self._write(puts, deletes)
        if sweep is not None:
            record = {**to_record(sweep), "ttl": self._expiry(SWEEPS_KEPT)}
            self._put(marshalled(f"sweep#{sweep.control}", sweep.id, record))
        self._wrote(changes)

    def withdraw(self, changes: Sequence[Change]) -> None:
        self._write([], [key_of(f"change#{change.control}", change.id) for change in changes])

    def change(self, change_id: str) -> Change | None:
        control = control_of(change_id)
        record = self._get(key_of(f"change#{control}", change_id)) if control else None
        return None if record is None else change_from_record(plain(record))

    def changes(self, control: str, since: str = "") -> Iterator[Change]:
        between = (least_id(control, since), f"{control}-{chr(0x10FFFF)}")
        for record in self._query(f"change#{control}", between, newest_first=True):
            yield change_from_record(plain(record))

    def exemptions(self, control: str) -> Sequence[Exemption]:
        records = map(plain, self._query(f"exempt#{control}"))
        return [
            Exemption(**{**record, "expires": date.fromisoformat(record["expires"])})
            for record in records
        ]

    def exempt(self, control: str, exemption: Exemption) -> None:
        end = datetime.combine(exemption.expires, time(), UTC).timestamp()  # it may be in 9999
        record = {
            "resource": exemption.resource,
            "reason": exemption.reason,
            "owner": exemption.owner,
            "expires": exemption.expires.isoformat(),
            "ttl": int(end + EXEMPTIONS_KEPT.total_seconds()),
        }
        self._put(marshalled(f"exempt#{control}", exemption.resource, record))

    def unexempt(self, control: str, resource: str) -> bool:
        answer = self._ask(
            "DeleteItem",
            TableName=self._table,
            Key=key_of(f"exempt#{control}", resource),
            ReturnValues="ALL_OLD",
        )
        return bool(answer.get("Attributes"))

    def take(self, control: str, window: str, wanted: int, limit: int) -> int:
        key = key_of(f"budget#{control}", window)
        while True:
            used = int(plain(self._get(key) or {}).get("used", 0))
            granted = min(wanted, max(0, limit - used))
            if granted == 0 or self._advance(key, used, granted):
                return granted

    def acquire(self, control: str, holder: str, seconds: int) -> bool:
        now = int(self._clock.now().timestamp())
        record = {"holder": holder, "until": now + seconds, "ttl": now + seconds}
        return self._conditionally(
            "PutItem",
            Item=marshalled(f"lease#{control}", "-", record),
            ConditionExpression="attribute_not_exists(pk) OR #until <= :now OR holder = :holder",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues=values_of({":now": now, ":holder": holder}),
        )

    def release(self, control: str, holder: str) -> None:
        self._conditionally(
            "DeleteItem",
            Key=key_of(f"lease#{control}", "-"),
            ConditionExpression="holder = :holder",
            ExpressionAttributeValues=values_of({":holder": holder}),
        )

    def sweeps(self, control: str) -> Iterator[Sweep]:
        for record in self._query(f"sweep#{control}", newest_first=True):
            yield sweep_from_record(plain(record))

    def _advance(self, key: Record, used: int, granted: int) -> bool:
        """Count ``granted`` as used, unless somebody else has counted since ``used`` was read."""
        return self._conditionally(
            "UpdateItem",
            Key=key,
            UpdateExpression="SET used = :after, #ttl = :ttl",
            ConditionExpression="used = :used OR attribute_not_exists(used)",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues=values_of(
                {
                    ":used": used,
                    ":after": max(0, used + granted),
                    ":ttl": self._expiry(WINDOWS_KEPT),
                }
            ),
        )

    def _conditionally(self, operation: str, **params: Any) -> bool:
        try:
            self._ask(operation, TableName=self._table, **params)
        except Refused as refusal:
            if refusal.code != _FAILED_CONDITION:
                raise
            return False
        return True

    def _ask(self, operation: str, /, **params: Any) -> Mapping[str, Any]:
        try:
            return self._aws.ask("dynamodb", operation, **params)
        except Gone as error:
            missing = f"ledger: there is no table {self._table!r} here; is the stack deployed?"
            raise BadPolicy(missing) from error

    def _get(self, key: Record) -> Record | None:
        answer = self._ask("GetItem", TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _put(self, record: Record) -> None:
        self._ask("PutItem", TableName=self._table, Item=record)

    def _write(self, puts: Iterable[Record], deletes: Iterable[Record]) -> None:
        requests: list[Record] = [{"PutRequest": {"Item": record}} for record in puts]
        requests += [{"DeleteRequest": {"Key": key}} for key in deletes]
        for start in range(0, len(requests), WRITE_BATCH):
            asked = {self._table: requests[start : start + WRITE_BATCH]}
            for _ in self._until_processed("BatchWriteItem", "UnprocessedItems", asked):
                pass

    def _until_processed(
        self, operation: str, left: str, asked: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """Answers until nothing is left unprocessed. Raises TryAgain when that takes too long."""
        for attempt in range(ATTEMPTS):
            answer = self._ask(operation, RequestItems=asked)
            yield answer
            asked = answer.get(left, {})
            if not asked:
                return
            if attempt + 1 < ATTEMPTS:
                self._clock.sleep(0.1 * 2**attempt)
        raise TryAgain(f"{operation}: DynamoDB keeps leaving items unprocessed")

    def _query(
        self, pk: str, between: tuple[str, str] | None = None, *, newest_first: bool = False
    ) -> Iterator[Record]:
        condition, values = "pk = :pk", {":pk": pk}
        if between is not None:
            condition += " AND sk BETWEEN :low AND :high"
            values |= {":low": between[0], ":high": between[1]}
        start: Record = {}
        while True:
            answer = self._ask(
                "Query",
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values_of(values),
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
        return marshalled(f"change#{change.control}", change.id, record)

    def _gone_record(self, item: Item) -> Record:
        record = {**to_record(item), "ttl": self._expiry(GONE_KEPT)}
        return marshalled(f"gone#{item.control}", ref_key(item.ref), record)

    def _expiry(self, kept: timedelta) -> int:
        return int((self._clock.now() + kept).timestamp())
