"""Roles of the embedded account are told as IAM tells them, their calls where AWS tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.account import EmbeddedAccount
from embedded.overlays import faithful
from tests.scenarios.narrowed import only

ROLE = "AWS::IAM::Role"
REGION = "eu-west-1"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
READS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
WRITES = json.dumps({"Version": "2012-10-17", "Statement": [{**READS, "Action": "s3:PutObject"}]})
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [READS]})
LOCAL = ["Role", "LocalManagedPolicy"]


@pytest.fixture
def iam() -> Iterator[Any]:
    """A client of IAM in a fresh, faithful account."""
    with mock_aws(), faithful():
        yield boto3.client("iam", region_name=REGION)


def test_roles_and_policies_are_told_page_by_page(iam: Any) -> None:
    """With inline documents, what is attached, versions, tags and the boundary."""
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=DOCUMENT)["Policy"]["Arn"]
    tags = [{"Key": "team", "Value": "shop"}]
    more = {"PermissionsBoundary": bound, "Tags": tags}
    iam.create_role(RoleName="orders", AssumeRolePolicyDocument=TRUST, **more)
    iam.create_role(RoleName="shop", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="orders", PolicyName="main", PolicyDocument=DOCUMENT)
    iam.attach_role_policy(RoleName="orders", PolicyArn=bound)
    iam.create_policy_version(PolicyArn=bound, PolicyDocument=WRITES, SetAsDefault=True)
    pages = iam.get_paginator("get_account_authorization_details")
    told = list(pages.paginate(Filter=LOCAL, PaginationConfig={"PageSize": 1}))
    assert [len(one["RoleDetailList"]) + len(one["Policies"]) for one in told] == [1, 1, 1]
    [orders, _] = [one for page in told for one in page["RoleDetailList"]]
    assert orders["RoleId"].startswith("AROA")
    assert orders["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert orders["RolePolicyList"] == [
        {"PolicyName": "main", "PolicyDocument": json.loads(DOCUMENT)}
    ]
    assert orders["AttachedManagedPolicies"] == [{"PolicyName": "bound", "PolicyArn": bound}]
    assert orders["PermissionsBoundary"]["PermissionsBoundaryArn"] == bound
    assert orders["Tags"] == tags
    [policy] = [one for page in told for one in page["Policies"]]
    versions = {one["IsDefaultVersion"]: one["Document"] for one in policy["PolicyVersionList"]}
    assert versions == {True: json.loads(WRITES), False: json.loads(DOCUMENT)}
    with pytest.raises(ClientError, match="InvalidInput"):
        iam.get_account_authorization_details(Filter=LOCAL, Marker="made up")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role_policy(RoleName="orders", PolicyName="none")


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    with EmbeddedAccount(template=only("function-role-not-shared")) as account:
        account.settle()
        yield account


def test_a_stacks_role_is_told_with_all_its_policies(here: EmbeddedAccount) -> None:
    """Inline and attached, with their documents; so that it can be judged like any other."""
    iam = here.client("iam")
    [role] = [one for one in here.deployment.of_type(ROLE) if one.id == "AssessorRole"]
    named = {"RoleName": role.physical_id}
    [attached] = iam.list_attached_role_policies(**named)["AttachedPolicies"]
    assert [attached["PolicyArn"]] == role.properties["ManagedPolicyArns"]
    told = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    [one] = [detail for detail in told if detail["RoleName"] == role.physical_id]
    [inline] = one["RolePolicyList"]
    assert one["AttachedManagedPolicies"] == [attached]
    asked = iam.get_role_policy(**named, PolicyName=inline["PolicyName"])
    assert asked["PolicyDocument"] == inline["PolicyDocument"]
    assert inline["PolicyDocument"] == role.properties["Policies"][0]["PolicyDocument"]


def test_iams_events_reach_no_rule_but_are_recorded(here: EmbeddedAccount) -> None:
    """Outside us-east-1: EventBridge there gets none, and AWS Config's recorder sees them."""
    heard: list[str] = []
    here.journal.events.clear()
    before, here._course.heard = here._course.heard, lambda event: heard.append(event["source"])
    here.client("iam").create_role(RoleName="new", AssumeRolePolicyDocument=unquote(TRUST))
    here.settle()
    here._course.heard = before
    assert heard == ["aws.iam"]
    assert [one.event["source"] for one in here.journal.events] == []
