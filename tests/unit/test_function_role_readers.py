"""How roles are read: all by one list, or one by one, with their policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from steward.controls.function_role_least_privilege import CONTROL
from steward.controls.function_role_least_privilege.readers import discover, observe
from steward.controls.function_role_least_privilege.state import KIND, Granted, Role
from steward.errors import Denied, Gone, Invalid, OutOfTime, Refused, StewardError, Throttled
from steward.model import Ref, Sight, Unread
from steward.policy import load
from tests.fakes import ACCOUNT, FakeAws, FakeClock, NothingKnown

DETAILS = ("iam", "GetAccountAuthorizationDetails")
OURS = f"arn:aws:iam::{ACCOUNT}:policy/shop/reads"
AWS = "arn:aws:iam::aws:policy"


def document(action: str, **statement: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*", **statement}]}


def trust(service: str) -> str:
    who = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return quote(json.dumps({"Statement": [who]}))


def described(name: str, service: str = "lambda.amazonaws.com") -> dict[str, Any]:
    return {"RoleName": name, "RoleId": f"AROA{name}", "AssumeRolePolicyDocument": trust(service)}


def attached(*arns: str) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def listed(name: str, *arns: str, **inline: str) -> dict[str, Any]:
    """A role as the list tells it, with its inline policies."""
    told = [
        {"PolicyName": one, "PolicyDocument": document(action)} for one, action in inline.items()
    ]
    return {**described(name), "RolePolicyList": told, "AttachedManagedPolicies": attached(*arns)}


def managed(arn: str) -> dict[str, Any]:
    """A managed policy as the list tells it, with a version that is no longer the default."""
    versions = [
        {"VersionId": "v1", "IsDefaultVersion": False, "Document": document("old:Thing")},
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": document("new:Thing")},
    ]
    return {"Arn": arn, "PolicyVersionList": versions}


def version(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    text = quote(json.dumps(document(f"{asked['PolicyArn'][-5:]}:{asked['VersionId']}")))
    return {"PolicyVersion": {"Document": text}}


ONE_BY_ONE: dict[tuple[str, str], Any] = {
    ("iam", "GetPolicy"): {"Policy": {"DefaultVersionId": "v2"}},
    ("iam", "GetPolicyVersion"): version,
}


def sight(aws: FakeAws, **asked: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, asked).policy, NothingKnown(), FakeClock().now())


def refs(*names: str) -> list[Ref]:
    return [Ref(KIND, name) for name in names]


def allowed(role: Role | Unread) -> dict[str, list[str]]:
    """By policy, the actions that it allows."""
    assert isinstance(role, Role)
    return {
        one.name: [action for told in one.statements for action in told.actions]
        for one in role.policies
    }


def test_a_sweep_is_one_list_whatever_page_a_policy_is_on() -> None:
    """Of AWS's own policies one that its name does not judge is read, once for all roles."""
    own = f"{AWS}/AWSFooBar"
    broad = f"{AWS}/AdministratorAccess"
    pages: list[dict[str, Any]] = [
        {"RoleDetailList": [listed("a", OURS, own, main="s3:*")], "Marker": "1"},
        {"RoleDetailList": [listed("b", own, broad)], "Policies": [managed(OURS)]},
    ]
    aws = FakeAws({DETAILS: pages, **ONE_BY_ONE})
    [page] = discover(sight(aws), None)
    assert page.cursor is None
    assert [allowed(one) for one in page.states] == [
        {"main": ["s3:*"], "shop/reads": ["new:Thing"], "AWSFooBar": ["ooBar:v2"]},
        {"AWSFooBar": ["ooBar:v2"], "AdministratorAccess": []},
    ]
    assert [request.operation for request in aws.requests] == [
        *[DETAILS[1]] * 2,
        "GetPolicy",
        "GetPolicyVersion",
    ]
    assert aws.asked(*DETAILS)[0]["Filter"] == ["Role", "LocalManagedPolicy"]


def test_a_role_that_no_function_can_take_is_told_without_its_policies() -> None:
    """It is not applicable, which takes no reading."""
    told = {**listed("a", f"{AWS}/Foo"), **described("a", "ec2.amazonaws.com")}
    aws = FakeAws({DETAILS: {"RoleDetailList": [told]}})
    [page] = discover(sight(aws), None)
    assert page.states == [Role("a", "AROAa", trusts_lambda=False)]


def test_one_role_that_cannot_be_understood_spoils_no_other() -> None:
    """It is told why not."""
    bad = {**listed("bad"), "AssumeRolePolicyDocument": "no document"}
    aws = FakeAws({DETAILS: {"RoleDetailList": [bad, listed("good", main="a:B")]}})
    [page] = discover(sight(aws), None)
    [unread, good] = page.states
    assert isinstance(unread, Unread)
    assert (unread.ref.id, unread.code) == ("bad", "UNREADABLE")
    assert allowed(good) == {"main": ["a:B"]}


@pytest.mark.parametrize(
    "odd",
    [
        {"RolePolicyList": None},
        {"RolePolicyList": [{}]},
        {"AttachedManagedPolicies": [{"PolicyArn": None}]},
        {"Tags": ["team"]},
        {"PermissionsBoundary": "limits"},
        {"RolePolicyList": [{"PolicyName": "a", "PolicyDocument": {"Statement": None}}]},
        {"AttachedManagedPolicies": attached(f"{OURS}/old")},
    ],
    ids=str,
)
def test_a_role_in_another_shape_than_documented_spoils_no_other(odd: Any) -> None:
    """Nor does a policy that has no default version."""
    old = {"Arn": f"{OURS}/old", "PolicyVersionList": [{"IsDefaultVersion": False}]}
    roles = [{**listed("odd"), **odd}, listed("good", main="a:B")]
    [page] = discover(sight(FakeAws({DETAILS: {"RoleDetailList": roles, "Policies": [old]}})), None)
    assert [getattr(one, "code", "") for one in page.states] == ["UNREADABLE", ""]


def test_what_is_null_is_absent() -> None:
    """Neither tags nor a boundary."""
    told = {**listed("a"), "Tags": None, "PermissionsBoundary": None}
    [page] = discover(sight(FakeAws({DETAILS: {"RoleDetailList": [told]}})), None)
    assert page.states == [Role("a", "AROAa", trusts_lambda=True)]


def test_a_list_that_takes_longer_than_a_step_ends_the_sweep() -> None:
    """It would be begun again and again for hours."""
    with pytest.raises(Refused, match="longer than a step"):
        next(discover(sight(FakeAws({DETAILS: OutOfTime("late")})), None))


def test_a_named_role_is_read_with_all_its_policies() -> None:
    """With tags, its boundary, and each managed policy once, however many roles have it."""
    more = {
        "PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/limits"},
        "Tags": [{"Key": "team", "Value": "shop"}],
    }
    aws = FakeAws(
        {
            ("iam", "GetRole"): lambda asked: {"Role": {**described(asked["RoleName"]), **more}},
            ("iam", "ListRolePolicies"): {"PolicyNames": ["main"]},
            ("iam", "GetRolePolicy"): {"PolicyName": "main", "PolicyDocument": document("a:B")},
            ("iam", "ListAttachedRolePolicies"): {"AttachedPolicies": attached(OURS)},
            **ONE_BY_ONE,
        }
    )
    found = list(observe(sight(aws), refs("a", "b", "a", "no/name", "")))
    assert [allowed(one) for one in found] == [{"main": ["a:B"], "shop/reads": ["reads:v2"]}] * 2
    assert isinstance(found[0], Role)
    assert (found[0].boundary, found[0].tags) == ("limits", {"team": "shop"})
    assert len(aws.asked("iam", "GetPolicyVersion")) == 1
    assert [one["RoleName"] for one in aws.asked("iam", "GetRole")] == ["a", "b"]


@pytest.mark.parametrize(
    ("operation", "refusal", "code"),
    [
        ("GetRole", Gone("no"), None),
        ("GetRole", Denied("no"), "ACCESS_DENIED"),
        ("GetRole", Throttled("no"), "BUSY"),
        ("ListRolePolicies", Gone("no"), "BUSY"),
        ("GetRolePolicy", Gone("no"), "BUSY"),
        ("GetRolePolicy", Denied("no"), "ACCESS_DENIED"),
        ("GetRolePolicy", Invalid("no"), "UNREADABLE"),
    ],
)
def test_a_role_that_cannot_be_read_whole_is_not_judged(
    operation: str, refusal: StewardError, code: str | None
) -> None:
    """A policy that is gone meanwhile is not the role: it is read again."""
    aws = FakeAws(
        {
            ("iam", "GetRole"): {"Role": described("a")},
            ("iam", "ListRolePolicies"): {"PolicyNames": ["main"]},
            ("iam", operation): refusal,
        }
    )
    found = list(observe(sight(aws), refs("a")))
    assert [(one.ref.id, one.code) for one in found if isinstance(one, Unread)] == (
        [] if code is None else [("a", code)]
    )


def test_what_a_role_has_is_told_alike_by_list_and_by_name() -> None:
    """The same role, read in both ways, is the same state."""
    listing = FakeAws(
        {DETAILS: {"RoleDetailList": [listed("a", OURS, main="a:B")], "Policies": [managed(OURS)]}}
    )
    by_name = FakeAws(
        {
            ("iam", "GetRole"): {"Role": described("a")},
            ("iam", "ListRolePolicies"): {"PolicyNames": ["main"]},
            ("iam", "GetRolePolicy"): {"PolicyName": "main", "PolicyDocument": document("a:B")},
            ("iam", "ListAttachedRolePolicies"): {"AttachedPolicies": attached(OURS)},
            ("iam", "GetPolicy"): {"Policy": {"DefaultVersionId": "v2"}},
            ("iam", "GetPolicyVersion"): {"PolicyVersion": {"Document": document("new:Thing")}},
        }
    )
    [page] = discover(sight(listing), None)
    assert page.states == list(observe(sight(by_name), refs("a")))
    [role] = page.states
    assert isinstance(role, Role)
    assert [type(one) for one in role.policies] == [Granted] * 2
