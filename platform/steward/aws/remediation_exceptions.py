"""What AWS Config's own remediation leaves alone, for as long as we do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from steward.evaluations import Key
from steward.model import Aws

BATCH = 100
"""Resources that a request names (API reference)."""

OURS = "Steward: "
"""How the message of an exception of ours begins; those of others are left alone."""

LONGEST_MESSAGE = 1024  # characters (API reference)


@dataclass(frozen=True, slots=True)
class Exempt:
    """A resource that is left alone, that day included."""

    key: Key
    until: date
    message: str

    @property
    def expires(self) -> datetime:
        last = date.max - timedelta(days=1)  # to say 9999-12-31 is to say for ever
        return datetime.combine(min(self.until, last) + timedelta(days=1), time.min, UTC)


def mirrored(aws: Aws, rule: str, wanted: Sequence[Exempt]) -> list[Key]:
    """Have a rule's exceptions be those that are wanted; the resources that Config refused.

    It takes them of resources only that it holds as NON_COMPLIANT, and forgets them by itself.
    """
    theirs = dict(_told(aws, rule))
    news = {
        one.key: one for one in wanted if one.key not in theirs or _is_other(theirs[one.key], one)
    }
    kept = {one.key for one in wanted}
    gone = [
        key
        for key, one in theirs.items()
        if key not in kept and one.get("Message", "").startswith(OURS)
    ]
    return [*_put(aws, rule, news), *_delete(aws, rule, gone)]


def _is_other(told: Mapping[str, Any], one: Exempt) -> bool:
    ours = str(told.get("Message", "")).startswith(OURS)
    return ours and told.get("ExpirationTime") != one.expires


def _told(aws: Aws, rule: str) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """A rule's exceptions; botocore knows no pages of this operation."""
    token: Mapping[str, str] = {}
    while True:
        asked = {"ConfigRuleName": rule, "Limit": BATCH, **token}
        answer = aws.ask("config", "DescribeRemediationExceptions", **asked)
        for one in answer.get("RemediationExceptions", []):
            yield (one["ResourceType"], one["ResourceId"]), one
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _put(aws: Aws, rule: str, news: Mapping[Key, Exempt]) -> Iterator[Key]:
    """Those with the same message and day go together."""
    alike: dict[tuple[str, datetime], list[Key]] = defaultdict(list)
    for key, one in sorted(news.items()):
        alike[f"{OURS}{one.message}"[:LONGEST_MESSAGE], one.expires].append(key)
    for (message, expires), keys in alike.items():
        yield from _each(
            aws, "PutRemediationExceptions", rule, keys, Message=message, ExpirationTime=expires
        )


def _delete(aws: Aws, rule: str, gone: Sequence[Key]) -> Iterator[Key]:
    yield from _each(aws, "DeleteRemediationExceptions", rule, gone)


def _each(aws: Aws, operation: str, rule: str, keys: Sequence[Key], **params: Any) -> Iterator[Key]:
    for start in range(0, len(keys), BATCH):
        named = [{"ResourceType": k, "ResourceId": id} for k, id in keys[start : start + BATCH]]
        answer = aws.ask("config", operation, ConfigRuleName=rule, ResourceKeys=named, **params)
        for batch in answer.get("FailedBatches", []):
            for one in batch.get("FailedItems", []):
                yield one["ResourceType"], one["ResourceId"]
