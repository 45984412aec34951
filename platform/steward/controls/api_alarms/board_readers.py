"""How dashboards are read: what the ledger remembers, and nobody has touched, is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from steward.controls.api_alarms import boards, names, present
from steward.controls.api_alarms.boards import Board
from steward.controls.api_alarms.state import DASHBOARD, Policy, Watched
from steward.controls.unreadable import unread
from steward.errors import Gone, OutOfTime, Refused, TryAgain
from steward.model import Ref, Sight, Unread


def board(
    sight: Sight[Policy], name: str, api: Ref, stages: Sequence[Watched | Unread]
) -> Iterator[Board | Unread]:
    """The dashboard of a name; where its API cannot be read, neither can it be judged."""
    for one in stages:
        if isinstance(one, Unread):
            yield Unread(Ref(DASHBOARD, name), one.code, one.reason)
            return
    found = board_of(sight, api, [one for one in stages if isinstance(one, Watched)])
    if found is not None:
        yield found


def board_of(sight: Sight[Policy], api: Ref, stages: Sequence[Watched]) -> Board | Unread | None:
    """The dashboard of an API with these stages; None where there is none and should be none."""
    aws = sight.aws
    name = names.dashboard_name(sight.policy.alarm_prefix, aws.region, api)
    is_there = name in present.dashboards(sight)
    judged = tuple(one for one in stages if not sight.policy.excludes(one.ref))
    now = sight.now.isoformat()
    made = Board(name, aws.account, aws.region, aws.partition, judged, since=now)
    if not is_there:
        wanted = boards.wanted_body(made, sight.policy) or present.is_expected(sight, made.ref)
        return made if wanted else None
    try:
        return _read(sight, made)
    except OutOfTime:
        raise
    except (Refused, TryAgain) as error:
        return unread(made.ref, error)


def _read(sight: Sight[Policy], made: Board) -> Board | None:
    wanted = boards.digest(boards.wanted_body(made, sight.policy))
    item = sight.known.items([made.ref]).get(made.ref)
    memory = item.memory if item else ""
    if boards.is_as_remembered(memory, wanted, present.dashboards(sight)[made.name]):
        shown, _, since = memory.partition(" ")
        return replace(made, shown=shown, since=since)
    try:
        answer = sight.aws.ask("cloudwatch", "GetDashboard", DashboardName=made.name)
    except Gone:
        return None
    text = answer["DashboardBody"]
    ours = boards.is_ours(made.name, text)
    return replace(made, shown=boards.digest(text), body=text, ours=ours)
