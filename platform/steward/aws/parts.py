"""Requests about several resources, which AWS may carry out for some of them only.

The answer is a success all the same; what it says of each resource has to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from steward.aws.translate import failure
from steward.errors import (
    Invalid,
    NotConnected,
    OutOfTime,
    Partly,
    Refused,
    StewardError,
    Throttled,
    TryAgain,
)

LISTS: Mapping[str, str] = {
    "resourcegroupstaggingapi.TagResources": "ResourceARNList",
    "resourcegroupstaggingapi.UntagResources": "ResourceARNList",
}
"""The parameter that lists the resources, of operations that answer with a FailedResourcesMap."""

SINGLE: Mapping[str, str] = {"iam.TagRole": "RoleName", "iam.UntagRole": "RoleName"}
"""The parameter that names the one resource, of what is asked for each of several resources. A
refusal is about that one: an organization may protect a role, and AWS its own."""

TRIES = 3
"""How often a resource is asked for again that failed for now. The tagging API calls it an internal
failure, too, where it does not know the type (API reference: FailureInfo)."""

SHOWN = 160
"""Characters of the first resource's failure that are shown."""

Ask: TypeAlias = Callable[..., Mapping[str, Any]]
Lost: TypeAlias = dict[str, StewardError]


def completed(
    ask: Ask, name: str, params: Mapping[str, Any], rested: Callable[[int], bool]
) -> Mapping[str, Any]:
    """The answer to a request; what failed in it for now is asked for again, and nothing else.

    ``rested`` waits before the next attempt, and is False where there is no time for it.
    Raises Partly where some of the resources are left, and whatever ``ask`` raises of all.
    """
    listed = LISTS.get(name)
    if listed is None:
        return _single(ask, name, params)
    asked = partial(_lost, ask, {**params}, listed)
    wanted: Sequence[str] = params[listed]
    lost = asked(wanted)
    for attempt in range(TRIES - 1):
        again = [one for one, error in lost.items() if isinstance(error, TryAgain)]
        if not again or not rested(attempt):
            break
        lost = {one: lost[one] for one in lost if one not in again} | _each(asked, again)
    if lost:
        raise _partly(name, listed, len(wanted), {one: _final(e) for one, e in lost.items()})
    return {}


def _single(ask: Ask, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return ask(**params)
    except Refused as error:
        if (named := SINGLE.get(name)) is None:
            raise
        raise _partly(name, named, 1, {params[named]: error}) from error


def _lost(ask: Ask, params: dict[str, Any], listed: str, wanted: Sequence[str]) -> Lost:
    """What was not done, and why; a request that is invalid is halved, to isolate the culprit."""
    try:
        answer = ask(**{**params, listed: list(wanted)})
    except Invalid as error:
        if len(wanted) == 1:
            return {wanted[0]: error}
        half, asked = len(wanted) // 2, partial(_lost, ask, params, listed)
        return _each(asked, wanted[:half]) | _each(asked, wanted[half:])
    failed: Mapping[str, Mapping[str, Any]] = answer.get("FailedResourcesMap") or {}
    return {arn: failure(told) for arn, told in failed.items()}


def _each(asked: Callable[[Sequence[str]], Lost], wanted: Sequence[str]) -> Lost:
    """A part of the request: what is refused as a whole was not done for any of its resources."""
    try:
        return asked(wanted)
    except NotConnected:
        raise
    except StewardError as error:
        return dict.fromkeys(wanted, error)


def _final(error: StewardError) -> StewardError:
    """What fails again and again, and not for want of time, may be for good."""
    if isinstance(error, TryAgain) and not isinstance(error, Throttled | OutOfTime):
        return Refused(f"{error} ({TRIES} times)")
    return error


def _partly(name: str, listed: str, asked: int, lost: Lost) -> Partly:
    first = next(iter(lost))
    told = f"{name.partition('.')[2]}: {len(lost)} of {asked} failed"
    return Partly(f"{told}, {first}: {lost[first]}"[:SHOWN], parameter=listed, lost=lost)
