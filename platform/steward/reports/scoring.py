"""The compliance score: one number, computed alike wherever it is told. Pure.

AWS Config has the term: compliant ones of all pairs of a rule and a resource. What could not be
read counts against it; what is exempt, and what a control does not apply to, does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from steward.model import Mode
from steward.reports.dataset import ControlLine, Standing


@dataclass(frozen=True, slots=True)
class Score:
    """Judgements, of which a control has one on each of its resources."""

    compliant: int
    counted: int
    """Those that are compliant, open or unknown."""
    exempt: int
    not_applicable: int

    @property
    def percent(self) -> float | None:
        """Rounded down to a tenth, so that 100 is all of them; None where nothing counts."""
        return self.compliant * 1000 // self.counted / 10 if self.counted else None

    @property
    def told(self) -> str:
        """'88.5 %', or a dash."""
        return "\u2013" if self.percent is None else f"{self.percent:.1f} %"

    @property
    def basis(self) -> str:
        """'54 of 61 compliant; 4 exempt and 12 not applicable are left out'."""
        left_out = {"exempt": self.exempt, "not applicable": self.not_applicable}
        names = [f"{count:,} {name}" for name, count in left_out.items() if count]
        verb = "is" if self.exempt + self.not_applicable == 1 else "are"
        rest = f"; {' and '.join(names)} {verb} left out" if names else ""
        return f"{self.compliant:,} of {self.counted:,} compliant{rest}"


def score_of(lines: Iterable[ControlLine]) -> Score:
    """Over these controls; what is off judges nothing."""
    on = [line for line in lines if line.mode is not Mode.OFF]
    found, unread, exempt = (
        sum(line.counts.get(one, 0) for line in on)
        for one in (Standing.OPEN, Standing.UNKNOWN, Standing.EXEMPT)
    )
    compliant = sum(line.compliant for line in on)
    left_out = sum(line.not_applicable for line in on)
    return Score(compliant, compliant + found + unread, exempt, left_out)
