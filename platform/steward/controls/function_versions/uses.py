"""Who uses the versions of one function: its own readers first, the cheapest of them first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from steward.controls.function_versions import users
from steward.controls.function_versions.assess import unused
from steward.controls.function_versions.evidence import Evidence, at_once
from steward.controls.function_versions.policies import by_policy
from steward.controls.function_versions.references import reference
from steward.controls.function_versions.state import OWNED, Policy, Version
from steward.controls.function_versions.users import Users
from steward.errors import Gone, NotConnected, OutOfTime, StewardError
from steward.model import Sight


def marked(
    sight: Sight[Policy],
    name: str,
    versions: Sequence[Version],
    tags: Mapping[str, str] | StewardError,
    *,
    durable: bool,
) -> list[Version]:
    """The versions with who uses them, as far as it decides what is deleted.

    A source that could not be read protects them all. Raises Gone where the function is.
    """
    asked = sight.policy.evidence.asked()
    readers: Sequence[tuple[str, bool, Callable[[], Users]]] = (
        ("aliases", True, lambda: users.aliases(sight.aws, name)),
        ("provisioned_concurrency", True, lambda: users.provisioned(sight, name)),
        ("function_urls", "aliases" not in asked, lambda: users.urls(sight, name)),
        ("durable_executions", durable, lambda: users.durable(sight, name)),
        (OWNED, sight.policy.stack_owned == "keep", lambda: users.owned(sight, name, tags)),
    )
    told = list(versions)
    for source, needed, read in readers:
        if needed and (source in asked or source == OWNED) and unused(told, sight.policy):
            told = _after(told, source, read)
    if unused(told, sight.policy):
        told = _named(told, name, at_once(sight))
    if "resource_policies" in asked:
        told = by_policy(sight, name, told)
    return told


def _after(versions: Sequence[Version], source: str, read: Callable[[], Users]) -> list[Version]:
    """The versions after a source was asked."""
    try:
        found = read()
    except (Gone, NotConnected, OutOfTime):
        raise
    except StewardError as error:
        return _protected(versions, f"{source} could not be read: {error}")
    return [
        replace(one, used=f"{source}{found[one.number]}") if one.number in found else one
        for one in versions
    ]


def _protected(versions: Sequence[Version], why: str) -> list[Version]:
    """The versions, of which those may not go that nobody is known to use."""
    return [one if one.used else replace(one, unread=one.unread or why) for one in versions]


def _named(versions: Sequence[Version], name: str, evidence: Evidence) -> list[Version]:
    """The versions after the whole account was searched for their names."""
    by = {one.number: evidence.found.get(reference(name, one.number), "") for one in versions}
    told = [replace(one, used=one.used or by[one.number]) for one in versions]
    for why in evidence.unread.values():
        told = _protected(told, why)
    return told
