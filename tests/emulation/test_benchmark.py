"""The benchmark measures what was done rightly, and gives no number for what was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmark.apis import counted
from benchmark.contenders import Contender
from benchmark.report import document, tables
from benchmark.sweeping import Days, Race, problem, races, seeds

ROOT = Path(__file__).parents[2]
CONTENDERS = ["Steward", "Steward, converged", "boto3, 1 thread", "boto3, 8 threads"]


def test_a_sweep_is_measured_end_to_end() -> None:
    """Every contender writes 20 of 40 groups in its own process; a second sweep writes nothing."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
    ran = subprocess.run(
        [sys.executable, "-m", "benchmark", "sweep", "--groups", "40", "--latency", "0", "--json"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr.count("bench:")) == (0, 0), ran.stderr
    results = json.loads(ran.stdout)["results"]
    assert [result["contender"] for result in results] == CONTENDERS
    assert [result["writes"] for result in results] == [20, 0, 20, 20]
    assert [result["throttled"] for result in results] == [0, 0, 0, 0]
    for result in results:
        reads = result["calls_by_operation"]["logs.DescribeLogGroups"]
        assert reads == 1
        assert result["calls"] <= result["writes"] + reads + 1
        assert result["wall"] > 0
        assert result["cpu"] > 0
        assert result["rss"] > 10


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('done')", "2 of 4 log groups are not as wanted: done"),
        (
            "raise SystemExit(3)",
            "exit code 3, 2 of 4 log groups are not as wanted: it said nothing",
        ),
    ],
    ids=["did nothing", "failed"],
)
def test_a_contender_that_does_not_do_its_work_gets_no_number(code: str, expected: str) -> None:
    """Neither in the table nor in the JSON."""
    idle = Contender("Idle", lambda _: [sys.executable, "-c", code])
    [result] = races([idle], [Race(groups=4, latency=0, quotas={})], runs=1)
    assert result.problem == expected
    [entry] = json.loads(document([result], 4, paced=False))["results"]
    assert entry == {"contender": "Idle", "latency_ms": 0, "problem": expected}
    console = Console(width=120, record=True, file=StringIO())
    console.print(tables([result], 4, paced=False))
    [row] = [line for line in console.export_text().splitlines() if "Idle" in line]
    assert row.split() == ["Idle", "wrong"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"/a": 30, "/b": 7}, ""),
        ({"/a": None, "/b": 7}, "1 of 2 log groups are not as wanted"),
        ({"/a": 7, "/b": 7}, "1 of 2 log groups are not as wanted"),
        ({"/a": 30, "/b": 30}, "1 of 2 log groups are not as wanted"),
        ({"/a": 30}, "1 of 2 log groups are not as wanted"),
        ({}, "2 of 2 log groups are not as wanted"),
    ],
    ids=["right", "left out", "wrong days", "overwritten", "deleted", "all gone"],
)
def test_a_result_is_right_if_what_was_set_is_kept_and_the_rest_set(
    found: Days, expected: str
) -> None:
    """Thirty days where there were none, and nothing else."""
    assert problem({"/a": None, "/b": 7}, found, exit_code=0) == expected


def test_half_of_the_seeded_groups_have_no_retention() -> None:
    """And none has the days that are to be set."""
    days = list(seeds(100).values())
    assert days.count(None) == 50
    assert set(days) == {None, 7, 90, 365}


def test_requests_for_apis_are_counted_once_all_methods_are_limited() -> None:
    """Steward sends one change an API, and a second pass sends none."""
    ours, plain = counted(2, 3)
    assert (ours.problem, plain.problem) == ("", "")
    assert [one["apigateway.UpdateStage"] for one in (ours.first, plain.first)] == [2, 6]
    assert "apigateway.UpdateStage" not in {*ours.again, *plain.again}
    assert sum(ours.again.values()) == 2 * 2 + 3
