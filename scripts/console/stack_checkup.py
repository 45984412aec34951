"""What a checkup looks at in a deployed stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from console.alarm_checkup import alarms
from console.config_checkup import config
from console.health import Check, Health, carefully
from console.place import Place
from console.session import LOG_SHIPPER
from console.sweep_checkup import sweeps
from console.traffic_checkup import delivery, functions, queues, shipping
from steward.aws import parameters
from steward.errors import BadPolicy
from steward.model import Control
from steward.policy import settled
from steward.shipping.settings import options, redaction
from steward.stack_policies import CONFIG_RULES

SETTLED = ("CREATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE")


def stack_checks(place: Place) -> Iterator[Check]:
    """Everything, also after something could not be looked at."""
    looks = {
        "stack": _stack,
        "stop switch": _stop,
        "policy": _policies,
        "sweeps": sweeps,
        "alarms": alarms,
        "queues": queues,
        "delivery": delivery,
        "functions": functions,
        "log shipping": shipping,
        "AWS Config": config,
    }
    for name, look in looks.items():
        yield from carefully(name, partial(look, place))


def _stack(place: Place) -> Iterator[Check]:
    stack = place.stack
    if stack.status in SETTLED:
        yield Check("stack", Health.OK, f"{stack.name} is {stack.status}")
    else:
        fix = f"aws cloudformation describe-stack-events --stack-name {stack.name}"
        yield Check("stack", Health.WARN, f"{stack.name} is {stack.status}", fix)
    if stack.drift == "DRIFTED":
        fix = f"aws cloudformation describe-stack-resource-drifts --stack-name {stack.name}"
        yield Check("stack", Health.WARN, "somebody changed what it is made of", fix)
    if place.has("AllowWrites", "false"):
        detail = "AllowWrites is false: no function may change anything, all of them only plan"
        yield Check("stack", Health.WARN, detail, "deploy with AllowWrites=true, then sweep")


def _stop(place: Place) -> Iterator[Check]:
    """Asked for by itself: whoever may not look at functions is to know of it all the same."""
    switch = parameters.read(place.aws, [parameters.stop_name(place.name)])
    if parameters.is_stopped(switch, place.name):
        fix = f"aws ssm delete-parameter --name /{place.name}/stop"
        yield Check("stop switch", Health.WARN, "it is set: every write is held", fix)
    else:
        yield Check("stop switch", Health.OK, "it is not set")


def _policies(place: Place) -> Iterator[Check]:
    """As the functions judge them: with the template's ceilings and what it allows."""
    for control in place.controls:
        yield _judged(place, control.id, partial(_control, place, control))
    yield _judged(place, CONFIG_RULES, partial(_config_rules, place))
    if place.has("LogShipping", "enabled"):
        yield _judged(place, LOG_SHIPPER, partial(_shipper, place))


def _judged(place: Place, name: str, told: Callable[[], str]) -> Check:
    try:
        return Check("policy", Health.OK, told())
    except BadPolicy as error:
        fix = f"put a correct /{place.name}/policy/{name}; a sweep follows by itself"
        return Check("policy", Health.FAIL, str(error), fix)


def _control(place: Place, control: Control[Any, Any]) -> str:
    loaded = place.policies.policy(control)
    return f"{control.id}: {loaded.policy.mode}, hash {loaded.hash}"


def _config_rules(place: Place) -> str:
    place.policies.heeding("")
    return f"{CONFIG_RULES}: fits"


def _shipper(place: Place) -> str:
    document = settled(LOG_SHIPPER, *place.layers(LOG_SHIPPER))
    options(document)
    redaction(document)
    return f"{LOG_SHIPPER}: fits"
