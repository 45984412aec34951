"""What lies in a dead-letter queue: where it goes back to, why it is there, and how it is moved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from console import letter_box, letters
from console.causes import judged_by
from console.codes import ExitCode
from console.dead_letters import Letter, judge, read, saved, what
from console.options import Options
from console.parked import Total
from console.place import Place
from console.queues import Queue
from console.redriving import _conclude
from steward.errors import BadPolicy, Denied, Invalid, NotConnected, OutOfTime, Refused
from steward.ledger import Item
from steward.model import Deadline, Fate, Ref, Verdict
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock

ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"
INBOX = Queue(
    "gov-log-retention", "https://sqs/gov-log-retention", f"{ARN}gov-log-retention", 0, "x"
)
DEAD = Queue("gov-log-retention-dead-letters", "https://sqs/dead", f"{ARN}dead", 1)
INBOXES = {INBOX.arn: INBOX}
ENVIRONMENT = {"STEWARD_CEILINGS": '{"log-retention": "enforce"}'}
GROUP = Ref("AWS::Logs::LogGroup", "/a")
EVENT = {
    "account": ACCOUNT,
    "region": REGION,
    "source": "aws.logs",
    "time": "2026-11-20T10:00:00Z",
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": "/a"}},
}


def letter(body: object = EVENT, received: int = 10, **attributes: str) -> Letter:
    text = body if isinstance(body, str) else json.dumps(body)
    return Letter(DEAD.name, "m-1", "r-1", text, "2026-11-20T10:00:00Z", received, attributes)


def test_a_message_is_read_as_sqs_tells_it() -> None:
    """With EventBridge's attributes; what SQS leaves out is left out."""
    system = {"SentTimestamp": "1795168800000", "ApproximateReceiveCount": "11"}
    own = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    bare = {"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "b"}
    found = read("q", {**bare, "Attributes": system, "MessageAttributes": own})
    assert (found.sent, found.received) == ("2026-11-20T10:00:00Z", 11)
    assert found.attributes == {"ERROR_CODE": "NO_PERMISSIONS"}
    assert (read("q", bare).sent, read("q", bare).received) == ("", 0)


@pytest.mark.parametrize(
    ("one", "source", "inbox", "left"),
    [
        (letter(), INBOX, INBOX, ""),
        (letter(TARGET_ARN=INBOX.arn), None, INBOX, ""),
        (letter("{no"), INBOX, None, "is no JSON"),
        (letter("[" * 100_000), INBOX, None, "is no JSON"),
        (letter("{no", TARGET_ARN=INBOX.arn), None, None, "is no JSON"),
        (letter(TARGET_ARN="arn:aws:states:::stateMachine:x"), None, None, "meant for x: start a"),
        (letter(TARGET_ARN=f"{ARN}others"), None, None, "meant for others: start a sweep"),
        (letter(), None, None, "nobody says whom it was for: start a sweep"),
    ],
    ids=[
        "failed too often",
        "not delivered",
        "poison",
        "deep poison",
        "poison that was not delivered",
        "for a state machine",
        "for a queue of others",
        "for nobody knows",
    ],
)
def test_a_letter_goes_back_to_an_inbox_of_the_stack_or_stays(
    one: Letter, source: Queue | None, inbox: Queue | None, left: str
) -> None:
    """And never to anybody else's queue."""
    found = judge(one, source, INBOXES)
    assert found.inbox == inbox
    assert (left in found.left, bool(found.left)) == (True, bool(left))


def place(answers: Mapping[tuple[str, str], Any] | None = None, *items: Item) -> Place:
    """A stack with log-retention, whose ledger has these items."""
    summary = {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": INBOX.name}
    standing: dict[tuple[str, str], Any] = {
        ("cloudformation", "ListStackResources"): {"StackResourceSummaries": [summary]},
        ("lambda", "GetFunctionConfiguration"): {"Environment": {"Variables": ENVIRONMENT}},
        ("ssm", "GetParameters"): {"Parameters": []},
    }
    aws: Any = FakeAws({**standing, **(answers or {})})
    here = Place(aws, FakeClock(), "gov")
    vars(here)["ledger"] = Book(items)
    return here


class Book:
    """A ledger of which only items are asked."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = {item.ref: item for item in items}

    def items(self, _: str, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        return {ref: self._items[ref] for ref in refs if ref in self._items}


FAILED = Item("log-retention", GROUP, Verdict.NON_COMPLIANT, "NEVER_EXPIRES", "denied", Fate.FAILED)


@pytest.mark.parametrize(
    ("here", "one", "why"),
    [
        (place(None, FAILED), letter(), "/a: failed NEVER_EXPIRES: denied; received 10 times"),
        (place(), letter(), "received 10 times"),
        (
            place(None, FAILED),
            letter(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="not you"),
            "NO_PERMISSIONS: not you",
        ),
        (place(), letter(ERROR_CODE="NO_RESOURCE"), "NO_RESOURCE"),
        (
            place(),
            letter({**EVENT, "region": "eu-central-1"}),
            "it names nothing: other-region; received 10 times",
        ),
        (place(), letter({"control": "log-retention"}), "it names nothing: not-an-event; received"),
        (place(), letter("{no"), "received 10 times"),
        (
            place({("ssm", "GetParameters"): Denied("GetParameters: not you")}, FAILED),
            letter(),
            "/a: failed NEVER_EXPIRES: denied; received 10 times; more could not be read: GetPara",
        ),
        (
            place(
                {
                    ("ssm", "GetParameters"): {
                        "Parameters": [
                            {"Name": "/gov/policy/log-retention", "Value": '{"days": 8}'}
                        ]
                    }
                }
            ),
            letter(),
            "log-retention: days: is 8, allowed",
        ),
    ],
    ids=[
        "its resource failed",
        "its resource is not known",
        "not delivered",
        "not delivered without a word",
        "of another Region",
        "no event",
        "no JSON",
        "policies cannot be read",
        "its policy is wrong",
    ],
)
def test_why_a_letter_is_there_is_told_as_far_as_anybody_knows(
    here: Place, one: Letter, why: str
) -> None:
    """EventBridge's word, the policy's, the ledger's; and how often it was received."""
    [found] = judged_by(here, INBOX, INBOXES, [one])
    assert found.why.startswith(why)


def test_what_a_letter_names_is_told_and_kept_for_a_replay() -> None:
    """Its event by name, time and resources; a text that is no event as it is."""
    one = letter()
    told = what(one, [GROUP])
    assert told["name"] == "CreateLogGroup"
    assert told["resources"] == [{"kind": GROUP.kind, "id": "/a"}]
    assert (saved(one)["event"], saved(one)["message"]) == (EVENT, "m-1")
    assert saved(letter("{no"))["body"] == "{no"
    follows = what(letter({"control": "log-retention"}), [])
    assert (follows["name"], follows["time"]) == ("log-retention", None)
    assert what(letter("[]"), [])["name"] is None


def test_a_letter_whose_event_has_other_types_than_events_have_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Anybody who may write to a queue decides what JSON lies in it."""
    odd = letter({"detail-type": {"a": 1}, "time": 7, "detail": {"eventName": ["b"]}})
    line = {"fate": "left", "queue": "q", "message": "m-1", "event": what(odd, []), "reason": ""}
    letters.show(letters.Total([line]))
    assert "['b'] 7" in capsys.readouterr().out


def message(number: int) -> Mapping[str, Any]:
    return {"MessageId": f"m-{number}", "ReceiptHandle": f"r-{number}", "Body": "{}"}


def test_a_peek_goes_on_until_nothing_comes_and_knows_each_letter_once() -> None:
    """SQS may give one twice; the newer receipt counts."""
    again = {**message(1), "ReceiptHandle": "newer"}
    answers: Any = [{"Messages": [message(1), message(2)]}, {"Messages": [again]}, {}]
    aws = FakeAws({("sqs", "ReceiveMessage"): answers})
    found = letter_box.peek(aws, DEAD)
    assert [(one.id, one.receipt) for one in found] == [("m-1", "newer"), ("m-2", "r-2")]
    assert {one["VisibilityTimeout"] for one in aws.asked("sqs", "ReceiveMessage")} == {120}


def test_a_peek_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many are hidden at a time."""
    monkeypatch.setattr(letter_box, "MOST", 12)
    tens = [{"Messages": [message(n) for n in range(10)]}, {"Messages": [message(10), message(11)]}]
    aws = FakeAws({("sqs", "ReceiveMessage"): tens})
    assert len(letter_box.peek(aws, DEAD)) == 12
    assert [one["MaxNumberOfMessages"] for one in aws.asked("sqs", "ReceiveMessage")] == [10, 2]


def test_letters_are_released_ten_at_a_time() -> None:
    """Else they are hidden for two minutes."""
    aws = FakeAws({("sqs", "ChangeMessageVisibilityBatch"): {}})
    letter_box.release(aws, DEAD, [letter()] * 11)
    asked = aws.asked("sqs", "ChangeMessageVisibilityBatch")
    assert [len(one["Entries"]) for one in asked] == [10, 1]
    assert {entry["VisibilityTimeout"] for one in asked for entry in one["Entries"]} == {0}


def test_a_letter_that_could_not_be_sent_is_not_deleted() -> None:
    """The others are; without a connection everything ends."""
    refused = Denied("SendMessage: not you")
    aws = FakeAws({("sqs", "SendMessage"): [refused, {}], ("sqs", "DeleteMessage"): {}})
    one, two = letter(), read("q", message(2))
    assert letter_box.send_back(aws, DEAD, [(one, INBOX), (two, INBOX)]) == {"m-1": refused}
    assert [told["ReceiptHandle"] for told in aws.asked("sqs", "DeleteMessage")] == ["r-2"]
    assert letter_box.send_back(aws, DEAD, []) == {}
    gone = FakeAws({("sqs", "SendMessage"): NotConnected("nobody answers")})
    with pytest.raises(NotConnected):
        letter_box.send_back(gone, DEAD, [(one, INBOX)])


def task(status: str, started: int = 2, **fields: Any) -> Mapping[str, Any]:
    return {"Results": [{"Status": status, "StartedTimestamp": started, **fields}]}


def moved(*tasks: Mapping[str, Any], seconds: float = 60) -> tuple[Callable[[], int], FakeAws]:
    aws = FakeAws({("sqs", "ListMessageMoveTasks"): tasks, ("sqs", "StartMessageMoveTask"): {}})
    clock = FakeClock()
    deadline = Deadline(clock, seconds)
    return (lambda: letter_box.move(aws, DEAD, clock, deadline, lambda _: None)), aws


def test_a_move_is_started_once_and_followed_to_its_end() -> None:
    """SQS may tell of the move before for a while; that is not taken for ours."""
    old = task("COMPLETED", 1, ApproximateNumberOfMessagesMoved=9)
    ended = task("COMPLETED", ApproximateNumberOfMessagesMoved=3)
    run, aws = moved(old, old, task("RUNNING"), ended)
    assert (run(), len(aws.asked("sqs", "StartMessageMoveTask"))) == (3, 1)
    run, aws = moved(task("RUNNING"), task("RUNNING"), ended)
    assert (run(), len(aws.asked("sqs", "StartMessageMoveTask"))) == (3, 0)
    run, aws = moved(task("RUNNING", ApproximateNumberOfMessagesMoved=2), ended)
    assert run() == 1


def test_a_move_that_fails_or_takes_too_long_is_told() -> None:
    """SQS goes on by itself with the latter."""
    none: Mapping[str, Any] = {}
    run, _ = moved(
        none, task("FAILED", FailureReason="NoSource", ApproximateNumberOfMessagesMoved=1)
    )
    with pytest.raises(Refused, match="ended after 1 messages: NoSource"):
        run()
    run, _ = moved(none, task("CANCELLED"))
    with pytest.raises(Refused, match="ended after 0 messages: CANCELLED"):
        run()
    run, _ = moved(none, *[task("RUNNING", ApproximateNumberOfMessagesMoved=5)] * 3, seconds=3)
    with pytest.raises(OutOfTime, match="5 messages are moved, SQS goes on with the rest"):
        run()


def counted(name: str, messages: int, letters: str = "") -> Mapping[str, Any]:
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": letters})} if letters else {}
    counts = {"ApproximateNumberOfMessages": str(messages)}
    return {"Attributes": {"QueueArn": f"{ARN}{name}", **counts, **redrive}}


def of_two_queues(receive: Callable[[Mapping[str, Any]], Any], **answers: Any) -> Place:
    """An inbox with its dead letters, and a queue of EventBridge's."""
    names = ("gov-log-retention", "gov-dead", "gov-lost")
    told = {
        "gov-log-retention": counted("gov-log-retention", 0, f"{ARN}gov-dead"),
        "gov-dead": counted("gov-dead", 1),
        "gov-lost": counted("gov-lost", 2),
    }
    parts = [{"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": f"q/{n}"} for n in names]
    functions = [{"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": INBOX.name}]
    standing = {
        ("cloudformation", "ListStackResources"): {"StackResourceSummaries": [*parts, *functions]},
        ("sqs", "GetQueueAttributes"): lambda params: told[params["QueueUrl"][2:]],
        ("sqs", "ReceiveMessage"): receive,
        ("sqs", "ChangeMessageVisibilityBatch"): Denied("ChangeMessageVisibility: not you"),
        ("sqs", "SendMessage"): {},
        ("sqs", "DeleteMessage"): {},
    }
    return place({**standing, **{("sqs", name): answer for name, answer in answers.items()}})


def lost_once() -> Callable[[Mapping[str, Any]], Any]:
    """One letter lies in EventBridge's queue; nobody may look into the other."""
    target = {"TARGET_ARN": {"DataType": "String", "StringValue": INBOX.arn}}
    waiting = [{**message(1), "Body": json.dumps(EVENT), "MessageAttributes": target}]

    def receive(params: Mapping[str, Any]) -> Any:
        if params["QueueUrl"].endswith("gov-dead"):
            raise Denied("ReceiveMessage: not you")
        return {"Messages": [waiting.pop()]} if waiting else {}

    return receive


def test_a_queue_that_may_not_be_looked_into_hinders_no_other() -> None:
    """It is told, and the run is incomplete; what lies in the others goes back."""
    here = of_two_queues(lost_once())
    boxes = letters.chosen(here, None)
    total = letters.redrive(here, Options(enforce=True, json=True), boxes, None, ())
    assert total.errors == ["gov-dead: ReceiveMessage: not you"]
    assert [(line["message"], line["fate"]) for line in total.lines] == [("m-1", "sent")]
    assert (total.more, total.stays) == (1, True)  # SQS counted two
    aws: Any = here.aws
    [sent] = aws.asked("sqs", "SendMessage")
    assert sent["QueueUrl"] == "q/gov-log-retention"


def test_what_stood_in_the_way_is_told_to_people_as_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On standard error; the table alone says no more than that it is not complete."""
    total = letters.Total(errors=["gov-dead: ReceiveMessage: not you"])
    assert _conclude(Options(), total, Total()) is ExitCode.INCOMPLETE
    assert capsys.readouterr().err == "steward: gov-dead: ReceiveMessage: not you\n"


def test_a_queue_that_is_asked_for_and_may_not_be_read_is_there_all_the_same() -> None:
    """It is told as an error, and not as a name that the stack does not have."""
    denied = Denied("GetQueueAttributes: not you")
    here = of_two_queues(lost_once(), GetQueueAttributes=denied)
    total = letters.redrive(here, Options(), letters.chosen(here, "dead"), None, ())
    assert f"gov-dead: {denied}" in total.errors
    with pytest.raises(BadPolicy, match="--queue: is 'nope', allowed: gov-dead, "):
        letters.chosen(here, "nope")


def test_a_move_that_may_not_be_made_is_told_with_its_queue() -> None:
    """Of several queues one has to know which."""
    here = of_one_queue(1, (1, 0), refusal=Denied("StartMessageMoveTask: not you"))
    assert redriven(here, ENFORCE).errors == ["gov-dead: StartMessageMoveTask: not you"]


def test_what_could_not_be_sent_stays_and_is_told() -> None:
    """With AWS's words."""
    here = of_two_queues(lost_once(), SendMessage=Denied("SendMessage: not you"))
    boxes = letters.chosen(here, "lost")
    total = letters.redrive(here, Options(enforce=True, json=True), boxes, None, ())
    [line] = total.lines
    assert (line["fate"], total.errors) == ("left", ["gov-lost: SendMessage: not you"])
    assert line["reason"].startswith("SendMessage: not you")


def test_a_folder_that_cannot_be_written_stops_everything_before_it_begins(tmp_path: Path) -> None:
    """Nothing is sent or deleted that was to be saved first."""
    (tmp_path / "file").write_text("")
    here = of_two_queues(lost_once())
    boxes = letters.chosen(here, "gov-lost")
    with pytest.raises(Invalid, match=r"--save: .*file"):
        letters.redrive(here, Options(enforce=True), boxes, tmp_path / "file" / "x", ("m-1",))
    aws: Any = here.aws
    assert not aws.asked("sqs", "SendMessage") + aws.asked("sqs", "DeleteMessage")


def of_one_queue(
    seen: int, *counts: tuple[int, int], moves: int = 0, refusal: Denied | None = None
) -> Place:
    """An inbox whose dead letters SQS counts so, there and in somebody's hands, look by look."""
    letters = [{**message(n), "Body": json.dumps(EVENT)} for n in range(seen)]
    told = [
        {**queue["Attributes"], "ApproximateNumberOfMessagesNotVisible": str(held)}
        for queue, held in ((counted("gov-dead", there), held) for there, held in counts)
    ]
    inbox = counted("gov-log-retention", 0, f"{ARN}gov-dead")

    def attributes(params: Mapping[str, Any]) -> Any:
        dead = params["QueueUrl"] == "q/gov-dead"
        return {"Attributes": told.pop(0)} if dead else inbox

    def receive(params: Mapping[str, Any]) -> Any:
        return {"Messages": [letters.pop() for _ in letters[: params["MaxNumberOfMessages"]]]}

    queues = ("gov-log-retention", "gov-dead")
    parts = [{"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": f"q/{n}"} for n in queues]
    ended = task("COMPLETED", ApproximateNumberOfMessagesMoved=moves)
    return place(
        {
            ("cloudformation", "ListStackResources"): {"StackResourceSummaries": parts},
            ("sqs", "GetQueueAttributes"): attributes,
            ("sqs", "ReceiveMessage"): receive,
            ("sqs", "ChangeMessageVisibilityBatch"): {},
            ("sqs", "ListMessageMoveTasks"): [{}, ended],
            ("sqs", "StartMessageMoveTask"): refusal or {},
        }
    )


def redriven(here: Place, options: Options) -> letters.Total:
    return letters.redrive(here, options, letters.chosen(here, None), None, ())


ENFORCE = Options(enforce=True)


@pytest.mark.parametrize("options", [Options(), ENFORCE], ids=["shown", "sent back"])
def test_letters_in_somebodys_hands_are_there(
    options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    """They can be neither looked at nor moved, which is told, and nothing is clean."""
    total = redriven(of_one_queue(0, (0, 3), (0, 3)), options)
    assert (total.counts["more"], total.counts["held"], total.stays) == (3, 3, True)
    assert _conclude(options, total, Total()) is ExitCode.VIOLATIONS
    out = capsys.readouterr().out
    assert "3 lie there, in somebody's hands; try again in two minutes" in out
    assert "Nothing is there" not in out


def test_what_is_moved_unseen_is_counted_and_what_stays_after_a_move_is_counted_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SQS moves what was not looked at as well; its counts may lag behind, or be too high."""
    moved = redriven(of_one_queue(12, (20, 3), (20, 3), moves=20), ENFORCE)
    told = {name: moved.counts[name] for name in ("looked", "sent", "unseen", "more", "held")}
    assert told == {"looked": 12, "sent": 12, "unseen": 8, "more": 3, "held": 3}
    letters.show(moved)
    out = capsys.readouterr().out
    assert "SQS sent 8 besides, which were not looked at" in out
    assert "3 lie there, in somebody's hands" in out
    assert "run it again" not in out
    early = redriven(of_one_queue(12, (20, 0), (0, 0), moves=12), ENFORCE)
    assert (early.counts["unseen"], early.stays) == (0, False)
    fewer = redriven(of_one_queue(2, (2, 0), (1, 0), moves=1), ENFORCE)
    assert (fewer.counts["more"], fewer.counts["held"]) == (1, 0)
