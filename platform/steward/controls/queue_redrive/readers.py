"""How queues are read: by the list of all, or by name.

A sweep asks for attributes only of queues that feed functions, which the list of all mappings tells
once in a step. A function's time-out is that of the version or alias which its mapping names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from steward.controls import tag_index
from steward.controls.lambda_api import functions, queues
from steward.controls.lambda_api.lists import OFF, Described, mappings_once
from steward.controls.lambda_api.reading import cursor as cursor_of
from steward.controls.lambda_api.reading import place, sheltered
from steward.controls.queue_redrive.state import KIND, Feed, Policy, Queue
from steward.errors import Gone, Refused
from steward.events import function_name
from steward.model import Page, Ref, Sight, Unread
from steward.queue_events import is_queue_name

LISTED = 1000
"""Queues a ListQueues answer holds at most (SQS API reference)."""

PART = 20
"""Queues that are read together, as many as a step has time for."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Queue]]:
    """Every queue; SQS documents no order."""
    token, done = place(cursor)
    for answer, following in sight.aws.pages("sqs", "ListQueues", token, MaxResults=LISTED):
        names = [url.rpartition("/")[2] for url in answer.get("QueueUrls", ())]
        known = _feeding(sight) if names else {}
        feeding = [name for name in names if name in known]
        idle = [Queue(name) for name in names if name not in known]
        for start in range(done, max(len(feeding), done + 1), PART):
            is_last = start + PART >= len(feeding)
            more = cursor_of(following, 0) if is_last else cursor_of(token, start + PART)
            read = list(_states(sight, feeding[start : start + PART], frozenset(names)))
            yield Page([*read, *idle] if is_last else read, more)
        token, done = following, 0


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Queue | Unread]:
    """The named queues; what is no legal name can name none, and is not asked for."""
    names = list(dict.fromkeys(ref.id for ref in refs if is_queue_name(ref.id)))
    yield from _states(sight, names)


def _states(
    sight: Sight[Policy], names: Sequence[str], there: frozenset[str] = frozenset()
) -> Iterator[Queue | Unread]:
    """Queues with their tags; where those are needed and cannot be read, nothing is judged.

    Queues that are known to be there are not asked for.
    """
    arns = {name: queues.arn_of(name, sight.aws) for name in names}
    try:
        goes_by_tags = names and sight.policy.honor_tags
        tags = tag_index.of(sight.aws, list(arns.values())) if goes_by_tags else {}
    except Refused as refusal:
        reason = f"tags could not be read: {refusal}"
        yield from (Unread(Ref(KIND, name), "TAGS_UNREADABLE", reason) for name in names)
        return

    def one(name: str) -> Queue | Unread | None:
        own = tags.get(arns[name], {})
        return sheltered(Ref(KIND, name), lambda: _read(sight, name, own, there))

    yield from (found for found in sight.aws.together(one, names) if found is not None)


def _feeding(sight: Sight[Policy]) -> Mapping[str, Sequence[Described]]:
    """By the name of a queue: the mappings that take its messages; once in a step."""

    def make() -> Mapping[str, Sequence[Described]]:
        found: dict[str, list[Described]] = {}
        for one in mappings_once(sight):
            name = queues.name_of(one.get("EventSourceArn") or "", sight.aws)
            if name and one.get("State") not in OFF:
                found.setdefault(name, []).append(one)
        return found

    return sight.known.once("queues that feed functions", make)


def _read(sight: Sight[Policy], name: str, tags: Mapping[str, str], there: frozenset[str]) -> Queue:
    """A queue as it is. Raises Gone."""
    told = queues.attributes(sight.aws, name, "VisibilityTimeout", "RedrivePolicy")
    feeds = (_feed(sight, one) for one in _feeding(sight).get(name, ()))
    found = tuple(sorted(one for one in feeds if one is not None))
    if not found:
        return Queue(name, tags=tags)
    redrive = json.loads(told.get("RedrivePolicy") or "{}")
    letters = str(redrive["deadLetterTargetArn"]) if redrive else ""
    return Queue(
        name,
        found,
        visibility=int(told["VisibilityTimeout"]),
        receives=int(redrive["maxReceiveCount"]) if redrive else None,
        dead_letters=letters,
        is_own=letters == queues.arn_of(name, sight.aws),
        lost=queues.name_of(letters, sight.aws) not in there
        and letters in queues.lost(sight, [letters]),
        unchecked=bool(queues.unchecked([letters], sight.aws)),
        is_last=not redrive and _has_sources(sight, name),
        tags=tags,
    )


def _feed(sight: Sight[Policy], mapping: Described) -> Feed | None:
    """The function of a mapping, with its time-out; None where that function is gone."""
    arn = mapping["FunctionArn"]

    def read() -> int | None:
        try:
            return int(functions.told(sight.aws, arn)["Timeout"])
        except Gone:
            return None

    timeout = sight.known.once(f"time-out of {arn}", read)
    if timeout is None:
        return None
    qualified = arn.partition(":function:")[2] or function_name(arn)
    return Feed(qualified, timeout, mapping.get("MaximumBatchingWindowInSeconds") or 0)


def _has_sources(sight: Sight[Policy], name: str) -> bool:
    """Whether other queues have this one for their dead letters; asked where it has none itself."""
    asked = {"QueueUrl": queues.url(name, sight.aws), "MaxResults": 1}
    return bool(sight.aws.ask("sqs", "ListDeadLetterSourceQueues", **asked).get("queueUrls"))
