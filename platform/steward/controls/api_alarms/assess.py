"""Whether a stage, and what stands for several of them, has the alarms that the policy asks for."""

from __future__ import annotations

from collections.abc import Sequence

from steward.controls.api_alarms import boards, grouped
from steward.controls.api_alarms.alarms import judged, wanted
from steward.controls.api_alarms.boards import Board
from steward.controls.api_alarms.changes import changes
from steward.controls.api_alarms.metering import switched_on, unmetered
from steward.controls.api_alarms.state import Grouped, Policy, Watched
from steward.controls.api_alarms.thresholds import misfits
from steward.controls.api_alarms.values import NONE, Alarms, fingerprint, total
from steward.model import Call, Finding, Verdict

State = Watched | Grouped | Board
"""What the control judges."""

_SHOWN = 60
"""Characters of a name that a reason shows."""


def assess(state: State, policy: Policy) -> Finding:
    """Judge a stage, an alarm over all APIs, or a dashboard."""
    if isinstance(state, Grouped):
        return grouped.judge(state, policy)
    if isinstance(state, Board):
        return boards.judge(state, policy)
    if not state.exists:
        return _gone(state, policy)
    if policy.honor_tags and (wrong := "; ".join(misfits(state.tags))):
        return _wrong(state, "INVALID_TAG", wrong[:200])
    return _judge(state, policy)


def owned_tags(policy: Policy, api: str) -> dict[str, str]:
    """What tells in the bill and in the console whose an alarm is."""
    return {
        "steward:control": "api-alarms",
        "steward:stack": policy.alarm_prefix,
        "steward:api": api,
    }


def _judge(state: Watched, policy: Policy) -> Finding:
    """The first statement that applies gives the code; the calls put right whatever they can."""
    asked = wanted(state, policy)
    ours = {name: alarm for name, alarm in asked.items() if name not in state.taken}
    off = unmetered(state, judged(state, policy))
    target = total(ours)
    as_wanted = state.alarmed == target
    calls: list[Call] = switched_on(state, off)
    if not as_wanted:
        calls += changes(state.alarms, ours, owned_tags(policy, state.stage.api.id))
    if asked and state.namesakes:
        told = f"API {' and '.join(state.namesakes[:2])} has the same name; metrics are shared"
        return _wrong(state, "SHARED_NAME", told, calls, target)
    if len(ours) < len(asked):
        told = next(name for name in asked if name in state.taken)[:_SHOWN]
        return _wrong(state, "NAME_TAKEN", f"alarm {told} is not ours", calls, target)
    if off:
        return _wrong(state, "METRICS_OFF", _counted(off, "setting without metrics"), calls, target)
    if not as_wanted:
        return _wrong(state, *_difference(state.alarms, ours), calls, target)
    return _in_order(state, policy, asked)


def _difference(now: Alarms, ours: Alarms) -> tuple[str, str]:
    """The code and the reason of alarms that are not as they should be."""
    missing = [name for name in ours if name not in now]
    other = [
        name
        for name, alarm in ours.items()
        if name in now and fingerprint(name, now[name]) != fingerprint(name, alarm)
    ]
    stale = [name for name in now if name not in ours]
    told = {"MISSING_ALARMS": missing, "WRONG_ALARMS": other, "STALE_ALARMS": stale}
    words = {"MISSING_ALARMS": "missing", "WRONG_ALARMS": "otherwise", "STALE_ALARMS": "too many"}
    code = next((code for code, those in told.items() if those), "MISSING_ALARMS")
    parts = [f"{len(those)} {words[one]}" for one, those in told.items() if those]
    first = next((those[0][:_SHOWN] for those in told.values() if those), "")
    return code, f"alarms: {', '.join(parts)}, such as {first}"


def _in_order(state: Watched, policy: Policy, asked: Alarms) -> Finding:
    if policy.is_grouped:
        reason = "the alarms over all APIs watch it"
        return Finding(state.ref, Verdict.COMPLIANT, "GROUPED", reason)
    if not asked:
        reason = "no alarm is wanted"
        return Finding(state.ref, Verdict.NOT_APPLICABLE, "NO_ALARMS_WANTED", reason)
    reason = _counted(list(asked), "alarm")
    silent = sum(not alarm["ActionsEnabled"] for alarm in state.alarms.values())
    if silent:
        reason = f"{reason}, {silent} with actions disabled by hand"
    if policy.by_method and state.stage.managed:
        reason = f"{reason}; none of methods, as API Gateway manages the stage"
    return Finding(state.ref, Verdict.COMPLIANT, "ALARMED", reason)


def _gone(state: Watched, policy: Policy) -> Finding:
    if state.alarmed == NONE:
        reason = "there is no such stage"
        return Finding(state.ref, Verdict.NOT_APPLICABLE, "NO_ALARMS_WANTED", reason)
    reason = f"it has left {_counted(list(state.alarms), 'alarm')}"
    calls = changes(state.alarms, {}, owned_tags(policy, state.stage.api.id))
    return _wrong(state, "STAGE_GONE", reason, calls)


def _wrong(
    state: Watched, code: str, reason: str, calls: Sequence[Call] = (), target: str = NONE
) -> Finding:
    """``target`` is what the alarms are to come to, be it by more calls than a change may have."""
    partial = bool(calls) and calls[-1].effect.get("alarmed", target) != target
    return Finding(state.ref, Verdict.NON_COMPLIANT, code, reason, tuple(calls), partial=partial)


def _counted(things: Sequence[str], word: str) -> str:
    return f"{len(things)} {word}" if len(things) == 1 else f"{len(things)} {word}s"
