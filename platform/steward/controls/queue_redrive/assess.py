"""Whether a queue gives its functions time, and messages enough tries and somewhere to go."""

from __future__ import annotations

from steward.controls.lambda_api import destinations
from steward.controls.queue_redrive.state import Policy, Queue
from steward.model import Finding, Verdict

CODES = {
    "FITS": (
        "Messages stay invisible long enough for the functions that the queue feeds, are tried "
        "often enough, and then kept in a dead-letter queue."
    ),
    "FEEDS_NO_FUNCTION": "Lambda invokes no function with messages of the queue.",
    "DEAD_LETTER_QUEUE": (
        "The queue feeds a function and holds other queues' dead letters; it is asked for none "
        "itself."
    ),
    "SHORT_VISIBILITY": (
        "Messages may be seen again, and handled twice, while a function still works on them or "
        "Lambda retries a batch: AWS advises six times the function's time-out, and the batching "
        "window besides."
    ),
    "NO_DEAD_LETTERS": "A message that always fails is tried until it expires, and then lost.",
    "DEAD_LETTERS_GONE": "The queue that dead letters should go to is not there.",
    "OWN_DEAD_LETTERS": (
        "The queue is its own dead-letter queue: a message that always fails is put back, "
        "and tried until it expires."
    ),
    "FEW_RECEIVES": (
        "Messages become dead letters after fewer tries than min_receives says; where functions "
        "are throttled that happens to some that nobody has tried. AWS advises five at least."
    ),
}


def assess(queue: Queue, policy: Policy) -> Finding:
    """Judge a queue: the time it gives its functions first, then what becomes of failures."""
    if not queue.feeds:
        reason = "no function is invoked with its messages"
        return _of(queue, Verdict.NOT_APPLICABLE, "FEEDS_NO_FUNCTION", reason)
    slowest = max(queue.feeds, key=lambda one: (one.needs(policy.visibility_factor), one.function))
    needed = slowest.needs(policy.visibility_factor)
    if queue.visibility < needed:
        window = f" and a window of {slowest.window} s" if slowest.window else ""
        reason = (
            f"{queue.visibility} s of visibility time-out, should be {needed} s: "
            f"{policy.visibility_factor} times {slowest.timeout} s of {slowest.function}{window}"
        )
        return _of(queue, Verdict.NON_COMPLIANT, "SHORT_VISIBILITY", reason)
    return _redriven(queue, policy)


def _redriven(queue: Queue, policy: Policy) -> Finding:
    name = queue.dead_letters.rpartition(":")[2]
    if queue.receives is None:
        if queue.is_last:
            reason = "holds dead letters itself, and gives its functions time"
            return _of(queue, Verdict.NOT_APPLICABLE, "DEAD_LETTER_QUEUE", reason)
        reason = "no redrive policy: what always fails is tried until it expires"
        return _of(queue, Verdict.NON_COMPLIANT, "NO_DEAD_LETTERS", reason)
    if queue.is_own:
        reason = "it is its own dead-letter queue: what always fails is tried until it expires"
        return _of(queue, Verdict.NON_COMPLIANT, "OWN_DEAD_LETTERS", reason)
    if queue.lost:
        reason = f"the dead-letter queue {name} is not there"
        return _of(queue, Verdict.NON_COMPLIANT, "DEAD_LETTERS_GONE", reason)
    if queue.receives < policy.min_receives:
        reason = f"a dead letter after {queue.receives} tries, should be {policy.min_receives}"
        return _of(queue, Verdict.NON_COMPLIANT, "FEW_RECEIVES", reason)
    reason = f"{queue.visibility} s to handle a message, {queue.receives} tries, then {name}"
    reason += destinations.UNCHECKED if queue.unchecked else ""
    return _of(queue, Verdict.COMPLIANT, "FITS", reason)


def _of(queue: Queue, verdict: Verdict, code: str, reason: str) -> Finding:
    return Finding(queue.ref, verdict, code, reason[:250])
