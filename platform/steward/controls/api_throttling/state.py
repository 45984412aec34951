"""A stage as this control sees it, and the policy over it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from steward.controls.api_gateway.stages import EVERY, REST, Method, Settings
from steward.controls.api_throttling.settings import BURST, MATERIALISED, RATE, Limit, chosen
from steward.model import CommonPolicy, Ref

ID = "api-throttling"

Own: TypeAlias = Mapping[str, Any]
"""What we gave a method: its ``limit`` and, as ``settings``, what it took over from the stage."""


@dataclass(frozen=True, slots=True)
class ApiStage:
    """A stage with the limits of all that is deployed on it.

    Limits and settings are by the key of a method's settings; EVERY is the stage's own.
    """

    id: str
    kind: str = REST
    api_name: str = ""
    protocol: str = "REST"
    managed: bool = False
    methods: tuple[Method, ...] = ()
    account: Limit = field(default_factory=lambda: dict(MATERIALISED))
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """As read, or as they will be once the calls are sent."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    """All others, as read."""
    ours: Mapping[str, Own] = field(default_factory=dict)
    """The settings that we made and nobody has touched since."""
    behind: Sequence[str] = field(default_factory=list)
    """Those of ours that hide what the stage's settings have become."""
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.id)

    @property
    def api(self) -> str:
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        return self.id.partition("/")[2]

    @property
    def inherited(self) -> Settings:
        """What a method without settings of its own has from the stage."""
        return chosen(self.kind, self.settings.get(EVERY, {}))

    def others(self, key: str) -> Settings:
        """All settings of a method but its limits, if it has any of its own."""
        return self.settings.get(key, {}) if key in self.limits else {}

    def remembered(self) -> str:
        """Which settings are ours, now or after the calls, for the ledger to remember."""
        kept = {key: self._own(key) for key in self.limits if self._is_ours(key)}
        return json.dumps(kept, sort_keys=True) if kept else ""

    def _is_ours(self, key: str) -> bool:
        return key != EVERY and (key in self.ours or key not in self.settings)

    def _own(self, key: str) -> Own:
        late = key in self.behind
        settings = self.ours[key]["settings"] if late else self.inherited
        limit = {name: float(value) for name, value in self.limits[key].items()}
        return {"limit": limit, "settings": settings}


def still_ours(
    kind: str, memory: str, limits: Mapping[str, Limit], settings: Mapping[str, Settings]
) -> Mapping[str, Own]:
    """What of the remembered settings is as we left it."""
    told: Mapping[str, Own] = json.loads(memory) if memory else {}
    return {
        key: own
        for key, own in told.items()
        if limits.get(key) == own["limit"] and chosen(kind, settings[key]) == own["settings"]
    }


@dataclass(frozen=True, slots=True)
class Rule:
    """Limits for some methods; None: whatever limits they have."""

    api: str = "*"
    stage: str = "*"
    path: str = "*"
    method: str = "*"
    rate: float | None = None
    burst: int | None = None

    def matches(self, stage: ApiStage, method: Method) -> bool:
        verb = self.method.upper()
        return (
            any(fnmatchcase(name, self.api) for name in (stage.api, stage.api_name))
            and fnmatchcase(stage.name, self.stage)
            and fnmatchcase(method.path, self.path)
            and any(fnmatchcase(name, verb) for name in (method.verb, method.declared))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    rate: float | None
    burst: int | None
    allow_stage_default: bool
    force: bool
    rules: tuple[Rule, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        rules = tuple(Rule(**rule) for rule in document["rules"])
        return {**CommonPolicy.fields(document), "rules": rules}

    def problems(self) -> Iterator[str]:
        yield from _unpaired("", self.rate, self.burst)
        for index, rule in enumerate(self.rules):
            yield from _unpaired(f"rules[{index}].", rule.rate, rule.burst)

    @property
    def limit(self) -> Limit | None:
        """Of methods that no rule names, and of stages."""
        return _limit(self.rate, self.burst)

    def rule(self, stage: ApiStage, method: Method) -> Rule | None:
        """The first that matches."""
        return next((rule for rule in self.rules if rule.matches(stage, method)), None)

    def wish(self, rule: Rule | None) -> Limit | None:
        """The limits that a method is to have; None: any."""
        return self.limit if rule is None else _limit(rule.rate, rule.burst)


def _limit(rate: float | None, burst: int | None) -> Limit | None:
    return None if rate is None or burst is None else {RATE: rate, BURST: burst}


def _unpaired(path: str, rate: float | None, burst: int | None) -> Iterator[str]:
    if (rate is None) != (burst is None):
        name, other = (RATE, BURST) if rate is None else (BURST, RATE)
        yield f"{path}{name}: is null while {path}{other} is not, allowed: both or neither"
