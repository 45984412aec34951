"""Which tags the resources of a stack lack, and the calls that put it right.

Of the scenarios of older tools these have nothing here to be true of:

- TAG-9, TAG-10: there is no list of names that a sweep walks; it reads DescribeStacks' pages.
- TAG-15: the stack's own event has no error; a status that is no success names nothing (TAG-18).
- TAG-13: no CloudTrail event of a change set is listened to; the stack's own event names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.controls.stack_tags import CONTROL, memory
from steward.controls.stack_tags.assess import CODES, assess
from steward.controls.stack_tags.calls import about, after
from steward.controls.stack_tags.plan import LARGEST
from steward.controls.stack_tags.state import Policy, Resource, Stack
from steward.errors import BadPolicy
from steward.model import Call, Mode, Verdict
from steward.policy import load
from steward.run import REASON

PLACE = "eu-west-1:111122223333"
STACK = f"arn:aws:cloudformation:{PLACE}:stack/shop/1a2b"
QUEUE = f"arn:aws:sqs:{PLACE}:"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:orders"
GROUP = f"arn:aws:logs:{PLACE}:log-group:/aws/lambda/orders"
API = f"arn:aws:apigateway:{PLACE.split(':', maxsplit=1)[0]}::/restapis/a1"
ROLE = "arn:aws:iam::111122223333:role/shop"
FULL = {f"k{number}": "v" for number in range(49)}


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, {"allow_keys": ["*"], "mode": "enforce", **fields}).policy
    return loaded


def queues(number: int, **tags: str) -> dict[str, Resource]:
    return {f"{QUEUE}q{n:03}": Resource("sqs", tags, len(tags)) for n in range(number)}


def stack(wanted: Mapping[str, str], resources: Mapping[str, Resource], **more: Any) -> Stack:
    return Stack(STACK, wanted, wanted, resources=resources, **more)


def written(*arns: str, **tags: str) -> dict[str, Mapping[str, str]]:
    """What we remember to have written."""
    return {memory.mark(arn): tags for arn in arns}


def resource(arn: str, **tags: str) -> Resource:
    return Resource(arn.split(":")[2], tags, len(tags))


ONE = f"{QUEUE}one"
TEAM = {"team": "shop"}

CASES = [
    ("all as they should be", TEAM, {ONE: resource(ONE, team="shop")}, {}, {}, "TAGGED"),
    ("a tag is lacking (TAG-4)", TEAM, {ONE: resource(ONE)}, {}, {}, "UNTAGGED"),
    (
        "other tags are nobody's to lose (TAG-21)",
        TEAM,
        {ONE: resource(ONE, team="shop", a="b")},
        {},
        {},
        "TAGGED",
    ),
    ("another value is kept (TAG-21)", TEAM, {ONE: resource(ONE, team="other")}, {}, {}, "TAGGED"),
    (
        "another value is replaced",
        TEAM,
        {ONE: resource(ONE, team="other")},
        {"conflict": "overwrite"},
        {},
        "UNTAGGED",
    ),
    (
        "a value of ours follows the stack's",
        TEAM,
        {ONE: resource(ONE, team="old")},
        {},
        written(ONE, team="old"),
        "UNTAGGED",
    ),
    (
        "a tag of ours is stale (TAG-25)",
        {},
        {ONE: resource(ONE, team="shop")},
        {"remove_stale": True},
        written(ONE, team="shop"),
        "UNTAGGED",
    ),
    (
        "a stale tag stays unless told",
        TEAM,
        {ONE: resource(ONE, team="shop", old="1")},
        {},
        written(ONE, old="1"),
        "TAGGED",
    ),
    (
        "what others wrote is not stale",
        TEAM,
        {ONE: resource(ONE, team="shop", old="1")},
        {"remove_stale": True},
        {},
        "TAGGED",
    ),
    (
        "nor is what has another value now",
        TEAM,
        {ONE: resource(ONE, team="shop", old="2")},
        {"remove_stale": True},
        written(ONE, old="1"),
        "TAGGED",
    ),
    ("no tags (TAG-2)", {}, {ONE: resource(ONE)}, {}, {}, "NO_TAGS"),
    (
        "AWS's own are never sent (TAG-22)",
        {"aws:x": "1", "AWS:y": "2"},
        {ONE: resource(ONE)},
        {},
        {},
        "NO_TAGS",
    ),
    (
        "a key that is not allowed",
        TEAM,
        {ONE: resource(ONE)},
        {"allow_keys": ["cost"]},
        {},
        "NO_TAGS",
    ),
    ("a key that is denied", TEAM, {ONE: resource(ONE)}, {"deny_keys": ["te*"]}, {}, "NO_TAGS"),
    (
        "no room for more (TAG-23)",
        {"a": "1", "b": "2"},
        {ONE: resource(ONE, **FULL)},
        {},
        {},
        "TOO_MANY_TAGS",
    ),
    ("room for one more", TEAM, {ONE: resource(ONE, **FULL)}, {}, {}, "UNTAGGED"),
    (
        "characters that API Gateway does not take",
        {"team": "a@b"},
        {API: resource(API)},
        {},
        {},
        "UNFIT_TAGS",
    ),
    (
        "a key of them is written all the same",
        {"a@b": "1", "team": "x"},
        {API: resource(API)},
        {},
        {},
        "UNTAGGED",
    ),
]


@pytest.mark.parametrize(
    ("wanted", "resources", "asked", "ours", "code"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_a_stack_is_judged(
    wanted: Mapping[str, str],
    resources: Mapping[str, Resource],
    asked: Mapping[str, Any],
    ours: Mapping[str, Mapping[str, str]],
    code: str,
) -> None:
    """TAG-2, TAG-4, TAG-20 to TAG-23, TAG-25: the code, documented, with a reason of its length."""
    finding = assess(stack(wanted, resources, ours=ours), policy(**asked))
    assert finding.code == code
    assert code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert (finding.remediation != ()) == (code == "UNTAGGED")


@pytest.mark.parametrize(
    ("more", "code", "verdict"),
    [
        ({"changing": True}, "CHANGING", Verdict.NOT_APPLICABLE),
        ({"nameless": ("Queue",)}, "UNKNOWN_ARN", Verdict.NON_COMPLIANT),
        ({"unsupported": {"AWS::DAX::Cluster": 2}}, "UNSUPPORTED_TYPE", Verdict.NON_COMPLIANT),
    ],
)
def test_what_is_beyond_us_is_told(more: dict[str, Any], code: str, verdict: Verdict) -> None:
    """A type or an ARN that is not known is reported, with nothing to call."""
    told = {ONE: resource(ONE, team="shop")}
    finding = assess(stack(TEAM, told, ours=written(ONE, team="shop"), **more), policy())
    assert (finding.code, finding.verdict, finding.remediation) == (code, verdict, ())
    assert memory.read(finding.memory) == written(ONE, team="shop")


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(0, []), (20, [20]), (21, [20, 1]), (40, [20, 20]), (150, [20] * 7 + [10])],
)
def test_resources_are_tagged_in_twenties(number: int, sizes: list[int]) -> None:
    """TAG-19, TAG-27: all of them, by the fewest calls that there are."""
    calls = assess(stack(TEAM, queues(number)), policy()).remediation
    assert [len(call.params["ResourceARNList"]) for call in calls] == sizes
    assert all(call.params["Tags"] == TEAM for call in calls)


def test_what_lacks_several_tags_shares_calls_as_far_as_it_helps() -> None:
    """By the set that is lacking, or by each tag, whichever takes fewer; only what is lacking."""
    wanted = {"a": "1", "b": "2"}
    some = {
        ONE: resource(ONE),
        f"{QUEUE}two": resource(ONE, a="1"),
        f"{QUEUE}three": resource(ONE, b="2"),
    }
    alone = assess(stack(wanted, some), policy()).remediation
    assert [call.params for call in alone] == [
        {"ResourceARNList": [ONE, f"{QUEUE}three"], "Tags": {"a": "1"}},
        {"ResourceARNList": [ONE, f"{QUEUE}two"], "Tags": {"b": "2"}},
    ]
    whole = assess(stack(wanted, {ONE: resource(ONE)}), policy()).remediation
    assert [call.params["Tags"] for call in whole] == [wanted]


def test_an_undo_brings_former_values_back() -> None:
    """What was absent is taken away, what was otherwise is written, what was removed too."""
    told = {ONE: resource(ONE, team="other", old="1")}
    before = stack({"team": "shop", "cost": "7"}, told, ours=written(ONE, old="1"))
    found = assess(before, policy(conflict="overwrite", remove_stale=True)).remediation
    assert [(one.operation, one.params.get("Tags") or one.params["TagKeys"]) for one in found] == [
        ("UntagResources", ["old"]),
        ("TagResources", {"team": "shop"}),
        ("TagResources", {"cost": "7"}),
    ]
    undone = [one.undo for one in reversed(found) if one.undo]
    assert after(after(before, found), undone).resources == before.resources


def test_a_role_is_tagged_by_iam() -> None:
    """Which the tagging API does not know; one call for each."""
    [call] = assess(stack(TEAM, {ROLE: resource(ROLE)}), policy()).remediation
    tags = [{"Key": "team", "Value": "shop"}]
    assert (call.service, call.operation) == ("iam", "TagRole")
    assert call.params == {"RoleName": "shop", "Tags": tags}
    assert call.undo is not None
    assert call.undo.params == {"RoleName": "shop", "TagKeys": ["team"]}
    assert after(stack(TEAM, {ROLE: resource(ROLE)}), [call]).resources[ROLE].tags == TEAM


def test_a_log_group_gets_what_its_owner_will_have() -> None:
    """The function's tags, with the stack's; those of ours that it overwrites, too."""
    group = Resource("logs", {"team": "old"}, 1, FUNCTION)
    told = {FUNCTION: resource(FUNCTION, owner="ada", team="old"), GROUP: group}
    calls = assess(stack(TEAM, told), policy(conflict="overwrite")).remediation
    left = after(stack(TEAM, told), calls).resources
    assert left[GROUP].tags == {"owner": "ada", "team": "shop"}
    assert left[FUNCTION].tags == {"owner": "ada", "team": "shop"}


def test_a_log_group_that_several_may_write_to_is_never_overwritten() -> None:
    """Else two stacks would fight for it; what it lacks it gets."""
    group = Resource("logs", {"team": "other"}, 1, FUNCTION, shared=True)
    told = {FUNCTION: resource(FUNCTION, team="shop", cost="7"), GROUP: group}
    wanted = {"team": "shop", "cost": "7"}
    [call] = assess(stack(wanted, told), policy(conflict="overwrite")).remediation
    assert call.params == {"ResourceARNList": [GROUP], "Tags": {"cost": "7"}}


def test_nothing_is_enforced_until_keys_are_allowed() -> None:
    """A tag can change who may do what: audit until the policy says which."""
    assert load(CONTROL, {"mode": "enforce"}).policy.mode is Mode.AUDIT
    assert load(CONTROL, {"mode": "off"}).policy.mode is Mode.OFF
    assert policy().mode is Mode.ENFORCE
    finding = assess(stack(TEAM, queues(1)), policy(allow_keys=[]))
    assert finding.reason == "1 of 1 resource differ in team; needs allow_keys"


@pytest.mark.parametrize("field", ["allow_keys", "deny_keys"])
def test_keys_of_aws_cannot_be_asked_for(field: str) -> None:
    """Nobody but AWS can write them; the message names the field and the value."""
    with pytest.raises(BadPolicy, match=rf"{field}\[1\]: is 'AWS:x', allowed: keys that are not"):
        load(CONTROL, {"mode": "audit", field: ["a", "AWS:x"]})


def test_a_plan_fits_into_the_ledger() -> None:
    """500 resources with 50 long tags: as much at once as one item of the ledger takes."""
    wanted = {f"{number:02}{'k' * 120}": "v" * 256 for number in range(50)}
    before = stack(wanted, queues(500))
    found = assess(before, policy()).remediation
    assert sum(len(str(one.params)) for one in found) < LARGEST
    again = assess(after(before, found), policy())
    assert len(again.remediation) > 0
    assert len(again.memory) < memory.LONGEST + 1000


def test_what_is_remembered_is_short_and_told_of_what_is_there() -> None:
    """Resources that left the stack are forgotten, those with equal tags share their text."""
    arns = list(queues(500))
    ours = written(*arns, team="shop")
    text = memory.text(ours, arns)
    assert len(text) < 500 * 13
    assert memory.read(text) == ours
    assert memory.read(memory.text(ours, arns[:1])) == written(arns[0], team="shop")
    assert memory.text({}, arns) == ""
    assert memory.read("") == {}


def test_an_undo_leaves_nothing_of_ours() -> None:
    """What it brings back is somebody else's, and is never taken for stale."""
    before = stack(TEAM, {ONE: resource(ONE, team="other")})
    found = assess(before, policy(conflict="overwrite")).remediation
    done = after(before, found)
    assert done.ours == written(ONE, team="shop")
    assert after(done, [one.undo for one in found if one.undo]).ours == {}


def test_a_call_about_another_account_is_none_of_the_stacks() -> None:
    """Whatever the ledger says, an undo stays in the account."""
    ours = Call(
        "resourcegroupstaggingapi", "UntagResources", {"ResourceARNList": [ONE, "arn:aws:s3:::b"]}
    )
    foreign = replace(ours, params={"ResourceARNList": [ONE.replace("1111", "9999")]})
    ref = stack(TEAM, {}).ref
    assert about(ours, ref)
    assert not about(foreign, ref)
    assert CONTROL.action(ours) == "tag:UntagResources"


def test_a_call_about_a_resource_that_left_shows() -> None:
    """So that an undo of it is refused."""
    call = Call(
        "resourcegroupstaggingapi", "TagResources", {"ResourceARNList": [ONE], "Tags": TEAM}
    )
    assert after(stack(TEAM, {}), [call]) != stack(TEAM, {})


KEYS = ["team", "cost", "aws:own", "denied", "free"]
TAGS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["a", "b"]))
MINE = TAGS.map(lambda tags: {k: v for k, v in tags.items() if not k.startswith("aws:")})
RESOURCES = st.dictionaries(
    st.sampled_from([*queues(30), FUNCTION, ROLE, API]),
    st.tuples(MINE, st.integers(0, 48), MINE),
    max_size=33,
)


@settings(max_examples=60, deadline=None)
@given(TAGS, RESOURCES, st.booleans(), st.booleans(), st.booleans())
def test_whatever_is_planned_keeps_to_the_rules(
    wanted: Mapping[str, str],
    drawn: Mapping[str, tuple[Mapping[str, str], int, Mapping[str, str]]],
    overwrite: bool,  # noqa: FBT001  # drawn
    stale: bool,  # noqa: FBT001
    grouped: bool,  # noqa: FBT001
) -> None:
    """Never AWS's keys, a denied one or more than 50; once is enough; an undo is exact; what
    others wrote stays unless it is overwritten."""
    asked = {"conflict": "overwrite" if overwrite else "keep", "remove_stale": stale}
    rules = policy(**asked, deny_keys=["denied"])
    told = {
        arn: Resource(arn.split(":")[2], tags, len(tags) + more)
        for arn, (tags, more, _) in drawn.items()
    }
    if grouped and FUNCTION in told:
        told[GROUP] = Resource("logs", {}, 0, FUNCTION)
    ours = {memory.mark(arn): mine for arn, (_, _, mine) in drawn.items() if mine}
    before = stack(wanted, told, ours=ours)
    calls = assess(before, rules).remediation
    sent = {
        key
        for one in calls
        for key in (one.params.get("TagKeys") or one.params["Tags"])
        if isinstance(key, str)
    }
    assert not {key for key in sent if key.startswith("aws:") or key == "denied"}
    done = after(before, calls)
    assert all(one.count <= 50 or one == told[arn] for arn, one in done.resources.items())
    assert assess(done, rules).remediation == ()
    undone = after(done, [one.undo for one in reversed(calls) if one.undo])
    assert undone.resources == before.resources
    for arn, one in told.items():
        for key, value in one.tags.items():
            if ours.get(memory.mark(arn), {}).get(key) != value and not overwrite:
                assert done.resources[arn].tags[key] == value
