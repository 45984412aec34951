"""A batch from the inbox: what cannot be done is given back, and the neighbours are done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from steward.errors import BadPolicy, NotConnected, StewardError, Throttled
from steward.events import CLOUDTRAIL, Automation, Skip
from steward.inbox import PATIENCE, Batch, pause, process, read, shorten_pauses
from steward.look import Looked
from steward.model import (
    CommonPolicy,
    Control,
    Fate,
    Finding,
    Page,
    Ref,
    Severity,
    Trigger,
    Verdict,
)
from steward.run import Outcome
from tests.fakes import ACCOUNT, REGION, FakeAws

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/steward-log-retention"

GROUP = "AWS::Logs::LogGroup"
FUNCTION = "AWS::Lambda::Function"

Look = Callable[[Control[Any, Any], Sequence[Ref]], Looked]


def refs_of(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """A made-up call names its resources as [kind, id] pairs."""
    return (Ref(*pair) for pair in detail["names"])


def control(id: str, *kinds: str) -> Control[Any, Any]:
    """A control of some kinds; it is only asked for its id and kinds."""

    def nothing(*_: Any) -> Iterator[Page[Any]]:
        return iter(())

    def in_order(state: Any, _: Any) -> Finding:
        return Finding(state.ref, Verdict.COMPLIANT, "OK", "is fine")

    return Control(
        id=id,
        title=id,
        severity=Severity.LOW,
        kinds=kinds,
        policy=CommonPolicy,
        observe=nothing,
        discover=nothing,
        assess=in_order,
        reads=frozenset(),
        writes=frozenset(),
        codes={},
    )


RETENTION = control("log-retention", GROUP)
SUBSCRIPTION = control("log-subscription", GROUP)
VERSIONS = control("function-versions", FUNCTION)


AUTOMATION = Automation(
    "made-up",
    (RETENTION, SUBSCRIPTION, VERSIONS),
    "aws.logs",
    {"Made": refs_of, "Tagged": refs_of},
    only_after={"log-retention": frozenset({"Made"})},
)


def group(name: str) -> Ref:
    return Ref(GROUP, name)


def event(*refs: Ref, **envelope: Any) -> dict[str, Any]:
    """An event that names these resources."""
    return {
        "detail-type": CLOUDTRAIL,
        "source": "aws.logs",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {"eventName": "Made", "names": [[ref.kind, ref.id] for ref in refs]},
        **envelope,
    }


def message(number: int, body: object, received: int = 1) -> dict[str, Any]:
    """A message as SQS hands it to a function."""
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(received)},
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:steward-log-retention",
    }


def batch_of(*messages: Mapping[str, Any]) -> Batch:
    return read(AUTOMATION, messages, account=ACCOUNT, region=REGION)


class Looker:
    """Looks at everything with success, but for what it was told to be in trouble."""

    def __init__(
        self,
        again: Sequence[Ref] = (),
        untouched: Sequence[Ref] = (),
        errors: Mapping[str, Exception] | None = None,
        waits: Sequence[Ref] = (),
    ) -> None:
        self.looked: list[tuple[str, set[Ref]]] = []
        self.reported: list[tuple[str, StewardError]] = []
        self._again = again
        self._untouched = untouched
        self._errors = errors or {}
        self._waits = waits

    def look(self, control: Control[Any, Any], refs: Sequence[Ref]) -> Looked:
        self.looked.append((control.id, set(refs)))
        if control.id in self._errors:
            raise self._errors[control.id]
        outcomes = [self._outcome(control, ref) for ref in refs if ref not in self._untouched]
        return Looked(outcomes, [ref for ref in refs if ref in self._untouched])

    def report(self, control: str, error: StewardError) -> None:
        self.reported.append((control, error))

    def _outcome(self, control: Control[Any, Any], ref: Ref) -> Outcome:
        retry, waits = ref in self._again, ref in self._waits
        if waits:
            finding = Finding(ref, Verdict.NON_COMPLIANT, "X", "y", waits=True)
            return Outcome(control.id, finding, Fate.HELD, Trigger.EVENT, retry=True)
        finding = Finding(ref, Verdict.UNKNOWN if retry else Verdict.COMPLIANT, "X", "y")
        fate = Fate.UNKNOWN if retry else Fate.NONE
        return Outcome(control.id, finding, fate, Trigger.EVENT, retry=retry)


def given_back(looker: Looker, batch: Batch, *controls: Control[Any, Any]) -> list[str]:
    """The ids of the messages that are given back."""
    return process(controls or (RETENTION,), batch, looker.look, looker.report)


# Reading


@pytest.mark.parametrize(
    ("told", "times"),
    [
        pytest.param(event(group("/a"), time="2026-11-20T09:59:00Z"), ["09:59"], id="the event"),
        pytest.param(
            {
                **event(group("/a"), time="2026-11-20T09:59:00Z"),
                "detail": {
                    "eventName": "Made",
                    "names": [[GROUP, "/a"]],
                    "eventTime": "2026-11-20T09:58:00Z",
                },
            },
            ["09:58"],
            id="the call, which was before",
        ),
        pytest.param(event(group("/a"), time="2026-11-20T09:59:00"), ["09:59"], id="no zone"),
        pytest.param(event(group("/a"), time="yesterday"), [], id="no time"),
        pytest.param(event(group("/a")), [], id="nothing"),
        pytest.param(event(time="2026-11-20T09:59:00Z", source="aws.sns"), [], id="skipped"),
    ],
)
def test_an_event_tells_when_it_happened(told: dict[str, Any], times: list[str]) -> None:
    """For how late we are; only when it is first received: what is given back was not late."""
    found = batch_of(message(1, told), message(2, told, received=2)).times
    assert [at.strftime("%H:%M") for at in found] == times


def test_messages_name_resources() -> None:
    """By message, so that each can be given back on its own."""
    batch = batch_of(
        message(1, event(group("/a"))), message(2, event(group("/b"), Ref(FUNCTION, "f")))
    )
    assert batch.refs == {"m1": [group("/a")], "m2": [group("/b"), Ref(FUNCTION, "f")]}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("not JSON", id="a text"),
        pytest.param('{"detail": ', id="cut off"),
        pytest.param("[" * 100_000, id="nested too deep to be read"),
    ],
)
def test_a_malformed_body_is_given_back_and_its_neighbours_are_done(body: str) -> None:
    """It ends in the dead-letter queue, where somebody sees it."""
    batch = batch_of(
        message(1, event(group("/a"))), message(2, body), message(3, event(group("/c")))
    )
    looker = Looker()
    assert given_back(looker, batch) == ["m2"]
    assert looker.looked == [("log-retention", {group("/a"), group("/c")})]


@pytest.mark.parametrize("change", [{"body": None}, {"body": 7}], ids=["null", "a number"])
def test_a_body_that_is_no_text_is_given_back(change: Mapping[str, Any]) -> None:
    """Nothing that SQS never sends breaks the batch either."""
    assert batch_of({**message(1, "{}"), **change}).unreadable == ["m1"]


def test_a_message_without_body_is_given_back() -> None:
    """It is not taken for an event that is none of ours."""
    assert batch_of({"messageId": "m1"}).unreadable == ["m1"]


def test_what_names_nothing_is_counted_by_its_reason_and_acknowledged() -> None:
    """Nothing is skipped in silence, and nothing is tried again in vain."""
    batch = batch_of(
        message(1, {"invalid": "input"}),
        message(2, event(group("/a"), account="999988887777")),
        message(3, event(group("/a"), account="999988887777")),
        message(4, event(group("/a"), region="us-east-1")),
        message(5, event()),
        message(6, [1, 2]),
    )
    assert batch.skipped == {
        Skip.NOT_AN_EVENT: 2,
        Skip.OTHER_ACCOUNT: 2,
        Skip.OTHER_REGION: 1,
        Skip.NO_NAME: 1,
    }
    looker = Looker()
    assert given_back(looker, batch) == []
    assert looker.looked == []


# Processing


def test_a_batch_that_went_well_gives_nothing_back() -> None:
    """All messages are acknowledged."""
    batch = batch_of(message(1, event(group("/a"))), message(2, event(group("/b"))))
    assert given_back(Looker(), batch) == []


def test_a_batch_is_looked_at_in_one_go() -> None:
    """A deployment's burst costs one reading."""
    batch = batch_of(*(message(n, event(group(f"/{n}"))) for n in range(50)))
    looker = Looker()
    given_back(looker, batch)
    assert looker.looked == [("log-retention", {group(f"/{n}") for n in range(50)})]


@pytest.mark.parametrize(
    "looker",
    [
        pytest.param(Looker(again=[group("/a")]), id="it must be looked at again"),
        pytest.param(Looker(untouched=[group("/a")]), id="there was no time for it"),
    ],
)
def test_messages_that_name_one_resource_share_its_look_and_its_fate(looker: Looker) -> None:
    """Both come back when it must be looked at again, and the message beside them does not."""
    batch = batch_of(
        message(1, event(group("/a"))),
        message(2, event(group("/b"))),
        message(3, event(group("/a"))),
    )
    assert given_back(looker, batch) == ["m1", "m3"]
    assert looker.looked == [("log-retention", {group("/a"), group("/b")})]


def test_a_message_comes_back_for_any_of_its_resources() -> None:
    """One that is done is simply looked at once more."""
    batch = batch_of(message(1, event(group("/a"), group("/b"))))
    assert given_back(Looker(again=[group("/b")]), batch) == ["m1"]


@pytest.mark.parametrize(
    ("received", "looker", "back"),
    [
        pytest.param(PATIENCE - 1, Looker(waits=[group("/a")]), ["m1"], id="it waits"),
        pytest.param(PATIENCE, Looker(waits=[group("/a")]), [], id="it has waited long enough"),
        pytest.param(PATIENCE, Looker(again=[group("/a")]), ["m1"], id="something is wrong"),
        pytest.param(
            PATIENCE,
            Looker(again=[group("/b")], waits=[group("/a")]),
            ["m1"],
            id="something is wrong with its other resource",
        ),
    ],
)
def test_what_only_waits_ends_as_no_dead_letter(
    received: int, looker: Looker, back: list[str]
) -> None:
    """Nothing is wrong with it: the next sweep looks again. Trouble goes on to the end."""
    batch = batch_of(message(1, event(group("/a"), group("/b")), received))
    assert given_back(looker, batch) == back


def test_each_control_looks_at_its_own_kinds() -> None:
    """A control of which nothing is named is not asked at all."""
    batch = batch_of(message(1, event(group("/a"))), message(2, event(group("/b"))))
    looker = Looker()
    given_back(looker, batch, RETENTION, VERSIONS, SUBSCRIPTION)
    both = {group("/a"), group("/b")}
    assert looker.looked == [("log-retention", both), ("log-subscription", both)]


def tagged(*refs: Ref) -> dict[str, Any]:
    """An event that is nothing to log-retention."""
    told = event(*refs)
    return {**told, "detail": {**told["detail"], "eventName": "Tagged"}}


def test_a_control_looks_only_after_calls_that_concern_it() -> None:
    """Though another message may name the same resource for it."""
    batch = batch_of(message(1, event(group("/a"))), message(2, tagged(group("/b"))))
    looker = Looker()
    given_back(looker, batch, RETENTION, SUBSCRIPTION)
    assert looker.looked == [
        ("log-retention", {group("/a")}),
        ("log-subscription", {group("/a"), group("/b")}),
    ]


def test_a_message_does_not_come_back_for_a_control_that_it_does_not_concern() -> None:
    """That is done by the message that does."""
    batch = batch_of(message(1, event(group("/a"))), message(2, tagged(group("/a"))))
    looker = Looker(errors={"log-retention": Throttled("no")})
    assert given_back(looker, batch, RETENTION, SUBSCRIPTION) == ["m1"]


@pytest.mark.parametrize("error", [BadPolicy("no"), NotConnected("no"), Throttled("no")])
def test_a_control_that_stops_gives_back_what_named_something_for_it(error: StewardError) -> None:
    """The other controls go on; what names nothing or only theirs is acknowledged."""
    batch = batch_of(
        message(1, event(group("/a"))),
        message(2, event(Ref(FUNCTION, "f"))),
        message(3, {"invalid": "input"}),
        message(4, event(Ref(FUNCTION, "g"), group("/b"))),
    )
    looker = Looker(errors={"log-retention": error})
    assert given_back(looker, batch, RETENTION, VERSIONS) == ["m1", "m4"]
    assert looker.looked[-1] == ("function-versions", {Ref(FUNCTION, "f"), Ref(FUNCTION, "g")})
    assert looker.reported == [("log-retention", error)]


def test_a_bug_is_not_taken_for_trouble_with_aws() -> None:
    """Only errors raised on purpose have an answer here."""
    batch = batch_of(message(1, event(group("/a"))))
    with pytest.raises(ZeroDivisionError):
        given_back(Looker(errors={"log-retention": ZeroDivisionError()}), batch)


# Pauses


@pytest.mark.parametrize(
    ("received", "seconds"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (10, 900), (1000, 900)],
)
def test_the_pause_doubles_from_half_a_minute_to_a_quarter_of_an_hour(
    received: int, seconds: int
) -> None:
    """By how often the message was received."""
    assert pause(message(1, "", received)) == seconds


@pytest.mark.parametrize("record", [{}, {"attributes": {}}], ids=["no attributes", "no count"])
def test_a_message_without_count_pauses_as_at_first(record: Mapping[str, Any]) -> None:
    """What SQS does not tell is the shortest pause."""
    assert pause(record) == 30


def sqs() -> FakeAws:
    return FakeAws(
        {
            ("sqs", "GetQueueUrl"): {"QueueUrl": QUEUE},
            ("sqs", "ChangeMessageVisibilityBatch"): {"Successful": [], "Failed": []},
        }
    )


def test_messages_that_are_given_back_are_seen_again_sooner() -> None:
    """Each by its own count, and those that are done are left alone."""
    aws = sqs()
    records = [message(1, "", 1), message(2, "", 2), message(3, "", 3)]
    shorten_pauses(aws, records, ["m3", "m1"])
    assert aws.asked("sqs", "GetQueueUrl") == [{"QueueName": "steward-log-retention"}]
    [asked] = aws.asked("sqs", "ChangeMessageVisibilityBatch")
    assert asked["QueueUrl"] == QUEUE
    pauses = {e["ReceiptHandle"]: e["VisibilityTimeout"] for e in asked["Entries"]}
    assert pauses == {"r1": 30, "r3": 120}


@pytest.mark.parametrize(("count", "sizes"), [(10, [10]), (11, [10, 1]), (50, [10] * 5)])
def test_visibility_is_changed_ten_messages_to_a_request(count: int, sizes: list[int]) -> None:
    """As many as the API takes; ids differ within a request, as it demands."""
    aws = sqs()
    records = [message(number, "") for number in range(count)]
    shorten_pauses(aws, records, [record["messageId"] for record in records])
    batches = [asked["Entries"] for asked in aws.asked("sqs", "ChangeMessageVisibilityBatch")]
    assert [len(batch) for batch in batches] == sizes
    assert all(len({entry["Id"] for entry in batch}) == len(batch) for batch in batches)
    handles = {entry["ReceiptHandle"] for batch in batches for entry in batch}
    assert handles == {f"r{number}" for number in range(count)}


@pytest.mark.parametrize(
    "records", [[], [message(1, "")]], ids=["no messages", "none of them failed"]
)
def test_where_nothing_is_given_back_sqs_is_not_asked(records: list[Any]) -> None:
    """A good batch costs no request."""
    aws = FakeAws()
    shorten_pauses(aws, records, [])
    assert aws.requests == []
