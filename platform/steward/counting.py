"""What a sweep counts of the resources it met, and what that comes to at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from steward.ledger import Item, Sweep
from steward.model import Fate, Page, Ref, S, Verdict
from steward.run import Outcome, Result

HOUR = timedelta(hours=1)
OLDEST = "OldestViolationAgeHours"


def counted(
    sweep: Sweep,
    outcomes: Sequence[Outcome],
    known: Mapping[Ref, Item],
    results: Iterable[Result],
) -> Sweep:
    """The sweep after some more outcomes; ``known`` and ``results`` are the items of their page.

    Since when the oldest violation is open is told by items that the page has read in any case.
    """
    verdicts = Counter(sweep.verdicts)
    fates = Counter(sweep.fates)
    for outcome in outcomes:
        fates[outcome.fate.value] += 1
        if outcome.fate is not Fate.GONE:
            verdicts[outcome.finding.verdict.value] += 1
    return replace(
        sweep,
        verdicts=dict(verdicts),
        fates=dict(fates),
        resources=sum(verdicts.values()),
        oldest=_oldest(sweep, outcomes, known, results),
    )


def _oldest(
    sweep: Sweep,
    outcomes: Sequence[Outcome],
    known: Mapping[Ref, Item],
    results: Iterable[Result],
) -> str:
    items = {**known, **{item.ref: item for result in results for item in result.items}}
    left = (items.get(one.finding.ref) for one in outcomes if one.fate is not Fate.GONE)
    since = [item.first_seen for item in left if item and item.verdict is Verdict.NON_COMPLIANT]
    return min(filter(None, [sweep.oldest, *since]), default="")


def summed(sweep: Sweep, page: Page[S]) -> Sweep:
    """The sweep after a whole page, which it does not read again, with what that adds to gauges."""
    gauges = dict(sweep.gauges)
    for name, more in page.gauges.items():
        before = gauges.get(name, 0)
        gauges[name] = None if before is None or more is None else before + more
    return replace(sweep, token=page.cursor, gauges=gauges)


def violations(at: Sweep) -> int:
    """Those that a sweep has found and not put right."""
    return at.verdicts.get(Verdict.NON_COMPLIANT, 0) - at.fates.get(Fate.REMEDIATED, 0)


def state(at: Sweep, now: datetime) -> dict[str, float]:
    """How a control's resources stood when its sweep ended, as gauges; one that came to no end
    met only some of them, and has none."""
    if not at.finished:
        return {}
    fixed = at.fates.get(Fate.REMEDIATED, 0)
    age = now - datetime.fromisoformat(at.oldest) if at.oldest else timedelta()
    return {
        "Violations": violations(at),
        "CompliantResources": at.verdicts.get(Verdict.COMPLIANT, 0) + fixed,
        "ExemptResources": at.verdicts.get(Verdict.EXEMPT, 0),
        "UnknownResources": at.verdicts.get(Verdict.UNKNOWN, 0),
        OLDEST: round(max(age / HOUR, 0.0), 2),
    }


def account(at: Sweep, now: datetime) -> dict[str, float]:
    """What a sweep tells without its control: an age, as the highest of all controls is the
    account's; and what the account stores, if the sweep was complete, as a part of a sum is none.
    """
    ages = {name: age for name, age in state(at, now).items() if name == OLDEST}
    sums = {name: told for name, told in at.gauges.items() if at.complete and told is not None}
    return {**ages, **sums}


def detail(at: Sweep, now: datetime) -> dict[str, float]:
    """What ``MetricsDetail: full`` tells besides."""
    if not at.finished:
        return {}
    return {
        "Resources": at.resources,
        "NotApplicableResources": at.verdicts.get(Verdict.NOT_APPLICABLE, 0),
        "SweepSeconds": (now - datetime.fromisoformat(at.started)).total_seconds(),
    }
