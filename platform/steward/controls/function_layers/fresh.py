"""What only a function's own requests tell, for those of which it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls.function_layers import live, stacks
from steward.controls.function_layers.assess import assess
from steward.controls.function_layers.described import function
from steward.controls.function_layers.memory import Memory
from steward.controls.function_layers.state import Function, Policy
from steward.controls.unreadable import unread
from steward.errors import Gone, NotConnected, OutOfTime, StewardError
from steward.model import Aws, Mode, Ref, Sight, Unread

Read: TypeAlias = Function | Unread | OutOfTime | None
"""What came of reading a function: OutOfTime where there was no time, None where it is gone."""


def is_needed(sight: Sight[Policy], one: Function | Unread) -> bool:
    """Whether a function is about to be changed, or its aliases decide how it is judged."""
    return isinstance(one, Function) and (
        is_to_change(sight.policy, one) or live.is_to_be_read(sight, one)
    )


def is_to_change(policy: Policy, one: Function) -> bool:
    """Whether a call may be sent; in audit mode a plan by what a list tells is enough."""
    if policy.mode is not Mode.ENFORCE or policy.excludes(one.ref):
        return False
    return bool(assess(one, policy).remediation)


def completed(sight: Sight[Policy], functions: Sequence[Function | Unread]) -> list[Read]:
    """The functions in their order, with all that judging them takes; see ``Read``."""
    read = sight.aws.together(lambda one: _completed(sight, one), functions) if functions else []
    changing = [
        one for one in read if isinstance(one, Function) and is_to_change(sight.policy, one)
    ]
    known = {one.ref: one for one in stacks.looked_up(sight, changing)} if changing else {}
    return [known.get(one.ref, one) if isinstance(one, Function) else one for one in read]


def _completed(sight: Sight[Policy], one: Function | Unread) -> Read:
    if isinstance(one, Unread):
        return one
    try:
        if not one.state and is_to_change(sight.policy, one):
            again = _again(sight, one)
            if isinstance(again, Unread):
                return again
            one = again
        return live.with_aliases(sight, one)
    except NotConnected:
        raise
    except OutOfTime as late:
        return late
    except Gone:
        return None
    except StewardError as error:
        return unread(one.ref, error)


def _again(sight: Sight[Policy], one: Function) -> Function | Unread:
    """A function of a list by its name: a list tells neither its state nor that of its update."""
    told = described(sight.aws, one.name)
    return function(sight, told, one.tags, Memory(one.ours, (), one.lagging, one.seen))


def described(aws: Aws, name: str) -> Mapping[str, Any]:
    """A function's configuration. Raises StewardError, Gone where there is none."""
    return aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name)


def named(aws: Aws, ref: Ref) -> Mapping[str, Any] | Unread | None:
    """The same; what cannot be read is told, and what is gone is None."""
    try:
        return described(aws, ref.id)
    except NotConnected:
        raise
    except Gone:
        return None
    except StewardError as error:
        return unread(ref, error)
