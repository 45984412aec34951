"""The embedded queues keep SQS's promises on a clock of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from moto import mock_aws

from embedded import overlays
from embedded.clock import EmbeddedClock
from embedded.messages import Message
from embedded.overlays import faithful
from embedded.queues import Queue, Queues
from embedded.request import Refusal

REGION = "eu-west-1"
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
NOW = str(round(START.timestamp() * 1000))
DAY = 86_400


def url(name: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/111122223333/{name}"


def arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:111122223333:{name}"


def queue(queues: Queues, name: str, **properties: Any) -> Queue:
    return queues.make(name, arn(name), url(name), properties)


def redrive(name: str, receives: int | str) -> dict[str, Any]:
    return {"deadLetterTargetArn": arn(name), "maxReceiveCount": receives}


@pytest.fixture
def clock() -> EmbeddedClock:
    return EmbeddedClock(START)


@pytest.fixture
def queues(clock: EmbeddedClock) -> Queues:
    return Queues(clock)


@pytest.fixture
def inbox(queues: Queues) -> Queue:
    """A queue as the platform has them: 30 s of delay, 10 of hiding, three tries."""
    queue(queues, "dead", MessageRetentionPeriod=14 * DAY)
    numbers = {"DelaySeconds": "30", "VisibilityTimeout": "10"}
    return queue(queues, "inbox", **numbers, RedrivePolicy=redrive("dead", "3"))


def counts(queue: Queue) -> tuple[int, int, int]:
    return queue.visible, queue.delayed, queue.in_flight


def bodies(messages: Any) -> list[str]:
    return [one.body for one in messages]


def code(error: pytest.ExceptionInfo[Refusal]) -> str:
    return str(error.value.code)


def test_time_passes_only_when_told(clock: EmbeddedClock) -> None:
    """By sleeping, by so many seconds, or up to a moment; never backwards."""
    clock.sleep(1.5)
    clock.advance(2)
    clock.advance_to(START + timedelta(seconds=10))
    clock.advance_to(START)
    assert clock.now() == START + timedelta(seconds=10)
    assert clock.monotonic() == 10
    with pytest.raises(ValueError, match="allowed: 0 or more"):
        clock.advance(-1)


def test_a_clock_knows_its_time_zone() -> None:
    """A naive start could not be compared with anything."""
    with pytest.raises(ValueError, match="with a time zone"):
        EmbeddedClock(START.replace(tzinfo=None))


def test_threads_that_sleep_at_the_same_time_sleep_together() -> None:
    """Two that begin before either has ended wake together: the longer sleep is how long it was."""
    begun = threading.Barrier(2)

    class Watched(EmbeddedClock):
        def now(self) -> datetime:
            moment = super().now()
            begun.wait(timeout=5)
            return moment

    clock = Watched(START)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(clock.sleep, [3, 5]))
    assert clock.monotonic() == 5


def test_a_message_is_delayed_then_visible_then_in_flight_then_gone(
    inbox: Queue, clock: EmbeddedClock
) -> None:
    """The three counts follow it."""
    sent = inbox.send("a")
    assert (counts(inbox), inbox.receive(10)) == ((0, 1, 0), [])
    clock.advance(30)
    assert counts(inbox) == (1, 0, 0)
    [received] = inbox.receive(10)
    assert (received.id, counts(inbox), inbox.receive(10)) == (sent.id, (0, 0, 1), [])
    inbox.delete(received.handle)
    assert (counts(inbox), inbox.messages()) == ((0, 0, 0), [])


def test_a_message_may_have_a_delay_of_its_own(inbox: Queue, clock: EmbeddedClock) -> None:
    """Also none at all; the queue's own stands for the others."""
    for delay in (0, 900, None):
        inbox.send(str(delay), delay=delay)
    assert bodies(inbox.receive(10)) == ["0"]
    clock.advance(30)
    assert bodies(inbox.receive(10)) == ["0", "None"]
    clock.advance(870)
    assert "900" in bodies(inbox.receive(10))


def test_messages_come_in_the_order_of_sending(inbox: Queue) -> None:
    """As many as were asked for."""
    for body in "abc":
        inbox.send(body, delay=0)
    assert bodies(inbox.receive(2)) == ["a", "b"]
    assert bodies(inbox.receive(2)) == ["c"]


def test_what_is_not_deleted_comes_back_when_its_time_out_ends(
    inbox: Queue, clock: EmbeddedClock
) -> None:
    """With a new receipt, one more receive, and the first moments as they were."""
    inbox.send("a", delay=0)
    [first] = inbox.receive(1)
    clock.advance(9)
    assert inbox.receive(1) == []
    clock.advance(1)
    [second] = inbox.receive(1)
    assert first.handle != second.handle
    assert first.system_attributes() == {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": NOW,
        "SenderId": "AIDAEMBEDDED",
        "ApproximateFirstReceiveTimestamp": NOW,
    }
    assert second.system_attributes() == {
        **first.system_attributes(),
        "ApproximateReceiveCount": "2",
    }


def test_a_receipt_may_hide_for_its_own_time(inbox: Queue, clock: EmbeddedClock) -> None:
    """Instead of the queue's time-out."""
    inbox.send("a", delay=0)
    inbox.receive(1, visibility=100)
    clock.advance(99)
    assert inbox.receive(1) == []
    clock.advance(1)
    assert bodies(inbox.receive(1, visibility=0)) == ["a"]
    assert bodies(inbox.receive(1)) == ["a"]


def test_a_time_out_can_be_changed_from_now_on(inbox: Queue, clock: EmbeddedClock) -> None:
    """Longer or shorter, also to none."""
    inbox.send("a", delay=0)
    [received] = inbox.receive(1)
    clock.advance(5)
    inbox.change_visibility(received.handle, 20)
    clock.advance(19)
    assert counts(inbox) == (0, 0, 1)
    inbox.change_visibility(received.handle, 0)
    assert counts(inbox) == (1, 0, 0)


@pytest.mark.parametrize("what", ["timed out", "received again", "deleted", "purged"])
def test_a_time_out_changes_only_in_flight(inbox: Queue, clock: EmbeddedClock, what: str) -> None:
    """A receipt that is no more the message's newest, or of a visible one, is refused."""
    inbox.send("a", delay=0)
    [received] = inbox.receive(1)
    if what == "deleted":
        inbox.delete(received.handle)
    if what == "purged":
        inbox.purge()
    clock.advance(10)
    if what == "received again":
        inbox.receive(1)
    with pytest.raises(Refusal) as refused:
        inbox.change_visibility(received.handle, 60)
    assert code(refused) == "MessageNotInflight"


def test_an_old_receipt_deletes_nothing_and_is_accepted(inbox: Queue, clock: EmbeddedClock) -> None:
    """The newest deletes, also when its time-out has ended, also twice."""
    inbox.send("a", delay=0)
    [first] = inbox.receive(1)
    clock.advance(10)
    [second] = inbox.receive(1)
    inbox.delete(first.handle)
    assert counts(inbox) == (0, 0, 1)
    clock.advance(10)
    inbox.delete(second.handle)
    inbox.delete(second.handle)
    assert inbox.messages() == []


@pytest.mark.parametrize("handle", ["", "nonsense", "Zm9v", None], ids=str)
def test_what_is_no_receipt_of_the_queue_is_refused(
    queues: Queues, inbox: Queue, handle: str | None
) -> None:
    """Also one of another queue."""
    if handle is None:
        other = queue(queues, "other")
        other.send("a")
        handle = other.receive(1)[0].handle
    for act in (inbox.delete, lambda wrong: inbox.change_visibility(wrong, 1)):
        with pytest.raises(Refusal) as refused:
            act(handle)
        assert code(refused) == "ReceiptHandleIsInvalid"


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda q: q.send("a", delay=-1), "InvalidParameterValue"),
        (lambda q: q.send("a", delay=901), "InvalidParameterValue"),
        (lambda q: q.send(""), "MissingParameter"),
        (lambda q: q.receive(1, visibility=43_201), "InvalidParameterValue"),
        (lambda q: q.change_visibility("", -1), "InvalidParameterValue"),
    ],
    ids=["delay too short", "delay too long", "no body", "hidden too long", "hidden too short"],
)
def test_numbers_outside_the_limits_are_refused(inbox: Queue, act: Any, expected: str) -> None:
    """And nothing is sent or received."""
    with pytest.raises(Refusal) as refused:
        act(inbox)
    assert (code(refused), inbox.messages()) == (expected, [])


def test_a_message_is_held_for_twelve_hours_at_most(inbox: Queue, clock: EmbeddedClock) -> None:
    """Counted from its receipt, not from the change."""
    inbox.send("a", delay=0)
    [received] = inbox.receive(1, visibility=60)
    clock.advance(50)
    inbox.change_visibility(received.handle, 43_150)
    with pytest.raises(Refusal, match="beyond the limit"):
        inbox.change_visibility(received.handle, 43_151)


@pytest.mark.parametrize(
    ("properties", "body", "attributes", "over"),
    [
        ({}, "a" * 1_048_576, {}, 0),
        ({}, "a" * 1_048_577, {}, 1),
        ({"MaximumMessageSize": "1024"}, "é" * 512, {}, 0),
        ({"MaximumMessageSize": "1024"}, "é" * 513, {}, 1),
        (
            {"MaximumMessageSize": 1024},
            "a" * 1015,
            {"n": {"DataType": "String", "StringValue": "é"}},
            0,
        ),
        (
            {"MaximumMessageSize": 1024},
            "a" * 1016,
            {"n": {"DataType": "Binary", "BinaryValue": b"ab"}},
            1,
        ),
    ],
    ids=["a MiB", "more", "of bytes", "more bytes", "with attributes", "more with attributes"],
)
def test_size_is_limited(
    queues: Queues, properties: Any, body: str, attributes: Any, over: int
) -> None:
    """In bytes, attributes included; a MiB unless the queue says less."""
    small = queue(queues, "small", **properties)
    with pytest.raises(Refusal, match="must be shorter") if over else nullcontext():
        small.send(body, attributes=attributes)
    assert small.visible == 1 - over


def test_a_message_moves_when_it_is_to_be_received_once_too_often(
    queues: Queues, inbox: Queue, clock: EmbeddedClock
) -> None:
    """Not before; it keeps when it was sent and how often it was received."""
    inbox.send("a", delay=0)
    for _ in range(3):
        assert len(inbox.receive(1)) == 1
        clock.advance(10)
    assert (inbox.visible, queues["dead"].visible) == (1, 0)
    assert inbox.receive(1) == []
    assert (inbox.messages(), queues["dead"].visible) == ([], 1)
    assert queues["dead"].messages()[0].handle == ""
    [dead] = queues["dead"].receive(1)
    assert dead.system_attributes() == {
        "ApproximateReceiveCount": "4",
        "SentTimestamp": NOW,
        "SenderId": "AIDAEMBEDDED",
        "ApproximateFirstReceiveTimestamp": NOW,
        "DeadLetterQueueSourceArn": inbox.arn,
    }


def test_spent_messages_do_not_take_the_place_of_others(inbox: Queue, clock: EmbeddedClock) -> None:
    """The same receive that moves one gives the next."""
    inbox.send("spent", delay=0)
    for _ in range(3):
        inbox.receive(1)
        clock.advance(10)
    inbox.send("fresh", delay=0)
    assert bodies(inbox.receive(1)) == ["fresh"]


def test_a_message_stays_where_its_dead_letter_queue_is_not_there(
    queues: Queues, clock: EmbeddedClock
) -> None:
    """It is not lost."""
    lonely = queue(queues, "lonely", RedrivePolicy=redrive("gone", 1))
    lonely.send("a")
    lonely.receive(1, visibility=0)
    with pytest.raises(Refusal, match="does not exist"):
        lonely.receive(1)
    assert lonely.visible == 1


def test_retention_counts_from_the_first_sending(
    queues: Queues, inbox: Queue, clock: EmbeddedClock
) -> None:
    """Four days by default, in flight or not, and through the dead-letter queue."""
    dead = queue(queues, "dead", MessageRetentionPeriod=6 * DAY)
    inbox.send("a", delay=0)
    inbox.send("late", delay=0)
    for _ in range(3):
        inbox.receive(1)
        clock.advance(10)
    clock.advance_to(START + timedelta(days=3))
    assert bodies(inbox.receive(1)) == ["late"]
    clock.advance_to(START + timedelta(days=4, seconds=-1))
    [late] = inbox.receive(1, visibility=60)
    assert (len(inbox.messages()), dead.oldest_age_seconds) == (1, DAY - 1)
    clock.advance(1)
    with pytest.raises(Refusal):
        inbox.change_visibility(late.handle, 1)
    assert inbox.messages() == []
    clock.advance_to(START + timedelta(days=6, seconds=-1))
    assert dead.visible == 1
    clock.advance(1)
    assert dead.messages() == []


def test_age_is_of_the_oldest_that_is_not_poisonous(inbox: Queue, clock: EmbeddedClock) -> None:
    """A message that was received three times no longer counts."""
    assert inbox.oldest_age_seconds == 0
    inbox.send("old", delay=0)
    clock.advance(100)
    inbox.send("young")
    assert inbox.oldest_age_seconds == 100
    for _ in range(3):
        inbox.receive(1, visibility=0)
    assert inbox.oldest_age_seconds == 0
    clock.advance(7)
    assert inbox.oldest_age_seconds == 7


@pytest.mark.parametrize("asked", ["inbox", arn("inbox"), url("inbox")])
def test_a_queue_is_found_by_name_arn_and_url(queues: Queues, inbox: Queue, asked: str) -> None:
    """Whatever the host of the URL is."""
    assert queues[asked] is inbox
    assert queues["http://127.0.0.1:5000/111122223333/inbox"] is inbox
    assert [one.name for one in queues] == ["dead", "inbox"]


@pytest.mark.parametrize("asked", ["outbox", arn("outbox"), url("inbox").replace("1111", "9999")])
def test_a_queue_that_is_not_there_is_refused(queues: Queues, inbox: Queue, asked: str) -> None:
    """Also one of that name in another account."""
    with pytest.raises(Refusal, match="does not exist"):
        queues[asked]


@pytest.fixture(scope="module")
def session() -> Any:
    """One session, because reading the services' models takes most of a test's time."""
    return boto3.Session(region_name=REGION)


@pytest.fixture
def sqs(
    session: Any, queues: Queues, inbox: Queue, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A client of an account whose SQS these queues are."""
    monkeypatch.setattr(overlays, "OVERLAYS", {**overlays.OVERLAYS, **queues.overlays()})
    with mock_aws(), faithful():
        yield session.client("sqs")


def client_code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_client_sends_receives_and_deletes(sqs: Any, inbox: Queue, clock: EmbeddedClock) -> None:
    """With digests, and the attributes that it asks for."""
    kind = {"DataType": "String", "StringValue": "x"}
    sent = sqs.send_message(
        QueueUrl=inbox.url,
        MessageBody="é",
        DelaySeconds=0,
        MessageAttributes={"app.kind": kind, "other": kind},
    )
    assert sent["MD5OfMessageBody"] == md5("é".encode(), usedforsecurity=False).hexdigest()
    answer = sqs.receive_message(
        QueueUrl=inbox.url,
        MessageSystemAttributeNames=["SentTimestamp"],
        MessageAttributeNames=["app.*"],
        VisibilityTimeout=60,
    )
    [message] = answer["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "é")
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    clock.advance(59)
    assert inbox.in_flight == 1
    assert message["Attributes"] == {"SentTimestamp": NOW}
    assert message["MessageAttributes"] == {"app.kind": kind}
    sqs.delete_message(QueueUrl=inbox.url, ReceiptHandle=message["ReceiptHandle"])
    assert inbox.messages() == []
    assert "Messages" not in sqs.receive_message(QueueUrl=inbox.url, WaitTimeSeconds=20)


def test_a_batch_fails_entry_by_entry(sqs: Any, inbox: Queue) -> None:
    """What is refused is told with its code, the rest is done."""
    entries = [
        {"Id": "good", "MessageBody": "a", "DelaySeconds": 0},
        {"Id": "bad", "MessageBody": "b", "DelaySeconds": 901},
    ]
    answer = sqs.send_message_batch(QueueUrl=inbox.url, Entries=entries)
    assert [one["Id"] for one in answer["Successful"]] == ["good"]
    [failed] = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "bad",
        "InvalidParameterValue",
        True,
    )
    [message] = sqs.receive_message(QueueUrl=inbox.url)["Messages"]
    handles = [
        {"Id": "known", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60},
        {"Id": "unknown", "ReceiptHandle": "nonsense", "VisibilityTimeout": 60},
    ]
    changed = sqs.change_message_visibility_batch(QueueUrl=inbox.url, Entries=handles)
    assert [one["Id"] for one in changed["Successful"]] == ["known"]
    assert [one["Code"] for one in changed["Failed"]] == ["ReceiptHandleIsInvalid"]
    keys = [{key: one[key] for key in ("Id", "ReceiptHandle")} for one in handles]
    deleted = sqs.delete_message_batch(QueueUrl=inbox.url, Entries=keys[:1])
    assert [one["Id"] for one in deleted["Successful"]] == ["known"]
    assert "Failed" not in deleted
    assert inbox.messages() == []


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        ([str(number) for number in range(11)], "AWS.SimpleQueueService.TooManyEntries"),
        (["a", "a"], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (["a b"], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ],
    ids=["empty", "too long", "not distinct", "bad id"],
)
def test_a_batch_may_be_refused_as_a_whole(
    sqs: Any, inbox: Queue, ids: list[str], expected: str
) -> None:
    """And nothing of it is done."""
    entries = [{"Id": name, "MessageBody": "a"} for name in ids]
    with pytest.raises(ClientError) as refused:
        sqs.send_message_batch(QueueUrl=inbox.url, Entries=entries)
    assert client_code(refused).startswith(expected)
    assert inbox.messages() == []


def test_refusals_are_the_clients_own_exceptions(sqs: Any, inbox: Queue) -> None:
    """A program that catches them by class does so here, too."""
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url("outbox"), MessageBody="a")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=inbox.url, ReceiptHandle="nonsense")
    inbox.send("a", delay=0)
    [received] = inbox.receive(1, visibility=0)
    with pytest.raises(sqs.exceptions.MessageNotInflight):
        sqs.change_message_visibility(
            QueueUrl=inbox.url, ReceiptHandle=received.handle, VisibilityTimeout=1
        )
    with pytest.raises(ClientError, match="MaxNumberOfMessages"):
        sqs.receive_message(QueueUrl=inbox.url, MaxNumberOfMessages=11)


def test_attributes_tell_settings_and_counts(sqs: Any, inbox: Queue) -> None:
    """The asked ones, or All; none where none is asked for."""
    inbox.send("delayed")
    inbox.send("seen", delay=0)
    inbox.receive(1)
    inbox.send("visible", delay=0)

    def attributes(*names: str) -> Any:
        asked = {"AttributeNames": list(names)} if names else {}
        return sqs.get_queue_attributes(QueueUrl=inbox.url, **asked).get("Attributes", {})

    assert attributes() == {}
    assert attributes("DelaySeconds", "VisibilityTimeout") == {
        "DelaySeconds": "30",
        "VisibilityTimeout": "10",
    }
    told = attributes("All")
    assert told["QueueArn"] == inbox.arn
    assert told["MessageRetentionPeriod"] == "345600"
    assert told["RedrivePolicy"] == (
        '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111122223333:dead", "maxReceiveCount": 3}'
    )
    kinds = ("", "Delayed", "NotVisible")
    assert [told[f"ApproximateNumberOfMessages{kind}"] for kind in kinds] == ["1", "1", "1"]


def test_purging_forgets_everything(sqs: Any, inbox: Queue) -> None:
    """Also what is in flight."""
    inbox.send("a", delay=0)
    inbox.receive(1)
    inbox.send("b")
    sqs.purge_queue(QueueUrl=inbox.url)
    assert counts(inbox) == (0, 0, 0)


class Promises(RuleBasedStateMachine):
    """Anybody may do anything in any order: no message is lost, doubled or tried too often."""

    TRIES = 2

    def __init__(self) -> None:
        super().__init__()
        self.clock = EmbeddedClock(START)
        self.queues = Queues(self.clock)
        self.dead = queue(self.queues, "dead")
        self.inbox = queue(
            self.queues,
            "inbox",
            VisibilityTimeout=20,
            RedrivePolicy=redrive("dead", self.TRIES),
        )
        self.sent: set[str] = set()
        self.deleted: set[str] = set()
        self.tries: dict[str, int] = {}
        self.receipts: list[Message] = []

    @rule(delay=st.integers(0, 60))
    def send(self, delay: int) -> None:
        self.sent.add(self.inbox.send("a", delay=delay).id)

    @rule(most=st.integers(1, 10), visibility=st.integers(0, 60))
    def receive(self, most: int, visibility: int) -> None:
        found = self.inbox.receive(most, visibility=visibility)
        assert len(found) <= most
        for one in found:
            self.tries[one.id] = self.tries.get(one.id, 0) + 1
        self.receipts.extend(found)

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.receipts))
        before = {message.id for message in self.inbox.messages()}
        self.inbox.delete(one.handle)
        self.deleted |= before - {message.id for message in self.inbox.messages()}

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), seconds=st.integers(0, 60))
    def change(self, data: st.DataObject, seconds: int) -> None:
        one = data.draw(st.sampled_from(self.receipts))
        try:
            self.inbox.change_visibility(one.handle, seconds)
        except Refusal as refusal:
            assert refusal.code == "MessageNotInflight"  # noqa: PT017  # it need not be raised

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        alive = [one.id for one in [*self.inbox.messages(), *self.dead.messages()]]
        assert sorted([*alive, *self.deleted]) == sorted(self.sent)

    @invariant()
    def nothing_is_tried_too_often(self) -> None:
        assert all(tries <= self.TRIES for tries in self.tries.values())
        buried = {one.id for one in self.dead.messages()}
        assert all(self.tries.get(one) == self.TRIES for one in buried)

    @invariant()
    def counts_add_up(self) -> None:
        assert sum(counts(self.inbox)) == len(self.inbox.messages())


TestPromises = Promises.TestCase
TestPromises.settings = settings(max_examples=60, stateful_step_count=30)


def test_dead_letters_are_moved_back_to_where_they_came_from(
    sqs: Any, queues: Queues, inbox: Queue, clock: EmbeddedClock
) -> None:
    """As new messages; one that was only sent there ends the move, and stays."""
    dead = queues["dead"]
    inbox.send("a", delay=0)
    for _ in range(3):
        inbox.receive(1)
        clock.advance(10)
    inbox.receive(1)
    [letter] = dead.messages()
    dead.send("sent by hand")
    sqs.start_message_move_task(SourceArn=dead.arn)
    assert (bodies(inbox.messages()), bodies(dead.messages())) == (["a"], ["sent by hand"])
    assert inbox.messages()[0].id != letter.id
    [told] = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]
    assert (told["Status"], told["ApproximateNumberOfMessagesMoved"]) == ("FAILED", 1)
    assert told["FailureReason"] == "CouldNotDetermineMessageSource"
    dead.purge()
    sqs.start_message_move_task(SourceArn=dead.arn)
    first, second = sqs.list_message_move_tasks(SourceArn=dead.arn, MaxResults=2)["Results"]
    assert (first["Status"], second) == ("COMPLETED", told)
    assert first["StartedTimestamp"] > second["StartedTimestamp"]


def test_only_dead_letter_queues_of_queues_can_be_moved(sqs: Any, inbox: Queue) -> None:
    """Such as EventBridge's own are not."""
    with pytest.raises(ClientError) as error:
        sqs.start_message_move_task(SourceArn=inbox.arn)
    assert client_code(error).endswith("UnsupportedOperation")
    assert sqs.list_message_move_tasks(SourceArn=inbox.arn).get("Results", []) == []
