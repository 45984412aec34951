"""Where failures go: whether it is there, as far as that can be looked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from steward.controls.lambda_api import queues
from steward.errors import Denied
from steward.model import Sight

PAGES = 10
"""Answers of ListTopics, of a hundred topics each, that are read at most; our share of its quota
gives one in two seconds, and an account may have 100,000 topics."""

UNCHECKED = "; not checked to exist"
"""What a reason adds that rests on a resource which nobody has looked for."""


class Looked(NamedTuple):
    """Which of some ARNs are not there, and which nobody could look for."""

    lost: frozenset[str]
    unchecked: frozenset[str]


def looked_for(sight: Sight[Any], arns: Sequence[str]) -> Looked:
    """Queues and topics of this account and Region; all else is unchecked. Raises StewardError."""
    before = f"arn:{sight.aws.partition}:sns:{sight.aws.region}:{sight.aws.account}:"
    topics = frozenset(arn for arn in arns if arn.startswith(before))
    there = _topics(sight) if topics else None
    lost = queues.lost(sight, arns) | (topics - there if there is not None else frozenset())
    unchecked = queues.unchecked(arns, sight.aws) - (topics if there is not None else frozenset())
    return Looked(lost, unchecked)


def _topics(sight: Sight[Any]) -> frozenset[str] | None:
    """The topics there are, read once in a step; None where they are too many, or not for us."""

    def read() -> frozenset[str] | None:
        try:
            pages = list(islice(sight.aws.pages("sns", "ListTopics", None), PAGES))
        except Denied:
            return None
        found = (one["TopicArn"] for answer, _ in pages for one in answer.get("Topics", ()))
        return None if pages[-1][1] else frozenset(found)

    return sight.known.once("topics", read)
