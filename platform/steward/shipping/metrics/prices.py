"""What an invocation of a Lambda function costs, by the published prices of prices.json.

Of the published price, that of the first tier: without the free tier, Savings Plans, provisioned
concurrency, SnapStart's cache and restores, and ephemeral storage above 512 MB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple


class Price(NamedTuple):
    """In USD."""

    gb_second: float
    request: float

    def of(self, billed_ms: float, memory_mb: float) -> float:
        """Of one invocation; 1,024 MB are a GB."""
        return self.request + billed_ms * memory_mb * (self.gb_second / 1_024_000)


def price(architecture: str | None, region: str) -> Price | None:
    """That of "x86_64" or "arm64" in a Region, or None where it is not known."""
    found = _table()["regions"].get(region, {}).get(architecture)
    return Price(**found) if found else None


def cost(billed_ms: float, memory_mb: float, architecture: str | None, region: str) -> float | None:
    """USD of one invocation, or None where there is no price; nothing is guessed.

    A Billed Duration holds what is billed of the INIT phase (since 2025-08-01 of every function)
    and of SnapStart's restore, so that neither is to be added.
    """
    found = price(architecture, region)
    return found.of(billed_ms, memory_mb) if found else None


@cache
def _table() -> Mapping[str, Any]:
    file = resources.files("steward") / "shipping" / "metrics" / "prices.json"
    table: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    return table
