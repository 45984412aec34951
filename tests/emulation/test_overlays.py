"""Where moto differs from AWS, the embedded account does not: one contract for each gap."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.responses import BaseResponse

from embedded import overlays
from embedded.overlays import MotoChangedError, faithful, install
from embedded.seeding import Seed, age_log_group, retention_of_log_groups, seed_log_groups

REGION = "eu-west-1"
ARN = f"arn:aws:logs:{REGION}:123456789012:log-group:"


@pytest.fixture(scope="module")
def session() -> Any:
    """One session, because reading the services' models takes most of a test's time."""
    return boto3.Session(region_name=REGION)


@pytest.fixture
def logs(session: Any) -> Iterator[Any]:
    """A client of CloudWatch Logs in a fresh, faithful account."""
    with mock_aws(), faithful():
        yield session.client("logs")


@pytest.fixture
def tags(session: Any, logs: Any) -> Any:
    """A client of the tag index in the same account."""
    return session.client("resourcegroupstaggingapi")


def create(logs: Any, *names: str, **more: Any) -> None:
    for name in names:
        logs.create_log_group(logGroupName=name, **more)


def names(answer: dict[str, Any]) -> list[str]:
    return [group["logGroupName"] for group in answer["logGroups"]]


def only(logs: Any, name: str) -> dict[str, Any]:
    [group] = logs.describe_log_groups(logGroupIdentifiers=[name])["logGroups"]
    return dict(group)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def put_policy(
    logs: Any, name: str, days: int | str, prefixes: Sequence[str] = (), **more: Any
) -> None:
    criteria = f"LogGroupNamePrefix IN {json.dumps(prefixes)}" if prefixes else None
    document = {"retentionInDays": days, "enforcementMode": more.pop("mode", "RETROACTIVE")}
    logs.put_account_policy(
        policyName=name,
        policyType="RETENTION_POLICY",
        policyDocument=json.dumps(document),
        **({"selectionCriteria": criteria} if criteria else {}),
        **more,
    )


def test_identifiers_name_exact_groups_and_absent_ones_are_left_out(logs: Any) -> None:
    """A name is no prefix; an ARN is as good as a name; none is found twice."""
    create(logs, "/a", "/a-more", "/b", "/c")
    found = logs.describe_log_groups(logGroupIdentifiers=["/a", f"{ARN}/b", "/gone", "/c", "/a"])
    assert names(found) == ["/a", "/b", "/c"]
    assert "nextToken" not in found


@pytest.mark.parametrize(
    "filters",
    [
        {"logGroupIdentifiers": ["/a"], "logGroupNamePrefix": "/a"},
        {"logGroupIdentifiers": ["/a"], "logGroupNamePattern": "a"},
        {"logGroupIdentifiers": ["/a"], "logGroupClass": "STANDARD"},
        {"logGroupIdentifiers": [f"/{number}" for number in range(51)]},
        {"logGroupIdentifiers": ["/a b"]},
        {"logGroupIdentifiers": [f"{ARN}/a:*"]},
        {"logGroupNamePrefix": "/a", "logGroupNamePattern": "a"},
        {"limit": 51},
        {"nextToken": "made up"},
        {"nextToken": "/a"},
    ],
    ids="+".join,
)
def test_filters_that_do_not_fit_are_invalid(logs: Any, filters: dict[str, Any]) -> None:
    """Filters that exclude each other, too much, or a token nobody gave."""
    with pytest.raises(ClientError) as error:
        logs.describe_log_groups(**filters)
    assert code(error) == "InvalidParameterException"


def test_a_prefix_matches_the_beginning_and_a_pattern_any_part(logs: Any) -> None:
    """A pattern's answer holds only ARN, name and creation time."""
    create(logs, "/aws/lambda/x", "/aws/lambda/xy", "/my/aws/lambda/x", "/X")
    assert names(logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/x")) == [
        "/aws/lambda/x",
        "/aws/lambda/xy",
    ]
    found = logs.describe_log_groups(logGroupNamePattern="x")
    assert names(found) == ["/aws/lambda/x", "/aws/lambda/xy", "/my/aws/lambda/x"]
    assert set(found["logGroups"][0]) == {"arn", "creationTime", "logGroupName"}


def test_pages_are_ascii_sorted_and_of_at_most_fifty(logs: Any) -> None:
    """Fifty is also the default; a smaller limit is obeyed."""
    made = [f"/{letter}{number:02}" for number in range(30) for letter in "bAa_"]
    seed_log_groups((Seed(name=name) for name in made), region=REGION)
    pages = list(logs.get_paginator("describe_log_groups").paginate())
    assert [len(page["logGroups"]) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in names(page)] == sorted(made)
    assert len(logs.describe_log_groups(limit=7)["logGroups"]) == 7


def test_a_token_continues_after_a_name_that_is_gone(logs: Any) -> None:
    """What is deleted or created between two pages makes none be skipped or repeated."""
    create(logs, "/a", "/b", "/c", "/d")
    token = logs.describe_log_groups(limit=2)["nextToken"]
    logs.delete_log_group(logGroupName="/b")
    create(logs, "/aa", "/ca")
    assert names(logs.describe_log_groups(nextToken=token)) == ["/c", "/ca", "/d"]


def test_a_token_is_worth_nothing_for_another_question(logs: Any) -> None:
    """The filters must be those of the page before."""
    create(logs, "/a", "/b")
    token = logs.describe_log_groups(limit=1)["nextToken"]
    with pytest.raises(ClientError) as error:
        logs.describe_log_groups(logGroupNamePrefix="/", nextToken=token)
    assert code(error) == "InvalidParameterException"


def test_the_class_is_told_and_can_be_asked_for(logs: Any) -> None:
    """Infrequent Access and Essentials are found together; the class goes with its group."""
    create(logs, "/plain")
    create(logs, "/cheap", logGroupClass="INFREQUENT_ACCESS")
    create(logs, "/delivery", logGroupClass="DELIVERY")
    found = logs.describe_log_groups()["logGroups"]
    assert [group["logGroupClass"] for group in found] == [
        "INFREQUENT_ACCESS",
        "DELIVERY",
        "STANDARD",
    ]
    assert names(logs.describe_log_groups(logGroupClass="ESSENTIALS")) == ["/cheap"]
    assert names(logs.describe_log_groups(logGroupClass="STANDARD")) == ["/plain"]
    logs.delete_log_group(logGroupName="/cheap")
    create(logs, "/cheap")
    assert only(logs, "/cheap")["logGroupClass"] == "STANDARD"


@pytest.mark.parametrize("name", ["/x a", "/x?", "x" * 513, "ä"])
def test_a_log_group_cannot_have_an_impossible_name(logs: Any, name: str) -> None:
    """512 characters of a small alphabet."""
    with pytest.raises(ClientError) as error:
        create(logs, name)
    assert code(error) == "InvalidParameterException"
    assert retention_of_log_groups(region=REGION) == {}


def test_a_group_that_exists_keeps_its_class_when_created_again(logs: Any) -> None:
    """The refused request leaves nothing behind."""
    create(logs, "/a")
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        create(logs, "/a", logGroupClass="DELIVERY")
    assert only(logs, "/a")["logGroupClass"] == "STANDARD"


@pytest.mark.parametrize("days", [0, 2, 8, 29, 31, 366, 3654])
def test_a_retention_that_aws_does_not_have_is_invalid(logs: Any, days: int) -> None:
    """Only the 22 legal values are taken."""
    create(logs, "/a")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName="/a", retentionInDays=days)
    assert "retentionInDays" not in only(logs, "/a")


def test_a_legal_retention_is_set_and_deleted(logs: Any) -> None:
    """What the guards let through is moto's."""
    create(logs, "/a")
    logs.put_retention_policy(logGroupName="/a", retentionInDays=30)
    assert only(logs, "/a")["retentionInDays"] == 30
    logs.delete_retention_policy(logGroupName="/a")
    assert "retentionInDays" not in only(logs, "/a")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.put_retention_policy(logGroupName="/b", retentionInDays=30)


def test_the_retention_of_a_delivery_group_is_fixed(logs: Any) -> None:
    """PutRetentionPolicy is refused for class DELIVERY."""
    create(logs, "/a", logGroupClass="DELIVERY")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName="/a", retentionInDays=30)


def test_an_account_policy_hides_a_groups_own_retention(logs: Any) -> None:
    """PutRetentionPolicy succeeds, is not seen, and is in force once the policy is deleted."""
    create(logs, "/a/1", "/b/1")
    put_policy(logs, "ninety", 90, ["/a/"])
    logs.put_retention_policy(logGroupName="/a/1", retentionInDays=7)
    covered, free = only(logs, "/a/1"), only(logs, "/b/1")
    assert (covered["retentionInDays"], covered["retentionPolicyName"]) == (90, "ninety")
    assert "retentionPolicyName" not in free
    logs.delete_account_policy(policyName="ninety", policyType="RETENTION_POLICY")
    assert only(logs, "/a/1")["retentionInDays"] == 7


def test_an_account_policy_can_keep_events_for_ever(logs: Any) -> None:
    """retentionInDays is then absent, although the group has one."""
    create(logs, "/a")
    logs.put_retention_policy(logGroupName="/a", retentionInDays=7)
    put_policy(logs, "for-ever", "NEVER_EXPIRE")
    assert only(logs, "/a")["retentionPolicyName"] == "for-ever"
    assert "retentionInDays" not in only(logs, "/a")


def test_the_longest_account_policy_decides(logs: Any) -> None:
    """Of equal ones the one created first, also where it was updated later."""
    create(logs, "/a/1", "/b/1", "/c/1")
    put_policy(logs, "first", 60)
    put_policy(logs, "second", 90)
    put_policy(logs, "long", 365, ["/a/"])
    put_policy(logs, "ever", "NEVER_EXPIRE", ["/b/", "/x"])
    put_policy(logs, "first", 90)
    shown = {
        group["logGroupName"]: group["retentionPolicyName"]
        for group in logs.describe_log_groups()["logGroups"]
    }
    assert shown == {"/a/1": "long", "/b/1": "ever", "/c/1": "first"}


def test_a_new_only_policy_leaves_older_groups_alone(logs: Any) -> None:
    """Older than the policy's creation; updating it makes no more groups old."""
    create(logs, "/old", "/new")
    age_log_group("/old", days=1, stored_bytes=0, region=REGION)
    put_policy(logs, "new", 90, mode="NEW_ONLY")
    logs.delete_log_group(logGroupName="/new")
    create(logs, "/new")
    put_policy(logs, "new", 60, mode="NEW_ONLY")
    assert "retentionPolicyName" not in only(logs, "/old")
    assert only(logs, "/new")["retentionInDays"] == 60


@pytest.mark.parametrize(
    "policy",
    [
        {"policyDocument": '{"retentionInDays": 7, "enforcementMode": "RETROACTIVE"}'},
        {"policyDocument": '{"retentionInDays": 91, "enforcementMode": "RETROACTIVE"}'},
        {"policyDocument": '{"retentionInDays": 90, "enforcementMode": "SOMETIMES"}'},
        {"policyDocument": '{"retentionInDays": 90}'},
        {"policyDocument": "90"},
        {"policyDocument": "no JSON"},
        {"selectionCriteria": 'LogGroupName NOT IN ["/a"]'},
        {"selectionCriteria": "LogGroupNamePrefix IN [/a]"},
    ],
    ids=lambda policy: next(iter(policy.values())),
)
def test_an_account_policy_must_make_sense(logs: Any, policy: dict[str, str]) -> None:
    """30 days at least, a known mode, and prefixes."""
    fine = {"policyDocument": '{"retentionInDays": 90, "enforcementMode": "RETROACTIVE"}'}
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_account_policy(
            **{"policyName": "p", "policyType": "RETENTION_POLICY", **fine, **policy}
        )
    assert logs.describe_account_policies(policyType="RETENTION_POLICY")["accountPolicies"] == []


def test_account_policies_are_described_by_type_and_name(logs: Any) -> None:
    """Others than those of retention are stored as they are; what is not there is not found."""
    document = '{"Name": "masks"}'
    put_policy(logs, "days", 90)
    answer = logs.put_account_policy(
        policyName="ship",
        policyType="DATA_PROTECTION_POLICY",
        policyDocument=document,
    )
    found = logs.describe_account_policies(policyType="DATA_PROTECTION_POLICY")
    assert found["accountPolicies"] == [answer["accountPolicy"]]
    assert answer["accountPolicy"]["policyDocument"] == document
    assert (answer["accountPolicy"]["scope"], answer["accountPolicy"]["accountId"]) == (
        "ALL",
        "123456789012",
    )
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.describe_account_policies(policyType="RETENTION_POLICY", policyName="ship")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_account_policy(policyType="RETENTION_POLICY", policyName="ship")


def test_account_policies_go_when_moto_is_reset(session: Any) -> None:
    """They live in moto's own memory."""
    with faithful():
        with mock_aws():
            put_policy(session.client("logs"), "days", 90)
        with mock_aws():
            logs = session.client("logs")
            found = logs.describe_account_policies(policyType="RETENTION_POLICY")
    assert found["accountPolicies"] == []


def test_tags_do_not_survive_their_log_group(logs: Any) -> None:
    """A group of the same name begins without."""
    create(logs, "/a", tags={"team": "red"})
    assert logs.list_tags_for_resource(resourceArn=f"{ARN}/a")["tags"] == {"team": "red"}
    logs.delete_log_group(logGroupName="/a")
    create(logs, "/a")
    assert logs.list_tags_for_resource(resourceArn=f"{ARN}/a")["tags"] == {}


def test_log_groups_are_in_the_tag_index_under_their_type(
    session: Any, logs: Any, tags: Any
) -> None:
    """With ARNs that do not end in ``:*``; what has no tags is left out."""
    create(logs, "/b", "/a", tags={"team": "red"})
    create(logs, "/never-tagged")
    session.client("sns").create_topic(Name="t", Tags=[{"Key": "team", "Value": "red"}])
    found = tags.get_resources(ResourceTypeFilters=["logs:log-group"])
    assert found["PaginationToken"] == ""
    assert found["ResourceTagMappingList"] == [
        {"ResourceARN": f"{ARN}{name}", "Tags": [{"Key": "team", "Value": "red"}]}
        for name in ("/a", "/b")
    ]
    assert len(tags.get_resources()["ResourceTagMappingList"]) == 3
    assert tags.get_resources(ResourceTypeFilters=["logs:loggroup"])["ResourceTagMappingList"] == []


def test_the_tag_index_filters_by_tag(logs: Any, tags: Any) -> None:
    """Every key must be there, with one of its values."""
    create(logs, "/a", tags={"team": "red", "env": "prod"})
    create(logs, "/b", tags={"team": "blue", "env": "prod"})
    wanted = [{"Key": "env"}, {"Key": "team", "Values": ["blue", "green"]}]
    [found] = tags.get_resources(TagFilters=wanted)["ResourceTagMappingList"]
    assert found["ResourceARN"] == f"{ARN}/b"


def test_the_tag_index_comes_in_pages(logs: Any, tags: Any) -> None:
    """As many to a page as asked, each resource once."""
    seeds = (Seed(name=f"/{number:03}", tags={"n": str(number)}) for number in range(25))
    seed_log_groups(seeds, region=REGION)
    asked = {"ResourceTypeFilters": ["logs:log-group"], "ResourcesPerPage": 10}
    pages = list(tags.get_paginator("get_resources").paginate(**asked))
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [10, 10, 5]
    found = [one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]]
    assert found == [f"{ARN}/{number:03}" for number in range(25)]


def test_the_tag_index_answers_for_a_hundred_arns_at_once(logs: Any, tags: Any) -> None:
    """Untagged and absent ones are left out; a page has room for all."""
    seeds = (Seed(name=f"/{number:03}", tags={"a": "b"}) for number in range(98))
    seed_log_groups(seeds, region=REGION)
    create(logs, "/untagged")
    arns = [f"{ARN}/{number:03}" for number in range(98)]
    found = tags.get_resources(ResourceARNList=[*arns, f"{ARN}/untagged", f"{ARN}/gone"])
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == arns


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"ResourceARNList": [f"{ARN}/{n}" for n in range(101)]}, "InvalidParameterException"),
        (
            {"ResourceARNList": [f"{ARN}/a"], "ResourceTypeFilters": ["logs"]},
            "InvalidParameterException",
        ),
        ({"ResourceARNList": [f"{ARN}/a"], "ResourcesPerPage": 5}, "InvalidParameterException"),
        ({"ResourcesPerPage": 101}, "InvalidParameterException"),
        ({"PaginationToken": "made up"}, "PaginationTokenExpiredException"),
    ],
    ids=["101 ARNs", "ARNs and types", "ARNs and pages", "too large a page", "unknown token"],
)
def test_the_tag_index_refuses_what_does_not_fit(
    tags: Any, asked: dict[str, Any], expected: str
) -> None:
    """ARNs stand alone, pages are small, tokens are its own."""
    with pytest.raises(ClientError) as error:
        tags.get_resources(**asked)
    assert code(error) == expected


def test_a_log_group_can_be_made_old_and_full(logs: Any) -> None:
    """And older again; the API cannot do that."""
    create(logs, "/a")
    age_log_group("/a", days=10, stored_bytes=5, region=REGION)
    age_log_group("/a", days=400, stored_bytes=1_000_000, region=REGION)
    group = only(logs, "/a")
    age = datetime.now(UTC) - datetime.fromtimestamp(group["creationTime"] / 1000, UTC)
    assert timedelta(days=400) <= age < timedelta(days=400, minutes=1)
    assert group["storedBytes"] == 1_000_000


def test_seeded_groups_are_as_if_created(logs: Any, tags: Any) -> None:
    """With retention, class, tags and history."""
    seed = Seed(
        name="/a", days=90, age_days=5, stored_bytes=7, log_class="DELIVERY", tags={"k": "v"}
    )
    seed_log_groups([seed, Seed(name="/b")], region=REGION)
    group = only(logs, "/a")
    assert (group["retentionInDays"], group["storedBytes"], group["logGroupClass"]) == (
        90,
        7,
        "DELIVERY",
    )
    assert len(tags.get_resources()["ResourceTagMappingList"]) == 1
    assert retention_of_log_groups(region=REGION) == {"/a": 90, "/b": None}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moto as it comes, whoever made it faithful before."""
    found = getattr(BaseResponse.call_action, "moto_own", BaseResponse.call_action)
    monkeypatch.setattr(BaseResponse, "call_action", found)
    return found


def test_installing_twice_is_installing_once_and_can_be_undone(own: Any) -> None:
    """Outside ``faithful`` moto is its own again."""
    with faithful():
        patched = BaseResponse.call_action
        install()
        with faithful():
            assert BaseResponse.call_action is patched
        assert BaseResponse.call_action is patched is not own
    assert BaseResponse.call_action is own


def test_a_moto_without_the_seam_is_refused(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what is gone, instead of an emulation that silently lies."""
    monkeypatch.setattr(overlays, "_METHODS", ("serialized", "vanished"))
    with pytest.raises(MotoChangedError, match="vanished"):
        install()
