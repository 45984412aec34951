"""How roles are read: all by one list with their policies; one by one by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls.function_role_least_privilege import documents, managed
from steward.controls.function_role_least_privilege.state import KIND, Granted, Policy, Role
from steward.controls.unreadable import unread
from steward.errors import Gone, OutOfTime, Refused, TryAgain
from steward.function_events import is_role_name
from steward.model import Aws, Page, Ref, Sight, Unread

PAGE = 1000
"""Roles and policies that an answer holds at most (IAM API reference)."""

DETAILS = "GetAccountAuthorizationDetails"

KINDS = ["Role", "LocalManagedPolicy"]
"""What is listed. AWS's own policies are asked for one by one: which of the more than a thousand
would be listed is not documented, and functions' roles have few of them."""

Described: TypeAlias = Mapping[str, Any]
Policies: TypeAlias = Callable[[], Sequence[Granted]]


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Role]]:
    """Every role, on one page: a role may come before the policies that it is attached."""
    del cursor  # there is no second page that one could lead to
    roles: list[Described] = []
    local: dict[str, Described] = {}
    for answer in _everything(sight.aws):
        roles += answer.get("RoleDetailList", ())
        local |= {one["Arn"]: one for one in answer.get("Policies", ())}
    yield Page([_shelter(one["RoleName"], _listed(sight, one, local)) for one in roles], None)


def _everything(aws: Aws) -> Iterator[Described]:
    """The account's roles and policies. A step that is too short for them would be repeated for
    ever; Refused ends the sweep instead."""
    asked = {"Filter": KINDS, "MaxItems": PAGE}
    try:
        yield from (answer for answer, _ in aws.pages("iam", DETAILS, None, **asked))
    except OutOfTime as late:
        raise Refused(f"{DETAILS}: takes longer than a step of a sweep has: {late}") from late


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Role | Unread]:
    """The named roles; what is no legal name can name none, and is not asked for."""
    names = list(dict.fromkeys(ref.id for ref in refs if is_role_name(ref.id)))
    read = sight.aws.together(lambda name: _named(sight, name), names)
    yield from (one for one in read if one is not None)


def _named(sight: Sight[Policy], name: str) -> Role | Unread | None:
    """One role by its name; None when there is none."""

    def read() -> Role:
        role = sight.aws.ask("iam", "GetRole", RoleName=name)["Role"]
        return _role(role, lambda: _policies(sight, name))

    try:
        return _shelter(name, read)
    except Gone:
        return None


def _shelter(name: str, read: Callable[[], Role]) -> Role | Unread:
    """A role, or why it could not be read. Raises Gone where the role is."""
    try:
        return read()
    except (Refused, TryAgain) as error:
        return unread(Ref(KIND, name), error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # One role that is told in another shape than documented must not end the sweep of all.
        return Unread(
            Ref(KIND, name), "UNREADABLE", f"it is told otherwise than documented: {error!r:.160}"
        )


def _listed(
    sight: Sight[Policy], told: Described, local: Mapping[str, Described]
) -> Callable[[], Role]:
    """Reads a role of the list, whose inline policies came with it."""

    def policies() -> Sequence[Granted]:
        inline = [_inline(one) for one in told.get("RolePolicyList", ())]
        arns = [one["PolicyArn"] for one in told.get("AttachedManagedPolicies", ())]
        return [*inline, *managed.attached(sight, arns, local)]

    return lambda: _role(told, policies)


def _role(told: Described, policies: Policies) -> Role:
    """Of a role that no function can take, policies are not read."""
    trusts = documents.trusts_lambda(told.get("AssumeRolePolicyDocument"))
    boundary = (told.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", "")
    try:
        read = tuple(policies()) if trusts else ()
    except Gone as gone:  # a policy is, and not the role
        raise TryAgain(f"its policies changed while they were read: {gone}") from gone
    return Role(
        told["RoleName"],
        told["RoleId"],
        trusts,
        read,
        managed.name_of(boundary),
        {tag["Key"]: tag["Value"] for tag in told.get("Tags") or ()},
    )


def _policies(sight: Sight[Policy], role: str) -> Sequence[Granted]:
    """A role's policies, asked for one by one."""
    aws = sight.aws
    inline = [
        _inline(aws.ask("iam", "GetRolePolicy", RoleName=role, PolicyName=name))
        for name in _all(aws, "ListRolePolicies", "PolicyNames", role)
    ]
    attached = _all(aws, "ListAttachedRolePolicies", "AttachedPolicies", role)
    return [*inline, *managed.attached(sight, [one["PolicyArn"] for one in attached], {})]


def _inline(told: Described) -> Granted:
    return Granted(told["PolicyName"], documents.statements(told["PolicyDocument"]))


def _all(aws: Aws, operation: str, member: str, role: str) -> list[Any]:
    answers = aws.pages("iam", operation, None, RoleName=role)
    return [one for answer, _ in answers for one in answer.get(member, ())]
