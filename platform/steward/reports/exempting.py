"""Exemptions as they are today: what each covers, and what is to be said of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase

from steward.aws.parameters import policy_name
from steward.evaluate import EXEMPT_TAG, INVALID_TAG, TAG_OWNER, TAG_REASON, exempt_until
from steward.ledger import Item
from steward.model import Exemption, Mode, Verdict
from steward.reports.dataset import ExemptionLine
from steward.reports.reading import Kept
from steward.reports.wording import counted

NAMELESS = "names nobody and gives no reason"
"""The remark on an exemption by tag."""

SOON = timedelta(days=14)
"""How long before its last day an exemption is said to expire."""


def exemption_of(kept: Kept, item: Item, today: date) -> Exemption | None:
    """Who answers for a violation today, whatever was so when it was last looked at.

    A policy that does not fit exempts nobody; what it exempted before stays so until its day.
    """
    if item.code == INVALID_TAG:
        return None
    policy = kept.policy
    for exemption in (*kept.exemptions, *(policy.exemptions if policy else ())):
        if exemption.covers(item.ref, today):
            return exemption
    told = _told(item)
    if told is None or today > told.expires:
        return None
    return told if policy is None or (policy.honor_tags and is_nameless(told)) else None


def exemption_lines(kept: Kept, today: date) -> Iterator[ExemptionLine]:
    """Those of the ledger, the policy and of tags; what tags exempt is known by the findings."""
    policy = kept.policy
    yield from (_line(kept, one, "ledger", today) for one in kept.exemptions)
    if policy is not None:
        yield from (_line(kept, one, "policy", today) for one in policy.exemptions)
    if policy is None or policy.honor_tags:
        tagged = (one for item in kept.violations if (one := _told(item)) and is_nameless(one))
        yield from (_line(kept, one, "tag", today) for one in tagged)


def _line(kept: Kept, exemption: Exemption, source: str, today: date) -> ExemptionLine:
    covered = sum(
        item.code != INVALID_TAG and exemption.covers(item.ref, today) for item in kept.violations
    )
    remarks = tuple(_remarks(kept, exemption, covered, today))
    return ExemptionLine(kept.control.id, exemption, source, covered, remarks)


def _remarks(kept: Kept, exemption: Exemption, covered: int, today: date) -> Iterator[str]:
    left = exemption.expires - today
    if left < timedelta():
        yield "expired"
    elif left <= SOON:
        yield f"expires in {counted(left.days, 'day')}" if left else "expires today"
    known = kept.mode is not Mode.OFF and kept.last_complete is not None
    if known and not covered and left >= timedelta():
        yield "exempts nothing"
    if _is_broad(exemption.resource, kept.items):
        yield "exempts every resource"
    if is_nameless(exemption):
        yield NAMELESS


def _is_broad(resource: str, items: Sequence[Item]) -> bool:
    """Whether it is a bare ``*``, or a glob that all resources of the control happen to match."""
    if not resource.strip("*?"):
        return True
    return len(items) > 1 and all(fnmatchcase(item.ref.id, resource) for item in items)


def _told(item: Item) -> Exemption | None:
    """The exemption that an EXEMPT finding was told by; its reason may be clipped."""
    if item.verdict is not Verdict.EXEMPT:
        return None
    day, rest = exempt_until(item.reason)
    if not day:
        return None
    who, _, why = in_brackets(rest)[0].partition(": ")
    return Exemption(item.ref.id, why, who, date.fromisoformat(day))


def in_brackets(rest: str) -> tuple[str, str]:
    """Who exempts and why, of '(who: why); what is wrong', and what is wrong; '' if it is cut off.

    The why may have brackets of its own, and not all of them need be closed.
    """
    ends = [found.start() for found in re.finditer(r"\); ", rest)]
    closed = (end for end in ends if rest.count("(", 1, end) <= rest.count(")", 1, end))
    end = next(closed, ends[0] if ends else len(rest))
    return rest[1:end], rest[end + 3 :]


def is_nameless(exemption: Exemption) -> bool:
    """Whether it is by a tag, which tells neither who answers for it nor why."""
    return (exemption.owner, exemption.reason) == (TAG_OWNER, TAG_REASON)


def how_it_ends(line: ExemptionLine, stack: str) -> str:
    """What a person does to end an exemption before its day; '' of the ledger's, for which there
    is a command. ``stack`` is '' where policies are an operator's own."""
    if line.source == "tag":
        return f"remove the tag {EXEMPT_TAG}{line.control} from the resource"
    if line.source != "policy":
        return ""
    where = f"the parameter {policy_name(stack, line.control)}" if stack else "its policy"
    return f"take it out of exemptions in {where}"


def soonest_first(lines: Iterable[ExemptionLine]) -> tuple[ExemptionLine, ...]:
    return tuple(
        sorted(lines, key=lambda one: (one.exemption.expires, one.control, one.exemption.resource))
    )
