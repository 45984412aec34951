"""How stacks are found: all of them page by page, or those that are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from steward.controls.stack_tags import log_groups
from steward.controls.stack_tags.attempts import attempted, unread
from steward.controls.stack_tags.members import Described
from steward.controls.stack_tags.reading import states
from steward.controls.stack_tags.state import Policy, Stack
from steward.errors import Invalid, StewardError
from steward.model import Aws, Page, Ref, Sight, Unread

PAGE = 10
"""Stacks that are read and put right together: as many as a step has time for at our pace."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Stack]]:
    """Every stack, in the order of ARNs. A cursor is the last one that was read.

    CloudFormation documents no order, so that all are described in each step: a hundred at once.
    """
    told = sorted((one for one in _all(sight) if one["StackId"] > (cursor or "")), key=_id)
    for start in range(0, len(told), PAGE):
        some = told[start : start + PAGE]
        read = states(sight, some, partial(_whole, sight), in_step=True)
        found = sorted(read, key=lambda one: one.ref.id)
        yield Page(found, _id(some[-1]) if start + PAGE < len(told) else None)


def _all(sight: Sight[Policy]) -> Sequence[Described]:
    def read() -> Sequence[Described]:
        pages = sight.aws.pages("cloudformation", "DescribeStacks")
        return [one for answer, _ in pages for one in answer["Stacks"]]

    return sight.known.once("stacks", read)


def _id(stack: Described) -> str:
    return str(stack["StackId"])


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Stack | Unread]:
    """The named stacks; their functions are read one by one."""
    ids = list(dict.fromkeys(ref.id for ref in refs))
    told = attempted(sight.aws, partial(_named, sight.aws), ids)
    yield from (unread(name, e) for name, e in told.items() if isinstance(e, StewardError))
    found = [one for one in told.values() if isinstance(one, Mapping)]
    yield from states(sight, found, partial(log_groups.configured, sight.aws), in_step=False)


def _named(aws: Aws, name: str) -> Described | None:
    """A stack by its ARN; None where there is none, or only the memory of one."""
    try:
        [told] = aws.ask("cloudformation", "DescribeStacks", StackName=name)["Stacks"]
    except Invalid as error:
        if "does not exist" in str(error):  # CloudFormation has no other word for it
            return None
        raise
    stack: Described = told
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _whole(sight: Sight[Policy], names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The configurations of functions, of which all are listed once a step, fifty to a page."""

    def read() -> Mapping[str, Mapping[str, Any]]:
        pages = sight.aws.pages("lambda", "ListFunctions", MaxItems=50)
        return {one["FunctionName"]: one for answer, _ in pages for one in answer["Functions"]}

    known = sight.known.once("functions", read)
    return {name: known[name] for name in names if name in known}
