"""Metric data to CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steward.errors import StewardError
from steward.model import Aws


def publish(
    aws: Aws, calls: Sequence[Mapping[str, Any]]
) -> Sequence[tuple[Mapping[str, Any], str]]:
    """Send each PutMetricData; those that did not succeed, with the reason.

    CloudWatch adds up what it gets. A call whose answer did not come is repeated by ``aws.ask``,
    so that its values may count twice; what was refused, or had no time left, counts not at all.
    """
    left = []
    for call in calls:
        try:
            aws.ask("cloudwatch", "PutMetricData", **call)
        except StewardError as error:
            left.append((call, f"{type(error).__name__}: {error}"[:256]))
    return left
