"""The policy over stages: which limits which method is to have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from steward.controls.api_gateway.stages import Method
from steward.controls.api_throttling.settings import BURST, RATE, Limit
from steward.controls.api_throttling.state import ApiStage
from steward.model import CommonPolicy

ID = "api-throttling"


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
