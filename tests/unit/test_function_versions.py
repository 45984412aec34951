"""Versions of functions: the judgement, in tables and over generated accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.controls.function_versions import CONTROL
from steward.controls.function_versions.assess import (
    AT_ONCE,
    assess,
    foretell,
    planned,
    ranges,
)
from steward.controls.function_versions.evidence import MOST
from steward.controls.function_versions.readers import observe
from steward.controls.function_versions.state import KIND, Function, Policy, Version
from steward.errors import BadPolicy, Denied, Gone, Throttled
from steward.model import Ref, Sight, Unread, Verdict
from steward.policy import load
from tests.fakes import REGION, START, NothingKnown
from tests.versions import Lambda, arn

ANY_AGE: dict[str, Any] = {"min_age_days": 0}


def policy(**fields: Any) -> Policy:
    found: Policy = load(CONTROL, {**ANY_AGE, **fields}).policy
    return found


def function(*versions: Version) -> Function:
    return Function("orders", len(versions), versions)


def numbered(*numbers: int, used: Sequence[int] = (), age: int | None = 99) -> Function:
    return function(
        *(Version(n, age, 1_000_000, used="aliases: live" if n in used else "") for n in numbers)
    )


def deleted(state: Function, asked: Policy) -> list[str]:
    """The versions that a finding deletes."""
    return [call.params["Qualifier"] for call in assess(state, asked).remediation]


@pytest.mark.parametrize(
    ("state", "fields", "gone"),
    [
        pytest.param(numbered(), {}, [], id="no versions"),
        pytest.param(numbered(1, 2, 3, used=[2]), {"keep": 0}, ["1", "3"], id="VER-2"),
        pytest.param(numbered(1, 2, 3, 4, 5), {"keep": 2}, ["1", "2", "3"], id="VER-5"),
        pytest.param(numbered(1, 2, 3, 4), {"keep": 3}, ["1"], id="VER-6"),
        pytest.param(numbered(1, 2, 3, 4, 5, used=[1, 3, 4]), {"keep": 2}, [], id="VER-7"),
        pytest.param(
            numbered(1, 2, 3, 4, 5, used=[4, 5]), {"keep": 2}, ["1"], id="in use are not counted"
        ),
        pytest.param(numbered(1), {"keep": 2}, [], id="VER-9"),
        pytest.param(numbered(9, 10, 100), {"keep": 1}, ["9", "10"], id="VER-30"),
        pytest.param(
            function(Version(1, 99), Version(2, 10), Version(3, 5), Version(4, 1)),
            {"keep": 1, "min_age_days": 7},
            ["1", "2"],
            id="VER-34 both hold",
        ),
        pytest.param(
            function(Version(1, 3), Version(2, 3), Version(3, 3)),
            {"keep": 1, "min_age_days": 4},
            [],
            id="all are young",
        ),
        pytest.param(numbered(1, 2, age=None), {"keep": 0}, [], id="nobody tells the age"),
        pytest.param(
            function(Version(1, 99, unread="it is locked"), Version(2, 99), Version(3, 99)),
            {"keep": 1},
            ["2"],
            id="unread is protected, and is not among the newest either",
        ),
    ],
)
def test_a_version_goes_that_nobody_uses_and_no_rule_keeps(
    state: Function, fields: Mapping[str, Any], gone: list[str]
) -> None:
    """The newest are kept besides those that are in use, and the young besides those."""
    assert deleted(state, policy(**fields)) == gone


def test_a_finding_says_what_would_be_lost_and_what_it_costs_to_keep() -> None:
    """VER-37: bytes, SnapStart, the account's storage; each call says what it loses for good."""
    versions = [Version(n, 99, 2_500_000, snapshot=n == 1) for n in (1, 2, 3, 5)]
    state = Function("orders", 4, tuple(versions), "10% of the account's 300 GB of code are used")
    found = assess(state, policy(keep=1))
    assert (found.verdict, found.code) == (Verdict.NON_COMPLIANT, "UNUSED_VERSIONS")
    assert found.reason == (
        "3 of 4 published versions unused beyond the newest 1 and 0 days old: 7.5 MB;"
        " 10% of the account's 300 GB of code are used;"
        " 1 SnapStart snapshots are billed as long as they are kept; version 1-3"
    )
    assert found.irreversible
    assert "version 2 cannot be restored" in found.remediation[1].irreversible


def test_what_was_not_proven_is_unknown_and_says_why() -> None:
    """Never silence, and never COMPLIANT."""
    locked = "state machines could not be read: AccessDenied"
    state = function(*(Version(n, 99, unread=locked) for n in (1, 2, 3, 9)))
    found = assess(state, policy(keep=1))
    assert (found.verdict, found.code) == (Verdict.UNKNOWN, "EVIDENCE_UNREAD")
    assert found.reason == f"1-3 may be unused, but {locked}"
    assert not found.remediation
    kept = assess(state, policy(keep=4))
    assert (kept.verdict, kept.code) == (Verdict.COMPLIANT, "NOTHING_TO_DELETE")


def test_few_versions_go_at_once_and_the_rest_is_left() -> None:
    """The oldest first; what the calls leave is what is foretold."""
    state = numbered(*range(1, AT_ONCE + 31))
    found = assess(state, policy(keep=3))
    assert deleted(state, policy(keep=3)) == [str(n) for n in range(1, AT_ONCE + 1)]
    left = foretell(state, found.remediation)
    assert (left.published, len(left.versions)) == (30, 30)
    assert len(assess(left, policy(keep=3)).remediation) == 27
    assert foretell(left, found.remediation) == left


def test_numbers_are_told_in_ranges() -> None:
    """As short as they go."""
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert (ranges([4]), ranges([])) == ("4", "")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"keep": "abc"}, "keep", id="a word"),
        pytest.param({"keep": ""}, "keep", id="nothing"),
        pytest.param({"keep": -1}, "keep", id="negative"),
        pytest.param({"keep": 2.5}, "keep", id="a fraction"),
        pytest.param({"stack_owned": "maybe"}, "stack_owned", id="no such choice"),
        pytest.param({"evidence": {"guesses": True}}, "guesses", id="no such evidence"),
    ],
)
def test_a_policy_that_does_not_fit_deletes_nothing(fields: dict[str, Any], said: str) -> None:
    """VER-29: it is refused, naming the field."""
    with pytest.raises(BadPolicy, match=said):
        load(CONTROL, fields)


# ------------------------------------------------------------------------ who uses what


def sight(aws: Lambda, **fields: Any) -> Sight[Policy]:
    return Sight(aws, policy(**fields), NothingKnown(), START)


def look(aws: Lambda, name: str = "orders", **fields: Any) -> Function | Unread | None:
    found = list(observe(sight(aws, **fields), [Ref(KIND, name)]))
    assert len(found) <= 1
    return found[0] if found else None


def goes(aws: Lambda, **fields: Any) -> list[str]:
    state = look(aws, **fields)
    assert isinstance(state, Function)
    return deleted(state, policy(**fields))


def four(**fields: Any) -> Lambda:
    """A function of four versions, of which the newest is kept anyway."""
    aws = Lambda(**fields)
    aws.publish("orders", 9, 8, 7, 6)
    return aws


REST = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{{}}/invocations"


def integrated(uri: str) -> dict[str, Any]:
    methods = {"GET": {"methodIntegration": {"type": "AWS_PROXY", "uri": uri}}}
    return {"items": [{"id": "r", "path": "/", "resourceMethods": methods}]}


def machine(state: Mapping[str, Any]) -> dict[str, Any]:
    listed = [{"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:m"}]
    definition = json.dumps({"StartAt": "S", "States": {"S": {**state, "End": True}}})
    return {
        "ListStateMachines": {"stateMachines": listed},
        "ListStateMachineVersions": {"stateMachineVersions": []},
        "DescribeStateMachine": {"definition": definition},
    }


TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
RULE = {"ListEventBuses": {"EventBuses": [{"Name": "default"}]}}
SCHEDULED = {"Name": "s", "GroupName": "default"}
INVOKES = "arn:aws:scheduler:::aws-sdk:lambda:invoke"
STAGES = {"item": [{"stageName": "prod", "variables": {"fn": "orders:2"}}]}
CANARY = {"stageVariableOverrides": {"v": "2"}}
CANARIES = {"item": [{"stageName": "a"}, {"variables": {"v": "9"}, "canarySettings": CANARY}]}

USED: dict[str, tuple[str, dict[str, Any]]] = {
    "provisioned concurrency": ("provisioned_concurrency", {"provisioned": {"orders": ["2"]}}),
    "an event source mapping": ("event_source_mappings", {"mappings": [arn("orders", 2)]}),
    "a resource policy": ("resource_policies", {"policies": {("orders", 2)}}),
    "a REST integration": (
        "api_integrations",
        {
            "others": {
                "GetRestApis": {"items": [{"id": "a"}]},
                "GetResources": integrated(REST.format(arn("orders", 2))),
            }
        },
    ),
    "a REST integration by stage variable": (
        "api_integrations",
        {
            "others": {
                "GetRestApis": {"items": [{"id": "a"}]},
                "GetResources": integrated(REST.format(f"{arn('${stageVariables.fn}')}")),
                "GetStages": STAGES,
            }
        },
    ),
    "a REST integration by a canary's stage variable": (
        "api_integrations",
        {
            "others": {
                "GetRestApis": {"items": [{"id": "a"}]},
                "GetResources": integrated(REST.format(arn("orders", "${stageVariables.v}"))),
                "GetStages": CANARIES,
            }
        },
    ),
    "a REST authorizer": (
        "api_integrations",
        {
            "others": {
                "GetRestApis": {"items": [{"id": "a"}]},
                "GetAuthorizers": lambda asked: (
                    {"items": [{"authorizerUri": REST.format(arn("orders", 2))}]}
                    if "restApiId" in asked
                    else {}
                ),
            }
        },
    ),
    "an HTTP integration": (
        "api_integrations",
        {
            "others": {
                "GetApis": {"Items": [{"ApiId": "a"}]},
                "GetIntegrations": {"Items": [{"IntegrationUri": arn("orders", 2)}]},
            }
        },
    ),
    "a state machine by ARN": (
        "state_machines",
        {"others": machine({"Type": "Task", "Resource": arn("orders", 2)})},
    ),
    "a state machine by qualifier": (
        "state_machines",
        {"others": machine({**TASK, "Parameters": {"FunctionName": "orders", "Qualifier": "2"}})},
    ),
    "a state machine by partial ARN": (
        "state_machines",
        {"others": machine({**TASK, "Arguments": {"FunctionName": "orders:2"}})},
    ),
    "a rule": (
        "event_targets",
        {
            "others": {
                **RULE,
                "ListRules": {"Rules": [{"Name": "r"}]},
                "ListTargetsByRule": {"Targets": [{"Id": "t", "Arn": arn("orders", 2)}]},
            }
        },
    ),
    "a schedule": (
        "event_targets",
        {
            "others": {
                "ListSchedules": {"Schedules": [{**SCHEDULED, "Target": {"Arn": arn("orders", 2)}}]}
            }
        },
    ),
    "a schedule of an API call": (
        "event_targets",
        {
            "others": {
                "ListSchedules": {"Schedules": [{**SCHEDULED, "Target": {"Arn": INVOKES}}]},
                "GetSchedule": {
                    "Target": {"Input": '{"FunctionName": "orders", "Qualifier": "2"}'}
                },
            }
        },
    ),
    "a schedule of an API call with an input of several lines": (
        "event_targets",
        {
            "others": {
                "ListSchedules": {"Schedules": [{**SCHEDULED, "Target": {"Arn": INVOKES}}]},
                "GetSchedule": {
                    "Target": {"Input": '\n  {\n"FunctionName": "orders",\n"Qualifier": "2"}'}
                },
            }
        },
    ),
    "a pipe": (
        "event_targets",
        {"others": {"ListPipes": {"Pipes": [{"Name": "p", "Target": arn("orders", 2)}]}}},
    ),
    "a topic": (
        "event_targets",
        {"others": {"ListSubscriptions": {"Subscriptions": [{"Endpoint": arn("orders", 2)}]}}},
    ),
    "a bucket": (
        "event_targets",
        {
            "others": {
                "ListBuckets": {"Buckets": [{"Name": "b"}]},
                "GetBucketNotificationConfiguration": {
                    "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn("orders", 2)}]
                },
            }
        },
    ),
    "a destination": (
        "event_targets",
        {
            "others": {
                "ListFunctionEventInvokeConfigs": {
                    "FunctionEventInvokeConfigs": [
                        {
                            "FunctionArn": arn("payments", "$LATEST"),
                            "DestinationConfig": {"OnFailure": {"Destination": arn("orders", 2)}},
                        }
                    ]
                }
            }
        },
    ),
}
"""VER-31: who uses version 2, with the evidence that tells of it."""


@pytest.mark.parametrize("who", USED)
def test_a_version_that_somebody_names_is_never_planned(who: str) -> None:
    """VER-31; the evidence says who, and switched off it is not asked at all."""
    source, fields = USED[who]
    aws = four(**fields)
    state = look(aws, keep=1)
    assert isinstance(state, Function)
    assert [one.used for one in state.versions if one.number == 2] == [source]
    assert deleted(state, policy(keep=1)) == ["1", "3"]
    without = four(**fields)
    assert goes(without, keep=1, evidence={source: False}) == ["1", "2", "3"]
    assert set(without.calls) < set(aws.calls)


def test_an_alias_and_its_weights_protect_what_they_lead_to() -> None:
    """VER-27 as well: an alias without weights has them null, empty or not at all."""
    aws = four()
    aws.alias("orders", "canary", 2, v1=0.1)
    aws.alias("orders", "latest", "$LATEST")
    aws.aliases["orders"] += [
        {"Name": "a", "FunctionVersion": "4", "RoutingConfig": None},
        {"Name": "b", "FunctionVersion": "4", "RoutingConfig": {}},
    ]
    state = look(aws, keep=0)
    assert isinstance(state, Function)
    used = {one.number: one.used for one in state.versions if one.used}
    assert used == {1: "aliases: canary", 2: "aliases: canary", 4: "aliases: a"}
    assert deleted(state, policy(keep=0)) == ["3"]


def test_a_url_leads_to_versions_where_aliases_are_not_asked() -> None:
    """A URL is of an alias, never of a version; where aliases are read, it is not asked for."""
    aws = four(urls={"orders": ["live"]})
    aws.alias("orders", "live", 2)
    aws.alias("orders", "other", 3)
    off = {"aliases": False}
    assert goes(aws, keep=1, evidence=off) == ["1", "3"]
    assert goes(aws, keep=1, evidence={**off, "function_urls": False}) == ["1", "2", "3"]
    aws.calls.clear()
    assert goes(aws, keep=1) == ["1"]
    assert aws.calls["ListFunctionUrlConfigs"] == 0


def test_a_running_durable_execution_holds_its_version() -> None:
    """Asked only of functions that have such executions."""
    aws = Lambda(durable={"orders": [2]})
    aws.publish("orders", 9, 8, 7, 6, DurableConfig={"ExecutionTimeout": 900})
    assert goes(aws, keep=1) == ["1", "3"]
    plain = four(durable={"orders": [2]})
    assert goes(plain, keep=1) == ["1", "2", "3"]
    assert plain.calls["ListDurableExecutionsByFunction"] == 0


def test_associations_of_cloudfront_are_read_where_edge_functions_live() -> None:
    """VER-31: ``fn:3`` of a distribution, in us-east-1 and nowhere else."""
    named = arn("orders", 2).replace(REGION, "us-east-1")
    behavior = {"LambdaFunctionAssociations": {"Items": [{"LambdaFunctionARN": named}]}}

    def distributions(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if "Marker" not in asked:
            return {"DistributionList": {"IsTruncated": True, "NextMarker": "m", "Items": []}}
        items = [{"Id": "E1", "DefaultCacheBehavior": behavior}]
        return {"DistributionList": {"IsTruncated": False, "Items": items}}

    others = {"ListDistributions": distributions}
    aws = four(others=others, region="us-east-1")
    assert goes(aws, keep=1) == ["1", "3"]
    assert aws.calls["ListDistributions"] == 2
    elsewhere = four(others=others)
    assert goes(elsewhere, keep=1) == ["1", "2", "3"]
    assert elsewhere.calls["ListDistributions"] == 0


def test_a_version_of_the_functions_stack_is_kept_unless_the_policy_says_otherwise() -> None:
    """VER-40; what the stack retained is no longer its own."""
    owned = [
        {"ResourceType": "AWS::Lambda::Version", "PhysicalResourceId": arn("orders", 2)},
        {
            "ResourceType": "AWS::Lambda::Version",
            "PhysicalResourceId": arn("orders", 1),
            "ResourceStatus": "DELETE_SKIPPED",
        },
        {"ResourceType": "AWS::Lambda::Version", "PhysicalResourceId": arn("other", 3)},
        {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "orders"},
    ]
    tags = {"orders": {"aws:cloudformation:stack-id": "stack/one"}}
    aws = four(tags=tags, stacks={"stack/one": owned})
    assert goes(aws, keep=1) == ["1", "3"]
    assert goes(aws, keep=1, stack_owned="delete") == ["1", "2", "3"]
    gone = four(tags=tags)
    assert goes(gone, keep=1) == ["1", "2", "3"]
    asked = four()
    assert goes(asked, keep=1, stack_owned="delete") == ["1", "2", "3"]
    assert asked.calls["GetResources"] == 0


def test_odd_versions_are_neither_counted_nor_deleted() -> None:
    """VER-8, VER-39: $LATEST, $LATEST.PUBLISHED; and one on a capacity provider never rests."""
    aws = Lambda()
    aws.publish("managed-one", 9, 8, 7)
    aws.functions["managed-one"][1]["CapacityProviderConfig"] = {"Arn": "provider"}
    state = look(aws, "managed-one", keep=1)
    assert isinstance(state, Function)
    assert state.published == 3
    assert deleted(state, policy(keep=1)) == ["2"]


def test_code_counts_but_images_and_only_billed_snapshots_are_told() -> None:
    """Java's snapshots cost nothing; an image's code is no code that Lambda keeps."""
    aws = Lambda()
    aws.publish("orders", 9, SnapStart={"ApplyOn": "PublishedVersions"})
    aws.publish("orders", 9, SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="java21")
    aws.publish("orders", 9, PackageType="Image", Runtime="")
    state = look(aws, keep=0)
    assert isinstance(state, Function)
    assert [(one.size, one.snapshot) for one in state.versions] == [
        (1_000_000, True),
        (1_000_000, False),
        (0, False),
    ]


SOURCES = {
    "aliases": "ListAliases",
    "provisioned_concurrency": "ListProvisionedConcurrencyConfigs",
    "event_source_mappings": "ListEventSourceMappings",
    "resource_policies": "GetPolicy",
    "api_integrations": "GetRestApis",
    "state_machines": "ListStateMachines",
    "event_targets": "ListSubscriptions",
}


@pytest.mark.parametrize("error", [Denied("no"), Throttled("busy")], ids=["denied", "throttled"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_could_not_be_read_protects_every_version(
    source: str, error: Exception
) -> None:
    """The finding says so; switched off, the source stands in nobody's way."""
    aws = four(errors={SOURCES[source]: error})
    assert_unread(aws, str(error))
    assert goes(aws, keep=1, evidence={source: False}) == ["1", "2", "3"]


def assert_unread(aws: Lambda, why: str) -> None:
    """Nothing is planned, and the finding says why."""
    state = look(aws, keep=1)
    assert isinstance(state, Function)
    found = assess(state, policy(keep=1))
    assert (found.verdict, found.code) == (Verdict.UNKNOWN, "EVIDENCE_UNREAD")
    assert why in found.reason


def test_a_stack_that_could_not_be_read_protects_every_version() -> None:
    """By its resources, or by the function's tags that would name it."""
    tags = {"orders": {"aws:cloudformation:stack-id": "stack/one"}}
    assert_unread(four(errors={"GetResources": Denied("no tags")}), "no tags")
    assert_unread(four(tags=tags, errors={"ListStackResources": Denied("no stack")}), "no stack")


def test_more_than_a_look_can_read_is_left_to_sweeps() -> None:
    """Nothing of it is read then: the versions are protected anyway."""
    buckets = [{"Name": f"b{number}"} for number in range(MOST + 1)]
    aws = four(others={"ListBuckets": {"Buckets": buckets}})
    assert_unread(aws, f"notifications of buckets are more than {MOST}; only sweeps read them")
    assert aws.calls["GetBucketNotificationConfiguration"] == 0
    assert aws.calls["GetPolicy"] == 0


def test_one_version_whose_policy_could_not_be_read_protects_itself_only() -> None:
    """Where the first is denied the others are not asked, as all would be."""
    aws = four(errors={"GetPolicy 2": Throttled("busy")})
    assert goes(aws, keep=1) == ["1", "3"]
    denied = four(errors={"GetPolicy": Denied("no")})
    assert goes(denied, keep=1) == []
    assert denied.calls["GetPolicy"] == 1


def test_functions_that_are_gone_or_cannot_be_read_are_told_apart() -> None:
    """VER-10, VER-28; a name that is none is not asked for."""
    aws = four()
    assert look(aws, "none", keep=0) is None
    assert look(aws, "no name!", keep=0) is None
    locked = four(errors={"ListVersionsByFunction": Denied("no")})
    assert look(locked) == Unread(Ref(KIND, "orders"), "ACCESS_DENIED", "no")
    moved = four(errors={"ListAliases": Gone("Function not found")})
    assert look(moved, keep=0) is None


def test_nothing_is_asked_of_who_uses_what_cannot_go() -> None:
    """One list of versions tells enough."""
    aws = four()
    assert goes(aws, keep=4) == []
    assert goes(aws, min_age_days=30) == []
    assert goes(aws, keep=0, exclude=["orders"]) == []
    assert dict(aws.calls) == {"ListVersionsByFunction": 3}


def test_policies_are_asked_of_few_versions() -> None:
    """Of those that would go, and of the newest as far as it decides which those are."""
    aws = Lambda(policies={("orders", 20)})
    aws.publish("orders", *[9] * 10, *[0] * 10)
    assert goes(aws, keep=2, min_age_days=5) == [str(n) for n in range(1, 11)]
    assert aws.calls["GetPolicy"] == 13


# ------------------------------------------------------------------------ generated accounts


VERSIONS = st.lists(
    st.builds(
        Version,
        number=st.integers(1, 60),
        age_days=st.none() | st.integers(0, 20),
        used=st.sampled_from(["", "", "aliases: live"]),
        unread=st.sampled_from(["", "", "", "it is locked"]),
    ),
    unique_by=lambda one: one.number,
    max_size=30,
).map(lambda found: sorted(found, key=lambda one: one.number))


@given(VERSIONS, st.integers(0, 6), st.integers(0, 10))
def test_no_version_in_use_is_ever_planned_and_keep_and_age_hold(
    versions: list[Version], keep: int, days: int
) -> None:
    """Over any versions and policy; VER-33: each call has a number for its qualifier."""
    asked = policy(keep=keep, min_age_days=days)
    gone = planned(versions, asked)
    left = [one for one in versions if one not in gone]
    assert not any(one.used or one.unread for one in gone)
    assert all(one.age_days is not None and one.age_days >= days for one in gone)
    free = [one for one in left if not one.used and not one.unread]
    newest = max((one.number for one in gone), default=0)
    if gone:
        assert sum(one.number > newest for one in free) >= keep
    state = Function("orders", len(versions), tuple(versions))
    calls = assess(state, asked).remediation
    assert [call.params["Qualifier"] for call in calls] == [str(one.number) for one in gone]
    assert assess(state, asked) == assess(state, asked)
    assert not assess(foretell(state, calls), asked).remediation


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Lambda, set[tuple[str, int]]]:
    """An account, and the versions in it that somebody uses."""
    aws, used = Lambda(), set[tuple[str, int]]()
    for name in draw(st.sets(st.sampled_from(["a", "b", "managed"]), min_size=1)):
        ages = draw(st.lists(st.integers(0, 12), min_size=1, max_size=8))
        aws.publish(name, *sorted(ages, reverse=True))
        for number in draw(st.sets(st.sampled_from([*aws.functions[name]]), max_size=4)):
            how = draw(st.sampled_from(["alias", "weight", "mapping", "policy", "pc", "topic"]))
            used.add((name, number))
            if how == "alias":
                aws.alias(name, f"a{number}", number)
            elif how == "weight":
                aws.alias(name, f"w{number}", "$LATEST", **{f"v{number}": 0.1})
            elif how == "mapping":
                aws.mappings.append(arn(name, number))
            elif how == "policy":
                aws.policies.add((name, number))
            elif how == "pc":
                aws.provisioned.setdefault(name, []).append(str(number))
            else:
                told = aws.others.setdefault("ListSubscriptions", {"Subscriptions": []})
                told["Subscriptions"].append({"Endpoint": arn(name, number)})
    return aws, used


@settings(max_examples=60)
@given(accounts(), st.integers(0, 4), st.integers(0, 8))
def test_over_any_account_exactly_the_unused_versions_go(
    generated: tuple[Lambda, set[tuple[str, int]]], keep: int, days: int
) -> None:
    """As an oracle has it that knows who uses what."""
    aws, used = generated
    for name, versions in aws.functions.items():
        state = look(aws, name, keep=keep, min_age_days=days)
        assert isinstance(state, Function)
        free = sorted((n for n in versions if (name, n) not in used), reverse=True)
        ages = {one.number: one.age_days or 0 for one in state.versions}
        wanted = {n for n in free[keep:] if ages.get(n, -1) >= days}
        assert {int(n) for n in deleted(state, policy(keep=keep, min_age_days=days))} == wanted
