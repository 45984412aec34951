"""The ledger: what is known of each resource, what was changed, and what runs.

One protocol, two stores: DynamoDB where Steward is deployed, a file of SQLite at the console.
Times are ISO 8601 strings in UTC, to the second, which sort as text.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from steward.model import Call, Exemption, Fate, Finding, Ref, Trigger, Verdict

_ID = re.compile(r"(.+)-[0-9]{8}T[0-9]{12}-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Item:
    """One control's latest finding on one resource, whatever the verdict."""

    control: str
    ref: Ref
    verdict: Verdict
    code: str
    reason: str
    fate: Fate
    fingerprint: str = ""
    """Policy and planned calls, hashed: attempts count only while it stays the same."""
    first_seen: str = ""
    """Since when the resource has been other than in order (or, if COMPLIANT, in order)."""
    changed_at: str = ""
    attempts: int = 0
    last_attempt: str = ""
    intent: str = ""
    """The change whose calls may or may not have been sent; the next look settles it."""
    memory: str = ""
    """What the control wants to be told when it next sees the resource."""
    violation: str = ""
    """The code of its last violation, once that is over or can no longer be seen."""
    violated_since: str = ""
    resolved_at: str = ""
    """When that violation was over; '' while nobody knows."""


class Status(StrEnum):
    """How far a change has come."""

    INTENT = "INTENT"  # written before the first call
    DONE = "DONE"
    FAILED = "FAILED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True)
class Change:
    """What was about to be done to one resource, and what came of it."""

    id: str
    control: str
    ref: Ref
    status: Status
    at: str
    trigger: Trigger
    run: str
    code: str
    reason: str
    before: Mapping[str, Any]
    calls: tuple[Call, ...]
    sent: int = 0
    """How many of the calls succeeded; only these can be undone."""
    error: str = ""
    settled_at: str = ""
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One full pass of a control, finished or under way."""

    id: str
    control: str
    started: str
    policy_hash: str
    finished: str = ""
    complete: bool = False
    token: str | None = None
    last_id: str = ""
    met: str = ""
    """Marks of the resources met so far, where no order tells which they are."""
    pages: int = 0
    resources: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    fates: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    oldest: str = ""
    """Since when the oldest violation has been open of those met so far that are left."""
    gauges: Mapping[str, int | None] = field(default_factory=dict)
    """What its pages say of the account, summed so far; None where one of them could not tell."""


class Ledger(Protocol):
    """What both stores do. Reads see what was written before; writes last once they return."""

    def items(self, control: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]: ...

    def items_between(
        self, control: str, kind: str, after: str, upto: str | None
    ) -> Mapping[Ref, Item]:
        """Items whose id lies in (after, upto], by code point; ``upto`` None: to the end."""
        ...

    def all_items(self, control: str) -> Iterator[Item]: ...

    def gone(self, control: str) -> Iterator[Item]:
        """What was out of order when it vanished (``departed``), for at least 90 days."""
        ...

    def intend(self, changes: Sequence[Change], items: Sequence[Item]) -> None:
        """Write changes, each together with its item, before any call is sent."""
        ...

    def commit(
        self,
        *,
        items: Sequence[Item] = (),
        gone: Sequence[Item] = (),
        changes: Sequence[Change] = (),
        sweep: Sweep | None = None,
    ) -> None:
        """Write what a page or a batch came to; the sweep record is written last."""
        ...

    def withdraw(self, changes: Sequence[Change]) -> None:
        """Forget changes of which no call was sent."""
        ...

    def change(self, change_id: str) -> Change | None: ...

    def changes(self, control: str, since: str = "") -> Iterator[Change]:
        """The changes of a control, newest first, read as they are asked for.

        ``since`` is a stamp; '' is from the beginning.
        """
        ...

    def exemptions(self, control: str) -> Sequence[Exemption]: ...

    def exempt(self, control: str, exemption: Exemption) -> None: ...

    def unexempt(self, control: str, resource: str) -> bool:
        """Remove an exemption; False where there was none."""
        ...

    def take(self, control: str, window: str, wanted: int, limit: int) -> int:
        """Take up to ``wanted`` of what is left of ``limit`` in a window, atomically.

        A negative ``wanted`` gives back. Returns what was taken.
        """
        ...

    def acquire(self, control: str, holder: str, seconds: int) -> bool:
        """Hold the control's lease, or renew it; False while another holder has it."""
        ...

    def release(self, control: str, holder: str) -> None: ...

    def sweeps(self, control: str) -> Iterator[Sweep]:
        """The sweeps of a control, newest first."""
        ...


def stamp(moment: datetime) -> str:
    """A moment as the ledger writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id(control: str, moment: datetime) -> str:
    """An id that sorts by time and names its control: CONTROL-20261121T101500123456-3f9a2c."""
    return f"{control}-{moment.astimezone(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


def least_id(control: str, since: str) -> str:
    """What sorts before every id that was made at that stamp or later."""
    return f"{control}-{re.sub('[-:Z]', '', since)}"


def control_of(new_id: str) -> str:
    """The control that an id of a change or a sweep names; '' if it is no such id."""
    found = _ID.fullmatch(new_id)
    return found.group(1) if found else ""


def item_of(control: str, finding: Finding, fate: Fate) -> Item:
    """A finding as an item, without history."""
    told = (finding.verdict, finding.code, finding.reason)
    return Item(control, finding.ref, *told, fate, memory=finding.memory)


def call_from_dict(document: Mapping[str, Any]) -> Call:
    undo = document["undo"]
    return Call(**{**document, "undo": None if undo is None else call_from_dict(undo)})


def to_record(value: Item | Change | Sweep) -> dict[str, Any]:
    """A value as a flat document of strings, numbers and JSON texts, for a store."""
    record: dict[str, Any] = {}
    for name, inner in shallow(value).items():
        if isinstance(inner, Ref):
            record["kind"], record["resource"] = inner.kind, inner.id
        elif isinstance(inner, Mapping | tuple):
            record[name] = json.dumps(inner, default=_plain)
        else:
            record[name] = inner
    return record


def shallow(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as they are; ``asdict`` would copy them deeply, and slowly.

    Those with the metadata ``kept`` False are left out: what calls and undo tell in any case.
    """
    return {
        name: getattr(value, name)
        for name, field in value.__dataclass_fields__.items()
        if field.metadata.get("kept", True)
    }


def _plain(value: Any) -> Any:
    return shallow(value) if is_dataclass(value) else str(value)


def item_from_record(record: Mapping[str, Any]) -> Item:
    rest = dict(record)
    ref = Ref(rest.pop("kind"), rest.pop("resource"))
    rest.update(verdict=Verdict(rest["verdict"]), fate=Fate(rest["fate"]))
    return Item(ref=ref, **rest)


def change_from_record(record: Mapping[str, Any]) -> Change:
    rest = dict(record)
    ref = Ref(rest.pop("kind"), rest.pop("resource"))
    rest.update(
        status=Status(rest["status"]),
        trigger=Trigger(rest["trigger"]),
        before=json.loads(rest["before"]),
        calls=tuple(map(call_from_dict, json.loads(rest["calls"]))),
    )
    return Change(ref=ref, **rest)


def sweep_from_record(record: Mapping[str, Any]) -> Sweep:
    rest = dict(record)
    for name in ("verdicts", "fates", "gauges"):
        rest[name] = json.loads(rest.get(name, "{}"))  # records of before have no gauges
    return Sweep(**rest)
