"""How streams are read: their summaries one by one, their metrics all together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from steward.controls import tag_index
from steward.controls.stream_capacity import metrics
from steward.controls.stream_capacity.load import load
from steward.controls.stream_capacity.memory import Memory
from steward.controls.stream_capacity.metrics import Series
from steward.controls.stream_capacity.state import KIND, Policy, Stream
from steward.controls.tag_index import Tags
from steward.controls.unreadable import unread
from steward.errors import Gone, OutOfTime, Refused, TryAgain
from steward.model import Aws, Page, Ref, Remembered, Sight, Unread

PAGE = 50
"""Streams listed together; Kinesis lists up to 10,000, and describes one at a time."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")

Described: TypeAlias = Mapping[str, Any]
"""As DescribeStreamSummary and ListStreams tell of a stream."""

TagsOf: TypeAlias = Callable[[Sequence[str]], Tags]


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Stream]]:
    """Every stream; Kinesis documents no order. A cursor is the last name of a page.

    What the policy does not judge, or Kinesis scales itself, is not looked into.
    """
    after = cursor
    while True:
        start = {"ExclusiveStartStreamName": after} if after else {}
        answer = sight.aws.ask("kinesis", "ListStreams", Limit=PAGE, **start)
        names = answer["StreamNames"]
        after = names[-1] if names and answer["HasMoreStreams"] else None
        listed = {one["StreamName"]: one for one in answer.get("StreamSummaries", ())}
        yield Page(list(_listed(sight, [listed.get(n, {"StreamName": n}) for n in names])), after)
        if after is None:
            return


def _listed(sight: Sight[Policy], listed: Sequence[Described]) -> Iterator[Stream | Unread]:
    judged = [one["StreamName"] for one in listed if _is_judged(sight.policy, one)]
    yield from (_plain(one) for one in listed if one["StreamName"] not in judged)
    yield from _named(sight, judged, lambda _: tag_index.whole(sight, "kinesis:stream"))


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Stream | Unread]:
    """The named streams; what is no legal name can name none, and is not asked for."""
    names = list(dict.fromkeys(ref.id for ref in refs if _NAME.fullmatch(ref.id)))
    yield from _named(sight, names, lambda arns: tag_index.of(sight.aws, arns))


def _named(sight: Sight[Policy], names: Sequence[str], tags: TagsOf) -> Iterator[Stream | Unread]:
    described = sight.aws.together(lambda name: _described(sight.aws, name), names)
    yield from (one for one in described if isinstance(one, Unread))
    found = [one["StreamDescriptionSummary"] for one in described if isinstance(one, Mapping)]
    yield from (_plain(one) for one in found if not _is_judged(sight.policy, one))
    yield from _judged(sight, [one for one in found if _is_judged(sight.policy, one)], tags)


def _described(aws: Aws, name: str) -> Mapping[str, Any] | Unread | None:
    """The answer about one stream by its name; None when there is none. Raises OutOfTime."""
    try:
        return aws.ask("kinesis", "DescribeStreamSummary", StreamName=name)
    except Gone:
        return None
    except OutOfTime:
        raise
    except (Refused, TryAgain) as error:
        return unread(Ref(KIND, name), error)


def _is_judged(policy: Policy, told: Described) -> bool:
    """Whether the policy wants to know the stream's load, as far as the stream is known."""
    name: str = told["StreamName"]
    ours = policy.judges(name) and not policy.excludes(Ref(KIND, name))
    return ours and _mode(told) != "ON_DEMAND"


def _mode(told: Described) -> str:
    """Streams are provisioned where nothing else is said."""
    return str(told.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED"))


def _plain(told: Described) -> Stream:
    return Stream(told["StreamName"], _mode(told), told.get("StreamStatus", "ACTIVE"))


def _judged(
    sight: Sight[Policy], described: Sequence[Described], tags: TagsOf
) -> Iterator[Stream | Unread]:
    """Streams with their tags and metrics; where those cannot be read, nothing is judged."""
    found: Tags = {}
    if described and sight.policy.honor_tags:
        try:
            found = tags([one["StreamARN"] for one in described])
        except Refused as refusal:
            reason = f"tags could not be read: {refusal}"
            for one in described:
                yield Unread(Ref(KIND, one["StreamName"]), "TAGS_UNREADABLE", reason)
            return
    active = [one["StreamName"] for one in described if one["StreamStatus"] == "ACTIVE"]
    series = metrics.read(sight.aws, active, sight.now, sight.policy.lookback_hours)
    items = sight.known.items([Ref(KIND, one["StreamName"]) for one in described])
    for one in described:
        of = series.get(one["StreamName"], {})
        item = items.get(Ref(KIND, one["StreamName"]))
        if isinstance(of, Refused):
            yield unread(Ref(KIND, one["StreamName"]), of)
        else:
            yield _state(sight, one, of, item, found.get(one["StreamARN"], {}))


def _state(
    sight: Sight[Policy],
    told: Described,
    series: Series,
    item: Remembered | None,
    tags: Mapping[str, str],
) -> Stream:
    """While a stream is being changed its shards are in between, and the memory stays."""
    text, shards = item.memory if item else "", told["OpenShardCount"]
    memory = Memory.at(text, shards, sight.now)
    settled = None if memory.since is None else sight.now - memory.since
    return Stream(
        name=told["StreamName"],
        mode=_mode(told),
        status=told["StreamStatus"],
        shards=shards,
        counted=shards,
        load=load(series, memory.since, sight.now),
        age_hours=(sight.now - told["StreamCreationTimestamp"]) // timedelta(hours=1),
        settled_minutes=None if settled is None else settled // timedelta(minutes=1),
        read_at=sight.now.isoformat(),
        memory=memory.text() if told["StreamStatus"] == "ACTIVE" else text,
        tags=tags,
    )
