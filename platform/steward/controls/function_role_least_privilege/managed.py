"""Managed policies by their default version, each read once in a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steward.controls.function_role_least_privilege import documents
from steward.controls.function_role_least_privilege.state import Granted, Policy
from steward.model import Sight


def attached(
    sight: Sight[Policy], arns: Sequence[str], listed: Mapping[str, Mapping[str, Any]]
) -> list[Granted]:
    """The policies of these ARNs; ``listed`` are those whose documents came with a list.

    Of AWS's own that the policy judges by the name nothing is read.
    """
    return [_granted(sight, arn, listed) for arn in arns]


def name_of(arn: str) -> str:
    """Path and name of a managed policy: arn:aws:iam::aws:policy/service-role/NAME."""
    return arn.partition(":policy/")[2]


def _granted(sight: Sight[Policy], arn: str, listed: Mapping[str, Mapping[str, Any]]) -> Granted:
    name, of_aws = name_of(arn), arn.split(":")[4:5] == ["aws"]
    if of_aws and sight.policy.knows(name):
        return Granted(name, of_aws=True)
    if arn in listed:
        versions = listed[arn]["PolicyVersionList"]
        document = next((one["Document"] for one in versions if one["IsDefaultVersion"]), None)
    else:
        document = sight.known.once(f"policy {arn}", lambda: _document(sight, arn))
    return Granted(name, documents.statements(document), of_aws)


def _document(sight: Sight[Policy], arn: str) -> object:
    version = sight.aws.ask("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    told = sight.aws.ask("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
    return told["PolicyVersion"]["Document"]
