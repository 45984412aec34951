"""What the ledger is to remember of a function: which layers are ours, and what its aliases run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from steward.model import Remembered


@dataclass(frozen=True, slots=True)
class Memory:
    """Empty where the ledger knows nothing: then no layer is ours, and aliases are read."""

    ours: Sequence[str] = ()
    """Layer versions that we put where there was none of their layer, or one of ours."""
    adds: Sequence[str] = ()
    """What a planned call makes ours; it counts only if that call was begun."""
    lagging: Sequence[str] = ()
    """Aliases, with their versions, that run without a wanted layer."""
    seen: str = ""
    """Under what ``lagging`` was read; see ``Policy.seen``."""

    @classmethod
    def of(cls, item: Remembered | None) -> Self:
        """A call whose outcome nobody wrote down may have been carried out: its layers are ours
        wherever the function has them."""
        if item is None or not item.memory.startswith("{"):
            return cls()
        told = cls(**json.loads(item.memory))
        begun = told.adds if item.intent else ()
        return cls([*told.ours, *begun], (), told.lagging, told.seen)

    def text(self) -> str:
        """JSON of what there is; '' for nothing."""
        fields = {
            "ours": list(self.ours),
            "adds": list(self.adds),
            "lagging": list(self.lagging),
            "seen": self.seen,
        }
        told = {name: value for name, value in fields.items() if value}
        return json.dumps(told, separators=(",", ":")) if told else ""
