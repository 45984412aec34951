"""How log groups are read and kept, on a faithful moto: names, pages, tags, policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from steward.account import Account
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.log_retention import CONTROL
from steward.controls.log_retention.readers import discover, observe
from steward.controls.log_retention.state import DAYS_TAG, KIND, LogGroup
from steward.errors import Denied, Invalid
from steward.ledger import Status
from steward.look import look
from steward.model import Deadline, Ref, Sight, Trigger, Unread
from steward.policy import load
from steward.run import Outcome
from steward.runtime import sheltered
from steward.undo import undo
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock, NothingKnown, R, T
from tests.toy import Telling


@pytest.fixture
def api() -> Iterator[Api]:
    clock = FakeClock()
    with faithful(), mock_aws():
        where = Identity("123456789012", REGION, "aws")
        yield Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


def create(api: Api, *names: str, **fields: Any) -> None:
    for name in names:
        api.ask("logs", "CreateLogGroup", logGroupName=name, **fields)


def retention(api: Api) -> dict[str, int | None]:
    return {
        group["logGroupName"]: group.get("retentionInDays")
        for answer, _ in api.pages("logs", "DescribeLogGroups")
        for group in answer["logGroups"]
    }


def sight(aws: Any, **policy: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, policy).policy, NothingKnown(), FakeClock().now())


def looked(api: Api, book: SQLiteLedger, *names: str, **policy: Any) -> list[Outcome]:
    clock = FakeClock()
    account = Account(api, book, clock, Telling(), lambda control: load(control, policy))
    run = account.run(
        CONTROL,
        Trigger.EVENT,
        "run",
        deadline=Deadline(clock),
        shelter=sheltered(Telling()),
    )
    return list(look(run, [Ref(KIND, name) for name in names]).outcomes)


def test_only_the_group_that_is_named_is_touched(api: Api, book: SQLiteLedger) -> None:
    """RET-14: names that merely begin alike are left alone."""
    create(api, "/aws/lambda/orders", "/aws/lambda/orders-prod", "/aws/lambda/orders-audit")
    looked(api, book, "/aws/lambda/orders")
    assert retention(api) == {
        "/aws/lambda/orders": 30,
        "/aws/lambda/orders-audit": None,
        "/aws/lambda/orders-prod": None,
    }


def test_a_name_of_which_only_a_longer_one_exists_is_gone(api: Api, book: SQLiteLedger) -> None:
    """RET-14: confirmed by a second way of asking, and nothing is written."""
    create(api, "/aws/lambda/orders-prod")
    [one] = looked(api, book, "/aws/lambda/orders")
    assert (one.fate, retention(api)) == ("gone", {"/aws/lambda/orders-prod": None})


def test_a_group_missing_from_a_batch_is_asked_for_once_more() -> None:
    """A batch that leaves a name out says nothing of it; the prefix finds it."""
    there = {"logGroupName": "a", "arn": "arn:aws:logs:eu-west-1:1:log-group:a:*"}
    aws = FakeAws({("logs", "DescribeLogGroups"): [{"logGroups": []}, {"logGroups": [there]}]})
    [group] = observe(sight(aws), [Ref(KIND, "a")])
    assert isinstance(group, LogGroup)
    assert aws.asked("logs", "DescribeLogGroups")[1] == {"logGroupNamePrefix": "a", "limit": 1}


def test_groups_missing_from_a_batch_are_asked_for_together() -> None:
    """Their results come in order, and one that is refused spoils no other."""

    class Together(FakeAws):
        asked_together: Sequence[object] = ()

        def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
            self.asked_together = items
            return super().together(act, items)

    def describe(params: Mapping[str, Any]) -> Mapping[str, Any]:
        name = params.get("logGroupNamePrefix", "")
        if name == "b":
            raise Denied("DescribeLogGroups: no")
        there = [{"logGroupName": name, "arn": f"x:{name}"}] if name in ("a", "d") else []
        return {"logGroups": there}

    aws = Together({("logs", "DescribeLogGroups"): describe})
    found = list(observe(sight(aws), [Ref(KIND, name) for name in "dcba"]))
    assert [(one.ref.id, type(one)) for one in found] == [
        ("a", LogGroup),
        ("b", Unread),
        ("d", LogGroup),
    ]
    assert aws.asked_together == ["a", "b", "c", "d"]


def test_a_batch_is_read_to_its_last_page_by_exact_names() -> None:
    """An answer may hold more than was asked for, and may go on."""
    pages: list[Any] = [
        {"logGroups": [{"logGroupName": "other", "arn": "x"}], "nextToken": "more"},
        {"logGroups": [{"logGroupName": "a", "arn": "x:a"}, {"logGroupName": "a", "arn": "x:a"}]},
    ]
    aws = FakeAws({("logs", "DescribeLogGroups"): pages})
    assert [group.ref.id for group in observe(sight(aws), [Ref(KIND, "a")])] == ["a"]


def test_an_invalid_name_spoils_only_itself() -> None:
    """A batch that the API calls invalid is split until the culprit stands alone."""

    def describe(params: Mapping[str, Any]) -> Mapping[str, Any]:
        names = params.get("logGroupIdentifiers") or [params["logGroupNamePrefix"]]
        if "bad" in names:
            raise Invalid("1 validation error", code="InvalidParameterException")
        return {"logGroups": [{"logGroupName": n, "arn": f"x:{n}"} for n in names]}

    aws = FakeAws({("logs", "DescribeLogGroups"): describe})
    found = list(observe(sight(aws), [Ref(KIND, n) for n in ("a", "b", "bad", "c", "d")]))
    assert {one.ref.id for one in found if isinstance(one, LogGroup)} == {"a", "b", "c", "d"}
    assert [one.ref.id for one in found if isinstance(one, Unread)] == ["bad"]


def test_a_burst_of_120_names_takes_three_reads(api: Api) -> None:
    """Fifty to a request."""
    names = [f"g{n:03}" for n in range(120)]
    create(api, *names)
    api.calls.clear()
    assert len(list(observe(sight(api), [Ref(KIND, name) for name in names]))) == 120
    assert dict(api.calls) == {"logs.DescribeLogGroups": 3}


def test_discovery_reads_pages_of_fifty_in_order_and_no_tags(api: Api) -> None:
    """The floor: one call for fifty groups; tags only where the policy uses them."""
    create(api, *(f"g{n:03}" for n in range(101)), tags={"team": "core"})
    api.calls.clear()
    pages = list(discover(sight(api), None))
    assert [len(page.states) for page in pages] == [50, 50, 1]
    assert [state.ref.id for page in pages for state in page.states] == sorted(retention(api))
    api.calls.pop("resourcegroupstaggingapi.GetResources", None)
    assert api.calls["logs.DescribeLogGroups"] == 6  # three of them by this test
    resumed = list(discover(sight(api), pages[0].cursor))
    assert [page.states for page in resumed] == [page.states for page in pages[1:]]


def test_discovery_reads_the_tag_index_once_a_step(api: Api) -> None:
    """A hundred tagged groups to a request, not one request a page."""
    create(api, *(f"g{n:03}" for n in range(120)), tags={"team": "core"})
    create(api, "untagged")
    api.calls.clear()
    pages = list(discover(sight(api, rules=[{"tags": ["team"], "days": 7}]), None))
    states = [one for page in pages for one in page.states if isinstance(one, LogGroup)]
    tags = {state.name: state.tags for state in states}
    assert (tags["g000"], tags["untagged"]) == ({"team": "core"}, {})
    assert api.calls["resourcegroupstaggingapi.GetResources"] == 2


@pytest.mark.parametrize("by_name", [True, False], ids=["observe", "discover"])
def test_groups_whose_tags_cannot_be_read_are_not_judged(*, by_name: bool) -> None:
    """An exemption might be among the tags."""
    there = {"logGroupName": "a", "arn": "arn:aws:logs:eu-west-1:1:log-group:a:*"}
    aws = FakeAws(
        {
            ("logs", "DescribeLogGroups"): {"logGroups": [there]},
            ("resourcegroupstaggingapi", "GetResources"): Denied("GetResources: no"),
        }
    )
    tagged = sight(aws, honor_tags=True)
    found = observe(tagged, [Ref(KIND, "a")]) if by_name else next(discover(tagged, None)).states
    [unread] = found
    assert isinstance(unread, Unread)
    assert unread.code == "TAGS_UNREADABLE"


def test_tags_decide_on_events_and_in_sweeps_alike(api: Api, book: SQLiteLedger) -> None:
    """The tag's days are put."""
    create(api, "tagged", tags={DAYS_TAG: "90"})
    create(api, "plain")
    looked(api, book, "tagged", "plain", honor_tags=True)
    assert retention(api) == {"tagged": 90, "plain": 30}


def test_a_delivery_group_is_left_alone(api: Api, book: SQLiteLedger) -> None:
    """RET-26: PutRetentionPolicy would be refused."""
    create(api, "d", logGroupClass="DELIVERY")
    [one] = looked(api, book, "d")
    assert (one.finding.code, one.fate) == ("DELIVERY_CLASS", "none")


@pytest.mark.parametrize("days", [90, "NEVER_EXPIRE"])
def test_a_group_under_an_account_policy_is_never_fought_over(
    api: Api, book: SQLiteLedger, days: int | str
) -> None:
    """RET-30: also where the policy says never expire and no value is told."""
    create(api, "/app/a", "/other")
    api.ask(
        "logs",
        "PutAccountPolicy",
        policyName="org",
        policyType="RETENTION_POLICY",
        policyDocument=json.dumps({"retentionInDays": days, "enforcementMode": "RETROACTIVE"}),
        selectionCriteria='LogGroupNamePrefix IN ["/app/"]',
    )
    api.calls.clear()
    codes = {one.finding.ref.id: one.finding.code for one in looked(api, book, "/app/a", "/other")}
    assert codes == {"/app/a": "MANAGED_BY_ACCOUNT_POLICY", "/other": "NEVER_EXPIRES"}
    assert api.calls["logs.PutRetentionPolicy"] == 1


def test_undo_leaves_a_group_exactly_as_it_was(api: Api, book: SQLiteLedger) -> None:
    """Without retention again, or with the shorter one it had."""
    create(api, "never", "short")
    api.ask("logs", "PutRetentionPolicy", logGroupName="short", retentionInDays=7)
    looked(api, book, "never", "short", min_days=14)
    assert retention(api) == {"never": 30, "short": 30}
    clock = FakeClock()
    account = Account(api, book, clock, Telling(), load)
    run = account.run(
        CONTROL, Trigger.DIRECT, "r", deadline=Deadline(clock), shelter=sheltered(Telling())
    )
    for change in list(book.changes(CONTROL.id)):
        undo(run, change.id, "alice")
    assert retention(api) == {"never": None, "short": 7}
    assert {c.status for c in book.changes(CONTROL.id)} == {Status.UNDONE, Status.DONE}


def test_an_arn_of_another_partition_is_read_alike() -> None:
    """RET-10: nothing is built from 'arn:aws'."""
    arn = f"arn:aws-cn:logs:cn-north-1:{ACCOUNT}:log-group:a"
    aws = FakeAws(
        {
            ("logs", "DescribeLogGroups"): {
                "logGroups": [{"logGroupName": "a", "arn": f"{arn}:*"}]
            },
            ("resourcegroupstaggingapi", "GetResources"): {
                "ResourceTagMappingList": [
                    {"ResourceARN": arn, "Tags": [{"Key": DAYS_TAG, "Value": "7"}]}
                ]
            },
        }
    )
    [group] = observe(sight(aws, honor_tags=True), [Ref(KIND, "a")])
    assert group == LogGroup("a", None, tags={DAYS_TAG: "7"})
