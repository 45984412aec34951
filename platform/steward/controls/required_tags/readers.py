"""How resources are found: by the tagging index, or where their service lists them.

The index knows what has, or had, a tag. What never had one is only found where the type's form
says how it is listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from steward.controls import tag_index, taggable
from steward.controls.required_tags import sources
from steward.controls.required_tags.state import Policy, Resource
from steward.controls.taggable import Form
from steward.errors import Refused
from steward.model import Page, Ref, Sight, Unread

Tags: TypeAlias = Mapping[str, Mapping[str, str]]

INDEX = "index"
"""In a cursor: what no service lists is being read from the index."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Resource]]:
    """Every resource of the policy's types. A cursor is the type that is listed, and a token."""
    listed, indexed = _types(sight)
    steps = [form.kind for form in listed] + ([INDEX] if indexed else [])
    at, token = json.loads(cursor) if cursor else (steps[0] if steps else "", None)
    for number, step in enumerate(steps[steps.index(at) :] if at in steps else steps):
        after = _following(steps, step)
        for states, more in _read(sight, step, indexed, token if number == 0 else None):
            left = (step, more) if more else (after, None)
            yield Page(states, json.dumps(left) if left[0] else None)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Resource | Unread]:
    """The named resources, as far as the index or a list of their service has them.

    One whose type nothing is required of is none of ours, like one that is gone.
    """
    wanted = {form.kind for forms in _types(sight) for form in forms}
    arns = {ref: arn for ref in refs if ref.kind in wanted and (arn := _arn(sight, ref))}
    if not arns:
        return
    tags = tag_index.of(sight.aws, sorted(set(arns.values())))
    there = [ref for ref, arn in arns.items() if arn in tags or arn in _listed(sight, ref.kind)]
    yield from _states(sight, {arns[ref]: ref for ref in there}, tags)


def _types(sight: Sight[Policy]) -> tuple[Sequence[Form], Sequence[Form]]:
    """The types that rules or tag policies are about: those that are listed, and the others."""
    wanted = {*sight.policy.kinds(), *sources.reported(sight)}
    forms = [form for kind, form in taggable.forms().items() if kind in wanted and not form.own]
    return [one for one in forms if one.listing], [one for one in forms if not one.listing]


def _following(steps: Sequence[str], step: str) -> str:
    return next(iter(steps[steps.index(step) + 1 :]), "")


def _read(
    sight: Sight[Policy], step: str, indexed: Sequence[Form], token: str | None
) -> Iterator[tuple[list[Resource | Unread], str | None]]:
    if step != INDEX:
        for arns, more in _pages(sight, taggable.forms()[step], token):
            yield list(_tagged(sight, arns)), more
        return
    services = sorted({form.service for form in indexed})
    kinds = {form.kind for form in indexed}
    for tags, more in tag_index.pages(sight.aws, services, token):
        refs = {arn: Ref(*taggable.resource(arn, sight.aws)) for arn in tags}
        known = {arn: ref for arn, ref in refs.items() if ref.kind in kinds}
        yield list(_states(sight, known, tags)), more


def _pages(
    sight: Sight[Policy], form: Form, token: str | None
) -> Iterator[tuple[list[str], str | None]]:
    """ARNs as the service of a type lists its resources."""
    service, operation, member, *inner = form.listing
    for answer, more in sight.aws.pages(service, operation, token, **form.page):
        told = [one[inner[0]] if inner else one for one in answer.get(member, ())]
        arns = [taggable.arn(form, name, sight.aws) for name in told]
        yield [arn for arn in arns if arn], more


def _listed(sight: Sight[Policy], kind: str) -> frozenset[str]:
    """All ARNs that a type's service lists, read once a step; none where it lists nothing."""
    form = taggable.forms()[kind]
    if not form.listing:
        return frozenset()

    def read() -> frozenset[str]:
        return frozenset(arn for arns, _ in _pages(sight, form, None) for arn in arns)

    return sight.known.once(f"list of {kind}", read)


def _tagged(sight: Sight[Policy], arns: Sequence[str]) -> Iterator[Resource | Unread]:
    refs = {arn: Ref(*taggable.resource(arn, sight.aws)) for arn in arns}
    try:
        tags = tag_index.of(sight.aws, arns) if arns else {}
    except Refused as refusal:
        yield from (Unread(ref, "TAGS_UNREADABLE", str(refusal)) for ref in refs.values())
        return
    yield from _states(sight, refs, tags)


def _states(
    sight: Sight[Policy], refs: Mapping[str, Ref], tags: Tags
) -> Iterator[Resource | Unread]:
    reported = sources.reported(sight)
    found = [
        Resource(ref.kind, ref.id, tags.get(arn, {}), reported.get(ref.kind, ()))
        for arn, ref in refs.items()
    ]
    yield from sources.with_offers(sight, found)


def _arn(sight: Sight[Policy], ref: Ref) -> str:
    return taggable.arn(taggable.forms()[ref.kind], ref.id, sight.aws)
