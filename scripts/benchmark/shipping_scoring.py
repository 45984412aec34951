"""Ratios within one run, and whether they reach what the shipper is to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.shipping_racing import Result, Way

_FULL = 20_000_000
"""Bytes of the records' JSON texts for which the goal of requests is meant."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What the shipper with all features is to reach."""

    plain: float  # times plain Python
    floor: float  # of the floor's speed
    growth: float = 16  # MiB, at most
    requests: float = 8  # at most, for 20 MB, unless the service takes less at once
    wall: float = 2  # times CPU, at most


FEWER_AT_ONCE = frozenset({"splunk_hec", "datadog"})
"""Formats whose services take so little in a request that none could do with as few."""

GOALS = {True: Goals(3.5, 0.35), False: Goals(1.7, 0.45)}
"""With accelerators and without."""


@dataclass(frozen=True, slots=True)
class Score:
    """A result beside the others of its run; None is what does not apply."""

    encoder: str
    speed: float  # MB of the records' JSON texts in a second of CPU time
    plain: float | None
    floor: float | None
    least: float | None
    requests: int | None
    growth: float  # MiB
    wall: float | None  # seconds
    wall_to_cpu: float | None

    def met(self, goals: Goals, raw: int) -> Mapping[str, bool]:
        """Which goals are reached, by the names of the fields above."""
        told = {
            "plain": (self.plain, goals.plain),
            "floor": (self.floor, goals.floor),
            "growth": (-self.growth, -goals.growth),
            "requests": (-(self.requests or 0), -round(goals.requests * raw / _FULL)),
            "wall_to_cpu": (-(self.wall_to_cpu or 0), -goals.wall),
        }
        if self.encoder in FEWER_AT_ONCE:
            del told["requests"]
        return {name: value is not None and value >= goal for name, (value, goal) in told.items()}


def score(result: Result, others: Sequence[Result], raw: int) -> Score:
    """By the best round of each: what disturbs a run only ever makes it slower."""
    cpu = min(result.cpu)
    wall = min(result.wall) if result.contender.sends else None
    return Score(
        encoder=result.contender.encoder,
        speed=raw / 1e6 / cpu,
        plain=_times(Way.PLAIN, others, cpu),
        floor=_times(Way.FLOOR, others, cpu),
        least=_times(Way.LEAST, others, cpu),
        requests=result.requests if result.contender.sends else None,
        growth=result.growth,
        wall=wall,
        wall_to_cpu=None if wall is None else wall / cpu,
    )


def _times(way: Way, others: Sequence[Result], cpu: float) -> float | None:
    """How many times as fast as the one of that way."""
    counted = (one for one in others if one.contender.way is way and not one.problem)
    return next((min(one.cpu) / cpu for one in counted), None)
