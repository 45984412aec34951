"""Scenes of log events: on their way to a log service, and while that service is out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from embedded.demo.stage import Stage

FUNCTION = "refund-mail"
GROUPS = "/aws/lambda/refund-"
GROUP = f"/aws/lambda/{FUNCTION}"
REQUEST = "8f5b0d6e-1111-4222-8333-444455556666"
SECRET = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105  # AWS's own example
SHIPPER = "log-shipper"
EVERY = 5
"""Minutes between two lines during the outage."""
OUT = 30
"""Minutes for which the log service is out."""


def arrives(stage: Stage) -> None:
    """A line of a function that is a minute old arrives at the log service, without its secret."""
    stage.clock(14, 30)
    stage.screen.say(
        f"The team has what begins with {GROUPS} subscribed to the stack's stream, from which the "
        "log shipper ships it on; here to a log service on this machine. A developer deploys a "
        "function, which logs a key by mistake, and a metric."
    )
    policy = {"mode": "enforce", "include": {"prefixes": [GROUPS]}}
    stage.put_parameter("policy/log-subscription", json.dumps(policy))
    stage.settle()
    stage.create(GROUP)
    stage.settle()
    _log(stage, f"ERROR refused: {SECRET}", "INFO MONITORING|3|Count|refunds|shop|region=eu")
    stage.settle()
    for event in stage.service.taken:
        _tell(stage, event)
    stage.promise("it is kept 30 days, by the same event", stage.retention().get(GROUP), 30)
    stage.promise("each line arrives once", [*stage.service.times.values()], [1, 1])
    first = stage.service.taken[0] if stage.service.taken else {}
    told = (first.get("level"), first.get("request_id"), SECRET in str(first.get("message")))
    stage.promise("with severity and request, without the key", told, ("ERROR", REQUEST, False))
    metrics = stage.client("cloudwatch").list_metrics(Namespace="shop")["Metrics"]
    stage.promise(
        "its metric is in CloudWatch", [one["MetricName"] for one in metrics], ["refunds"]
    )
    groups = {str(event["log_group"]) for event in stage.service.taken}
    stage.promise("nothing of the stack's own log is shipped: no loop", groups, {GROUP})


def outage(stage: Stage) -> None:
    """The log service is out for a while: what is logged meanwhile waits, and arrives once."""
    stage.clock(15, 0)
    stage.screen.say(
        "The log service is out for half an hour. What is logged meanwhile waits in the stream, "
        "which keeps it for two days; for each shard one request a minute tries whether it is back."
    )
    service, asked = stage.service, len(stage.service.posts)
    stage.screen.line(stage.here.clock.now(), "the log service answers 503", "red")
    service.status = 503
    lines = [f"INFO refund {number}" for number in range(OUT // EVERY)]
    for line in lines:
        _log(stage, line)
        stage.wait(minutes=EVERY)
    refused = len(service.posts) - asked
    told = f"{len(lines)} lines wait; {refused} requests were refused"
    stage.screen.line(stage.here.clock.now(), told, "yellow", depth=1)
    behind = f"{SHIPPER}-behind"
    stage.promise("the alarm over what waits rings", behind in stage.rang, wanted=True)
    stage.promise("nothing is set aside", _parked(stage), 0)
    service.status = 200
    stage.screen.line(stage.here.clock.now(), "the log service is back", "green")
    stage.wait(minutes=15)
    arrived = [message.rpartition("\t")[2] for message in service.messages][-len(lines) :]
    told = f"{len(arrived)} lines arrived, in {_good(stage, asked)} requests"
    stage.screen.line(stage.here.clock.now(), told, "bold green", depth=1)
    wanted = sorted(line.partition(" ")[2] for line in lines)
    stage.promise("every line arrives", sorted(arrived), wanted)
    stage.promise("each arrives once", {*service.times.values()}, {1})
    stage.promise("the alarm is over", behind in stage.here.alarms(), wanted=False)


def _log(stage: Stage, *lines: str) -> None:
    """The function prints lines, each after its level."""
    now = stage.here.clock.now()
    place = {"logGroupName": GROUP, "logStreamName": f"{now:%Y/%m/%d}/[$LATEST]{'0' * 32}"}
    logs = stage.client("logs", FUNCTION)
    if not logs.describe_log_streams(logGroupName=GROUP)["logStreams"]:
        logs.create_log_stream(**place)
    told = [line.partition(" ") for line in lines]
    messages = [
        f"{now:%Y-%m-%dT%H:%M:%S}.000Z\t{REQUEST}\t{level}\t{text}" for level, _, text in told
    ]
    at = int(now.timestamp() * 1000)
    events = [{"timestamp": at, "message": message} for message in messages]
    logs.put_log_events(**place, logEvents=events)


def _tell(stage: Stage, event: Mapping[str, object]) -> None:
    text = str(event["message"]).rpartition("\t")[2]
    told = f"arrived from {event['function']}, {event['level']}: {text}"
    stage.screen.line(stage.here.clock.now(), told, "green", depth=1)


def _good(stage: Stage, since: int) -> int:
    return sum(one.status == 200 for one in stage.service.posts[since:])


def _parked(stage: Stage) -> int:
    here = stage.here
    bucket = f"{here.stack}-logs-{here.account}-{here.region}"
    told = stage.client("s3", "auditor").list_objects_v2(Bucket=bucket)
    return int(told["KeyCount"])
