"""What the CloudFormation stacks of functions are doing, by the tag that CloudFormation gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from steward.controls import tag_index
from steward.controls.function_layers.state import Function, Policy
from steward.controls.tag_index import Tags
from steward.controls.unreadable import unread
from steward.errors import Invalid, OutOfTime, Refused, StewardError
from steward.model import Aws, Sight, Unread

TAG = "aws:cloudformation:stack-name"


def looked_up(sight: Sight[Policy], functions: Sequence[Function]) -> list[Function | Unread]:
    """The functions with what is going on in their stacks; each stack is asked for once a step."""
    try:
        tags = _tags(sight, functions)
    except Refused as refusal:
        reason = f"tags could not be read: {refusal}"
        return [Unread(one.ref, "TAGS_UNREADABLE", reason) for one in functions]
    stacks = {one.name: tags.get(_arn(sight.aws, one), {}).get(TAG, "") for one in functions}
    names = sorted(filter(None, set(stacks.values())))
    read = sight.aws.together(partial(_doing, sight), names) if names else []
    doing = dict(zip(names, read, strict=True))
    return [_with_stack(one, doing.get(stacks[one.name], "")) for one in functions]


def _tags(sight: Sight[Policy], functions: Sequence[Function]) -> Tags:
    if sight.policy.uses_tags():  # then they were read
        return {_arn(sight.aws, one): one.tags for one in functions}
    return tag_index.of(sight.aws, [_arn(sight.aws, one) for one in functions])


def _arn(aws: Aws, function: Function) -> str:
    return f"arn:{aws.partition}:lambda:{aws.region}:{aws.account}:function:{function.name}"


def _with_stack(function: Function, doing: str | StewardError) -> Function | Unread:
    if isinstance(doing, StewardError):
        return unread(function.ref, doing)
    return replace(function, stack=doing)


def _doing(sight: Sight[Policy], name: str) -> str | StewardError:
    """What a stack, or the one it is nested in, is doing; '' for nothing, or for no stack."""
    return sight.known.once(f"stack {name}", lambda: _asked(sight.aws, name))


def _asked(aws: Aws, name: str) -> str | StewardError:
    try:
        told = _stack(aws, name)
        if told.get("RootId") and not _is_busy(told):
            told = _stack(aws, told["RootId"])
    except OutOfTime:
        raise
    except StewardError as error:
        return error
    return f"stack {told['StackName'][:60]} is {told['StackStatus']}" if _is_busy(told) else ""


def _is_busy(stack: Mapping[str, str]) -> bool:
    return stack.get("StackStatus", "").endswith("_IN_PROGRESS")


def _stack(aws: Aws, name: str) -> Mapping[str, str]:
    """Empty where there is none: a function may outlive its stack."""
    try:
        stacks: Sequence[Mapping[str, str]] = aws.ask(
            "cloudformation", "DescribeStacks", StackName=name
        )["Stacks"]
    except Invalid as error:
        if "does not exist" not in str(error):
            raise
        return {}
    return stacks[0] if stacks else {}
