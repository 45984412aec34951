"""Whether records of streams that fail are given up in the end, and kept somewhere."""

from __future__ import annotations

from collections.abc import Callable

from steward.controls.event_source_failure_destination.state import Function, Policy, Source
from steward.controls.lambda_api import destinations
from steward.model import Finding, Verdict

CODES = {
    "HAS_DESTINATION": (
        "Records that fail go to a destination, of every stream that is read for the function."
    ),
    "NO_STREAMS": "No stream of Kinesis, DynamoDB or Kafka is read for the function.",
    "DISABLED": "Streams would be read for the function, and all its mappings are disabled.",
    "NO_DESTINATION": (
        "Records of a stream that fail are lost once they are given up, or once they expire: its "
        "mapping has no on-failure destination."
    ),
    "DESTINATION_GONE": "The queue or topic to which failed records would go is not there.",
    "UNBOUNDED": (
        "A record that always fails holds up its shard until it expires: neither retries nor the "
        "age of records are limited, and bounded asks for it."
    ),
    "NOT_BISECTED": (
        "A record that fails takes its whole batch with it: the batch is not split, and bisect "
        "asks for it."
    ),
}


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function by the worst of its sources. It is only reported."""
    read = [one for one in function.sources if one.enabled]
    if not read:
        code = "DISABLED" if function.sources else "NO_STREAMS"
        reason = "all mappings are disabled" if function.sources else "no stream is read for it"
        return Finding(function.ref, Verdict.NOT_APPLICABLE, code, reason)
    for code, is_so, told in _PROBLEMS:
        if found := [one for one in read if is_so(one, policy)]:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            reason = f"{found[0]}{more}: {told} (mapping {found[0].mapping})"
            return Finding(function.ref, Verdict.NON_COMPLIANT, code, reason)
    source = next((one for one in read if one.unchecked), read[0])
    doubt = destinations.UNCHECKED if source.unchecked else ""
    reason = f"failed records of {source} go to {source.destination[:130]}{doubt}"
    return Finding(function.ref, Verdict.COMPLIANT, "HAS_DESTINATION", reason)


_PROBLEMS: tuple[tuple[str, Callable[[Source, Policy], bool], str], ...] = (
    ("NO_DESTINATION", lambda one, _: not one.destination, "failed records go nowhere"),
    ("DESTINATION_GONE", lambda one, _: one.lost, "what failed records go to is not there"),
    (
        "UNBOUNDED",
        lambda one, policy: policy.bounded and not one.bounded,
        "failed records are retried until they expire",
    ),
    (
        "NOT_BISECTED",
        lambda one, policy: policy.bisect and not one.bisected,
        "a batch that fails is not split",
    ),
)
"""The worst first: its code, when it is so, and what the reason says."""
