"""Whether a stream has the shards that its load takes."""

from __future__ import annotations

from steward.controls.stream_capacity.load import TOLERATED
from steward.controls.stream_capacity.state import SPARE, Policy, Stream
from steward.model import Call, Finding, Verdict


def assess(stream: Stream, policy: Policy) -> Finding:
    """Judge a stream; the first statement that applies decides."""
    if not policy.judges(stream.name):
        return _finding(stream, Verdict.NOT_APPLICABLE, "NOT_SELECTED", "not among streams")
    if stream.mode == "ON_DEMAND":
        reason = "in on-demand mode Kinesis sets the capacity"
        return _finding(stream, Verdict.NOT_APPLICABLE, "ON_DEMAND", reason)
    if stream.status != "ACTIVE":
        reason = f"the stream is {stream.status[:40]}; it is judged once it is ACTIVE"
        return _finding(stream, Verdict.NOT_APPLICABLE, "BEING_CHANGED", reason)
    return _judge(stream, policy)


def _judge(stream: Stream, policy: Policy) -> Finding:
    load, needed = stream.load, policy.shards(stream.load)
    if stream.shards < needed:
        urgent = load is not None and stream.shards < load.shards(1.0)
        return _too_few(stream, policy, needed, f"{needed} are needed", urgent=urgent)
    if strain := _strain(stream, policy):
        if _would_half_do(stream, policy):
            reason = f"{strain}, and half of {_shards(stream.shards)} would take the load"
            return _finding(stream, Verdict.NON_COMPLIANT, "UNEVEN_LOAD", reason)
        more = stream.shards + _up(stream.shards, 4)
        return _too_few(stream, policy, more, strain, urgent=True)
    if load is None:
        reason = f"{_shards(stream.shards)}, and no metrics"
        return _finding(stream, Verdict.COMPLIANT, "NO_METRICS", reason)
    ample = policy.shards(load, SPARE)
    if stream.shards > ample and not load.rejected and stream.age_hours >= policy.lookback_hours:
        return _too_many(stream, policy, ample)
    reason = f"{_shards(stream.shards)}, and the load needs {needed}"
    return _finding(stream, Verdict.COMPLIANT, "FITS", reason)


def _strain(stream: Stream, policy: Policy) -> str:
    """What shows that the present shards are too few, though the load alone does not; or ''."""
    load = stream.load
    if load is None or stream.changed:
        return ""
    if load.rejects:
        return f"more than {TOLERATED:.1%} of the records are rejected"
    if load.reads_refused and load.lag_minutes > policy.lag_minutes:
        return "consumers lag and their reads are refused"
    return ""


def _would_half_do(stream: Stream, policy: Policy) -> bool:
    """By the load alone, whatever min_shards says."""
    by_load = 1 if stream.load is None else stream.load.shards(policy.target_utilization)
    return stream.shards >= 2 * by_load


def _too_few(stream: Stream, policy: Policy, wanted: int, why: str, *, urgent: bool) -> Finding:
    """More shards, unless something stands against it; what is urgent waits for no cooldown."""
    target = min(wanted, 2 * stream.shards, policy.most)
    reason = f"{_shards(stream.shards)}: {why}"
    if target <= stream.shards:
        reason = f"{reason}; max_shards is {policy.most}"
        return _finding(stream, Verdict.NON_COMPLIANT, "AT_MAX_SHARDS", reason)
    against = "" if urgent else _cooling(stream, policy)
    return _change(stream, policy, "TOO_FEW_SHARDS", reason, target, against)


def _too_many(stream: Stream, policy: Policy, ample: int) -> Finding:
    """Fewer shards, unless something stands against it."""
    target = max(ample, _up(stream.shards, 2))
    reason = f"{_shards(stream.shards)}: {ample} take the load with {SPARE - 1:.0%} to spare"
    against = _cooling(stream, policy)
    if not policy.scale_down:
        against = "needs scale_down: true"
    elif stream.load is not None and stream.load.lag_minutes > policy.lag_minutes:
        against = "a consumer lags"
    return _change(stream, policy, "TOO_MANY_SHARDS", reason, target, against)


def _cooling(stream: Stream, policy: Policy) -> str:
    """What a change has to wait for so soon after another; '' for nothing."""
    settled = stream.settled_minutes
    if settled is None or settled >= policy.cooldown_minutes:
        return ""
    return f"waits for {policy.cooldown_minutes} minutes without a change"


def _change(
    stream: Stream, policy: Policy, code: str, reason: str, target: int, against: str
) -> Finding:
    """A violation with the call that puts it right, or with what stands against the call."""
    if not policy.manages(stream.name):
        against = "not among managed streams"
    if against:
        return _finding(stream, Verdict.NON_COMPLIANT, code, f"{reason}; {against}")
    undo = _update(stream, stream.shards)
    call = _update(stream, target, undo)
    return _finding(stream, Verdict.NON_COMPLIANT, code, reason, (call,))


def _update(stream: Stream, shards: int, undo: Call | None = None) -> Call:
    params = {
        "StreamName": stream.name,
        "TargetShardCount": shards,
        "ScalingType": "UNIFORM_SCALING",
    }
    return Call("kinesis", "UpdateShardCount", params, undo, {"shards": shards})


def _finding(
    stream: Stream, verdict: Verdict, code: str, reason: str, calls: tuple[Call, ...] = ()
) -> Finding:
    return Finding(stream.ref, verdict, code, reason, calls, stream.remembered())


def _up(shards: int, parts: int) -> int:
    """A part of so many, rounded up."""
    return -(-shards // parts)


def _shards(count: int) -> str:
    return "1 shard" if count == 1 else f"{count} shards"
