"""A Lambda function as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from steward.controls.function_runtime.runtimes import RUNTIMES
from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "function-runtime"
KIND = FUNCTION


@dataclass(frozen=True, slots=True)
class Function:
    """What Lambda tells of a function that matters to its runtime, and when it told it."""

    name: str
    runtime: str | None  # None: a container image, which brings its own
    read_on: date  # UTC
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    warn_days: int | None
    allow: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        return {**CommonPolicy.fields(document), "allow": tuple(document["allow"])}

    def problems(self) -> Iterator[str]:
        for index, runtime in enumerate(self.allow):
            if runtime not in RUNTIMES:
                known = "an identifier that AWS has a deprecation date for, such as python3.9"
                yield f"allow[{index}]: is {runtime!r}, allowed: {known}"

    def warns(self, days_left: int) -> bool:
        """Whether a deprecation in so many days is near enough to be reported."""
        return self.warn_days is not None and days_left < self.warn_days
