"""What a resource's item keeps from look to look: since when, and what was wrong before."""

from __future__ import annotations

from dataclasses import replace

from steward.ledger import Item
from steward.model import Fate, Verdict


def successor(old: Item | None, new: Item, now: str) -> Item | None:
    """The item to write after another look, or None when nothing has changed.

    ``first_seen`` survives as long as the resource stays out of order, also through a time in
    which it could not be read; ``memory`` survives that time, too. What comes into order keeps
    which violation is over, since when it was and until when.
    """
    if old is None:
        return replace(new, first_seen=now, changed_at=now)
    new = _with_history(old, new, now)
    if new.verdict is Verdict.UNKNOWN:  # what was not read tells nothing new to remember
        new = replace(new, memory=old.memory)
    was_in_order, is_in_order = (_in_order(item.verdict) for item in (old, new))
    first_seen = old.first_seen if was_in_order == is_in_order else now
    same = replace(new, first_seen=old.first_seen, changed_at=old.changed_at)
    if same == old:
        return None
    if replace(same, memory=old.memory) == old:
        return same
    return replace(new, first_seen=first_seen, changed_at=now)


def _with_history(old: Item, new: Item, now: str) -> Item:
    if is_violation(new):
        return new
    if is_violation(old):
        past, since, resolved = old.code, old.first_seen, ""
    else:
        past, since, resolved = old.violation, old.violated_since, old.resolved_at
    if past and not resolved and _in_order(new.verdict):
        resolved = now
    return replace(new, violation=past, violated_since=since, resolved_at=resolved)


def departed(item: Item, now: str) -> Item:
    """An item as it is kept of a resource that has vanished."""
    first_seen = item.first_seen or now
    return replace(item, fate=Fate.GONE, first_seen=first_seen, changed_at=now, intent="")


def is_violation(item: Item) -> bool:
    return item.verdict in (Verdict.NON_COMPLIANT, Verdict.EXEMPT)


def is_unresolved(item: Item) -> bool:
    """Whether it is a violation, or was one when it could last be read."""
    return is_violation(item) or bool(item.violation and not item.resolved_at)


def _in_order(verdict: Verdict) -> bool:
    return verdict in (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
