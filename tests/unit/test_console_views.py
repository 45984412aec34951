"""What the console's views say of a run that is not complete."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from console.lines import Summary
from console.views import FindingsView, ReplayView, SweepView


@pytest.mark.parametrize(
    ("view", "fates", "told"),
    [
        (SweepView, {}, "NO: see the errors on standard error"),
        (SweepView, {"failed": 2, "none": 7}, "NO: see the findings, failed 2"),
        (ReplayView, {}, "NO: see what was skipped, and standard error"),
        (ReplayView, {"unknown": 1, "failed": 3}, "NO: see the findings, failed 3, unknown 1"),
    ],
)
def test_what_is_left_is_told_where_it_is_to_be_seen(
    view: type[FindingsView],
    fates: dict[str, int],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody is sent to errors that are not there."""
    summary = Summary(complete=False, fates=Counter(fates))
    aws = SimpleNamespace(calls={}, throttled={})
    view(plain=False).conclude(summary, aws, enforce=True)  # type: ignore[arg-type]  # for Api
    assert told in capsys.readouterr().out
