"""Our own roles are judged as we judge those of others, and where we judge them."""

from __future__ import annotations

import json

import pytest

from embedded.template import load
from steward.controls.function_role_least_privilege import CONTROL
from steward.controls.function_role_least_privilege.assess import assess
from steward.controls.function_role_least_privilege.documents import statements, trusts_lambda
from steward.controls.function_role_least_privilege.state import Granted, Role
from steward.model import Verdict
from steward.policy import load as policy
from tests.conformance.grant_checks import GIVEN, WHOLE
from tests.conformance.stack import RULE, Properties, Stack, behind

EVERYTHING = {**GIVEN, **WHOLE, "KmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/one"}


def roles(stack: Stack) -> list[Role]:
    return [_role(stack, name, told) for name, told in stack.of("AWS::IAM::Role").items()]


def _role(stack: Stack, name: str, told: Properties) -> Role:
    inline = [(one["PolicyName"], one["PolicyDocument"]) for one in told.get("Policies", ())]
    managed = [behind(arn) for arn in told.get("ManagedPolicyArns", ())]
    policies = [*inline, *((one, stack.properties[one]["PolicyDocument"]) for one in managed)]
    granted = [Granted(policy, statements(document)) for policy, document in policies]
    return Role(name, "", trusts_lambda(told["AssumeRolePolicyDocument"]), granted)


def test_our_own_roles_allow_no_more_than_we_let_others() -> None:
    """With all that parameters can add. One may tag whatever bucket, queue or topic a stack has:
    docs/operations.md tells of it, and of what can be done."""
    strict = policy(CONTROL, {"ignore_policies": []}).policy
    found = {one.name: assess(one, strict) for one in roles(Stack(load(), **EVERYTHING))}
    bad = {name: one for name, one in found.items() if one.verdict is Verdict.NON_COMPLIANT}
    assert {name: one.code for name, one in bad.items()} == {"StackTagsRole": "RESOURCE_STAR_WRITE"}
    assert bad["StackTagsRole"].reason.startswith("stack-tags (TagResources) allows s3:")
    assert sum(one.verdict is Verdict.COMPLIANT for one in found.values()) >= 11


@pytest.mark.parametrize(
    ("home", "mode"), [("", "audit"), ("eu-west-1", "audit"), ("eu-west-2", "off")]
)
def test_roles_are_looked_at_in_the_home_region_alone(home: str, mode: str) -> None:
    """Elsewhere the control is off, which a sweep says, and may read no role."""
    stack = Stack(load(), HomeRegion=home, **WHOLE)
    told = json.loads(stack.properties["FunctionRoleLeastPrivilegeDefaults"]["Value"])
    assert told["mode"] == mode
    granted = json.dumps([stack.properties["AssessorRole"], stack.properties["ConfigReporterRole"]])
    assert ('"iam:' in granted) is (mode == "audit")
    assert ("AssessorRoleEvents" in stack.of(RULE)) is (mode == "audit")
