"""A stack's ledger, looked at and not written to: for runs that must write nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from steward.errors import Refused
from steward.ledger import Change, Item, Ledger, Sweep
from steward.model import Exemption, Ref


class ReadOnlyLedger:
    """See ``steward.ledger.Ledger``. What a plan-only sweep would write is dropped."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def behind(self) -> Ledger:
        """The ledger itself, for what looks at its sweeps and begins none."""
        return self._ledger

    def items(self, control: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        return self._ledger.items(control, refs)

    def items_between(
        self, control: str, kind: str, after: str, upto: str | None
    ) -> Mapping[Ref, Item]:
        return self._ledger.items_between(control, kind, after, upto)

    def all_items(self, control: str) -> Iterator[Item]:
        return self._ledger.all_items(control)

    def gone(self, control: str) -> Iterator[Item]:
        return self._ledger.gone(control)

    def intend(self, changes: Sequence[Change], items: Sequence[Item]) -> None:
        raise Refused(f"{len(changes)} changes, {len(items)} items: this ledger is read only")

    def commit(
        self,
        *,
        items: Sequence[Item] = (),
        gone: Sequence[Item] = (),
        changes: Sequence[Change] = (),
        sweep: Sweep | None = None,
    ) -> None:
        """Drops everything: a plan leaves no trace in the stack."""

    def withdraw(self, changes: Sequence[Change]) -> None:
        """There is nothing to withdraw: no intent was ever written."""

    def change(self, change_id: str) -> Change | None:
        return self._ledger.change(change_id)

    def changes(self, control: str, since: str = "") -> Iterator[Change]:
        return self._ledger.changes(control, since)

    def exemptions(self, control: str) -> Sequence[Exemption]:
        return self._ledger.exemptions(control)

    def exempt(self, control: str, exemption: Exemption) -> None:
        raise Refused(f"{control}, {exemption.resource}: this ledger is read only")

    def unexempt(self, control: str, resource: str) -> bool:
        raise Refused(f"{control}, {resource}: this ledger is read only")

    def take(self, control: str, window: str, wanted: int, limit: int) -> int:
        raise Refused(f"{control}, {window}, {wanted} of {limit}: this ledger is read only")

    def acquire(self, control: str, holder: str, seconds: int) -> bool:
        """A plan disturbs no other sweep and needs no lease."""
        return True

    def release(self, control: str, holder: str) -> None:
        """There is no lease to free."""

    def sweeps(self, control: str) -> Iterator[Sweep]:
        """None: a plan always starts anew."""
        return iter(())
