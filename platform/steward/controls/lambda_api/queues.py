"""Queues that functions use: which one an ARN names, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steward.config_resources import QUEUE, in_config
from steward.errors import Gone
from steward.model import Aws, Ref, Sight


def name_of(arn: str, aws: Aws) -> str:
    """The name of the queue of this account and Region that has an ARN; '' for anything else."""
    before = arn_of("", aws)
    return arn.removeprefix(before) if arn.startswith(before) else ""


def arn_of(name: str, aws: Aws) -> str:
    return f"arn:{aws.partition}:sqs:{aws.region}:{aws.account}:{name}"


def url(name: str, aws: Aws) -> str:
    return in_config(Ref(QUEUE, name), aws)[1]


def attributes(aws: Aws, name: str, *names: str) -> Mapping[str, str]:
    """Attributes of a queue, as far as it has them. Raises Gone."""
    answer = aws.ask("sqs", "GetQueueAttributes", QueueUrl=url(name, aws), AttributeNames=names)
    found: Mapping[str, str] = answer.get("Attributes", {})
    return found


def unchecked(arns: Sequence[str], aws: Aws) -> frozenset[str]:
    """Those of the ARNs of which ``lost`` tells nothing: topics, buses, and queues elsewhere."""
    return frozenset(arn for arn in arns if arn and not name_of(arn, aws))


def lost(sight: Sight[Any], arns: Sequence[str]) -> frozenset[str]:
    """Those of the ARNs that name a queue of this account and Region which is not there.

    Each queue is asked for once in a step; of queues elsewhere, and of other resources, nothing is
    known. Raises StewardError where one could not be asked for. They are asked for in turn: what
    calls this may itself run beside others, and would wait for the threads that those hold.
    """
    ours = sorted({arn for arn in arns if name_of(arn, sight.aws)})
    return frozenset(arn for arn in ours if not _is_there(sight, arn))


def _is_there(sight: Sight[Any], arn: str) -> bool:
    def read() -> bool:
        try:
            attributes(sight.aws, name_of(arn, sight.aws), "QueueArn")
        except Gone:
            return False
        return True

    return sight.known.once(f"queue {arn}", read)
