"""AWS Config's names of resources, and ours, are of the same resources."""

from __future__ import annotations

import pytest

from embedded.config import limits
from steward.config_resources import ACCOUNT as ACCOUNT_TYPE
from steward.config_resources import (
    OF_THE_ACCOUNT,
    RENAMED,
    in_config,
    plain_name,
    ref_of,
    rule_name,
)
from steward.model import Ref
from tests.fakes import ACCOUNT, REGION, FakeAws

V1 = f"arn:aws:apigateway:{REGION}::/restapis/abc123def4"
V2 = f"arn:aws:apigateway:{REGION}::/apis/abc123def4"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"

BOTH_WAYS = [
    pytest.param("AWS::Lambda::Function", "orders", "orders", id="a function by its name"),
    pytest.param("AWS::Logs::LogGroup", "/aws/lambda/orders", "/aws/lambda/orders", id="a group"),
    pytest.param("AWS::Kinesis::Stream", "events", "events", id="a stream"),
    pytest.param("AWS::ApiGateway::Stage", f"{V1}/stages/prod", "abc123def4/prod", id="a stage"),
    pytest.param("AWS::ApiGateway::RestApi", V1, "abc123def4", id="a REST API"),
    pytest.param(
        "AWS::ApiGatewayV2::Stage", f"{V2}/stages/$default", "abc123def4/$default", id="a v2 stage"
    ),
    pytest.param("AWS::ApiGatewayV2::Api", V2, "abc123def4", id="an HTTP API"),
    pytest.param("AWS::SQS::Queue", QUEUE, "orders", id="a queue by its URL"),
    pytest.param("AWS::CloudFormation::Stack", "arn:aws:c:::stack/a/b", "arn:aws:c:::stack/a/b"),
    pytest.param("AWS::IAM::Role", "deployer", "deployer", id="a role by its name"),
]


@pytest.mark.parametrize(("kind", "told", "id"), BOTH_WAYS)
def test_a_resource_is_told_as_it_was_named(kind: str, told: str, id: str) -> None:
    """A change and the clock report under the same id, or the resource would be there twice."""
    assert ref_of(kind, told) == Ref(kind, id)
    assert in_config(Ref(kind, id), FakeAws()) == (kind, told)


@pytest.mark.parametrize(
    ("kind", "told", "name", "id"),
    [
        pytest.param(
            "AWS::Lambda::Function",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders:live",
            None,
            "orders",
            id="a function by its ARN",
        ),
        pytest.param(
            "AWS::Logs::LogGroup",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/a:*",
            None,
            "/a",
            id="a group by its ARN",
        ),
        pytest.param(
            "AWS::Kinesis::Stream",
            f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/events",
            None,
            "events",
            id="a stream by its ARN",
        ),
        pytest.param(
            "AWS::SQS::Queue",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders",
            None,
            "orders",
            id="a queue by its ARN",
        ),
        pytest.param("AWS::IAM::Role", "AROA" + "A1" * 8, "deployer", "deployer", id="a role"),
        pytest.param(
            "AWS::IAM::Role", f"arn:aws:iam::{ACCOUNT}:role/a/deployer", None, "deployer", id="ARN"
        ),
    ],
)
def test_other_ways_to_name_a_resource_are_understood(
    kind: str, told: str, name: str | None, id: str
) -> None:
    """Services that send findings of their own tell ARNs; of roles Config tells a unique id."""
    assert ref_of(kind, told, name) == Ref(kind, id)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param("AWS::IAM::Role", "AROA" + "A1" * 8, id="a role's unique id alone"),
        pytest.param("AWS::ApiGateway::Stage", "arn:aws:s3:::bucket", id="another service's ARN"),
        pytest.param("AWS::Lambda::Function", "", id="no id"),
        pytest.param("", "orders", id="no type"),
        pytest.param(None, "orders", id="a type that is no text"),
        pytest.param("AWS::Lambda::Function", 7, id="an id that is no text"),
    ],
)
def test_what_names_nothing_is_no_ref(kind: object, told: object) -> None:
    """Nothing is guessed."""
    assert ref_of(kind, told) is None


def test_a_role_is_told_by_the_id_that_its_control_remembers() -> None:
    """Under which Config has its timeline; what else is remembered, and of other types, is none."""
    unique = "AROA" + "A1" * 8
    assert in_config(Ref("AWS::IAM::Role", "a"), FakeAws(), unique) == ("AWS::IAM::Role", unique)
    assert in_config(Ref("AWS::IAM::Role", "a"), FakeAws(), "AROA") == ("AWS::IAM::Role", "a")
    function = Ref("AWS::Lambda::Function", "a")
    assert in_config(function, FakeAws(), unique) == ("AWS::Lambda::Function", "a")


@pytest.mark.parametrize("kind", sorted(OF_THE_ACCOUNT))
def test_what_config_does_not_take_is_told_of_the_account(kind: str) -> None:
    """Nothing is left out; by the list of types that it records, none of these is taken."""
    assert in_config(Ref(kind, "any"), FakeAws()) == (ACCOUNT_TYPE, ACCOUNT)
    assert kind not in limits.types()


@pytest.mark.parametrize(("ours", "theirs"), RENAMED.items())
def test_some_types_have_another_name_in_config(ours: str, theirs: str) -> None:
    """Both ways."""
    assert in_config(Ref(ours, "a"), FakeAws()) == (theirs, "a")
    assert ref_of(theirs, "a") == Ref(ours, "a")
    assert theirs in limits.types()


def test_in_china_queues_have_another_url() -> None:
    """By the partition."""
    place = FakeAws(region="cn-north-1", partition="aws-cn")
    url = f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/orders"
    assert in_config(Ref("AWS::SQS::Queue", "orders"), place) == ("AWS::SQS::Queue", url)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("cw-loggroup-retention-period-check", "cw-loggroup-retention-period-check"),
        ("securityhub-sqs-queue-dlq-check-1a2b3c4d", "sqs-queue-dlq-check"),
        ("lambda-dlq-check-conformance-pack-qayjyopmd", "lambda-dlq-check"),
        ("steward-log-retention", "steward-log-retention"),
        ("", ""),
    ],
)
def test_a_rule_is_known_whoever_made_it(name: str, plain: str) -> None:
    """Security Hub and conformance packs put something around its name."""
    assert plain_name(name) == plain


def test_a_rule_has_the_names_of_the_stack_and_the_control() -> None:
    """By which its violations are known as ours."""
    assert rule_name("steward", "log-retention") == "steward-log-retention"
