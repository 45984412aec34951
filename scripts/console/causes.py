"""Why dead letters are where they are, by the events, the ledger and the policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.dead_letters import Judged, Letter, judge, reason, refs_of
from console.place import Place
from console.queues import Queue
from embedded.handlers import automation_of
from steward.errors import BadPolicy, NotConnected, StewardError
from steward.events import Automation, Skip
from steward.ledger import Item
from steward.model import Control, Ref

FUNCTIONS = Path(__file__).parents[2] / "functions"


def judged_by(
    place: Place, source: Queue | None, inboxes: Mapping[str, Queue], letters: Sequence[Letter]
) -> list[Judged]:
    """Each letter with what it names and why it is there, as far as that can be read."""
    found = [judge(one, source, inboxes) for one in letters]
    automations = {one.inbox.name: _automation(place, one.inbox.name) for one in found if one.inbox}
    told = []
    for one in found:
        automation = automations.get(one.inbox.name) if one.inbox else None
        refs = refs_of(one.letter, automation, account=place.aws.account, region=place.aws.region)
        told.append((one, automation, refs))
    known = _Known(place, [(a, refs) for _, a, refs in told if a and not isinstance(refs, Skip)])
    return [
        replace(
            one,
            refs=() if isinstance(refs, Skip) else refs,
            why=known.reason(one.letter, automation, refs),
        )
        for one, automation, refs in told
    ]


def _automation(place: Place, inbox: str) -> Automation | None:
    """Whose inbox it is; None where its function is no automation of controls."""
    folder = FUNCTIONS / inbox.removeprefix(f"{place.name}-").replace("-", "_")
    try:
        return automation_of(folder)
    except (FileNotFoundError, AttributeError):
        return None


class _Known:
    """What the ledger and the policies tell of the resources that letters name."""

    def __init__(self, place: Place, named: Sequence[tuple[Automation, Sequence[Ref]]]) -> None:
        self._items: dict[tuple[str, Ref], Item] = {}
        self._broken: dict[str, str] = {}
        self._unread = ""
        wanted: dict[str, tuple[Control[Any, Any], dict[Ref, None]]] = {}
        for automation, refs in named:
            for control in automation.controls:
                mine = wanted.setdefault(control.id, (control, {}))[1]
                mine.update(dict.fromkeys(ref for ref in refs if ref.kind in control.kinds))
        try:
            for control, of_control in wanted.values():
                self._look(place, control, list(of_control))
        except NotConnected:
            raise
        except StewardError as error:
            self._unread = f"more could not be read: {error}"

    def _look(self, place: Place, control: Control[Any, Any], refs: Sequence[Ref]) -> None:
        found = place.ledger.items(control.id, refs)
        self._items.update({(control.id, ref): item for ref, item in found.items()})
        try:
            place.policies.policy(control)
        except BadPolicy as error:
            self._broken[control.id] = str(error)

    def reason(
        self, letter: Letter, automation: Automation | None, refs: Sequence[Ref] | Skip
    ) -> str:
        controls = automation.controls if automation else ()
        told = reason(letter, refs, controls, self._items, self._broken)
        return "; ".join(filter(None, (told, self._unread)))
