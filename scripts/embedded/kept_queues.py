"""Queues as moto keeps them: all that people make, and the settings of those of the stack, too.

Messages are sent, delivered and redriven in queues of the stack only; see ``queues``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import SQSBackend, sqs_backends

from embedded.messages import not_there
from embedded.queues import Queues
from embedded.request import Request

Answer = Mapping[str, Any]


def overlays(queues: Queues) -> Mapping[tuple[str, str], Callable[[Request], Answer]]:
    """What answers in moto's place; see ``embedded.overlays.OVERLAYS``."""
    ours = queues.overlays()["sqs", "GetQueueAttributes"]

    def attributes(request: Request) -> Answer:
        return ours(request) if _of_stack(queues, _name(request)) else _attributes(request)

    def change(request: Request) -> Answer:
        told, name = request.params["Attributes"], _name(request)
        _kept(request).set_queue_attributes(name, told)
        if _of_stack(queues, name):
            queues[name].settings = queues[name].settings.changed(told)
        return {}

    def delete(request: Request) -> Answer:
        _kept(request).delete_queue(_name(request))
        queues.forget(_name(request))
        return {}

    return {
        ("sqs", "GetQueueAttributes"): attributes,
        ("sqs", "SetQueueAttributes"): change,
        ("sqs", "DeleteQueue"): delete,
    }


def _attributes(request: Request) -> Answer:
    names = request.params.get("AttributeNames", [])
    return {"Attributes": _kept(request).get_queue_attributes(_name(request), names)}


def _of_stack(queues: Queues, name: str) -> bool:
    return any(one.name == name for one in queues)


def _name(request: Request) -> str:
    return str(request.params["QueueUrl"]).rpartition("/")[2]


def _kept(request: Request) -> SQSBackend:
    """Moto's queues, of which one has the name. Raises Refusal."""
    backend = sqs_backends[request.account][request.region]
    try:
        backend.get_queue(_name(request))
    except QueueDoesNotExist as gone:
        raise not_there(request.params["QueueUrl"]) from gone
    return backend
