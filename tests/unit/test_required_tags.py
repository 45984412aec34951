"""Which resources lack the tags that are required of them, and how they are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.required_tags import CONTROL, sources
from steward.controls.required_tags.assess import CODES, assess
from steward.controls.required_tags.readers import discover, observe
from steward.controls.required_tags.state import Policy, Resource
from steward.errors import BadPolicy, Denied
from steward.model import Ref, Sight, Unread, Verdict
from steward.policy import load
from steward.run import REASON
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock, NothingKnown

QUEUE, FUNCTION, GROUP = "AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Logs::LogGroup"
HERE = f"{REGION}:{ACCOUNT}"
STACK = f"arn:aws:cloudformation:{HERE}:stack/shop/1a2b"
TEAMS = {"team": {"values": ["shop", "core"]}}
INDEX = "resourcegroupstaggingapi"


def rule(*kinds: str, **keys: Any) -> dict[str, Any]:
    return {"kinds": list(kinds), "keys": keys or TEAMS}


def policy(*rules: Any, **fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, {"rules": list(rules), **fields}).policy
    return loaded


@pytest.mark.parametrize(
    ("resource", "rules", "code"),
    [
        pytest.param(
            Resource(QUEUE, "q", {"team": "shop"}), [rule(QUEUE)], "HAS_TAGS", id="as required"
        ),
        pytest.param(Resource(QUEUE, "q"), [rule(QUEUE)], "LACKS_TAGS", id="none at all"),
        pytest.param(Resource(QUEUE, "q", {"team": "x"}), [rule(QUEUE)], "WRONG_VALUE", id="value"),
        pytest.param(
            Resource(QUEUE, "q", {"Team": "shop"}), [rule(QUEUE)], "LACKS_TAGS", id="case"
        ),
        pytest.param(
            Resource(QUEUE, "q"), [rule("AWS::SNS::*")], "NOTHING_REQUIRED", id="another type"
        ),
        pytest.param(Resource(QUEUE, "q"), [], "NOTHING_REQUIRED", id="no rule"),
        pytest.param(
            Resource(QUEUE, "q", {"a": "7"}),
            [rule("AWS::SQS::*", a={})],
            "HAS_TAGS",
            id="any value",
        ),
        pytest.param(
            Resource(QUEUE, "q", {"a": "42"}),
            [rule(QUEUE, a={"pattern": "[0-9]{4}"})],
            "WRONG_VALUE",
            id="pattern",
        ),
        pytest.param(
            Resource(QUEUE, "q", {"a": "4711"}),
            [rule(QUEUE, a={"pattern": "[0-9]{4}"})],
            "HAS_TAGS",
            id="pattern that fits",
        ),
        pytest.param(
            Resource(QUEUE, "q", {"team": "x"}),
            [rule(QUEUE, team={}), rule(QUEUE)],
            "HAS_TAGS",
            id="the first rule decides",
        ),
        pytest.param(Resource(QUEUE, "q", {}, ("owner",)), [], "LACKS_TAGS", id="a tag policy"),
        pytest.param(
            Resource(QUEUE, "q", {"owner": ""}, ("owner",)), [], "HAS_TAGS", id="an empty value"
        ),
    ],
)
def test_a_resource_is_judged(resource: Resource, rules: list[Any], code: str) -> None:
    """By rules and tag policies; it is reported and nothing is planned."""
    finding = assess(resource, policy(*rules))
    assert (finding.code, finding.remediation) == (code, ())
    assert code in CODES
    assert len(finding.reason) <= REASON


def test_what_is_offered_is_told_as_far_as_it_is_allowed() -> None:
    """The stack's tags, or the maker's, are the suggested fix."""
    asked = policy(rule(QUEUE, **TEAMS, owner={}))
    told = Resource(QUEUE, "q", {"owner": "ada"}, offered={"team": "shop"}, offers="stack shop")
    assert assess(told, asked).reason == "lacks team; stack shop has team=shop"
    wrong = Resource(QUEUE, "q", {"owner": "ada", "team": "x"}, offered={"team": "y"}, offers="s")
    assert assess(wrong, asked).reason == "team is x, allowed: shop, core"


@given(
    st.dictionaries(st.text(max_size=128), st.text(max_size=256), max_size=5),
    st.lists(st.text(max_size=128), max_size=50).map(tuple),
)
def test_whatever_is_read_is_judged(tags: Mapping[str, str], reported: tuple[str, ...]) -> None:
    """With a reason that fits, and alike each time."""
    resource = Resource(QUEUE, "q", tags, reported, offered=dict.fromkeys(reported, "x" * 256))
    asked = policy(rule(QUEUE, team={"values": ["v" * 256] * 9}))
    finding = assess(resource, asked)
    assert finding == assess(resource, asked)
    assert 0 < len(finding.reason) <= REASON


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (rule("AWS::IAM::Role"), r"rules\[0\].kinds\[0\]: is 'AWS::IAM::Role', allowed: one of"),
        (rule(QUEUE, a={"values": ["x"], "pattern": "x"}), r"rules\[0\].keys.a: has values and"),
        (
            rule(QUEUE, a={"pattern": "["}),
            r"rules\[0\].keys.a.pattern: is '\[', allowed: a regular",
        ),
        ({"kinds": [QUEUE]}, r"rules\[0\]: lacks keys"),
    ],
    ids=["type", "both", "pattern", "no keys"],
)
def test_a_rule_that_cannot_be_kept_is_refused(asked: Any, problem: str) -> None:
    """The message names the field, the value and what is allowed."""
    with pytest.raises(BadPolicy, match=problem):
        policy(asked)


# ---------------------------------------------------------------------------------------- readers


def mapping(arn: str, **tags: str) -> dict[str, Any]:
    return {"ResourceARN": arn, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}


def index(*told: dict[str, Any], page: int = 1) -> Any:
    """The tagging index: by ARN, or all of the services that are asked for, page by page."""

    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if "ResourceARNList" in params:
            found = [one for one in told if one["ResourceARN"] in params["ResourceARNList"]]
            return {"ResourceTagMappingList": found}
        services = params["ResourceTypeFilters"]
        found = [one for one in told if one["ResourceARN"].split(":")[2] in services]
        return {"ResourceTagMappingList": found}

    return answer


def world(**more: Any) -> FakeAws:
    queues = [f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}" for name in ("a", "b")]
    stacks = [{"StackId": STACK, "Tags": [{"Key": "team", "Value": "shop"}]}]
    answers = {
        "sqs.ListQueues": {"QueueUrls": queues},
        "lambda.ListFunctions": {"Functions": [{"FunctionName": "orders"}]},
        "logs.DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/lambda/orders"}]},
        "cloudformation.DescribeStacks": {"Stacks": stacks},
        f"{INDEX}.ListRequiredTags": {
            "RequiredTags": [{"CloudFormationResourceTypes": [QUEUE], "ReportingTagKeys": ["cost"]}]
        },
        f"{INDEX}.GetResources": index(
            mapping(f"arn:aws:sqs:{HERE}:a", **{"aws:cloudformation:stack-id": STACK}),
            mapping(f"arn:aws:lambda:{HERE}:function:orders", team="core"),
            mapping(f"arn:aws:ec2:{HERE}:instance/i-1", team="x"),
            mapping(f"arn:aws:ec2:{HERE}:image/ami-1"),
        ),
        **more,
    }
    return FakeAws({tuple(key.split(".")): answer for key, answer in answers.items()})  # type: ignore[misc]  # pairs


def sight(aws: FakeAws, *rules: Any, **fields: Any) -> Sight[Policy]:
    return Sight(aws, policy(*rules, **fields), NothingKnown(), FakeClock().now())


def swept(seen: Sight[Policy], cursor: str | None = None) -> dict[Ref, Resource | Unread]:
    return {one.ref: one for page in discover(seen, cursor) for one in page.states}


def test_what_never_had_a_tag_is_found_where_its_service_lists_it() -> None:
    """The index does not know it; what it does know comes with its stack's tags."""
    found = swept(sight(aws := world(), rule(QUEUE, GROUP, FUNCTION, "AWS::EC2::Instance")))
    assert {ref.id: one.tags for ref, one in found.items() if isinstance(one, Resource)} == {
        "a": {"aws:cloudformation:stack-id": STACK},
        "b": {},
        "orders": {"team": "core"},
        "/aws/lambda/orders": {},
        "i-1": {"team": "x"},
    }
    offers = {ref.id: one.offers for ref, one in found.items() if isinstance(one, Resource)}
    assert {name: told for name, told in offers.items() if told} == {
        "a": "stack shop",
        "/aws/lambda/orders": "function orders",
    }
    assert len(aws.asked("cloudformation", "DescribeStacks")) == 1


def test_a_value_that_is_not_allowed_comes_with_one_that_is() -> None:
    """As a tag that is lacking does, from the stack."""
    wrong = mapping(f"arn:aws:sqs:{HERE}:a", **{sources.STACK: STACK, "team": "x"})
    asked = policy(rule(QUEUE))
    found = swept(sight(world(**{f"{INDEX}.GetResources": index(wrong)}), rule(QUEUE)))
    [reason] = [
        assess(one, asked).reason
        for one in found.values()
        if isinstance(one, Resource) and one.id == "a"
    ]
    assert reason == "team is x, allowed: shop, core; stack shop has team=shop"


def test_only_the_types_of_the_policy_are_read() -> None:
    """No rule, no request."""
    assert swept(sight(aws := FakeAws())) == {}
    assert aws.requests == []
    assert {ref.kind for ref in swept(sight(world(), rule("AWS::EC2::*")))} == {
        "AWS::EC2::Instance"
    }


def test_a_sweep_goes_on_where_a_step_ended() -> None:
    """A cursor is the type that is being listed, with its token."""
    seen = sight(world(), rule(QUEUE, FUNCTION, "AWS::EC2::Instance"))
    pages = list(discover(seen, None))
    for number, page in enumerate(pages[:-1]):
        rest = {one.ref for later in pages[number + 1 :] for one in later.states}
        assert set(swept(seen, page.cursor)) == rest
    assert pages[-1].cursor is None


def test_tag_policies_of_the_organization_are_a_source() -> None:
    """By ListRequiredTags, once a step; and only if the policy says so."""
    found = swept(sight(aws := world(), tag_policies=True))
    assert {one.reported for one in found.values() if isinstance(one, Resource)} == {("cost",)}
    assert len(aws.asked(INDEX, "ListRequiredTags")) == 1


def test_a_named_resource_is_read_alike() -> None:
    """What neither the index nor its service has is gone."""
    names = [Ref(QUEUE, "b"), Ref(QUEUE, "c"), Ref("AWS::EC2::Instance", "i-1")]
    other = [Ref("AWS::EC2::Instance", "i-2"), Ref("AWS::IAM::Role", "r"), Ref("Nothing", "n")]
    found = list(observe(sight(world(), rule(QUEUE, "AWS::EC2::*")), [*names, *other]))
    assert [one.ref.id for one in found] == ["b", "i-1"]


def test_tags_that_cannot_be_read_are_not_judged() -> None:
    """Each resource of the page is told."""
    found = swept(sight(world(**{f"{INDEX}.GetResources": Denied("no")}), rule(QUEUE)))
    assert {one.code for one in found.values() if isinstance(one, Unread)} == {"TAGS_UNREADABLE"}
    assert len(found) == 2


def test_it_only_reports() -> None:
    """Audit by default, and no right to write."""
    assert CONTROL.writes == frozenset()
    assert policy().mode == "audit"
    finding = assess(Resource(QUEUE, "q"), policy(rule(QUEUE)))
    assert finding.verdict is Verdict.NON_COMPLIANT
