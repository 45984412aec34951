"""Who has which role: by one pass over all functions, which Lambda lists with their roles.

No API tells the functions of a role, so that one function cannot be judged without all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from steward.controls.function_role_not_shared.sharing import count, counted, states
from steward.controls.function_role_not_shared.state import KIND, Function, Policy, remembered
from steward.controls.function_role_not_shared.tally import Tally, unpacked
from steward.controls.lambda_api import functions
from steward.controls.lambda_api.functions import PAGE
from steward.model import Aws, Page, Ref, Sight, Unread

AT_ONCE = 20
"""Pages of the list that are read between two places where a sweep may pause, and that an event is
worth: a thousand functions, which take a minute at the pace of a deployed function."""

Roles: TypeAlias = dict[str, str]
"""The role's ARN by the function's name; empty where it is not told."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; all on one page where the list is short enough for that.

    A longer one is read twice: first functions are counted by their roles, then each is judged by
    the count, which a cursor carries. Raises Refused where it has no room for that.
    """
    counting, token, tally = unpacked(cursor) if cursor else (True, None, Tally())
    if counting:
        for roles, more in _parts(sight.aws, token):
            if not token and not more:
                yield Page(list(states(sight, roles, sorted(roles))), None)
                return
            count(sight, tally, roles)
            token = more
            yield Page([], tally.packed(more, counting=bool(more)))
    for roles, more in _parts(sight.aws, token):
        following = tally.packed(more, counting=False) if more else None
        yield Page(list(counted(sight, tally, roles)), following)


def _parts(aws: Aws, token: str | None) -> Iterator[tuple[Roles, str | None]]:
    """The list in parts of as many pages as are read at once, each with the token that goes on."""
    roles: Roles = {}
    for number, (told, more) in enumerate(_listed(aws, token), 1):
        roles |= told
        if not more or number % AT_ONCE == 0:
            yield roles, more or None
            roles = {}


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions, judged against all; what the list leaves out is asked for by name."""
    listed = _once(sight)
    asked = [ref for ref in refs if listed is None or ref.id not in listed]
    read = functions.named(sight, asked)
    yield from (one for one in read if isinstance(one, Unread))
    told = [one[0] for one in read if not isinstance(one, Unread)]
    found = dict(map(_of, told))
    if listed is None:
        yield from _by_memory(sight, found)
        return
    roles = {**listed, **found}
    yield from states(sight, roles, [*dict.fromkeys(ref.id for ref in refs if ref.id in roles)])


def besides(sight: Sight[Policy], ref: Ref) -> Sequence[Ref]:
    """The others that have the function's role, or the one that it had when last looked at."""
    roles = _once(sight) or {}
    item = sight.known.items([ref]).get(ref)
    before = remembered(ref.id, item.memory) if item else None
    concerned = {roles.get(ref.id), before.role if before else None} - {None, ""}
    return [Ref(KIND, name) for name, role in roles.items() if role in concerned and name != ref.id]


def _once(sight: Sight[Policy]) -> Roles | None:
    """The roles of all functions, read once a step; None where they are too many for that."""

    def read() -> Roles | None:
        pages = list(islice(_listed(sight.aws, None), AT_ONCE))
        if pages and pages[-1][1]:
            return None
        return {name: role for roles, _ in pages for name, role in roles.items()}

    return sight.known.once("roles of functions", read)


def _listed(aws: Aws, token: str | None) -> Iterator[tuple[Roles, str | None]]:
    for answer, more in aws.pages("lambda", "ListFunctions", token, MaxItems=PAGE):
        yield dict(map(_of, answer.get("Functions", ()))), more


def _of(described: Mapping[str, Any]) -> tuple[str, str]:
    """A function's name and its role."""
    role = described.get("Role")
    return described["FunctionName"], role if isinstance(role, str) else ""


def _by_memory(sight: Sight[Policy], found: Mapping[str, str]) -> Iterator[Function | Unread]:
    """As it was when all were last compared, where the role is the same; else nobody can tell."""
    items = sight.known.items([Ref(KIND, name) for name in found])
    for name, role in found.items():
        item = items.get(Ref(KIND, name))
        before = remembered(name, item.memory) if item else None
        if before is not None and before.role == role:
            yield before
        else:
            reason = f"more than {AT_ONCE * PAGE} functions: the next sweep compares their roles"
            yield Unread(Ref(KIND, name), "UNREADABLE", reason)
