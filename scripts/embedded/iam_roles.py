"""Roles and their policies where moto answers otherwise than AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from moto.iam.models import IAMBackend, ManagedPolicy, Role, iam_backends
from moto.utilities.utils import get_partition

from embedded.deployment import Deployment
from embedded.granting import ROLE
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request
from embedded.roles import read

PAGE, LARGEST_PAGE = 100, 1000
"""Entities an answer holds where MaxItems does not say, and at most (API reference)."""

LISTED = frozenset({"LocalManagedPolicy", "Role"})
"""What can be asked for here."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A role or a policy of a list, with the member of the answer that it belongs to."""

    arn: str
    member: str
    told: Mapping[str, Any]


def account_details(request: Request) -> Mapping[str, Any]:
    """Roles and customer managed policies with their documents, page by page."""
    asked = request.params.get("Filter", ())
    if not asked or not LISTED.issuperset(asked):
        raise NotImplementedError(f"GetAccountAuthorizationDetails: Filter {asked} is not emulated")
    entities = sorted(_entities(_backend(request), asked), key=lambda one: one.arn)
    size = min(int(request.params.get("MaxItems", PAGE)), LARGEST_PAGE)
    token, query = request.params.get("Marker"), {"Filter": sorted(asked)}
    try:
        shown, marker = page(entities, lambda one: one.arn, size, token, query)
    except BadTokenError as error:
        raise Refusal("InvalidInput", "Invalid Marker.") from error
    members = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    told = {name: [one.told for one in shown if one.member == name] for name in members}
    return {**told, "IsTruncated": bool(marker), **({"Marker": marker} if marker else {})}


def role_policy(request: Request) -> Mapping[str, Any]:
    """An inline policy, encoded; also of a role that CloudFormation made."""
    role, name = request.params["RoleName"], request.params["PolicyName"]
    found = _backend(request).roles.values()
    policies = next((one.policies for one in found if one.name == role), {})
    if name not in policies:
        raise Refusal("NoSuchEntity", f"The role policy with name {name} cannot be found.")
    return {"RoleName": role, "PolicyName": name, "PolicyDocument": _encoded(policies[name])}


def attach_managed(deployment: Deployment, account: str, region: str) -> None:
    """Attach to the stack's roles the managed policies that CloudFormation attaches."""
    backend = iam_backends[account][get_partition(region)]
    for one in deployment.of_type(ROLE):
        for arn in one.properties.get("ManagedPolicyArns", ()):
            backend.attach_role_policy(arn, one.physical_id)


def _backend(request: Request) -> IAMBackend:
    return iam_backends[request.account][get_partition(request.region)]


def _entities(backend: IAMBackend, asked: Sequence[str]) -> Iterator[Entity]:
    if "Role" in asked:
        yield from (Entity(one.arn, "RoleDetailList", _role(one)) for one in backend.roles.values())
    if "LocalManagedPolicy" in asked:
        own = set(backend.managed_policies.values()) - set(backend.aws_managed_policies)
        yield from (Entity(one.arn, "Policies", _policy(one)) for one in own)


def _role(role: Role) -> Mapping[str, Any]:
    bound = role.permissions_boundary
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": _encoded(role.assume_role_policy_document),
        "RolePolicyList": [
            {"PolicyName": name, "PolicyDocument": _encoded(document)}
            for name, document in role.policies.items()
        ],
        "AttachedManagedPolicies": role.attached_managed_policies,
        "InstanceProfileList": [],
        "Tags": [*role.tags],
        **({"PermissionsBoundary": bound} if bound else {}),
    }


def _policy(policy: ManagedPolicy) -> Mapping[str, Any]:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": [
            {
                "Document": _encoded(one.document),
                "VersionId": one.version_id,
                "IsDefaultVersion": one.is_default,
                "CreateDate": one.create_date,
            }
            for one in policy.versions
        ],
    }


def _encoded(document: Any) -> str:
    """As IAM tells documents: JSON in percent-encoding (RFC 3986)."""
    return quote(json.dumps(read(document)), safe="")
