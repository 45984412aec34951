"""Where CloudWatch Logs sends log events: what it tries before it takes a subscription filter."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.utils import unix_time_millis
from moto.firehose.models import firehose_backends
from moto.kinesis.models import kinesis_backends
from moto.logs.models import logs_backends

from embedded import roles, stamping
from embedded.function_policies import ANY, invocable
from embedded.request import Request, invalid

SERVICE = "logs.amazonaws.com"

_NO_ROLE = "destinationArn for vendor {} cannot be used without roleArn"
NOT_INVOCABLE = (
    "Could not execute the lambda function. "
    "Make sure you have given CloudWatch Logs permission to execute your function."
)
_NOT_THERE = {
    "kinesis": "Could not deliver test message to specified Kinesis stream. "
    "Check if the given Kinesis stream is in ACTIVE state.",
    "firehose": "Could not deliver test message to specified Firehose stream. "
    "Check if the given Firehose stream is in ACTIVE state.",
    "lambda": NOT_INVOCABLE,
    "logs": "The specified destination does not exist.",
}
_TEST = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."


def check(request: Request, arn: str, role: str) -> None:
    """Try a destination with a filter's role; a stream of Kinesis gets a test message.

    Raises Refusal as AWS words it. The role of a Firehose stream is not looked at.
    """
    service = arn.split(":")[2]
    if service in ("kinesis", "firehose") and not role:
        raise invalid(_NO_ROLE.format(service))
    if service not in _THERE or not _THERE[service](request, arn):
        raise invalid(_NOT_THERE.get(service, f"{arn} is no destination"))
    if service == "kinesis":
        reason = refused(arn, role)
        if reason:
            raise invalid(reason)
        _test(request, arn)


def refused(stream: str, role: str) -> str:
    """Why CloudWatch Logs cannot put records into a stream with a role; '' where it can."""
    found = roles.find(role)
    if found is None or not roles.trusts(found, SERVICE):
        return _NOT_THERE["kinesis"]
    _, _, _, region, account, name = stream.split(":")
    asked = [("kinesis:PutRecord", stream)]
    key = _key_of(region, account, name.removeprefix("stream/"))
    if key:
        asked.append(("kms:GenerateDataKey", key))
    who = f"arn:aws:sts::{role.split(':')[4]}:assumed-role/{found.name}/CloudWatchLogs"
    facts = {"kms:ViaService": f"kinesis.{region}.amazonaws.com"}
    return next(
        (
            f"User: {who} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
            for action, resource in asked
            if roles.refusal(found, action, resource, facts)
        ),
        "",
    )


def _key_of(region: str, account: str, name: str) -> str:
    """The ARN of the customer's own key that a stream is encrypted with; '' for none."""
    stream = kinesis_backends[account][region].streams.get(name)
    key = str(stream.key_id or "") if stream else ""
    return key if key.startswith("arn:") else ""


def _test(request: Request, arn: str) -> None:
    message = {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [
            {"id": "", "timestamp": int(unix_time_millis(stamping.now())), "message": _TEST}
        ],
    }
    data = encoded(packed(message))
    backend = kinesis_backends[request.account][request.region]
    key = hashlib.sha256(data.encode()).hexdigest()[:32]
    backend.put_record(arn, arn.rpartition("/")[2], key, "", data)


def packed(message: Mapping[str, Any]) -> bytes:
    """A message as it goes to its destination."""
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode("utf-8", "surrogatepass"), 6, mtime=0)


def encoded(message: bytes) -> str:
    """A message as it stands in JSON."""
    return base64.b64encode(message).decode()


def _stream(request: Request, arn: str) -> bool:
    streams = kinesis_backends[request.account][request.region].streams
    return any(one.arn == arn for one in streams.values())


def _firehose(request: Request, arn: str) -> bool:
    streams = firehose_backends[request.account][request.region]
    return streams.lookup_name_from_arn(arn) is not None


def _function(request: Request, arn: str) -> bool:
    group = request.params.get("logGroupName", ANY)
    return invocable(request.account, request.region, arn, group)


def _destination(request: Request, arn: str) -> bool:
    made = logs_backends[request.account][request.region].destinations
    return any(one.arn == arn for one in made.values())


_THERE: Mapping[str, Callable[[Request, str], bool]] = {
    "kinesis": _stream,
    "firehose": _firehose,
    "lambda": _function,
    "logs": _destination,
}
"""Whether a destination exists and, if it is a function, may be invoked; by its ARN's service."""
