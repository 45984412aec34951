"""The embedded event source mapping for Kinesis reads, retries and gives up as Lambda does."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.kinesis.models import kinesis_backends
from moto.s3.models import s3_backends

from embedded.clock import EmbeddedClock
from embedded.hosting import Function
from embedded.poller import InvocationError
from embedded.queues import Queues
from embedded.shards import StreamSource, first_failed
from embedded.stream_poller import READS, CannotReadError, StreamPoller
from embedded.streams import Kept, Streams, streams_kept_by

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ACCOUNT, REGION = "123456789012", "eu-west-1"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/logs"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ships"
UUID = "0fd6e1b2-0000-4000-8000-000000000000"
SHIPPER = Function(
    name="shipper",
    arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shipper",
    role=ROLE,
    folder=Path("shipper"),
    timeout=120.0,
    environment={},
    access_key="ASIA0",
    log_group="/aws/lambda/shipper",
)
PARTLY = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
TO_BUCKET = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::kept"}}}

Answer = Mapping[str, Any] | None


def listed(*ids: Any) -> Mapping[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": one} for one in ids]}


class Scene:
    """A stream of one shard, a function, the mapping between them, and what it may not do."""

    def __init__(self, clock: EmbeddedClock, *, shards: int = 1) -> None:
        self.clock = clock
        self.batches: list[list[str]] = []
        self.at: list[float] = []
        """Seconds since the start, of each batch."""
        self.events: list[Mapping[str, Any]] = []
        self.answer: Callable[[list[str]], Answer] = lambda _: None
        self.denied: set[str] = set()
        self.queues = Queues(clock)
        self.streams = Streams(ACCOUNT, REGION, clock)
        self.stream = kinesis_backends[ACCOUNT][REGION].create_stream("logs", shards, None, 48)
        self.poller: StreamPoller

    def mapped(self, **properties: Any) -> StreamPoller:
        told = {
            "FunctionName": "shipper",
            "EventSourceArn": STREAM,
            "StartingPosition": "TRIM_HORIZON",
        }
        source = StreamSource.read({**told, **properties}, UUID)

        def may(action: str, _: str) -> str:
            return f"no statement allows {action}" if action in self.denied else ""

        self.poller = StreamPoller(source, SHIPPER, self.streams, self.queues, self._invoke, may)
        return self.poller

    def _invoke(self, name: str, event: Mapping[str, Any]) -> Answer:
        assert name == "shipper"
        bodies = [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]
        self.events.append(event)
        self.batches.append(bodies)
        self.at.append((self.clock.now() - START).total_seconds())
        return self.answer(bodies)

    def put(self, *bodies: str, key: str = "a") -> None:
        for body in bodies:
            self.streams.put(STREAM, key, body.encode())

    def sequences(self, *bodies: str) -> list[str]:
        held = {one.data.decode(): str(one.sequence) for one in self.streams.records(STREAM)}
        return [held[body] for body in bodies]

    def due(self) -> float | None:
        """Seconds until there is something to do."""
        due = self.poller.due()
        return None if due is None else (due - self.clock.now()).total_seconds()

    def run(self, most: int = 1000) -> None:
        """Go on until there is nothing to do, or for a number of batches."""
        while (due := self.poller.due()) and len(self.batches) < most:
            self.clock.advance_to(due)
            self.poller.poll()

    def bucket(self, key: str = "") -> None:
        """Make the bucket for what is given up, encrypted with a key of the customer's."""
        made = s3_backends[ACCOUNT]["aws"].create_bucket("kept", REGION)
        if key:
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            made.encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": default}}

    def kept(self) -> dict[str, Any]:
        """What lies in the bucket, by key."""
        keys = s3_backends[ACCOUNT]["aws"].buckets["kept"].keys
        return {name: json.loads(one.value) for name, one in keys.items()}


def failing(*poison: str) -> Callable[[list[str]], Answer]:
    """A function that raises where a batch has one of these."""

    def answer(bodies: list[str]) -> Answer:
        if set(poison) & {*bodies}:
            raise InvocationError("boom")
        return None

    return answer


@pytest.fixture
def clock() -> Iterator[EmbeddedClock]:
    """The time of a fresh account whose streams go by it."""
    made = EmbeddedClock(START)
    with mock_aws(), streams_kept_by(made):
        yield made


@pytest.fixture
def scene(clock: EmbeddedClock) -> Scene:
    return Scene(clock)


def test_a_function_gets_records_as_from_aws(scene: Scene) -> None:
    """The documented shape; sequence numbers have 56 digits."""
    scene.mapped()
    scene.put("hello", key="b")
    scene.run()
    [event] = scene.events
    [record] = event["Records"]
    number = record["kinesis"]["sequenceNumber"]
    assert re.fullmatch(r"49\d{54}", number)
    assert event == {"Records": [record]}
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "b",
            "sequenceNumber": number,
            "data": "aGVsbG8=",
            "approximateArrivalTimestamp": START.timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": REGION,
        "eventSourceARN": STREAM,
    }


@pytest.mark.parametrize(
    ("properties", "put", "due"),
    [
        ({}, 1, 1),
        ({"MaximumBatchingWindowInSeconds": 5}, 1, 6),
        ({"MaximumBatchingWindowInSeconds": "5", "BatchSize": "3"}, 2, 6),
        ({"MaximumBatchingWindowInSeconds": 5, "BatchSize": 3}, 3, 1),
        ({"MaximumBatchingWindowInSeconds": 5, "BatchSize": 3}, 7, 1),
    ],
    ids=["no window", "window", "not full", "full", "more than full"],
)
def test_a_batch_is_due_when_it_is_full_or_its_window_ends(
    scene: Scene, properties: Mapping[str, Any], put: int, due: int
) -> None:
    """A record is read within a second; without any, nothing is ever due."""
    scene.mapped(**properties)
    assert (scene.due(), scene.poller.poll()) == (None, 0)
    scene.put(*map(str, range(put)))
    assert (scene.due(), scene.poller.poll()) == (due, 0)
    scene.clock.advance(due)
    assert (scene.due(), scene.poller.poll()) == (0, min(put, 3))


def test_batches_of_a_shard_come_one_after_the_other_and_in_order(scene: Scene) -> None:
    """At most as many records as the mapping says."""
    scene.mapped(BatchSize=4)
    scene.put(*map(str, range(10)))
    scene.run()
    assert scene.batches == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]
    assert scene.due() is None


def test_a_batch_is_full_at_six_mebibytes(scene: Scene) -> None:
    """As many records as fit in base64, and the window does not matter."""
    scene.mapped(MaximumBatchingWindowInSeconds=300, BatchSize=50)
    scene.put(*["a" * 1_000_000] * 4)
    assert scene.due() == 301
    scene.put("a" * 1_000_000)
    assert scene.due() == 1
    scene.run()
    assert [len(batch) for batch in scene.batches] == [4, 1]


def test_a_shard_that_fails_does_not_hold_another_up(clock: EmbeddedClock) -> None:
    """Each has its own checkpoint and its own pause."""
    scene = Scene(clock, shards=2)
    scene.mapped()
    scene.answer = failing("bad")
    scene.put("bad", key="a")
    scene.put("good", key="b")
    scene.put("better", key="b")
    scene.run(most=4)
    assert scene.batches == [["bad"], ["good", "better"], ["bad"], ["bad"]]
    shards = [event["Records"][0]["eventID"].partition(":")[0] for event in scene.events]
    assert shards[0] != shards[1]


RECORDS = [Kept("s", number, "k", b"", START) for number in (10, 11, 12)]


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, None),
        ({}, None),
        ({"other": 1}, None),
        ({"batchItemFailures": None}, None),
        (listed(), None),
        (listed("11"), 1),
        (listed("12", "11", "12"), 1),
        (listed("10"), 0),
        (listed("12", "99"), 0),
        (listed("12", ""), 0),
        (listed("12", None), 0),
        (listed(12), 0),
        ({"batchItemFailures": [{"itemIdentifer": "12"}]}, 0),
        ({"batchItemFailures": ["12"]}, 0),
        ({"batchItemFailures": "12"}, 0),
        ("done", 0),
        ([], 0),
    ],
    ids=[
        "null",
        "empty",
        "without the list",
        "null list",
        "empty list",
        "one",
        "several",
        "the first",
        "unknown",
        "empty number",
        "null number",
        "no text",
        "mistyped key",
        "bare number",
        "text for a list",
        "text",
        "a list",
    ],
)
def test_an_answer_is_believed_to_the_letter(answer: Any, failed: int | None) -> None:
    """Of several numbers the lowest counts; whatever is wrong with one fails the whole batch."""
    assert first_failed(answer, RECORDS) == failed


def test_what_failed_comes_again_with_all_that_follows_it(scene: Scene) -> None:
    """From the lowest number on, successes included, without what came meanwhile."""
    scene.mapped(**PARTLY)
    scene.put("a", "b", "c", "d")
    scene.answer = lambda _: listed(*scene.sequences("d", "c"))
    scene.run(most=1)
    scene.put("e")
    scene.answer = lambda _: listed()
    scene.run()
    assert scene.batches == [["a", "b", "c", "d"], ["c", "d"], ["e"]]


def test_unless_it_was_announced_an_answer_says_nothing(scene: Scene) -> None:
    """Without ReportBatchItemFailures a function that returns has done everything."""
    scene.mapped()
    scene.put("a")
    scene.answer = lambda _: listed(*scene.sequences("a"))
    scene.run()
    assert scene.batches == [["a"]]


def test_a_function_that_errs_blocks_its_shard(scene: Scene) -> None:
    """The same batch comes again after ever longer pauses, of a minute at most."""
    scene.mapped()
    scene.answer = failing("a")
    scene.put("a")
    scene.run(most=1)
    scene.put("b")
    scene.run(most=10)
    pauses = [late - early for early, late in zip(scene.at, scene.at[1:], strict=False)]
    assert scene.batches == [["a"]] * 10
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    scene.answer = lambda _: None
    scene.run()
    assert scene.batches[10:] == [["a"], ["b"]]


def test_halving_isolates_a_record_and_costs_no_retry(scene: Scene) -> None:
    """Each half is tried before what follows it; one record alone is retried, then given up."""
    scene.bucket()
    scene.mapped(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1, **TO_BUCKET)
    scene.answer = failing("c")
    scene.put(*"abcdef")
    scene.run()
    assert ["".join(batch) for batch in scene.batches] == [
        "abcdef",
        "abc",
        "a",
        "bc",
        "b",
        "c",
        "c",
        "def",
    ]
    [record] = scene.kept().values()
    batch = record["KinesisBatchInfo"]
    assert (batch["startSequenceNumber"], batch["batchSize"]) == (scene.sequences("c")[0], 1)
    assert record["requestContext"]["approximateInvokeCount"] == 5


def test_with_both_a_batch_is_split_where_the_answer_says(scene: Scene) -> None:
    """What lies before the number is not tried again."""
    scene.mapped(BisectBatchOnFunctionError=True, MaximumRetryAttempts=2, **PARTLY)
    scene.answer = lambda bodies: listed(*scene.sequences("c")) if "c" in bodies else None
    scene.put(*"abcd")
    scene.run()
    assert ["".join(batch) for batch in scene.batches] == ["abcd", "cd", "cd"]
    assert scene.poller.dropped == [(scene.clock.now(), 2.0)]


def test_what_is_given_up_lies_in_the_bucket_with_its_payload(scene: Scene) -> None:
    """The whole invocation record, under the documented key; then the shard goes on."""
    scene.bucket()
    scene.mapped(MaximumRetryAttempts=1, BatchSize=2, **TO_BUCKET)
    scene.answer = failing("a")
    scene.put("a", "b", "c")
    scene.run()
    assert scene.batches == [["a", "b"], ["a", "b"], ["c"]]
    [(key, record)] = scene.kept().items()
    first, last = scene.sequences("a", "b")
    assert re.fullmatch(
        rf"aws/lambda/{UUID}/shardId-0{{12}}/2026/11/20/2026-11-20T10\.00\.02-[0-9a-f-]{{36}}", key
    )
    assert json.loads(record.pop("payload")) == scene.events[0]
    assert record["requestContext"].pop("requestId")
    assert record == {
        "requestContext": {
            "functionArn": SHIPPER.arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2026-11-20T10:00:02.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "approximateArrivalOfFirstRecord": "2026-11-20T10:00:00.000Z",
            "approximateArrivalOfLastRecord": "2026-11-20T10:00:00.000Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }
    assert scene.poller.kept == [(START + timedelta(seconds=2), 2.0)]


def test_records_that_are_too_old_are_given_up(scene: Scene) -> None:
    """Those alone, whether they were tried or not; a tried batch's younger records go on."""
    scene.bucket()
    scene.mapped(MaximumRecordAgeInSeconds=60, **TO_BUCKET)
    scene.answer = failing("a")
    scene.put("a")
    scene.clock.advance(0.5)
    scene.run(most=6)
    assert (scene.batches, scene.due()) == ([["a"]] * 6, 32)
    scene.put("b")
    scene.run()
    assert scene.batches == [*[["a"]] * 6, ["b"]]
    scene.put("never tried")
    scene.clock.advance(61)
    scene.run()
    tried, untried = (one for _, one in sorted(scene.kept().items()))
    assert [one["requestContext"]["condition"] for one in (tried, untried)] == [
        "RecordAgeExceeded"
    ] * 2
    assert tried["requestContext"]["approximateInvokeCount"] == 6
    assert ("responseContext" in tried, "responseContext" in untried) == (True, False)


def test_a_stream_forgets_and_the_mapping_never_hears_of_it(scene: Scene) -> None:
    """After 48 hours, for which this stream keeps its records."""
    scene.mapped(Enabled=False)
    scene.put("old")
    scene.clock.advance(48 * 3600 - 1)
    scene.put("young")
    scene.clock.advance(1)
    scene.mapped()
    scene.run()
    assert scene.batches == [["young"]]


def test_a_queue_gets_no_payload(scene: Scene) -> None:
    """Only what it takes to read the records again."""
    queue = scene.queues.make("dead", f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "", {})
    destination = {"DestinationConfig": {"OnFailure": {"Destination": queue.arn}}}
    scene.mapped(MaximumRetryAttempts=0, **destination)
    scene.answer = failing("a")
    scene.put("a")
    scene.run()
    [message] = queue.messages()
    told = json.loads(message.body)
    assert ("payload" in told, told["KinesisBatchInfo"]["batchSize"]) == (False, 1)


def test_what_the_role_may_not_write_is_dropped(scene: Scene) -> None:
    """The shard goes on all the same."""
    scene.bucket()
    scene.mapped(MaximumRetryAttempts=0, **TO_BUCKET)
    scene.denied = {"s3:PutObject"}
    scene.answer = failing("a")
    scene.put("a")
    scene.run()
    assert (scene.kept(), scene.poller.kept) == ({}, [])
    assert [count for _, count in scene.poller.dropped] == [1]


@pytest.mark.parametrize("action", [*READS, "kms:Decrypt", "kms:GenerateDataKey", "s3:ListBucket"])
def test_without_leave_to_read_there_is_no_mapping(scene: Scene, action: str) -> None:
    """Lambda tries the role before it takes one; also for keys of the stream and the bucket."""
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    scene.stream.key_id = key
    scene.bucket(key)
    scene.denied = {action}
    with pytest.raises(CannotReadError, match=action):
        scene.mapped(**TO_BUCKET)


def test_a_mapping_that_starts_at_the_end_leaves_out_what_is_there(scene: Scene) -> None:
    """LATEST."""
    scene.put("before")
    scene.mapped(StartingPosition="LATEST")
    scene.put("after")
    scene.run()
    assert scene.batches == [["after"]]


def test_a_closed_shard_is_read_to_its_end_before_those_that_came_of_it(scene: Scene) -> None:
    """Also while it fails; records stay where they were put."""
    scene.mapped()
    scene.put("old", "older")
    scene.stream.update_shard_count(2)
    scene.put("new", key="a")
    scene.put("other", key="b")
    scene.answer = failing("old")
    scene.run(most=3)
    assert scene.batches == [["old", "older"]] * 3
    scene.answer = lambda _: None
    scene.run()
    assert sorted(scene.batches[3:]) == [["new"], ["old", "older"], ["other"]]
    assert scene.batches[3] == ["old", "older"]


def test_a_disabled_mapping_does_nothing(scene: Scene) -> None:
    """The records stay."""
    scene.mapped(Enabled="false")
    scene.put("a")
    assert (scene.due(), scene.poller.poll(), scene.batches) == (None, 0, [])


def test_the_iterators_age_is_that_of_the_last_record_when_it_is_handed_over(scene: Scene) -> None:
    """In milliseconds, also at a retry."""
    scene.mapped(MaximumBatchingWindowInSeconds=5)
    scene.answer = failing("a")
    scene.put("a")
    scene.clock.advance(2)
    scene.put("b")
    scene.run(most=2)
    assert [age for _, age in scene.poller.ages] == [4000, 5000]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"BatchSize": 0}, "BatchSize: is 0, allowed: 1 to 10000"),
        ({"MaximumBatchingWindowInSeconds": "301"}, "is 301, allowed: 0 to 300"),
        ({"MaximumRetryAttempts": -2}, "MaximumRetryAttempts: is -2"),
        ({"MaximumRecordAgeInSeconds": 59}, "is 59, allowed: -1, 60 to 604800"),
        ({"MaximumRecordAgeInSeconds": 604_801}, "MaximumRecordAgeInSeconds: is 604801"),
        ({"ParallelizationFactor": 11}, "is 11, allowed: 1 to 10"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPosition: is 'AT_TIMESTAMP'"),
    ],
    ids=["batch", "window", "retries", "young", "old", "parallel", "position"],
)
def test_settings_that_lambda_refuses_are_refused(
    scene: Scene, properties: Mapping[str, Any], message: str
) -> None:
    """With the name, the value and what would do."""
    with pytest.raises(ValueError, match=message):
        scene.mapped(**properties)


@pytest.mark.parametrize("name", ["FilterCriteria", "TumblingWindowInSeconds"])
def test_settings_that_are_not_emulated_are_refused(scene: Scene, name: str) -> None:
    """Loudly, by name."""
    with pytest.raises(NotImplementedError, match=name):
        scene.mapped(**{name: 1})


def test_settings_are_read_as_cloudformation_has_them() -> None:
    """Numbers and booleans may be text."""
    told = {
        "FunctionName": "shipper",
        "EventSourceArn": STREAM,
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": "1000",
        "MaximumBatchingWindowInSeconds": "5",
        "MaximumRetryAttempts": "-1",
        "MaximumRecordAgeInSeconds": "165600",
        "BisectBatchOnFunctionError": "true",
        "Enabled": "true",
        **PARTLY,
        **TO_BUCKET,
    }
    assert StreamSource.read(told, UUID) == StreamSource(
        id=UUID,
        function="shipper",
        stream=STREAM,
        batch=1000,
        window=timedelta(seconds=5),
        retries=-1,
        oldest=timedelta(hours=46),
        bisect=True,
        partial=True,
        on_failure="arn:aws:s3:::kept",
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failures=st.lists(st.integers(0, 4), max_size=20),
    batch=st.integers(1, 8),
    retries=st.integers(0, 2),
    bisect=st.booleans(),
    partly=st.booleans(),
)
def test_every_record_is_done_or_given_up_and_none_overtakes_another(
    *, failures: list[int], batch: int, retries: int, bisect: bool, partly: bool
) -> None:
    """Each body says how often the function fails at it, in whichever batch."""
    clock = EmbeddedClock(START)
    with mock_aws(), streams_kept_by(clock):
        scene = Scene(clock)
        scene.bucket()
        scene.mapped(
            BatchSize=batch,
            MaximumRetryAttempts=retries,
            BisectBatchOnFunctionError=bisect,
            **(PARTLY if partly else {}),
            **TO_BUCKET,
        )
        left, done = _failing_as_told(scene, failures, partly=partly)
        scene.put(*map(str, range(len(failures))))
        scene.run()
        given_up = [
            base64.b64decode(one["kinesis"]["data"]).decode()
            for record in scene.kept().values()
            for one in json.loads(record["payload"])["Records"]
        ]
    assert sorted([*done, *given_up], key=int) == [str(one) for one in range(len(failures))]
    assert done == sorted(done, key=int)
    assert all(1 <= len(bodies) <= batch for bodies in scene.batches)
    assert all(count >= 0 for count in left)


def _failing_as_told(
    scene: Scene, failures: Sequence[int], *, partly: bool
) -> tuple[list[int], list[str]]:
    """How often the function is still to fail at each record, and what it has done."""
    left, done = [*failures], list[str]()

    def answer(bodies: list[str]) -> Answer:
        bad = next((body for body in bodies if left[int(body)]), None)
        if bad is None:
            done.extend(bodies)
            return None
        left[int(bad)] -= 1
        if not partly:
            raise InvocationError("boom")
        done.extend(bodies[: bodies.index(bad)])
        return listed(*scene.sequences(bad))

    scene.answer = answer
    return left, done
