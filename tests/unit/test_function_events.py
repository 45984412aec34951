"""Events of roles and log groups name roles and functions, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from steward.config_resources import ROLE
from steward.events import CLOUDTRAIL, FUNCTION, Automation, Skip, function, named
from steward.function_events import logging_function, role
from steward.model import Ref
from tests.fakes import ACCOUNT, REGION

AUTOMATION = Automation(
    name="assessor",
    source="aws.lambda",
    events={"CreateFunction": function, "TagResource": function},
    others={
        "aws.iam": {"PutRolePolicy": role, "TagResource": role},
        "aws.logs": {"PutRetentionPolicy": logging_function},
    },
    controls=(),
)


def looked_at(source: str, call: str, **asked: object) -> list[Ref] | Skip:
    detail = {"eventName": call, "requestParameters": asked, "awsRegion": REGION}
    event: Mapping[str, Any] = {
        "detail-type": CLOUDTRAIL,
        "source": source,
        "account": ACCOUNT,
        "region": REGION,
        "detail": detail,
    }
    return named(AUTOMATION, event, account=ACCOUNT, region=REGION)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("orders", "orders"),
        ("a+b=c,d.e@f_g-h", "a+b=c,d.e@f_g-h"),
        ("x" * 64, "x" * 64),
        ("x" * 65, ""),
        ("", ""),
        ("shop/orders", ""),
        ("orders\n", ""),
        ("gr\u00f6\u00dfe", ""),
        (None, ""),
        (7, ""),
        (["orders"], ""),
    ],
)
def test_a_call_of_iam_names_its_role(told: object, name: str) -> None:
    """By its name, which has no path."""
    expected = [Ref(ROLE, name)] if name else Skip.NO_NAME
    assert looked_at("aws.iam", "PutRolePolicy", roleName=told) == expected


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("/aws/lambda/orders", "orders"),
        ("/aws/lambda/us-east-1.edge", "us-east-1.edge"),
        (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/orders:*", "orders"),
        ("/aws/lambda/", ""),
        ("/aws/lambda/orders/more", ""),
        ("/aws/lambda/function:orders", ""),
        ("/shop/orders", ""),
        ("orders", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_call_over_a_log_group_names_the_function_that_it_is_called_after(
    told: object, name: str
) -> None:
    """A group of another name is nobody's, as far as one can see."""
    expected = [Ref(FUNCTION, name)] if name else Skip.NO_NAME
    assert looked_at("aws.logs", "PutRetentionPolicy", logGroupName=told) == expected


@pytest.mark.parametrize(
    ("source", "call", "found"),
    [
        ("aws.lambda", "CreateFunction20150331", [Ref(FUNCTION, "a")]),
        ("aws.lambda", "TagResource", [Ref(FUNCTION, "a")]),
        ("aws.iam", "TagResource", [Ref(ROLE, "b")]),
        ("aws.iam", "CreateFunction20150331", Skip.NO_RULE),
        ("aws.logs", "TagResource", Skip.NO_RULE),
        ("aws.s3", "TagResource", Skip.NO_RULE),
    ],
)
def test_a_call_is_known_by_its_source_and_its_name(
    source: str, call: str, found: list[Ref] | Skip
) -> None:
    """Several services have calls of one name."""
    assert looked_at(source, call, functionName="a", roleName="b") == found


@pytest.mark.parametrize("extract", [role, logging_function])
@pytest.mark.parametrize("asked", [None, [], "roleName=a", {}])
def test_a_call_without_parameters_names_nothing(extract: Any, asked: object) -> None:
    """CloudTrail leaves those out that are too large."""
    assert list(extract({"requestParameters": asked})) == []
    assert list(extract({})) == []
