"""Keeps our requests below AWS's quotas, so that nobody's deployment is throttled by us."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from steward.aws.quotas import RATES, UNLISTED
from steward.errors import OutOfTime
from steward.model import Clock, Deadline

SLOWEST = 0.1
"""The part of its rate that a group never falls below, however often it is throttled."""

RECOVERY = 0.02
"""The part of its rate that a group regains with each request that is not throttled."""


class Pacer:
    """A token bucket of capacity 1 for each quota group: requests are evenly spaced.

    ``share`` is the part of AWS's quotas that this process may use (0 to 1); None: no pacing.
    ``shares`` are those of services, or of single groups, where it is another, such as
    ``{"logs": 0.125, "logs.DescribeLogGroups": 0.0625}``.
    """

    def __init__(
        self, clock: Clock, share: float | None, shares: Mapping[str, float] | None = None
    ) -> None:
        self._clock = clock
        self._share = share
        self._shares = shares or {}
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}
        self._slowed: dict[str, float] = {}

    def wait(self, group: str, deadline: Deadline) -> None:
        """Sleep until the group's next request may go. Raises OutOfTime if that is too late."""
        if self._share is None or not group:
            return
        with self._lock:
            now = self._clock.monotonic()
            slot = max(now, self._free_at.get(group, now))
            if slot - now >= deadline.left():
                raise OutOfTime(f"{group}: no request is left before the deadline")
            self._free_at[group] = slot + 1 / self._rate(group, self._share)
        if slot > now:
            self._clock.sleep(slot - now)

    def throttled(self, group: str) -> None:
        """AWS counted too many requests: halve the group's rate."""
        with self._lock:
            self._slowed[group] = max(SLOWEST, self._slowed.get(group, 1.0) / 2)

    def passed(self, group: str) -> None:
        """A request went through: a slowed group recovers a little."""
        if group in self._slowed:
            with self._lock:
                self._slowed[group] = min(1.0, self._slowed.get(group, 1.0) + RECOVERY)

    def _rate(self, group: str, share: float) -> float:
        of_service = self._shares.get(group.partition(".")[0], share)
        part = self._shares.get(group, of_service)
        return RATES.get(group, UNLISTED) * part * self._slowed.get(group, 1.0)
