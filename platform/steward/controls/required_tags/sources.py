"""What is required, and what is offered instead of a tag that is lacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from steward.controls import tag_index, taggable
from steward.controls.required_tags.state import Policy, Resource
from steward.events import LOG_GROUP
from steward.model import Sight

Tags: TypeAlias = Mapping[str, str]

STACK = "aws:cloudformation:stack-id"


def reported(sight: Sight[Policy]) -> Mapping[str, tuple[str, ...]]:
    """The keys that the organization's tag policies report as required, by type; once a step."""
    if not sight.policy.tag_policies:
        return {}

    def read() -> Mapping[str, tuple[str, ...]]:
        pages = sight.aws.pages("resourcegroupstaggingapi", "ListRequiredTags")
        told = [one for answer, _ in pages for one in answer.get("RequiredTags", ())]
        return {
            kind: tuple(one["ReportingTagKeys"])
            for one in told
            for kind in one.get("CloudFormationResourceTypes", ())
        }

    return sight.known.once("required tags", read)


def with_offers(sight: Sight[Policy], found: Sequence[Resource]) -> Iterator[Resource]:
    """Resources, and for those that lack a tag or a value what their stack or their maker has."""
    lacking = {one.ref for one in found if sight.policy.is_lacking(one)}
    groups = [one.id for one in found if one.ref in lacking and one.kind == LOG_GROUP]
    made = _makers(sight, groups) if groups else {}
    for one in found:
        stack = one.tags.get(STACK, "") if one.ref in lacking else ""
        if stack in (stacks := _stacks(sight) if stack else {}):
            offers = f"stack {stack.split('/')[1]}"
            yield replace(one, offered=stacks[stack], offers=offers)
        elif one.kind == LOG_GROUP and one.id in made:
            offers, tags = made[one.id]
            yield replace(one, offered=tags, offers=offers)
        else:
            yield one


def _stacks(sight: Sight[Policy]) -> Mapping[str, Tags]:
    """The tags of all stacks, by ARN; once a step, and only if a resource needs them."""

    def read() -> Mapping[str, Tags]:
        pages = sight.aws.pages("cloudformation", "DescribeStacks")
        told = [one for answer, _ in pages for one in answer["Stacks"]]
        return {one["StackId"]: _tags(one) for one in told}

    return sight.known.once("tags of stacks", read)


def _makers(sight: Sight[Policy], groups: Sequence[str]) -> Mapping[str, tuple[str, Tags]]:
    """What made log groups, such as a function, and its tags; by the group's name."""
    made = {group: arn for group in groups if (arn := _maker(sight, group))}
    tags = tag_index.of(sight.aws, sorted(set(made.values()))) if made else {}
    return {group: (_told(arn), tags[arn]) for group, arn in made.items() if arn in tags}


def _maker(sight: Sight[Policy], group: str) -> str:
    for form in taggable.forms().values():
        for pattern in form.log_groups:
            before, _, after = pattern.partition("{name}")
            if group.startswith(before) and group.endswith(after):
                name = group.removeprefix(before).removesuffix(after)
                return taggable.arn(form, name, sight.aws)
    return ""


def _told(arn: str) -> str:
    """Such as 'function orders'."""
    return " ".join(arn.rsplit(":", 2)[1:]).replace("/", " ")


def _tags(told: Mapping[str, Any]) -> Tags:
    return {tag["Key"]: tag["Value"] for tag in told.get("Tags", ())}
