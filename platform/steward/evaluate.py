"""From what was read to a finding: assessment, exclusions, exemptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from steward.errors import Denied, NotConnected, StewardError, TryAgain
from steward.gate import PROTECTED
from steward.model import Call, Control, Exemption, Finding, P, Ref, S, Unread, Verdict
from steward.run import Run, clipped

EXEMPT_TAG = "steward:exempt/"

TAG_OWNER, TAG_REASON = "tag", "tagged"
"""Of an exemption by tag, which tells neither."""

EXCLUDED = "EXCLUDED"
INVALID_TAG = "INVALID_EXEMPTION_TAG"

_EXEMPT = re.compile(r"exempt until (\d{4}-\d{2}-\d{2}) (.*)", re.DOTALL)
"""How the reason of an EXEMPT finding begins; see ``_exempt``."""

COMMON_CODES = {
    INVALID_TAG: "The exemption tag's value is no date; nothing is done about it.",
    EXCLUDED: "The policy's exclude names the resource.",
    "ACCESS_DENIED": "We lack the permission to read the resource.",
    "UNREADABLE": "The resource could not be read.",
    "TAGS_UNREADABLE": "The policy goes by tags, and they could not be read.",
    "BUSY": "AWS was busy for as long as we could wait.",
    "INTERNAL_ERROR": "A defect of Steward; the log has the traceback.",
    PROTECTED: "An organization policy or permissions boundary forbids the change to all.",
}


def evaluate(run: Run[S, P], state: S | Unread) -> Finding:
    """Assess one state under the policy's exclusions and all exemptions."""
    if isinstance(state, Unread):
        return unknown(state.ref, state.code, state.reason)
    policy = run.loaded.policy
    if policy.excludes(state.ref):
        return Finding(state.ref, Verdict.NOT_APPLICABLE, EXCLUDED, "excluded by the policy")
    finding = run.control.assess(state, policy)
    if finding.verdict is not Verdict.NON_COMPLIANT:
        return finding
    told = state.tags.get(f"{EXEMPT_TAG}{run.control.id}", "")
    if told and policy.honor_tags and not _is_date(told):
        reason = f"tag {EXEMPT_TAG}{run.control.id} is {told[:40]!r}, allowed: YYYY-MM-DD"
        return _without_calls(finding, Verdict.NON_COMPLIANT, INVALID_TAG, reason)
    today = run.clock.now().date()
    for exemption in _exemptions(run, state):
        if exemption.covers(state.ref, today):
            reason = _exempt(exemption, finding)
            return _without_calls(finding, Verdict.EXEMPT, finding.code, reason)
    return finding


def _without_calls(finding: Finding, verdict: Verdict, code: str, reason: str) -> Finding:
    """Another word on a resource that was assessed, of which the same is remembered."""
    return Finding(finding.ref, verdict, code, reason, memory=finding.memory)


def remembering(finding: Finding, memory: str) -> Finding:
    """What was not assessed keeps its memory: the control had no say in it."""
    unassessed = finding.verdict is Verdict.UNKNOWN or finding.code == EXCLUDED
    return replace(finding, memory=memory) if unassessed else finding


def _exempt(exemption: Exemption, finding: Finding) -> str:
    who = f"{exemption.owner}: {exemption.reason}"
    return clipped(f"exempt until {exemption.expires} ({who}); {finding.reason}")


def exempt_until(reason: str) -> tuple[str, str]:
    """The day in the reason of an EXEMPT finding, and the rest of the sentence."""
    found = _EXEMPT.match(reason)
    return (found[1], found[2]) if found else ("", reason)


def unknown(ref: Ref, code: str, reason: str) -> Finding:
    """The finding on what could not be read."""
    return Finding(ref, Verdict.UNKNOWN, code, clipped(reason))


def observe(run: Run[S, P], refs: Sequence[Ref]) -> list[S | Unread]:
    """Read the named resources; what AWS refuses or is too busy for comes back as Unread."""
    try:
        return list(run.control.observe(run.sight, refs))
    except NotConnected:
        raise
    except StewardError as error:
        return [Unread(ref, _unread_code(error), str(error)) for ref in refs]


def _unread_code(error: StewardError) -> str:
    if isinstance(error, TryAgain):
        return "BUSY"
    return "ACCESS_DENIED" if isinstance(error, Denied) else "UNREADABLE"


def effect(calls: Iterable[Call]) -> dict[str, Any]:
    """The fields of the state that the calls set, later calls winning."""
    fields: dict[str, Any] = {}
    for call in calls:
        fields |= call.effect
    return fields


def foretold(state: Any, calls: Iterable[Call]) -> Any:
    """The state, a frozen dataclass, as it will be once the calls have done what they say."""
    return replace(state, **effect(calls))


def left_by(control: Control[Any, Any], state: Any, calls: Sequence[Call]) -> Any:
    """The state as the calls leave it, by the control's own word if it has one."""
    return foretold(state, calls) if control.foretell is None else control.foretell(state, calls)


def evaluate_after(run: Run[S, P], state: S, calls: Sequence[Call]) -> Finding:
    """The finding on a state as the calls leave it."""
    return evaluate(run, left_by(run.control, state, calls))


def in_effect(control: Control[Any, Any], state: Any, calls: Sequence[Call]) -> bool:
    """Whether the state is what the calls make of it; never where they do not say."""
    said = control.foretell is not None or bool(effect(calls))
    return said and bool(left_by(control, state, calls) == state)


def _exemptions(run: Run[S, P], state: S) -> Iterator[Exemption]:
    yield from run.exemptions
    yield from run.loaded.policy.exemptions
    until = state.tags.get(f"{EXEMPT_TAG}{run.control.id}", "")
    if run.loaded.policy.honor_tags and _is_date(until):
        yield Exemption(state.ref.id, TAG_REASON, TAG_OWNER, date.fromisoformat(until))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
