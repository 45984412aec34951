"""From Lambda's answers to functions: their layers, tags, and the versions that rules want."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from steward.controls.function_layers.layer import Offer, layer_of, number_of
from steward.controls.function_layers.memory import Memory
from steward.controls.function_layers.state import KIND, Function, Policy
from steward.controls.tag_index import Tags
from steward.controls.unreadable import unread
from steward.errors import Gone, NotConnected, OutOfTime, Refused, StewardError
from steward.model import Ref, Sight, Unread

Described: TypeAlias = Mapping[str, Any]
"""A function's configuration, from a list or by its name."""

TagsOf: TypeAlias = Callable[[Sequence[str]], Tags]


def functions(
    sight: Sight[Policy], told: Sequence[Described], tags: TagsOf
) -> Iterator[Function | Unread]:
    """Functions in their order; where tags are needed and cannot be read, nothing is judged."""
    found: Tags = {}
    if told and sight.policy.uses_tags():
        try:
            found = tags([one["FunctionArn"] for one in told])
        except Refused as refusal:
            reason = f"tags could not be read: {refusal}"
            for one in told:
                yield Unread(Ref(KIND, one["FunctionName"]), "TAGS_UNREADABLE", reason)
            return
    items = sight.known.items([Ref(KIND, one["FunctionName"]) for one in told])
    for one in told:
        memory = Memory.of(items.get(Ref(KIND, one["FunctionName"])))
        yield function(sight, one, found.get(one["FunctionArn"], {}), memory)


def function(
    sight: Sight[Policy], told: Described, tags: Mapping[str, str], memory: Memory
) -> Function | Unread:
    """One function, with what is known of the layer versions that it is to have."""
    name, image = told["FunctionName"], told.get("PackageType") == "Image"
    if not image and not told.get("Runtime"):
        return Unread(Ref(KIND, name), "UNREADABLE", "Lambda tells no runtime of it")
    layers = {one["Arn"]: one.get("CodeSize", 0) for one in told.get("Layers", ())}
    read = Function(
        name=name,
        runtime="" if image else told["Runtime"],
        architectures=tuple(told.get("Architectures") or ("x86_64",)),
        layers=list(layers),
        found=list(layers),
        sizes={"": told.get("CodeSize", 0), **layers},
        revision=told.get("RevisionId", ""),
        state=told.get("State", ""),
        status=told.get("LastUpdateStatus", ""),
        lagging=tuple(memory.lagging),
        seen=memory.seen,
        ours=tuple(memory.ours),
        tags=tags,
    )
    return _offered(sight, read)


def _offered(sight: Sight[Policy], read: Function) -> Function | Unread:
    policy, offers = sight.policy, {}
    if read.is_image or policy.is_own(read.name) or policy.excludes(read.ref):
        return read
    for arn in policy.wanted(read).values():
        offer = sight.known.once(f"layer version {arn}", partial(_offer, sight, arn))
        if isinstance(offer, StewardError):
            return unread(read.ref, offer)
        offers[arn] = offer
    return replace(read, offers=offers)


def _offer(sight: Sight[Policy], arn: str) -> Offer | StewardError:
    """A layer version, or why it cannot be read; asked for once in a step, whoever needs it."""
    asked = {"LayerName": layer_of(arn), "VersionNumber": number_of(arn)}
    try:
        told = sight.aws.ask("lambda", "GetLayerVersion", **asked)
    except Gone:
        return Offer(exists=False)
    except (NotConnected, OutOfTime):
        raise
    except StewardError as error:
        return error
    return Offer(
        tuple(told.get("CompatibleRuntimes", ())),
        tuple(told.get("CompatibleArchitectures", ())),
        told.get("Content", {}).get("CodeSize", 0),
    )
