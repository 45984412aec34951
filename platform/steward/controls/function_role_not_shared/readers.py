"""Who has which role: by one pass over all functions, which Lambda lists with their roles.

No API tells the functions of a role, so that one function cannot be judged without all others.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from steward.controls.function_role_not_shared.sharing import states
from steward.controls.function_role_not_shared.state import KIND, Function, Policy, remembered
from steward.controls.lambda_api import functions
from steward.controls.lambda_api.functions import PAGE
from steward.errors import Invalid
from steward.model import Aws, Page, Ref, Sight, Unread

AT_ONCE = 20
"""Pages of the list that are read between two places where a sweep may pause, and that an event is
worth: a thousand functions, which take a minute at the pace of a deployed function."""

Roles: TypeAlias = dict[str, str]
"""The role's ARN by the function's name."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function, all on the last page; a cursor carries what was listed before it."""
    roles, token = _unpacked(cursor) if cursor else ({}, None)
    for number, (told, more) in enumerate(_listed(sight.aws, token), 1):
        roles |= told
        if more and number % AT_ONCE == 0:
            yield Page([], _packed(roles, more))
    yield Page(list(states(sight, roles, sorted(roles))), None)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions, judged against all; what the list leaves out is asked for by name."""
    listed = _once(sight)
    asked = [ref for ref in refs if listed is None or ref.id not in listed]
    read = functions.named(sight, asked)
    yield from (one for one in read if isinstance(one, Unread))
    told = [one[0] for one in read if not isinstance(one, Unread)]
    found = {one["FunctionName"]: one["Role"] for one in told}
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
    concerned = {roles.get(ref.id), before.role if before else None} - {None}
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
        yield {one["FunctionName"]: one["Role"] for one in answer.get("Functions", ())}, more


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


def _packed(roles: Roles, token: str) -> str:
    """Small enough for the ledger and the state machine, with tens of thousands of functions."""
    grouped = defaultdict(list)
    for name, role in roles.items():
        grouped[role].append(name)
    text = zlib.compress(json.dumps([token, grouped]).encode(), 9)
    return base64.b64encode(text).decode()


def _unpacked(cursor: str) -> tuple[Roles, str]:
    """Raises Invalid for what ``_packed`` did not make."""
    try:
        token, grouped = json.loads(zlib.decompress(base64.b64decode(cursor, validate=True)))
        return {name: role for role, names in grouped.items() for name in names}, token
    except (ValueError, AttributeError, TypeError, zlib.error):
        raise Invalid(f"cursor: is {cursor[:80]!r}, allowed: what a page came with") from None
