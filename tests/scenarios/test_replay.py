"""steward replay: recorded events through the template's own rules, against an account."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.records import envelope
from embedded.counting import CountingServer
from embedded.faults import Fault
from embedded.seeding import Seed, clear_logs, retention_of_log_groups, seed_log_groups

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


@dataclass
class Replay:
    """Writes files of events, replays them, and keeps what was told."""

    server: CountingServer
    folder: Path
    capture: pytest.CaptureFixture[str]
    files: list[Path] = field(default_factory=list)
    code: int = 0
    err: str = ""
    lines: Sequence[Mapping[str, Any]] = ()

    def file(self, content: str | bytes, name: str = "") -> None:
        path = self.folder / (name or f"{len(self.files)}.json")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.files.append(path)

    def __call__(self, *options: str) -> Replay:
        place = ("--endpoint-url", self.server.url, "--region", REGION, "--pace", "off")
        ledger = ("--ledger", str(self.folder / "ledger.sqlite3"), "--json")
        self.code = main(["replay", *map(str, self.files), *options, *place, *ledger])
        out, self.err = self.capture.readouterr()
        self.lines = [json.loads(line) for line in out.splitlines()]
        return self

    @property
    def fates(self) -> dict[str, str]:
        return {one["resource"]["id"]: one["fate"] for one in self.lines if "resource" in one}

    @property
    def skipped(self) -> Counter[str]:
        return Counter(one["skipped"] for one in self.lines if "skipped" in one)

    @property
    def summary(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.lines[-1]["summary"]
        return found


@pytest.fixture
def replay(server: CountingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Replay:
    server.faults = ()
    clear_logs(region=REGION)
    seed_log_groups([Seed(name="/a"), Seed(name="/b"), Seed(name="/c")], region=REGION)
    server.clear()
    return Replay(server, tmp_path, capsys)


def record(name: str = "/a", **fields: Any) -> dict[str, Any]:
    """A CloudTrail record of CreateLogGroup."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT},
        "eventTime": "2026-11-20T10:00:00Z",
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogGroup",
        "awsRegion": REGION,
        "requestParameters": {"logGroupName": name},
        "responseElements": None,
        "eventID": "11111111-1111-1111-1111-111111111111",
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        **fields,
    }


FORMS: dict[str, Callable[[dict[str, Any]], str | bytes]] = {
    "a log file as S3 keeps it": lambda one: gzip.compress(json.dumps({"Records": [one]}).encode()),
    "a record": json.dumps,
    "an EventBridge event": lambda one: json.dumps(envelope(one)),
    "a wrapper": lambda one: json.dumps({"_provenance": {}, "event": envelope(one)}),
    "a record in a wrapper": lambda one: json.dumps({"event": one}),
    "lines": lambda one: "\n".join(json.dumps(each) for each in (one, envelope(one))),
    "a list": lambda one: json.dumps([one, envelope(one)]),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_events_are_read_however_they_were_kept(
    replay: Replay, form: Callable[[dict[str, Any]], str | bytes]
) -> None:
    """Whatever the form, the event names its group, once."""
    replay.file(form(record()))
    replay("--enforce")
    assert (replay.fates, replay.code) == ({"/a": "remediated"}, 0)
    assert retention_of_log_groups(region=REGION) == {"/a": 30, "/b": None, "/c": None}


def test_a_mixed_heap_of_files_acts_on_what_is_ours_and_tells_why_not_of_the_rest(
    replay: Replay,
) -> None:
    """Every event has a line: a resource's, or its reason."""
    failed = record("/b", errorCode="ResourceAlreadyExistsException")
    odd = [
        record(recipientAccountId="999999999999"),
        record(awsRegion="us-east-1"),
        record(eventName="DescribeLogGroups"),
        record(requestParameters=None),
    ]
    replay.file(gzip.compress(json.dumps({"Records": [record(), *odd]}).encode()), "day.json.gz")
    replay.file("\n".join([json.dumps(failed), '{"cut": ', json.dumps({"no": "event"})]))
    replay("--enforce")
    assert replay.fates == {"/a": "remediated"}
    assert replay.skipped == {
        "other-account": 1,
        "other-region": 1,
        "no-rule": 1,
        "no-name": 1,
        "failed-call": 1,
        "not-an-event": 2,
    }
    assert replay.summary["skipped"] == dict(replay.skipped)
    assert replay.code == 2  # a line is cut off


@pytest.mark.parametrize(
    ("content", "complete"),
    [
        (json.dumps(record("/b"))[:-1], False),
        ("", False),
        (b"\xff\xfe", False),
        (gzip.compress(json.dumps(record("/b")).encode()) + b"x", False),
        (json.dumps({"no": "event"}), True),
        (json.dumps({"Records": []}), True),
    ],
    ids=["cut off", "empty", "binary", "after the gzip", "no event", "no records"],
)
def test_input_that_is_damaged_makes_it_incomplete(
    replay: Replay,
    content: str | bytes,
    complete: bool,  # noqa: FBT001  # a case
) -> None:
    """Exit code 2: an event may be missing; the others are acted on."""
    replay.file(json.dumps(record()))
    replay.file(content)
    replay("--enforce")
    assert replay.fates["/a"] == "remediated"
    assert (replay.summary["complete"], replay.code) == (complete, 0 if complete else 2)
    told = [one["event"]["damaged"] for one in replay.lines if "skipped" in one]
    assert all(damaged is not complete for damaged in told)


@pytest.mark.parametrize("content", ['{"name": "x"}', "{}", "[]", '{"Records": []}', "{}\n[]", ""])
def test_files_without_any_event_are_not_clean(replay: Replay, content: str) -> None:
    """Exit code 2, and each is named: somebody meant another file."""
    replay.file(content, "policy.json")
    replay()
    assert (replay.summary["complete"], replay.code) == (False, 2)
    assert replay.err == f"steward: replay: no event was found in {replay.files[0]}\n"
    replay.file(json.dumps(record()))
    assert ("policy.json" in replay("--enforce").err, replay.code) == (
        True,
        2 if not content else 0,
    )
    assert replay.fates == {"/a": "remediated"}


def test_a_resource_that_many_events_name_is_looked_at_once(replay: Replay) -> None:
    """300 events of three groups are one read."""
    replay.file("\n".join(json.dumps(record(f"/{'abc'[n % 3]}")) for n in range(300)))
    replay("--enforce")
    assert replay.fates == dict.fromkeys(("/a", "/b", "/c"), "remediated")
    assert replay.server.calls["logs.DescribeLogGroups"] == 1


def test_without_enforce_it_is_a_plan(replay: Replay) -> None:
    """Violations are open: exit code 1, and nothing is written."""
    replay.file(json.dumps(record()))
    replay()
    assert (replay.fates, replay.code) == ({"/a": "planned"}, 1)
    assert replay.server.calls["logs.PutRetentionPolicy"] == 0


def test_a_group_that_is_gone_meanwhile_is_told_as_gone(replay: Replay) -> None:
    """Level-based: what is named is read now, and no other whose name begins like it."""
    replay.file(json.dumps(record("/")))
    replay("--enforce")
    assert (replay.fates, replay.code) == ({"/": "gone"}, 0)


def test_a_control_that_the_policy_turns_off_looks_at_nothing(replay: Replay) -> None:
    """Controls that a policy file does not name are off."""
    policy = replay.folder / "policy.json"
    policy.write_text("{}")
    replay.file(json.dumps(record()))
    replay("--enforce", "--policy", str(policy))
    assert (replay.fates, replay.code, replay.skipped) == ({}, 0, {"no-rule": 1})
    assert replay.server.calls["logs.DescribeLogGroups"] == 0


def test_what_cannot_be_read_makes_it_incomplete(replay: Replay) -> None:
    """Exit code 2, and the other resources are done."""
    denied = Fault(operation="logs.DescribeLogGroups", code="AccessDeniedException", times=None)
    replay.server.faults = [denied]
    replay.file(json.dumps(record()))
    replay("--enforce")
    assert (replay.fates, replay.code) == ({"/a": "unknown"}, 2)


@pytest.fixture
def busy(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Replay]:
    """Forty groups that events name, of which AWS is always too busy for the first so many."""

    def replayed(count: int) -> Replay:
        monkeypatch.setattr("steward.aws.api.LONGEST_BACKOFF", 0.0)  # repeats at once
        names = [f"/busy/{number:02}" for number in range(40)]
        seed_log_groups([Seed(name=name) for name in names], region=REGION)
        replay.server.faults = [
            Fault(
                operation="logs.PutRetentionPolicy",
                code="OperationAbortedException",
                times=None,
                when=lambda params: params["logGroupName"] in names[:count],
            )
        ]
        replay.file(json.dumps([record(name) for name in names]))
        return replay("--enforce")

    return replayed


def test_what_there_was_no_time_for_is_told_all_the_same(busy: Callable[[int], Replay]) -> None:
    """Each resource has one line, though AWS stays too busy."""
    replay = busy(40)
    assert (len(replay.fates), replay.summary["resources"]) == (40, 40)
    left = [one for one in replay.lines if one.get("fate") == "unknown"]
    assert {(one["verdict"], one["code"]) for one in left} == {("UNKNOWN", "BUSY")}
    assert all("no time" in one["reason"] for one in left)
    assert set(replay.fates.values()) == {"failed", "unknown"}
    assert (replay.summary["complete"], replay.code) == (False, 2)


def test_what_there_was_no_time_for_is_looked_at_again(busy: Callable[[int], Replay]) -> None:
    """Eight failures in a row end a look; the rest is put right by a second one."""
    assert Counter(busy(15).fates.values()) == {"failed": 15, "remediated": 25}


def test_a_terminal_is_told_how_far_it_is(
    replay: Replay, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many of how many resources were looked at; nothing of it with --json."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    replay.file(json.dumps([record(f"/none/{number}") for number in range(120)]))
    replay()
    assert "looked at" not in replay.err
    place = ("--endpoint-url", replay.server.url, "--region", REGION, "--pace", "off")
    ledger = ("--ledger", str(replay.folder / "ledger.sqlite3"))
    main(["replay", *map(str, replay.files), *place, *ledger])
    lines = [one.strip() for one in capsys.readouterr().err.splitlines() if one]
    told = [one for one in lines if not one.endswith(" is off")]
    assert "log-subscription is off" in lines
    assert told == [f"{number} of 120 resources looked at" for number in (0, 50, 100, 120)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "FILE..."), (["/no/such/file"], "/no/such/file")],
    ids=["no file", "a file that is not there"],
)
def test_usage_errors_say_what_is_wrong(
    arguments: Sequence[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3."""
    assert main(["replay", *arguments]) == 3
    assert told in capsys.readouterr().err
