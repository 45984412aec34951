"""An API's dashboard: its grid, and whether it is as it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from steward.controls.api_alarms import boards, names
from steward.controls.api_alarms.assess import assess
from steward.controls.api_alarms.boards import Board, digest, is_as_remembered, is_ours
from steward.controls.api_alarms.layout import COLUMNS, MOST_ALARMS
from steward.controls.api_gateway import REST, V2
from steward.evaluate import foretold
from steward.model import Ref, Verdict
from tests.apis import policy, watched
from tests.fakes import START

ON = policy(dashboard=True)
NAME = "steward-apis-eu-west-1-rest-a1b2c3d4e5"


def board(*stages: Any, **fields: Any) -> Board:
    usual = {"account": "111122223333", "region": "eu-west-1", "partition": "aws"}
    usual |= {"name": NAME, "since": START.isoformat()}
    return Board(**{**usual, **fields}, stages=stages or (watched(), watched(name="dev")))


def widgets(found: Board) -> list[Mapping[str, Any]]:
    told: list[Mapping[str, Any]] = json.loads(boards.wanted_body(found, ON))["widgets"]
    return told


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    below = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    return not (apart or below)


@pytest.mark.parametrize("protocol", ["REST", "HTTP", "WEBSOCKET"])
def test_widgets_fill_the_grid_and_overlap_nowhere(protocol: str) -> None:
    """24 columns, row below row."""
    found = widgets(board(watched(protocol), watched(protocol, name="dev")))
    assert all(one["x"] + one["width"] <= COLUMNS for one in found)
    assert not any(overlap(one, two) for n, one in enumerate(found) for two in found[n + 1 :])
    rows: dict[int, int] = {}
    for one in found:
        rows[one["y"]] = rows.get(one["y"], 0) + one["width"]
    assert set(rows.values()) == {COLUMNS}
    assert all(one < two for one, two in pairwise(rows))


def test_it_shows_requests_errors_latency_methods_and_alarms() -> None:
    """Of each stage, by the names of its protocol."""
    found = widgets(board(watched()))
    told = [one["properties"].get("title", "") for one in found]
    assert told[1:] == [
        "Alarms",
        "prod: requests",
        "prod: errors",
        "prod: Latency",
        "prod: IntegrationLatency",
        "prod: by method",
    ]
    latency = found[4]["properties"]["metrics"]
    assert [one[-1]["stat"] for one in latency] == ["p50", "p90", "p99"]
    assert latency[0][:-1] == ["AWS/ApiGateway", "Latency", "ApiName", "orders", "Stage", "prod"]
    table = found[6]["properties"]
    assert table["view"] == "table"
    assert table["metrics"][0][0]["expression"] == (
        'SEARCH(\'{AWS/ApiGateway,ApiName,Method,Resource,Stage} MetricName="Count" '
        'ApiName="orders" Stage="prod"\', \'SampleCount\', 300)'
    )
    alarms = found[1]["properties"]["alarms"]
    place = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:steward/a1b2c3d4e5/prod/"
    assert [one.removeprefix(place) for one in alarms] == [
        "error_4xx_rate",
        "error_5xx_rate",
        "latency_p99_ms",
    ]


def test_a_widget_of_alarms_takes_a_hundred() -> None:
    """Those of whole stages come first."""
    many = policy(dashboard=True, granularity="method")
    state = watched(methods=[f"GET /{number}" for number in range(60)])
    told = json.loads(boards.wanted_body(board(state), many))["widgets"][1]
    shown = told["properties"]["alarms"]
    assert len(shown) == MOST_ALARMS
    assert all("GET" not in one for one in shown[:3])


def test_a_name_that_no_search_takes_has_no_table() -> None:
    """Quotes would end the search's own."""
    found = widgets(board(watched(api_name='the "best"')))
    assert all(one["properties"].get("view") != "table" for one in found)


def test_a_dashboard_is_ours_by_its_mark() -> None:
    """Not one of our name that somebody else made, nor a copy."""
    text = boards.wanted_body(board(), ON)
    assert is_ours(NAME, text)
    assert not is_ours(f"{NAME}x", text)
    assert not any(is_ours(NAME, odd) for odd in ("", "[]", "{}", '{"widgets": [{}]}'))


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        pytest.param(NAME, Ref(REST, "a1b2c3d4e5/*"), id="REST"),
        pytest.param("steward-apis-eu-west-1-v2-a", Ref(V2, "a/*"), id="HTTP or WebSocket"),
        pytest.param("steward-apis-eu-west-1-rest-", None, id="no API"),
        pytest.param("steward-apis-eu-west-1-soap-a", None, id="no such sort"),
        pytest.param("other-apis-eu-west-1-rest-a", None, id="another's"),
        pytest.param("steward-apis-us-east-1-rest-a", None, id="another Region's"),
        pytest.param(f"steward-apis-eu-west-1-rest-{NAME}", None, id="of a stack named so"),
    ],
)
def test_the_name_tells_the_api(name: str, stages: Ref | None) -> None:
    assert names.stages_of("steward", "eu-west-1", name) == stages
    if stages is not None:
        assert names.dashboard_name("steward", "eu-west-1", stages) == name


TEXT = boards.wanted_body(board(), ON)
THERE = board(shown=digest(TEXT), body=TEXT)


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param(board(), ON, "NOT_IN_PLACE", ["PutDashboard"], id="missing"),
        pytest.param(THERE, ON, "IN_PLACE", [], id="as it should be"),
        pytest.param(replace(THERE, shown="x"), ON, "NOT_IN_PLACE", ["PutDashboard"], id="edited"),
        pytest.param(THERE, policy(), "LEFT_OVER", ["DeleteDashboards"], id="no longer wanted"),
        pytest.param(
            replace(THERE, stages=()), ON, "LEFT_OVER", ["DeleteDashboards"], id="ALM-13 gone"
        ),
        pytest.param(replace(THERE, ours=False), ON, "NAME_TAKEN", [], id="not ours, in the way"),
        pytest.param(replace(THERE, ours=False), policy(), "NOT_OURS", [], id="not ours"),
        pytest.param(board(), policy(), "IN_PLACE", [], id="not wanted, not there"),
    ],
)
def test_a_dashboard_is_judged(state: Board, asked: Any, code: str, calls: list[str]) -> None:
    """With an undo that puts back what was there."""
    finding = assess(state, asked)
    assert (finding.code, [call.operation for call in finding.remediation]) == (code, calls)
    after = foretold(state, finding.remediation)
    if calls:
        assert assess(after, asked).verdict is not Verdict.NON_COMPLIANT
        [call] = finding.remediation
        assert call.undo is not None
        undone = replace(after, **call.undo.effect)
        assert undone.shown == (digest(state.body) if state.shown else "")


def test_it_is_read_again_only_where_somebody_has_touched_it() -> None:
    """The ledger remembers its digest, and since when it is so."""
    memory = assess(foretold(board(), assess(board(), ON).remediation), ON).memory
    soon, late = START + timedelta(minutes=2), START + timedelta(minutes=11)
    assert is_as_remembered(memory, digest(TEXT), soon)
    assert not is_as_remembered(memory, digest(TEXT), late)
    assert not is_as_remembered(memory, digest("{}"), soon)
    assert not is_as_remembered("", digest(TEXT), datetime.max.replace(tzinfo=START.tzinfo))
