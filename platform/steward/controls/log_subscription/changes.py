"""The calls from the filters of ours that a group has to those it should have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from steward.controls.log_subscription.log_group import Filter, LogGroup
from steward.model import Call

Filters = Mapping[str, Filter]


def changes_to(group: LogGroup, wanted: Filters) -> tuple[Call, ...]:
    """First put, then delete, so that no event is left out in between; the other way round where
    that was tried, and the group was full.

    Each call knows the filters of ours that there are after it, and so does its undo.
    """
    return tuple(_calls(group, wanted))


def _calls(group: LogGroup, wanted: Filters) -> Iterator[Call]:
    now: Filters = dict(group.owned)
    puts = [(name, told) for name, told in wanted.items() if now.get(name) != told]
    deletions = [(name, None) for name in sorted(now.keys() - wanted.keys())]
    for name, told in [*deletions, *puts] if group.full else [*puts, *deletions]:
        after = {one: there for one, there in now.items() if one != name}
        if told is None:
            yield _delete(group, name, after, _put(group, name, now))
        else:
            after[name] = told
            undo = _put(group, name, now) if name in now else _delete(group, name, now)
            yield _put(group, name, after, undo)
        now = after


def _put(group: LogGroup, name: str, after: Filters, undo: Call | None = None) -> Call:
    params = {"logGroupName": group.name, "filterName": name, **after[name]}
    return Call("logs", "PutSubscriptionFilter", params, undo, {"owned": after})


def _delete(group: LogGroup, name: str, after: Filters, undo: Call | None = None) -> Call:
    params = {"logGroupName": group.name, "filterName": name}
    return Call("logs", "DeleteSubscriptionFilter", params, undo, {"owned": after})


def sets(call: Call) -> Mapping[str, Any]:
    """The policy's fields that a call carries out, of those that the template limits."""
    told = call.params
    if call.operation == "PutSubscriptionFilter":
        return {"destination_arn": told["destinationArn"], "role_arn": told.get("roleArn", "")}
    if call.operation == "PutAccountPolicy":
        document = json.loads(told["policyDocument"])
        shipped = {"destination_arn": document["DestinationArn"]}
        return {**shipped, "role_arn": document.get("RoleArn", ""), "strategy": "account"}
    return {}
