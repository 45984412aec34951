"""The compliance score is one number, whoever tells it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from console import dashboard
from console.reporting import summary
from steward.counting import state
from steward.ledger import Sweep
from steward.model import Fate, Mode, Verdict
from steward.reports import as_json, digest, widget
from steward.reports.dataset import ControlLine, Standing
from steward.reports.html import render
from steward.reports.scoring import Score, score_of
from tests.fakes import START
from tests.html_pages import parsed
from tests.reporting import LOGS, bare, line

COUNTS = {Standing.OPEN: 5, Standing.UNKNOWN: 2, Standing.EXEMPT: 4, Standing.RESOLVED: 9}
LINE = line(compliant=54, not_applicable=300, counts=COUNTS)
TOLD = "88.5 %"


@pytest.mark.parametrize(
    ("lines", "score", "told"),
    [
        pytest.param([], Score(0, 0, 0, 0), "\u2013", id="nothing"),
        pytest.param([LINE], Score(54, 61, 4, 300), TOLD, id="exempt, not applicable, unread"),
        pytest.param([LINE, replace(LINE, mode=Mode.OFF)], Score(54, 61, 4, 300), TOLD, id="off"),
        pytest.param(
            [line(compliant=0, not_applicable=3)], Score(0, 0, 0, 3), "\u2013", id="not applicable"
        ),
        pytest.param(
            [line(compliant=9999, counts={Standing.OPEN: 1})],
            Score(9999, 10_000, 0, 0),
            "99.9 %",
            id="100 is all of them",
        ),
        pytest.param([line(), line("api-alarms")], Score(2, 2, 0, 0), "100.0 %", id="all of them"),
    ],
)
def test_a_score_is_of_what_counts(lines: list[ControlLine], score: Score, told: str) -> None:
    """Neither what is exempt nor what a control does not apply to; unread is not compliant."""
    assert (score_of(lines), score_of(lines).told) == (score, told)


@pytest.mark.parametrize(
    ("fields", "basis"),
    [
        ({"counts": {}}, "54 of 54 compliant"),
        ({"counts": {}, "not_applicable": 1}, "54 of 54 compliant; 1 not applicable is left out"),
        (
            {"counts": COUNTS, "not_applicable": 300},
            "54 of 61 compliant; 4 exempt and 300 not applicable are left out",
        ),
    ],
)
def test_what_is_left_out_is_told_beside_it(fields: dict[str, Any], basis: str) -> None:
    """With how many there are."""
    assert score_of([line(compliant=54, **fields)]).basis == basis


def test_everybody_tells_the_same_score() -> None:
    """The page, JSON, the dashboard's table, the digest and the console, of one report."""
    report = bare(controls=(LINE,))
    basis = "54 of 61 compliant; 4 exempt and 300 not applicable are left out"
    sentence = f"ompliance score {TOLD}: {basis}"
    asked = widget.Asked.read({"control": LOGS})
    assert sentence in widget.render(report, asked, "arn")
    assert sentence in digest.text(digest.digest_of(report, digest.Told()))
    assert [one for one in summary(report) if sentence in one]
    tiles = parsed(render(report)).one("ul", **{"class": "tiles"}).words
    assert f"{TOLD} compliance score {basis}" in tiles
    assert as_json.document(report)["compliance_score"] == {
        "percent": 88.5,
        "compliant": 54,
        "counted": 61,
        "exempt": 4,
        "not_applicable": 300,
    }


def test_the_dashboard_computes_it_alike_from_what_a_sweep_tells() -> None:
    """Of the same resources: five are left, one of six was put right."""
    counts: dict[str, int] = {Verdict.COMPLIANT: 53, Verdict.NON_COMPLIANT: 6, Verdict.UNKNOWN: 2}
    counts |= {Verdict.EXEMPT: 4, Verdict.NOT_APPLICABLE: 300}
    swept = Sweep("", LOGS, "2026-11-20T09:00:00Z", "", finished="2026-11-20T09:05:00Z")
    told = state(replace(swept, verdicts=counts, fates={Fate.REMEDIATED: 1}), START)
    [shown] = [
        one["properties"]["metrics"][0][0]["expression"]
        for _, one in dashboard._numbers()
        if one["properties"]["title"] == "Compliance score, percent"
    ]
    levels = {name[0].lower() + name[1:]: int(number) for name, number in told.items()}
    sums = r'SUM\(FILL\(METRICS\("(\w+)"\), REPEAT\)\)'
    found = re.fullmatch(
        r"100 \* (\d+) / \(([\d +]+)\)",
        re.sub(sums, lambda one: str(levels[one[1]]), shown),
    )
    assert found is not None
    compliant, counted = int(found[1]), sum(map(int, found[2].split(" + ")))
    assert (compliant, counted) == (54, 61)
