"""What a function tells of its work: log lines whose message is a constant, and metrics.

| metric           | what                                                                          |
|------------------|-------------------------------------------------------------------------------|
| Outcomes         | resources looked at that were not simply in order, by control and fate        |
| FailedOutcomes   | of those, what could not be read or put right and is not tried again soon     |
| SkippedEvents    | events that name nothing for us                                               |
| EventLagSeconds  | from what an event tells of until it is first received, one value for each    |
| GivenBack        | messages that go back to the inbox, to be tried again                         |
| ThrottledCalls   | requests that AWS refused for their number                                    |
| BadPolicies      | a control stopped because of its policy                                       |
| BrokenBatches    | a control could not look at a batch at all                                    |
| BudgetSpent      | there was more to change than the budget allows                               |
| Exhausted        | a change failed five times and is given up for a week                         |
| InternalErrors   | a resource ran into a bug                                                     |
| AuditFailures    | a time that lines could not be written to the audit log                       |
| IncompleteSweeps, Sweeps | of each sweep, at its end                                             |
| Violations, CompliantResources, ExemptResources, UnknownResources |
  of each sweep that came to its end, by control only: how the control's resources stand       |
| OldestViolationAgeHours | of each such sweep; also without a control: the highest counts   |
| LogStoredBytes, LambdaCodeStorageBytes | of each complete sweep of log-retention, and of
  function-versions: what the account stores                                                   |

``MetricsDetail: full`` adds outcomes of resources that were in order, totals by control and of all,
and Resources, NotApplicableResources and SweepSeconds of each sweep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from steward.counting import account, detail, state
from steward.errors import BadPolicy, StewardError
from steward.events import Skip
from steward.inbox import Batch
from steward.ledger import Sweep, stamp
from steward.model import Fate
from steward.run import Outcome
from steward.telemetry import (
    COUNTER,
    FATES,
    FATES_IN_FULL,
    MOST_VALUES,
    STATE,
    WHOLE,
    Telemetry,
)

_TROUBLE = (Fate.FAILED, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells by log lines and metrics."""

    telemetry: Telemetry
    in_full: bool = False
    """Metrics that no alarm and no dashboard needs are emitted, too."""

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
                self.telemetry.metric({name: int(count)}, COUNTER, Control=control)
        dimensions = FATES_IN_FULL if self.in_full else FATES
        for (control, fate), count in fates.items():
            if self.in_full or fate != Fate.NONE:
                self.telemetry.metric({"Outcomes": count}, dimensions, Control=control, Fate=fate)
        return {fate: count for (_, fate), count in fates.items()}

    def received(self, batch: Batch, now: datetime) -> None:
        """How late events are, and those that name nothing, by reason."""
        late = [max((now - at).total_seconds(), 0.0) for at in batch.times]
        for start in range(0, len(late), MOST_VALUES):
            some = late[start : start + MOST_VALUES]
            self.telemetry.metric({"EventLagSeconds": some}, WHOLE)
        self.skipped(batch.skipped)

    def skipped(self, skipped: Mapping[Skip, int]) -> None:
        """Events that name nothing, by reason."""
        for reason, count in skipped.items():
            self.telemetry.info("skipped", reason=reason.value, events=count)
        if skipped:
            self.telemetry.metric({"SkippedEvents": sum(skipped.values())}, WHOLE)

    def given_back(self, messages: int) -> None:
        """Messages that the inbox delivers once more."""
        if messages:
            self.telemetry.info("given back", messages=messages)
            self.telemetry.metric({"GivenBack": messages}, WHOLE)

    def throttled(self, calls: Counter[str]) -> None:
        """Requests that AWS refused for their number since this was last told."""
        if calls:
            self.telemetry.metric({"ThrottledCalls": calls.total()}, WHOLE)
            calls.clear()

    def broken(self, control: str, error: StewardError) -> None:
        """A control could not begin."""
        name = "BadPolicies" if isinstance(error, BadPolicy) else "BrokenBatches"
        self.telemetry.error("control stopped", control=control, error=str(error))
        self.telemetry.metric({name: 1}, COUNTER, Control=control)

    def off(self, control: str, now: datetime) -> None:
        """A control that is off was not swept: it minds no resource, and leaves none violated."""
        self.swept(Sweep("", control, stamp(now), "", finished=stamp(now), complete=True), now)

    def swept(self, at: Sweep, now: datetime) -> None:
        """A sweep is over, be it complete or not."""
        ends = {"IncompleteSweeps": int(not at.complete), "Sweeps": 1}
        self.telemetry.metric(ends, COUNTER, Control=at.control)
        found = state(at, now) | (detail(at, now) if self.in_full else {})
        if found:
            self.telemetry.metric(found, STATE, Control=at.control)
        if told := account(at, now):
            self.telemetry.metric(told, WHOLE)
        if at.error:
            self.telemetry.error("sweep stopped", control=at.control, error=at.error)


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
