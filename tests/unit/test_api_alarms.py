"""Whether a stage has the alarms that the policy asks for: the judgement.

Of the scenarios of alarms, these have nothing here to be true of:

- ALM-5, ALM-6, ALM-7: functions, queues and state machines have no alarms here.
- ALM-22: metric filters of function logs are the log shipper's metric lines.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest
from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # ships no types
    PROVIDER_SCHEMA_MANAGER,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.controls.api_alarms import CONTROL, costs, grouped, names
from steward.controls.api_alarms.alarms import judged, wanted
from steward.controls.api_alarms.assess import assess
from steward.controls.api_alarms.measures import Protocol
from steward.controls.api_alarms.state import ALARM, Grouped, Policy, Watched
from steward.controls.api_alarms.thresholds import GROUPED_SORTS
from steward.controls.api_alarms.values import Alarm, Total, fingerprint, settable, total
from steward.controls.api_gateway import REST
from steward.errors import BadPolicy
from steward.evaluate import foretold
from steward.model import Call, Ref, Verdict
from steward.policy import schema
from tests.apis import TOPIC, operation, policy, watched

METHODS = ("GET /", "GET /user/{userId}", "POST /user/orders")
EVERY = {
    "latency_p90_ms": 1000,
    "latency_p95_ms": 3000,
    "latency_p99_ms": 5000,
    "error_4xx_rate": 0.05,
    "error_5xx_rate": 0.01,
    "availability": 0.99,
}
"""The sorts of ALM-2."""

BY_METHOD: dict[str, Any] = {"granularity": "method"}


def sent(state: Watched, asked: Policy) -> dict[str, Alarm]:
    """The alarms that there are once the planned calls have been carried out."""
    found = dict(state.alarms)
    for call in assess(state, asked).remediation:
        carry_out(found, call)
    return found


def carry_out(found: dict[str, Alarm], call: Call) -> None:
    if call.operation == "PutMetricAlarm":
        told = {name: value for name, value in call.params.items() if name != "Tags"}
        found[told.pop("AlarmName")] = told
    elif call.operation == "DeleteAlarms":
        for name in call.params["AlarmNames"]:
            del found[name]


def settled(state: Watched, asked: Policy) -> Watched:
    """The stage after as many looks as it takes."""
    for _ in range(99):
        finding = assess(state, asked)
        if not finding.remediation:
            return state
        alarms = sent(state, asked)
        metered = foretold(state, finding.remediation).metered
        state = replace(state, alarms=alarms, alarmed=total(alarms), metered=metered)
    raise AssertionError("it never ends")


def operations(state: Watched, **asked: Any) -> list[str]:
    return [call.operation for call in assess(state, policy(**asked)).remediation]


def sorts(alarms: Any) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in alarms)


def test_alm_2_three_methods_with_six_sorts_have_eighteen_alarms() -> None:
    """ALM-2: besides those of the stage as a whole; by the metrics of method and resource."""
    found = wanted(
        watched(methods=METHODS), policy(**BY_METHOD, alarms=EVERY, alarm_actions=[TOPIC])
    )
    of_methods = {name: alarm for name, alarm in found.items() if " /" in name}
    assert len(of_methods) == 18
    assert len(found) == 24
    alarm = of_methods["steward/a1b2c3d4e5/prod/GET /user/{userId}/latency_p99_ms"]
    value = next(one["MetricStat"] for one in alarm["Metrics"] if one["Id"] == "value")
    assert value["Stat"] == "p99"
    assert value["Metric"]["Dimensions"] == [
        {"Name": "ApiName", "Value": "orders"},
        {"Name": "Method", "Value": "GET"},
        {"Name": "Resource", "Value": "/user/{userId}"},
        {"Name": "Stage", "Value": "prod"},
    ]
    assert {one["TreatMissingData"] for one in found.values()} == {"notBreaching"}
    assert {tuple(one["AlarmActions"]) for one in found.values()} == {(TOPIC,)}


def test_alm_3_a_rule_takes_sorts_from_one_path() -> None:
    """ALM-3: the root keeps p95 and availability, the others keep all."""
    off = dict.fromkeys(
        ("latency_p90_ms", "latency_p99_ms", "error_4xx_rate", "error_5xx_rate"), None
    )
    rules = [{"path": "/", "alarms": off}]
    found = wanted(watched(methods=METHODS), policy(**BY_METHOD, alarms=EVERY, rules=rules))
    assert len([name for name in found if " /" in name]) == 14
    assert sorts(name for name in found if "GET //" in name) == ["availability", "latency_p95_ms"]


def test_alm_14_options_and_mocks_have_none_of_their_own() -> None:
    """ALM-14: unless the policy says so."""
    mock = operation("GET /health", is_mock=True)
    state = watched(methods=["GET /items", "OPTIONS /items", mock])
    assert [one.label for one in judged(state, policy(**BY_METHOD))] == ["GET /items"]
    every = policy(**BY_METHOD, exclude_methods=[], include_mock=True)
    assert len(judged(state, every)) == 3


def test_alm_15_two_stages_have_alarms_of_different_names() -> None:
    """ALM-15."""
    one, other = (wanted(watched(name=name), policy()) for name in ("prod", "dev"))
    assert not set(one) & set(other)


def test_alm_17_only_the_switch_of_metrics_is_sent() -> None:
    """ALM-1, ALM-17: no throttling, logging or caching; methods of their own settings besides."""
    state = watched(
        methods=METHODS,
        default={"loggingLevel": "INFO", "throttlingRateLimit": 5.0},
        settings={
            "~1/GET": {"metricsEnabled": False, "throttlingRateLimit": 1.0},
            "~1other/GET": {"metricsEnabled": False},
        },
    )
    call = assess(state, policy(**BY_METHOD)).remediation[0]
    assert call.params == {
        "restApiId": "a1b2c3d4e5",
        "stageName": "prod",
        "patchOperations": [
            {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"},
            {"op": "replace", "path": "/~1/GET/metrics/enabled", "value": "true"},
        ],
    }
    assert call.undo is not None
    assert {one["value"] for one in call.undo.params["patchOperations"]} == {"false"}


def test_routes_are_metered_with_their_other_settings_as_they_are() -> None:
    """ALM-17, of an HTTP API: no page says whether it keeps what a request leaves out."""
    state = watched(
        "HTTP",
        ["GET /items", "GET /other"],
        default={"ThrottlingRateLimit": 9.0, "LoggingLevel": "OFF", "DataTraceEnabled": False},
        settings={"GET /items": {"ThrottlingRateLimit": 1.0}},
    )
    call = assess(state, policy(**BY_METHOD)).remediation[0]
    assert (call.service, call.operation) == ("apigatewayv2", "UpdateStage")
    assert call.params == {
        "ApiId": "a1b2c3d4e5",
        "StageName": "prod",
        "DefaultRouteSettings": {"ThrottlingRateLimit": 9.0, "DetailedMetricsEnabled": True},
        "RouteSettings": {
            "GET /items": {"ThrottlingRateLimit": 1.0, "DetailedMetricsEnabled": True}
        },
    }


def test_a_method_with_metrics_of_its_own_needs_no_default() -> None:
    """The stage's setting would pay for methods that have no alarms."""
    own = {"~1/GET": {"metricsEnabled": True}}
    assert "UpdateStage" not in operations(watched(methods=["GET /"], settings=own), **BY_METHOD)


@pytest.mark.parametrize(
    ("protocol", "sort", "metrics"),
    [
        pytest.param("REST", "error_4xx_rate", ["4XXError", "Count"], id="REST 4xx"),
        pytest.param("REST", "error_5xx_rate", ["5XXError", "Count"], id="REST 5xx"),
        pytest.param("HTTP", "error_4xx_rate", ["4xx", "Count"], id="ALM-18 HTTP 4xx"),
        pytest.param("HTTP", "error_5xx_rate", ["5xx", "Count"], id="ALM-18 HTTP 5xx"),
        pytest.param("HTTP", "latency_p99_ms", ["Latency", "Latency"], id="ALM-18 HTTP latency"),
        pytest.param("REST", "availability", ["4XXError", "5XXError", "Count"], id="availability"),
        pytest.param("REST", "low_traffic_requests", ["Count"], id="low traffic"),
        pytest.param(
            "REST", "integration_latency_p90_ms", ["IntegrationLatency"] * 2, id="integration"
        ),
        pytest.param(
            "WEBSOCKET",
            "error_5xx_rate",
            ["IntegrationError", "ExecutionError", "ConnectCount", "MessageCount"],
            id="WebSocket 5xx",
        ),
        pytest.param(
            "WEBSOCKET",
            "error_4xx_rate",
            ["ClientError", "ConnectCount", "MessageCount"],
            id="WebSocket 4xx",
        ),
        pytest.param(
            "WEBSOCKET", "latency_p99_ms", ["IntegrationLatency"] * 2, id="WebSocket latency"
        ),
        pytest.param(
            "WEBSOCKET",
            "low_traffic_requests",
            ["ConnectCount", "MessageCount"],
            id="WebSocket low",
        ),
    ],
)
def test_each_sort_watches_the_metrics_of_its_protocol(
    protocol: str, sort: str, metrics: list[str]
) -> None:
    """ALM-18: names and dimensions as the developer guide has them."""
    alarm = of_sort(protocol, sort)
    stats = [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]
    assert [one["MetricName"] for one in stats] == metrics
    api = {"Name": "ApiName", "Value": "orders"}
    api = api if protocol == "REST" else {"Name": "ApiId", "Value": "a1b2c3d4e5"}
    wanted_by = [api, {"Name": "Stage", "Value": "prod"}]
    assert [one["Dimensions"] for one in stats] == [wanted_by] * len(stats)


def of_sort(protocol: str, sort: str, **asked: Any) -> Alarm:
    none = dict.fromkeys(schema(CONTROL.id)["properties"]["alarms"]["default"])
    [alarm] = wanted(watched(protocol), policy(alarms={**none, sort: 0.5}, **asked)).values()
    return alarm


@pytest.mark.parametrize(
    ("protocol", "sort", "asked", "expression"),
    [
        pytest.param(
            "REST",
            "error_5xx_rate",
            {},
            "IF(requests >= 20, FILL(errors, 0) / requests, 0)",
            id="a rate",
        ),
        pytest.param(
            "REST",
            "error_5xx_rate",
            {"min_requests": 0},
            "IF(requests >= 1, FILL(errors, 0) / requests, 0)",
            id="never divided by nothing",
        ),
        pytest.param(
            "REST", "latency_p99_ms", {}, "IF(requests >= 20, value, 0)", id="a percentile"
        ),
        pytest.param("REST", "latency_p99_ms", {"min_requests": 0}, None, id="without guard"),
        pytest.param(
            "HTTP",
            "availability",
            {"min_requests": 5},
            "IF(requests >= 5, 1 - (FILL(errors1, 0) + FILL(errors2, 0)) / requests, 1)",
            id="all is well with little traffic",
        ),
        pytest.param(
            "WEBSOCKET",
            "error_4xx_rate",
            {},
            "IF((FILL(requests1, 0) + FILL(requests2, 0)) >= 20, "
            "FILL(errors, 0) / (FILL(requests1, 0) + FILL(requests2, 0)), 0)",
            id="connections and messages together",
        ),
    ],
)
def test_alm_20_little_traffic_never_counts_as_bad(
    protocol: str, sort: str, asked: dict[str, Any], expression: str | None
) -> None:
    """ALM-20: one error of one request is not 100 %."""
    alarm = of_sort(protocol, sort, **asked)
    assert alarm["Metrics"][0].get("Expression") == expression
    returned = [one["Id"] for one in alarm["Metrics"] if one["ReturnData"]]
    assert returned == [alarm["Metrics"][0]["Id"]]


def test_low_traffic_rings_where_nobody_comes() -> None:
    """Without requests CloudWatch is told nothing: missing data is what it waits for."""
    alarm = of_sort("REST", "low_traffic_requests")
    told = [alarm[name] for name in ("TreatMissingData", "ComparisonOperator", "DatapointsToAlarm")]
    assert told == ["breaching", "LessThanThreshold", 5]


@pytest.mark.parametrize(
    ("name", "metric_name"),
    [
        pytest.param("orders", "orders", id="plain"),
        pytest.param("Bestellungen für Köln", "Bestellungen fr Kln", id="without umlauts"),
        pytest.param("注文", "a1b2c3d4e5", id="nothing left: the id"),
    ],
)
def test_a_rest_api_is_known_by_the_ascii_of_its_name(name: str, metric_name: str) -> None:
    """API Gateway leaves out what is not ASCII before it tells CloudWatch."""
    [first, *_] = wanted(watched(api_name=name), policy()).values()
    stat = next(one["MetricStat"] for one in first["Metrics"] if "MetricStat" in one)
    assert stat["Metric"]["Dimensions"][0]["Value"] == metric_name


def test_any_percentile_can_be_asked_for() -> None:
    """Two digits and two decimals."""
    alarm = of_sort("REST", "latency_p99_95_ms", min_requests=0)
    assert alarm["Metrics"][0]["MetricStat"]["Stat"] == "p99.95"


# ------------------------------------------------------------------------------------- judgement


GOOD = settled(watched(), policy())
SILENCED = {name: {**alarm, "ActionsEnabled": False} for name, alarm in GOOD.alarms.items()}


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param(watched(), {}, "MISSING_ALARMS", {"PutMetricAlarm": 3}, id="a new stage"),
        pytest.param(GOOD, {}, "ALARMED", {}, id="ALM-12 as it was left"),
        pytest.param(GOOD, {"min_requests": 9}, "WRONG_ALARMS", {"PutMetricAlarm": 3}, id="drift"),
        pytest.param(
            GOOD,
            {"alarms": {"error_4xx_rate": None}},
            "STALE_ALARMS",
            {"DeleteAlarms": 1},
            id="ALM-12 a sort too many",
        ),
        pytest.param(
            replace(GOOD, exists=False), {}, "STAGE_GONE", {"DeleteAlarms": 3}, id="ALM-13 gone"
        ),
        pytest.param(
            replace(watched(), exists=False), {}, "NO_ALARMS_WANTED", {}, id="gone, nothing left"
        ),
        pytest.param(
            GOOD, {"granularity": "grouped"}, "STALE_ALARMS", {"DeleteAlarms": 3}, id="grouped now"
        ),
        pytest.param(watched(), {"granularity": "grouped"}, "GROUPED", {}, id="grouped"),
        pytest.param(
            watched(methods=METHODS),
            BY_METHOD,
            "METRICS_OFF",
            {"UpdateStage": 1, "PutMetricAlarm": 12},
            id="ALM-1 methods",
        ),
        pytest.param(
            watched(managed=True, methods=METHODS),
            BY_METHOD,
            "MISSING_ALARMS",
            {"PutMetricAlarm": 3},
            id="a managed stage cannot be metered",
        ),
        pytest.param(
            watched("HTTP", ["$default"]),
            BY_METHOD,
            "MISSING_ALARMS",
            {"PutMetricAlarm": 3},
            id="nor is the catch-all route known",
        ),
        pytest.param(
            watched("WEBSOCKET", ["$default", "send"]),
            BY_METHOD,
            "METRICS_OFF",
            {"UpdateStage": 1, "PutMetricAlarm": 9},
            id="routes of a WebSocket API",
        ),
        pytest.param(
            replace(GOOD, namesakes=("zzz",)), {}, "SHARED_NAME", {}, id="ALM-16 alarmed and told"
        ),
        pytest.param(
            watched(namesakes=("zzz",)),
            {},
            "SHARED_NAME",
            {"PutMetricAlarm": 3},
            id="ALM-16 watched all the same",
        ),
        pytest.param(
            watched(taken=("steward/a1b2c3d4e5/prod/error_4xx_rate",)),
            {},
            "NAME_TAKEN",
            {"PutMetricAlarm": 2},
            id="ALM-12 a foreign alarm is kept",
        ),
        pytest.param(
            replace(GOOD, taken=("steward/a1b2c3d4e5/prod/theirs",)),
            {},
            "ALARMED",
            {},
            id="a foreign one that is in nobody's way",
        ),
        pytest.param(
            watched(),
            {"alarms": dict.fromkeys(("latency_p99_ms", "error_4xx_rate", "error_5xx_rate"))},
            "NO_ALARMS_WANTED",
            {},
            id="nothing wanted",
        ),
        pytest.param(
            watched(tags={"steward:api-alarms/latency_p99_ms": "fast"}),
            {"honor_tags": True},
            "INVALID_TAG",
            {},
            id="a tag that is no threshold",
        ),
        pytest.param(
            watched(tags={"steward:api-alarms/error_5xx_rate": "5"}),
            {"honor_tags": True},
            "INVALID_TAG",
            {},
            id="a rate above one",
        ),
        pytest.param(
            watched(tags={"steward:api-alarms/p99": "5"}),
            {"honor_tags": True},
            "INVALID_TAG",
            {},
            id="a tag of no sort",
        ),
    ],
)
def test_a_stage_is_judged(
    state: Watched, asked: dict[str, Any], code: str, calls: dict[str, int]
) -> None:
    """The code, and how many calls of each sort."""
    finding = assess(state, policy(**asked))
    told = [call.operation for call in finding.remediation]
    assert (finding.code, {one: told.count(one) for one in told}) == (code, calls)
    assert len(finding.reason) <= 256


def test_alarms_that_were_silenced_stay_so() -> None:
    """Who disables actions has a reason: it is told, kept through a change, and no drift."""
    state = replace(GOOD, alarms=SILENCED, alarmed=total(SILENCED))
    finding = assess(state, policy())
    assert (finding.code, "3 with actions disabled" in finding.reason) == ("ALARMED", True)
    changed = sent(state, policy(min_requests=9))
    assert {alarm["ActionsEnabled"] for alarm in changed.values()} == {False}


@pytest.mark.parametrize(
    ("tags", "api_tags", "threshold"),
    [
        pytest.param({"steward:api-alarms/latency_p99_ms": "800"}, {}, 800.0, id="of the stage"),
        pytest.param({}, {"steward:api-alarms/latency_p99_ms": "9"}, 9.0, id="of the API"),
        pytest.param(
            {"steward:api-alarms/latency_p99_ms": "8"},
            {"steward:api-alarms/latency_p99_ms": "9"},
            8.0,
            id="the stage's own first",
        ),
        pytest.param({"steward:api-alarms/latency_p99_ms": "off"}, {}, None, id="none"),
    ],
)
def test_alm_21_a_tag_decides_before_policy_and_rules(
    tags: dict[str, str], api_tags: dict[str, str], threshold: float | None
) -> None:
    """ALM-21: where the policy lets it."""
    state = watched(tags=tags, api_tags=api_tags)
    rules = [{"api": "ord*", "alarms": {"latency_p99_ms": 7}}]
    name = "steward/a1b2c3d4e5/prod/latency_p99_ms"
    found = wanted(state, policy(rules=rules, honor_tags=True)).get(name)
    assert (found or {}).get("Threshold") == threshold
    assert wanted(state, policy(rules=rules))[name]["Threshold"] == 7


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        pytest.param({"api": "a1b2c3d4e5"}, 1, id="by id"),
        pytest.param({"api": "ord*", "stage": "prod"}, 1, id="by name and stage"),
        pytest.param({"api": "order"}, 5000, id="anchored"),
        pytest.param({"stage": "pro"}, 5000, id="another stage"),
    ],
)
def test_a_rule_is_for_what_its_globs_match(rule: dict[str, str], threshold: float) -> None:
    rules = [{**rule, "alarms": {"latency_p99_ms": 1}}]
    alarm = wanted(watched(), policy(rules=rules))["steward/a1b2c3d4e5/prod/latency_p99_ms"]
    assert alarm["Threshold"] == threshold


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        pytest.param({"datapoints_to_alarm": 6}, "datapoints_to_alarm: is 6", id="too many points"),
        pytest.param(
            {"period_seconds": 3600, "evaluation_periods": 25},
            "evaluation_periods: is 25, allowed: 24",
            id="more than a day",
        ),
        pytest.param(
            {"granularity": "grouped", "rules": [{"alarms": {}}]},
            "rules: are of no use",
            id="group",
        ),
        pytest.param(
            {"rules": [{"path": "/", "alarms": {}}]},
            r"rules\[0\]: path and method",
            id="no methods",
        ),
        pytest.param({"alarms": {"latency_p_ms": 1}}, "has no field latency_p_ms", id="no sort"),
        pytest.param(
            {"alarms": {"latency_p_ms": 1, "latency_p90_ms": 1}},
            r"no field latency_p_ms, allowed: .*, \^\(integration_\)\?latency_",
            id="its like may be",
        ),
        pytest.param(
            {"rules": [{"alarms": {"errors": 1}}]},
            r"no field errors, allowed: .*error_\[45\]xx_rate",
            id="no sort of a rule",
        ),
        pytest.param(
            {"granularity": "grouped", "alarms": {"availability": 0.99}},
            "alarms.availability: is of no use with granularity 'grouped'",
            id="nothing watches it",
        ),
        pytest.param(
            {"granularity": "grouped", "alarms": {"latency_p90_ms": 5}},
            "alarms.latency_p90_ms: is of no use .* latency_average_ms",
            id="no percentiles",
        ),
        pytest.param({"alarms": {"error_5xx_rate": 5}}, "maximum 1", id="a rate"),
        pytest.param({"alarm_actions": ["oncall"]}, "alarm_actions", id="no ARN"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(asked: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadPolicy, match=problem):
        policy(**asked)


@pytest.mark.parametrize("method", ["post", "POST", "P*"])
def test_a_rule_names_methods_in_whatever_case(method: str) -> None:
    """As the rules of api-throttling do."""
    rules = [{"method": method, "alarms": {"latency_p99_ms": 1}}]
    found = wanted(watched(methods=["POST /a"]), policy(**BY_METHOD, rules=rules))
    told = {one["Threshold"] for name, one in found.items() if "POST /" in name and "p99" in name}
    assert told == {1}


# ------------------------------------------------------------------------------------- ownership


def test_an_alarm_is_ours_by_name_and_mark_together() -> None:
    """Neither a copy under another name nor a made-up description is."""
    name, alarm = next(iter(GOOD.alarms.items()))
    text = alarm["AlarmDescription"]
    assert names.owner(name, text) == Ref(REST, "a1b2c3d4e5/prod")
    assert names.owner(f"{name}-copy", text) is None
    assert names.owner(name, "made by hand") is None
    assert names.owner(name, f"{text} and more") is None


@pytest.mark.parametrize(
    ("call", "is_about"),
    [
        pytest.param(
            Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["s/a/b/c"]}), True, id="its"
        ),
        pytest.param(
            Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["s/a/b/c", "s/ab/b/c"]}),
            False,
            id="ALM-10 of a similarly named one, too",
        ),
        pytest.param(Call("cloudwatch", "DeleteAlarms", {"AlarmNames": []}), False, id="of nobody"),
        pytest.param(
            Call("cloudwatch", "PutMetricAlarm", {"AlarmName": "s/a/b/c"}), False, id="no mark"
        ),
        pytest.param(
            Call("apigateway", "UpdateStage", {"restApiId": "a", "stageName": "c"}),
            False,
            id="other",
        ),
    ],
)
def test_a_call_is_about_one_stage(call: Call, is_about: bool) -> None:  # noqa: FBT001  # a case
    assert CONTROL.about(call, Ref(REST, "a/b")) is is_about


SEGMENT = st.text(st.sampled_from("abAB01-_~"), min_size=1, max_size=128)
PATHS = st.lists(st.text(st.sampled_from("a{}+~:é "), min_size=1, max_size=90), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
VERBS = st.sampled_from(["GET", "POST", "DELETE", "PUT"])
METHOD_SETS = st.lists(st.tuples(VERBS, PATHS), unique=True, max_size=5)


@st.composite
def apis(draw: Any) -> list[Watched]:
    """Stages of several APIs, with names, methods and settings of any sort."""
    found = []
    for api in draw(
        st.lists(st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True), unique=True, max_size=3)
    ):
        protocol = draw(st.sampled_from(["REST", "HTTP"]))
        methods = [operation(f"{verb} {path}", protocol) for verb, path in draw(METHOD_SETS)]
        stages = draw(st.lists(SEGMENT, unique=True, min_size=1, max_size=2))
        found += [watched(protocol, methods, api=api, name=stage) for stage in stages]
    return found


@settings(max_examples=60, deadline=None)
@given(apis(), SEGMENT)
def test_no_two_alarms_have_one_name_and_none_is_too_long(
    states: list[Watched], prefix: str
) -> None:
    """ALM-15: over all stages and methods of all APIs, whatever they are called."""
    asked = policy(**BY_METHOD, alarm_prefix=prefix.replace("_", "-").replace("~", "-"))
    found = [name for state in states for name in wanted(state, asked)]
    assert len(found) == len(set(found))
    assert all(len(name) <= names.LONGEST for name in found)
    for state in states:
        for name, alarm in wanted(state, asked).items():
            assert names.owner(name, alarm["AlarmDescription"]) == state.ref
            assert names.api_of(name) == state.stage.api.id
            assert len(alarm["AlarmDescription"]) <= 1024


@given(st.lists(st.text(st.sampled_from("ab/~0"), min_size=1, max_size=40), min_size=2, max_size=2))
def test_a_name_that_looks_cut_is_of_no_other_alarm(parts: list[str]) -> None:
    """Names that end like a cut one get a digest themselves."""
    long = names.alarm_name("s", "a", "x" * 300, "k")
    assert names.alarm_name("s", "a", *long.split("/")[2:]) != long
    assert len(names.alarm_name("s", "a", *parts)) <= names.LONGEST


@settings(max_examples=60, deadline=None)
@given(apis(), st.sampled_from(["api", "method", "grouped"]), st.sampled_from([0, 20]))
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    states: list[Watched], granularity: str, min_requests: int
) -> None:
    """And each step is what the call's effect says."""
    asked = policy(granularity=granularity, min_requests=min_requests)
    for state in states:
        after = settled(state, asked)
        assert assess(after, asked).verdict is Verdict.COMPLIANT
        at = dict(state.alarms)
        for call in assess(state, asked).remediation:
            carry_out(at, call)
            assert call.effect.get("alarmed", total(at)) == total(at)


@settings(max_examples=40, deadline=None)
@given(apis(), METHOD_SETS)
def test_an_undo_in_reverse_order_brings_everything_back(
    states: list[Watched], others: list[tuple[str, str]]
) -> None:
    """Alarms that were put are deleted, those that were deleted or changed are as they were."""
    for state in states[:1]:
        deployed = [operation(f"{verb} {path}") for verb, path in others]
        before = settled(state, policy(**BY_METHOD))
        changed = replace(before, methods=tuple(deployed))
        finding = assess(changed, policy(**BY_METHOD, min_requests=7))
        at = sent(changed, policy(**BY_METHOD, min_requests=7))
        for call in reversed(finding.remediation):
            assert call.undo is not None
            carry_out(at, call.undo)
            assert call.undo.effect.get("alarmed", total(at)) == total(at)
        assert at == before.alarms


def test_a_change_is_never_too_large_for_the_ledger() -> None:
    """The next look goes on, and in the end nothing is left to do."""
    state = watched(methods=[f"GET /{number}" for number in range(60)])
    calls = assess(state, policy(**BY_METHOD)).remediation
    assert len(calls) == 81
    assert len(settled(state, policy(**BY_METHOD)).alarms) == 183


# ---------------------------------------------------------------------- what CloudWatch makes of it


def test_what_aws_tells_otherwise_is_the_same_alarm() -> None:
    """Order of dimensions and actions, integral numbers, and fields of state make no drift."""
    name, alarm = next(iter(wanted(watched(), policy(ok_actions=[TOPIC])).items()))
    told: dict[str, Any] = {**alarm, "Threshold": float(alarm["Threshold"]), "AlarmName": name}
    told |= {"StateValue": "OK", "Dimensions": [], "InsufficientDataActions": []}
    told["WarmUpConfiguration"] = {
        "WarmUpPeriodDurationInMinutes": 5,
        "OnlyStartEvaluatingAfterWarmUpPeriodEnds": False,
    }
    told["Metrics"] = [turned(query) for query in reversed(alarm["Metrics"])]
    assert fingerprint(name, settable(told)) == fingerprint(name, alarm)


def turned(query: Any) -> Any:
    if "MetricStat" not in query:
        return query
    metric = query["MetricStat"]["Metric"]
    told = {**metric, "Dimensions": metric["Dimensions"][::-1]}
    return {**query, "MetricStat": {**query["MetricStat"], "Metric": told}}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"Threshold": 1.0}, id="threshold"),
        pytest.param({"AlarmActions": [TOPIC]}, id="actions"),
        pytest.param({"TreatMissingData": "missing"}, id="missing data"),
        pytest.param({"EvaluationPeriods": 9}, id="periods"),
        pytest.param({"Metrics": []}, id="metrics"),
        pytest.param({"WarmUpConfiguration": None}, id="warm-up"),
        pytest.param({"ComparisonOperator": "LessThanThreshold"}, id="operator"),
    ],
)
def test_an_edit_by_hand_is_drift(edit: dict[str, Any]) -> None:
    name, alarm = next(iter(GOOD.alarms.items()))
    edited = {**GOOD.alarms, name: settable({**alarm, **edit})}
    finding = assess(replace(GOOD, alarms=edited, alarmed=total(edited)), policy())
    assert [call.params["AlarmName"] for call in finding.remediation] == [name]


def test_a_total_is_told_without_the_others() -> None:
    """One more, then the same one less."""
    one: Alarm = {"Metrics": []}
    assert Total.of({"a": one, "b": one}).minus("b", one) == Total.of({"a": one})
    assert Total.of({"a": one}).plus("b", one) == Total.of({"b": one, "a": one})


@cache
def cloudformation() -> Any:
    """CloudFormation's own schema of an alarm, as cfn-lint has it, with its rule for periods."""
    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", "AWS::CloudWatch::Alarm")
    return jsonschema.Draft7Validator(found.schema)


POLICIES: list[dict[str, Any]] = [
    {},
    {"alarms": EVERY, "alarm_actions": [TOPIC], "ok_actions": [TOPIC]},
    {
        "alarms": {
            "low_traffic_requests": 5,
            "latency_average_ms": 9,
            "integration_latency_p50_ms": 1,
        }
    },
    {"min_requests": 0, "warm_up_minutes": 0, "period_seconds": 3600},
]


@pytest.mark.parametrize("protocol", [*Protocol])
@pytest.mark.parametrize("asked", POLICIES, ids=["default", "every", "odd", "plain"])
def test_every_alarm_fits_cloudformations_schema(protocol: Protocol, asked: dict[str, Any]) -> None:
    """ALM-2: stages, methods, and alarms over all APIs; and what metric math may hold."""
    routes = ["$default", "send"] if protocol is Protocol.WEBSOCKET else [*METHODS]
    told = asked.get("alarms", {}).items()
    over_all = {**asked, "alarms": {sort: most for sort, most in told if sort in GROUPED_SORTS}}
    alarms = {
        **wanted(watched(protocol, routes), policy(**BY_METHOD, **asked)),
        **grouped.wanted(policy(granularity="grouped", **over_all)),
    }
    assert alarms
    for name, alarm in alarms.items():
        found = [
            error.message for error in cloudformation().iter_errors({"AlarmName": name, **alarm})
        ]
        assert found == []
        assert 1 <= len(alarm["Metrics"]) <= 10
        assert sum(one["ReturnData"] for one in alarm["Metrics"]) == 1
        assert {
            one.get("Period", one.get("MetricStat", {}).get("Period")) for one in alarm["Metrics"]
        } <= {
            60,
            3600,
            None,
        }


def test_a_misfit_of_cloudformations_schema_is_noticed() -> None:
    """The check itself can fail."""
    alarm = {**next(iter(GOOD.alarms.values())), "ComparisonOperator": "Above"}
    assert [*cloudformation().iter_errors(alarm)] != []


# --------------------------------------------------------------------------------------- grouped


GROUPED = policy(granularity="grouped", alarms={"latency_average_ms": 900})


def test_one_alarm_over_all_apis_for_each_metric() -> None:
    """By name and stage of REST APIs, by id and stage of the others; without percentiles."""
    found = grouped.wanted(GROUPED)
    assert len(found) == 10
    [query] = found["steward/all/rest/5XXError/error_5xx_rate"]["Metrics"]
    assert query["Expression"] == (
        'SELECT AVG("5XXError") FROM SCHEMA("AWS/ApiGateway", ApiName, Stage) '
        "GROUP BY ApiName, Stage ORDER BY AVG() DESC"
    )
    assert grouped.wanted(policy()) == {}


@pytest.mark.parametrize(
    ("state", "asked", "code", "calls"),
    [
        pytest.param({}, GROUPED, "NOT_IN_PLACE", ["PutMetricAlarm"], id="missing"),
        pytest.param({"there": True}, GROUPED, "IN_PLACE", [], id="as it should be"),
        pytest.param({"taken": True}, GROUPED, "NAME_TAKEN", [], id="not ours"),
        pytest.param(
            {"there": True}, policy(), "LEFT_OVER", ["DeleteAlarms"], id="not grouped now"
        ),
        pytest.param({}, policy(), "IN_PLACE", [], id="never was"),
    ],
)
def test_an_alarm_over_all_apis_is_judged(
    state: dict[str, bool], asked: Policy, code: str, calls: list[str]
) -> None:
    name = "steward/all/rest/5XXError/error_5xx_rate"
    alarm = grouped.wanted(GROUPED)[name] if state.get("there") else {}
    there = {name: alarm} if alarm else {}
    found = Grouped(name, alarm, total(there), state.get("taken", False))
    finding = assess(found, asked)
    assert (finding.code, [call.operation for call in finding.remediation]) == (code, calls)
    assert finding.ref == Ref(ALARM, name)
    assert assess(foretold(found, finding.remediation), asked).verdict is not (
        Verdict.NON_COMPLIANT if calls else None
    )


# ----------------------------------------------------------------------------------------- costs


def test_the_costs_that_are_told_are_those_of_the_alarms() -> None:
    """By the schema's defaults, and by counting what the alarms read."""
    for protocol in Protocol:
        alarms = wanted(watched(protocol), policy()).values()
        assert costs.of_alarms(alarms) == pytest.approx(costs.of_defaults(protocol))
    assert costs.in_words().startswith("in USD, in us-east-1")
    assert "api: 0.60" in costs.in_words()
    assert "0.90 of a WebSocket" in costs.in_words()
    assert "2.10 for each method (0.60 for its alarms" in costs.in_words()
    assert "grouped: 0.20 for each stage" in costs.in_words()
