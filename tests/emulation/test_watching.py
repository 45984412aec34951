"""Alarms, dashboards and exports of the embedded account are as AWS has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.dashboards import COLUMNS
from embedded.overlays import faithful
from embedded.stamping import metrics_stamped_by
from tests.fakes import FakeClock

Clients: TypeAlias = Callable[[str], Any]

DIMENSIONS = [{"Name": "ApiName", "Value": "orders"}]
METRIC = {"Namespace": "AWS/ApiGateway", "MetricName": "Latency", "Dimensions": DIMENSIONS}
QUERY = {"Id": "value", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "p99"}}
ALARM: Mapping[str, Any] = {
    "AlarmName": "a",
    "Metrics": [QUERY],
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}
TEXT = {"type": "text", "properties": {"markdown": "hello"}}


@pytest.fixture
def clients() -> Iterator[Clients]:
    session = boto3.Session(region_name="eu-west-1")
    with mock_aws(), faithful():
        yield session.client


@pytest.fixture
def watch(clients: Clients) -> Any:
    return clients("cloudwatch")


def refused(call: Callable[..., Any], **params: Any) -> str:
    """The code and the message of the refusal."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def stat(**fields: Any) -> dict[str, Any]:
    return {**QUERY, "MetricStat": {**QUERY["MetricStat"], **fields}}  # type: ignore[dict-item]  # a literal


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"AlarmName": "a\n"}, "AlarmName", id="a control character"),
        pytest.param({"EvaluationPeriods": 1441}, "86400 seconds", id="longer than a day"),
        pytest.param({"DatapointsToAlarm": 6}, "DatapointsToAlarm", id="too many points"),
        pytest.param({"TreatMissingData": "fine"}, "Option fine", id="missing data"),
        pytest.param({"ComparisonOperator": "Above"}, "Above", id="operator"),
        pytest.param({"AlarmActions": ["oncall"]}, "Invalid arn syntax: oncall", id="no ARN"),
        pytest.param(
            {"OKActions": [f"arn:aws:sns:eu-west-1:111122223333:{n}" for n in "abcdef"]},
            "at most 5",
            id="six actions",
        ),
        pytest.param({"MetricName": "M"}, "Exactly one of Metrics", id="both forms"),
        pytest.param({"Metrics": [stat(Period=45)]}, "multiple of 60", id="a period"),
        pytest.param({"Metrics": [stat(Stat="p101")]}, "p101", id="no percentile"),
        pytest.param({"Metrics": [{**QUERY, "Id": "Value"}]}, "lower case", id="an id"),
        pytest.param({"Metrics": [QUERY, QUERY]}, "unique", id="an id twice"),
        pytest.param(
            {"Metrics": [{**QUERY, "Id": f"m{n}", "ReturnData": n == 0} for n in range(11)]},
            "At most 10",
            id="eleven metrics",
        ),
        pytest.param(
            {"Metrics": [QUERY, {**stat(Period=300), "Id": "b", "ReturnData": False}]},
            "one period",
            id="two periods",
        ),
        pytest.param({"Metrics": [{"Id": "a"}]}, "either MetricStat", id="neither"),
        pytest.param(
            {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 2881}}, "2880", id="warm-up"
        ),
    ],
)
def test_an_alarm_that_does_not_fit_is_refused(
    watch: Any, change: dict[str, Any], told: str
) -> None:
    """And nothing is put."""
    assert told in refused(watch.put_metric_alarm, **{**ALARM, **change})
    assert watch.describe_alarms()["MetricAlarms"] == []


def test_an_alarm_on_one_metric_has_one_statistic(watch: Any) -> None:
    """Also without metric math."""
    plain = {**ALARM, "Namespace": "N", "MetricName": "M", "Period": 60}
    del plain["Metrics"]
    assert "Exactly one of Statistic" in refused(watch.put_metric_alarm, **plain)
    assert "ExtendedStatistic" in refused(watch.put_metric_alarm, **plain, ExtendedStatistic="99th")
    assert "Period" in refused(
        watch.put_metric_alarm, **{**plain, "Period": 45}, ExtendedStatistic="p99.9"
    )
    watch.put_metric_alarm(**plain, ExtendedStatistic="p99.9")


def test_an_alarm_is_told_as_it_was_put(watch: Any) -> None:
    """The warm-up, too."""
    asked = {**ALARM, "WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}}
    watch.put_metric_alarm(**asked, Tags=[{"Key": "a", "Value": "b"}])
    [told] = watch.describe_alarms()["MetricAlarms"]
    assert {name: told[name] for name in asked} == asked
    assert "Tags" not in told


def test_an_update_keeps_state_and_tags(watch: Any) -> None:
    """A deletion does not: an alarm that is made anew is new."""
    watch.put_metric_alarm(**ALARM, Tags=[{"Key": "a", "Value": "b"}])
    [told] = watch.describe_alarms()["MetricAlarms"]
    assert told["StateValue"] == "INSUFFICIENT_DATA"
    watch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="a test")
    watch.put_metric_alarm(**ALARM, Tags=[{"Key": "a", "Value": "c"}])
    [after] = watch.describe_alarms()["MetricAlarms"]
    tags = watch.list_tags_for_resource(ResourceARN=after["AlarmArn"])["Tags"]
    assert (after["StateValue"], tags) == ("ALARM", [{"Key": "a", "Value": "b"}])
    watch.delete_alarms(AlarmNames=["a"])
    watch.put_metric_alarm(**ALARM)
    assert watch.list_tags_for_resource(ResourceARN=after["AlarmArn"])["Tags"] == []


def test_alarms_come_in_pages(watch: Any) -> None:
    """By prefix, sorted, each once; a token is of one question only."""
    for name in ("a/1", "a/2", "a/3", "b/1"):
        watch.put_metric_alarm(**{**ALARM, "AlarmName": name})
    pages = watch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix="a/", PaginationConfig={"PageSize": 2}
    )
    assert [[one["AlarmName"] for one in page["MetricAlarms"]] for page in pages] == [
        ["a/1", "a/2"],
        ["a/3"],
    ]
    token = watch.describe_alarms(MaxRecords=1)["NextToken"]
    told = refused(watch.describe_alarms, AlarmNamePrefix="b", NextToken=token)
    assert told.startswith("InvalidNextToken")


def test_a_deletion_names_what_was_not_there(watch: Any) -> None:
    """The others are deleted all the same."""
    watch.put_metric_alarm(**ALARM)
    assert refused(watch.delete_alarms, AlarmNames=["a", "b"]).startswith("ResourceNotFound")
    assert watch.describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize(
    ("widget", "told"),
    [
        pytest.param({**TEXT, "x": 20}, f"exceed {COLUMNS} columns", id="over the edge"),
        pytest.param({**TEXT, "width": 25}, "out of range", id="too wide"),
        pytest.param({**TEXT, "type": "cake"}, "cake is not known", id="no type"),
        pytest.param({"type": "text"}, "markdown is missing", id="no text"),
        pytest.param({"type": "alarm", "properties": {}}, "alarms is missing", id="no alarms"),
        pytest.param(
            {"type": "metric", "properties": {"region": "a"}}, "metrics or", id="no metrics"
        ),
        pytest.param(
            {"type": "metric", "properties": {"region": "a", "metrics": [["N", "M", "d"]]}},
            "no value",
            id="half a dimension",
        ),
        pytest.param(
            {"type": "metric", "properties": {"region": "a", "metrics": [[{"stat": "Sum"}]]}},
            "neither a name",
            id="no metric",
        ),
        pytest.param(
            {
                "type": "metric",
                "properties": {"region": "a", "metrics": [["N", "M"]], "view": "map"},
            },
            "view map",
            id="a view",
        ),
    ],
)
def test_a_dashboard_that_does_not_fit_is_refused(
    watch: Any, widget: dict[str, Any], told: str
) -> None:
    body = json.dumps({"widgets": [TEXT, widget]})
    found = refused(watch.put_dashboard, DashboardName="a", DashboardBody=body)
    assert found.startswith("InvalidParameterInput: /widgets/1: ")
    assert told in found
    assert watch.list_dashboards()["DashboardEntries"] == []


def test_a_dashboard_has_a_plain_name_and_widgets(watch: Any) -> None:
    body = json.dumps({"widgets": [TEXT]})
    assert "name" in refused(watch.put_dashboard, DashboardName="a/b", DashboardBody=body)
    assert "JSON" in refused(watch.put_dashboard, DashboardName="a", DashboardBody="widgets")
    assert "array" in refused(watch.put_dashboard, DashboardName="a", DashboardBody="{}")


def test_a_dashboard_bears_the_accounts_time(watch: Any) -> None:
    """Not that of the machine."""
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    with metrics_stamped_by(clock):
        watch.put_dashboard(DashboardName="a", DashboardBody=json.dumps({"widgets": [TEXT]}))
        [told] = watch.list_dashboards()["DashboardEntries"]
    assert told["LastModified"] == clock.now()


def test_an_export_tells_what_is_deployed_and_its_integrations(clients: Clients) -> None:
    """A method that was added since is not in it."""
    rest = clients("apigateway")
    api = rest.create_rest_api(name="a")["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    for verb, sort in (("GET", "HTTP_PROXY"), ("OPTIONS", "MOCK"), ("POST", "MOCK")):
        if verb == "POST":
            rest.create_deployment(restApiId=api, stageName="prod")
        method = {"restApiId": api, "resourceId": root["id"], "httpMethod": verb}
        rest.put_method(**method, authorizationType="NONE")
        rest.put_integration(
            **method, type=sort, integrationHttpMethod=verb, uri="https://example.com/"
        )
    asked = {"restApiId": api, "stageName": "prod", "exportType": "oas30"}
    told = rest.get_export(**asked, parameters={"extensions": "integrations"})
    [path] = json.loads(told["body"].read())["paths"].values()
    kind = "x-amazon-apigateway-integration"
    assert {verb: one[kind]["type"] for verb, one in path.items()} == {
        "get": "http_proxy",
        "options": "mock",
    }
    plain = json.loads(rest.get_export(**asked)["body"].read())
    assert plain["paths"]["/"] == {"get": {}, "options": {}}
    assert refused(rest.get_export, **{**asked, "stageName": "dev"}).startswith("NotFound")
