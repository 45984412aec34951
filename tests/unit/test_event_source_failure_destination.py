"""Streams that functions read: what becomes of records that fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.event_source_failure_destination import CONTROL
from steward.controls.event_source_failure_destination.readers import discover, observe
from steward.controls.event_source_failure_destination.state import Function, Kind, Policy, Source
from steward.errors import Denied, Gone, Invalid, Throttled
from steward.evaluate import COMMON_CODES
from steward.model import Finding, Ref, Sight, Unread, Verdict
from steward.policy import load
from tests.fakes import ACCOUNT, REGION, START, Answer, FakeAws, NothingKnown

FUNCTION = "AWS::Lambda::Function"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"
PLACE = f"{REGION}:{ACCOUNT}"
KEPT = Source("clicks", Kind.KINESIS, "id-1", destination=QUEUE, retries=3)
BARE = Source("clicks", Kind.KINESIS, "id-1")


def policy(**document: Any) -> Policy:
    loaded: Policy = load(CONTROL, document).policy
    return loaded


def judged(*sources: Source, **document: Any) -> Finding:
    return CONTROL.assess(Function("f", sources), policy(**document))


SOURCES: Sequence[tuple[tuple[Source, ...], str, str, str]] = [
    ((), "NOT_APPLICABLE", "NO_STREAMS", "no stream"),
    ((replace(BARE, enabled=False),), "NOT_APPLICABLE", "DISABLED", "disabled"),
    ((KEPT,), "COMPLIANT", "HAS_DESTINATION", QUEUE),
    (
        (replace(KEPT, retries=-1, age_seconds=60),),
        "COMPLIANT",
        "HAS_DESTINATION",
        "Kinesis clicks",
    ),
    ((replace(KEPT, retries=0),), "COMPLIANT", "HAS_DESTINATION", "Kinesis clicks"),
    ((KEPT, replace(BARE, enabled=False)), "COMPLIANT", "HAS_DESTINATION", "Kinesis clicks"),
    ((BARE,), "NON_COMPLIANT", "NO_DESTINATION", "Kinesis clicks: failed records go nowhere"),
    ((KEPT, BARE, BARE), "NON_COMPLIANT", "NO_DESTINATION", "clicks and 1 more"),
    ((replace(KEPT, lost=True),), "NON_COMPLIANT", "DESTINATION_GONE", "is not there"),
    ((replace(KEPT, retries=-1),), "NON_COMPLIANT", "UNBOUNDED", "until they expire"),
    (
        (replace(KEPT, kind=Kind.KAFKA, retries=-1),),
        "COMPLIANT",
        "HAS_DESTINATION",
        "Kafka clicks",
    ),
]


@pytest.mark.parametrize(("sources", "verdict", "code", "reason"), SOURCES)
def test_a_function_is_judged_by_the_worst_of_its_sources(
    sources: tuple[Source, ...], verdict: str, code: str, reason: str
) -> None:
    """Disabled mappings count for nothing; Lambda itself bounds what it retries of Kafka."""
    found = judged(*sources)
    assert (found.verdict, found.code, found.remediation) == (verdict, code, ())
    assert reason in found.reason
    assert len(found.reason) <= 256


def test_the_policy_says_what_is_asked_besides_a_destination() -> None:
    """Neither bounds where it does not, nor a split batch where it does not."""
    endless = replace(KEPT, retries=-1)
    assert judged(endless, bounded=False).verdict is Verdict.COMPLIANT
    assert judged(KEPT, bisect=True).code == "NOT_BISECTED"
    assert judged(replace(KEPT, bisected=True), bisect=True).verdict is Verdict.COMPLIANT


def test_every_code_is_given_by_a_case_and_said_in_words() -> None:
    """The last one by the policy's wish."""
    found = {code for _, _, code, _ in SOURCES} | {"NOT_BISECTED"}
    assert found == set(CONTROL.codes)
    assert not found & set(COMMON_CODES)


@given(
    st.lists(
        st.builds(
            Source,
            name=st.text(max_size=200),
            kind=st.sampled_from(Kind),
            mapping=st.uuids().map(str),
            enabled=st.booleans(),
            destination=st.sampled_from(["", QUEUE]),
            lost=st.booleans(),
            unchecked=st.booleans(),
            retries=st.integers(-1, 10_000),
            age_seconds=st.integers(-1, 604_800),
            bisected=st.booleans(),
        ),
        max_size=4,
    )
)
def test_the_order_of_sources_and_what_is_disabled_change_no_verdict(sources: list[Source]) -> None:
    """And the reason always fits."""
    found = judged(*sources)
    read = [one for one in sources if one.enabled]
    assert judged(*reversed(sources)).code == found.code
    if read:
        assert judged(*read).code == found.code
    assert len(found.reason) <= 256


def mapping(function: str, source: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{PLACE}:function:{function}"
    told: dict[str, Any] = {"EventSourceArn": source} if source else {"SelfManagedEventSource": {}}
    return {"UUID": f"id-{number}", "FunctionArn": arn, "State": "Enabled", **told, **fields}


STREAM = f"arn:aws:kinesis:{PLACE}:stream/clicks"
TABLE = f"arn:aws:dynamodb:{PLACE}:table/orders/stream/2026-11-20T10:00:00.000"
CLUSTER = f"arn:aws:kafka:{PLACE}:cluster/events/0a1b-2"
FAILURES: dict[str, Any] = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}

MAPPINGS = [
    pytest.param(mapping("f", STREAM), BARE, id="a stream"),
    pytest.param(
        mapping("f:live", f"{STREAM}/consumer/fast:1700000000", MaximumRetryAttempts=2, **FAILURES),
        replace(KEPT, retries=2),
        id="a consumer with fan-out of an alias",
    ),
    pytest.param(
        mapping("f", TABLE, BisectBatchOnFunctionError=True, MaximumRecordAgeInSeconds=60),
        replace(BARE, name="orders", kind=Kind.DYNAMODB, bisected=True, age_seconds=60),
        id="a table",
    ),
    pytest.param(
        mapping("f", CLUSTER), replace(BARE, name="events", kind=Kind.KAFKA), id="a cluster"
    ),
    pytest.param(
        mapping("f", ""), replace(BARE, name="of its own brokers", kind=Kind.KAFKA), id="brokers"
    ),
    pytest.param(
        mapping("f", STREAM, State="Disabling"), replace(BARE, enabled=False), id="being disabled"
    ),
    pytest.param(mapping("f", f"arn:aws:sqs:{PLACE}:orders"), None, id="a queue"),
    pytest.param(mapping("f", f"arn:aws:mq:{PLACE}:broker:b:b-1"), None, id="a broker of MQ"),
    pytest.param(mapping("f", f"arn:aws:rds:{PLACE}:cluster:docdb"), None, id="a document store"),
    pytest.param(mapping("g", STREAM), None, id="of another function"),
]


def account(*mappings: dict[str, Any], **answers: Answer) -> FakeAws:
    function = {"FunctionName": "f", "FunctionArn": f"arn:aws:lambda:{PLACE}:function:f"}
    known: dict[str, Answer] = {
        "ListFunctions": {"Functions": [function]},
        "GetFunctionConfiguration": function,
        "ListEventSourceMappings": {"EventSourceMappings": list(mappings)},
        "GetQueueAttributes": {"Attributes": {}},
        **answers,
    }
    of = {"GetQueueAttributes": "sqs"}
    return FakeAws({(of.get(name, "lambda"), name): answer for name, answer in known.items()})


def sight(aws: FakeAws, **document: Any) -> Sight[Policy]:
    return Sight(aws, policy(**document), NothingKnown(), START)


@pytest.mark.parametrize(("told", "source"), MAPPINGS)
def test_a_mapping_is_read(told: dict[str, Any], source: Source | None) -> None:
    """As far as Lambda can send on what failed of such a source."""
    [state] = observe(sight(account(told)), [Ref(FUNCTION, "f")])
    assert state == Function("f", (source,) if source else ())


def test_all_functions_take_one_list_of_mappings() -> None:
    """In a sweep's step, and in a look at many; each queue is asked for once."""
    aws = account(mapping("f", STREAM, **FAILURES), mapping("f", TABLE, 2, **FAILURES))
    here = sight(aws)
    [page] = discover(here, None)
    assert isinstance(page.states[0], Function)
    assert list(observe(here, [Ref(FUNCTION, "f"), Ref(FUNCTION, "no name!")])) == page.states
    calls = Counter(one.operation for one in aws.requests)
    assert (calls["ListEventSourceMappings"], calls["GetQueueAttributes"]) == (1, 1)


def test_a_queue_that_is_gone_takes_no_failed_records() -> None:
    """Of a disabled mapping it is not asked for."""
    told = mapping("f", STREAM, MaximumRetryAttempts=1, **FAILURES)
    [state] = observe(sight(account(told, GetQueueAttributes=Gone("none"))), [Ref(FUNCTION, "f")])
    assert isinstance(state, Function)
    assert CONTROL.assess(state, policy()).code == "DESTINATION_GONE"
    aws = account({**told, "State": "Disabled"})
    list(observe(sight(aws), [Ref(FUNCTION, "f")]))
    assert aws.asked("sqs", "GetQueueAttributes") == []


def test_what_nobody_looked_for_is_not_said_to_be_there() -> None:
    """A bucket, a topic, a queue of another account."""
    for end in ("arn:aws:s3:::b", QUEUE.replace(ACCOUNT, "999999999999")):
        told = mapping("f", STREAM, MaximumRetryAttempts=1)
        told["DestinationConfig"] = {"OnFailure": {"Destination": end}}
        [state] = observe(sight(account(told)), [Ref(FUNCTION, "f")])
        assert isinstance(state, Function)
        found = CONTROL.assess(state, policy())
        assert found.verdict is Verdict.COMPLIANT
        assert found.reason.endswith(f"{end}; not checked to exist")


def test_what_could_not_be_read_is_never_taken_for_nothing() -> None:
    """The queue costs its function; the list of mappings all of them."""
    told = mapping("f", STREAM, **FAILURES)
    for error, code in ((Denied("no"), "ACCESS_DENIED"), (Throttled("busy"), "BUSY")):
        [state] = observe(sight(account(told, GetQueueAttributes=error)), [Ref(FUNCTION, "f")])
        assert isinstance(state, Unread)
        assert state.code == code
    with pytest.raises(Denied):
        list(discover(sight(account(ListEventSourceMappings=Denied("no"))), None))


def test_a_mapping_that_cannot_be_understood_costs_its_function_alone() -> None:
    """One that names no function is nobody's."""
    odd = mapping("odd", STREAM, DestinationConfig="none")
    nameless = {"UUID": "id-9", "EventSourceArn": STREAM}
    arn = f"arn:aws:lambda:{PLACE}:function:"
    listed = [{"FunctionName": one, "FunctionArn": arn + one} for one in ("odd", "f")]
    aws = account(odd, nameless, mapping("f", STREAM), ListFunctions={"Functions": listed})
    [page] = discover(sight(aws), None)
    unread, state = page.states
    assert isinstance(unread, Unread)
    assert (unread.ref.id, unread.code) == ("odd", "UNREADABLE")
    assert state == Function("f", (BARE,))


def test_a_cursor_of_another_kind_is_refused() -> None:
    """The sweep then begins anew."""
    with pytest.raises(Invalid, match="cursor: is 'marker'"):
        list(discover(sight(account()), "marker"))
