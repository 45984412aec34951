"""Whether and when a violation is tried again, in a sentence."""

from __future__ import annotations

from datetime import datetime

from steward.gate import MAX_ATTEMPTS, RETRY_EXHAUSTED
from steward.ledger import Item, stamp
from steward.model import Fate, Mode, Verdict


def next_attempt(item: Item, mode: Mode) -> str:
    """What becomes of an open or unknown finding, by what was last done about it."""
    if item.intent:
        return "the next look settles whether its calls were carried out"
    if item.verdict is Verdict.UNKNOWN:
        return "read again with the next sweep"
    given_up = item.attempts >= MAX_ATTEMPTS and item.fate is not Fate.PLANNED
    if given_up and item.last_attempt:
        return f"not before {_weekly(item)}: {_why(item)}, tried again weekly"
    if item.fate is Fate.REPORTED:
        return "never by Steward: there is no call that would put it right"
    if mode is not Mode.ENFORCE:
        return f"not in {mode} mode"
    return _SOON.get(item.fate, "with the next sweep") + _count(item)


_SOON = {
    Fate.HELD: "with the next sweep, if nothing holds it any more",
    Fate.PLANNED: "with the next sweep that may write",
}


def _count(item: Item) -> str:
    return f", attempt {item.attempts + 1} of {MAX_ATTEMPTS}" if item.attempts else ""


def _why(item: Item) -> str:
    if item.fate is Fate.REPORTED:
        return "AWS will not do it for now"
    return f"exhausted, failed {item.attempts} times"


def _weekly(item: Item) -> str:
    return stamp(datetime.fromisoformat(item.last_attempt) + RETRY_EXHAUSTED)
