"""Whether a method has the limits that the policy asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from steward.controls.api_gateway.stages import EVERY, Method
from steward.controls.api_throttling.rules import Policy
from steward.controls.api_throttling.settings import BURST, RATE, Limit, limits
from steward.controls.api_throttling.state import ApiStage

TOO_MUCH = 0.5
"""The part of a limit by which it changes without ``force``, at most."""


class Need(StrEnum):
    """What is wrong with the limits of a method; the worst comes first."""

    NO_LIMIT = "have no limits of their own"
    ABOVE_ACCOUNT = "are to have limits that are not below the account's"
    OTHER_LIMIT = "have other limits than the policy's"
    NEEDS_FORCE = "have limits that differ by more than half and need force: true"


@dataclass(frozen=True, slots=True)
class Judged:
    """A method, the settings that limit it, and what they are to become."""

    method: Method
    key: str
    need: Need | None = None  # None: its limits are right
    target: Limit | None = None  # None: they stay as they are


def judge(stage: ApiStage, policy: Policy, method: Method) -> Judged:
    rule = policy.rule(stage, method)
    wish = policy.wish(rule)
    may_inherit = policy.allow_stage_default and rule is None
    if may_inherit and _inherits(stage, policy, method, wish):
        return _compare(stage, policy, method, EVERY, wish)
    return _compare(stage, policy, method, method.key, wish)


def _inherits(stage: ApiStage, policy: Policy, method: Method, wish: Limit | None) -> bool:
    """Whether a method has the stage's limits, or will have once ours are taken away."""
    if method.key not in stage.limits:
        return True
    of_stage = _compare(stage, policy, method, EVERY, wish)
    will_do = of_stage.need is None or of_stage.target is not None
    return wish is not None and method.key in stage.ours and will_do


def _compare(
    stage: ApiStage, policy: Policy, method: Method, key: str, wish: Limit | None
) -> Judged:
    own = stage.limits.get(key, {})
    real = limits(own, stage.account)
    whole = len(real) == 2
    if wish is None:
        return Judged(method, key, None if whole else Need.NO_LIMIT)
    if not _is_below(wish, stage.account):
        return Judged(method, key, Need.ABOVE_ACCOUNT)
    if own == wish:
        return Judged(method, key)
    grave = any(abs(wish[name] - own[name]) > TOO_MUCH * own[name] for name in real)
    if grave and not policy.force:
        return Judged(method, key, Need.NEEDS_FORCE)
    return Judged(method, key, Need.OTHER_LIMIT if whole else Need.NO_LIMIT, wish)


def _is_below(wish: Limit, account: Limit) -> bool:
    return wish[RATE] < account[RATE] and wish[BURST] < account[BURST]
