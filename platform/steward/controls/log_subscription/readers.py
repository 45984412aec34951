"""How log groups are read with their subscription filters, of which no list tells.

One request for each group, five a second for the whole account: so a sweep takes from the ledger
what it remembers, and reads anew what is new, changed, not in order, or was last read a week ago.
What somebody else puts or deletes is told by an event and read at once; where that event was lost,
the memory is stale for seven days (RECHECK_DAYS) and one sweep's interval at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steward.controls import log_groups
from steward.controls.log_groups import Found
from steward.controls.log_subscription import account_readers
from steward.controls.log_subscription.account_filters import described, in_step
from steward.controls.log_subscription.account_policy import AccountPolicy
from steward.controls.log_subscription.account_readers import LEAVING
from steward.controls.log_subscription.assess import SUBSCRIBED, assess
from steward.controls.log_subscription.filters import Read, fresh, state
from steward.controls.log_subscription.log_group import LogGroup
from steward.controls.log_subscription.state import Policy
from steward.errors import OutOfTime
from steward.events import ACCOUNT_POLICY, LOG_GROUP
from steward.model import Page, Ref, Remembered, Sight, Unread

BATCH = 10
"""Groups read together: with what is to be put they fit into a step, at a function's pace."""

WITHIN = ">"
"""How a cursor begins that stands within a page: then a name, a space, and the page's token."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[LogGroup | AccountPolicy]]:
    """Every log group in the order of names; pages hold so many groups to be read anew at most.

    With strategy account our account policy comes first, so that groups are judged under what was
    put; with strategy group one that is left comes last, after the filters that take its place.
    """
    if cursor is None and sight.policy.for_account:
        cursor = f"{WITHIN} "
        yield Page(account_readers.present(sight, described(sight.aws)), cursor)
    if cursor is None or not cursor.startswith(LEAVING):
        left = _leaves_account(sight)
        for page in _groups(sight, cursor):
            yield Page(page.states, LEAVING) if left and page.cursor is None else page
        if not left:
            return
        cursor = LEAVING
    token = cursor.removeprefix(LEAVING) or None
    yield from account_readers.leaving(sight, token, _asks(sight.policy))


def _leaves_account(sight: Sight[Policy]) -> bool:
    """Whether there is an account policy of ours that group filters take the place of."""
    names = [str(one["policyName"]) for one in in_step(sight)]
    return not sight.policy.for_account and any(map(sight.policy.owns, names))


def _groups(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[LogGroup | AccountPolicy]]:
    token, after = _parsed(cursor)
    for found, following in log_groups.discover(sight, token, _asks(sight.policy)):
        parts = list(_parts(sight, [one for one in found if one.ref.id > after]))
        for number, part in enumerate(parts, 1):
            states = list(_states(sight, part))
            late = next((at for at, one in enumerate(states) if isinstance(one, OutOfTime)), None)
            done = [one for one in states[:late] if isinstance(one, LogGroup | Unread)]
            if late is None and number == len(parts):
                yield Page(done, following)
            elif done:
                yield Page(done, f"{WITHIN}{done[-1].ref.id} {token or ''}")
            if late is not None:
                raise OutOfTime("no more filters can be read before the deadline")
        token = following


def _parsed(cursor: str | None) -> tuple[str | None, str]:
    """The token of a page, and the name in it after which to go on."""
    if cursor is None or not cursor.startswith(WITHIN):
        return cursor, ""
    name, _, token = cursor.removeprefix(WITHIN).partition(" ")
    return token or None, name


def observe(
    sight: Sight[Policy], refs: Sequence[Ref]
) -> Iterator[LogGroup | AccountPolicy | Unread]:
    """The named groups with their filters, and the named account policies, as they are now."""
    for ref in refs:
        if ref.kind == ACCOUNT_POLICY and (policy := account_readers.named(sight, ref.id)):
            yield policy
    groups = [ref for ref in refs if ref.kind == LOG_GROUP]
    found = list(log_groups.observe(sight, groups, _asks(sight.policy))) if groups else []
    for one, read in zip(found, fresh(sight, found), strict=True):
        if isinstance(read, OutOfTime):
            yield Unread(one.ref, "BUSY", str(read))
        elif read is not None:
            yield read


def _asks(policy: Policy) -> log_groups.Asks:
    """Tags are needed where they decide; not where the name has decided already."""

    def asks(name: str) -> bool:
        return policy.honor_tags or (policy.uses_tags() and policy.include.selects_name(name))

    return asks


Entry = tuple[Found | Unread, LogGroup | None]
"""A group, and what is known of it without reading its filters."""


def _parts(sight: Sight[Policy], found: Sequence[Found | Unread]) -> Iterator[list[Entry]]:
    """The groups of a page, in parts in which so many are to be read at most."""
    items = sight.known.items([one.ref for one in found])
    part: list[Entry] = []
    unknown = 0
    for one in found:
        known = None if isinstance(one, Unread) else _known(sight, one, items.get(one.ref))
        if known is None and unknown == BATCH:
            yield part
            part, unknown = [], 0
        part.append((one, known))
        unknown += known is None
    yield part


def _known(sight: Sight[Policy], found: Found, item: Remembered | None) -> LogGroup | None:
    """A group whose filters need not be read: excluded, of no use, or as they are remembered."""
    policy = sight.policy
    if policy.excludes(found.ref):
        return state(sight, found, {}, {})
    if found.log_class != "STANDARD":
        return state(sight, found, {}, {})
    if item is None or item.memory != policy.memory(found.name, found.created, sight.now):
        return None
    owned = {policy.filter_name: policy.wanted()} if item.code == SUBSCRIBED else {}
    known = state(sight, found, owned, {})
    return known if assess(known, policy).code == item.code else None


def _states(sight: Sight[Policy], part: Sequence[Entry]) -> Iterator[Read]:
    read = iter(fresh(sight, [found for found, known in part if known is None]))
    yield from (next(read) if known is None else known for _, known in part)
