"""Whether every method of a stage has the limits that it should have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from steward.controls.api_gateway.stages import EVERY
from steward.controls.api_throttling.edits import Edit
from steward.controls.api_throttling.judging import Judged, Need, judge
from steward.controls.api_throttling.plan import calls
from steward.controls.api_throttling.rules import Policy
from steward.controls.api_throttling.settings import BURST, RATE, Limit, limits, text
from steward.controls.api_throttling.state import ApiStage
from steward.model import Call, Finding, Verdict


def assess(stage: ApiStage, policy: Policy) -> Finding:
    """Judge a stage; every method counts."""
    judged = [judge(stage, policy, method) for method in stage.methods]
    used = {one.key for one in judged}
    stale = sorted(key for key in stage.ours if key in stage.limits and key not in used)
    behind = [key for key in stage.behind if key in used]
    if not stage.methods and not stale:
        return _finding(stage, Verdict.NOT_APPLICABLE, "NO_METHODS", "nothing is deployed on it")
    needs = {need: [one for one in judged if one.need is need] for need in Need}
    code = next((need.name for need, those in needs.items() if those), "")
    code = code or ("STALE_LIMIT" if stale else "HIDES_SETTINGS" if behind else "")
    reason = _reason(stage, judged, needs, stale, behind)
    if not code:
        return _finding(stage, Verdict.COMPLIANT, "LIMITED", reason)
    if stage.managed:
        return _finding(stage, Verdict.NON_COMPLIANT, "MANAGED_BY_AWS", reason)
    targets = {one.key: one.target for one in judged if one.target}
    planned = calls(stage, list(_edits(stage, targets, stale, behind)))
    return _finding(stage, Verdict.NON_COMPLIANT, code, reason, planned)


def _edits(
    stage: ApiStage, targets: Mapping[str, Limit], stale: Sequence[str], behind: Sequence[str]
) -> Iterator[Edit]:
    """The stage's own first, what is taken away last."""
    for key in sorted({*targets, *behind}, key=lambda key: (key != EVERY, key)):
        yield Edit(key, targets.get(key, stage.limits.get(key, {})))
    for key in stale:
        yield Edit(key, None)


def _reason(
    stage: ApiStage,
    judged: Sequence[Judged],
    needs: Mapping[Need, Sequence[Judged]],
    stale: Sequence[str],
    behind: Sequence[str],
) -> str:
    total = len(judged)
    parts = [
        f"{len(those)} of {total} methods {need} ({_examples(those)})"
        for need, those in needs.items()
        if those
    ]
    if stale:
        parts.append(f"{len(stale)} of ours are not needed any more ({stale[0]})")
    if behind:
        parts.append(f"{len(behind)} of ours hide settings of the stage ({behind[0]})")
    return "; ".join([*(parts or [f"all of {total} methods are limited"]), _sum(stage, judged)])


def _examples(those: Sequence[Judged]) -> str:
    first = those[0].method
    name = (
        first.key if " " in first.key or first.path == first.key else f"{first.verb} {first.path}"
    )
    return name[:60] if len(those) == 1 else f"{name[:60]}, ..."


def _sum(stage: ApiStage, judged: Sequence[Judged]) -> str:
    """What all limits come to; together they may exceed what the account has for all APIs."""
    told = [stage.limits.get(one.key, {}) for one in judged]
    whole = [limit for limit in told if len(limits(limit, stage.account)) == 2]
    if not whole:
        return f"the account's limits are {text(stage.account)}"
    total = {name: sum(limit[name] for limit in whole) for name in (RATE, BURST)}
    share = total[RATE] / stage.account[RATE]
    return f"limits add up to {text(total)}, {share:.0%} of the account's {text(stage.account)}"


def _finding(
    stage: ApiStage, verdict: Verdict, code: str, reason: str, planned: tuple[Call, ...] = ()
) -> Finding:
    return Finding(stage.ref, verdict, code, reason, planned, stage.remembered())
