"""Events that services send themselves beside CloudTrail's; only calls that succeeded cause any.

To add one: a function from a call to its ``Native`` events, and a line in ``_NATIVE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedded.trail_call import Made
from embedded.trail_shapes import parameter_arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """An event without its envelope's id, time and place."""

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    resources: Sequence[str] = field(default_factory=tuple)  # ARNs


def natives(made: Made) -> Iterator[Native]:
    """In the order in which the call names the resources."""
    told = _NATIVE.get((made.service, made.operation))
    if told is not None and not made.failed:
        yield from told(made)


def parameter_change(made: Made, name: str, operation: str, parameter: Mapping[str, Any]) -> Native:
    """Parameter Store Change; ``operation`` is Create, Update or Delete.

    ``detail.name`` keeps the leading slash that ``resources`` merges with its own, and a
    description is told only if there is one (Systems Manager user guide: event examples).
    """
    described = {"description": parameter["Description"]} if parameter.get("Description") else {}
    return Native(
        source="aws.ssm",
        detail_type="Parameter Store Change",
        detail={
            "operation": operation,
            "name": name,
            "type": parameter.get("Type", "String"),
            **described,
        },
        resources=[parameter_arn(made, name)],
    )


def _put(made: Made) -> Iterator[Native]:
    name = made.params["Name"]
    version = (made.answer or {}).get("Version", 2 if made.params.get("Overwrite") else 1)
    operation = "Create" if version == 1 else "Update"
    yield parameter_change(made, name, operation, {**made.before.get(name, {}), **made.params})


def _deleted(made: Made) -> Iterator[Native]:
    """DeleteParameters answers which of the names there were."""
    asked = made.params["Names"] if "Names" in made.params else [made.params["Name"]]
    for name in (made.answer or {}).get("DeletedParameters", asked):
        yield parameter_change(made, name, "Delete", made.before.get(name, {}))


def stack_status(made: Made, stack: str, status: str) -> Native:
    """CloudFormation Stack Status Change (CloudFormation User Guide: event details)."""
    token = made.params.get("ClientRequestToken", "")
    return Native(
        source="aws.cloudformation",
        detail_type="CloudFormation Stack Status Change",
        detail={
            "stack-id": stack,
            "status-details": {"status": status, "status-reason": ""},
            "client-request-token": token,
        },
        resources=[stack],
    )


def _completed(made: Made) -> Iterator[Native]:
    """CREATE_COMPLETE or UPDATE_COMPLETE, of the stack that the answer tells."""
    if stack := (made.answer or {}).get("StackId"):
        verb = made.operation.removesuffix("Stack").upper()
        yield stack_status(made, stack, f"{verb}_COMPLETE")


def _stack_deleted(made: Made) -> Iterator[Native]:
    """The call may name the stack without its id."""
    for known in made.before.values():
        yield stack_status(made, known["StackId"], "DELETE_COMPLETE")


_NATIVE: Mapping[tuple[str, str], Callable[[Made], Iterator[Native]]] = {
    ("cloudformation", "CreateStack"): _completed,
    ("cloudformation", "UpdateStack"): _completed,
    ("cloudformation", "DeleteStack"): _stack_deleted,
    ("ssm", "PutParameter"): _put,
    ("ssm", "DeleteParameter"): _deleted,
    ("ssm", "DeleteParameters"): _deleted,
}
