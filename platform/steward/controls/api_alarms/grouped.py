"""One alarm over all APIs of a sort for each metric, by a query of CloudWatch Metrics Insights.

It rings for each stage by its name: the query returns a series for each. Metrics Insights has no
percentiles, and its alarms no guard against little traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from steward.controls.api_alarms import names
from steward.controls.api_alarms.alarms import definition, described
from steward.controls.api_alarms.changes import changes
from steward.controls.api_alarms.measures import (
    AVERAGE,
    NAMES,
    NAMESPACE,
    RATE_4XX,
    RATE_5XX,
    Protocol,
)
from steward.controls.api_alarms.state import ALARM, Grouped, Policy
from steward.controls.api_alarms.values import NONE, Alarms, total
from steward.model import Finding, Ref, Verdict


def wanted(policy: Policy) -> Alarms:
    """The alarms over all APIs, by name; none with another granularity."""
    return dict(_wanted(policy)) if policy.is_grouped else {}


def _wanted(policy: Policy) -> Iterator[tuple[str, Mapping[str, object]]]:
    for protocol in Protocol:
        for sort, metrics in _metrics(protocol).items():
            threshold = policy.alarms.get(sort)
            for metric in metrics if threshold is not None else ():
                parts = (protocol.lower(), metric, sort)
                name = names.alarm_name(policy.alarm_prefix, names.ALL, *parts)
                about = f"A stage of a {protocol} API: {described(sort, threshold or 0)} ({metric})"
                text = f"{about} {names.mark(Ref(ALARM, name), name)}"
                query = {
                    "Id": "query",
                    "Expression": _query(protocol, metric),
                    "Period": policy.period_seconds,
                    "ReturnData": True,
                }
                yield name, definition(policy, sort, threshold or 0, [query], text)


def _metrics(protocol: Protocol) -> Mapping[str, tuple[str, ...]]:
    """The metrics whose average is what a threshold is about; each has an alarm of its own."""
    known = NAMES[protocol]
    return {
        RATE_4XX: known.client_errors,
        RATE_5XX: known.server_errors,
        AVERAGE: (known.latency,),
    }


def _query(protocol: Protocol, metric: str) -> str:
    by = "ApiName, Stage" if protocol is Protocol.REST else "ApiId, Stage"
    what = f'AVG("{metric}") FROM SCHEMA("{NAMESPACE}", {by})'
    return f"SELECT {what} GROUP BY {by} ORDER BY AVG() DESC"


def judge(state: Grouped, policy: Policy) -> Finding:
    """Judge an alarm over all APIs."""
    asked = {name: alarm for name, alarm in wanted(policy).items() if name == state.name}
    if state.taken and asked:
        reason = "an alarm of this name is not ours"
        return Finding(state.ref, Verdict.NON_COMPLIANT, "NAME_TAKEN", reason)
    if state.alarmed == total(asked):
        verdict = Verdict.COMPLIANT if asked else Verdict.NOT_APPLICABLE
        return Finding(state.ref, verdict, "IN_PLACE", "as it should be" if asked else "not needed")
    tags = {"steward:control": "api-alarms", "steward:stack": policy.alarm_prefix}
    now = {state.name: state.alarm} if state.alarm else {}
    calls = tuple(changes(now, asked, tags))
    if not asked:
        reason = f"granularity is '{policy.granularity}', or its threshold null"
        return Finding(state.ref, Verdict.NON_COMPLIANT, "LEFT_OVER", reason, calls)
    reason = "otherwise" if state.alarmed != NONE else "missing"
    return Finding(state.ref, Verdict.NON_COMPLIANT, "NOT_IN_PLACE", reason, calls)
