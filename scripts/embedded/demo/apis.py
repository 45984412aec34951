"""A scene of an API: its alarms come as it is deployed, and go with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded.demo.stage import Stage

API = "checkout"
STAGE = "prod"
THEIRS = "checkout is slow"
PUT, DELETE = "cloudwatch.PutMetricAlarm", "cloudwatch.DeleteAlarms"


def alarmed(stage: Stage) -> None:
    """A deployment lights up alarms; the API's end puts them out, and no other."""
    stage.clock(16, 30)
    stage.screen.say(
        "A developer deploys another API. By its event each stage gets alarms on errors and on the "
        "slowest requests, which no single request of a quiet night can set off."
    )
    before = stage.requests()
    api = _deployed(stage)
    stage.settle()
    found = _alarms(stage, api)
    for name, one in found.items():
        told = str(one["AlarmDescription"]).partition(" [")[0]
        stage.screen.line(stage.here.clock.now(), f"{name}: {told}", "green", depth=1)
    wanted = [f"{STAGE}/{sort}" for sort in ("error_4xx_rate", "error_5xx_rate", "latency_p99_ms")]
    stage.promise("an API has its alarms within a minute", sorted(found), wanted)
    stage.promise("each is put once", (stage.requests() - before)[PUT], len(wanted))
    _watch_by_hand(stage)
    stage.screen.say("The API is deleted. Its alarms go with it; what others have put stays.")
    stage.client("apigateway").delete_rest_api(restApiId=api)
    stage.settle()
    stage.promise("its alarms go with it", _alarms(stage, api), {})
    stage.promise("one that is not ours stays", len(_named(stage, THEIRS)), 1)
    stage.promise("three were deleted", (stage.requests() - before)[DELETE], len(wanted))


def _deployed(stage: Stage) -> str:
    """An API with one method, deployed; its id."""
    rest = stage.client("apigateway")
    api: str = rest.create_rest_api(name=API)["id"]
    [root] = rest.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "POST"}
    rest.put_method(**method, authorizationType="AWS_IAM")
    uri = "https://example.com/"
    rest.put_integration(**method, type="HTTP_PROXY", integrationHttpMethod="POST", uri=uri)
    rest.create_deployment(restApiId=api, stageName=STAGE)
    return api


def _watch_by_hand(stage: Stage) -> None:
    """Somebody puts an alarm of their own."""
    stage.client("cloudwatch").put_metric_alarm(
        AlarmName=THEIRS,
        Namespace="AWS/ApiGateway",
        MetricName="Latency",
        Dimensions=[{"Name": "ApiName", "Value": API}],
        ExtendedStatistic="p50",
        Period=60,
        EvaluationPeriods=5,
        Threshold=300,
        ComparisonOperator="GreaterThanThreshold",
    )


def _alarms(stage: Stage, api: str) -> Mapping[str, Mapping[str, Any]]:
    """Ours of an API, by what follows its id."""
    prefix = f"{stage.here.stack}/{api}/"
    found = _named(stage, prefix)
    return {str(one["AlarmName"]).removeprefix(prefix): one for one in found}


def _named(stage: Stage, prefix: str) -> list[Mapping[str, Any]]:
    told = stage.client("cloudwatch", "auditor").describe_alarms(AlarmNamePrefix=prefix)
    found: list[Mapping[str, Any]] = told["MetricAlarms"]
    return found
