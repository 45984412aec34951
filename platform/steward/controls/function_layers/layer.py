"""Layer versions: their ARNs, and what Lambda tells of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]{1,32}:[0-9]{12}:layer:[A-Za-z0-9_-]{1,140}:[0-9]{1,10}"
)
"""A layer version in any partition (Lambda API reference, LayerVersionArn)."""

MOST = 5
"""Layers that a function has at most (Lambda quotas)."""

LARGEST = 262_144_000
"""Bytes of a function's code and layers together, unzipped, at most (Lambda quotas)."""


def layer_of(arn: str) -> str:
    """The layer that a version is of; of what has no version, such as AWS's own, the ARN itself."""
    return arn.rpartition(":")[0] if ARN.fullmatch(arn) else arn


def number_of(arn: str) -> int:
    """The number of a version; 0 of what has none."""
    return int(arn.rpartition(":")[2]) if ARN.fullmatch(arn) else 0


def short(arn: str) -> str:
    """A layer version as a reason tells it: name and number."""
    return arn.partition(":layer:")[2][:60] or arn[-60:]


@dataclass(frozen=True, slots=True)
class Offer:
    """What GetLayerVersion tells of a version, or that there is none."""

    runtimes: Sequence[str] = ()
    """Those it was made for; of none it is not said."""
    architectures: Sequence[str] = ()
    """The same of architectures."""
    size: int = 0  # bytes, zipped
    exists: bool = True

    def misfits(self, runtime: str, architectures: Sequence[str]) -> Iterator[str]:
        """What of a function the version was not made for."""
        if self.runtimes and runtime not in self.runtimes:
            yield f"runtime {runtime[:30]}"
        if self.architectures and not set(architectures) <= set(self.architectures):
            yield f"architecture {', '.join(architectures)[:30]}"
