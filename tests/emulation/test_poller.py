"""The embedded event source mapping batches as Lambda does, and believes answers as it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.clock import EmbeddedClock
from embedded.poller import InvocationError, Poller, Source, failures
from embedded.queues import Queue, Queues

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ARN = "arn:aws:sqs:eu-west-1:111122223333"
FUNCTION = "steward-log-retention"

Answer = Mapping[str, Any] | None


def listed(*ids: Any) -> Mapping[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


class Scene:
    """A queue, its dead letters, a function, and the mapping between them."""

    def __init__(self, tries: int = 3, **properties: Any) -> None:
        self.clock = EmbeddedClock(START)
        self.batches: list[list[str]] = []
        self.events: list[Mapping[str, Any]] = []
        self.answer: Callable[[Mapping[str, Any]], Answer] = lambda _: None
        queues = Queues(self.clock)
        self.dead = queues.make("dead", f"{ARN}:dead", "", {})
        redrive = {"deadLetterTargetArn": self.dead.arn, "maxReceiveCount": tries}
        told = {"VisibilityTimeout": 60, "RedrivePolicy": redrive}
        self.inbox: Queue = queues.make("inbox", f"{ARN}:inbox", "", told)
        needed = {"FunctionName": FUNCTION, "EventSourceArn": self.inbox.arn}
        self.poller = Poller(
            Source.read({**needed, **properties}), self.inbox, self.invoke, self.clock
        )

    def invoke(self, name: str, event: Mapping[str, Any]) -> Answer:
        assert name == FUNCTION
        self.events.append(event)
        self.batches.append([record["body"] for record in event["Records"]])
        return self.answer(event)

    def send(self, *bodies: str, delay: int = 0) -> None:
        for body in bodies:
            self.inbox.send(body, delay=delay)

    def due(self) -> float | None:
        """Seconds until there is something to do."""
        due = self.poller.due()
        return None if due is None else (due - self.clock.now()).total_seconds()

    def run(self) -> None:
        """Go on until there is nothing to do."""
        while due := self.poller.due():
            self.clock.advance_to(due)
            self.poller.poll()

    @property
    def left(self) -> list[str]:
        return [one.body for one in self.inbox.messages()]


def test_without_a_window_what_is_visible_is_delivered_at_once() -> None:
    """In batches of ten, one after the other."""
    scene = Scene()
    assert (scene.due(), scene.poller.poll()) == (None, 0)
    scene.send(*map(str, range(23)))
    assert (scene.due(), scene.poller.poll()) == (0, 23)
    assert [len(batch) for batch in scene.batches] == [10, 10, 3]
    assert (scene.left, scene.due()) == ([], None)


def test_a_window_waits_for_more_and_begins_with_the_first_visible_message() -> None:
    """What comes meanwhile is in the same batch."""
    scene = Scene(MaximumBatchingWindowInSeconds=20, BatchSize=50)
    scene.send("a", delay=30)
    assert scene.due() == 50
    scene.clock.advance(35)
    scene.send("b")
    assert (scene.due(), scene.poller.poll()) == (15, 0)
    scene.clock.advance(15)
    assert (scene.due(), scene.poller.poll(), scene.batches) == (0, 2, [["a", "b"]])


def test_a_full_batch_waits_for_no_window() -> None:
    """It is due when the message that fills it becomes visible."""
    scene = Scene(MaximumBatchingWindowInSeconds="300", BatchSize="2")
    scene.send("a", "b", "c", delay=5)
    assert scene.due() == 5
    scene.clock.advance(5)
    assert (scene.poller.poll(), scene.batches, scene.due()) == (2, [["a", "b"]], 300)


def test_a_message_that_comes_after_the_window_is_not_waited_for() -> None:
    """Even if it would fill the batch; what has been ready for long is due now, not then."""
    scene = Scene(MaximumBatchingWindowInSeconds=10, BatchSize=2)
    scene.send("a")
    scene.send("b", delay=60)
    assert scene.due() == 10
    scene.clock.advance(30)
    assert (scene.due(), scene.poller.poll(), scene.batches) == (0, 1, [["a"]])


def test_a_batch_is_full_at_six_mebibytes() -> None:
    """As many as fit, and the window does not matter."""
    scene = Scene(MaximumBatchingWindowInSeconds=300, BatchSize=50)
    scene.send(*["a" * 1_000_000] * 6)
    assert (scene.due(), scene.poller.poll()) == (300, 0)
    scene.send("a" * 1_000_000)
    assert (scene.due(), scene.poller.poll(), scene.due()) == (0, 6, 300)


def test_a_function_gets_records_as_from_aws() -> None:
    """The documented shape, message attributes included."""
    scene = Scene()
    attributes = {
        "kind": {"DataType": "String", "StringValue": "x"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00"},
    }
    sent = scene.inbox.send("{}", attributes=attributes)
    scene.poller.poll()
    [event] = scene.events
    [record] = event["Records"]
    milliseconds = str(round(START.timestamp() * 1000))
    assert record.pop("receiptHandle")
    assert event == {"Records": [record]}
    assert record == {
        "messageId": sent.id,
        "body": "{}",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "SenderId": "AIDAEMBEDDED",
            "ApproximateFirstReceiveTimestamp": milliseconds,
        },
        "messageAttributes": {
            "kind": {
                "stringValue": "x",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "raw": {
                "binaryValue": "AA==",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{ARN}:inbox",
        "awsRegion": "eu-west-1",
    }


IDS = {"a", "b", "c"}


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"other": 1}, set()),
        ({"batchItemFailures": None}, set()),
        (listed(), set()),
        (listed("b"), {"b"}),
        (listed("a", "b", "c", "a"), IDS),
        (listed("b", "unknown"), IDS),
        (listed("b", ""), IDS),
        (listed("b", None), IDS),
        (listed(["b"]), IDS),
        ({"batchItemFailures": [{"itemIdentifer": "b"}]}, IDS),
        ({"batchItemFailures": ["b"]}, IDS),
        ({"batchItemFailures": "b"}, IDS),
        ({"batchItemFailures": {}}, IDS),
        ("done", IDS),
        ([], IDS),
    ],
    ids=[
        "null",
        "empty",
        "without the list",
        "null list",
        "empty list",
        "one",
        "all, one twice",
        "unknown id",
        "empty id",
        "null id",
        "id is a list",
        "mistyped key",
        "bare id",
        "text for a list",
        "object for a list",
        "text",
        "a list",
    ],
)
def test_an_answer_is_believed_to_the_letter(answer: Any, failed: set[str]) -> None:
    """Nothing listed is success; whatever is wrong with the list fails the whole batch."""
    assert failures(answer, IDS) == failed


def test_what_failed_stays_for_its_time_out_and_the_rest_is_deleted() -> None:
    """Then it comes again, alone."""
    scene = Scene(FunctionResponseTypes=["ReportBatchItemFailures"])
    scene.answer = lambda event: listed(event["Records"][1]["messageId"])
    scene.send("a", "b", "c")
    scene.poller.poll()
    assert (scene.left, scene.inbox.in_flight, scene.due()) == (["b"], 1, 60)
    scene.answer = lambda _: listed()
    scene.run()
    assert scene.batches == [["a", "b", "c"], ["b"]]
    assert scene.events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
    assert scene.left == []


def test_unless_it_was_announced_an_answer_says_nothing() -> None:
    """Without ReportBatchItemFailures a function that returns has done everything."""
    scene = Scene()
    scene.answer = lambda event: listed(event["Records"][0]["messageId"])
    scene.send("a")
    scene.poller.poll()
    assert scene.left == []


def test_a_function_that_errs_keeps_the_whole_batch_until_the_dead_letter_queue() -> None:
    """As often as the queue allows, a time-out apart; the last time-out ends in the other queue."""
    scene = Scene(tries=3)

    def err(_: Mapping[str, Any]) -> Answer:
        raise InvocationError("boom")

    scene.answer = err
    scene.send("a", "b")
    scene.run()
    assert scene.batches == [["a", "b"]] * 3
    assert (scene.left, scene.dead.visible) == ([], 2)
    assert scene.clock.now() == START + timedelta(seconds=180)


def test_what_a_function_gives_back_at_once_waits_for_the_next_call() -> None:
    """So that a call always ends."""
    scene = Scene(tries=10, FunctionResponseTypes=["ReportBatchItemFailures"])

    def give_back(event: Mapping[str, Any]) -> Answer:
        for record in event["Records"]:
            scene.inbox.change_visibility(record["receiptHandle"], 0)
        return listed(*(record["messageId"] for record in event["Records"]))

    scene.answer = give_back
    scene.send("a", "b")
    assert (scene.poller.poll(), scene.due(), len(scene.batches)) == (2, 0, 1)


def test_a_disabled_mapping_does_nothing() -> None:
    """The messages stay."""
    scene = Scene(Enabled="false")
    scene.send("a")
    assert (scene.due(), scene.poller.poll(), scene.left) == (None, 0, ["a"])


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"BatchSize": 0}, "BatchSize: is 0, allowed: 1 to 10000"),
        ({"BatchSize": 10_001}, "BatchSize: is 10001"),
        ({"BatchSize": 50}, "MaximumBatchingWindowInSeconds: is 0"),
        ({"MaximumBatchingWindowInSeconds": "301"}, "is 301, allowed: 0 to 300"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "is 1, allowed: 2 to 1000"),
    ],
    ids=["no batch", "large batch", "no window", "long window", "no concurrency"],
)
def test_settings_that_lambda_refuses_are_refused(
    properties: Mapping[str, Any], message: str
) -> None:
    """With the name, the value and what would do."""
    needed = {"FunctionName": FUNCTION, "EventSourceArn": f"{ARN}:inbox"}
    with pytest.raises(ValueError, match=message):
        Source.read({**needed, **properties})


def test_settings_are_read_as_cloudformation_has_them() -> None:
    """Numbers and booleans may be text."""
    source = Source.read(
        {
            "FunctionName": FUNCTION,
            "EventSourceArn": f"{ARN}:inbox",
            "BatchSize": "50",
            "MaximumBatchingWindowInSeconds": "20",
            "ScalingConfig": {"MaximumConcurrency": "2"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "Enabled": "true",
        }
    )
    assert source == Source(
        FUNCTION, f"{ARN}:inbox", 50, timedelta(seconds=20), 2, partial=True, enabled=True
    )


@given(
    sends=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 4)), max_size=30),
    batch=st.integers(1, 10),
    window=st.integers(0, 20),
    tries=st.integers(1, 3),
)
def test_every_message_is_done_or_dead_after_its_tries(
    sends: list[tuple[int, int]], batch: int, window: int, tries: int
) -> None:
    """Each body says how often it fails: it is delivered once more, at most as often as allowed."""
    scene = Scene(
        tries,
        BatchSize=batch,
        MaximumBatchingWindowInSeconds=window,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def answer(event: Mapping[str, Any]) -> Answer:
        return listed(
            *(
                record["messageId"]
                for record in event["Records"]
                if int(record["attributes"]["ApproximateReceiveCount"])
                <= int(record["body"].split()[1])
            )
        )

    scene.answer = answer
    for number, (delay, fails) in enumerate(sends):
        scene.send(f"{number} {fails}", delay=delay)
    scene.run()
    bodies = [f"{number} {fails}" for number, (_, fails) in enumerate(sends)]
    delivered = [body for bodies in scene.batches for body in bodies]
    assert {body: delivered.count(body) for body in bodies} == {
        body: min(tries, int(body.split()[1]) + 1) for body in bodies
    }
    assert all(1 <= len(bodies) <= batch for bodies in scene.batches)
    assert scene.left == []
    dead = {one.body for one in scene.dead.messages()}
    assert dead == {body for body in bodies if int(body.split()[1]) >= tries}
