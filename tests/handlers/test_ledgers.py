"""The ledger's promises, kept by both stores: a file of SQLite, and DynamoDB on moto."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from steward.aws.api import Api, Identity
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.aws.pacing import Pacer
from steward.aws.records import item_record
from steward.errors import BadPolicy, Refused, StewardError, TryAgain
from steward.history import departed
from steward.ledger import Change, Item, Ledger, Status, Sweep, new_id, stamp
from steward.model import Aws, Call, Exemption, Fate, Ref, Trigger, Verdict
from tests.fakes import ACCOUNT, REGION, START, FakeAws, FakeClock

T = TypeVar("T")
R = TypeVar("R")

CONTROL, OTHER = "log-retention", "log-subscription"
KIND = "AWS::Logs::LogGroup"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Store:
    """A place where ledgers live; each one opened sees what the others wrote."""

    clock: FakeClock
    open: Callable[[], Ledger]


class OneAtATime:
    """See ``steward.model.Aws``. DynamoDB does each request as a whole; moto's threads do not."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self.account, self.region, self.partition = aws.account, aws.region, aws.partition

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        with self._lock:
            return self._aws.ask(service, operation, **params)

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        return self._aws.pages(service, operation, start, **params)

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return self._aws.together(act, items)


@pytest.fixture(scope="module")
def moto_api() -> Iterator[Aws]:
    """DynamoDB on moto."""
    with mock_aws():
        clock = FakeClock()
        identity = Identity(ACCOUNT, REGION, "aws")
        api = Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=identity)
        yield OneAtATime(api)


@pytest.fixture
def table(moto_api: Aws) -> str:
    """A new table, as the template makes it."""
    name = f"steward-{next(_numbers)}-ledger"
    keys = {"pk": "HASH", "sk": "RANGE"}
    moto_api.ask(
        "dynamodb",
        "CreateTable",
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def dynamodb(moto_api: Aws, table: str) -> Store:
    clock = FakeClock()
    return Store(clock, lambda: DynamoDBLedger(moto_api, table, clock))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    opened: list[SQLiteLedger] = []

    def make() -> Ledger:
        opened.append(SQLiteLedger(tmp_path / "ledger.db", f"{ACCOUNT}/{REGION}"))
        return opened[-1]

    yield Store(FakeClock(), make)
    for ledger in opened:
        ledger.close()


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """Either store."""
    return cast(Store, request.getfixturevalue(request.param))


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return store.open()


def item(name: str, **fields: Any) -> Item:
    """A finding on a log group."""
    ref = Ref(fields.pop("kind", KIND), name)
    verdict, reason = Verdict.NON_COMPLIANT, "kept for ever"
    wrong = Item(CONTROL, ref, verdict, "NEVER_EXPIRES", reason, Fate.PLANNED)
    return replace(wrong, **fields)


def change(name: str, seconds: int = 0, **fields: Any) -> Change:
    """A change of a log group, so many seconds after the start."""
    clock = FakeClock()
    clock.advance(seconds)
    control = fields.pop("control", CONTROL)
    undo = Call("logs", "DeleteRetentionPolicy", {"logGroupName": name}, effect={"days": None})
    params = {"logGroupName": name, "retentionInDays": 30}
    made = Change(
        id=new_id(control, clock.now()),
        control=control,
        ref=Ref(KIND, name),
        status=Status.INTENT,
        at=stamp(clock.now()),
        trigger=Trigger.SWEEP,
        run="run",
        code="NEVER_EXPIRES",
        reason="kept for ever",
        before={"name": name, "days": None, "tags": {"team": "a"}, "stored_bytes": 10**12},
        calls=(Call("logs", "PutRetentionPolicy", params, undo, {"days": 30}),),
    )
    return replace(made, **fields)


def sweep(number: int, token: str | None = None, **fields: Any) -> Sweep:
    """A sweep, so many hours after the start."""
    clock = FakeClock()
    clock.advance(number * 3600)
    control = fields.pop("control", CONTROL)
    return replace(
        Sweep(new_id(control, clock.now()), control, stamp(clock.now()), "0123456789abcdef"),
        token=token,
        **fields,
    )


def by_ref(*items: Item) -> dict[Ref, Item]:
    return {one.ref: one for one in items}


def names(items: Mapping[Ref, Item]) -> list[str]:
    return sorted(ref.id for ref in items)


# Items


def test_items_come_back_as_they_were_written(ledger: Ledger) -> None:
    """With all that is known of each, empty fields among it."""
    bare = item("/a")
    full = item(
        "/b",
        fingerprint="0123456789abcdef",
        first_seen="2026-11-20T10:00:00Z",
        changed_at="2026-11-20T11:00:00Z",
        attempts=3,
        last_attempt="2026-11-20T12:00:00Z",
        intent="log-retention-20261120T100000000000-abcdef",
        violation="TOO_SHORT",
        violated_since="2026-11-19T10:00:00Z",
        resolved_at="2026-11-20T09:00:00Z",
    )
    ledger.commit(items=[bare, full])
    assert ledger.items(CONTROL, [bare.ref, full.ref]) == by_ref(bare, full)


def test_only_what_is_known_of_the_asked_comes_back(ledger: Ledger) -> None:
    """Other resources, other kinds of the same name and other controls' findings stay out."""
    ledger.commit(items=[item("/a"), item("/ab"), item("/a", kind="X"), item("/b", control=OTHER)])
    asked = [Ref(KIND, name) for name in ("/a", "/b", "/c", "/a")]
    assert ledger.items(CONTROL, asked) == by_ref(item("/a"))


def test_nothing_is_asked_for_nothing(ledger: Ledger) -> None:
    """No refs, no items, and no error of an empty request."""
    assert ledger.items(CONTROL, []) == {}


def test_a_later_finding_replaces_the_earlier(ledger: Ledger) -> None:
    """There is one item for each control and resource."""
    ledger.commit(items=[item("/a", attempts=1)])
    ledger.commit(items=[item("/a", attempts=2)])
    assert list(ledger.all_items(CONTROL)) == [item("/a", attempts=2)]


@pytest.mark.parametrize("count", [25, 26, 100, 101, 250])
def test_any_number_of_items_is_kept(ledger: Ledger, count: int) -> None:
    """The limits of DynamoDB's batches, 25 to write and 100 to read, are not the caller's."""
    items = [item(f"/{number:03}") for number in range(count)]
    ledger.commit(items=items)
    assert ledger.items(CONTROL, [one.ref for one in items]) == by_ref(*items)
    assert by_ref(*ledger.all_items(CONTROL)) == by_ref(*items)
    assert ledger.items_between(CONTROL, KIND, "", None) == by_ref(*items)


def test_more_than_a_megabyte_is_read_to_the_end(ledger: Ledger) -> None:
    """DynamoDB answers a query in pages of a megabyte."""
    items = [item(f"/{number:03}", reason="x" * 10_000) for number in range(120)]
    ledger.commit(items=items)
    assert by_ref(*ledger.all_items(CONTROL)) == by_ref(*items)
    assert ledger.items_between(CONTROL, KIND, "/009", "/118") == by_ref(*items[10:119])


RANGES = [
    pytest.param("", None, ["/a", "/a/b", "/aa", "/b", "/ä", "/😀", "B"], id="everything"),
    pytest.param("", "/a", ["/a"], id="up to a name, which is in"),
    pytest.param("/a", None, ["/a/b", "/aa", "/b", "/ä", "/😀", "B"], id="after a name"),
    pytest.param("/a", "/b", ["/a/b", "/aa", "/b"], id="after the one, up to the other"),
    pytest.param("/a/", "/a0", ["/a/b"], id="between names that are not there"),
    pytest.param("/a", "/a", [], id="after a name up to itself"),
    pytest.param("/b", "/z", [], id="a gap"),
    pytest.param("/aa", "/ä", ["/b", "/ä"], id="by code point"),
    pytest.param("/ä", None, ["/😀", "B"], id="beyond the basic plane"),
    pytest.param("B", None, [], id="after the last"),
]


@pytest.mark.parametrize(("after", "upto", "expected"), RANGES)
def test_items_between_two_names(
    ledger: Ledger, after: str, upto: str | None, expected: list[str]
) -> None:
    """The first end is out, the last one in; names that begin alike are different names."""
    told = ["/a", "/a/b", "/aa", "/b", "/ä", "/😀", "B"]
    strangers = [
        *(item(name, kind=f"{KIND}X") for name in told),
        *(item(name, kind="AWS::Lambda::Function") for name in told),
        *(item(name, control=OTHER) for name in told),
        item("/a", control=f"{CONTROL}-x"),
    ]
    ledger.commit(items=[*map(item, told), *strangers])
    found = ledger.items_between(CONTROL, KIND, after, upto)
    assert sorted(found) == sorted(Ref(KIND, name) for name in expected)
    assert all(found[ref] == item(ref.id) for ref in found)


def test_all_items_are_those_of_one_control(ledger: Ledger) -> None:
    """Of every kind."""
    mine = [item("/a"), item("/b", kind="X")]
    ledger.commit(items=[*mine, item("/c", control=OTHER)])
    assert by_ref(*ledger.all_items(CONTROL)) == by_ref(*mine)


# Commits


def test_a_commit_writes_items_changes_and_sweep_and_forgets_what_is_gone(ledger: Ledger) -> None:
    """Everything that a page came to, at once."""
    ledger.commit(items=[item("/gone"), item("/kept")])
    done, record = change("/a", status=Status.DONE, sent=1), sweep(1, pages=1)
    ledger.commit(items=[item("/new")], gone=[item("/gone")], changes=[done], sweep=record)
    assert names(by_ref(*ledger.all_items(CONTROL))) == ["/kept", "/new"]
    assert ledger.change(done.id) == done
    assert list(ledger.sweeps(CONTROL)) == [record]


def test_a_commit_of_nothing_is_no_error(ledger: Ledger) -> None:
    """A converged page has nothing to write."""
    ledger.commit()
    assert list(ledger.all_items(CONTROL)) == []


def test_what_is_gone_was_perhaps_never_there(ledger: Ledger) -> None:
    """Forgetting is safe to repeat, and forgets only the one control's finding."""
    ledger.commit(items=[item("/a", control=OTHER), item("/a", kind="X")])
    ledger.commit(gone=[item("/a")])
    assert list(ledger.all_items(OTHER)) == [item("/a", control=OTHER)]
    assert list(ledger.all_items(CONTROL)) == [item("/a", kind="X")]


def test_a_hundred_and_twenty_are_forgotten(ledger: Ledger) -> None:
    """As many as a deleted stack leaves behind."""
    items = [item(f"/{number:03}") for number in range(120)]
    ledger.commit(items=items)
    ledger.commit(gone=items[:119])
    assert list(ledger.all_items(CONTROL)) == [items[119]]


# What vanished


def gone(name: str, at: str, **fields: Any) -> Item:
    """A finding on a log group that vanished, as it is handed to a commit."""
    return departed(item(name, first_seen="2026-11-01T00:00:00Z", **fields), at)


def test_what_vanishes_out_of_order_leaves_a_record(ledger: Ledger) -> None:
    """What was in order, or resolved before, leaves none; nor does another control's."""
    at, right = "2026-11-20T10:00:00Z", {"verdict": Verdict.COMPLIANT}
    open_one, exempt = gone("/a", at), gone("/b", at, verdict=Verdict.EXEMPT)
    ledger.commit(
        gone=[open_one, gone("/c", at, **right), exempt, gone("/d", at, control=OTHER)],
        items=[item("/e")],
    )
    assert by_ref(*ledger.gone(CONTROL)) == by_ref(open_one, exempt)
    assert list(ledger.all_items(CONTROL)) == [item("/e")]


def test_what_vanishes_again_was_there_again(ledger: Ledger) -> None:
    """There is one record of a resource, of the last time."""
    again = gone("/a", "2026-11-21T10:00:00Z", code="TOO_LONG")
    ledger.commit(gone=[gone("/a", "2026-11-20T10:00:00Z")])
    ledger.commit(gone=[again])
    assert list(ledger.gone(CONTROL)) == [again]


def test_what_vanished_long_ago_is_forgotten_by_sqlite(sqlite: Store) -> None:
    """After 90 days, when something else vanishes; DynamoDB has its TTL."""
    ledger = sqlite.open()
    dated = [gone("/a", "2026-08-22T09:59:59Z"), gone("/b", "2026-08-22T10:00:00Z")]
    ledger.commit(gone=dated)
    assert names(by_ref(*ledger.gone(CONTROL))) == ["/a", "/b"]
    ledger.commit(gone=[gone("/c", "2026-11-20T10:00:00Z")])
    assert names(by_ref(*ledger.gone(CONTROL))) == ["/b", "/c"]


# Changes


def test_an_intent_is_written_with_its_item(ledger: Ledger) -> None:
    """So that the next look finds the one by the other."""
    intent = change("/a")
    marked = item("/a", intent=intent.id)
    ledger.intend([intent], [marked])
    assert ledger.change(intent.id) == intent
    assert ledger.items(CONTROL, [marked.ref]) == by_ref(marked)


@pytest.mark.parametrize("count", [50, 51, 120])
def test_any_number_of_intents_is_written(ledger: Ledger, count: int) -> None:
    """A transaction of DynamoDB takes 100 actions; that is not the caller's limit."""
    changes = [change(f"/{number:03}", number) for number in range(count)]
    items = [item(one.ref.id, intent=one.id) for one in changes]
    ledger.intend(changes, items)
    assert list(ledger.changes(CONTROL)) == changes[::-1]
    assert by_ref(*ledger.all_items(CONTROL)) == by_ref(*items)


def test_of_intents_that_cannot_all_be_written_none_is(ledger: Ledger) -> None:
    """A call is sent only if its intent was written, so a half-written batch helps nobody."""
    changes = [change("/a"), change("/b", reason=cast(str, object()))]
    with pytest.raises(Exception, match=r"object|bind|type"):
        ledger.intend(changes, [item("/a"), item("/b")])
    assert list(ledger.changes(CONTROL)) == []
    assert list(ledger.all_items(CONTROL)) == []


def test_intents_that_dynamodb_refuses_are_not_written_at_all(dynamodb: Store) -> None:
    """A request that breaks a limit of the service leaves no part of itself."""
    ledger = dynamodb.open()
    with pytest.raises(StewardError):
        ledger.intend([change("/a"), replace(change("/b"), id="")], [item("/a"), item("/b")])
    assert list(ledger.changes(CONTROL)) == []
    assert list(ledger.all_items(CONTROL)) == []


def test_a_commit_that_sqlite_refuses_is_not_written_at_all(sqlite: Store) -> None:
    """The page before stands as it was."""
    ledger = sqlite.open()
    ledger.commit(items=[item("/gone")])
    with pytest.raises((sqlite3.Error, StewardError)):
        ledger.commit(items=[item("/a", attempts=object())], gone=[item("/gone")])
    assert list(ledger.all_items(CONTROL)) == [item("/gone")]
    ledger.commit(items=[item("/after")])
    assert names(by_ref(*ledger.all_items(CONTROL))) == ["/after", "/gone"]


def test_a_settled_change_replaces_its_intent(ledger: Ledger) -> None:
    """There is one record of a change, from intent to outcome."""
    intent = change("/a")
    ledger.intend([intent], [item("/a")])
    done = replace(intent, status=Status.DONE, sent=1, settled_at="2026-11-20T10:00:01Z")
    ledger.commit(changes=[done])
    assert list(ledger.changes(CONTROL)) == [done]


def test_a_withdrawn_change_was_never_made(ledger: Ledger) -> None:
    """The item stays, and the other change."""
    first, second = change("/a", 1), change("/b", 2)
    ledger.intend([first, second], [item("/a"), item("/b")])
    ledger.withdraw([first])
    assert ledger.change(first.id) is None
    assert list(ledger.changes(CONTROL)) == [second]
    assert names(by_ref(*ledger.all_items(CONTROL))) == ["/a", "/b"]


def test_many_changes_are_withdrawn(ledger: Ledger) -> None:
    """When the deadline came before the first call of a full batch."""
    changes = [change(f"/{number}", number) for number in range(60)]
    ledger.commit(changes=changes)
    ledger.withdraw(changes[:59])
    assert list(ledger.changes(CONTROL)) == [changes[59]]


@pytest.mark.parametrize(
    "change_id", ["nonsense", "a-b-c", "log-retention-20261120T100000000000-abcdef", ""]
)
def test_there_is_no_change_of_an_unknown_id(ledger: Ledger, change_id: str) -> None:
    """What somebody mistypes is simply not there."""
    ledger.commit(changes=[change("/a")])
    assert ledger.change(change_id) is None


def test_changes_come_newest_first_and_of_one_control(ledger: Ledger) -> None:
    """In whichever order they were written."""
    changes = [change(f"/{number}", number) for number in (3, 1, 2)]
    ledger.commit(changes=[*changes, change("/x", control=OTHER)])
    assert [one.ref.id for one in ledger.changes(CONTROL)] == ["/3", "/2", "/1"]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        pytest.param("", ["/3", "/2", "/1"], id="all"),
        pytest.param(stamp(START), ["/3", "/2", "/1"], id="from before the first"),
        pytest.param(stamp(START + timedelta(seconds=2)), ["/3", "/2"], id="from its second on"),
        pytest.param(stamp(START + timedelta(days=1)), [], id="from after the last"),
    ],
)
def test_changes_since_a_moment(ledger: Ledger, since: str, expected: list[str]) -> None:
    """Those before it are not read."""
    ledger.commit(changes=[change(f"/{number}", number) for number in (1, 2, 3)])
    assert [one.ref.id for one in ledger.changes(CONTROL, since)] == expected


def test_sqlite_reads_more_changes_when_they_are_asked_for(sqlite: Store) -> None:
    """Who wants the newest few of many waits for no others; who wants all gets all."""
    ledger = sqlite.open()
    changes = [change(f"/{number:04}", number) for number in range(1001)]
    ledger.commit(changes=changes)
    assert next(iter(ledger.changes(CONTROL))) == changes[-1]
    assert list(ledger.changes(CONTROL)) == changes[::-1]


# Exemptions


def exemption(resource: str, reason: str = "audit") -> Exemption:
    return Exemption(resource, reason, "team-a", date(2026, 12, 31))


def test_exemptions_come_back_as_they_were_made(ledger: Ledger) -> None:
    """Also one that has expired, which is for its reader to tell, and one without an end."""
    old = replace(exemption("/old/*"), expires=date(2020, 2, 29))
    ever = replace(exemption("/ever"), expires=date.max)
    for one in (exemption("/a"), ever, old):
        ledger.exempt(CONTROL, one)
    ledger.exempt(OTHER, exemption("/b"))
    assert sorted(ledger.exemptions(CONTROL), key=lambda one: one.resource) == [
        exemption("/a"),
        ever,
        old,
    ]


def test_a_later_exemption_of_a_resource_replaces_the_earlier(ledger: Ledger) -> None:
    """Who prolongs one need not remove it first."""
    ledger.exempt(CONTROL, exemption("/a", "first"))
    ledger.exempt(CONTROL, exemption("/a", "second"))
    assert list(ledger.exemptions(CONTROL)) == [exemption("/a", "second")]


def test_an_exemption_is_removed_once(ledger: Ledger) -> None:
    """The answer tells whether there was one."""
    ledger.exempt(CONTROL, exemption("/a"))
    ledger.exempt(CONTROL, exemption("/a/*"))
    ledger.exempt(OTHER, exemption("/a"))
    assert ledger.unexempt(CONTROL, "/a") is True
    assert ledger.unexempt(CONTROL, "/a") is False
    assert list(ledger.exemptions(CONTROL)) == [exemption("/a/*")]
    assert list(ledger.exemptions(OTHER)) == [exemption("/a")]


# Budgets

HOUR = "2026-11-20T10"

TAKES = [
    pytest.param([(3, 3), (3, 3), (3, 3)], id="while there is enough"),
    pytest.param([(8, 8), (8, 2), (8, 0)], id="what is left, and then nothing"),
    pytest.param([(10, 10), (1, 0), (-4, -4), (9, 4), (1, 0)], id="what was given back"),
    pytest.param([(25, 10), (-10, -10), (10, 10)], id="more than there is"),
    pytest.param([(0, 0), (10, 10), (0, 0)], id="nothing"),
]


@pytest.mark.parametrize("takes", TAKES)
def test_a_window_grants_what_is_left_of_its_limit(
    ledger: Ledger, takes: list[tuple[int, int]]
) -> None:
    """Each pair is what was wanted and what is granted, of ten."""
    assert [ledger.take(CONTROL, HOUR, wanted, 10) for wanted, _ in takes] == [
        granted for _, granted in takes
    ]


def test_a_lower_limit_grants_nothing_until_it_is_reached_from_below(ledger: Ledger) -> None:
    """A policy may become stricter within the hour."""
    assert ledger.take(CONTROL, HOUR, 8, 10) == 8
    assert ledger.take(CONTROL, HOUR, 1, 5) == 0
    assert ledger.take(CONTROL, HOUR, -4, 5) == -4
    assert ledger.take(CONTROL, HOUR, 9, 5) == 1


def test_windows_and_controls_have_budgets_of_their_own(ledger: Ledger) -> None:
    """One that is spent holds back no other."""
    ledger.take(CONTROL, HOUR, 10, 10)
    assert ledger.take(CONTROL, "2026-11-20T11", 10, 10) == 10
    assert ledger.take(OTHER, HOUR, 10, 10) == 10


def test_giving_back_into_a_new_window_does_not_raise_its_limit(ledger: Ledger) -> None:
    """What was taken in the last minute of an hour may be given back in the next one."""
    ledger.take(CONTROL, HOUR, 5, 10)
    ledger.take(CONTROL, "2026-11-20T11", -5, 10)
    assert ledger.take(CONTROL, "2026-11-20T11", 20, 10) == 10


def test_eight_that_take_at_once_never_exceed_the_limit(store: Store) -> None:
    """Each with a ledger of its own, as functions have; together they get exactly the limit."""
    ledgers = [store.open() for _ in range(8)]
    start = threading.Barrier(8)

    def take(ledger: Ledger) -> int:
        start.wait()
        return sum(ledger.take(CONTROL, HOUR, 3, 50) for _ in range(4))

    with ThreadPoolExecutor(8) as threads:
        granted = list(threads.map(take, ledgers))
    assert sum(granted) == 50


# Leases


def test_a_lease_has_one_holder(store: Store) -> None:
    """Two sweeps of one control would do everything twice."""
    mine, theirs = store.open(), store.open()
    assert mine.acquire(CONTROL, "me", 900) is True
    assert theirs.acquire(CONTROL, "they", 900) is False
    assert theirs.acquire(OTHER, "they", 900) is True


def test_a_lease_is_refused_to_another_holder_of_the_same_ledger(ledger: Ledger) -> None:
    """A holder is a sweep, not a process."""
    assert ledger.acquire(CONTROL, "me", 900) is True
    assert ledger.acquire(CONTROL, "they", 900) is False


def test_the_holder_renews_its_lease(store: Store) -> None:
    """With each step of a sweep, and nobody gets in between."""
    ledger = store.open()
    for _ in range(3):
        assert ledger.acquire(CONTROL, "me", 900) is True
        store.clock.advance(600)
    assert store.open().acquire(CONTROL, "they", 900) is False


def test_a_released_lease_is_free(store: Store) -> None:
    """The next sweep need not wait for it to expire."""
    ledger = store.open()
    ledger.acquire(CONTROL, "me", 900)
    ledger.release(CONTROL, "me")
    assert store.open().acquire(CONTROL, "they", 900) is True


def test_nobody_releases_the_lease_of_another(store: Store) -> None:
    """Who was refused has nothing to release."""
    store.open().acquire(CONTROL, "me", 900)
    other = store.open()
    other.release(CONTROL, "they")
    assert other.acquire(CONTROL, "they", 900) is False


def test_a_lease_that_is_not_there_can_be_released(ledger: Ledger) -> None:
    """Releasing is safe to repeat."""
    ledger.release(CONTROL, "me")
    assert ledger.acquire(CONTROL, "they", 900) is True


def test_a_lease_in_dynamodb_expires(dynamodb: Store) -> None:
    """A function that died without releasing blocks nobody for long."""
    first, second = dynamodb.open(), dynamodb.open()
    first.acquire(CONTROL, "me", 900)
    dynamodb.clock.advance(899)
    assert second.acquire(CONTROL, "they", 900) is False
    dynamodb.clock.advance(1)
    assert second.acquire(CONTROL, "they", 900) is True
    assert first.acquire(CONTROL, "me", 900) is False


def test_a_lease_in_sqlite_ends_with_its_ledger(tmp_path: Path) -> None:
    """However long it was asked for: what closes frees it, be it that the process died."""
    first = SQLiteLedger(tmp_path / "ledger.db", "a")
    second = SQLiteLedger(tmp_path / "ledger.db", "a")
    first.acquire(CONTROL, "me", 10**6)
    first.close()
    assert second.acquire(CONTROL, "they", 900) is True
    second.close()


# Sweeps


def test_a_sweep_comes_back_as_it_was_written(ledger: Ledger) -> None:
    """Finished or under way, with or without a token."""
    under_way = sweep(1, "next", last_id="/m", pages=3, resources=150)
    finished = sweep(
        2,
        finished="2026-11-20T12:30:00Z",
        complete=True,
        verdicts={"COMPLIANT": 9, "NON_COMPLIANT": 1},
        fates={"none": 9, "remediated": 1},
        gauges={"LogStoredBytes": 10**15, "LambdaCodeStorageBytes": None},
    )
    for one in (under_way, finished):
        ledger.commit(sweep=one)
    assert list(ledger.sweeps(CONTROL)) == [finished, under_way]
    assert [one.complete is True for one in ledger.sweeps(CONTROL)] == [True, False]


def test_sweeps_come_newest_first_and_of_one_control(ledger: Ledger) -> None:
    """In whichever order they were written."""
    for number in (2, 3, 1):
        ledger.commit(sweep=sweep(number))
    ledger.commit(sweep=sweep(9, control=OTHER))
    assert [one.started[11:13] for one in ledger.sweeps(CONTROL)] == ["13", "12", "11"]


def test_a_sweep_that_goes_on_replaces_its_record(ledger: Ledger) -> None:
    """There is one record for each sweep."""
    begun = sweep(1, "second", pages=1)
    ended = replace(begun, token=None, pages=2, complete=True, finished="2026-11-20T12:00:00Z")
    ledger.commit(sweep=begun)
    ledger.commit(sweep=ended)
    assert list(ledger.sweeps(CONTROL)) == [ended]


# Of any store


def test_what_one_ledger_writes_another_sees_at_once(store: Store) -> None:
    """A function's steps follow each other on different machines."""
    store.open().commit(items=[item("/a")], changes=[change("/a")], sweep=sweep(1))
    other = store.open()
    assert list(other.all_items(CONTROL)) == [item("/a")]
    assert len(list(other.changes(CONTROL))) == len(list(other.sweeps(CONTROL))) == 1


# DynamoDB


def test_keys_that_dynamodb_leaves_unprocessed_are_asked_again(dynamodb: Store) -> None:
    """A throttled table answers in part, and what is missing is not taken for unknown."""
    ledger = cast(DynamoDBLedger, dynamodb.open())
    items = [item("/a"), item("/b")]
    ledger.commit(items=items)
    table, aws = ledger._table, ledger._aws

    def in_part(params: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = params["RequestItems"][table]
        first = {table: {**asked, "Keys": asked["Keys"][:1]}}
        answer = aws.ask("dynamodb", "BatchGetItem", RequestItems=first)
        rest = asked["Keys"][1:]
        left = {"UnprocessedKeys": {table: {**asked, "Keys": rest}}} if rest else {}
        return {**answer, **left}

    slow = DynamoDBLedger(FakeAws({("dynamodb", "BatchGetItem"): in_part}), table, dynamodb.clock)
    assert slow.items(CONTROL, [one.ref for one in items]) == by_ref(*items)


def test_items_that_dynamodb_leaves_unprocessed_are_written_again() -> None:
    """After a pause, and only those; a request takes 25."""
    asked: list[int] = []

    def in_part(params: Mapping[str, Any]) -> Mapping[str, Any]:
        [requests] = params["RequestItems"].values()
        asked.append(len(requests))
        return {"UnprocessedItems": {"t": requests[10:]} if requests[10:] else {}}

    clock = FakeClock()
    ledger = DynamoDBLedger(FakeAws({("dynamodb", "BatchWriteItem"): in_part}), "t", clock)
    ledger.commit(items=[item(f"/{number}") for number in range(30)])
    assert asked == [25, 15, 5, 5]
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize(
    ("operation", "answer", "act"),
    [
        pytest.param(
            "BatchWriteItem",
            lambda params: {"UnprocessedItems": params["RequestItems"]},
            lambda ledger: ledger.commit(items=[item("/a")]),
            id="writing",
        ),
        pytest.param(
            "BatchGetItem",
            lambda params: {"Responses": {}, "UnprocessedKeys": params["RequestItems"]},
            lambda ledger: ledger.items(CONTROL, [item("/a").ref]),
            id="reading",
        ),
    ],
)
def test_a_table_that_does_nothing_is_given_up(
    operation: str, answer: Any, act: Callable[[Ledger], object]
) -> None:
    """With pauses in between, and none after the last try, for a function's time is paid for."""
    clock = FakeClock()
    aws = FakeAws({("dynamodb", operation): [answer] * 100})
    with pytest.raises(TryAgain):
        act(DynamoDBLedger(aws, "t", clock))
    assert len(clock.sleeps) == len(aws.requests) - 1 > 0


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda ledger: ledger.acquire(CONTROL, "me", 900), id="lease"),
        pytest.param(lambda ledger: ledger.release(CONTROL, "me"), id="release"),
        pytest.param(lambda ledger: ledger.take(CONTROL, HOUR, 1, 10), id="budget"),
    ],
)
def test_only_a_failed_condition_is_an_answer(act: Callable[[Ledger], object]) -> None:
    """A denied request is not taken for a lease that somebody else holds."""
    refusal = Refused("no", code="AccessDeniedException")
    operations = ("GetItem", "PutItem", "DeleteItem", "UpdateItem")
    aws = FakeAws({("dynamodb", operation): refusal for operation in operations})
    with pytest.raises(Refused):
        act(DynamoDBLedger(aws, "t", FakeClock()))


def test_what_is_kept_for_a_time_says_until_when(dynamodb: Store) -> None:
    """TTL tidies changes after 400 days, sweeps and what is gone after 90; see the others below."""
    ledger = cast(DynamoDBLedger, dynamodb.open())
    ledger.commit(items=[item("/a")], changes=[change("/a")], sweep=sweep(0))
    ledger.commit(gone=[item("/b")])
    ledger.exempt(CONTROL, exemption("/a"))
    ledger.take(CONTROL, HOUR, 1, 10)
    ledger.acquire(CONTROL, "me", 900)
    answer = ledger._aws.ask("dynamodb", "Scan", TableName=ledger._table)
    kept = {
        record["pk"]["S"].partition("#")[0]: int(record["ttl"]["N"]) - int(START.timestamp())
        for record in answer["Items"]
        if "ttl" in record
    }
    assert set(kept) == {"change", "sweep", "gone", "exempt", "budget", "lease"}
    assert kept["change"] == 400 * 86400
    assert kept["sweep"] == kept["gone"] == 90 * 86400
    assert kept["lease"] >= 900
    assert kept["exempt"] > 41 * 86400
    assert kept["budget"] > 3600


# SQLite


def test_scopes_in_one_file_are_kept_apart(tmp_path: Path) -> None:
    """One file serves many accounts and Regions, and none sees another's."""
    path = tmp_path / "ledger.db"
    mine, theirs = SQLiteLedger(path, "1/eu-west-1"), SQLiteLedger(path, "2/eu-west-1")
    made = change("/a")
    mine.commit(items=[item("/a")], changes=[made], sweep=sweep(1))
    mine.exempt(CONTROL, exemption("/a"))
    mine.take(CONTROL, HOUR, 10, 10)
    mine.acquire(CONTROL, "me", 900)
    assert list(theirs.all_items(CONTROL)) == []
    assert theirs.items(CONTROL, [item("/a").ref]) == {}
    assert theirs.items_between(CONTROL, KIND, "", None) == {}
    assert list(theirs.changes(CONTROL)) == []
    assert theirs.change(made.id) is None
    assert list(theirs.sweeps(CONTROL)) == []
    assert list(theirs.exemptions(CONTROL)) == []
    assert theirs.unexempt(CONTROL, "/a") is False
    assert theirs.take(CONTROL, HOUR, 10, 10) == 10
    assert theirs.acquire(CONTROL, "they", 900) is True
    theirs.commit(gone=[item("/a")])
    assert list(mine.gone(CONTROL)) == []
    theirs.withdraw([made])
    assert list(mine.all_items(CONTROL)) == [item("/a")]
    assert list(mine.changes(CONTROL)) == [made]
    mine.close()
    theirs.close()


def test_a_ledger_file_outlives_its_process(tmp_path: Path) -> None:
    """Everything is there when the file is opened again, but the lease."""
    path = tmp_path / "deep" / "down" / "ledger.db"
    ledger = SQLiteLedger(path, "a")
    made, record = change("/a"), sweep(1)
    ledger.commit(items=[item("/a")], changes=[made], sweep=record)
    ledger.exempt(CONTROL, exemption("/a"))
    ledger.take(CONTROL, HOUR, 7, 10)
    ledger.acquire(CONTROL, "me", 900)
    ledger.close()
    again = SQLiteLedger(path, "a")
    assert list(again.all_items(CONTROL)) == [item("/a")]
    assert list(again.changes(CONTROL)) == [made]
    assert list(again.sweeps(CONTROL)) == [record]
    assert list(again.exemptions(CONTROL)) == [exemption("/a")]
    assert again.take(CONTROL, HOUR, 7, 10) == 3
    assert again.acquire(CONTROL, "they", 900) is True
    again.close()


def test_an_intent_is_flushed_to_the_disk_when_it_is_committed(tmp_path: Path) -> None:
    """A power cut after the first call must find it; that is what FULL does in this mode."""
    ledger = SQLiteLedger(tmp_path / "ledger.db", "a")
    assert ledger._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    done: list[str] = []
    ledger._db.set_trace_callback(done.append)
    ledger.intend([change("/a")], [item("/a")])
    until_commit = done[: done.index("COMMIT")]
    levels = [text for text in until_commit if text.startswith("PRAGMA synchronous")]
    assert levels[-1].endswith("FULL")
    ledger.close()


def test_an_intent_waits_for_what_another_thread_is_writing(tmp_path: Path) -> None:
    """Threads share a ledger, and none may fail because another one is in the middle."""
    ledger = SQLiteLedger(tmp_path / "ledger.db", "a")
    with ThreadPoolExecutor(1) as threads:
        with ledger._transaction():
            intended = threads.submit(ledger.intend, [change("/a")], [item("/a")])
            with pytest.raises(TimeoutError):
                intended.result(timeout=0.2)
        intended.result(timeout=10)
    assert list(ledger.all_items(CONTROL)) == [item("/a")]
    ledger.close()


def test_a_budget_is_taken_by_one_process_at_a_time(tmp_path: Path) -> None:
    """What is left is read under the lock under which it is taken."""
    first = SQLiteLedger(tmp_path / "ledger.db", "a")
    second = SQLiteLedger(tmp_path / "ledger.db", "a")
    with ThreadPoolExecutor(1) as threads:
        with first._transaction():
            taken = threads.submit(second.take, CONTROL, HOUR, 7, 10)
            with pytest.raises(TimeoutError):
                taken.result(timeout=0.2)
        assert taken.result(timeout=10) == 7
    first.close()
    second.close()


def a_file(path: Path) -> Path:
    path.write_text("x", "utf-8")
    return path / "ledger.db"


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def another_format(path: Path) -> Path:
    path.write_text("not a database, but long enough to be looked at" * 100, "utf-8")
    return path


def another_version(path: Path) -> Path:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    return path


@pytest.mark.parametrize("make", [a_file, a_folder, another_format, another_version])
def test_a_path_where_no_ledger_can_be_is_a_bad_setting(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    """The message names the path; what is there is left as it was."""
    path = make(tmp_path / "there")
    with pytest.raises(BadPolicy, match=str(path)):
        SQLiteLedger(path, "a")


def test_a_ledger_of_another_version_is_neither_read_nor_changed(tmp_path: Path) -> None:
    """A newer Steward's file is not spoilt by an older one."""
    path = another_version(tmp_path / "ledger.db")
    before = path.read_bytes()
    with pytest.raises(BadPolicy, match="version 99"):
        SQLiteLedger(path, "a")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.db"]


def test_a_refused_ledger_file_is_let_go(tmp_path: Path) -> None:
    """Nothing keeps it open while the error is being told."""
    path = another_version(tmp_path / "ledger.db")
    other = sqlite3.connect(path, timeout=0)
    other.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(BadPolicy) as caught:
        SQLiteLedger(path, "a")
    assert "version 99" in str(caught.value)
    assert other.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
    other.close()


def test_a_disk_that_fails_is_told_in_our_words(tmp_path: Path) -> None:
    """The console ends with a sentence, not with SQLite's traceback."""
    ledger = SQLiteLedger(tmp_path / "ledger.db", "a")
    [pages] = ledger._db.execute("PRAGMA page_count").fetchone()
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")  # as if the disk were full
    with pytest.raises(StewardError):
        ledger.commit(items=[item(f"/{number}" * 50) for number in range(200)])
    ledger.close()


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_ledger_of_a_version_before_is_taken_over(tmp_path: Path, version: int) -> None:
    """What it holds is there, and what it did not know of is empty."""
    path = tmp_path / "ledger.db"
    ledger, swept = SQLiteLedger(path, "here"), sweep(1)
    ledger.commit(items=[item("/a")], sweep=swept)
    ledger.close()
    with closing(sqlite3.connect(path)) as database:
        if version == 1:
            database.execute("ALTER TABLE items DROP COLUMN memory")
        if version < 3:
            database.execute("ALTER TABLE sweeps DROP COLUMN met")
        if version < 4:
            for column in ("violation", "violated_since", "resolved_at"):
                database.execute(f"ALTER TABLE items DROP COLUMN {column}")
            database.execute("ALTER TABLE sweeps DROP COLUMN oldest")
            database.execute("DROP TABLE gone")
        database.execute("ALTER TABLE sweeps DROP COLUMN gauges")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
    for _ in range(2):
        ledger = SQLiteLedger(path, "here")
        assert [*ledger.all_items(CONTROL)] == [item("/a")]
        assert [*ledger.sweeps(CONTROL)] == [swept]
        assert [*ledger.gone(CONTROL)] == []
        ledger.close()


def test_an_item_that_an_older_steward_wrote_in_dynamodb_is_read(dynamodb: Store) -> None:
    """What it did not know of is empty."""
    ledger = cast(DynamoDBLedger, dynamodb.open())
    later = ("memory", "violation", "violated_since", "resolved_at")
    old = {name: value for name, value in item_record(item("/a")).items() if name not in later}
    ledger._aws.ask("dynamodb", "PutItem", TableName=ledger._table, Item=old)
    assert [*ledger.all_items(CONTROL)] == [item("/a")]
