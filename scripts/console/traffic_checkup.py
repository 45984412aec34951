"""What goes through a stack: events into inboxes and out of them, functions, log events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from os.path import commonprefix
from typing import Any

from console.deployed import BUCKET, FUNCTION, MAPPING, RULE, SCHEDULE
from console.figures import Metric, values
from console.health import Check, Health
from console.place import Place
from console.queues import Queue, Unreadable, sources
from console.session import LOG_SHIPPER
from steward.errors import Gone, Refused
from steward.shipping.redriving import PREFIXES

OLD = 3600
"""Seconds after which a message has waited too long; the alarm oldest-message goes by it, too."""

BEHIND = 300
"""Seconds after which log events have waited too long; as log-shipper-behind."""

_DAY = timedelta(days=1)
_RECENT = timedelta(minutes=15)
_LISTED = 1000  # keys that ListObjectsV2 gives at once (API reference)


def queues(place: Place) -> Iterator[Check]:
    """Dead letters are told of each queue, inboxes that are behind, and the rest in a line."""
    found = [one for one in place.queues if isinstance(one, Queue)]
    for one in place.queues:
        if isinstance(one, Unreadable):
            yield _unreadable(place, one)
    inboxes = [one for one in found if one.dead_letters]
    letters = [one for one in found if not one.dead_letters]
    for one in letters:
        if one.messages:
            what = "dead letters" if one.arn in sources(found) else "events that went nowhere"
            detail = f"{one.name}: {one.messages} {what}"
            yield Check("queues", Health.FAIL, detail, place.redrive(one.name))
    if letters and not any(one.messages for one in letters):
        yield Check("queues", Health.OK, f"nothing lies in {len(letters)} dead-letter queues")
    yield from _inboxes(place, inboxes)


def _unreadable(place: Place, queue: Unreadable) -> Check:
    if isinstance(queue.error, Gone):
        return Check("queues", Health.FAIL, f"deleted by somebody: {queue.name}", place.drift)
    detail = f"{queue.name}: {queue.error}"
    return Check("queues", Health.UNKNOWN, detail, "allow sqs:GetQueueAttributes on it")


def _inboxes(place: Place, inboxes: Sequence[Queue]) -> Iterator[Check]:
    waiting = [one for one in inboxes if one.messages]
    name = "ApproximateAgeOfOldestMessage"
    asked = [Metric("AWS/SQS", name, "QueueName", one.name, "Maximum", 300) for one in waiting]
    now = place.clock.now()
    ages = values(place.aws, asked, now - _RECENT, now) if asked else []
    for one, told in zip(waiting, ages, strict=True):
        age = f"the oldest for {told[0]:.0f} s" if told else "CloudWatch does not say how long yet"
        late = bool(told) and told[0] > OLD
        status, fix = Health.OK, ""
        if late:
            status, fix = Health.FAIL, "does the function run? see functions and delivery here"
        yield Check("queues", status, f"{one.name}: {one.messages} wait, {age}", fix)
    if inboxes and not waiting:
        yield Check("queues", Health.OK, f"nothing waits in {len(inboxes)} inboxes")


def delivery(place: Place) -> Iterator[Check]:
    """Rules, schedules and event source mappings that somebody has switched off or deleted."""
    off = [*_rules_off(place), *_schedules_off(place), *_mappings_off(place)]
    yield from off
    if not off:
        counted = sum(len(place.parts.of_type(kind)) for kind in (RULE, SCHEDULE, MAPPING))
        yield Check("delivery", Health.OK, f"{counted} rules, schedules and mappings are enabled")


def _rules_off(place: Place) -> Iterator[Check]:
    ours = place.parts.of_type(RULE)
    # CloudFormation shortens the name of the stack in them where it is long.
    prefix = commonprefix(ours) or f"{place.name}-"  # noqa: RUF071  # its characters are meant
    pages = place.aws.pages("events", "ListRules", NamePrefix=prefix)
    states = {one["Name"]: one["State"] for answer, _ in pages for one in answer["Rules"]}
    for name in ours:
        if name not in states:
            yield _deleted(place, f"the rule {name}")
        elif states[name] == "DISABLED":
            fix = f"aws events enable-rule --name {name}"
            detail = f"the rule {name} is disabled: its events are lost"
            yield Check("delivery", Health.FAIL, detail, fix)


def _schedules_off(place: Place) -> Iterator[Check]:
    for name, one in _each(place, SCHEDULE, "scheduler", "GetSchedule", "Name"):
        if not one:
            yield _deleted(place, f"the schedule {name}")
        elif one["State"] != "ENABLED":
            detail = f"the schedule {one['Name']} is disabled"
            yield Check("delivery", Health.FAIL, detail, "enable it in EventBridge Scheduler")


def _mappings_off(place: Place) -> Iterator[Check]:
    for uuid, one in _each(place, MAPPING, "lambda", "GetEventSourceMapping", "UUID"):
        if not one:
            yield _deleted(place, f"the event source mapping {uuid}")
        elif one["State"] in ("Disabled", "Disabling"):
            source = one["EventSourceArn"].rpartition(":")[2]
            fix = f"aws lambda update-event-source-mapping --uuid {one['UUID']} --enabled"
            detail = f"nobody reads {source}: its event source mapping is disabled"
            yield Check("delivery", Health.FAIL, detail, fix)


def _each(
    place: Place, kind: str, service: str, operation: str, key: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The stack's resources of a type, as AWS tells them; nothing of what is there no more."""

    def ask(name: str) -> Mapping[str, Any]:
        try:
            return place.aws.ask(service, operation, **{key: name})
        except Gone:
            return {}

    names = place.parts.of_type(kind)
    return zip(names, place.aws.together(ask, names) if names else (), strict=True)


def _deleted(place: Place, what: str) -> Check:
    return Check("delivery", Health.FAIL, f"{what} was deleted by somebody", place.drift)


def functions(place: Place) -> Iterator[Check]:
    """Errors and throttles of the last day."""
    names, now = place.parts.of_type(FUNCTION), place.clock.now()
    kinds = ("Errors", "Throttles")
    asked = [
        Metric("AWS/Lambda", kind, "FunctionName", name, "Sum", 3600)
        for name in names
        for kind in kinds
    ]
    totals = [sum(one) for one in values(place.aws, asked, now - _DAY, now)]
    found = False
    for number, name in enumerate(names):
        errors, throttles = totals[2 * number : 2 * number + 2]
        if errors or throttles:
            found = True
            detail = f"{name}: {errors:.0f} errors, {throttles:.0f} throttles in 24 hours"
            fix = f'query /aws/lambda/{name} for level = "ERROR"' if errors else _THROTTLED
            yield Check("functions", Health.WARN, detail, fix)
    if not found:
        yield Check("functions", Health.OK, f"{len(names)} without an error in 24 hours")


_THROTTLED = "is concurrency reserved for it, or used up in the account?"


def shipping(place: Place) -> Iterator[Check]:
    """How far the log shipper is behind, and what it has set aside."""
    if not place.has("LogShipping", "enabled"):
        return
    shipper, now = f"{place.name}-{LOG_SHIPPER}", place.clock.now()
    age = Metric("AWS/Lambda", "IteratorAge", "FunctionName", shipper, "Maximum", 300)
    [told] = values(place.aws, [age], now - _RECENT, now)
    if not told:
        yield Check("log shipping", Health.OK, "no log event came in a quarter of an hour")
    elif told[0] / 1000 > BEHIND:
        fix = f"query /aws/lambda/{shipper} for records come again: cause says why"
        yield Check("log shipping", Health.FAIL, f"{told[0] / 1000:.0f} s behind", fix)
    else:
        yield Check("log shipping", Health.OK, f"{told[0] / 1000:.0f} s behind")
    yield from _parked(place)


def _parked(place: Place) -> Iterator[Check]:
    ours = [one for one in place.parts.of_type(BUCKET) if one.startswith(f"{place.name}-logs-")]
    if not ours:
        raise Refused(f"{place.name}: has no bucket of logs, though LogShipping is enabled")
    for prefix in PREFIXES:
        asked = {"Bucket": ours[0], "Prefix": prefix, "MaxKeys": _LISTED}
        answer = place.aws.ask("s3", "ListObjectsV2", **asked)
        count, more = answer["KeyCount"], " or more" if answer.get("IsTruncated") else ""
        status = Health.FAIL if count else Health.OK
        detail = f"{count}{more} objects under {prefix}"
        fix = place.redrive() if count else ""
        yield Check("log shipping", status, detail, fix)
