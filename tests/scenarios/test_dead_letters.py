"""What came to nothing, shown with its reason and sent back by the operator's console."""

from __future__ import annotations

import json
from pathlib import Path

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from tests.scenarios.embedding import Console, create, retention

DEPLOYED = ("log-retention",)
DEAD, LOST = "steward-log-retention-dead-letters", "steward-log-retention-undelivered"


def event(here: EmbeddedAccount, group: str) -> str:
    """The event of a log group that was created, as EventBridge has it."""
    detail = {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": group}}
    place = {"account": here.account, "region": here.region}
    kind = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.logs"}
    return json.dumps({**place, **kind, "time": "2026-11-20T10:00:00Z", "detail": detail})


def undelivered(here: EmbeddedAccount, group: str, target: str) -> str:
    """A message that EventBridge could not put into the inbox; its id."""
    told = {
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized",
        "TARGET_ARN": here.queue(target).arn if target else "arn:aws:states:::stateMachine:x",
    }
    attributes = {k: {"DataType": "String", "StringValue": v} for k, v in told.items()}
    body = event(here, group)
    return here.queue("log-retention-undelivered").send(body, attributes=attributes).id


def test_a_dead_letter_is_shown_with_its_reason_sent_back_and_the_world_is_put_right(
    here: EmbeddedAccount, console: Console
) -> None:
    """A change that AWS was too busy for, ten times over; the doctor tells of it, too."""
    here.server.faults = [
        Fault(
            operation="logs.PutRetentionPolicy",
            code="ThrottlingException",
            message="Rate exceeded",
            when=has(logGroupName="/a"),
            times=None,
        )
    ]
    create(here, "/a")
    here.advance(hours=2)
    dead = here.queue("log-retention-dead-letters")
    [letter] = dead.messages()
    told = {one["detail"]: one for one in console("doctor")[1]}
    queue = told[f"{DEAD}: 1 dead letters"]
    assert (queue["status"], queue["fix"]) == (
        "fail",
        f"steward --stack steward redrive --queue {DEAD}",
    )
    assert any(detail.startswith(f"{DEAD} rings since") for detail in told)
    assert told["log-retention: enforce, hash 90de1c1c1c024f84"]["status"] == "ok"

    code, [line, last], _ = console("redrive")
    assert (code, line["queue"], line["message"], line["fate"]) == (1, DEAD, letter.id, "planned")
    assert line["event"]["resources"] == [{"kind": "AWS::Logs::LogGroup", "id": "/a"}]
    assert "/a: failed NEVER_EXPIRES: " in line["reason"]
    assert "Rate exceeded" in line["reason"]
    assert (last["summary"]["messages"]["planned"], dead.visible) == (1, 1)  # nothing was lost

    here.server.faults = []
    code, [line, last], _ = console("redrive", "--queue", "log-retention-dead-letters", "--enforce")
    assert (code, line["fate"], last["summary"]["complete"]) == (0, "sent", True)
    assert (dead.messages(), retention(here)) == ([], {"/a": None})
    here.settle()
    assert retention(here) == {"/a": 30}
    code, [last], _ = console("redrive", "--enforce")
    assert (code, last["summary"]["messages"]["looked"]) == (0, 0)


def test_what_never_reached_the_inbox_is_sent_there_and_what_nobody_can_read_stays(
    here: EmbeddedAccount, console: Console, tmp_path: Path
) -> None:
    """Until it is discarded by its id; what was meant for something else is left alone."""
    dead, lost = (here.queue(name.removeprefix("steward-")) for name in (DEAD, LOST))
    poison = dead.send("{not JSON").id
    good, stray = undelivered(here, "/a", "log-retention"), undelivered(here, "/a", "")
    code, lines, _ = console("redrive", "--save", str(tmp_path))
    told = {line["message"]: (line["fate"], line["reason"]) for line in lines[:-1]}
    assert (code, set(told)) == (1, {poison, good, stray})
    assert told[poison][0] == told[stray][0] == "left"
    assert "is no JSON" in told[poison][1]
    assert "it was meant for x: start a sweep" in told[stray][1]
    assert told[good] == ("planned", "NO_PERMISSIONS: not authorized")
    files = [json.loads(one.read_text()) for one in sorted(tmp_path.iterdir())]
    assert [one.get("body") for one in files if "event" not in one] == ["{not JSON"]

    code, lines, _ = console("redrive", "--enforce", "--discard", poison)
    fates = {line["message"]: line["fate"] for line in lines[:-1]}
    assert (code, fates) == (1, {poison: "discarded", good: "sent", stray: "left"})
    assert (dead.messages(), [one.id for one in lost.messages()]) == ([], [stray])
    assert [one.body for one in here.queue("log-retention").messages()] == [event(here, "/a")]
    assert console("redrive", "--enforce", "--discard", poison)[0] == 3


def test_wrong_questions_are_told_with_what_is_allowed(console: Console) -> None:
    """Exit code 3; nothing was changed."""
    questions = {
        ("--queue", "a-b"): f"--queue: is 'a-b', allowed: {DEAD}, ",
        ("--discard", "m-1"): "--discard: is 'm-1', allowed: none: nothing lies there",
        ("--prefix", "parked/", "--queue", DEAD): "--prefix: is of objects, allowed: without",
        ("--prefix", "parked/"): "no function steward-log-shipper in eu-west-1",
    }
    for arguments, told in questions.items():
        code, lines, err = console("redrive", *arguments)
        assert (code, lines, told in err) == (3, [], True), err
