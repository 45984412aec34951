"""What failed: under the finding that it was to put right, and what became of it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from steward.ledger import Change, Status
from steward.model import Fate, Ref
from steward.reports.dataset import Entry, Report, Standing

Place: TypeAlias = tuple[str, Ref]

CHECKS: Sequence[tuple[tuple[str, ...], str]] = (
    (("AccessDenied", "not authorized", "UnauthorizedOperation", "no permission"),
     "the role's permissions, its boundary, and the organization's policies"),
    (("LimitExceeded", "Quota", "quota", "TooMany"),
     "the account's quota: have it raised, or make room"),
    (("Throttl", "TryAgain", "Busy", "ServiceUnavailable", "time is up"),
     "nothing yet: AWS was busy"),
    (("NotFound", "gone"), "whether the resource, or what it needs, is still there"),
    (("Invalid", "Validation", "Malformed", "BadRequest", "Conflict"),
     "what AWS says of the request: a setting of the resource, or of the policy"),
)  # fmt: skip
"""By words of the error, what a person should look at first."""


@dataclass(frozen=True, slots=True)
class Failing:
    """An open finding that Steward would put right and has not, with what was tried."""

    entry: Entry
    tries: tuple[Change, ...]
    """Newest first."""

    @property
    def error(self) -> str:
        last = self.tries[0] if self.tries else self.entry.last_change
        return "" if last is None else last.error

    @property
    def check(self) -> str:
        return check(self.error) if self.error or self.entry.attempts else HELD


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was tried on a resource whose finding is not among those that fail."""

    tries: tuple[Change, ...]
    """Newest first."""
    later: Change | None
    """The change that succeeded after the last of them."""
    entry: Entry | None
    """What is said of the resource otherwise."""

    @property
    def last(self) -> Change:
        return self.tries[0]

    @property
    def is_right(self) -> bool:
        """Whether what failed was put right since, by a change or by anybody."""
        return self._failed and (self.later is not None or self._stands(Standing.RESOLVED))

    @property
    def is_apart(self) -> bool:
        """Whether nothing is to be put right any more."""
        ended = (Standing.EXEMPT, Standing.OUT_OF_SCOPE, Standing.GONE)
        return self._failed and self.later is None and self._stands(*ended)

    @property
    def _failed(self) -> bool:
        """Whether the last one did; its outcome may be open."""
        return self.last.status is Status.FAILED

    def _stands(self, *where: Standing) -> bool:
        return self.entry is not None and self.entry.standing in where


HELD = "what holds it: the stop switch, a budget, AllowIrreversible, or a stack in progress"
"""What to look at where nothing was tried."""


def is_failing(entry: Entry) -> bool:
    """Whether Steward would change it and does not get it done."""
    return entry.fate in (Fate.FAILED, Fate.HELD) or entry.attempts > 0


def troubles(
    report: Report, is_open: Iterable[Entry]
) -> tuple[Sequence[Failing], Sequence[Attempts]]:
    """What fails now, and what failed or has no outcome yet of everything else."""
    tried = _by_place(one for one in report.changes if one.status in (Status.FAILED, Status.INTENT))
    done = _by_place(one for one in report.changes if one.status is Status.DONE and not one.undoes)
    failing = [
        Failing(entry, tuple(tried.pop((entry.control, entry.ref), ())))
        for entry in is_open
        if is_failing(entry)
    ]
    entries = {(entry.control, entry.ref): entry for entry in report.entries}
    rest = [
        Attempts(tuple(tries), _after(tries[0], done.get(place, ())), entries.get(place))
        for place, tries in tried.items()
    ]
    return failing, rest


def check(error: str) -> str:
    """What a person should look at first."""
    for words, advice in CHECKS:
        if any(word in error for word in words):
            return advice
    return "the error; put it right by hand, or exempt the resource until a date"


def _by_place(changes: Iterable[Change]) -> dict[Place, list[Change]]:
    """Newest first, as the report has them."""
    found: dict[Place, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.control, change.ref].append(change)
    return dict(found)


def _after(last: Change, done: Sequence[Change]) -> Change | None:
    return next((one for one in done if one.at >= last.at), None)
