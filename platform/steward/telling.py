"""What a function tells of its work: log lines whose message is a constant, and metrics.

| metric           | what                                                                          |
|------------------|-------------------------------------------------------------------------------|
| Outcomes         | resources looked at, by control and fate                                      |
| FailedOutcomes   | of those, what could not be read or put right and is not tried again soon     |
| SkippedEvents    | events that name nothing for us                                               |
| GivenBack        | messages that go back to the inbox, to be tried again                         |
| BadPolicies      | a control stopped because of its policy                                       |
| BrokenBatches    | a control could not look at a batch at all                                    |
| BudgetSpent      | there was more to change than the budget allows                               |
| Exhausted        | a change failed five times and is given up for a week                         |
| InternalErrors   | a resource ran into a bug                                                     |
| Resources, Violations, IncompleteSweeps, Sweeps | of each sweep, at its end                      |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steward.errors import BadPolicy, StewardError
from steward.events import Skip
from steward.ledger import Sweep
from steward.model import Fate
from steward.run import Outcome
from steward.telemetry import COUNTER, GAUGE, Telemetry

_TROUBLE = (Fate.FAILED, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells by log lines and metrics."""

    telemetry: Telemetry

    def outcomes(self, outcomes: Iterable[Outcome]) -> dict[str, int]:
        """Log what was done, is wrong or could not be read; count everything, by fate."""
        fates: Counter[tuple[str, str]] = Counter()
        alarming: Counter[tuple[str, str]] = Counter()
        for outcome in outcomes:
            fates[outcome.control, outcome.fate.value] += 1
            trouble = outcome.fate in _TROUBLE
            alarming[outcome.control, "FailedOutcomes"] += trouble and not outcome.retry
            alarming[outcome.control, "BudgetSpent"] |= outcome.budget_spent
            alarming[outcome.control, "Exhausted"] += outcome.exhausted
            if outcome.change or outcome.is_open or trouble:
                self.telemetry.info(outcome.fate.value, **facts(outcome))
        for (control, name), count in sorted(alarming.items()):
            if count:
                self.gauges(control, {name: int(count)})
        for (control, fate), count in fates.items():
            self.telemetry.metric({"Outcomes": count}, COUNTER, Control=control, Fate=fate)
        return {fate: count for (_, fate), count in fates.items()}

    def skipped(self, skipped: Mapping[Skip, int]) -> None:
        """Events that name nothing, by reason."""
        for reason, count in skipped.items():
            self.telemetry.info("skipped", reason=reason.value, events=count)
        if skipped:
            self.telemetry.metric({"SkippedEvents": sum(skipped.values())}, [[]])

    def given_back(self, messages: int) -> None:
        """Messages that the inbox delivers once more."""
        if messages:
            self.telemetry.info("given back", messages=messages)
            self.telemetry.metric({"GivenBack": messages}, [[]])

    def broken(self, control: str, error: StewardError) -> None:
        """A control could not begin."""
        name = "BadPolicies" if isinstance(error, BadPolicy) else "BrokenBatches"
        self.telemetry.error("control stopped", control=control, error=str(error))
        self.gauges(control, {name: 1})

    def swept(self, at: Sweep) -> None:
        """A sweep is over, be it complete or not."""
        values = {
            "Resources": at.resources,
            "Violations": at.verdicts.get("NON_COMPLIANT", 0) - at.fates.get("remediated", 0),
            "IncompleteSweeps": int(not at.complete),
            "Sweeps": 1,
        }
        self.gauges(at.control, values)
        if at.error:
            self.telemetry.error("sweep stopped", control=at.control, error=at.error)

    def gauges(self, control: str, values: Mapping[str, float]) -> None:
        self.telemetry.metric(values, GAUGE, Control=control)


def facts(outcome: Outcome) -> dict[str, str]:
    """An outcome as the keys of a log line."""
    return {
        "control": outcome.control,
        "kind": outcome.finding.ref.kind,
        "resource": outcome.finding.ref.id,
        "verdict": outcome.finding.verdict.value,
        "code": outcome.finding.code,
        "reason": outcome.reason,
        "trigger": outcome.trigger.value,
        "change": outcome.change,
    }
