"""The dashboard's widgets: what each shows, by metrics that a run emits and AWS keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded.template import Document
from steward.controls import CONTROLS
from steward.model import Fate
from steward.reports.figures import STORED_GB
from steward.telemetry import NAMESPACE

SWEPT = 900
"""Seconds: within a quarter of an hour a control is hardly swept twice, of which the worse count
would stay until the next sweep."""
DAY, HOUR, MINUTES = 86400, 3600, 300

AUDIT = "/steward/${AWS::StackName}/audit"
ALARM = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"

COMPUTING = (
    'SUM(METRICS("duration")) / 1000 * 0.5 * 0.0000133334 + SUM(METRICS("calls")) * 0.0000002'
)
"""USD: GB-seconds of functions by half GBs on arm64, and requests (us-east-1, November 2026)."""

LEDGER = "reads * 0.000000125 + writes * 0.000000625"
"""USD: request units of a table on demand (us-east-1, November 2026)."""

HALF_GB = 512
"""MB that functions have, where they do not say otherwise."""

Metric = list[Any]
Widget = dict[str, Any]


@dataclass(frozen=True, slots=True)
class When:
    """An item of a list that is there under a condition of the template only."""

    condition: str
    item: Any


def title() -> Widget:
    """What this is, and where to go on."""
    text = (
        "# ${AWS::StackName}: what is not in order, and what was done about it\n"
        "Counts are of each control's last sweep; the table is of now. "
        "[Alarms](#alarmsV2:) | [Audit log](#logsV2:log-groups/log-group/"
        "$252Fsteward$252F${AWS::StackName}$252Faudit) | [Log groups](#logsV2:log-groups"
        "$3FlogGroupNameFilter$3D$252Faws$252Flambda$252F${AWS::StackName}-)"
    )
    return {"type": "text", "properties": {"markdown": text, "background": "transparent"}}


def number(name: str, expression: str, *metrics: str, **more: Any) -> Widget:
    """One number over all controls, as of their last sweeps, with its course."""
    state = [metric for one in metrics for metric in _of_controls(one)]
    shown = {"expression": expression, "id": "total", "label": name, "period": SWEPT}
    told = {"view": "singleValue", "sparkline": True, "stat": "Maximum", "period": SWEPT, **more}
    return _metric(name, [[shown], *state], **told)


def by_control(name: str, metric: str, **more: Any) -> Widget:
    """A metric of each control, between sweeps as the last one left it."""
    filled = [
        [{"expression": f"FILL({_id(metric)}{n}, REPEAT)", "id": f"shown{n}", "label": one.id}]
        for n, one in enumerate(CONTROLS)
    ]
    told = {"stat": "Maximum", "period": SWEPT, **more}
    return _metric(name, [*filled, *_of_controls(metric)], **told)


def changes() -> Widget:
    """What was put right, a day."""
    metrics = [
        [NAMESPACE, "Outcomes", "Control", one.id, "Fate", Fate.REMEDIATED.value, {"label": one.id}]
        for one in CONTROLS
    ]
    return _metric("Put right, a day", metrics, stat="Sum", period=DAY, stacked=True)


def undone(*fates: Fate) -> Widget:
    """What was not put right, and how that came, an hour."""
    totals = [
        [{"expression": f'SUM(METRICS("{one.value}"))', "id": f"all{n}", "label": one.value}]
        for n, one in enumerate(fates)
    ]
    metrics = [
        [
            *(NAMESPACE, "Outcomes", "Control", control.id, "Fate", fate.value),
            _hidden(fate.value, n),
        ]
        for fate in fates
        for n, control in enumerate(CONTROLS)
    ]
    return _metric("Not put right, an hour", [*totals, *metrics], stat="Sum", period=HOUR)


def lag() -> Widget:
    """How late events are."""
    metrics = [
        [NAMESPACE, "EventLagSeconds", {"stat": stat, "label": stat}] for stat in ("p50", "p99")
    ]
    return _metric("From an event to our looking, seconds", metrics, stat="p50", period=HOUR)


def table(name: str, fields: str, wanted: str) -> Widget:
    """Lines of the audit log; each load pays for what the time range holds of it."""
    query = (
        f"SOURCE '{AUDIT}' | fields {fields} | filter {wanted} | sort @timestamp desc | limit 50"
    )
    told = {"query": query, "region": "${AWS::Region}", "title": name, "view": "table"}
    return {"type": "log", "properties": told}


def compliance() -> Widget:
    """The table that a function makes of the ledger, anew when somebody asks for it."""
    told = {
        "title": "Not in order now",
        "endpoint": "${ComplianceWidget.Arn}",
        "params": {"rows": 20},
        "updateOn": {"refresh": True, "resize": False, "timeRange": False},
    }
    return {"type": "custom", "properties": told}


def alarms(name: str, template: Document, wanted: Callable[[str], bool], *states: str) -> Widget:
    """The stack's alarms; with states only those that are in one of them."""
    shown = (
        _when(one, ALARM + one["Properties"]["AlarmName"]["Fn::Sub"])
        for one in template["Resources"].values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        if wanted(one["Properties"]["AlarmName"]["Fn::Sub"])
    )
    told = {"title": name, "alarms": [*shown], "sortBy": "stateUpdatedTimestamp"}
    return {"type": "alarm", "properties": told | ({"states": [*states]} if states else {})}


def costs(template: Document) -> Widget:
    """What running costs by metrics, a day; what is fixed stands beside it."""
    totals = [
        [{"expression": COMPUTING, "id": "computing", "label": "functions"}],
        [{"expression": LEDGER, "id": "ledger", "label": "ledger"}],
    ]
    units = [
        ["AWS/DynamoDB", f"Consumed{name}CapacityUnits", "TableName", "${Ledger}", told]
        for name, told in (
            ("Read", {"id": "reads", "visible": False}),
            ("Write", {"id": "writes", "visible": False}),
        )
    ]
    metrics = [
        *_durations(template),
        *of_functions(template, "Invocations", hidden="calls"),
    ]
    name = "Functions and ledger, USD a day"
    return _metric(name, [*totals, *units, *metrics], stat="Sum", period=DAY, stacked=True)


def _durations(template: Document) -> list[Any]:
    """How long functions ran: each as often as it has half a GB, so that a sum is by GB."""
    halves = {
        name: int(one["Properties"].get("MemorySize", HALF_GB)) // HALF_GB
        for name, one in _of_type(template, "AWS::Serverless::Function")
    }
    found: list[Any] = []
    for name, times in halves.items():
        one = template["Resources"][name]
        for _ in range(times):
            told = _hidden("duration", len(found))
            of = ["AWS/Lambda", "Duration", "FunctionName", f"${{{name}}}", told]
            found.append(_when(one, of))
    return found


def ingested() -> Widget:
    """What the account writes to its logs: of this a bounded retention, once its time is over,
    leaves nothing to be paid for."""
    metrics = [["AWS/Logs", "IncomingBytes", {"label": "bytes"}]]
    return _metric("Log events of the whole account, bytes a day", metrics, stat="Sum", period=DAY)


def stored() -> Widget:
    """What the account stores, between sweeps as the last complete one told it, and what of it is
    paid for."""
    price = f"FILL(logs, REPEAT) / 1000000000 * {STORED_GB}"
    shown = [
        [{"expression": "FILL(logs, REPEAT)", "id": "data", "label": "log data, bytes"}],
        [{"expression": "FILL(code, REPEAT)", "id": "all", "label": "code of functions, bytes"}],
        [{"expression": price, "id": "paid", "label": "log data, USD a month", "yAxis": "right"}],
    ]
    metrics = [
        [NAMESPACE, "LogStoredBytes", {"id": "logs", "visible": False}],
        [NAMESPACE, "LambdaCodeStorageBytes", {"id": "code", "visible": False}],
    ]
    told = {"stat": "Maximum", "period": SWEPT}
    return _metric("Stored in the whole account", [*shown, *metrics], **told)


def fixed(template: Document) -> Widget:
    """What metrics cannot tell of costs and savings."""
    count = sum(one["Type"] == "AWS::CloudWatch::Alarm" for one in template["Resources"].values())
    text = (
        "**What no metric tells.** A month, in N. Virginia, November 2026: this dashboard 3.00 "
        f"USD, up to {count} alarms 0.10 each, metrics 0.30 each by the hour in which they have "
        f"values; a GB of log data {STORED_GB}. "
        "What was saved is proven by changes, with what they rest on: `steward report`."
    )
    return {"type": "text", "properties": {"markdown": text}}


def of_functions(template: Document, metric: str, hidden: str = "") -> list[Any]:
    """A metric of each of the stack's functions."""
    found: list[Any] = []
    for name, one in _of_type(template, "AWS::Serverless::Function"):
        told = _hidden(hidden, len(found)) if hidden else {"label": f"{name} {metric}"}
        of = ["AWS/Lambda", metric, "FunctionName", f"${{{name}}}", told]
        found.append(_when(one, of))
    return found


def of_dead_letters(template: Document) -> list[Any]:
    """What lies in each queue that is no inbox."""
    number = "ApproximateNumberOfMessagesVisible"
    return [
        _when(one, ["AWS/SQS", number, "QueueName", f"${{{name}.QueueName}}", {"label": name}])
        for name, one in _of_type(template, "AWS::SQS::Queue")
        if "RedrivePolicy" not in one["Properties"]
    ]


def of_rules(template: Document, metric: str) -> list[Any]:
    """A metric of each rule that delivers events."""
    return [
        _when(
            one, ["AWS/Events", metric, "RuleName", f"${{{name}}}", {"label": f"{name} {metric}"}]
        )
        for name, one in _of_type(template, "AWS::Events::Rule")
    ]


def of_sweeps() -> list[Metric]:
    """What sweeps, and calls, came to that should not have happened."""
    ends = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
    own = ("IncompleteSweeps", "ThrottledCalls", "GivenBack", "InternalErrors", "AuditFailures")
    return [
        *(["AWS/States", one, "StateMachineArn", "${Sweep}", {"label": one}] for one in ends),
        *([NAMESPACE, one, {"label": one}] for one in own),
    ]


def health(name: str, metrics: Iterable[Any], stat: str) -> Widget:
    """What should be 0, every five minutes."""
    return _metric(name, [*metrics], stat=stat, period=MINUTES)


def _of_controls(metric: str) -> list[Metric]:
    return [
        [NAMESPACE, metric, "Control", one.id, _hidden(_id(metric), n)]
        for n, one in enumerate(CONTROLS)
    ]


def _id(metric: str) -> str:
    """What ids of a metric begin with, and no other's contain."""
    return metric[0].lower() + metric[1:]


def _hidden(name: str, number: int) -> dict[str, Any]:
    return {"id": f"{name}{number}", "visible": False}


def _metric(name: str, metrics: Sequence[Any], **told: Any) -> Widget:
    properties = {"title": name, "region": "${AWS::Region}", "view": "timeSeries", **told}
    return {"type": "metric", "properties": {**properties, "metrics": [*metrics]}}


def _of_type(template: Document, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, one) for name, one in template["Resources"].items() if one["Type"] == kind]


def _when(resource: Mapping[str, Any], item: Any) -> Any:
    """An item about a resource, which is there as long as the resource is."""
    condition = resource.get("Condition", SHOWING)
    return item if condition == SHOWING else When(condition, item)


SHOWING = "Showing"
"""The condition under which there is a dashboard at all."""
