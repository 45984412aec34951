"""What all figures together say: at most so much is saved, at least so much is paid. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from steward.reports.dataset import Figure

UNIT = "USD a month"


@dataclass(frozen=True, slots=True)
class Savings:
    """Sums of what is known only; what is unknown is counted and never added."""

    at_most: float | None
    """USD a month; None where a saving is unknown and has no bound either."""
    at_least: float
    """USD a month that are paid."""
    unknown: int
    """Figures without an amount."""


def savings(figures: Iterable[Figure]) -> Savings:
    """Of the figures that have a price; a cost below zero is a saving."""
    told = list(figures)
    priced = [one for one in told if one.unit == UNIT]
    costs = [one.amount for one in priced if one.kind == "cost" and one.amount is not None]
    saved = [_most(one) for one in priced if one.kind == "saving"]
    known = [one for one in saved if one is not None]
    less = sum(-one for one in costs if one < 0)
    return Savings(
        at_most=round(sum(known) + less, 2) if len(known) == len(saved) else None,
        at_least=round(sum(one for one in costs if one > 0), 2),
        unknown=sum(one.amount is None for one in told),
    )


def _most(figure: Figure) -> float | None:
    return figure.at_most if figure.amount is None else figure.amount
