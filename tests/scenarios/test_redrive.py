"""What could not be shipped, shipped again by the operator's console, on the embedded account."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from console.cli import main
from embedded.account import EmbeddedAccount
from steward.shipping import redriving
from tests.log_service import LogService, Post, Reply
from tests.scenarios.embedding import Console, create, installed, logged, put_parameter

BUCKET = "steward-logs-123456789012-eu-west-1"


@pytest.fixture
def service() -> Iterator[LogService]:
    with LogService("ndjson") as running:
        yield running


@pytest.fixture
def here(service: LogService) -> Iterator[EmbeddedAccount]:
    """The stack ships to the service; one group is subscribed."""
    shipping = {"LogShipping": "enabled", "ShippingFormat": "ndjson", "ShippingUrl": service.url}
    with installed(
        controls=["log-subscription"], LogSubscriptionMode="enforce", **shipping
    ) as account:
        create(account, "/a")
        account.settle()
        account.client("logs").create_log_stream(logGroupName="/a", logStreamName="s")
        account.watch.seen.clear()
        account.host.invocations.clear()
        yield account


@pytest.fixture
def console(here: EmbeddedAccount, capsys: pytest.CaptureFixture[str]) -> Console:
    """Runs ``steward redrive``: its exit code, its JSON lines, its standard error."""

    def run(*arguments: str, stack: str = here.stack) -> tuple[int, list[dict[str, Any]], str]:
        capsys.readouterr()
        place = ("--endpoint-url", here.server.url, "--region", here.region, "--pace", "off")
        code = main(["redrive", *arguments, *place, "--stack", stack, "--json"])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


def log(here: EmbeddedAccount, *messages: str) -> None:
    now = int(here.clock.now().timestamp() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    here.client("logs").put_log_events(logGroupName="/a", logStreamName="s", logEvents=events)


def objects(here: EmbeddedAccount) -> list[str]:
    found = here.client("s3", user="auditor").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [one["Key"] for one in found]


def put(here: EmbeddedAccount, name: str, *lines: Mapping[str, Any]) -> str:
    """Something that was parked on another day."""
    body = gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    key = f"parked/2026/11/01/{name}.ndjson.gz"
    here.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return key


def of_event(uid: str) -> Mapping[str, Any]:
    item = {"id": uid, "message": "m"}
    return {"kind": "event", "reason": "400", "format": "ndjson", "item": item}


def refuses(text: bytes) -> Callable[[Post], Reply | None]:
    return lambda post: Reply(400) if text in post.body else None


def down(_: Post) -> Reply:
    return Reply(401)


def messages(service: LogService) -> Counter[str]:
    """What arrived, by message, as far as the service took it."""
    lines = [json.loads(line) for post in service.posts for line in post.body.splitlines()]
    taken = {line["id"]: line["message"] for line in lines if line["id"] in service.arrived}
    return Counter({text: service.arrived[uid] for uid, text in taken.items()})


def test_what_the_destination_refused_is_shipped_once_it_takes_it(
    here: EmbeddedAccount, service: LogService, console: Console
) -> None:
    """First shown, then shipped, then nothing is there; the function does it by its own role."""
    service.fault = refuses(b"poison")
    log(here, "good", "poison")
    here.settle()
    [key] = objects(here)
    assert (messages(service), "log-shipper-parked" in here.alarms()) == ({"good": 1}, True)

    code, lines, _ = console()
    [planned] = lines[:-1]
    told = (planned["object"], planned["fate"], planned["events"], list(planned["reasons"]))
    assert (code, told) == (1, (key, "planned", 1, ["HTTP 400"]))
    assert (objects(here), service.arrived.total()) == ([key], 1)

    service.fault = lambda _: None
    code, [line], _ = console("--enforce")
    assert (code, line["summary"]["shipped"], line["summary"]["complete"]) == (0, 1, True)
    assert (messages(service), objects(here)) == ({"good": 1, "poison": 1}, [])
    code, [line], _ = console("--enforce")
    assert (code, line["summary"]["looked"], service.arrived.total()) == (0, 0, 2)
    by = {who for who, name, _ in here.watch.seen if name == "s3" and who != "auditor"}
    assert [who.startswith("steward-LogShipperRole-") for who in by] == [True]


def test_what_the_mapping_gave_up_is_shipped(
    here: EmbeddedAccount, service: LogService, console: Console
) -> None:
    """SHIP-19: after 46 hours in which nobody mended the destination, as Lambda wrote it; of 50
    messages 50 arrive."""
    service.fault = down
    lines = [f"line {number}" for number in range(50)]
    log(here, *lines)
    here.advance(hours=25)
    assert {"log-shipper-behind", "log-shipper-far-behind"} <= here.alarms()
    here.advance(hours=21, minutes=3)
    [key] = objects(here)
    assert (key.startswith("aws/lambda/"), "log-shipper-given-up" in here.alarms()) == (True, True)
    assert console("--prefix", "parked/")[1][-1]["summary"]["looked"] == 0
    [planned, _] = console("--prefix", "aws/lambda/")[1]
    assert (planned["records"], planned["reasons"]) == (1, {"RecordAgeExceeded": 1})
    service.fault = lambda _: None
    assert console("--enforce")[0] == 0
    assert (messages(service), objects(here)) == (dict.fromkeys(lines, 1), [])


def test_a_destination_that_is_down_loses_nothing(
    here: EmbeddedAccount, service: LogService, console: Console
) -> None:
    """Exit code 2 with the reason; the same command goes on later."""
    keys = [put(here, name, of_event(name)) for name in ("a", "b")]
    service.fault = down
    code, [line], told = console("--enforce")
    assert (code, line["summary"]["complete"], objects(here)) == (2, False, keys)
    assert "steward-log-shipper: HTTP 401" in told
    assert "run it again" in told
    [logline] = logged(here, "redriven")
    assert (logline["level"], logline["looked"]) == ("ERROR", 1)
    service.fault = lambda _: None
    assert console("--enforce")[0] == 0
    assert (sorted(service.arrived), objects(here)) == (["a", "b"], [])


def test_what_stays_is_told_with_the_reason(here: EmbeddedAccount, console: Console) -> None:
    """Exit code 1; the others are shipped."""
    one = put(here, "a", {"kind": "order"})
    put(here, "b", of_event("b"))
    three = put(here, "c", {**of_event("c"), "format": "otlp"})
    code, lines, _ = console("--enforce")
    assert code == 1
    assert [(line["object"], line["fate"]) for line in lines[:-1]] == [
        (one, "left"),
        (three, "left"),
    ]
    assert "none of the log shipper's" in lines[0]["reason"]
    assert "otlp" in lines[1]["reason"]
    assert objects(here) == [one, three]


def test_what_is_refused_again_is_parked_anew(
    here: EmbeddedAccount, service: LogService, console: Console
) -> None:
    """Exit code 1, with the object in which it lies now; the next run leaves that as it is."""
    service.fault = refuses(b'"b"')
    put(here, "a", of_event("a"), of_event("b"))
    code, lines, _ = console("--enforce")
    [new] = objects(here)
    assert (code, {line["object"] for line in lines[:-1]}) == (1, {new})
    assert new.startswith("parked/2026/11/20/")
    code, [line, _], _ = console("--enforce")
    assert (code, line["fate"], objects(here)) == (1, "left", [new])


def test_many_objects_take_many_steps(
    here: EmbeddedAccount,
    service: LogService,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer asks to be asked again after its cursor; the sum is told at the end."""
    monkeypatch.setattr(redriving, "MOST_TOLD", 2)
    for number in range(5):
        put(here, f"{number}", {"kind": "order"})
        put(here, f"{number}-good", of_event(f"{number}"))
    code, lines, _ = console("--enforce")
    summary = lines[-1]["summary"]
    assert (code, summary["looked"], summary["shipped"], summary["left"]) == (1, 10, 5, 5)
    steps = [one.event["redrive"] for one in here.host.invocations if "redrive" in one.event]
    assert [step["prefix"] for step in steps] == ["parked/"] * 3 + ["aws/lambda/"]
    assert set(service.arrived.values()) == {1}


def test_people_see_what_is_there_and_what_was_done(
    here: EmbeddedAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of what is there and why; at a terminal, how far it is."""
    place = ("--endpoint-url", here.server.url, "--region", here.region, "--pace", "off")
    asked = ["redrive", *place, "--stack", here.stack]
    assert main(asked) == 0
    assert capsys.readouterr().out == "Nothing is there.\n"
    put(here, "a", of_event("a"))
    put(here, "b", {"kind": "order"})
    assert main(asked) == 1
    told = capsys.readouterr().out
    assert "1 event: 400 (1)" in told
    assert "damaged: has a line" in told
    assert "Nothing was changed. --enforce sends back and ships what is planned." in told
    monkeypatch.setattr("console.parked.SHOWN", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main([*asked, "--enforce"]) == 1
    out, err = capsys.readouterr()
    assert "2 objects so far" in err
    assert "... and 1 more; --json shows all" in out
    assert "Nothing was changed" not in out


@pytest.mark.parametrize(
    ("arguments", "stack", "code", "told"),
    [
        (["--prefix", "raw/"], "steward", 3, "--prefix: is 'raw/', allowed: parked/ or aws/lambda"),
        ([], "other", 3, "--stack: is 'other', allowed: a stack that there is in eu-west-1"),
    ],
    ids=["another prefix", "another stack"],
)
def test_a_wrong_question_is_told(  # a table's columns
    console: Console, arguments: list[str], stack: str, code: int, told: str
) -> None:
    """Exit code 3; nothing was asked for."""
    found, lines, err = console(*arguments, stack=stack)
    assert (found, lines) == (code, [])
    assert told in err


def test_without_a_stack_there_is_nobody_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3."""
    assert main(["redrive"]) == 3
    assert "needs --stack" in capsys.readouterr().err


def test_the_functions_error_is_one_sentence(here: EmbeddedAccount, console: Console) -> None:
    """Such as that of a policy that is wrong; exit code 2. What became of messages is told."""
    put_parameter(here, "policy/log-shipper", '{"redact": ["all"]}')
    here.host.restart()
    inbox = {"DataType": "String", "StringValue": here.queue("log-subscription").arn}
    here.queue("log-subscription-undelivered").send("{}", attributes={"TARGET_ARN": inbox})
    code, [line, last], told = console("--enforce")
    assert (code, line["fate"], last["summary"]["complete"]) == (2, "sent", False)
    assert told.startswith('steward: steward-log-shipper: log-shipper: redact[0]: is "all"')
    assert len(told.splitlines()) == 1
