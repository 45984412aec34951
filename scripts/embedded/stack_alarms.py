"""The stack's alarms, which moto does not make, as CloudFormation and CloudWatch tell of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from embedded import metric_alarms, stacks
from embedded.alarms import in_alarm
from embedded.request import Request

if TYPE_CHECKING:
    from embedded.account import EmbeddedAccount

ALARM = "AWS::CloudWatch::Alarm"


def overlays(
    account: EmbeddedAccount,
) -> Mapping[tuple[str, str], Callable[[Request], Mapping[str, Any]]]:
    """What answers with the stack's alarms besides those that somebody has put."""
    return {
        ("cloudformation", "ListStackResources"): lambda request: _resources(account, request),
        ("cloudwatch", "DescribeAlarms"): lambda request: _alarms(account, request),
    }


def _resources(account: EmbeddedAccount, request: Request) -> Mapping[str, Any]:
    """The stack's alarms come with the last page."""
    answer = stacks.list_stack_resources(request)
    if request.params["StackName"] != account.stack or answer.get("NextToken"):
        return answer
    alarms = [
        {
            "LogicalResourceId": one.id,
            "ResourceType": ALARM,
            "PhysicalResourceId": one.properties["AlarmName"],
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": "2026-11-20T10:00:00Z",
        }
        for one in account.deployment.of_type(ALARM)
    ]
    return {**answer, "StackResourceSummaries": [*answer["StackResourceSummaries"], *alarms]}


def _alarms(account: EmbeddedAccount, request: Request) -> Mapping[str, Any]:
    """Those of the stack where they are asked for by name, in the state that they are in now."""
    asked = set(request.params.get("AlarmNames") or ())
    found = [one.properties for one in account.deployment.of_type(ALARM)]
    ours = [one for one in found if one["AlarmName"] in asked]
    if not ours:
        return metric_alarms.describe(request)
    ringing = {f"{account.stack}-{name}" for name in in_alarm(account)}
    told = [_told(one, ringing=one["AlarmName"] in ringing) for one in ours]
    return {"MetricAlarms": told, "CompositeAlarms": []}


def _told(alarm: Mapping[str, Any], *, ringing: bool) -> Mapping[str, Any]:
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm["AlarmDescription"],
        "ActionsEnabled": True,
        "AlarmActions": alarm.get("AlarmActions", []),
        "StateValue": "ALARM" if ringing else "OK",
    }
