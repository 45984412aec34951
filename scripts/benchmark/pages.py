"""How long the HTML report takes to render, and how large it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.compliance import report
from steward.reports.html import render

SIZES = (60, 1_000, 10_000)
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Page:
    """One report, all of whose findings are open, which makes it largest."""

    findings: int
    seconds: float
    """CPU time of the best of three rounds."""
    megabytes: float


def rendered() -> Iterator[Page]:
    """Pages by their size; the template is compiled before."""
    render(report(1))
    for findings in SIZES:
        made = report(findings, only_open=True)
        took = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            page = render(made)
            took.append(time.process_time() - begun)
        yield Page(findings, round(min(took), 3), round(len(page.encode()) / 1e6, 2))
