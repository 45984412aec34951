"""A stage as this control sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from steward.controls.api_gateway.stages import EVERY, REST, Method, Settings
from steward.controls.api_throttling.settings import MATERIALISED, METRICS, Limit, chosen
from steward.model import Ref

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
    """The settings that we made and that are as we left them, but for metrics switched on since."""
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

    def due(self, key: str) -> Settings:
        """What ours of a method is to have: the stage's, and metrics switched on for it alone."""
        theirs = self.ours[key]["settings"] if key in self.ours else {}
        have = chosen(self.kind, self.others(key))
        return {**self.inherited, **dict.fromkeys(METRICS & have.keys() - theirs.keys(), True)}

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


def remembering(stage: ApiStage, memory: str) -> ApiStage:
    """The stage with what of the remembered settings is as we left it.

    Metrics that were switched on since make settings nobody else's: what watches methods has to
    name each that has settings of its own.
    """
    told: Mapping[str, Own] = json.loads(memory) if memory else {}
    ours = {
        key: own
        for key, own in told.items()
        if stage.limits.get(key) == own["limit"]
        and _is_as_left(chosen(stage.kind, stage.others(key)), own["settings"])
    }
    known = replace(stage, ours=ours)
    late = (key for key in ours if chosen(stage.kind, stage.others(key)) != known.due(key))
    return replace(known, behind=sorted(late))


def _is_as_left(have: Settings, left: Settings) -> bool:
    return have == {**left, **dict.fromkeys(METRICS & have.keys(), True)}
