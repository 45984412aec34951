"""Each check of roles is seen to fail on a small template that violates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.authorization import matches
from tests.conformance.rendering import Template, overlap
from tests.conformance.role_checks import problems

LAMBDA = {"Service": "lambda.amazonaws.com"}
LOGS = {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"}
QUEUE = {"Fn::GetAtt": ["Queue", "Arn"]}
NOTHING = {"Ref": "AWS::NoValue"}


def allow(actions: Any, resources: Any = "*", sid: str = "A", **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trusting(principal: Any, action: Any = "sts:AssumeRole") -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]}


def template(*statements: Any, trust: Any = None, **resources: Any) -> dict[str, Any]:
    """A function with a role of these statements, and what the case needs besides."""
    role = {
        "AssumeRolePolicyDocument": trust or trusting(LAMBDA),
        "Policies": [{"PolicyName": "own", "PolicyDocument": {"Statement": [*statements]}}],
    }
    function = {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Queue": {"Type": "AWS::SQS::Queue"},
            **resources,
        }
    }


def managed(*statements: Any, **more: Any) -> dict[str, Any]:
    properties = {"PolicyDocument": {"Statement": [*statements]}, **more}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def conditioned(**condition: Mapping[str, Any]) -> dict[str, Any]:
    return {"Condition": {"StringEquals": condition["keys"]}}


@pytest.mark.parametrize(
    "statement",
    [
        allow(["logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"], LOGS),
        allow("logs:PutLogEvents", {"Fn::GetAtt": ["Logs", "Arn"]}),
        allow(["logs:DescribeLogGroups", "tag:GetResources", "xray:PutTraceSegments"]),
        allow("sqs:SendMessage", QUEUE),
        allow("sqs:SendMessage", {"Fn::GetAtt": "Queue.Arn"}),
        allow("sqs:SendMessage", {"Fn::Join": [":", ["arn:aws:sqs", "a", "b", {"Ref": "Name"}]]}),
        allow("sqs:SendMessage", {"Fn::If": ["C", QUEUE, NOTHING]}),
        allow("ssm:GetParameters", {"Fn::Sub": "arn:aws:ssm:a:b:parameter/${AWS::StackName}/*"}),
        allow("sns:Publish", {"Ref": "TopicArnOfSomebody"}),
        allow("sns:Publish", {"Ref": "Topic"}),
        allow("lambda:InvokeFunction", [{"Fn::GetAtt": ["Function", "Arn"]}]),
        allow("lambda:InvokeFunction", {"Fn::Sub": ["${F}:*", {"F": {"Ref": "FunctionArn"}}]}),
        allow(["apigateway:GET", "apigateway:PATCH"], "arn:aws:apigateway:a::/restapis/*/stages/*"),
        allow("logs:TagResource", "arn:aws:logs:a:b:log-group:/c"),
        allow("s3:GetObject", "arn:aws:s3:::bucket/*"),
        allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]),
        allow("kms:Decrypt", {"Ref": "Key"}, **conditioned(keys={"kms:ViaService": "x"})),
        allow("logs:TagResource", LOGS, **conditioned(keys={"aws:ResourceTag/team": "x"})),
        allow("lambda:GetPolicy", "*", **conditioned(keys={"aws:RequestedRegion": "x"})),
        {**allow("s3:DeleteObject"), "Effect": "Deny"},
        {"Fn::If": ["C", allow("sqs:SendMessage", QUEUE), NOTHING]},
    ],
    ids=lambda statement: str(statement.get("Action", "branch"))[:40],
)
def test_a_good_statement_has_no_problems(statement: dict[str, Any]) -> None:
    """Whatever intrinsics it is written with."""
    more = {"Logs": {"Type": "AWS::Logs::LogGroup"}, "Topic": {"Type": "AWS::SNS::Topic"}}
    assert problems(template(statement, **more)) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (allow("logs:PutRetention", LOGS), ["logs:PutRetention is no action"]),
        (allow("log:PutRetentionPolicy", LOGS), ["log:PutRetentionPolicy is no action"]),
        (allow("*", LOGS), ["* is a wildcard"]),
        (allow("logs:Describe*"), ["logs:Describe* is a wildcard"]),
        (allow("logs:PutRetentionPolicy"), ["logs:PutRetentionPolicy writes, and is granted on *"]),
        (allow("sqs:TagQueue"), ["sqs:TagQueue writes, and is granted on *"]),
        (allow("iam:PassRole"), ["iam:PassRole writes, and is granted on *"]),
        (
            allow("sqs:SendMessage", {"Fn::If": ["C", QUEUE, "*"]}),
            ["sqs:SendMessage writes, and is granted on *"],
        ),
        (
            {"Fn::If": ["C", NOTHING, allow("sqs:SendMessage")]},
            ["sqs:SendMessage writes, and is granted on *"],
        ),
        (
            allow("lambda:ListFunctions", "arn:aws:lambda:a:b:function:c"),
            ["lambda:ListFunctions takes no resource but *"],
        ),
        (
            allow("s3:GetObject", "arn:aws:s3:::bucket"),
            [
                "s3:GetObject is on none of arn:aws:s3:::bucket",
                "no action is on arn:aws:s3:::bucket",
            ],
        ),
        (
            allow("sqs:SendMessage", [QUEUE, "arn:aws:sns:a:b:c"]),
            ["no action is on arn:aws:sns:a:b:c"],
        ),
        (
            allow(["sqs:SendMessage", "sns:Publish"], QUEUE),
            ["sns:Publish is on none of arn:aws:sqs:eu-west-1:111122223333:{Queue}"],
        ),
        (
            allow("sqs:SendMessage", {"Ref": "Queue"}),
            ["sqs:SendMessage is on none of {Queue}", "no action is on {Queue}"],
        ),
        (
            allow("logs:PutRetentionPolicy", "arn:aws:logs:a:b:log-group:/c"),
            [
                "logs:PutRetentionPolicy is on none of arn:aws:logs:a:b:log-group:/c",
                "no action is on arn:aws:logs:a:b:log-group:/c",
            ],
        ),
        (
            allow("apigateway:PATCH", "arn:aws:execute-api:a:b:c"),
            [
                "apigateway:PATCH is on none of arn:aws:execute-api:a:b:c",
                "no action is on arn:aws:execute-api:a:b:c",
            ],
        ),
        (
            allow("sqs:SendMessage", QUEUE, **conditioned(keys={"kms:ViaService": "x"})),
            ["sqs:SendMessage does not know the condition key kms:ViaService"],
        ),
        (
            allow("tag:GetResources", **conditioned(keys={"aws:ResourceTag/team": "x"})),
            ["tag:GetResources does not know the condition key aws:ResourceTag/team"],
        ),
        (
            {"Sid": "A", "Effect": "Allow", "NotAction": "iam:PassRole", "NotResource": "*"},
            [
                "NotAction grants what nobody has named",
                "NotResource grants what nobody has named",
            ],
        ),
    ],
    ids=lambda value: value[0][:60] if isinstance(value, list) else "",
)
def test_a_bad_statement_is_noticed(statement: dict[str, Any], said: list[str]) -> None:
    """With the place, the action and the reason."""
    assert problems(template(statement)) == [f"Role/A: {one}" for one in said]


def test_statements_of_managed_and_of_separate_policies_are_judged() -> None:
    """Once each, however many roles have them; one without a Sid is told by its index."""
    bad = {"Effect": "Allow", "Action": "sqs:Send", "Resource": "*"}
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyDocument": {"Statement": bad}, "Roles": [{"Ref": "Role"}]},
    }
    found = problems(template(Common=managed(bad), Other=policy))
    assert found == ["Common/#0: sqs:Send is no action", "Other/#0: sqs:Send is no action"]


@pytest.mark.parametrize(
    ("sid", "listed", "expected"),
    [
        ("AnyResourceTags", {"AnyResourceTags": "of any service"}, 0),
        ("AnyResourceTags", {}, 1),
        ("Tags", {"Tags": "of any service"}, 1),
    ],
    ids=["listed", "not-listed", "not-marked"],
)
def test_a_write_to_anything_is_marked_and_has_a_reason(
    sid: str, listed: dict[str, str], expected: int
) -> None:
    """Its Sid says so to who reads the template, the table says why."""
    found = problems(template(allow("lambda:TagResource", sid=sid)), unscoped=listed)
    assert len(found) == expected


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (trusting("*"), "trusts {'anyone': '*'}"),
        (trusting({"AWS": "111122223333"}), "trusts {'AWS': '111122223333'}"),
        (trusting({"Service": "events.amazonaws.com"}), "should trust lambda.amazonaws.com"),
        (
            trusting({"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}),
            "should trust lambda.amazonaws.com",
        ),
        (trusting({**LAMBDA, "AWS": "111122223333"}), "should trust lambda.amazonaws.com"),
        (trusting(LAMBDA, ["sts:AssumeRole", "sts:TagSession"]), "should with sts:AssumeRole"),
    ],
    ids=[
        "anyone",
        "account",
        "other-service",
        "two-services",
        "service-and-account",
        "other-action",
    ],
)
def test_a_role_that_trusts_another_is_noticed(trust: dict[str, Any], said: str) -> None:
    """Only the service of the resource that names the role may take it."""
    (found,) = problems(template(trust=trust))
    assert found.startswith("Role: trusts ")
    assert said in found


def test_a_role_is_taken_by_whatever_names_it() -> None:
    """Also deep inside a resource; a role that nothing names is one too many."""
    schedule = {"Target": {"Arn": "x", "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]}}}
    starter = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": trusting({"Service": "scheduler.amazonaws.com"})
        },
    }
    nightly = {"Type": "AWS::Scheduler::Schedule", "Properties": schedule}
    assert problems(template(Starter=starter, Nightly=nightly)) == []
    idle = problems(template(Starter=starter))
    assert idle == ["Starter: no resource of the template takes the role"]


def attached(*policies: Any, own: Any = (), **resources: Any) -> dict[str, Any]:
    made = template(*own, **resources)
    made["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = [*policies]
    return made


def test_a_policy_from_elsewhere_is_noticed() -> None:
    """AWS's own grant more than is needed, and change."""
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert problems(attached(basic)) == [f"Role: attaches {basic}, which is not of the template"]
    assert problems(attached({"Ref": "Common"}, Common=managed())) == []


def test_a_permission_granted_twice_is_noticed() -> None:
    """In one policy or in two; on the same resource or on one within another."""
    one, other = allow("sqs:SendMessage", QUEUE), allow("sqs:SendMessage", QUEUE, "B")
    arn = "arn:aws:sqs:eu-west-1:111122223333:{Queue}"
    said = f"grant sqs:SendMessage on {arn}"
    assert problems(template(one, other)) == [f"Role: Role/A and Role/B {said}"]
    common = problems(attached({"Ref": "Common"}, own=[one], Common=managed(other)))
    assert common == [f"Role: Role/A and Common/B {said}"]
    from_there = managed(other, Roles=[{"Ref": "Role"}])
    assert problems(template(one, Common=from_there)) == [f"Role: Role/A and Common/B {said}"]
    wide = allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:*", "B")
    assert problems(template(one, wide)) == [f"Role: Role/A and Role/B {said}"]
    assert len(problems(template(wide, one))) == 1
    assert problems(template(one, {**other, "Effect": "Deny"})) == []
    assert problems(template(one, allow("sqs:ReceiveMessage", QUEUE, "B"))) == []
    elsewhere = allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:else", "B")
    assert problems(template(one, elsewhere)) == []


def test_an_intrinsic_that_is_not_known_is_refused() -> None:
    """A text that cannot be told must not pass."""
    with pytest.raises(ValueError, match="Fn::Cidr"):
        Template({"Resources": {}}).text({"Fn::Cidr": ["10.0.0.0/8", 1]})


def test_a_literal_of_a_substitution_stays() -> None:
    """'${!A}' is how a template writes '${A}'."""
    assert Template({"Resources": {}}).text({"Fn::Sub": "${!A}-${B}"}) == "${A}-<B>"


PATTERNS = st.text("ab*?", max_size=5)


@given(PATTERNS, PATTERNS, st.text("ab", max_size=6))
def test_what_two_patterns_match_is_their_overlap(one: str, other: str, text: str) -> None:
    """Either way round; a pattern overlaps a text if it matches it."""
    if matches(one, text) and matches(other, text):
        assert overlap(one, other)
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, text) == matches(one, text)
