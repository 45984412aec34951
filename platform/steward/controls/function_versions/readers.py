"""How functions and their versions are read.

A sweep lists all versions of all functions only to see of which functions some may have to go.
Those are read one by one, with who uses their versions, and only that is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from steward.controls.function_versions.course import Count, Course
from steward.controls.function_versions.evidence import KEY, begun, parts
from steward.controls.function_versions.functions import arn_of, read, tags_of, untagged
from steward.controls.function_versions.published import age_of, stored
from steward.controls.function_versions.sources import DESTINATIONS
from steward.controls.function_versions.state import KIND, Function, Policy
from steward.controls.function_versions.users import number_of
from steward.errors import OutOfTime, StewardError
from steward.events import function_name
from steward.model import Mode, Page, Ref, Sight, Unread

PAGE = 50
"""Functions an answer holds at most (Lambda API reference)."""

ANSWERS = 20
"""Answers of the list between two moments at which a sweep can be resumed."""

FUNCTIONS, VERSIONS = 4, 20
"""Functions that are read together, and their versions but for one function's; few, so that they
are read and deleted in one step of a sweep, and little time lies between the two."""

STORED = "LambdaCodeStorageBytes"
"""The gauge of all code that the account stores."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function, in the order of names: the index has them all before the first is judged."""
    course = Course.read(cursor) if cursor else Course()
    while not course.listed:
        course = _listed(sight, course)
        yield Page([], course.text())
    if any(sight.policy.may_go(one.published, one.old) for _, one in course.left):
        sight.known.once(DESTINATIONS, lambda: list(course.counts))
        for searched in _searched(sight, course):
            course = searched
            yield Page([], course.text())
        evidence = course.evidence or begun(sight.now)
        sight.known.once(KEY, lambda: evidence)
    whole_step = bool(cursor) and course.text() == cursor
    while True:
        counts = _next(course)
        states = _in_time(sight, counts, whole_step=whole_step)
        course, whole_step = course.after(counts), False
        if not any(course.left):
            yield Page(states, None, {STORED: stored(sight)})
            return
        yield Page(states, course.text())


def _in_time(
    sight: Sight[Policy], counts: Mapping[str, Count], *, whole_step: bool
) -> list[Function | Unread]:
    """The functions, or that one is too large for a step: the next one would come no further.

    Raises OutOfTime where the next step would.
    """
    try:
        return sorted(_states(sight, counts), key=lambda one: one.ref)
    except OutOfTime as late:
        if not whole_step or len(counts) > 1:
            raise
        return [
            Unread(Ref(KIND, name), "BUSY", f"more than a step can read: {late}") for name in counts
        ]


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    legal = (ref.id for ref in refs if ref.id and function_name(ref.id) == ref.id)
    yield from read(sight, list(dict.fromkeys(legal)))


def _next(course: Course) -> Mapping[str, Count]:
    """The functions that are judged next, by name."""
    counts: dict[str, Count] = {}
    for name, one in islice(course.left, FUNCTIONS):
        if counts and sum(met.published for met in counts.values()) + one.published > VERSIONS:
            break
        counts[name] = one
    return counts


def _listed(sight: Sight[Policy], course: Course) -> Course:
    """The course after some more answers of the list, of which pages cut through functions."""
    answers = sight.aws.pages(
        "lambda", "ListFunctions", course.marker or None, FunctionVersion="ALL", MaxItems=PAGE
    )
    counts: dict[str, Count] = {}
    some = list(islice(answers, ANSWERS))
    for answer, _ in some:
        for one in answer["Functions"]:
            published = number_of(one["Version"]) > 0
            old = published and sight.policy.is_old(age_of(sight.now, one))
            before = counts.get(one["FunctionName"], Count())
            counts[one["FunctionName"]] = before.plus(published, old)
    return course.met(counts, some[-1][1])


def _searched(sight: Sight[Policy], course: Course) -> Iterator[Course]:
    """The course while the account is searched for who names versions.

    A plan goes by one search, however long its sweep takes; what deletes searches anew in time.
    """
    evidence, deletes = course.evidence, sight.policy.mode is Mode.ENFORCE
    if evidence is None or (deletes and evidence.is_stale(sight.now)):
        evidence = begun(sight.now)
    if not evidence.complete:
        for part in parts(sight, evidence):
            yield replace(course, evidence=part)
    elif evidence is not course.evidence:
        yield replace(course, evidence=evidence)


def _states(sight: Sight[Policy], counts: Mapping[str, Count]) -> Iterator[Function | Unread]:
    """Functions of the index: read where some versions may have to go, else counted."""
    policy = sight.policy
    wanted = {
        name
        for name, one in counts.items()
        if policy.may_go(one.published, one.old) and not policy.excludes(Ref(KIND, name))
    }
    yield from read(sight, sorted(wanted))
    counted = [Function(name, one.published) for name, one in counts.items() if name not in wanted]
    yield from _tagged(sight, counted)


def _tagged(sight: Sight[Policy], functions: Sequence[Function]) -> Iterator[Function | Unread]:
    """Functions that were only counted, with their tags where the policy goes by them."""
    tags = tags_of(sight, [one.name for one in functions] if sight.policy.honor_tags else [])
    for one in functions:
        if isinstance(tags, StewardError):
            yield untagged(one.name, tags)
        else:
            yield replace(one, tags=tags.get(arn_of(sight, one.name), {}))
