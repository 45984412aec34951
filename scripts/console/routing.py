"""Which resources an event names, by the rules of the project's own template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedded.handlers import automation_of
from embedded.patterns import Pattern
from embedded.template import load
from steward.events import Automation, Skip, concerned, named
from steward.model import Control, Ref

Event = Mapping[str, Any]
Named = list[tuple[Control[Any, Any], Ref]]


@dataclass(frozen=True, slots=True)
class Route:
    """A rule of the template, and the automation that it feeds."""

    pattern: Pattern
    automation: Automation


def routes(is_on: Callable[[Control[Any, Any]], bool]) -> Sequence[Route]:
    """The template's rules that name resources, with their automations and controls that are on.

    A rule whose controls are all off is none.
    """
    template = load()
    functions, folders = template.inboxes(), template.folders()
    rules = [rule for rule in template.rules() if rule.queue]
    automations = {one.queue: automation_of(folders[functions[one.queue]]) for one in rules}
    on = {
        queue: replace(one, controls=tuple(filter(is_on, one.controls)))
        for queue, one in automations.items()
    }
    return [Route(Pattern(one.pattern), on[one.queue]) for one in rules if on[one.queue].controls]


def route(event: Event, known: Sequence[Route], *, account: str, region: str) -> Named | Skip:
    """What the event names for each control, or why it names nothing."""
    told = [
        (one.automation, named(one.automation, event, account=account, region=region))
        for one in known
    ]
    refs = [
        (control, ref)
        for one, (automation, found) in zip(known, told, strict=True)
        if not isinstance(found, Skip) and one.pattern.matches(event)
        for control in concerned(automation, event)
        for ref in found
        if ref.kind in control.kinds
    ]
    return refs or _reason([found for _, found in told])


def _reason(told: Sequence[list[Ref] | Skip]) -> Skip:
    """Of several automations' reasons, the one of whoever knows the event."""
    reasons = [found for found in told if isinstance(found, Skip) and found is not Skip.NO_RULE]
    return reasons[0] if reasons else Skip.NO_RULE
