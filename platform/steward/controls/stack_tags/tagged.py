"""The tags of resources, by ARN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

from steward.controls import tag_index
from steward.controls.stack_tags.attempts import attempted
from steward.errors import Gone, StewardError
from steward.model import Aws

Tags: TypeAlias = Mapping[str, str]


def of(aws: Aws, arns: Sequence[str]) -> Mapping[str, Tags]:
    """The tags of resources; a role's from IAM, which the regional index does not know.

    What has none is absent; a role is only absent if it is gone.
    """
    roles = [arn for arn in arns if _is_role(arn)]
    found = dict(tag_index.of(aws, [arn for arn in arns if arn not in roles]))
    for arn, told in attempted(aws, partial(_of_role, aws), roles).items():
        if not isinstance(told, StewardError):
            found[arn] = told
        elif not isinstance(told, Gone):
            raise told
    return found


def is_gone(arn: str, told: Mapping[str, Tags]) -> bool:
    """Whether that is a role which somebody deleted, so that the stack only remembers it."""
    return _is_role(arn) and arn not in told


def _is_role(arn: str) -> bool:
    return arn.split(":")[2] == "iam"


def _of_role(aws: Aws, arn: str) -> Tags:
    answer = aws.ask("iam", "ListRoleTags", RoleName=arn.rpartition("/")[2])
    return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
