"""Owners by tags: which ARN a resource has in the tagging index, and what cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from steward.errors import Denied, NotConnected, StewardError, Throttled
from steward.events import FUNCTION, STACK
from steward.model import Ref
from steward.reports.owners import arn_of, owners
from tests.fakes import ACCOUNT, REGION, FakeAws
from tests.reporting import GROUP

GET = ("resourcegroupstaggingapi", "GetResources")
STACK_ARN = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/1"


def tagging(tags: Mapping[str, Mapping[str, str]]) -> FakeAws:
    """The tagging index: of what it is asked for, it tells what has tags."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        told = [arn for arn in asked["ResourceARNList"] if arn in tags]
        pairs = {arn: [{"Key": k, "Value": v} for k, v in tags[arn].items()] for arn in told}
        return {"ResourceTagMappingList": [{"ResourceARN": a, "Tags": pairs[a]} for a in told]}

    return FakeAws({GET: answer})


ARNS = [
    pytest.param(GROUP, "/l/a", f"logs:{REGION}:{ACCOUNT}:log-group:/l/a", id="log group"),
    pytest.param(FUNCTION, "a", f"lambda:{REGION}:{ACCOUNT}:function:a", id="function"),
    pytest.param("AWS::Kinesis::Stream", "s", f"kinesis:{REGION}:{ACCOUNT}:stream/s", id="stream"),
    pytest.param("AWS::ApiGateway::Stage", "a1/prod",
                 f"apigateway:{REGION}::/restapis/a1/stages/prod", id="stage of a REST API"),
    pytest.param("AWS::ApiGatewayV2::Stage", "a1/$default",
                 f"apigateway:{REGION}::/apis/a1/stages/$default", id="stage of an HTTP API"),
    pytest.param("AWS::SQS::Queue", "q", f"sqs:{REGION}:{ACCOUNT}:q", id="queue"),
    pytest.param(STACK, STACK_ARN, STACK_ARN[8:], id="stack"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "arn"), ARNS)
def test_resources_have_their_arn_in_the_tagging_index(kind: str, name: str, arn: str) -> None:
    """As GetResources takes and answers it: a log group's without the star at its end."""
    assert arn_of(Ref(kind, name), FakeAws()) == f"arn:aws:{arn}"


@pytest.mark.parametrize("kind", ["AWS::Logs::AccountPolicy", "AWS::IAM::Role", "Nobody::Knows"])
def test_what_the_tagging_index_does_not_have_is_not_asked_for(kind: str) -> None:
    """It has no owner by tags, and no request is made."""
    aws = FakeAws()
    assert owners(aws, [Ref(kind, "x")]).by_ref == {}
    assert aws.requests == []


OWNERS = [
    pytest.param({"owner": "a", "team": "b"}, "a", id="the first key counts"),
    pytest.param({"Team": "b"}, "b", id="the last key"),
    pytest.param({"owner": " ", "team": " b "}, "b", id="an empty value tells nobody"),
    pytest.param({"OWNER": "a"}, None, id="keys are exact"),
    pytest.param({"cost": "1"}, None, id="other tags"),
]


@pytest.mark.parametrize(("tags", "owner"), OWNERS)
def test_the_first_key_that_tells_an_owner_counts(tags: dict[str, str], owner: str | None) -> None:
    """Keys are told apart by case, as AWS does."""
    ref = Ref(FUNCTION, "f")
    found = owners(tagging({arn_of(ref, FakeAws()): tags}), [ref])
    assert (found.by_ref.get(ref), found.notes) == (owner, ())


LOGS_OF = Ref(GROUP, "/aws/lambda/claims")
CLAIMS = Ref(FUNCTION, "claims")


@pytest.mark.parametrize(
    ("tags", "owner", "of"),
    [
        pytest.param({CLAIMS: "us"}, "us", "function claims", id="the function's"),
        pytest.param({CLAIMS: "us", LOGS_OF: "them"}, "them", None, id="its own tags go first"),
        pytest.param({CLAIMS: " "}, None, None, id="nobody's"),
    ],
)
def test_a_functions_log_group_is_whose_the_function_is(
    tags: dict[Ref, str], owner: str | None, of: str | None
) -> None:
    """Asked for in the same request, and told to be the function's."""
    aws = tagging({arn_of(ref, FakeAws()): {"owner": told} for ref, told in tags.items()})
    found = owners(aws, [LOGS_OF])
    assert (found.by_ref.get(LOGS_OF), found.of.get(LOGS_OF)) == (owner, of)
    assert len(aws.asked(*GET)) == 1
    assert found.keys == ("owner", "Owner", "team", "Team")


@pytest.mark.parametrize("name", ["/aws/lambda/us-east-1.edge", "/aws/lambda/a/b", "/ecs/claims"])
def test_other_log_groups_have_their_own_owner_only(name: str) -> None:
    """A function at the edge is in another Region, where nobody is asked."""
    aws = tagging({})
    owners(aws, [Ref(GROUP, name)])
    [asked] = aws.asked(*GET)
    assert len(asked["ResourceARNList"]) == 1


def test_keys_can_be_chosen() -> None:
    """Each company has its own."""
    ref = Ref(FUNCTION, "f")
    aws = tagging({arn_of(ref, FakeAws()): {"owner": "a", "cost-center": "42"}})
    found = owners(aws, [ref], ["nobodys", " cost-center"])
    assert (found.by_ref, found.keys) == ({ref: "42"}, ("nobodys", "cost-center"))


def test_owners_are_asked_for_by_the_hundred() -> None:
    """So many ARNs a request takes; what is named twice is asked for once."""
    aws = tagging({})
    refs = [Ref(FUNCTION, f"f{number}") for number in range(201)]
    owners(aws, [*refs, *refs])
    assert [len(asked["ResourceARNList"]) for asked in aws.asked(*GET)] == [100, 100, 1]


@pytest.mark.parametrize("error", [Denied("no"), Throttled("no"), NotConnected("no")])
def test_owners_that_cannot_be_read_are_noted(error: StewardError) -> None:
    """The others are told; a report never fails for want of an owner."""
    refs = [Ref(FUNCTION, f"f{number:03}") for number in range(150)]
    last = {"Key": "owner", "Value": "me"}
    told = {"ResourceARN": arn_of(refs[-1], FakeAws()), "Tags": [last]}
    aws = FakeAws({GET: [error, {"ResourceTagMappingList": [told]}]})
    found = owners(aws, refs)
    assert found.by_ref == {refs[-1]: "me"}
    assert found.notes == ("owners of 100 resources are not known: no",)
    one = owners(FakeAws({GET: [error]}), refs[:1])
    assert one.notes == ("owners of 1 resource are not known: no",)
