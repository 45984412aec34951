"""A stage of an API as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from steward.controls.api_alarms.measures import Protocol
from steward.controls.api_alarms.operations import Operation
from steward.controls.api_alarms.thresholds import GROUPED_SORTS, Rule
from steward.controls.api_alarms.values import NONE, Alarm, Alarms
from steward.controls.api_gateway import KINDS, Stage
from steward.model import CommonPolicy, Ref

ID = "api-alarms"

DASHBOARD = "AWS::CloudWatch::Dashboard"
ALARM = "AWS::CloudWatch::Alarm"

LONGEST_WINDOW = 86_400
"""Seconds that all periods of an alarm together may last (PutMetricAlarm, API reference)."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A stage, with the alarms that watch it."""

    stage: Stage
    methods: tuple[Operation, ...] = ()
    """What is deployed there; read only where the policy needs it."""
    metered: Mapping[str, bool] = field(default_factory=dict)
    """Whether detailed metrics are on, by the key of the stage's settings; see ``metering``."""
    namesakes: tuple[str, ...] = ()
    """Ids of other REST APIs that CloudWatch knows by the same name."""
    alarms: Alarms = field(default_factory=dict, metadata={"kept": False})
    """Those of ours that there are, by name, whole: what an undo puts back."""
    alarmed: str = NONE
    """What those come to: see ``Total``. It alone is foretold."""
    taken: tuple[str, ...] = ()
    """Names of alarms that begin as those of the API do, and are not ours."""
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return self.stage.ref

    @property
    def tags(self) -> Mapping[str, str]:
        """The API's, and before them the stage's own."""
        return {**self.stage.api.tags, **self.stage.tags}

    @property
    def protocol(self) -> Protocol:
        return Protocol(self.stage.api.protocol)


@dataclass(frozen=True, slots=True)
class Grouped:
    """One alarm over all APIs of a sort, as it is."""

    name: str
    alarm: Alarm = field(default_factory=dict)
    """As it is; empty where there is none of ours."""
    alarmed: str = NONE
    """What it comes to: see ``Total``. It alone is foretold."""
    taken: bool = False
    """There is one of this name that is not ours."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        return Ref(ALARM, self.name)

    @property
    def exists(self) -> bool:
        return self.alarmed != NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    granularity: str
    alarms: Mapping[str, float | None]
    """By sort of alarm, its threshold; none where it is None."""
    rules: tuple[Rule, ...]
    min_requests: int
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    warm_up_minutes: int
    alarm_actions: tuple[str, ...]
    ok_actions: tuple[str, ...]
    alarm_prefix: str
    exclude_methods: tuple[str, ...]
    include_mock: bool
    dashboard: bool

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        lists = ("alarm_actions", "ok_actions", "exclude_methods")
        return {
            **CommonPolicy.fields(document),
            **{name: tuple(document[name]) for name in lists},
            "rules": tuple(map(Rule.read, document["rules"])),
        }

    @property
    def by_method(self) -> bool:
        return self.granularity == "method"

    @property
    def is_grouped(self) -> bool:
        return self.granularity == "grouped"

    def excludes(self, ref: Ref) -> bool:
        """Stages only: what stands for several has another name."""
        return ref.kind in KINDS and CommonPolicy.excludes(self, ref)

    def problems(self) -> Iterator[str]:
        window = self.period_seconds * self.evaluation_periods
        if window > LONGEST_WINDOW:
            most = f"with period_seconds {self.period_seconds} at most"
            yield (
                f"evaluation_periods: is {self.evaluation_periods}, "
                f"allowed: {LONGEST_WINDOW // self.period_seconds} {most}"
            )
        if self.datapoints_to_alarm > self.evaluation_periods:
            most = f"must not exceed evaluation_periods {self.evaluation_periods}"
            yield f"datapoints_to_alarm: is {self.datapoints_to_alarm}, {most}"
        if self.is_grouped and self.rules:
            yield "rules: are of no use with granularity 'grouped', whose alarms are over all APIs"
        if self.is_grouped:
            yield from self._ungrouped()
        if not self.by_method:
            for number, rule in enumerate(self.rules):
                if rule.is_of_methods:
                    yield f"rules[{number}]: path and method are of use with granularity 'method'"

    def _ungrouped(self) -> Iterator[str]:
        """Sorts that somebody asks for and nobody would watch; p99 may be there by default."""
        for sort, threshold in self.alarms.items():
            if threshold is not None and sort not in (*GROUPED_SORTS, "latency_p99_ms"):
                yield (
                    f"alarms.{sort}: is of no use with granularity 'grouped', "
                    f"which watches {', '.join(GROUPED_SORTS)}"
                )
