"""The ledger in a file of SQLite, for the console: one file for many accounts and Regions."""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from steward.errors import BadPolicy, StewardError
from steward.history import is_unresolved
from steward.ledger import (
    Change,
    Item,
    Sweep,
    change_from_record,
    item_from_record,
    least_id,
    shallow,
    sweep_from_record,
    to_record,
)
from steward.model import Exemption, Ref

_VERSION = 5
_OWNER = 0x53746577  # "Stew": marks a file as ours, for SQLite's application_id

_ITEM = "kind resource verdict code reason fate fingerprint first_seen changed_at attempts"
_ITEM += " last_attempt intent memory violation violated_since resolved_at"
_CHANGE = "id kind resource status at trigger run code reason before calls sent error settled_at"
_CHANGE += " undoes"
_SWEEP = "id started policy_hash finished complete token last_id pages resources verdicts fates"
_SWEEP += " error met oldest gauges"

_TABLES = {
    "items": (_ITEM, "kind resource"),
    "gone": (_ITEM, "kind resource"),
    "changes": (_CHANGE, "id"),
    "sweeps": (_SWEEP, "id"),
    "exemptions": ("resource reason owner expires", "resource"),
    "budgets": ("window used", "window"),
}
"""Columns and key of each table, besides scope and control."""

_AT_ONCE = 500
"""Changes that are read together."""


class SQLiteLedger:
    """See ``steward.ledger.Ledger``. ``scope`` keeps endpoints, accounts and Regions apart.

    Intents are flushed to the disk before a call is sent. The rest survives a killed process, and
    what a power failure takes of it is made up by settling the intents. A lease is a lock on a
    file beside the ledger: the system frees it when its process dies.
    """

    def __init__(self, path: Path, scope: str) -> None:
        self._path = path
        self._scope = scope
        self._leases: dict[tuple[str, str], IO[bytes]] = {}
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=30, check_same_thread=False, isolation_level=None
            )
        except (OSError, sqlite3.Error) as error:
            raise BadPolicy(f"ledger {path}: {error}") from error
        try:
            self._prepare()
        except (sqlite3.Error, StewardError) as error:
            self._db.close()
            raise BadPolicy(f"ledger {path}: {error}") from error

    def close(self) -> None:
        """Free the file and every lease."""
        for lease in self._leases.values():
            lease.close()
        self._leases.clear()
        self._db.close()

    def items(self, control: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        rows = (
            row
            for ref in dict.fromkeys(refs)
            for row in self._rows(
                "items", control, "AND kind = ? AND resource = ?", ref.kind, ref.id
            )
        )
        return {item.ref: item for item in map(item_from_record, rows)}

    def items_between(
        self, control: str, kind: str, after: str, upto: str | None
    ) -> Mapping[Ref, Item]:
        where = "AND kind = ? AND resource > ?" + ("" if upto is None else " AND resource <= ?")
        ends = (after,) if upto is None else (after, upto)
        rows = self._rows("items", control, where, kind, *ends)
        return {item.ref: item for item in map(item_from_record, rows)}

    def all_items(self, control: str) -> Iterator[Item]:
        return map(item_from_record, self._rows("items", control))

    def gone(self, control: str) -> Iterator[Item]:
        return map(item_from_record, self._rows("gone", control))

    def intend(self, changes: Sequence[Change], items: Sequence[Item]) -> None:
        with self._lock:
            self._db.execute("PRAGMA synchronous = FULL")
            try:
                self.commit(items=items, changes=changes)
            finally:
                self._db.execute("PRAGMA synchronous = NORMAL")

    def commit(
        self,
        *,
        items: Sequence[Item] = (),
        gone: Sequence[Item] = (),
        changes: Sequence[Change] = (),
        sweep: Sweep | None = None,
    ) -> None:
        with self._transaction():
            for item in gone:
                self._delete("items", item.control, kind=item.ref.kind, resource=item.ref.id)
            self._keep([item for item in gone if is_unresolved(item)])
            self._put("changes", changes)
            self._put("items", items)
            self._put("sweeps", [sweep] if sweep is not None else [])

    def withdraw(self, changes: Sequence[Change]) -> None:
        with self._transaction():
            for change in changes:
                self._delete("changes", change.control, id=change.id)

    def change(self, change_id: str) -> Change | None:
        rows = self._select("changes", "scope = ? AND id = ?", (self._scope, change_id))
        return next(map(change_from_record, rows), None)

    def changes(self, control: str, since: str = "") -> Iterator[Change]:
        low, high = least_id(control, since), f"{control}-{chr(0x10FFFF)}"
        where = f"AND id >= ? AND id < ? ORDER BY id DESC LIMIT {_AT_ONCE}"
        while rows := list(self._rows("changes", control, where, low, high)):
            yield from map(change_from_record, rows)
            high = rows[-1]["id"]

    def exemptions(self, control: str) -> Sequence[Exemption]:
        rows = self._rows("exemptions", control)
        fields = ({name: row[name] for name in _TABLES["exemptions"][0].split()} for row in rows)
        return [Exemption(**{**f, "expires": date.fromisoformat(f["expires"])}) for f in fields]

    def exempt(self, control: str, exemption: Exemption) -> None:
        values = {**shallow(exemption), "expires": exemption.expires.isoformat()}
        with self._transaction():
            self._insert("exemptions", [{"control": control, **values}])

    def unexempt(self, control: str, resource: str) -> bool:
        with self._transaction():
            return self._delete("exemptions", control, resource=resource) > 0

    def take(self, control: str, window: str, wanted: int, limit: int) -> int:
        with self._transaction():
            rows = list(self._rows("budgets", control, 'AND "window" = ?', window))
            used = int(rows[0]["used"]) if rows else 0
            granted = min(wanted, max(0, limit - used))
            row = {"control": control, "window": window, "used": max(0, used + granted)}
            self._insert("budgets", [row])
            return granted

    def acquire(self, control: str, holder: str, seconds: int) -> bool:
        if (control, holder) in self._leases:
            return True
        mark = hashlib.sha256(f"{self._scope}|{control}".encode()).hexdigest()[:16]
        try:
            lease = self._path.with_name(f"{self._path.name}.{mark}.lock").open("wb")
        except OSError as error:
            raise BadPolicy(f"ledger {self._path}: {error}") from error
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lease.close()
            return False
        self._leases[control, holder] = lease
        return True

    def release(self, control: str, holder: str) -> None:
        lease = self._leases.pop((control, holder), None)
        if lease is not None:
            lease.close()

    def sweeps(self, control: str) -> Iterator[Sweep]:
        for row in self._rows("sweeps", control, "ORDER BY id DESC"):
            yield sweep_from_record({**row, "complete": bool(row["complete"])})

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        [owner] = self._db.execute("PRAGMA application_id").fetchone()
        [tables] = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if owner != _OWNER and (owner or tables):
            raise sqlite3.DatabaseError("is the database of another program")
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if not 0 <= version <= _VERSION:
            raise sqlite3.DatabaseError(f"is of version {version}, this Steward reads {_VERSION}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        with self._transaction():
            self._take_over(self._db.execute("PRAGMA user_version").fetchone()[0])
            for table, (columns, key) in _TABLES.items():
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (scope, control, {_quoted(columns)}, "
                    f"PRIMARY KEY (scope, control, {_quoted(key)})) WITHOUT ROWID"
                )
            self._db.execute(f"PRAGMA application_id = {_OWNER}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _take_over(self, version: int) -> None:
        """Add what a file of an older version lacks; a new one is of version 0, and empty."""
        if version == 1:
            self._db.execute("ALTER TABLE items ADD COLUMN memory NOT NULL DEFAULT ''")
        if version in (1, 2):
            self._db.execute("ALTER TABLE sweeps ADD COLUMN met NOT NULL DEFAULT ''")
        if version in (1, 2, 3):
            for name in ("violation", "violated_since", "resolved_at"):
                self._db.execute(f"ALTER TABLE items ADD COLUMN {name} NOT NULL DEFAULT ''")
            self._db.execute("ALTER TABLE sweeps ADD COLUMN oldest NOT NULL DEFAULT ''")
        if version in (1, 2, 3, 4):
            self._db.execute("ALTER TABLE sweeps ADD COLUMN gauges NOT NULL DEFAULT '{}'")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.rollback()
                raise
            self._db.commit()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors in our words, with the file's name."""
        try:
            yield
        except sqlite3.Error as error:
            raise StewardError(f"ledger {self._path}: {error}") from error

    def _keep(self, gone: Sequence[Item]) -> None:
        """Write down what vanished, and forget what did so more than 90 days before."""
        self._put("gone", gone)
        cut = "changed_at < strftime('%Y-%m-%dT%H:%M:%SZ', ?, '-90 days')"
        forget = f"DELETE FROM gone WHERE scope = ? AND {cut}"  # noqa: S608  # cut is ours
        self._db.executemany(forget, [(self._scope, item.changed_at) for item in gone])

    def _put(self, table: str, values: Sequence[Item | Change | Sweep]) -> None:
        self._insert(table, [to_record(value) for value in values])

    def _insert(self, table: str, records: Sequence[Mapping[str, Any]]) -> None:
        columns = _TABLES[table][0]
        names = ["control", *columns.split()]
        rows = [[self._scope, *(record[name] for name in names)] for record in records]
        marks = ", ".join("?" * (len(names) + 1))
        into = f"{table} (scope, control, {_quoted(columns)})"
        statement = f"INSERT OR REPLACE INTO {into} VALUES ({marks})"  # noqa: S608  # names are ours
        self._db.executemany(statement, rows)

    def _delete(self, table: str, control: str, **key: str) -> int:
        where = " AND ".join(f"{name} = ?" for name in key)
        values = (self._scope, control, *key.values())
        return self._db.execute(
            f"DELETE FROM {table} WHERE scope = ? AND control = ? AND {where}",  # noqa: S608  # names are ours
            values,
        ).rowcount

    def _rows(
        self, table: str, control: str, more: str = "", *values: str
    ) -> Iterator[dict[str, Any]]:
        where = f"scope = ? AND control = ? {more}"
        return self._select(table, where, (self._scope, control, *values))

    def _select(self, table: str, where: str, values: Sequence[str]) -> Iterator[dict[str, Any]]:
        query = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608  # table and where are ours
        with self._lock, self._told():
            rows = self._db.execute(query, values).fetchall()
        for row in rows:
            record = dict(row)
            del record["scope"]
            yield record


def _quoted(names: str) -> str:
    """Column names for a statement; some of ours are keywords of SQL."""
    return ", ".join(f'"{name}"' for name in names.split())
