"""Queues that feed functions: time to handle a message, tries, and dead letters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.queue_redrive import CONTROL
from steward.controls.queue_redrive.readers import PART, discover, observe
from steward.controls.queue_redrive.state import Feed, Policy, Queue
from steward.errors import Denied, Gone, Throttled
from steward.evaluate import COMMON_CODES
from steward.model import Finding, Ref, Sight, Unread, Verdict
from steward.policy import load
from tests.fakes import ACCOUNT, REGION, START, Answer, FakeAws, NothingKnown

QUEUE = "AWS::SQS::Queue"
PLACE = f"{REGION}:{ACCOUNT}"
LETTERS = f"arn:aws:sqs:{PLACE}:orders-dead"
GOOD = Queue("orders", (Feed("f", 30, 10),), 190, 5, LETTERS)


def policy(**document: Any) -> Policy:
    loaded: Policy = load(CONTROL, document).policy
    return loaded


def judged(queue: Queue, **document: Any) -> Finding:
    return CONTROL.assess(queue, policy(**document))


QUEUES: Sequence[tuple[Queue, str, str, str]] = [
    (Queue("orders"), "NOT_APPLICABLE", "FEEDS_NO_FUNCTION", "no function"),
    (GOOD, "COMPLIANT", "FITS", "190 s to handle a message, 5 tries, then orders-dead"),
    (
        replace(GOOD, visibility=189),
        "NON_COMPLIANT",
        "SHORT_VISIBILITY",
        "189 s of visibility time-out, should be 190 s: 6 times 30 s of f and a window of 10 s",
    ),
    (
        replace(GOOD, feeds=(Feed("f", 30, 10), Feed("g", 31))),
        "COMPLIANT",
        "FITS",
        "190 s",
    ),
    (
        replace(GOOD, feeds=(Feed("f", 30, 10), Feed("g:live", 32))),
        "NON_COMPLIANT",
        "SHORT_VISIBILITY",
        "should be 192 s: 6 times 32 s of g:live",
    ),
    (replace(GOOD, receives=4), "NON_COMPLIANT", "FEW_RECEIVES", "4 tries, should be 5"),
    (replace(GOOD, lost=True), "NON_COMPLIANT", "DEAD_LETTERS_GONE", "orders-dead is not there"),
    (replace(GOOD, is_own=True), "NON_COMPLIANT", "OWN_DEAD_LETTERS", "its own dead-letter queue"),
    (replace(GOOD, receives=None, dead_letters=""), "NON_COMPLIANT", "NO_DEAD_LETTERS", "no redr"),
    (
        replace(GOOD, receives=None, dead_letters="", is_last=True),
        "NOT_APPLICABLE",
        "DEAD_LETTER_QUEUE",
        "holds dead letters itself",
    ),
    (
        replace(GOOD, visibility=30, receives=None, is_last=True),
        "NON_COMPLIANT",
        "SHORT_VISIBILITY",
        "30 s of visibility",
    ),
]


@pytest.mark.parametrize(("queue", "verdict", "code", "reason"), QUEUES)
def test_a_queue_is_judged(queue: Queue, verdict: str, code: str, reason: str) -> None:
    """The queue of others' dead letters needs none itself, but time for its function."""
    found = judged(queue)
    assert (found.verdict, found.code, found.remediation) == (verdict, code, ())
    assert reason in found.reason
    assert len(found.reason) <= 256


def test_every_code_is_given_by_a_case_and_said_in_words() -> None:
    """And no common one is given another sense."""
    found = {code for _, _, code, _ in QUEUES}
    assert found == set(CONTROL.codes)
    assert not found & set(COMMON_CODES)


def test_the_policy_says_how_long_and_how_often() -> None:
    """A factor of one is what Lambda itself insists on when a mapping is made."""
    short = replace(GOOD, visibility=40, receives=3)
    assert judged(short, visibility_factor=1, min_receives=3).verdict is Verdict.COMPLIANT
    assert judged(short, visibility_factor=2, min_receives=3).code == "SHORT_VISIBILITY"


@given(
    st.lists(
        st.builds(
            Feed,
            function=st.text("abc:", min_size=1, max_size=200),
            timeout=st.integers(1, 900),
            window=st.integers(0, 300),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 43_200),
)
def test_more_time_is_never_worse_and_the_time_that_is_named_is_enough(
    feeds: list[Feed], visibility: int
) -> None:
    """Whatever functions a queue feeds, in whatever order."""
    queue = replace(GOOD, feeds=tuple(feeds), visibility=visibility)
    found = judged(queue)
    needed = max(6 * one.timeout + one.window for one in feeds)
    assert (found.code == "SHORT_VISIBILITY") is (visibility < needed)
    assert judged(replace(queue, visibility=needed)).code == "FITS"
    assert judged(replace(queue, feeds=tuple(reversed(feeds)))) == found
    assert len(found.reason) <= 256


def mapping(queue: str, function: str = "f", **fields: Any) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{PLACE}:function:{function}"
    source = queue if queue.startswith("arn:") else f"arn:aws:sqs:{PLACE}:{queue}"
    return {"UUID": "1", "FunctionArn": arn, "EventSourceArn": source, "State": "Enabled", **fields}


def account(
    queues: Mapping[str, Mapping[str, str]], *mappings: dict[str, Any], **answers: Answer
) -> FakeAws:
    """Queues with their attributes; functions have a time-out of 30 seconds."""

    def attributes(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = asked["QueueUrl"].rpartition("/")[2]
        if name not in queues:
            raise Gone("no such queue")
        return {"Attributes": {"VisibilityTimeout": "190", **queues[name]}}

    urls = [f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}" for name in queues]
    known: dict[str, Answer] = {
        "ListQueues": {"QueueUrls": urls},
        "GetQueueAttributes": attributes,
        "ListDeadLetterSourceQueues": {"queueUrls": []},
        "ListEventSourceMappings": {"EventSourceMappings": list(mappings)},
        "GetFunctionConfiguration": {"Timeout": 30},
        **answers,
    }
    lambdas = ("ListEventSourceMappings", "GetFunctionConfiguration")
    service = {name: "lambda" if name in lambdas else "sqs" for name in known}
    return FakeAws({(service[name], name): answer for name, answer in known.items()})


def redrive(receives: int | str = 5, arn: str = LETTERS) -> dict[str, str]:
    told = {"deadLetterTargetArn": arn, "maxReceiveCount": receives}
    return {"RedrivePolicy": json.dumps(told)}


def sight(aws: FakeAws, **document: Any) -> Sight[Policy]:
    return Sight(aws, policy(**document), NothingKnown(), START)


def calls(aws: FakeAws) -> dict[str, int]:
    return dict(Counter(one.operation for one in aws.requests))


def test_a_sweep_reads_only_queues_that_feed_functions() -> None:
    """One list of queues, which tells the dead-letter queues, too, and one of mappings; then one
    request for each queue and function."""
    queues = {"orders": redrive(), "orders-dead": {}, "others": {}}
    window: dict[str, Any] = {"MaximumBatchingWindowInSeconds": 10}
    aws = account(queues, mapping("orders", **window), mapping("orders", "f", **window))
    [page] = discover(sight(aws), None)
    assert page.cursor is None
    twice = replace(GOOD, feeds=GOOD.feeds * 2)
    assert page.states == [twice, Queue("orders-dead"), Queue("others")]
    assert calls(aws) == {
        "ListQueues": 1,
        "ListEventSourceMappings": 1,
        "GetQueueAttributes": 1,
        "GetFunctionConfiguration": 1,
    }


def test_a_named_queue_is_read_or_gone() -> None:
    """Also one that feeds nothing; what is no name is not asked for."""
    aws = account({"orders": redrive("7")}, mapping("orders", "f:live"))
    refs = [Ref(QUEUE, name) for name in ("orders", "orders", "none", "no name!", "")]
    [state] = observe(sight(aws), refs)
    assert state == Queue("orders", (Feed("f:live", 30),), 190, 7, LETTERS, lost=True)
    assert list(observe(sight(account({"idle": {}})), [Ref(QUEUE, "idle")])) == [Queue("idle")]


UNFED = [
    pytest.param(mapping("orders", State="Disabled"), id="a disabled mapping"),
    pytest.param(mapping(f"arn:aws:sqs:{REGION}:999999999999:orders"), id="of another account"),
    pytest.param(mapping("arn:aws:sqs:us-east-1:" + ACCOUNT + ":orders"), id="of another Region"),
    pytest.param(mapping(f"arn:aws:kinesis:{PLACE}:stream/orders"), id="a stream of that name"),
]


@pytest.mark.parametrize("told", UNFED)
def test_a_queue_that_nobody_reads_is_asked_nothing(told: dict[str, Any]) -> None:
    """Its messages wait for somebody else."""
    [page] = discover(sight(account({"orders": {}}, told)), None)
    assert page.states == [Queue("orders")]


def test_a_mapping_whose_function_is_gone_feeds_nobody() -> None:
    """It is left over, and invokes nothing."""
    gone = Gone("Function not found")
    aws = account({"orders": {}}, mapping("orders"), GetFunctionConfiguration=gone)
    [page] = discover(sight(aws), None)
    assert page.states == [Queue("orders")]


def test_whether_a_queue_is_for_dead_letters_is_asked_where_it_has_none() -> None:
    """A function that takes dead letters from it does not make it an ordinary queue."""
    last = {"queueUrls": ["https://sqs/1/orders"]}
    aws = account({"last": {}}, mapping("last"), ListDeadLetterSourceQueues=last)
    [page] = discover(sight(aws), None)
    assert page.states == [Queue("last", (Feed("f", 30),), 190, is_last=True)]
    assert judged(page.states[0]).code == "DEAD_LETTER_QUEUE"
    plain = account({"orders": redrive(), "orders-dead": {}}, mapping("orders"))
    list(discover(sight(plain), None))
    assert "ListDeadLetterSourceQueues" not in calls(plain)


def test_what_could_not_be_read_costs_the_queue_alone() -> None:
    """The other ones are judged; the list of mappings is needed for all."""

    def attributes(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["QueueUrl"].endswith("/b"):
            raise Denied("no")
        return {"Attributes": {"VisibilityTimeout": "190", **redrive()}}

    aws = account({"a": {}, "b": {}}, mapping("a"), mapping("b"), GetQueueAttributes=attributes)
    [page] = discover(sight(aws), None)
    assert [type(one) for one in page.states] == [Queue, Unread]
    busy = account({"a": {}}, mapping("a"), GetFunctionConfiguration=Throttled("busy"))
    [state] = next(discover(sight(busy), None)).states
    assert isinstance(state, Unread)
    assert state.code == "BUSY"
    with pytest.raises(Denied):
        list(discover(sight(account({"a": {}}, ListEventSourceMappings=Denied("no"))), None))


def test_a_queue_that_is_its_own_for_dead_letters_keeps_none() -> None:
    """That it is there makes nothing good; it is not asked for again."""
    aws = account({"orders": redrive(arn=f"arn:aws:sqs:{PLACE}:orders")}, mapping("orders"))
    [page] = discover(sight(aws), None)
    [state] = page.states
    assert isinstance(state, Queue)
    assert judged(state).code == "OWN_DEAD_LETTERS"
    assert calls(aws)["GetQueueAttributes"] == 1


def test_a_queue_elsewhere_is_not_said_to_be_there() -> None:
    """It cannot be looked for from here."""
    away = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders-dead"
    [page] = discover(sight(account({"orders": redrive(arn=away)}, mapping("orders"))), None)
    [state] = page.states
    assert isinstance(state, Queue)
    assert judged(state).reason.endswith("then orders-dead; not checked to exist")


MALFORMED: Sequence[dict[str, str]] = [
    {"RedrivePolicy": "nonsense"},
    {"RedrivePolicy": "[7]"},
    {"RedrivePolicy": json.dumps({"deadLetterTargetArn": LETTERS})},
    {"RedrivePolicy": json.dumps({"maxReceiveCount": 5})},
    redrive("often"),
    {"VisibilityTimeout": "long"},
]


@pytest.mark.parametrize("told", MALFORMED)
def test_a_queue_that_cannot_be_understood_costs_itself_alone(told: dict[str, str]) -> None:
    """It is UNKNOWN, neither without dead letters nor right; the sweep goes on."""
    queues = {"odd": told, "orders": redrive(), "orders-dead": {}}
    [page] = discover(sight(account(queues, mapping("odd"), mapping("orders"))), None)
    odd, *others = page.states
    assert isinstance(odd, Unread)
    assert (odd.ref.id, odd.code) == ("odd", "UNREADABLE")
    assert "cannot be understood" in odd.reason
    assert [type(one) for one in others] == [Queue, Queue]


def test_a_queue_without_a_time_out_is_not_judged() -> None:
    """Nothing is made up for an attribute that is missing."""
    aws = account({"orders": {}}, mapping("orders"), GetQueueAttributes={})
    [state] = observe(sight(aws), [Ref(QUEUE, "orders")])
    assert isinstance(state, Unread)


def test_a_long_list_is_judged_in_parts() -> None:
    """Each can be gone on from; queues without functions come with the last."""
    names = [f"q{number:02}" for number in range(PART + 1)]
    queues = {name: redrive() for name in names} | {"idle": {}}
    aws = account(queues, *map(mapping, names))
    pages = list(discover(sight(aws), None))
    assert [len(page.states) for page in pages] == [PART, 2]
    rest = list(discover(sight(aws), pages[0].cursor))
    assert [one.ref.id for page in rest for one in page.states] == [names[-1], "idle"]


def test_tags_that_could_not_be_read_leave_all_unknown() -> None:
    """Where the policy goes by them."""
    aws = account({"a": redrive()}, mapping("a"))
    index = ("resourcegroupstaggingapi", "GetResources")
    aws._answers[index] = Denied("no")
    [state] = observe(sight(aws, honor_tags=True), [Ref(QUEUE, "a")])
    assert isinstance(state, Unread)
    assert state.code == "TAGS_UNREADABLE"
    tag = {"ResourceARN": f"arn:aws:sqs:{PLACE}:a", "Tags": [{"Key": "t", "Value": "v"}]}
    aws._answers[index] = {"ResourceTagMappingList": [tag]}
    [state] = observe(sight(aws, honor_tags=True), [Ref(QUEUE, "a")])
    assert isinstance(state, Queue)
    assert state.tags == {"t": "v"}
