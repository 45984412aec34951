"""Alarms of APIs on the embedded account: events, policies, faults, and who else changes stages.

One account for all: each scenario has APIs of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from tests.scenarios.embedding import installed, logged, put_policy, sweeps

CONTROL = "api-alarms"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"
MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
PROXY = {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "https://example.com/"}
PLANS = (
    "apigateway.UpdateStage",
    "apigatewayv2.UpdateStage",
    "cloudwatch.DeleteAlarms",
    "cloudwatch.PutDashboard",
    "cloudwatch.PutMetricAlarm",
)


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    with installed(
        controls=[CONTROL, "api-throttling"], ApiAlarmsTopicArn=TOPIC, ApiThrottlingMode="off"
    ) as account:
        yield account


def create_api(here: EmbeddedAccount, name: str = "orders", *verbs: str) -> str:
    """A REST API with methods of /, not deployed."""
    rest = here.client("apigateway")
    api: str = rest.create_rest_api(name=name)["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    for verb in verbs or ("GET", "OPTIONS"):
        method = {"restApiId": api, "resourceId": root["id"], "httpMethod": verb}
        rest.put_method(**method, authorizationType="NONE")
        rest.put_integration(**method, **(MOCK if verb == "OPTIONS" else PROXY))
    return api


def alarms(here: EmbeddedAccount, *apis: str) -> dict[str, dict[str, Any]]:
    """Ours of these APIs, or of all, by what follows the stack's name."""
    pages = (
        here.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix="steward/")
    )
    found = {one["AlarmName"]: one for page in pages for one in page["MetricAlarms"]}
    named = {name.removeprefix("steward/"): one for name, one in found.items()}
    return {name: one for name, one in named.items() if not apis or name.split("/")[0] in apis}


def writes(here: EmbeddedAccount) -> Counter[str]:
    return Counter({one: here.server.calls[one] for one in PLANS if here.server.calls[one]})


def told(here: EmbeddedAccount, message: str, api: str) -> list[str]:
    """The codes that were told of an API's stages, oldest first."""
    found = (one for one in logged(here, message) if one.get("control") == CONTROL)
    return [one["code"] for one in found if str(one.get("resource", "")).startswith(api)]


def test_apis_of_every_sort_light_up_as_they_are_deployed_and_go_dark_as_they_go(
    here: EmbeddedAccount,
) -> None:
    """ALM-11, ALM-13, ALM-18: also a deployment without a stage, and what quick create makes."""
    rest, v2 = here.client("apigateway"), here.client("apigatewayv2")
    api = create_api(here)
    deployment = rest.create_deployment(restApiId=api)["id"]
    here.settle()
    assert alarms(here, api) == {}
    rest.create_stage(restApiId=api, stageName="prod", deploymentId=deployment)
    shop = v2.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    v2.create_stage(ApiId=shop, StageName="$default", AutoDeploy=True)
    chat = v2.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    v2.create_stage(ApiId=chat, StageName="live")
    here.settle()
    found = alarms(here, api, shop, chat)
    assert Counter(name.rpartition("/")[0] for name in found) == {
        f"{api}/prod": 3,
        f"{shop}/$default": 3,
        f"{chat}/live": 3,
    }
    assert {tuple(one["AlarmActions"] + one["OKActions"]) for one in found.values()} == {
        (TOPIC, TOPIC)
    }
    before = writes(here)
    v2.update_stage(ApiId=shop, StageName="$default", Description="told as %24default")
    here.settle()
    assert before["cloudwatch.PutMetricAlarm"] == 9
    assert writes(here)["cloudwatch.PutMetricAlarm"] == 9
    rest.delete_rest_api(restApiId=api)
    v2.delete_stage(ApiId=chat, StageName="live")
    here.settle()
    assert {name.split("/")[0] for name in alarms(here, api, shop, chat)} == {shop}
    v2.delete_api(ApiId=shop)
    here.settle()
    assert alarms(here, api, shop, chat) == {}


def test_only_the_alarms_of_what_is_gone_are_deleted(here: EmbeddedAccount) -> None:
    """ALM-10: not of an API whose id begins alike, nor foreign ones, nor at a function's end."""
    rest, watch = here.client("apigateway"), here.client("cloudwatch")
    one, other = create_api(here, "billing"), create_api(here, "billing-v2")
    for api in (one, other):
        rest.create_deployment(restApiId=api, stageName="prod")
    here.settle()
    mine = next(iter(alarms(here, one).values()))
    kept = ("Metrics", "EvaluationPeriods", "Threshold", "ComparisonOperator", "AlarmDescription")
    copy = {name: mine[name] for name in kept}
    theirs = [f"steward/{one}/prod/theirs", f"steward/{one}0/prod/latency_p99_ms"]
    for name in theirs:
        watch.put_metric_alarm(AlarmName=name, **copy)
    rest.delete_rest_api(restApiId=one)
    here.settle()
    here.sweep()
    left = {f"steward/{name}" for name in alarms(here, one, f"{one}0")}
    assert (left, len(alarms(here, other))) == (set(theirs), 3)
    watch.delete_alarms(AlarmNames=theirs)


def test_two_automations_change_one_stage_and_neither_disturbs_the_other(
    here: EmbeddedAccount,
) -> None:
    """ALM-1, ALM-17: metrics and limits, each by its own call; then nothing more is written."""
    rest = here.client("apigateway")
    put_policy(here, "api-throttling", mode="enforce", rate=100, burst=50)
    put_policy(here, CONTROL, granularity="method", dashboard=True)
    here.settle()
    api = create_api(here, "stock", "GET", "POST", "OPTIONS")
    stage = {"restApiId": api, "stageName": "prod"}
    rest.create_deployment(**stage)
    here.settle()
    settings = rest.get_stage(**stage)["methodSettings"]
    limits = {key: one["throttlingRateLimit"] for key, one in settings.items() if key != "*/*"}
    assert limits == dict.fromkeys(("~1/GET", "~1/OPTIONS", "~1/POST"), 100.0)
    on = {key for key, one in settings.items() if one["metricsEnabled"]}
    assert {"~1/GET", "~1/POST"} <= on
    found = alarms(here, api)
    assert sorted(name.split("/", 2)[2].rpartition("/")[0] for name in found) == [
        *[""] * 3,
        *["GET /"] * 3,
        *["POST /"] * 3,
    ]
    [board] = here.client("cloudwatch").list_dashboards(
        DashboardNamePrefix=f"steward-apis-{here.region}-rest-{api}"
    )["DashboardEntries"]
    assert board["Size"] > 0
    before = Counter(here.server.calls)
    here.settle()
    here.sweep()
    after = Counter(here.server.calls) - before
    assert {one: after[one] for one in PLANS if after[one]} == {}
    assert after["cloudwatch.GetDashboard"] == 0
    rest.delete_rest_api(restApiId=api)
    here.settle()
    assert alarms(here, api) == {}
    listed = here.client("cloudwatch").list_dashboards(DashboardNamePrefix=board["DashboardName"])
    assert listed["DashboardEntries"] == []
    put_policy(here, "api-throttling", mode="off")
    put_policy(here, CONTROL)
    here.settle()


def test_a_busy_cloudwatch_is_waited_for_and_a_refusal_is_told(here: EmbeddedAccount) -> None:
    """Each alarm is put in the end; an account that may have no more of them is reported."""
    here.server.faults = [
        Fault(operation="cloudwatch.PutMetricAlarm", code="Throttling", status=400, times=2),
        Fault(operation="cloudwatch.DescribeAlarms", code="InternalFailure", status=500),
    ]
    rest = here.client("apigateway")
    api = create_api(here, "busy")
    rest.create_deployment(restApiId=api, stageName="prod")
    here.settle()
    assert len(alarms(here, api)) == 3
    here.server.faults = [
        Fault(operation="cloudwatch.PutMetricAlarm", code="LimitExceeded", status=400, times=99)
    ]
    full = create_api(here, "full")
    rest.create_deployment(restApiId=full, stageName="prod")
    here.settle()
    here.server.faults = []
    assert (alarms(here, full), told(here, "reported", full)) == ({}, ["ALARM_LIMIT"])
    for one in (api, full):
        rest.delete_rest_api(restApiId=one)
    here.settle()


def test_what_a_sweep_finds_and_what_an_action_of_another_costs(here: EmbeddedAccount) -> None:
    """Alarms that were edited or deleted by hand; an action that the stack does not allow."""
    rest, watch = here.client("apigateway"), here.client("cloudwatch")
    api = create_api(here, "drift")
    rest.create_deployment(restApiId=api, stageName="prod")
    here.settle()
    one, other, _ = alarms(here, api).values()
    edited = {name: one[name] for name in ("Metrics", "EvaluationPeriods", "ComparisonOperator")}
    text = one["AlarmDescription"]
    watch.put_metric_alarm(
        AlarmName=one["AlarmName"], AlarmDescription=text, Threshold=0.9, **edited
    )
    watch.delete_alarms(AlarmNames=[other["AlarmName"]])
    here.sweep()
    assert {name: each["Threshold"] for name, each in alarms(here, api).items()} == {
        f"{api}/prod/error_4xx_rate": 0.05,
        f"{api}/prod/error_5xx_rate": 0.05,
        f"{api}/prod/latency_p99_ms": 5000.0,
    }
    ran = len(sweeps(here))
    put_policy(here, CONTROL, alarm_actions=[TOPIC.replace("oncall", "nobody")])
    here.settle()
    assert sweeps(here)[ran:] == ["FAILED"]
    assert {tuple(each["AlarmActions"]) for each in alarms(here, api).values()} == {(TOPIC,)}
