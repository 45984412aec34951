"""What is to become of a function's layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from steward.controls.function_layers.codes import PENDING
from steward.controls.function_layers.layer import Offer, layer_of, number_of, short
from steward.controls.function_layers.planning import Plan, plan
from steward.controls.function_layers.state import Function, Policy

_UNUSABLE = ("Failed", "Deleting")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of a function's layers, and what stands against a part of it."""

    wanted: Mapping[str, str]  # by layer, without what cannot be had
    missing: Sequence[str]
    unfit: Sequence[str]  # in words
    plan: Plan


def left_out(function: Function, policy: Policy) -> tuple[str, str] | None:
    """Code and reason why a function is not to have layers; None if it may."""
    if policy.is_own(function.name):
        return "OWN_FUNCTION", "a function of Steward's own stack"
    if function.is_image:
        return "CONTAINER_IMAGE", "a container image takes no layers"
    if function.state == "Pending":
        return PENDING, "Lambda is still making the function"
    if function.state in _UNUSABLE:
        return "FUNCTION_NOT_USABLE", f"its state is {function.state}"
    return None


def wish_of(function: Function, policy: Policy) -> Wish:
    selected = policy.wanted(function)
    unfit: dict[str, str] = {}
    for layer, arn in selected.items():
        misfits = _offer(function, arn).misfits(function.runtime, function.architectures)
        if odd := ", ".join(misfits):
            unfit[layer] = f"{short(arn)} was not made for {odd}"
    fit = {layer: arn for layer, arn in selected.items() if layer not in unfit}
    missing = [arn for arn in fit.values() if not _offer(function, arn).exists]
    lacked = [arn for arn in missing if not carries(function.layers, arn)]
    had = {layer: arn for layer, arn in fit.items() if arn not in lacked}
    drop = [arn for arn in function.ours if layer_of(arn) not in selected]
    planned = plan(function.layers, had, function.ours, drop)
    return Wish(had, lacked, [*unfit.values()], planned)


def _offer(function: Function, arn: str) -> Offer:
    return function.offers.get(arn, Offer())


def carries(layers: Iterable[str], wanted: str) -> bool:
    """Whether there is that version of its layer among them, or a newer one."""
    return any(
        layer_of(arn) == layer_of(wanted) and number_of(arn) >= number_of(wanted) for arn in layers
    )


def to_be_live(function: Function, policy: Policy) -> list[str]:
    """What the function carries of what rules ask for, or will once its plan is carried out."""
    if left_out(function, policy) or policy.excludes(function.ref):
        return []
    wish = wish_of(function, policy)
    return [arn for arn in wish.wanted.values() if carries(wish.plan.layers, arn)]
