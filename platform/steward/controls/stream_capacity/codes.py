"""Every reason code of the control, with what it means."""

from __future__ import annotations

from steward.controls.stream_capacity.state import SPARE

CHANGE_LIMIT = "CHANGE_LIMIT"

CODES = {
    "FITS": "The shards take the load at target_utilization, and it needs most of them.",
    "NO_METRICS": (
        "CloudWatch has no metrics of the look-back: the stream is new, or nobody uses it. It has "
        "min_shards, and fewer shards are never planned on no evidence."
    ),
    "TOO_FEW_SHARDS": (
        "The busiest five minutes need more shards, or the policy does, or there are too few to "
        "take what is written and read: records are rejected, or consumers lag and their reads "
        "are refused. At most twice as many at once."
    ),
    "TOO_MANY_SHARDS": (
        f"The load, and {SPARE - 1:.0%} more, fits into fewer shards. They become fewer only with "
        "scale_down, never while a consumer lags, and by half at once at most."
    ),
    "AT_MAX_SHARDS": "More shards are needed than max_shards allows.",
    "UNEVEN_LOAD": (
        "Records are rejected, or reads refused, although half of the shards would take the load: "
        "by a partition key that takes too much, or in bursts. More shards are unlikely to help."
    ),
    CHANGE_LIMIT: (
        "Kinesis does not take the change: ten in 24 hours are the most for a stream, or the "
        "account's shards are used up."
    ),
    "ON_DEMAND": "Kinesis itself sets the capacity of a stream in on-demand mode.",
    "BEING_CHANGED": "The stream is not ACTIVE; it is judged at the next look after it is.",
    "NOT_SELECTED": "The policy's streams do not name the stream.",
}
