"""From the layers that a function has to those it should have. Pure, and about ARNs only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.controls.function_layers.layer import MOST, layer_of, number_of
from steward.model import Call


@dataclass(frozen=True, slots=True)
class Plan:
    """The layers to be, in order, and those for which no slot is left."""

    layers: list[str]
    left_out: Sequence[str] = ()


def plan(
    layers: Sequence[str], wanted: Mapping[str, str], ours: Collection[str], drop: Collection[str]
) -> Plan:
    """Replace in place, drop what is ours and no longer wanted, add at the end.

    ``wanted`` has versions by layer. A newer version stays, unless we put it there ourselves: then
    the rule went back to an older one. Layers that are not wanted keep their order.
    """
    final = {layer: _settled(layer, arn, layers, ours) for layer, arn in wanted.items()}
    planned: list[str] = []
    for arn in layers:
        one = final.get(layer_of(arn), arn)
        if arn not in drop and one not in planned:
            planned.append(one)
    more = [arn for arn in final.values() if arn not in planned]
    room = max(0, MOST - len(planned))
    return Plan([*planned, *more[:room]], more[room:])


def _settled(layer: str, wanted: str, layers: Sequence[str], ours: Collection[str]) -> str:
    """The version that it comes to: the wanted one, or a newer one that somebody else put."""
    there = [arn for arn in layers if layer_of(arn) == layer and arn not in ours]
    return max([wanted, *there], key=number_of)


def ours_after(before: Sequence[str], after: Sequence[str], ours: Collection[str]) -> list[str]:
    """Which of the layers after our own call are ours.

    What took the place of somebody else's version is not: without us there would be that one.
    """
    taken = {layer_of(arn) for arn in before if arn not in ours}
    return [arn for arn in after if (arn in ours if arn in before else layer_of(arn) not in taken)]


def sets(call: Call) -> Mapping[str, Any]:
    """The policy's fields that a call carries out: a rule for each layer that it adds.

    What takes the place of another version is no addition: an undo gives back what was there.
    """
    before = {layer_of(arn) for arn in (call.undo.params["Layers"] if call.undo else ())}
    added = [arn for arn in call.params["Layers"] if layer_of(arn) not in before]
    return {"rules": [{"layer_arn": arn} for arn in added]}
