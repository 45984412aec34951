"""The log shipper as a Lambda function: what it is invoked with, works with, and tells of itself.

It is invoked with one of

    {"Records": [...]}                      records of the stream, by its event source mapping
    {"awslogs": {"data": ...}}              log events, by a subscription to the function itself
    {"redrive": {"prefix": P, "cursor": KEY}} objects of the bucket, to be shipped once more; with
                                            "plan": true they are only told (shipping/redriving.py)

It tells, as metrics in the namespace Steward without dimensions:

| metric       | what                                                                           |
|--------------|--------------------------------------------------------------------------------|
| Records      | records that came                                                              |
| Events       | log events that the destination took                                           |
| ComeAgain    | records that were not shipped and come again                                   |
| Duplicates   | records that came again and were not sent again                                |
| Parked       | lines set aside in the bucket: PoisonRecords, RejectedEvents, refused metrics  |
| Requests, Retries, WireBytes | of the way to the destination                                  |
| Skipped.own, Skipped.control, Skipped.empty | what there was nothing to ship of               |
| Redactions, CutMessages, DroppedLines, SampledOut | what the policy took out                  |
| TooOld       | log events that the destination would drop for their age, so that they are parked |
| Points, InvalidLines | points made of log lines, and metric lines that made none              |
| LagSeconds   | from the oldest record's arrival to now                                        |

Of records with nothing but log events of our own it tells nothing: where somebody ships our own
log to our stream, each telling would come back as a record, for ever.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from steward.account import SystemClock, World, connected
from steward.aws import metric_data, parameters
from steward.aws.api import Session
from steward.aws.architectures import Architectures
from steward.aws.objects import Bucket
from steward.aws.secrets import Secret
from steward.aws.signing import Signer
from steward.errors import BadPolicy, Invalid, StewardError, TryAgain
from steward.model import Deadline, Ref
from steward.policy import Document, digest, settled
from steward.runtime import RESERVE_SECONDS, Event, Handler, sheltered
from steward.shipping import archive, encoders
from steward.shipping.accel import best
from steward.shipping.batch import Batch, EncodedBatch, RawBatch, Request
from steward.shipping.decode import Poison, Reader, Record, records
from steward.shipping.encoders.base import Encoder
from steward.shipping.http import HttpDestination
from steward.shipping.metrics import Points, calls
from steward.shipping.parking import Parking
from steward.shipping.preparing import Preparation
from steward.shipping.redriving import Order, Redrive
from steward.shipping.sending import MOST_IN_FLIGHT, Destination, Sender
from steward.shipping.settings import ARCHIVE, Target, options
from steward.shipping.shipper import Memory, Shipped, Shipper
from steward.stack_policies import PARAMETERS_FRESH
from steward.telemetry import Discreet, LambdaTelemetry

POLICY = "log-shipper"

LAST_SECONDS = 3
"""Kept of a function's time when everything else is over."""

RECORD = "AWS::Kinesis::Stream/Record"
"""What a record is called in our log."""

OBJECT = "AWS::S3::Object"

OWN = frozenset({"Records", "Skipped.own"})
"""What is counted where there were only log events of our own."""


def handler(environment: Mapping[str, str] = os.environ, world: World | None = None) -> Handler:
    """The Lambda handler of the log shipper; what it works with is built at the first call."""

    @cache
    def processor(function_arn: str) -> Processor:
        return Processor(function_arn, environment, world or World(SystemClock()))

    def handle(event: Event, context: Any) -> dict[str, Any]:
        left = context.get_remaining_time_in_millis() / 1000
        return processor(context.invoked_function_arn).answer(event, left)

    return handle


class Processor:
    """The log shipper of one container."""

    def __init__(self, function_arn: str, environment: Mapping[str, str], world: World) -> None:
        self._stack = environment["STEWARD_STACK"]
        self._environment = environment
        self._clock = world.clock
        self._aws = connected(function_arn, environment, world)
        self._session = world.session or Session()
        self._codec = best(environment)
        self._telemetry = LambdaTelemetry(world.clock, service=self._stack, out=world.out)
        self._pool = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="shipping")
        self._memory = Memory()
        self._architectures = Architectures(self._aws, world.clock)
        self._shipper: Shipper | None = None
        self._settings = ""
        self._read_at = float("-inf")

    def answer(self, event: Event, left: float) -> dict[str, Any]:
        """Do what the event asks for, in ``left`` seconds."""
        self._aws.deadline = Deadline(self._clock, left - LAST_SECONDS)
        deadline = Deadline(self._clock, left - RESERVE_SECONDS)
        if "redrive" in event:
            return self._redrive(event["redrive"], deadline)
        try:
            batch = records(event)
        except (KeyError, TypeError, AttributeError) as error:
            raise Invalid("the event is neither of a stream nor of a subscription") from error
        try:
            shipped = self._current().ship(batch, deadline)
        except StewardError as error:  # of settings: nothing is shipped until they are mended
            name = "BadPolicies" if isinstance(error, BadPolicy) else "BrokenBatches"
            self._telemetry.metric({name: 1}, [[], ["Control"]], Control=POLICY)
            shipped = Shipped(0 if batch else None, str(error), Counter(Records=len(batch)))
        self._tell(shipped, batch)
        if shipped.again is None:
            return {"batchItemFailures": []}
        if not batch[shipped.again].position:
            raise TryAgain(f"not shipped: {shipped.cause}")
        return {"batchItemFailures": [{"itemIdentifier": batch[shipped.again].position}]}

    def _redrive(self, asked: Any, deadline: Deadline) -> dict[str, Any]:
        """Ship objects of the bucket once more; an answer with a cursor asks to be asked again."""
        order, current = Order.read(asked), self._current()
        shelter = sheltered(Discreet(self._telemetry))
        redrive = Redrive(
            Bucket(self._aws, self._target().bucket),
            self._codec,
            lambda: replace(current, memory=Memory()),
            lambda told: metric_data.publish(self._aws, told),
            lambda key, act, otherwise: shelter(Ref(OBJECT, key), act, otherwise),
        )
        limit = Deadline(self._clock, min(order.seconds, deadline.left()))
        done = redrive.run(order, limit)
        tell = self._telemetry.error if done.error else self._telemetry.info
        facts = {"looked": done.looked, "shipped": done.shipped, "left": len(done.left)}
        tell("redriven", prefix=order.prefix, plan=order.plan, cause=done.error, **facts)
        return asdict(done)

    def _tell(self, shipped: Shipped, batch: Sequence[Record]) -> None:
        counts = Counter(shipped.counts)
        if shipped.again is None and counts["Skipped.own"] and (+counts).keys() <= OWN:
            return
        if shipped.again is not None:
            counts["ComeAgain"] = len(batch) - shipped.again
            self._telemetry.error(
                "records come again", records=counts["ComeAgain"], cause=shipped.cause
            )
        if shipped.parked:
            self._telemetry.error("set aside", lines=counts["Parked"], objects=shipped.parked)
        oldest = min((record.arrived for record in batch if record.arrived), default=0)
        now = self._clock.now().timestamp()
        lag = {"LagSeconds": round(max(0.0, now - oldest / 1000), 3)} if oldest else {}
        self._telemetry.metric({**counts, **lag}, [[]])

    def _current(self) -> Shipper:
        """The shipper under the settings as they are now. Raises StewardError."""
        now = self._clock.monotonic()
        if self._shipper is None or now - self._read_at > PARAMETERS_FRESH:
            document = self._policy()
            if self._shipper is None or self._settings != digest(document):
                self._shipper = self._built(document)
                self._settings = digest(document)
            self._read_at = now
        return self._shipper

    def _policy(self) -> Document:
        name = parameters.policy_name(self._stack, POLICY)
        layers = parameters.layers(parameters.read(self._aws, [name]), self._stack, POLICY)
        return settled(POLICY, *layers)

    def _target(self) -> Target:
        return Target.read(self._environment["STEWARD_SHIPPING"])

    def _built(self, document: Document) -> Shipper:
        target = self._target()
        bucket = Bucket(self._aws, target.bucket)
        encoder = None
        if target.format != ARCHIVE:
            encoder = encoders.build(target.format, self._codec, options(document))
        destination = self._destination(target, encoder, bucket)
        return Shipper(
            reader=Reader(self._codec, self._aws.account, self._own_groups()),
            prepare=self._preparation(document, encoder),
            batch=self._batches(encoder),
            sender=Sender(destination, encoder, self._codec, self._clock),
            parking=Parking(bucket, self._codec),
            publish=self._publish,
            pool=self._pool,
            clock=self._clock,
            shelter=self._shelter,
            form=target.format,
            memory=self._memory,
        )

    def _own_groups(self) -> tuple[str, ...]:
        """How names of log groups begin that our own functions write. Raises BadPolicy."""
        text = self._environment.get("STEWARD_OWN_GROUPS", f'["/aws/lambda/{self._stack}-"]')
        try:
            told = [str(name) for name in json.loads(text)]
        except (ValueError, TypeError) as error:
            raise BadPolicy(f"STEWARD_OWN_GROUPS: is {text[:80]!r}: {error}") from error
        own = self._environment.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        return tuple(name for name in (*told, own) if name)

    def _destination(self, target: Target, encoder: Encoder | None, bucket: Bucket) -> Destination:
        if encoder is None:
            return archive.Archive(bucket)
        secret = Secret(self._aws, target.secret, self._clock) if target.secret else None
        sign = None
        if target.signing:
            sign = Signer(self._session, target.signing, self._aws.region)
        return HttpDestination(target.url, encoder, self._clock, secret, sign)

    def _batches(self, encoder: Encoder | None) -> Callable[[Sequence[Record]], Batch]:
        if encoder is not None:
            return lambda _records: EncodedBatch(encoder, self._codec)

        def raw(batch: Sequence[Record]) -> Batch:
            return RawBatch(
                archive.LARGEST, lambda first, last: archive.name(batch[first], batch[last])
            )

        return raw

    def _preparation(self, document: Document, encoder: Encoder | None) -> Preparation:
        return Preparation.of(
            document,
            codec=self._codec,
            region=self._aws.region,
            clock=self._clock,
            limits=encoder.limits if encoder else None,
            architecture_of=self._architectures,
        )

    def _publish(self, points: Sequence[Points]) -> Sequence[tuple[Mapping[str, Any], str]]:
        return metric_data.publish(self._aws, calls(points))

    def _shelter(
        self, record: Record, act: Callable[[], Sequence[Request] | Poison]
    ) -> Sequence[Request] | Poison:
        return sheltered(Discreet(self._telemetry))(Ref(RECORD, record.position), act, Poison)
