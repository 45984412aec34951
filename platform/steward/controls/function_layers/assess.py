"""Whether a function carries the layer versions that it should, also where it is live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steward.controls.function_layers.codes import BUSY, LAYERED, LIVE, NEWER, PENDING, TOO_LARGE
from steward.controls.function_layers.layer import LARGEST, layer_of, number_of, short
from steward.controls.function_layers.planning import ours_after
from steward.controls.function_layers.state import Function, Policy
from steward.controls.function_layers.wish import Wish, left_out, wish_of
from steward.model import Call, Finding, Verdict


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function; the first statement that applies decides."""
    if why := left_out(function, policy):
        return _settled(function, Verdict.NOT_APPLICABLE, *why)
    wish = wish_of(function, policy)
    if wish.plan.layers != list(function.layers):
        return _change(function, policy, wish)
    if wish.missing:
        reason = f"{_listed(wish.missing)}: there is no such version, or it is not shared with us"
        return _settled(function, Verdict.NON_COMPLIANT, "LAYER_VERSION_MISSING", reason)
    if wish.plan.left_out:
        reason = f"{_listed(wish.plan.left_out)}: it has {len(function.layers)} layers already"
        return _settled(function, Verdict.NON_COMPLIANT, "NO_LAYER_SLOT", reason)
    if not wish.wanted:
        code = "INCOMPATIBLE" if wish.unfit else "NOT_SELECTED"
        reason = "; ".join(wish.unfit) or "no rule selects the function"
        return _settled(function, Verdict.NOT_APPLICABLE, code, reason)
    return _carrying(function, wish)


def _carrying(function: Function, wish: Wish) -> Finding:
    """The function is as it should be; what is live may not be."""
    told = _listed(wish.wanted.values())
    if function.lagging:
        reason = (
            f"without {told}: {_aliases(function)}; publish a version and point the alias to it"
        )
        return _settled(function, Verdict.NON_COMPLIANT, LIVE, reason)
    newer = [arn for arn in function.layers if _is_newer(arn, wish.wanted)]
    if newer:
        reason = f"carries {_listed(newer)}, newer than asked for"
        return _settled(function, Verdict.COMPLIANT, NEWER, reason)
    return _settled(function, Verdict.COMPLIANT, LAYERED, f"carries {told}")


def _aliases(function: Function) -> str:
    """Aliases that run without a layer, as far as they fit into a reason."""
    more = ", ..." if len(function.lagging) > 3 else ""
    return ", ".join(function.lagging[:3])[:100] + more


def _is_newer(arn: str, wanted: Mapping[str, str]) -> bool:
    asked = wanted.get(layer_of(arn))
    return asked is not None and number_of(arn) > number_of(asked)


def _change(function: Function, policy: Policy, wish: Wish) -> Finding:
    """A violation with the call that puts it right, or with what stands against it."""
    after = wish.plan.layers
    code, reason = _told(function, after)
    odd = [arn for arn in after if arn not in wish.wanted.values() and not policy.keeps(arn)]
    if odd:
        reason = f"{reason}; {_listed(odd)} is not among kept_layers"
        return _settled(function, Verdict.NON_COMPLIANT, "OTHER_LAYER_NOT_ALLOWED", reason)
    if (size := _size(function, after)) > LARGEST:
        reason = f"{reason}; zipped already it would be {size // 1_000_000} MB"
        return _settled(function, Verdict.NON_COMPLIANT, TOO_LARGE, reason)
    if function.lagging:
        reason = f"{reason}; {_aliases(function)}, which stays without"
    ours = _ours(function)
    adds = [one for one in ours_after(function.layers, after, ours) if one not in ours]
    memory, calls = function.memory(ours, adds), (_update(function, after),)
    if going_on := _going_on(function):
        reason = f"{going_on}; {reason}"
        return Finding(function.ref, Verdict.NON_COMPLIANT, BUSY, reason, calls, memory, waits=True)
    return Finding(function.ref, Verdict.NON_COMPLIANT, code, reason, calls, memory)


def _told(function: Function, after: Sequence[str]) -> tuple[str, str]:
    """The worst that is wrong, and all of it in words."""
    new = [arn for arn in after if arn not in function.layers]
    layers = {layer_of(arn) for arn in function.layers}
    lacking = [arn for arn in new if layer_of(arn) not in layers]
    other = [arn for arn in new if arn not in lacking]
    kept = {layer_of(arn) for arn in after}
    extra = [arn for arn in function.layers if layer_of(arn) not in kept]
    parts = [f"lacks {_listed(lacking)}"] if lacking else []
    parts += [f"carries another version than {_listed(other)}"] if other else []
    parts += [f"no rule asks for {_listed(extra)} any more"] if extra else []
    code = "LAYER_MISSING" if lacking else "OLD_VERSION" if other else "EXTRA_LAYER"
    return code, "; ".join(parts)


def _size(function: Function, layers: Iterable[str]) -> int:
    """Zipped bytes: at least so many it will be unzipped."""
    sizes = {**{arn: offer.size for arn, offer in function.offers.items()}, **function.sizes}
    return sizes.get("", 0) + sum(sizes.get(arn, 0) for arn in layers)


def _going_on(function: Function) -> str:
    if function.status == "InProgress":
        return "an update of the function is in progress"
    return function.stack[:120]


def _update(function: Function, after: Sequence[str]) -> Call:
    """Only the revision that was read is changed: a deployment that came between wins."""
    params = {"FunctionName": function.name, "Layers": list(after)}
    before = {"FunctionName": function.name, "Layers": list(function.layers)}
    undo = Call(
        "lambda", "UpdateFunctionConfiguration", before, effect={"layers": before["Layers"]}
    )
    told = {**params, "RevisionId": function.revision} if function.revision else params
    return Call("lambda", "UpdateFunctionConfiguration", told, undo, {"layers": params["Layers"]})


def _ours(function: Function) -> list[str]:
    """Our layers, also once they are foretold."""
    return ours_after(function.found, function.layers, function.ours)


def _settled(function: Function, verdict: Verdict, code: str, reason: str) -> Finding:
    memory = function.memory(_ours(function))
    return Finding(function.ref, verdict, code, reason, memory=memory, waits=code == PENDING)


def _listed(arns: Iterable[str]) -> str:
    shown = [short(arn) for arn in arns]
    return ", ".join(shown[:2]) + (f" and {len(shown) - 2} more" if len(shown) > 2 else "")
