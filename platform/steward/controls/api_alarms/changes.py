"""The calls from the alarms that there are to those that there should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steward.controls.api_alarms import names
from steward.controls.api_alarms.state import ALARM, DASHBOARD
from steward.controls.api_alarms.values import Alarm, Alarms, Total
from steward.controls.api_gateway import is_about
from steward.model import Call, Ref

MOST = 80
"""Calls to CloudWatch in one change, whose record the ledger can hold; the next look goes on."""


def changes(now: Alarms, wanted: Alarms, tags: Mapping[str, str]) -> list[Call]:
    """First what is missing or otherwise, then what is too much. Each call tells what is left."""
    return list(_calls(now, wanted, tags))[:MOST]


def _calls(now: Alarms, wanted: Alarms, tags: Mapping[str, str]) -> Iterator[Call]:
    at = Total.of(now)
    for name in sorted(wanted):
        alarm, before = wanted[name], now.get(name)
        if before is None:
            after = at.plus(name, alarm)
            undo = _delete(name, at)
        elif (after := at.minus(name, before).plus(name, alarm)) != at:
            alarm = {**alarm, "ActionsEnabled": before["ActionsEnabled"]}
            undo = _put(name, before, tags, at)
        else:
            continue
        yield _put(name, alarm, tags, after, undo)
        at = after
    for name in sorted(now.keys() - wanted.keys()):
        after = at.minus(name, now[name])
        yield _delete(name, after, _put(name, now[name], tags, at))
        at = after


def _put(
    name: str, alarm: Alarm, tags: Mapping[str, str], after: Total, undo: Call | None = None
) -> Call:
    """Tags count only where the alarm is new (PutMetricAlarm, API reference)."""
    told = [{"Key": key, "Value": value} for key, value in tags.items()]
    params = {"AlarmName": name, **alarm, "Tags": told}
    return Call("cloudwatch", "PutMetricAlarm", params, undo, {"alarmed": after.text()})


def _delete(name: str, after: Total, undo: Call | None = None) -> Call:
    params = {"AlarmNames": [name]}
    return Call("cloudwatch", "DeleteAlarms", params, undo, {"alarmed": after.text()})


def sets(call: Call) -> Mapping[str, Any]:
    """The policy's fields that a call carries out, of those that the template limits."""
    if call.operation != "PutMetricAlarm":
        return {}
    return {
        "alarm_actions": list(call.params.get("AlarmActions", ())),
        "ok_actions": list(call.params.get("OKActions", ())),
    }


def about(call: Call, ref: Ref) -> bool:
    """Whether a call changes that stage, its alarms, or that alarm or dashboard, and no other."""
    told = call.params
    named = [told[name] for name in ("AlarmName", "DashboardName") if name in told]
    named += [*told.get("AlarmNames", ()), *told.get("DashboardNames", ())]
    if ref.kind in (ALARM, DASHBOARD):
        return named == [ref.id]
    if call.operation == "PutMetricAlarm":
        return names.owner(told["AlarmName"], told.get("AlarmDescription", "")) == ref
    if call.operation == "DeleteAlarms":
        return {names.api_of(name) for name in named} == {ref.id.partition("/")[0]}
    return is_about(call, ref)
