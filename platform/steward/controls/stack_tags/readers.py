"""How stacks are found: all of them page by page, or those that are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from steward.controls.stack_tags import log_groups, stacks
from steward.controls.stack_tags.attempts import attempted, unread
from steward.controls.stack_tags.course import Course
from steward.controls.stack_tags.members import Described
from steward.controls.stack_tags.reading import states
from steward.controls.stack_tags.state import KIND, Policy, Stack
from steward.errors import Invalid, Refused, StewardError
from steward.model import Aws, Page, Ref, Sight, Unread

PAGE = 10
"""Stacks that are read and put right together: as many as a step has time for at our pace."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Stack]]:
    """Every stack, in the order of ARNs; before the first one functions, if any stack needs them.

    CloudFormation documents no order, so that all are described in each step: a hundred at once.
    """
    course = Course.read(cursor) if cursor else Course()
    if not course.listed and (course.marker or _needs_functions(sight, _left(sight, course))):
        for listed in _functions(sight, course):
            course = listed
            yield Page([], course.text())
    told = _left(sight, course)
    for start in range(0, max(len(told), 1), PAGE):
        some = told[start : start + PAGE]
        read = states(sight, some, course.chosen_groups, in_step=True)
        found = sorted(read, key=lambda one: one.ref.id)
        goes_on = start + PAGE < len(told)
        yield Page(found, replace(course, after=_id(some[-1])).text() if goes_on else None)


def _left(sight: Sight[Policy], course: Course) -> Sequence[Described]:
    """The stacks that were not read yet."""
    return sorted((one for one in _all(sight) if one["StackId"] > course.after), key=_id)


def _needs_functions(sight: Sight[Policy], told: Sequence[Described]) -> bool:
    """Whether log groups of functions may have to be told of some stack's tags, or of no more."""
    if not sight.policy.log_groups:
        return False
    if any(sight.policy.allows(key) for one in told for key in stacks.tags(one)):
        return True
    items = sight.known.items([Ref(KIND, one["StackId"]) for one in told])
    return any(item.memory for item in items.values())


def _functions(sight: Sight[Policy], course: Course) -> Iterator[Course]:
    """The course as functions are listed, fifty to a page; refused, it tells so of those alone."""
    try:
        for answer, marker in sight.aws.pages(
            "lambda", "ListFunctions", course.marker or None, MaxItems=50
        ):
            course = course.met(answer.get("Functions", ()), marker)
            yield course
    except Refused as refusal:
        yield replace(course, listed=True, unread=f"functions could not be listed: {refusal}")


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
    yield from states(sight, found, partial(log_groups.chosen_groups, sight.aws), in_step=False)


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
