"""How stacks are read, tagged and remembered, on a faithful moto: batches, failures, lags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, Seed, seed_functions, seed_log_groups
from embedded.stacks import seed_stack
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls import taggable
from steward.controls.stack_tags import CONTROL
from steward.controls.stack_tags.log_groups import there, written
from steward.controls.stack_tags.members import Member
from steward.controls.stack_tags.readers import discover, observe
from steward.controls.stack_tags.state import KIND, Stack
from steward.errors import Denied, Gone, Invalid, OutOfTime, Protected, Refused, Throttled
from steward.ledger import Status
from steward.look import look
from steward.model import Fate, Ref, Sight, Unread, Verdict
from steward.policy import load
from steward.run import Outcome, Run
from steward.undo import undo
from tests import toy
from tests.fakes import REGION, FakeAws, FakeClock, NothingKnown
from tests.unit.test_taggable import sample

HERE = "123456789012"
TAGS = {"team": "shop", "cost": "4711"}
ENFORCED = {"mode": "enforce", "allow_keys": ["*"]}
LOG_GROUP = "AWS::Logs::LogGroup"
INDEX = "resourcegroupstaggingapi"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


class LaggingApi(Api):
    """The tagging index answers as it did at first, for as long as ``stale``."""

    stale = False
    crash: Callable[[str], None] = staticmethod(lambda _: None)

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        self.crash(operation)
        if self.stale and operation == "GetResources":
            self.calls[f"{service}.{operation}"] += 1
            return {"ResourceTagMappingList": []}
        return super().ask(service, operation, **params)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[LaggingApi]:
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        yield LaggingApi(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


def run(api: Any, book: SQLiteLedger, clock: FakeClock, **policy: Any) -> Run[Any, Any]:
    loaded: Any = load(CONTROL, {**ENFORCED, **policy})
    return toy.run(api, book, control=CONTROL, loaded=loaded, clock=clock)


def looked(told: Run[Any, Any], *stacks: str) -> list[Outcome]:
    aws: Any = told.sight.aws
    aws.calls.clear()
    return list(look(told, [Ref(KIND, one) for one in stacks]).outcomes)


def seed(resources: Mapping[str, str], name: str = "shop", **tags: str) -> str:
    return seed_stack(name, tags or TAGS, resources, account=HERE, region=REGION)


def tags(api: Api, arn: str) -> Mapping[str, str]:
    answer = api.ask(INDEX, "GetResources", ResourceARNList=[arn])["ResourceTagMappingList"]
    return {tag["Key"]: tag["Value"] for one in answer for tag in one["Tags"]}


def group(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{HERE}:log-group:{name}"


def many(number: int) -> dict[str, str]:
    """Resources of 25 types by physical id; none that must be there, or is asked for stages."""
    apart = (LOG_GROUP, "AWS::Lambda::Function")
    forms = [one for one in taggable.forms().values() if not one.own and one.kind not in apart]
    forms = [one for one in forms if not one.kind.startswith("AWS::ApiGateway")]
    plain = [one for one in forms if one.id == "name" and "{name}" in one.arn][:25]
    assert len(plain) == 25
    return {f"r{n:03}": plain[n % 25].kind for n in range(number)}


def test_a_large_stack_is_tagged_by_the_fewest_calls(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """TAG-19, TAG-20: 150 resources of 25 types; the second pass writes nothing."""
    arn = seed(many(150))
    [first] = looked(told := run(api, book, clock), arn)
    assert (first.fate, first.finding.code) == (Fate.REMEDIATED, "UNTAGGED")
    assert dict(api.calls) == {
        "cloudformation.DescribeStacks": 1,
        "cloudformation.ListStackResources": 2,
        "logs.DescribeLogGroups": 2,
        f"{INDEX}.GetResources": 2,
        f"{INDEX}.TagResources": 8,
    }
    clock.advance(3600)
    [second] = looked(told, arn)
    assert (second.fate, second.finding.verdict) == (Fate.NONE, Verdict.COMPLIANT)
    assert f"{INDEX}.TagResources" not in api.calls
    assert second.finding.reason == "all 150 resources have the tags"
    assert len(list(book.changes(CONTROL.id))) == 1


def test_a_resource_that_cannot_be_tagged_stops_nothing(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """TAG-27: it is reported, the others are tagged, and what was done of it can be undone."""
    arn = seed(
        {"/gone": LOG_GROUP, **dict.fromkeys((f"s{n}" for n in range(30)), "AWS::S3::Bucket")}
    )
    told = run(api, book, clock)
    [first] = looked(told, arn)
    assert (first.fate, first.finding.code) == (Fate.REPORTED, "NOT_ALL_TAGGED")
    assert group("/gone") in first.reason
    assert tags(api, "arn:aws:s3:::s29") == TAGS
    [change] = book.changes(CONTROL.id)
    assert (change.status, change.sent) == (Status.FAILED, 2)
    assert [len(one.params["ResourceARNList"]) for one in change.calls] == [19, 11, 1]
    [second] = looked(told, arn)  # only the rest is planned, and has been refused already
    assert (second.fate, second.finding.code) == (Fate.REPORTED, "NOT_ALL_TAGGED")
    assert f"{INDEX}.TagResources" not in api.calls
    undo(told, change.id, "ada")
    assert tags(api, "arn:aws:s3:::s29") == {}


def test_a_refusal_holds_nothing_back_that_a_budget_left_for_later(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """TAG-27: of a stack that takes several runs, the rest is not taken for refused, too."""
    arn = seed(
        {"/gone": LOG_GROUP, **dict.fromkeys((f"s{n}" for n in range(40)), "AWS::S3::Bucket")}
    )
    fates = []
    for number in range(4):
        told = replace(run(api, book, clock, max_changes_per_run=1), id=f"run-{number}")
        fates += [one.fate for one in looked(told, arn)]
    assert fates == [Fate.HELD, Fate.HELD, Fate.REPORTED, Fate.REPORTED]
    assert [tags(api, f"arn:aws:s3:::s{number}") for number in range(40)] == [TAGS] * 40


def test_a_role_that_nobody_may_tag_stops_nothing(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TAG-12: an organization protects some roles, AWS its own; all else is tagged."""
    send = api._send  # where a request leaves

    def refused(service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if params.get("RoleName") == "locked" and operation == "TagRole":
            raise Protected("TagRole: AccessDenied: explicit deny in a service control policy")
        return send(service, operation, params)

    monkeypatch.setattr(api, "_send", refused)
    for name in ("locked", "shop"):
        api.ask("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    roles = dict.fromkeys(("locked", "shop"), "AWS::IAM::Role")
    arn = seed({"s1": "AWS::S3::Bucket", **roles})
    [found] = looked(told := run(api, book, clock), arn)
    assert (found.fate, found.finding.code) == (Fate.REPORTED, "NOT_ALL_TAGGED")
    assert "TagRole: 1 of 1 failed, locked" in found.reason
    assert tags(api, "arn:aws:s3:::s1") == TAGS
    assert len(api.ask("iam", "ListRoleTags", RoleName="shop")["Tags"]) == 2
    [again] = looked(told, arn)
    assert (again.fate, again.change) == (Fate.REPORTED, "")
    [change] = book.changes(CONTROL.id)
    undo(told, change.id, "ada")
    assert api.ask("iam", "ListRoleTags", RoleName="shop")["Tags"] == []


def test_a_role_that_somebody_deleted_is_passed_over(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """The stack still lists it; nothing would come of tagging it, time and again."""
    arn = seed({"s1": "AWS::S3::Bucket", "deleted": "AWS::IAM::Role"})
    if "deleted" in {one["RoleName"] for one in api.ask("iam", "ListRoles")["Roles"]}:
        api.ask("iam", "DeleteRole", RoleName="deleted")
    fates = [looked(run(api, book, clock), arn)[0].fate]
    clock.advance(3600)
    fates += [looked(run(api, book, clock), arn)[0].fate]
    assert fates == [Fate.REMEDIATED, Fate.NONE]
    assert "iam.TagRole" not in api.calls


def test_what_was_tagged_in_part_is_remembered_as_ours(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """TAG-25: the tag leaves the stack, and then what we wrote; others' tags stay."""
    api.ask(INDEX, "TagResources", ResourceARNList=["arn:aws:s3:::s1"], Tags={"cost": "4711"})
    arn = seed({"/gone": LOG_GROUP, "s1": "AWS::S3::Bucket", "s2": "AWS::S3::Bucket"})
    looked(run(api, book, clock), arn)
    clock.advance(3600)
    text = '{"Resources": {}}'
    only = [{"Key": "team", "Value": "shop"}]
    api.ask("cloudformation", "UpdateStack", StackName="shop", TemplateBody=text, Tags=only)
    looked(run(api, book, clock, remove_stale=True, ignore_types=[LOG_GROUP]), arn)
    assert tags(api, "arn:aws:s3:::s1") == {"team": "shop", "cost": "4711"}
    assert tags(api, "arn:aws:s3:::s2") == {"team": "shop"}


def test_what_the_index_does_not_know_yet_is_believed_for_a_while(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """It lags; after five minutes a tag that is not there is one that somebody took away."""
    arn = seed({"s1": "AWS::S3::Bucket"})
    looked(run(api, book, clock), arn)
    api.stale = True
    clock.advance(120)
    [soon] = looked(run(api, book, clock), arn)
    assert soon.finding.verdict is Verdict.COMPLIANT
    clock.advance(300)
    [later] = looked(run(api, book, clock), arn)
    assert later.fate is Fate.REMEDIATED
    clock.advance(120)  # it was put right a second time, and is as it was at first
    [again] = looked(run(api, book, clock), arn)
    assert again.finding.verdict is Verdict.COMPLIANT


def test_a_run_that_is_killed_can_be_undone_as_far_as_it_came(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """The next look finds which calls are in effect, and sends the others."""
    arn = seed(dict.fromkeys((f"s{n:02}" for n in range(50)), "AWS::S3::Bucket"))
    told = run(api, book, clock)

    def killed(operation: str) -> None:
        if operation == "TagResources" and api.calls[f"{INDEX}.TagResources"] == 1:
            raise toy.Killed

    api.crash = killed
    with pytest.raises(toy.Killed):
        looked(told, arn)
    api.crash = lambda _: None
    [again] = looked(told, arn)
    assert again.fate is Fate.REMEDIATED
    assert api.calls[f"{INDEX}.TagResources"] == 2
    changes = {one.status: one for one in book.changes(CONTROL.id)}
    first = changes[Status.FAILED]
    assert (first.sent, changes[Status.DONE].sent) == (1, 2)
    undo(told, first.id, "ada")
    assert tags(api, "arn:aws:s3:::s00") == {}
    assert tags(api, "arn:aws:s3:::s49") == TAGS


def test_a_part_that_was_done_by_a_run_that_is_killed_can_be_undone(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """TAG-27: AWS refused one of twenty, and nobody was left to write that down."""
    buckets = dict.fromkeys((f"s{n:02}" for n in range(30)), "AWS::S3::Bucket")
    arn = seed({"/gone": LOG_GROUP, **buckets})
    told = run(api, book, clock)

    def killed(operation: str) -> None:
        if operation == "TagResources" and api.calls[f"{INDEX}.TagResources"] == 1:
            raise toy.Killed

    api.crash = killed
    with pytest.raises(toy.Killed):
        looked(told, arn)
    api.crash = lambda _: None
    looked(told, arn)
    [first] = [one for one in book.changes(CONTROL.id) if "interrupted" in one.error]
    sizes = [len(one.params["ResourceARNList"]) for one in first.calls]
    assert (first.status, first.sent, sizes) == (Status.FAILED, 1, [19, 1, 11])
    undo(told, first.id, "ada")
    assert tags(api, "arn:aws:s3:::s00") == {}
    assert tags(api, "arn:aws:s3:::s29") == TAGS


@pytest.mark.parametrize("killed", [False, True], ids=["told", "killed"])
def test_an_undo_that_aws_grants_in_part_can_be_completed(
    api: LaggingApi,
    book: SQLiteLedger,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    killed: bool,
) -> None:
    """What was taken back stays so, and the same undo takes back the rest, once it may."""
    arn = seed({"s1": "AWS::S3::Bucket", "s2": "AWS::S3::Bucket"})
    looked(told := run(api, book, clock), arn)
    [change] = book.changes(CONTROL.id)
    send, failure = api._send, {"StatusCode": 400, "ErrorCode": "AccessDenied"}

    def granted_in_part(service: str, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if name != "UntagResources":
            return send(service, name, params)
        kept = [one for one in params["ResourceARNList"] if not one.endswith("s1")]
        send(service, name, {**params, "ResourceARNList": kept})
        if killed:
            raise toy.Killed
        return {"FailedResourcesMap": {"arn:aws:s3:::s1": failure}}

    monkeypatch.setattr(api, "_send", granted_in_part)
    if killed:
        with pytest.raises(toy.Killed):
            undo(told, change.id, "ada")
    else:
        outcome = undo(told, change.id, "ada")
        assert (outcome.fate, "takes back the rest" in outcome.note) == (Fate.FAILED, True)
    monkeypatch.setattr(api, "_send", send)
    clock.advance(3600)
    [seen] = looked(run(api, book, clock), arn)
    assert seen.finding.verdict is Verdict.EXEMPT
    assert [tags(api, f"arn:aws:s3:::s{n}") for n in (1, 2)] == [TAGS, {}]
    assert undo(run(api, book, clock), change.id, "ada").fate is Fate.REMEDIATED
    assert [tags(api, f"arn:aws:s3:::s{n}") for n in (1, 2)] == [{}, {}]


def test_an_undo_refuses_what_was_changed_since(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """Somebody else's value is not taken away."""
    arn = seed({"s1": "AWS::S3::Bucket"})
    looked(told := run(api, book, clock), arn)
    clock.advance(3600)
    api.ask(INDEX, "TagResources", ResourceARNList=["arn:aws:s3:::s1"], Tags={"team": "x"})
    [change] = book.changes(CONTROL.id)
    with pytest.raises(Refused, match="was changed since: resources was"):
        undo(told, change.id, "ada")
    assert tags(api, "arn:aws:s3:::s1")["team"] == "x"


def test_a_function_and_its_log_group_share_a_call(
    api: LaggingApi, book: SQLiteLedger, clock: FakeClock
) -> None:
    """The group was born outside the stack; a role is tagged by IAM."""
    seed_functions([FunctionSeed(name="orders", tags={"owner": "ada"})], region=REGION)
    seed_log_groups([Seed(name="/aws/lambda/orders")], region=REGION)
    api.ask("iam", "CreateRole", RoleName="shop", AssumeRolePolicyDocument=TRUST)
    arn = seed({"orders": "AWS::Lambda::Function", "shop": "AWS::IAM::Role"})
    [found] = looked(run(api, book, clock), arn)
    assert found.fate is Fate.REMEDIATED
    assert tags(api, group("/aws/lambda/orders")) == {**TAGS, "owner": "ada"}
    told = api.ask("iam", "ListRoleTags", RoleName="shop")["Tags"]
    assert {one["Key"]: one["Value"] for one in told} == TAGS


def test_a_stack_without_tags_costs_nothing_but_its_page(api: LaggingApi) -> None:
    """TAG-2, TAG-3: its resources are not even listed, nor is any log group looked for."""
    seed(many(5), "plain", **{"aws:own": "1"})
    seed({"r1": "AWS::Lambda::Permission"}, "bare")
    pages = list(discover(sight(api, log_groups=False), None))
    assert [len(page.states) for page in pages] == [2]
    assert dict(api.calls) == {
        "cloudformation.DescribeStacks": 1,
        "cloudformation.ListStackResources": 1,
    }


def test_stacks_are_read_in_pages_that_a_step_has_time_for(api: LaggingApi) -> None:
    """TAG-9: each once, in an order of our own; a step goes on after the last stack before it."""
    told = [{"team": "shop"}, {"aws:own": "1"}]  # one is read otherwise than the other
    arns = {seed({"r1": "AWS::S3::Bucket"}, f"s{n:02}", **told[n % 2]) for n in range(23)}
    functions, *pages = list(discover(sight(api), None))
    assert functions.states == []
    assert [len(page.states) for page in pages] == [10, 10, 3]
    assert [one.ref.id for page in pages for one in page.states] == sorted(arns)
    resumed = list(discover(sight(api), pages[0].cursor))
    assert [page.states for page in resumed] == [page.states for page in pages[1:]]
    assert pages[-1].cursor is None


# ------------------------------------------------------------------- what moto's stacks cannot be

SHOP = f"arn:aws:cloudformation:{REGION}:111122223333:stack/shop/1a2b"
ROOT = f"arn:aws:cloudformation:{REGION}:111122223333:stack/root/3c4d"


def sight(aws: Any, **policy: Any) -> Sight[Any]:
    loaded = load(CONTROL, {**ENFORCED, **policy}).policy
    return Sight(aws, loaded, NothingKnown(), FakeClock().now())


def stack(arn: str = SHOP, status: str = "UPDATE_COMPLETE", **more: Any) -> dict[str, Any]:
    listed = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    return {"StackId": arn, "StackStatus": status, "Tags": listed, **more}


def listed(
    physical: str | None, kind: str = "AWS::S3::Bucket", status: str = "CREATE_COMPLETE"
) -> Any:
    told = {"LogicalResourceId": "R", "ResourceType": kind, "ResourceStatus": status}
    return {**told, **({"PhysicalResourceId": physical} if physical else {})}


def world(
    stacks: Sequence[dict[str, Any]] | Exception,
    *resources: Any,
    index: Any = None,
    listing: Any = None,
    described: Any = None,
) -> FakeAws:
    def of_these(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(stacks, Exception):
            raise stacks
        return {"Stacks": [one for one in stacks if one["StackId"] == params["StackName"]]}

    return FakeAws(
        {
            ("cloudformation", "DescribeStacks"): described or of_these,
            ("cloudformation", "ListStackResources"): listing
            or {"StackResourceSummaries": resources},
            (INDEX, "GetResources"): index or {"ResourceTagMappingList": []},
            ("logs", "DescribeLogGroups"): {"logGroups": []},
            ("lambda", "GetFunctionConfiguration"): {},
            ("apigateway", "GetStages"): {},
            ("apigatewayv2", "GetStages"): {},
        }
    )


def seen(aws: FakeAws, **policy: Any) -> list[Stack | Unread]:
    return list(observe(sight(aws, **policy), [Ref(KIND, SHOP)]))


@pytest.mark.parametrize(
    ("stacks", "code"),
    [
        (Invalid(f"DescribeStacks: ValidationError: Stack with id {SHOP} does not exist"), ""),
        ([stack(status="DELETE_COMPLETE")], ""),
        (Invalid("DescribeStacks: ValidationError: else"), "UNREADABLE"),
        (Denied("no"), "ACCESS_DENIED"),
        (Throttled("no"), "BUSY"),
    ],
    ids=["not found", "deleted", "invalid", "denied", "throttled"],
)
def test_a_stack_that_is_not_there_is_gone(stacks: Any, code: str) -> None:
    """TAG-1, TAG-14: nothing is called for it; one that cannot be read is told."""
    found = seen(world(stacks))
    assert [one.code for one in found if isinstance(one, Unread)] == ([code] if code else [])
    assert not [one for one in found if isinstance(one, Stack)]


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"]
)
def test_a_stack_under_way_is_left_for_its_end(status: str) -> None:
    """TAG-18: neither are its resources read."""
    [found] = seen(aws := world([stack(status=status)]))
    assert isinstance(found, Stack)
    assert found.changing
    assert len(aws.requests) == 1


def test_resources_that_are_not_there_are_passed_over() -> None:
    """TAG-16: never made, deleted, nested stacks, types without tags."""
    resources = [
        listed(None),
        listed("b1", status="DELETE_SKIPPED"),
        listed(ROOT, "AWS::CloudFormation::Stack"),
        listed("p", "AWS::Lambda::Permission"),
        listed("b2", status="UPDATE_FAILED"),
    ]
    [found] = seen(world([stack()], *resources))
    assert isinstance(found, Stack)
    assert list(found.resources) == ["arn:aws:s3:::b2"]


def test_a_stack_that_is_complete_before_its_resources_is_looked_at_again() -> None:
    """CloudFormation's express mode: the message is given back, until they are made."""
    [found] = seen(world([stack()], listed("b1"), listed("b2", status="CREATE_IN_PROGRESS")))
    assert isinstance(found, Unread)
    assert (found.code, "1 resources" in found.reason) == ("BUSY", True)


@pytest.mark.parametrize("nested", ["own", "root"])
def test_a_nested_stack_has_its_own_tags_or_its_roots(nested: str) -> None:
    """As the policy says; the root is read once."""
    root = stack(ROOT) | {"Tags": [{"Key": "team", "Value": "root"}]}
    aws = world([stack(RootId=ROOT, ParentId=ROOT), root], listed("b1"))
    [found] = seen(aws, nested=nested)
    assert isinstance(found, Stack)
    assert found.wanted == (TAGS if nested == "own" else {"team": "root"})
    assert len(aws.asked("cloudformation", "DescribeStacks")) == (1 if nested == "own" else 2)


def test_tags_that_cannot_be_read_are_not_judged() -> None:
    """Nor is anything written on a guess."""
    [found] = seen(world([stack()], listed("b1"), index=Denied("no")))
    assert isinstance(found, Unread)
    assert found.code == "TAGS_UNREADABLE"


def test_tags_of_one_stack_that_cannot_be_read_keep_no_other_from_its_own() -> None:
    """Stacks are read together; what AWS refuses of one is no word on the others."""
    other = f"{SHOP}b"

    def listing(params: Mapping[str, Any]) -> Mapping[str, Any]:
        name = "bad" if params["StackName"] == SHOP else "good"
        return {"StackResourceSummaries": [listed(name)]}

    def index(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if "arn:aws:s3:::bad" in params["ResourceARNList"]:
            raise Invalid("no such ARN")
        return {"ResourceTagMappingList": []}

    aws = world([stack(), stack(other)], index=index, listing=listing)
    found = list(observe(sight(aws), [Ref(KIND, SHOP), Ref(KIND, other)]))
    assert {one.ref.id: type(one) for one in found} == {SHOP: Unread, other: Stack}


def test_what_a_step_of_a_sweep_has_no_time_for_the_next_one_reads() -> None:
    """It is not told as unread, which would end the sweep; of an event it is, and comes back."""

    def listing(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise OutOfTime("no request is left before the deadline")

    aws = world([], described={"Stacks": [stack()]}, listing=listing)
    with pytest.raises(OutOfTime):
        list(discover(sight(aws, log_groups=False), None))
    [found] = seen(world([stack()], listing=listing))
    assert isinstance(found, Unread)
    assert found.code == "BUSY"


def account_of(functions: Any, *resources: Any) -> FakeAws:
    """One stack, and what ListFunctions tells."""
    there = {"logGroupName": "/chosen", "logGroupArn": group("/chosen")}
    return FakeAws(
        {
            ("cloudformation", "DescribeStacks"): {"Stacks": [stack()]},
            ("cloudformation", "ListStackResources"): {"StackResourceSummaries": resources},
            (INDEX, "GetResources"): {"ResourceTagMappingList": []},
            ("lambda", "ListFunctions"): functions,
            ("logs", "DescribeLogGroups"): {"logGroups": [there]},
        }
    )


def test_functions_are_listed_once_in_a_sweep_whatever_steps_it_has() -> None:
    """Each step goes on with the list, and then has what matters of it: groups that were chosen."""
    chosen = {"FunctionName": "a", "LoggingConfig": {"LogGroup": "/chosen"}}
    usual = {"FunctionName": "b", "LoggingConfig": {"LogGroup": "/aws/lambda/b"}}
    told = [
        {"Functions": [chosen], "NextMarker": "m"},
        {"Functions": [usual, {"FunctionName": "c"}]},
    ]
    aws = account_of(told, listed("a", "AWS::Lambda::Function"))
    page = next(discover(sight(aws), None))
    while not page.states:
        assert page.cursor
        page = next(discover(sight(aws), page.cursor))
    [found] = page.states
    assert isinstance(found, Stack)
    assert group("/chosen") in found.resources
    asked = [one.start for one in aws.requests if one.operation == "ListFunctions"]
    assert asked == [None, "m"]


def test_functions_that_cannot_be_listed_cost_the_stacks_that_have_some() -> None:
    """Where their logs go is not known; a bucket's stack is judged."""
    for resource, kind in (("AWS::Lambda::Function", Unread), ("AWS::S3::Bucket", Stack)):
        aws = account_of(Denied("ListFunctions: no"), listed("a", resource))
        *_, last = discover(sight(aws), None)
        assert [type(one) for one in last.states] == [kind]
        assert [one.code for one in last.states if isinstance(one, Unread)] in (
            [],
            ["TAGS_UNREADABLE"],
        )


@pytest.mark.parametrize("cursor", ["arn:aws:cloudformation:x", "e30=", "eJyrBQABEwEQ!"])
def test_a_cursor_of_another_form_is_refused(cursor: str) -> None:
    """The sweep starts anew."""
    with pytest.raises(Invalid, match="none of stack-tags"):
        list(discover(sight(account_of({"Functions": []})), cursor))


def test_a_root_that_cannot_be_read_keeps_no_other_stack_from_its_tags() -> None:
    """With ``nested: root``; what the nested stack should have is not known, and it is told."""
    told = {ROOT: Denied("no"), f"{SHOP}b": stack(f"{SHOP}b")}
    nested = stack(RootId=ROOT, ParentId=ROOT)

    def described(params: Mapping[str, Any]) -> Mapping[str, Any]:
        found = told.get(params["StackName"], nested)
        if isinstance(found, Denied):
            raise found
        return {"Stacks": [found]}

    aws = world([], listed("b1"), described=described)
    refs = [Ref(KIND, SHOP), Ref(KIND, f"{SHOP}b")]
    found = {one.ref.id: one for one in observe(sight(aws, nested="root"), refs)}
    assert [type(found[ref.id]) for ref in refs] == [Unread, Stack]


def member(kind: str, name: str) -> Member:
    form = taggable.forms()[kind]
    return Member(taggable.arn(form, name, FakeAws()), name, form)


def test_the_log_groups_of_functions_and_stages_are_known() -> None:
    """TAG-4: a function's own, the one it was given, a stage's execution and access logs."""
    access = f"arn:aws:logs:{REGION}:111122223333:log-group:/access"
    rest = {"stageName": "prod", "accessLogSettings": {"destinationArn": access}}
    http = {"StageName": "$default", "AccessLogSettings": {"DestinationArn": f"{access}:*"}}
    aws = FakeAws(
        {
            ("apigateway", "GetStages"): {"item": [rest, {"stageName": "test"}]},
            ("apigatewayv2", "GetStages"): {"Items": [http, {"StageName": "dev"}]},
        }
    )
    members = [
        member("AWS::Lambda::Function", "orders"),
        member("AWS::Lambda::Function", "plain"),
        member("AWS::ApiGateway::RestApi", "a1"),
        member("AWS::ApiGatewayV2::Api", "b2"),
        member("AWS::RDS::DBInstance", "db"),
    ]
    found = {one.name: one.shared for one in written(aws, members, lambda _: {"orders": "/custom"})}
    assert found == {
        "/aws/lambda/orders": False,
        "/aws/lambda/plain": False,
        "/custom": True,
        "API-Gateway-Execution-Logs_a1/prod": False,
        "API-Gateway-Execution-Logs_a1/test": False,
        "/access": True,
        **{
            f"/aws/rds/instance/db/{one}": False
            for one in ("audit", "error", "postgresql", "slowquery")
        },
    }


def test_an_api_that_is_gone_has_no_log_groups() -> None:
    """It may be deleted between two requests."""
    aws = FakeAws({("apigateway", "GetStages"): Gone("no")})
    assert list(written(aws, [member("AWS::ApiGateway::RestApi", "a1")], lambda _: {})) == []


def test_only_groups_that_are_there_are_tagged() -> None:
    """Fifty are asked for at once."""
    told = {"logGroups": [{"logGroupName": "/a", "arn": f"{group('/a')}:*"}]}
    aws = FakeAws({("logs", "DescribeLogGroups"): [told, {"logGroups": []}]})
    assert there(aws, [f"/{number}" for number in range(51)]) == {"/a": group("/a")}


def test_a_sample_of_every_type_is_planned() -> None:
    """Whatever the file lists gets into a call; none of them is passed over."""
    forms = [one for one in taggable.forms().values() if not one.own]
    resources = [listed(sample(one)[0], one.kind) for one in forms]
    [found] = seen(world([stack()], *resources))
    assert isinstance(found, Stack)
    assert set(found.resources) == {sample(one)[1] for one in forms}
