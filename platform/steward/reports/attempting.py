"""Whether and when a violation is tried again, in a sentence."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from steward.evaluate import INVALID_TAG
from steward.gate import MAX_ATTEMPTS, PROTECTED, RETRY_EXHAUSTED
from steward.ledger import Item, stamp
from steward.model import CommonPolicy, Control, Fate, Mode, Verdict

_BAD_TAGS = (INVALID_TAG, "INVALID_TAG")
_COMMON = frozenset(CommonPolicy.__dataclass_fields__)


def next_attempt(item: Item, mode: Mode, control: Control[Any, Any]) -> str:
    """What becomes of an open or unknown finding, by what was last done about it."""
    if item.intent:
        return "the next look settles whether its calls were carried out"
    if item.verdict is Verdict.UNKNOWN:
        return "read again with the next sweep"
    given_up = item.attempts >= MAX_ATTEMPTS and item.fate is not Fate.PLANNED
    if given_up and item.last_attempt:
        return f"not before {_weekly(item)}: {_why(item)}, tried again weekly"
    if item.fate is Fate.REPORTED or not control.writes:
        return f"not by Steward: {_why_never(item, control)}"
    if mode is not Mode.ENFORCE:
        return f"not in {mode} mode"
    return _SOON.get(item.fate, "with the next sweep") + _count(item)


_SOON = {
    Fate.HELD: "with the next sweep, if nothing holds it any more",
    Fate.PLANNED: "with the next sweep that may write",
}


def _why_never(item: Item, control: Control[Any, Any]) -> str:
    """Why there is no call for a violation: who, or what, would have to change."""
    if item.code in _BAD_TAGS:
        return "whoever owns the resource has to mend its tag"
    if not control.writes:
        return "this control only reports"
    if item.code == PROTECTED:
        return "an organization's policy or a permissions boundary forbids it"
    if field := _forbidden(item.reason, control):
        return f"the policy does not allow it ({field})"
    return "it has no call for this; somebody has to put it right"


def _forbidden(reason: str, control: Control[Any, Any]) -> str:
    """The field of the policy that a reason names as what stands against a call; '' for none."""
    own = control.policy.__dataclass_fields__.keys() - _COMMON
    needed = [word for word in re.findall(r"\bneeds? ([a-z_]+)", reason) if word in own]
    named = [word for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", reason) if word in own]
    return next(iter((*needed, *named)), "")


def _count(item: Item) -> str:
    return f", attempt {item.attempts + 1} of {MAX_ATTEMPTS}" if item.attempts else ""


def _why(item: Item) -> str:
    if item.fate is Fate.REPORTED:
        return "AWS will not do it for now"
    return f"exhausted, failed {item.attempts} times"


def _weekly(item: Item) -> str:
    return stamp(datetime.fromisoformat(item.last_attempt) + RETRY_EXHAUSTED)
