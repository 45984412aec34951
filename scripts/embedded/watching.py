"""Sees every request to the embedded account: judges its caller, and tells CloudTrail of it."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.parsers import create_parser

from embedded.authorization import Gate, Policy, decide
from embedded.overlays import Answered, Overlay
from embedded.request import Refusal, Request
from embedded.requirements import requirements
from embedded.stacks import calls_by_cloudformation, identified
from embedded.tag_calls import calls_by_tagging
from embedded.trail import Caller, Identity, Made
from embedded.trail_rules import delivered
from steward.model import Clock

_DENIED = dict.fromkeys(("cloudwatch", "s3", "sqs"), "AccessDenied")
"""How services that speak XML-born codes name a refusal; others: AccessDeniedException."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the stack, and what it grants."""

    name: str
    session: str
    policies: Sequence[Policy]


@dataclass(slots=True)
class Watch:
    """The witness of an embedded account; see ``embedded.overlays.Witness``.

    ``roles`` are those that sign with an access key; whoever signs with another key is a person.
    """

    clock: Clock
    people: Mapping[str, str]
    """User names by access key."""
    overlays: Mapping[tuple[str, str], Overlay]
    roles: Mapping[str, Role] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    calls: deque[Made] = field(default_factory=deque)
    """What was asked and is told to rules, oldest first, until somebody takes it."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Role or user, service and operation of every request."""
    paused: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before(self, request: Request) -> None:
        role = self.roles.get(request.access_key)
        if role is None or self.paused:
            return
        for asked in requirements(
            request.service,
            request.operation,
            request.params,
            account=request.account,
            region=request.region,
            partition="aws",
            path=request.path,
        ):
            self.gate.record(role.name, asked)
            decision = decide(role.policies, asked)
            if not decision.allowed:
                code = _DENIED.get(request.service, "AccessDeniedException")
                who = f"arn:aws:sts::{request.account}:assumed-role/{role.name}/{role.session}"
                raise Refusal(code, f"User: {who} is not authorized: {decision.reason}")

    def after(self, request: Request, answered: Answered) -> None:
        if self.paused:
            return
        caller = self._caller(request)
        with self._lock:
            self.seen.append((caller.name, request.service, request.operation))
        if not delivered(request.service, request.operation):
            return
        code, message, document = _answer(request, answered)
        made = Made(
            service=request.service,
            operation=request.operation,
            params=request.params,
            account=request.account,
            region=request.region,
            time=self.clock.now(),
            caller=caller,
            error_code=code,
            error_message=message,
            answer=document,
        )
        with self._lock:
            self.calls.append(identified(made))
            self.calls.extend(calls_by_cloudformation(made))
            self.calls.extend(calls_by_tagging(made))

    def _caller(self, request: Request) -> Caller:
        role = self.roles.get(request.access_key)
        if role is not None:
            return Caller(
                type=Identity.ROLE,
                account=request.account,
                name=role.name,
                session=role.session,
                access_key=request.access_key,
            )
        name = self.people.get(request.access_key, "developer")
        return Caller(account=request.account, name=name, access_key=request.access_key)


def _answer(request: Request, answered: Answered) -> tuple[str, str, Mapping[str, Any] | None]:
    """Error code, message and document of an answer, by the service's own protocol."""
    model = _model(request.service)
    parser = create_parser(model.resolved_protocol)
    operation = model.operation_model(request.operation)
    shape, streams = operation.output_shape, operation.has_streaming_output
    told = {
        "status_code": answered.status,
        "headers": {name.lower(): value for name, value in answered.headers.items()},
        "body": b"" if streams and answered.status < 400 else answered.body,  # no event tells it
        "context": {"operation_name": request.operation},
    }
    document = parser.parse(told, shape)
    error = document.get("Error", {})
    if answered.status >= 400:
        return str(error.get("Code", answered.status)), str(error.get("Message", "")), None
    document.pop("ResponseMetadata", None)
    return "", "", json.loads(json.dumps(document, default=str))


@cache
def _model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)
